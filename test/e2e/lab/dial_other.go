//go:build !linux

package lab

import (
	"context"
	"errors"
	"net"
)

// Dial needs Linux's network namespaces.
func (l *Lab) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("the namespace lab needs Linux")
}

// Listen needs Linux's network namespaces.
func (l *Lab) Listen(context.Context, string, string) (net.Listener, error) {
	return nil, errors.New("the namespace lab needs Linux")
}

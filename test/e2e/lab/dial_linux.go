package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects from the hub's network, for clients that live in the test's
// own process. The address must be numeric: no name server answers there.
func (l *Lab) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return inHub(l, func() (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, network, address) })
}

// Listen listens in the hub's network, for servers that live in the test's own
// process: what hactl and the other programs there know as 127.0.0.1.
func (l *Lab) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return inHub(l, func() (net.Listener, error) { return (&net.ListenConfig{}).Listen(ctx, network, address) })
}

// inHub makes a socket in the hub's network. It belongs to the network that it
// was made in, whatever thread uses it later.
func inHub[T any](l *Lab, open func() (T, error)) (socket T, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine, so that no other
		// goroutine ever runs in the hub's network.
		runtime.LockOSThread()
		var ns *os.File
		if ns, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", l.hubPID)); err != nil {
			return
		}
		defer ns.Close()
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			err = fmt.Errorf("enter the hub's network: %w", err)
			return
		}
		socket, err = open()
	}()
	<-done
	return socket, err
}

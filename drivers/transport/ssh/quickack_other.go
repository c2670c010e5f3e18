//go:build !linux

package ssh

import "net"

func quickly(c net.Conn) net.Conn { return c }

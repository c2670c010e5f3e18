package ssh

import (
	"net"

	"golang.org/x/sys/unix"
)

// quick is a TCP connection that acknowledges at once what it receives.
//
// sshd leaves Nagle's algorithm on for sessions without a terminal: what a short command ends with (output, exit status, close) comes as
// several small packets, of which each waits for the acknowledgement of the one before. A kernel that delays those by 40 ms makes a command
// of 5 ms last 50. The option must be set again after each read (tcp(7), TCP_QUICKACK).
type quick struct {
	*net.TCPConn
	raw func(func(fd uintptr)) error
}

func quickly(c net.Conn) net.Conn {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return c
	}
	return &quick{t, raw.Control}
}

func (q *quick) Read(b []byte) (int, error) {
	n, err := q.TCPConn.Read(b)
	_ = q.raw(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }) // slower without, nothing else
	return n, err
}

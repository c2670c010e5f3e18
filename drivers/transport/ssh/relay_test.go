package ssh

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay stands between a client and a node and can fail like a network: cut the connection, or swallow everything.
type relay struct {
	port   int
	limit  atomic.Int64 // cut once that many bytes went to the node; 0: never
	silent atomic.Bool  // swallow

	mu    sync.Mutex
	conns []net.Conn
}

func startRelay(t *testing.T, n *node) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{port: l.Addr().(*net.TCPAddr).Port}
	t.Cleanup(func() { l.Close(); r.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", itoa(n.port)))
			if err != nil {
				c.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, c, s)
			r.mu.Unlock()
			go r.pipe(s, c, true)
			go r.pipe(c, s, false)
		}
	}()
	return r
}

func (r *relay) pipe(to, from net.Conn, counted bool) {
	buf, sum := make([]byte, 4096), int64(0)
	for {
		n, err := from.Read(buf)
		if err != nil {
			to.Close()
			return
		}
		sum += int64(n)
		if limit := r.limit.Load(); counted && limit > 0 && sum > limit {
			r.cut()
			return
		}
		if r.silent.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			_, _ = io.Copy(io.Discard, from)
			return
		}
	}
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

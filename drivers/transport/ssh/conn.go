package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hactl/hactl/reconcile"
	"golang.org/x/crypto/ssh"
)

// conn is one SSH connection. It owns every goroutine that works on it: close waits for them.
type conn struct {
	client *ssh.Client
	line   *watched
	stop   chan struct{}
	dead   chan struct{} // closed when the connection is over
	wg     sync.WaitGroup
	opens  sync.WaitGroup // see session
	once   sync.Once

	mu     sync.Mutex
	lost   error // why the connection ended
	closed bool
}

// watched notes that nothing more can be read before the layers above learn of it: to them, every channel just comes to its end, and an output
// that was cut off must not pass for a whole one.
type watched struct {
	net.Conn
	broken atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil {
		w.broken.Store(true)
	}
	return n, err
}

func newConn(client *ssh.Client, line *watched, every, wait time.Duration) *conn {
	c := &conn{client: client, line: line, stop: make(chan struct{}), dead: make(chan struct{})}
	c.wg.Go(func() { c.keepalive(every, wait) })
	c.wg.Go(func() {
		if err := client.Wait(); err != nil {
			c.fail(fmt.Errorf("connection lost: %w", err))
		}
		close(c.dead)
	})
	return c
}

// keepalive notices a peer that vanished without a word: TCP alone would take hours. Closing the connection ends all that waits on it.
func (c *conn) keepalive(every, wait time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
		}
		answered := make(chan error, 1)
		c.wg.Go(func() { // ends with an answer or with the connection
			_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		})
		late := time.NewTimer(wait)
		select {
		case <-c.stop:
			late.Stop()
			return
		case err := <-answered:
			late.Stop()
			if err != nil {
				c.fail(fmt.Errorf("connection lost: %w", err))
				return
			}
		case <-late.C:
			c.fail(fmt.Errorf("connection lost: no answer for %s", wait))
			return
		}
	}
}

func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.lost == nil {
		c.lost = err
	}
	c.mu.Unlock()
	_ = c.client.Close() // it is lost already
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.stop)
		c.mu.Lock()
		c.closed = true
		if c.lost == nil {
			c.lost = errors.New("connection closed")
		}
		c.mu.Unlock()
		_ = c.client.Close() // an error tells that the peer was faster
		c.wg.Wait()
		opened := make(chan struct{})
		go func() { c.opens.Wait(); close(opened) }()
		late := time.NewTimer(time.Second)
		defer late.Stop()
		select {
		case <-opened:
		case <-late.C:
		}
	})
}

// gone is the error of a call that the connection did not survive.
func (c *conn) gone(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		err = c.lost
	}
	return &reconcile.UnreachableError{Err: err}
}

// drainTime is how long output may still come after a command has ended, when a process that it left behind holds its output open.
const drainTime = 2 * time.Second

// Exec implements transport.Shell by one session channel (RFC 4254, 6). golang.org/x/crypto's Session is not used because it tells the
// exit code only when the channel is closed, which a daemon that a command started can put off for ever.
func (c *conn) Exec(ctx context.Context, line string, stdin io.ReadCloser, stdout, stderr io.Writer) (int, error) {
	defer func() { _ = stdin.Close() }() // in memory: nothing to lose
	if err := c.enter(); err != nil {
		return 0, err
	}
	defer c.wg.Done()
	ch, reqs, err := c.session(ctx, line)
	if err != nil {
		return 0, err
	}
	defer func() { _ = ch.Close() }() // an error tells that the peer was faster

	c.wg.Go(func() { // ends when stdin or the channel is closed
		if _, err := io.Copy(ch, stdin); err == nil {
			_ = ch.CloseWrite() // a command need not read its input
		}
	})
	var outputs sync.WaitGroup
	outputs.Go(func() { _, _ = io.Copy(stdout, ch) }) // ends with the channel, like the next
	outputs.Go(func() { _, _ = io.Copy(stderr, ch.Stderr()) })
	drained, exited := make(chan struct{}), make(chan int, 1)
	c.wg.Go(func() { outputs.Wait(); close(drained) })
	closed := make(chan struct{})
	c.wg.Go(func() { exitCode(reqs, exited); close(closed) })

	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case code := <-exited:
		return c.complete(ctx, code, drained)
	case <-closed:
	}
	select {
	case code := <-exited:
		return c.complete(ctx, code, drained)
	default:
		return 0, c.gone(errors.New("connection lost while a command ran"))
	}
}

// enter counts a call in, so that close waits for it.
func (c *conn) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return &reconcile.UnreachableError{Err: c.lost}
	}
	c.wg.Add(1)
	return nil
}

// complete is the end of a command whose exit code is known: its output must have come in full.
func (c *conn) complete(ctx context.Context, code int, drained <-chan struct{}) (int, error) {
	if err := wait(ctx, drained); err != nil {
		return 0, err
	}
	if c.line.broken.Load() {
		return 0, c.gone(errors.New("connection lost before all output came"))
	}
	return code, nil
}

// wait lets the output come to its end.
func wait(ctx context.Context, drained <-chan struct{}) error {
	late := time.NewTimer(drainTime)
	defer late.Stop()
	select {
	case <-drained:
	case <-late.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// slotWait bounds how long to go on asking for a session that sshd refuses.
const slotWait = 3 * time.Second

// session opens a channel and starts line in it. sshd counts a session until it has reaped its process, which is after it closed the
// channel: when one session follows another at once, ten may seem to run though eight do. Such a refusal is over in a moment, so it is asked
// again; no command was started.
func (c *conn) session(ctx context.Context, line string) (ssh.Channel, <-chan *ssh.Request, error) {
	begun := time.Now()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		ch, reqs, err := c.openSession(ctx, line)
		if !errors.Is(err, errNoSlot) || time.Since(begun) > slotWait {
			return ch, reqs, err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-c.dead:
			t.Stop()
			return nil, nil, c.gone(errors.New("connection lost"))
		case <-ctx.Done():
			t.Stop()
			return nil, nil, context.Cause(ctx)
		}
	}
}

func (c *conn) openSession(ctx context.Context, line string) (ssh.Channel, <-chan *ssh.Request, error) {
	type opened struct {
		ch   ssh.Channel
		reqs <-chan *ssh.Request
		err  error
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	got := make(chan opened)
	// This ends when the peer answered both questions, or with the connection. But x/crypto v0.58 has a gap between the end of a connection and
	// the moment when sending fails, and a channel that is opened in it waits for ever (mux.loop drops the channels that it knows then): so
	// nobody waits for this one without a bound.
	over := make(chan struct{})
	defer close(over)
	c.opens.Go(func() {
		var o opened
		if o.ch, o.reqs, o.err = c.client.OpenChannel("session", nil); o.err == nil {
			ok, err := o.ch.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{line}))
			if err == nil && !ok {
				err = errRefused
			}
			if err != nil {
				_ = o.ch.Close()
				o.err = err
			}
		}
		select {
		case got <- o:
		case <-over:
			if o.err == nil {
				_ = o.ch.Close() // nobody waits any more
				ssh.DiscardRequests(o.reqs)
			}
		}
	})
	var open *ssh.OpenChannelError
	select {
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case <-c.dead:
		return nil, nil, c.gone(errors.New("connection lost"))
	case o := <-got:
		switch {
		case o.err == nil:
			return o.ch, o.reqs, nil
		case errors.As(o.err, &open):
			return nil, nil, &reconcile.UnreachableError{
				Err:  fmt.Errorf("%w: %s", errNoSlot, open.Message),
				Hint: "MaxSessions in its sshd_config must be 10 (the default) or more",
			}
		case errors.Is(o.err, errRefused):
			return nil, nil, &reconcile.UnreachableError{Err: o.err, Hint: "see ForceCommand and PermitTTY in its sshd_config, and the account's shell"}
		}
		return nil, nil, c.gone(o.err)
	}
}

var errNoSlot = errors.New("sshd refused another session")

var errRefused = errors.New("sshd refused to run a command")

// exitCode waits for the end of a command (RFC 4254, 6.10), until the channel is closed.
func exitCode(reqs <-chan *ssh.Request, exited chan<- int) {
	for r := range reqs {
		code := -1
		switch r.Type {
		case "exit-status":
			var m struct{ Status uint32 }
			if ssh.Unmarshal(r.Payload, &m) == nil {
				code = int(m.Status)
			}
		case "exit-signal":
			var m struct {
				Signal     string
				CoreDumped bool
				Error      string
				Lang       string
			}
			if ssh.Unmarshal(r.Payload, &m) == nil {
				code = 128 + signalNumber(m.Signal)
			}
		}
		if r.WantReply {
			_ = r.Reply(false, nil) // the channel may be closed
		}
		if code >= 0 {
			select {
			case exited <- code:
			default: // a second one is against the protocol
			}
		}
	}
}

// signalNumber gives Linux' number for a name without SIG (RFC 4254, 6.9), 0 for one that is not known.
func signalNumber(name string) int {
	return map[string]int{
		"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15,
	}[name]
}

var _ net.Conn = (*proxyConn)(nil)

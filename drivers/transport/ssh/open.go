// Package ssh reaches machines by SSH, one connection each, with the user's own ssh configuration, agent and known hosts.
//
// A machine's key must be known beforehand: there is no trust on first use, whatever StrictHostKeyChecking says. Nothing is ever asked:
// no passwords, no passphrases.
package ssh

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/reconcile"
)

// Target is a machine and what its manifest says about the way to it. Empty fields come from the ssh configuration, where the machine is
// looked up under Name first and under Address second.
type Target struct {
	Name          string // in the manifests; also what is connected to when neither Address nor HostName says otherwise
	Address       string // host name or IP address, or a Host of the ssh configuration
	Fallback      string // address to connect to when neither Address nor HostName says one
	Port          int
	User          string
	IdentityFiles []string // tried before those of the ssh configuration; ~ and the tokens of ssh_config(5) are understood
	RunDir        string   // see transport.NewMachine; for tests
}

// DefaultConnectTimeout bounds a connection with its login.
const DefaultConnectTimeout = 10 * time.Second

// Config is what holds for all machines.
type Config struct {
	File           string        // ssh configuration; empty: ~/.ssh/config, then /etc/ssh/ssh_config
	ConnectTimeout time.Duration // 0: ConnectTimeout of the ssh configuration, else DefaultConnectTimeout; per hop
	MaxSessions    int           // commands at once on one connection; 0: transport.DefaultSessions

	// How a vanished peer is noticed: a question every so often, an answer within the other time. 0: 5 s and 15 s.
	keepEvery, keepWait time.Duration
}

// Host is one connected machine.
type Host struct {
	*transport.Machine
	conn *conn
	way  io.Closer // the connections to jump hosts, when they are this Host's own
}

var _ reconcile.Host = (*Host)(nil)

// Close ends the connection. Commands that run become a *reconcile.UnreachableError.
func (h *Host) Close() error {
	h.conn.close()
	if h.way != nil {
		return h.way.Close()
	}
	return nil
}

// Dial connects to one machine. Its error is a *reconcile.UnreachableError with a hint of what to do. No command has run yet: whether sudo
// works shows with the first one.
func Dial(ctx context.Context, t Target, cfg Config) (*Host, error) {
	d := newDialer(cfg)
	h, err := d.dial(ctx, t)
	if err != nil {
		_ = d.Close() // jump hosts only
		return nil, err
	}
	h.way = d
	return h, nil
}

// Open connects to all targets at once and keeps their order. It does not fail: a machine that cannot be reached is a Host whose every method
// returns why. Jump hosts are connected to once each. The Closer ends all connections.
func Open(ctx context.Context, targets []Target, cfg Config) (reconcile.Hosts, io.Closer) {
	d := newDialer(cfg)
	hosts := make(reconcile.Hosts, len(targets))
	all := &connections{dialer: d}
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			h, err := d.dial(ctx, t)
			if err != nil {
				hosts[i] = &unreachable{name: t.Name, err: err}
				return
			}
			hosts[i] = h
			all.add(h)
		})
	}
	wg.Wait()
	return hosts, all
}

type connections struct {
	dialer *dialer
	mu     sync.Mutex
	hosts  []*Host
}

func (c *connections) add(h *Host) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = append(c.hosts, h)
}

func (c *connections) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, h := range c.hosts {
		errs = append(errs, h.Close())
	}
	c.hosts = nil
	return errors.Join(append(errs, c.dialer.Close())...)
}

// unreachable stands for a machine that could not be connected to.
type unreachable struct {
	name string
	err  error
}

func (u *unreachable) Name() string { return u.name }

func (u *unreachable) Run(context.Context, reconcile.Cmd) ([]byte, error) { return nil, u.err }

func (u *unreachable) ReadFiles(context.Context, ...string) (map[string]reconcile.File, error) {
	return nil, u.err
}

func (u *unreachable) WriteFile(context.Context, string, reconcile.File) error { return u.err }

package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/reconcile"
	"golang.org/x/crypto/ssh"
)

// maxHops bounds a chain of jump hosts, which a configuration can make a circle.
const maxHops = 8

// dialer connects, and owns the connections to jump hosts, which machines share.
type dialer struct {
	cfg    Config
	client *clientConfig
	err    error // of the ssh configuration

	mu   sync.Mutex
	hops map[string]*hop // by the whole way to it
}

type hop struct {
	ready chan struct{} // closed when conn or err is set
	conn  *conn
	err   error
}

func newDialer(cfg Config) *dialer {
	if cfg.keepEvery == 0 {
		cfg.keepEvery, cfg.keepWait = 5*time.Second, 15*time.Second
	}
	d := &dialer{cfg: cfg, hops: map[string]*hop{}}
	d.client, d.err = loadConfig(cfg.File)
	return d
}

func (d *dialer) dial(ctx context.Context, t Target) (*Host, error) {
	c, err := d.connect(ctx, t)
	if err != nil {
		var gone *reconcile.UnreachableError
		if !errors.As(err, &gone) {
			gone = &reconcile.UnreachableError{Err: err}
		}
		return nil, &reconcile.UnreachableError{Host: t.Name, Err: gone.Err, Hint: gone.Hint}
	}
	return &Host{Machine: transport.NewMachine(t.Name, c, d.cfg.MaxSessions, t.RunDir), conn: c}, nil
}

// Close ends the connections to jump hosts.
func (d *dialer) Close() error {
	d.mu.Lock()
	hops := d.hops
	d.hops = map[string]*hop{}
	d.mu.Unlock()
	for _, h := range hops {
		<-h.ready
		if h.conn != nil {
			h.conn.close()
		}
	}
	return nil
}

// connect makes one connection with its login, over those to its jump hosts.
func (d *dialer) connect(ctx context.Context, t Target) (*conn, error) {
	if d.err != nil {
		return nil, d.err
	}
	way, err := d.way(t, 0)
	if err != nil {
		return nil, err
	}
	via, err := d.hop(ctx, way)
	if err != nil {
		return nil, err
	}
	return d.step(ctx, t, via)
}

// way lists the jump hosts of a target, the nearest first. Only the first hop of a ProxyJump goes the way that its own configuration says;
// each other goes over the one before it (ssh_config(5)).
func (d *dialer) way(t Target, depth int) ([]Target, error) {
	if depth > maxHops {
		return nil, fmt.Errorf("more than %d jump hosts: does ProxyJump go in a circle?", maxHops)
	}
	s, err := d.client.resolve(t, d.cfg.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	var way []Target
	for i, text := range s.jump {
		h, err := hopTarget(text)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if way, err = d.way(h, depth+1); err != nil {
				return nil, err
			}
		}
		way = append(way, h)
	}
	return way, nil
}

// hop connects to the last of a row of jump hosts, once for all that go this way. No row: nil.
func (d *dialer) hop(ctx context.Context, way []Target) (*conn, error) {
	if len(way) == 0 {
		return nil, nil
	}
	last := way[len(way)-1]
	key := fmt.Sprint(way)
	d.mu.Lock()
	h, found := d.hops[key]
	if !found {
		h = &hop{ready: make(chan struct{})}
		d.hops[key] = h
	}
	d.mu.Unlock()
	if !found {
		var via *conn
		if via, h.err = d.hop(ctx, way[:len(way)-1]); h.err == nil {
			if h.conn, h.err = d.step(ctx, last, via); h.err != nil {
				h.err = atHop(last.Name, h.err)
			}
		}
		close(h.ready)
	}
	select {
	case <-h.ready:
		return h.conn, h.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func atHop(name string, err error) error {
	var gone *reconcile.UnreachableError
	if errors.As(err, &gone) {
		return &reconcile.UnreachableError{Err: fmt.Errorf("jump host %s: %w", name, gone.Err), Hint: gone.Hint}
	}
	return fmt.Errorf("jump host %s: %w", name, err)
}

// step makes one connection, over via unless that is nil.
func (d *dialer) step(ctx context.Context, t Target, via *conn) (*conn, error) {
	s, err := d.client.resolve(t, d.cfg.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errTimeout)
	defer cancel()
	raw, err := s.dialRaw(ctx, via)
	if err != nil {
		return nil, s.explainDial(ctx, err, via != nil)
	}
	c, err := s.login(ctx, raw, d.cfg)
	if err != nil {
		_ = raw.Close() // the login's error tells more
		return nil, err
	}
	return c, nil
}

func (s settings) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// dialRaw opens the byte stream that SSH runs over.
func (s settings) dialRaw(ctx context.Context, via *conn) (net.Conn, error) {
	switch {
	case via != nil:
		return via.client.DialContext(ctx, "tcp", s.address())
	case s.proxy != "":
		return startProxy(s.proxy)
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address())
	if err != nil {
		return nil, err
	}
	return quickly(c), nil
}

// errTimeout is the cause of a connection's context that ran out by ConnectTimeout.
var errTimeout = errors.New("time limit of the connection reached")

func (s settings) explainDial(ctx context.Context, err error, jumped bool) error {
	u := &reconcile.UnreachableError{Err: err}
	var dns *net.DNSError
	var open *ssh.OpenChannelError
	switch {
	case errors.As(err, &dns):
		u.Err = fmt.Errorf("name %s: %w", s.host, err)
		u.Hint = "say its address in the manifest (ssh: {address: …}) or as HostName in the ssh configuration"
	case errors.As(err, &open) && jumped:
		u.Err = fmt.Errorf("the jump host could not connect to %s: %s", s.address(), open.Message)
		u.Hint = "is sshd running there, and does the jump host allow forwarding (AllowTcpForwarding)?"
	case errors.Is(err, syscall.ECONNREFUSED):
		u.Err = fmt.Errorf("connection refused by %s", s.address())
		u.Hint = "the machine is up, but is sshd running there and listening on port " + strconv.Itoa(s.port) + "?"
	case errors.Is(context.Cause(ctx), errTimeout), os.IsTimeout(err):
		u.Err = fmt.Errorf("no answer from %s within %s", s.address(), s.timeout)
		u.Hint = "is the machine up, and does a firewall drop port " + strconv.Itoa(s.port) + "?"
	case ctx.Err() != nil:
		u.Err = context.Cause(ctx)
	}
	return u
}

// login runs the SSH handshake on raw and takes it over.
func (s settings) login(ctx context.Context, raw net.Conn, cfg Config) (*conn, error) {
	keys, err := newHostKeys(s)
	if err != nil {
		return nil, err
	}
	ids := findIdentities(s)
	defer ids.close()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // ends a handshake that hangs
	line := &watched{Conn: raw}
	cc, chans, reqs, err := ssh.NewClientConn(line, s.keyHost, &ssh.ClientConfig{
		User:              s.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(ids.signers...)},
		HostKeyCallback:   keys.check,
		HostKeyAlgorithms: keys.algorithms(),
	})
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, s.explainLogin(ctx, err, raw, keys, ids)
	}
	return newConn(ssh.NewClient(cc, chans, reqs), line, cfg.keepEvery, cfg.keepWait), nil
}

func (s settings) explainLogin(ctx context.Context, err error, raw net.Conn, keys *hostKeys, ids *identities) error {
	u := &reconcile.UnreachableError{Err: fmt.Errorf("%s: %w", s.address(), err)}
	var auth *ssh.ServerAuthError
	said := ""
	if p, ok := raw.(*proxyConn); ok {
		_ = p.Close() // its message is complete then
		said = p.said()
	}
	if reason, hint, ok := keys.explain(err); ok {
		u.Err, u.Hint = fmt.Errorf("%s: %w", s.address(), reason), hint
		return u
	}
	switch {
	case errors.Is(context.Cause(ctx), errTimeout):
		u.Err = fmt.Errorf("%s accepted the connection, but SSH did not answer within %s", s.address(), s.timeout)
		u.Hint = "is it sshd that listens there, and is the machine not overloaded?"
	case ctx.Err() != nil:
		u.Err = context.Cause(ctx)
	case strings.Contains(err.Error(), "unable to authenticate"), strings.Contains(err.Error(), "Too many authentication failures"), errors.As(err, &auth):
		u.Err = fmt.Errorf("login as %s at %s was refused", s.user, s.address())
		u.Hint = "tried: " + ids.String() + "; put one of these keys there with ssh-copy-id, or name another (user, identityFile or an agent)"
		if strings.Contains(err.Error(), "Too many") {
			u.Hint += "; too many were offered: IdentitiesOnly yes in the ssh configuration restricts them"
		}
	case said != "":
		u.Err = fmt.Errorf("ProxyCommand: %s", said)
		u.Hint = "it was: " + s.proxy
	}
	return u
}

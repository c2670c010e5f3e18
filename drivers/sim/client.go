package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Client is one process of hactl: it has its own connections and locks, and it can be killed.
type Client struct {
	c *Cluster
	// guarded by c.mu
	calls   int // that change something
	killAt  int
	took    bool
	dead    bool
	changes int // of the CIB
}

// Client makes a new one.
func (c *Cluster) Client() *Client { return &Client{c: c} }

// Kill has the client die at its k-th changing call, k from 1. took tells whether that call still has its effect: the answer is lost then.
func (cl *Client) Kill(k int, took bool) *Client {
	cl.killAt, cl.took = k, took
	return cl
}

// Calls counts the changing calls so far.
func (cl *Client) Calls() int {
	cl.c.mu.Lock()
	defer cl.c.mu.Unlock()
	return cl.calls
}

// Killed tells whether the client is dead.
func (cl *Client) Killed() bool {
	cl.c.mu.Lock()
	defer cl.c.mu.Unlock()
	return cl.dead
}

// Patches counts the changes of the CIB by this client.
func (cl *Client) Patches() int {
	cl.c.mu.Lock()
	defer cl.c.mu.Unlock()
	return cl.changes
}

// Hosts are the machines.
func (cl *Client) Hosts() reconcile.Hosts {
	hosts := make(reconcile.Hosts, len(cl.c.nodes))
	for i, n := range cl.c.nodes {
		hosts[i] = host{cl, n}
	}
	return hosts
}

// ErrKilled is what a dead client gets from every call. There is nobody to read it: it only ends the goroutines.
var ErrKilled = errors.New("sim: hactl was killed")

func (cl *Client) die() {
	cl.dead = true
	for _, n := range cl.c.nodes {
		if n.holder == cl {
			n.holder = nil
		}
	}
}

// host is a machine as a client sees it.
type host struct {
	client *Client
	node   *Node
}

var _ reconcile.Host = host{}

func (h host) Name() string { return h.node.name }

// Run implements reconcile.Host.
func (h host) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	limit := c.Limit
	if limit == 0 {
		limit = reconcile.DefaultLimit
	}
	x := &call{c: h.client.c, n: h.node, client: h.client, argv: c.Argv, in: string(c.Stdin), mutates: c.Mutates}
	if follows(c.Argv) {
		return x.follow(ctx, limit, c.Line)
	}
	a, err := x.carryOut(ctx, strings.Join(x.shown(), " "), limit, func() answer {
		if h.client.c.Tools != nil && computes(c.Argv) {
			return answer{tools: true}
		}
		return x.interpret()
	})
	if err != nil {
		return nil, err
	}
	if a.tools { // out of the lock
		return h.client.c.Tools.Run(ctx, c)
	}
	if c.Line != nil {
		for line := range strings.Lines(a.out) {
			c.Line([]byte(strings.TrimSuffix(line, "\n")))
		}
	}
	if a.code != 0 {
		return []byte(a.out), &reconcile.ExitError{Host: h.node.name, Argv: c.Argv, Code: a.code, Stdout: []byte(a.out), Stderr: []byte(a.err)}
	}
	return []byte(a.out), nil
}

// ReadFiles implements reconcile.Host.
func (h host) ReadFiles(ctx context.Context, globs ...string) (map[string]reconcile.File, error) {
	x := &call{c: h.client.c, n: h.node, client: h.client}
	var found map[string]reconcile.File
	_, err := x.carryOut(ctx, "read "+strings.Join(globs, " "), reconcile.DefaultLimit, func() answer {
		found = h.node.match(globs)
		return answer{}
	})
	return found, err
}

// WriteFile implements reconcile.Host.
func (h host) WriteFile(ctx context.Context, path string, f reconcile.File) error {
	x := &call{c: h.client.c, n: h.node, client: h.client, mutates: true}
	a, err := x.carryOut(ctx, "write "+path, 2*time.Minute, func() answer { return x.write(path, f) })
	if err == nil && a.code != 0 {
		return &reconcile.ExitError{Host: h.node.name, Argv: []string{"write", path}, Code: a.code, Stderr: []byte(a.err)}
	}
	return err
}

// carryOut lets a call have its effect, unless the client is dead, the machine away or a fault says otherwise.
func (x *call) carryOut(ctx context.Context, text string, limit time.Duration, do func() answer) (answer, error) {
	c, cl := x.c, x.client
	c.mu.Lock()
	defer c.mu.Unlock()
	away := func(why string) error { return &reconcile.UnreachableError{Host: x.n.name, Err: errors.New(why)} }
	switch {
	case cl.dead:
		return answer{}, ErrKilled
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case x.n.down:
		return answer{}, away("no route to host")
	}
	c.expire()
	kill := false
	if x.mutates {
		cl.calls++
		kill = cl.calls == cl.killAt
		c.log = append(c.log, fmt.Sprintf("%d %s: %s", cl.calls, x.n.name, text))
		if kill && !cl.took {
			cl.die()
			return answer{}, ErrKilled
		}
	}
	fault := c.fault(x.n.name, text, x.mutates)
	switch fault {
	case Unreachable:
		return answer{}, away("connection refused")
	case Fails:
		return answer{code: 1, err: "sim: it fails\n"}, nil
	case Lies:
		return answer{}, nil
	case Hangs:
		c.mu.Unlock()
		err := pause(ctx, limit)
		c.mu.Lock()
		return answer{code: 124}, err
	case Moves:
		c.pacemaker.touch()
	}
	a := do()
	if kill {
		cl.die()
		return answer{}, ErrKilled
	}
	if fault == Lost {
		return answer{}, away("connection reset by peer")
	}
	return a, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Lock implements reconcile.Locker.
func (cl *Client) Lock(_ context.Context, hosts reconcile.Hosts, holder reconcile.Holder) (reconcile.Lock, error) {
	cl.c.mu.Lock()
	defer cl.c.mu.Unlock()
	if cl.dead {
		return nil, ErrKilled
	}
	k := &lock{client: cl}
	for _, h := range hosts {
		n := cl.c.Node(h.Name())
		if n == nil || n.down {
			continue
		}
		if n.holder != nil {
			k.release()
			return nil, &reconcile.LockedError{Host: n.name, Holder: n.said}
		}
		n.holder, n.said = cl, holder
		k.held = append(k.held, n.name)
	}
	return k, nil
}

type lock struct {
	client *Client
	held   []string
}

func (k *lock) Err() error {
	if k.client.Killed() {
		return ErrKilled
	}
	return nil
}

func (k *lock) Held() []string { return slices.Clone(k.held) }

func (k *lock) Release() {
	k.client.c.mu.Lock()
	defer k.client.c.mu.Unlock()
	k.release()
}

func (k *lock) release() {
	for _, name := range k.held {
		if n := k.client.c.Node(name); n.holder == k.client {
			n.holder = nil
		}
	}
}

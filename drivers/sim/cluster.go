package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Cluster are machines in memory. Its fields are set before it is used; its methods may be called by many goroutines at once.
type Cluster struct {
	// Lag is how long Pacemaker takes until the status is what the configuration wants.
	Lag time.Duration
	// Tools answers crm_simulate and crm_verify: a machine that has them (local.Tools). nil: there is no crm_simulate, and crm_verify
	// agrees to everything.
	Tools reconcile.Host
	// Faults are what goes wrong.
	Faults []*Fault

	mu        sync.Mutex
	nodes     []*Node
	pacemaker pacemaker
	problems  []string
	log       []string
	scripts   map[string]string // the scripts that were run, by name
}

// New makes bare Debian machines with the addresses 10.77.0.N and 10.78.0.N, N from 1. Nothing of a cluster is installed on them.
func New(names ...string) *Cluster {
	c := &Cluster{scripts: map[string]string{}, pacemaker: newPacemaker()}
	for i, name := range names {
		n := newNode(c, name)
		n.addresses = []string{fmt.Sprintf("10.77.0.%d", i+1), fmt.Sprintf("10.78.0.%d", i+1)}
		c.nodes = append(c.nodes, n)
	}
	return c
}

// Hosts are the machines as a client of its own sees them.
func (c *Cluster) Hosts() reconcile.Hosts { return c.Client().Hosts() }

// Node gives a machine by its name, or nil.
func (c *Cluster) Node(name string) *Node {
	for _, n := range c.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// Problems are what no run of hactl may ever do.
func (c *Cluster) Problems() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.problems)
}

// Log lists the calls that changed something or were to, one in a line, in their order.
func (c *Cluster) Log() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log)
}

// Scripts are the shell scripts that were run so far, by the names that they run under.
func (c *Cluster) Scripts() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]string, len(c.scripts))
	for k, v := range c.scripts {
		out[k] = v
	}
	return out
}

func (c *Cluster) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// Node is a machine.
type Node struct {
	c         *Cluster
	name      string
	addresses []string
	down      bool
	files     map[string]reconcile.File
	packages  map[string]bool
	units     map[string]*unit
	accounts  map[string][]string // groups by user
	firewall  map[string]bool     // runtime, permanent; empty: there is no firewalld
	holder    *Client             // of the lock
	said      reconcile.Holder
	ring      *ring // nil: corosync does not run
	timers    map[string]*timer
}

func newNode(c *Cluster, name string) *Node {
	n := &Node{c: c, name: name, files: map[string]reconcile.File{}, packages: map[string]bool{}, units: map[string]*unit{},
		accounts: map[string][]string{"root": {"root"}}, firewall: map[string]bool{}, timers: map[string]*timer{}}
	n.files["/etc/hosts"] = plain("127.0.0.1\tlocalhost\n")
	return n
}

func plain(text string) reconcile.File {
	return reconcile.File{Content: reconcile.Plain(text), Mode: 0o644, Owner: "root:root"}
}

// Install installs packages, as apt would without starting anything.
func (n *Node) Install(packages ...string) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.install(packages)
}

// SetAddresses gives the machine other addresses, one for each interface.
func (n *Node) SetAddresses(addresses ...string) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.addresses = addresses
}

// Put places a file, as somebody else than hactl.
func (n *Node) Put(path string, f reconcile.File) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.files[path] = f
}

// Files are the machine's files by path.
func (n *Node) Files() map[string]reconcile.File {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	out := make(map[string]reconcile.File, len(n.files))
	for p, f := range n.files {
		out[p] = f
	}
	return out
}

// Timers are the units that systemd is to start later.
func (n *Node) Timers() []string {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.expire()
	var names []string
	for name := range n.timers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// SetDown makes the machine unreachable for hactl, or reachable again. What runs on it goes on.
func (n *Node) SetDown(down bool) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.down = down
}

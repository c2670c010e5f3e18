package drbd

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

var globs = []string{mainConf, confDir + "/*", markDir + "/*.new"}

// Observe asks the machines of the resources: two processes and one read of files on each, and nothing where there are no resources. Zero
// want reads what all machines have.
func (Driver) Observe(ctx context.Context, hosts reconcile.Hosts, want State) (State, error) {
	have := State{Resources: want.Resources}
	asked := look.Hosts(hosts, want.Owner == "" || want.Prune, func(machine string) bool {
		return slices.ContainsFunc(want.Resources, func(r Resource) bool { return r.on(machine) })
	})
	for i := range want.Resources {
		for _, n := range want.Resources[i].Spec.Nodes {
			if hosts.Named(n.Name) == nil {
				return State{}, fmt.Errorf("%s of %s: no such machine among the hosts", n.Name, want.Resources[i].Name)
			}
		}
	}
	var err error
	if have.Nodes, err = observeAll(ctx, asked, want); err != nil {
		return have, err
	}
	return have, have.lookAtMembers(ctx, hosts, want)
}

func observeAll(ctx context.Context, hosts reconcile.Hosts, want State) ([]NodeState, error) {
	return look.All(ctx, hosts, func(ctx context.Context, h reconcile.Host) (NodeState, error) { return observe(ctx, h, want) },
		func(host, why string) NodeState { return NodeState{Name: host, Unobserved: why} })
}

func (r *Resource) on(node string) bool {
	for _, n := range r.Spec.Nodes {
		if n.Name == node {
			return true
		}
	}
	return false
}

func observe(ctx context.Context, h reconcile.Host, want State) (NodeState, error) {
	n := NodeState{Name: h.Name()}
	var names []string
	for i := range want.Resources {
		if want.Resources[i].on(n.Name) {
			names = append(names, want.Resources[i].Name)
		}
	}
	out, files, err := look.Machine(ctx, h, lookCmd(names), globs, func(ctx context.Context) (err error) {
		n.Devices, err = block.Look(ctx, h, want.devices(n.Name))
		return err
	})
	if err != nil {
		return n, err
	}
	if err := n.parseLook(out); err != nil {
		return n, fmt.Errorf("%s: %w", h.Name(), err)
	}
	for i := range want.Resources {
		n.settleGenerations(&want.Resources[i])
	}
	n.takeFiles(files)
	return n, nil
}

// takeFiles sorts configuration and marks, and marks the secrets.
func (n *NodeState) takeFiles(files map[string]reconcile.File) {
	n.Files, n.Marks = map[string]reconcile.File{}, map[string]string{}
	for p, f := range files {
		if path.Dir(p) == markDir {
			n.Marks[strings.TrimSuffix(path.Base(p), ".new")] = strings.TrimSpace(f.Content.Reveal())
			continue
		}
		f.Content = secretMarked(f.Content.Reveal())
		n.Files[p] = f
	}
}

// secretOption finds shared secrets, also in files that nothing can read.
var secretOption = regexp.MustCompile(`(?m)\bshared-secret\s+("(?:[^"\\\n]|\\.)*"|[^\s;"]+)`)

func secretMarked(text string) reconcile.Text {
	var parts []reconcile.Text
	at := 0
	for _, m := range secretOption.FindAllStringSubmatchIndex(text, -1) {
		from, to := m[2], m[3]
		if text[from] == '"' {
			from, to = from+1, to-1
		}
		parts = append(parts, reconcile.Plain(text[at:from]), reconcile.Secret(text[from:to]))
		at = to
	}
	return reconcile.Join(append(parts, reconcile.Plain(text[at:]))...)
}

// configs keeps what was parsed, by machine: each file is read once, however many resources there are.
type configs map[string]func() (*conf.Config, error)

func (c configs) of(n *NodeState) (*conf.Config, error) {
	if c[n.Name] == nil {
		c[n.Name] = sync.OnceValues(n.parsed)
	}
	return c[n.Name]()
}

// parsed reads the node's configuration as drbdadm does: drbd.conf and what it includes.
func (n *NodeState) parsed() (*conf.Config, error) {
	f, ok := n.Files[mainConf]
	if !ok {
		return &conf.Config{}, nil
	}
	return conf.Parse(mainConf, f.Content.Bytes(), n.include)
}

func (n *NodeState) include(glob string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for p, f := range n.Files {
		ok, err := path.Match(glob, p)
		if err != nil {
			return nil, err
		}
		if ok {
			out[p] = f.Content.Bytes()
		}
	}
	return out, nil
}

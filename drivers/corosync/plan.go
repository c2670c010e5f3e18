package corosync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Limits of the waits. A membership of 16 nodes takes 10 s, a first election without a seed 20 s and some.
const (
	memberLimit = 90 * time.Second
	formLimit   = 3 * time.Minute
	reloadLimit = 20 * time.Second
	// stopLimit bounds the stop of Pacemaker, which stops every resource on the node first.
	stopLimit = 30 * time.Minute
)

// Plan makes the configuration equal on all members, then the running daemons equal to it, then starts what hactl is to start.
func (Driver) Plan(want, have State) ([]reconcile.Step, error) {
	if len(want.Nodes) == 0 {
		return nil, nil
	}
	p, err := newPlanner(want, have)
	if err != nil {
		return nil, err
	}
	p.keys()
	if err := p.configure(); err != nil {
		return nil, err
	}
	p.reload()
	p.restarts()
	p.start()
	p.form()
	return p.steps, nil
}

type planner struct {
	want, have State
	nodes      []*NodeState // observed ones, in id order
	unseen     []*NodeState
	target     *merged
	base       *Conf
	steps      []reconcile.Step
	made       map[reconcile.Ref]bool // objects that planned steps make
	restart    map[string][]string    // options that call for a restart, by node
	starting   map[string]bool        // nodes that get started
	stopAll    bool                   // all daemons stop together
	blocked    string                 // why the configuration must not change now
}

func newPlanner(want, have State) (*planner, error) {
	p := &planner{want: want, have: have, made: map[reconcile.Ref]bool{}, restart: map[string][]string{}, starting: map[string]bool{}}
	var errs []error
	for i := range want.Nodes {
		w := &want.Nodes[i]
		h := have.node(w.Name)
		switch {
		case h == nil:
			return nil, fmt.Errorf("%s: not observed", w.Name)
		case h.Unobserved != "":
			p.unseen = append(p.unseen, h)
		default:
			if h.Example != nil {
				h = p.setAside(h)
			}
			p.nodes = append(p.nodes, h)
		}
		if h.runs() && h.Example == nil {
			if c := h.Running.Config["totem.cluster_name"]; c != want.Cluster {
				errs = append(errs, fmt.Errorf("%s%s is a running member of the cluster %q, the manifest makes it a member of %q; take it out of %q first, or correct metadata.name",
					at(want.Source), w.Name, c, want.Cluster, c))
			}
		}
		if h.Conf != nil && !h.Conf.Content.Comparable() {
			errs = append(errs, fmt.Errorf("%s: corosync.conf holds a key (totem.key), which this snapshot does not have; plan on the live cluster", w.Name))
		}
	}
	for i := range p.nodes {
		for j := range i {
			a, b := p.nodes[i], p.nodes[j]
			for _, k := range []struct {
				path string
				x, y *reconcile.File
			}{{keyPath, a.Key, b.Key}, {pcmkKey, a.PacemakerKey, b.PacemakerKey}} {
				if k.x != nil && k.y != nil && k.x.Content.Comparable() && k.y.Content.Comparable() && !k.x.Content.Equal(k.y.Content) {
					errs = append(errs, fmt.Errorf("%s differs between %s and %s; copy the right one to the other, or remove the wrong one there", k.path, b.Name, a.Name))
				}
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var err error
	if p.base, err = p.pickBase(); err != nil {
		return nil, err
	}
	p.target, err = merge(want, p.base)
	return p, err
}

// pickBase chooses the file that keeps its unmanaged fields: that of the first running member, else of the first member that has one. The
// example of the distribution's package is none.
func (p *planner) pickBase() (*Conf, error) {
	var first *Conf
	for _, n := range p.nodes {
		c, err := n.conf()
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		if n.runs() {
			return c, nil
		}
		if first == nil {
			first = c
		}
	}
	return first, nil
}

// conf parses the node's file; nil if there is none, or only the package's example on a node that does not run.
func (n *NodeState) conf() (*Conf, error) {
	if n.Conf == nil {
		return nil, nil
	}
	c, err := ParseConf(n.Conf.Content.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%s: %w; corosync cannot read it either: mend or remove the file there", n.Name, err)
	}
	if c.example() && !n.runs() && n.CIB == nil {
		return nil, nil
	}
	return c, nil
}

func (p *planner) add(s reconcile.Step) {
	if s.Pending != "" {
		s.Ops = nil
	}
	for _, c := range s.Changes {
		p.made[c.Object] = true
	}
	p.steps = append(p.steps, s)
}

// needs keeps those objects that a step makes; what is observed already needs no order.
func (p *planner) needs(refs ...reconcile.Ref) []reconcile.Ref {
	var out []reconcile.Ref
	for _, r := range refs {
		if p.made[r] && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// each applies a constructor to all members that were asked.
func (p *planner) each(f func(string) reconcile.Ref) []reconcile.Ref {
	var out []reconcile.Ref
	for _, n := range p.nodes {
		out = append(out, f(n.Name))
	}
	return out
}

// missing says which members could not be asked, or nothing.
func (p *planner) missing() string {
	var out []string
	for _, n := range p.unseen {
		out = append(out, n.Name+" is unreachable")
	}
	return strings.Join(out, "; ")
}

func (p *planner) anyRuns() bool {
	return slices.ContainsFunc(p.nodes, func(n *NodeState) bool { return n.runs() })
}

func (p *planner) anyPacemaker() bool {
	return slices.ContainsFunc(p.nodes, func(n *NodeState) bool { return n.works() })
}

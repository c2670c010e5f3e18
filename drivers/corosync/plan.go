package corosync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/drivers/system"
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

// setAside plans to stop a node that runs the example configuration of its distribution's package, a cluster of itself alone (Debian starts
// that when the package is installed by hand), and goes on with it as if it were bare.
func (p *planner) setAside(h *NodeState) *NodeState {
	c := reconcile.Change{Object: nodeRef(h.Name), Action: reconcile.Update, Path: "example", Have: "a cluster of one node, as the package of corosync brings it",
		Want: "stopped", Source: p.want.Source}
	if n := h.Example.Resources; n > 0 {
		c.Risk, c.Why = reconcile.Outage, fmt.Sprintf("its configuration holds %d resources; it is moved aside, not deleted", n)
	}
	p.add(reconcile.Step{ID: "corosync " + h.Name + " example", Host: h.Name, Changes: []reconcile.Change{c}, Ops: []reconcile.Op{
		reconcile.Command{Argv: []string{"systemctl", "stop", "pacemaker", "corosync"}, Limit: stopLimit}, MoveAside{}}})
	n := *h
	n.Example, n.Running, n.CIB, n.Conf, n.Corosync, n.Pacemaker = nil, nil, nil, nil, "inactive", "inactive"
	return &n
}

// strangers are the nodes of the running cluster that the manifest does not name.
func (p *planner) strangers() []string {
	var out []string
	for _, id := range p.target.conf.nodeIDs() {
		section := fmt.Sprintf("nodelist.node[%d]", id)
		if p.anyRuns() && !p.names(section) {
			out = append(out, p.target.fields[section+".name"])
		}
	}
	return out
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

// configure plans the file on each member whose file differs in meaning.
func (p *planner) configure() error {
	for _, n := range p.unseen {
		p.add(reconcile.Step{ID: "corosync " + n.Name + " look", Host: n.Name, Pending: n.Name + " is unreachable",
			Changes: []reconcile.Change{{Object: confRef(n.Name), Action: reconcile.Check, Source: p.want.Source}}})
	}
	p.moveAside()
	changes := map[string][]reconcile.Change{}
	fieldsChange := false
	for _, n := range p.nodes {
		c, err := n.conf()
		if err != nil {
			return err
		}
		changes[n.Name] = p.confChanges(n, c)
		for _, x := range changes[n.Name] {
			fieldsChange = fieldsChange || x.Action != reconcile.Adopt || x.Risk != reconcile.Safe
		}
	}
	if fieldsChange {
		p.raiseVersion(changes)
	}
	pending := ""
	if fieldsChange && len(p.unseen) > 0 {
		pending = p.missing() + " (a member with another corosync.conf could not join again; bring it back, or wait)"
	} else if f := p.strangers(); fieldsChange && len(f) > 0 {
		pending = strings.Join(f, ", ") + " is in corosync.conf's list of nodes and not in the manifest, so its file cannot be kept equal; put it into the manifest, or take it out of the cluster"
	}
	p.blocked = pending
	p.flip(changes)
	paths := sortedKeys(p.target.declared)
	p.target.conf.setHeader(p.want.Cluster, p.want.Owner, paths)
	text := maskKey(p.target.conf.Print())
	tested := false
	for _, n := range p.nodes {
		ch := changes[n.Name]
		if len(ch) == 0 {
			continue
		}
		if fieldsChange && !tested {
			tested = true
			p.add(reconcile.Step{ID: "corosync " + n.Name + " test", Host: n.Name, Needs: []reconcile.Ref{system.Machine(n.Name)}, Pending: pending,
				Changes: []reconcile.Change{{Object: testRef(p.want.Cluster), Action: reconcile.Check, Source: p.want.Source}}, Ops: []reconcile.Op{TestConf{text}}})
		}
		ops := []reconcile.Op{Put{confPath, reconcile.File{Content: text, Mode: 0o644, Owner: "root:root"}}}
		if rs := p.restart[n.Name]; n.runs() && len(rs) > 0 {
			ops = append([]reconcile.Op{mark(rs)}, ops...)
		}
		p.add(reconcile.Step{ID: "corosync " + n.Name + " conf", Host: n.Name, Changes: ch, Ops: ops, Pending: pending,
			Needs: append([]reconcile.Ref{system.Machine(n.Name)}, p.needs(testRef(p.want.Cluster), twoNodeRef(p.want.Cluster), nodeRef(n.Name))...)})
	}
	return nil
}

func testRef(cluster string) reconcile.Ref {
	return reconcile.Ref{Kind: "corosync-test", Name: cluster}
}

// mark notes on the node that hactl owes it a restart, so that a later run knows if this one dies.
func mark(options []string) reconcile.Op {
	return reconcile.Write{Path: markPath, File: reconcile.File{Content: reconcile.Plain(strings.Join(options, "\n") + "\n"), Mode: 0o600}}
}

// confChanges compares one member's file with the target, and notes which options need a restart there.
func (p *planner) confChanges(n *NodeState, c *Conf) []reconcile.Change {
	object := confRef(n.Name)
	if c == nil {
		return []reconcile.Change{{Object: object, Action: reconcile.Create, Want: fmt.Sprintf("%d options", len(p.target.fields)), Source: p.want.Source}}
	}
	before := c.fields()
	inv, managed := c.inventory(p.want.Owner)
	var ch []reconcile.Change
	for _, path := range difference(before, p.target.fields) {
		x := reconcile.Change{Object: object, Action: reconcile.Update, Path: path, Have: before[path], Want: p.target.fields[path], Source: p.target.sources[path]}
		if path == "totem.key" {
			x.Have, x.Want = reconcile.Mask, reconcile.Mask
		}
		if x.Source.IsZero() {
			x.Source = p.want.Source
		}
		// A member that only gets what the others have already is not adopted, it is corrected.
		if !managed && p.target.declared[path] {
			x.Action, x.Risk, x.Why = reconcile.Adopt, reconcile.AdoptRisk, "corosync.conf was not written by hactl and differs here"
		}
		ch = append(ch, x)
		_, was := before[path]
		written := !was && p.target.fields[path] == implied[path] // only put into words
		if n.runs() && effectOf(path) != byReload && !written {
			p.restart[n.Name] = append(p.restart[n.Name], path)
		}
	}
	if len(ch) == 0 && (!managed || !sameSet(inv, p.target.declared)) {
		a := reconcile.Change{Object: object, Action: reconcile.Adopt, Path: "inventory", Source: p.want.Source}
		if managed {
			a.Have, a.Want = fmt.Sprintf("%d fields", len(inv)), fmt.Sprintf("%d fields", len(p.target.declared))
		}
		ch = append(ch, a)
	}
	return ch
}

func sameSet(a, b map[string]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}

const configVersion = "totem.config_version"

// raiseVersion raises config_version where it is used and the manifest does not say it.
func (p *planner) raiseVersion(changes map[string][]reconcile.Change) {
	if _, said := p.want.field(configVersion); said {
		return
	}
	highest := int64(0)
	for _, n := range p.nodes {
		if c, err := n.conf(); err == nil && c != nil {
			if v, err := parseInt(c.fields()[configVersion]); err == nil {
				highest = max(highest, v)
			}
		}
	}
	if highest == 0 {
		return
	}
	next := fmt.Sprint(highest + 1)
	p.target.conf.setField(configVersion, next)
	p.target.fields[configVersion] = next
	for _, n := range p.nodes {
		c, _ := n.conf()
		if c == nil {
			continue
		}
		if len(changes[n.Name]) == 1 && changes[n.Name][0].Path == "inventory" {
			changes[n.Name] = nil
		}
		changes[n.Name] = append(slices.DeleteFunc(changes[n.Name], func(x reconcile.Change) bool { return x.Path == configVersion }),
			reconcile.Change{Object: confRef(n.Name), Action: reconcile.Update, Path: configVersion, Have: c.fields()[configVersion], Want: next, Source: p.want.Source})
	}
}

// alien tells whether what lies in a stopped node's CIB folder belongs to another cluster, or to an earlier life of this one: it then must
// not come along.
func (p *planner) alien(n *NodeState) bool {
	if n.CIB == nil || n.Pacemaker == "active" {
		return false
	}
	if n.CIB.Cluster != "" && n.CIB.Cluster != p.want.Cluster {
		return true
	}
	c, err := n.conf()
	return err != nil || c == nil || c.fields()["totem.cluster_name"] != p.want.Cluster || !slices.Contains(c.nodeIDs(), p.want.node(n.Name).ID)
}

// moveAside plans to move an old configuration out of the way, which somebody has to allow.
func (p *planner) moveAside() {
	for _, n := range p.nodes {
		if !p.alien(n) {
			continue
		}
		what := "cluster " + n.CIB.Cluster
		if n.CIB.Cluster == "" {
			what = "an unnamed cluster"
		}
		if n.CIB.Epoch != "" {
			what += ", epoch " + n.CIB.Epoch
		}
		if n.CIB.Written != "" {
			what += ", written " + n.CIB.Written
		}
		p.add(reconcile.Step{ID: "corosync " + n.Name + " old-cib", Host: n.Name, Ops: []reconcile.Op{MoveAside{}},
			Changes: []reconcile.Change{{Object: nodeRef(n.Name), Action: reconcile.Update, Path: "cib", Have: what, Want: "empty", Source: p.want.Source,
				Risk: reconcile.Outage, Why: cibDir + " on " + n.Name + " holds the configuration of " + what +
					"; when the node joins, the one with the higher epoch replaces the other. It is moved aside, not deleted"}}})
	}
}

package corosync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

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
			p.add(reconcile.Step{ID: "corosync " + n.Name + " test", Host: n.Name, Pending: pending,
				// corosync -t opens the key, too.
				Needs:   append([]reconcile.Ref{system.Machine(n.Name)}, p.needs(keyRef(n.Name, keyPath))...),
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

package corosync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// Notes tells what is left alone: options and nodes that no manifest names, members that somebody stopped; and what could not be compared.
func (Driver) Notes(want, have State) []reconcile.Note {
	if len(want.Nodes) == 0 {
		return nil
	}
	p, err := newPlanner(want, have)
	if err != nil {
		return nil // Plan gives the error
	}
	object := Formed(want.Cluster)
	var notes []reconcile.Note
	add := func(kind reconcile.NoteKind, o reconcile.Ref, path, text string) {
		notes = append(notes, reconcile.Note{Kind: kind, Object: o, Path: path, Text: text, Source: want.Source})
	}
	foreign := map[string]bool{}
	for _, path := range p.target.unmanaged {
		if path == configVersion {
			continue
		}
		if s := path[:strings.LastIndex(path, ".")]; strings.HasPrefix(path, "nodelist.node[") && !p.names(s) {
			if !foreign[s] {
				foreign[s] = true
				add(reconcile.NoteUnmanaged, object, s, fmt.Sprintf("node %s (%s) is in corosync.conf and not in the manifest; it is left alone", p.target.fields[s+".name"], s))
			}
			continue
		}
		v := p.target.fields[path]
		if path == "totem.key" {
			v = reconcile.Mask
		}
		add(reconcile.NoteUnmanaged, object, path, path+": "+v+" is in corosync.conf and not in the manifest; it is left alone")
	}
	for _, n := range p.nodes {
		if c, _ := n.conf(); c != nil {
			if _, managed := c.inventory(p.want.Owner); !managed && len(difference(c.fields(), p.target.fields)) == 0 {
				add(reconcile.NoteAdopts, confRef(n.Name), "", "corosync.conf on "+n.Name+" is as wanted and is taken over")
			}
		}
		for _, f := range []*reconcile.File{n.Key, n.PacemakerKey} {
			if f != nil && !f.Content.Comparable() {
				add(reconcile.NoteWarning, confRef(n.Name), "", "the keys on "+n.Name+" are not compared: this is a snapshot without secrets")
				break
			}
		}
	}
	for _, n := range p.stopped() {
		add(reconcile.NoteRuntime, Node(n.Name), "", fmt.Sprintf("%s is a member and does not run (corosync %s, pacemaker %s); it is left so, `systemctl start corosync pacemaker` there brings it back",
			n.Name, n.Corosync, n.Pacemaker))
	}
	return notes
}

func (p *planner) names(section string) bool {
	return slices.ContainsFunc(p.want.Nodes, func(n NodeState) bool { return section == fmt.Sprintf("nodelist.node[%d]", n.ID) })
}

// Render gives the corosync.conf that all members would have.
func (Driver) Render(want, have State) ([]reconcile.Rendered, error) {
	if len(want.Nodes) == 0 {
		return nil, nil
	}
	if len(have.Nodes) == 0 {
		for _, n := range want.Nodes {
			have.Nodes = append(have.Nodes, NodeState{Name: n.Name})
		}
	}
	p, err := newPlanner(want, have)
	if err != nil {
		return nil, err
	}
	p.target.conf.setHeader(want.Cluster, want.Owner, sortedKeys(p.target.declared))
	return []reconcile.Rendered{{Path: confPath, File: reconcile.File{Content: maskKey(p.target.conf.Print()), Mode: 0o644, Owner: "root:root"}}}, nil
}

// Status tells, per node, whether it runs, whom it sees, its votes and its links. Links are only known where everything was observed.
func (Driver) Status(have State) []reconcile.Health {
	var out []reconcile.Health
	well, votes := 0, ""
	formed := reconcile.Health{Object: Formed(have.Cluster), Level: reconcile.Failed, Text: "no member has quorum and a designated controller"}
	for i := range have.Nodes {
		n := &have.Nodes[i]
		l := reconcile.Health{Object: Node(n.Name)}
		switch {
		case n.Unobserved != "": // the engine tells of machines that do not answer
			continue
		case !n.runs():
			l.Level, l.Text = reconcile.Degraded, fmt.Sprintf("corosync %s, pacemaker %s", n.Corosync, n.Pacemaker)
		case !n.Running.Quorate:
			l.Level, l.Text = reconcile.Failed, fmt.Sprintf("no quorum: sees nodes %v, votes %s", n.Running.Members, n.Running.Votes)
		case n.Pacemaker != "active":
			l.Level, l.Text = reconcile.Degraded, "corosync runs, pacemaker "+n.Pacemaker
		case len(n.Running.Links) > 0:
			l.Level, l.Text = reconcile.Degraded, "links: "+strings.Join(n.Running.Links, "; ")
		default:
			well++
			votes = "votes " + n.Running.Votes
			if len(n.Running.Flags) > 0 {
				votes += ", " + strings.Join(n.Running.Flags, " ")
			}
		}
		if n.works() && n.Running.Quorate && n.Running.DC != "" {
			formed.Level = reconcile.OK
		}
		if l.Text != "" {
			out = append(out, l)
		}
	}
	if formed.Level == reconcile.OK { // members that are as they should be are one line; the layer of the CIB tells the rest
		formed.Object = reconcile.Ref{Kind: "corosync", Name: have.Cluster}
		formed.Text = fmt.Sprintf("%d of %d members, quorate, %s", well, len(have.Nodes), votes)
	}
	return append([]reconcile.Health{formed}, out...)
}

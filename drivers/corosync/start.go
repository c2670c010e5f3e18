package corosync

import (
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// reasonToStart says why hactl starts a node's daemons; empty: it does not, because somebody stopped them.
func (p *planner) reasonToStart(n *NodeState) (why string, risk reconcile.Risk) {
	switch {
	case n.works() && !p.stopAll, n.runs() && n.Pacemaker != "inactive" && n.Pacemaker != "failed" && !p.stopAll:
		return "", 0
	case p.stopAll && n.runs():
		return "stopped for its new configuration", reconcile.Safe
	case len(n.Marked) > 0:
		return "an earlier apply stopped it", reconcile.Safe
	case n.CIB == nil || p.alien(n):
		return "it never was a member", reconcile.Safe
	case len(p.unseen) > 0 || p.anyPacemaker():
		return "", 0
	case !n.runs() && p.anyRuns():
		return "", 0
	}
	return "no member of the cluster runs; with it, its resources start", reconcile.RestartRisk
}

// virgin tells that no member of the cluster ever ran, so that a new configuration may be seeded.
func (p *planner) virgin() bool {
	if len(p.unseen) > 0 || len(p.target.conf.nodeIDs()) != len(p.want.Nodes) {
		return false
	}
	for _, n := range p.nodes {
		if n.Pacemaker == "active" || len(n.Marked) > 0 || n.CIB != nil && !p.alien(n) {
			return false
		}
	}
	return true
}

// start plans corosync everywhere where it is to be started, then the wait for the membership on each of these nodes, then Pacemaker.
func (p *planner) start() {
	type todo struct {
		n    *NodeState
		why  string
		risk reconcile.Risk
	}
	var todos []todo
	members := map[int]string{}
	for _, n := range p.nodes {
		why, risk := p.reasonToStart(n)
		if why != "" {
			todos = append(todos, todo{n, why, risk})
			p.starting[n.Name] = true
		}
		if why != "" || n.runs() {
			members[p.want.node(n.Name).ID] = n.Name
		}
	}
	pending := ""
	if !p.anyRuns() {
		pending = p.missing() // a cluster forms with all its members, or with those that an operator chooses
	}
	before := append(p.each(confRef), runtimeRef(p.want.Cluster))
	for _, k := range theKeys {
		before = append(before, p.each(func(n string) reconcile.Ref { return keyRef(n, k.path) })...)
	}
	before = append(before, p.each(quietRef)...)
	for _, t := range todos {
		if t.n.runs() && !p.stopAll {
			continue
		}
		p.add(reconcile.Step{ID: "corosync " + t.n.Name + " start", Host: t.n.Name, Pending: pending,
			Needs:   append([]reconcile.Ref{system.Machine(t.n.Name)}, p.needs(append(before, nodeRef(t.n.Name))...)...),
			Changes: []reconcile.Change{{Object: daemonRef(t.n.Name), Action: reconcile.Start, Source: p.want.Source, Risk: t.risk, Why: t.why}},
			Ops:     []reconcile.Op{reconcile.Command{Argv: []string{"systemctl", "start", "corosync"}, Limit: memberLimit}}})
	}
	daemons := p.needs(p.each(daemonRef)...)
	if len(daemons) == 0 {
		daemons = p.needs(before...)
	}
	for _, t := range todos {
		p.add(reconcile.Step{ID: "corosync " + t.n.Name + " members", Host: t.n.Name, Needs: daemons, Pending: pending,
			Changes: []reconcile.Change{{Object: memberRef(t.n.Name), Action: reconcile.Check, Source: p.want.Source}},
			Ops:     []reconcile.Op{AwaitMembers{Members: members, Limit: memberLimit}}})
	}
	joined := p.needs(p.each(memberRef)...)
	seed := p.virgin()
	for _, t := range todos {
		ops := []reconcile.Op{FirstStart{Seed: seed}}
		if t.n.CIB != nil && !p.alien(t.n) || len(t.n.Marked) > 0 || p.stopAll && t.n.runs() {
			ops = []reconcile.Op{reconcile.Command{Argv: []string{"systemctl", "start", "pacemaker"}, Limit: memberLimit}}
		}
		if len(t.n.Marked) > 0 || p.stopAll && t.n.runs() {
			ops = append(ops, unmark)
		}
		p.add(reconcile.Step{ID: "corosync " + t.n.Name + " pacemaker", Host: t.n.Name, Needs: append(joined, p.needs(nodeRef(t.n.Name))...), Pending: pending,
			Changes: []reconcile.Change{{Object: Node(t.n.Name), Action: reconcile.Start, Source: p.want.Source, Risk: t.risk, Why: t.why}}, Ops: ops})
	}
}

// form plans the wait for a designated controller, unless one is there and nobody new comes.
func (p *planner) form() {
	formed := false
	host := ""
	var online []string
	for _, n := range p.nodes {
		if n.works() && n.Running.Quorate && n.Running.DC != "" {
			formed = true
		}
		if p.starting[n.Name] || n.works() {
			online = append(online, n.Name)
			if host == "" {
				host = n.Name
			}
		}
	}
	if formed && len(p.starting) == 0 {
		return
	}
	s := reconcile.Step{ID: "corosync " + host + " formed", Host: host, Needs: p.needs(p.each(Node)...),
		Changes: []reconcile.Change{{Object: Formed(p.want.Cluster), Action: reconcile.Check, Source: p.want.Source}},
		Ops:     []reconcile.Op{AwaitCluster{Members: online, Limit: formLimit}}}
	if host == "" {
		s.ID, s.Host = "corosync "+p.want.Nodes[0].Name+" formed", p.want.Nodes[0].Name
		s.Pending = "no member of the cluster runs, and hactl starts none that somebody stopped: `systemctl start corosync pacemaker` on the members"
		if m := p.missing(); m != "" {
			s.Pending = "no member that can be asked runs; " + m
		}
	}
	p.add(s)
}

// stopped lists members that are configured, do not run, and are not started.
func (p *planner) stopped() []*NodeState {
	var out []*NodeState
	for _, n := range p.nodes {
		if n.works() || n.CIB == nil {
			continue
		}
		if why, _ := p.reasonToStart(n); why == "" {
			out = append(out, n)
		}
	}
	return out
}

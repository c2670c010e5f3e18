package corosync

import (
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

func parseInt(s string) (int64, error) { return strconv.ParseInt(s, 0, 64) }

func twoNodeRef(cluster string) reconcile.Ref { return reconcile.Ref{Kind: "two-node", Name: cluster} }
func haltRef(node string) reconcile.Ref       { return reconcile.Ref{Kind: "pacemaker-stopped", Name: node} }
func quietRef(node string) reconcile.Ref      { return reconcile.Ref{Kind: "corosync-stopped", Name: node} }

const twoNodeWhy = "two_node decides whether one node alone may go on: switching it changes what a failure does while the change is under way"

// flip makes a change of two_node on a running cluster a step of its own. It is switched off before a third node comes in, and switched on
// only when everything else is done.
func (p *planner) flip(changes map[string][]reconcile.Change) {
	if !p.anyRuns() {
		return
	}
	flips, others := false, false
	for _, ch := range changes {
		for i := range ch {
			switch {
			case ch[i].Path == twoNode:
				flips = true
				ch[i].Risk, ch[i].Why = max(reconcile.Quorum, ch[i].Risk), twoNodeWhy
			case ch[i].Action == reconcile.Update && ch[i].Path != configVersion || ch[i].Risk != reconcile.Safe || ch[i].Action == reconcile.Create:
				others = true
			}
		}
	}
	if !flips || !others {
		return
	}
	if p.target.fields[twoNode] != "" {
		for _, n := range p.nodes {
			if c := take(changes, n.Name, twoNode); c != nil {
				p.add(reconcile.Step{ID: "corosync " + n.Name + " two_node", Host: n.Name, Changes: []reconcile.Change{*c},
					Pending: "after everything else in corosync.conf has taken effect"})
			}
		}
		p.target.conf.removeField(twoNode)
		delete(p.target.fields, twoNode)
		delete(p.target.declared, twoNode)
		return
	}
	var written []reconcile.Ref
	var change reconcile.Change
	for _, n := range p.nodes {
		c := take(changes, n.Name, twoNode)
		if c == nil {
			continue
		}
		conf, err := n.conf()
		if err != nil || conf == nil {
			continue
		}
		conf.removeField(twoNode)
		ref := reconcile.Ref{Kind: "corosync-conf-two-node", Name: n.Name}
		change = *c
		change.Object = ref
		p.add(reconcile.Step{ID: "corosync " + n.Name + " two_node", Host: n.Name, Changes: []reconcile.Change{change}, Pending: p.blocked,
			Ops: []reconcile.Op{Put{confPath, reconcile.File{Content: maskKey(conf.Print()), Mode: 0o644, Owner: "root:root"}}}})
		written = append(written, ref)
	}
	host := p.firstRunning()
	change.Object, change.Action = twoNodeRef(p.want.Cluster), reconcile.Reload
	p.add(reconcile.Step{ID: "corosync " + host + " two_node reload", Host: host, Changes: []reconcile.Change{change}, Needs: written, Pending: p.blocked,
		Ops: []reconcile.Op{Reload{Gone: []string{twoNode}, Limit: reloadLimit}}})
}

// take removes a node's change of that field and returns it.
func take(changes map[string][]reconcile.Change, node, path string) *reconcile.Change {
	for i, c := range changes[node] {
		if c.Path == path {
			changes[node] = slices.Delete(slices.Clone(changes[node]), i, i+1)
			return &c
		}
	}
	return nil
}

func (p *planner) firstRunning() string {
	for _, n := range p.nodes {
		if n.runs() {
			return n.Name
		}
	}
	return ""
}

// reload plans one corosync-cfgtool -R for the whole cluster if any running member has other values than the configuration to be.
func (p *planner) reload() {
	paths := map[string]string{}
	for _, n := range p.nodes {
		if !n.runs() {
			continue
		}
		r, rs := stale(n.Running, p.target.fields)
		for _, x := range r {
			if _, ok := paths[x]; !ok {
				paths[x] = n.Running.Config[x]
			}
		}
		p.restart[n.Name] = append(append(p.restart[n.Name], rs...), n.Marked...)
		slices.Sort(p.restart[n.Name])
		p.restart[n.Name] = slices.Compact(p.restart[n.Name])
	}
	for _, rs := range p.restart {
		for _, path := range rs {
			p.stopAll = p.stopAll || effectOf(path) == byAll
		}
	}
	if len(paths) == 0 || p.stopAll { // a start reads everything
		return
	}
	op := Reload{Expect: map[string]string{}, Limit: reloadLimit}
	var ch []reconcile.Change
	for _, x := range sortedKeys(paths) {
		c := reconcile.Change{Object: runtimeRef(p.want.Cluster), Action: reconcile.Reload, Path: x, Have: paths[x], Want: p.target.fields[x],
			Source: p.target.sources[x], Risk: reconcile.ReloadRisk}
		if c.Source.IsZero() {
			c.Source = p.want.Source
		}
		if voting.MatchString(x) {
			c.Risk, c.Why = reconcile.Quorum, p.votesWhy()
		}
		if x == twoNode && !p.made[twoNodeRef(p.want.Cluster)] {
			c.Risk, c.Why = reconcile.Quorum, twoNodeWhy
		}
		if x == twoNode && p.made[twoNodeRef(p.want.Cluster)] {
			continue
		}
		if v, ok := p.target.fields[x]; ok {
			op.Expect[x] = v
		} else {
			op.Gone = append(op.Gone, x)
		}
		ch = append(ch, c)
	}
	if len(ch) == 0 {
		return
	}
	host := p.firstRunning()
	p.add(reconcile.Step{ID: "corosync " + host + " reload", Host: host, Changes: ch, Ops: []reconcile.Op{op}, Pending: p.reloadBlocked(),
		Needs: p.needs(append(p.each(confRef), twoNodeRef(p.want.Cluster))...)})
}

// reloadBlocked: a reload without a member leaves that member with other values than the rest.
func (p *planner) reloadBlocked() string {
	if p.blocked != "" {
		return p.blocked
	}
	return p.missing()
}

// restarts plans what a reload cannot do: node by node, or all together.
func (p *planner) restarts() {
	var nodes []*NodeState
	for _, n := range p.nodes {
		if !n.runs() || len(p.restart[n.Name]) == 0 {
			continue
		}
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return
	}
	if p.stopAll {
		p.stopEverything()
		return
	}
	for _, n := range nodes {
		p.restartOne(n)
	}
}

func (p *planner) restartOne(n *NodeState) {
	members, others := map[int]string{}, 0
	for _, x := range p.nodes {
		if x.runs() {
			members[p.want.node(x.Name).ID] = x.Name
			if x != n {
				others++
			}
		}
	}
	why := "corosync reads " + strings.Join(p.restart[n.Name], ", ") + " only at its start; the node's resources move away meanwhile"
	risk := reconcile.RestartRisk
	two := slices.Contains(n.Running.Flags, "2Node")
	total := len(p.target.conf.nodeIDs())
	switch {
	case 2*others <= total && !two:
		risk, why = reconcile.Quorum, why+"; without it the others have no quorum"
	case 2*(others-1) <= total:
		risk, why = reconcile.Redundancy, why+"; until it is back no other node may fail"
	}
	ops := []reconcile.Op{mark(p.restart[n.Name]),
		reconcile.Command{Argv: []string{"systemctl", "stop", "pacemaker"}, Limit: stopLimit},
		reconcile.Command{Argv: []string{"systemctl", "restart", "corosync"}, Limit: memberLimit},
		AwaitMembers{Members: members, Limit: memberLimit}}
	if n.works() {
		ops = append(ops, reconcile.Command{Argv: []string{"systemctl", "start", "pacemaker"}, Limit: memberLimit},
			AwaitCluster{Members: []string{n.Name}, Limit: formLimit})
	}
	ops = append(ops, unmark)
	var ch []reconcile.Change
	for _, x := range p.restart[n.Name] {
		ch = append(ch, reconcile.Change{Object: Node(n.Name), Action: reconcile.Restart, Path: x, Have: n.Running.Config[x], Want: p.target.fields[x],
			Source: p.sourceOf(x), Risk: risk, Why: why})
	}
	if n.works() && p.missing() == "" { // what changes the CIB waits for it: Pacemaker would be gone under its hands
		ch = append(ch, reconcile.Change{Object: Formed(p.want.Cluster), Action: reconcile.Check, Source: p.sourceOf(p.restart[n.Name][0])})
	}
	p.add(reconcile.Step{ID: "corosync " + n.Name + " restart", Host: n.Name, Changes: ch, Ops: ops, Downs: []string{n.Name}, Pending: p.missing(),
		Needs: p.needs(append(p.each(confRef), runtimeRef(p.want.Cluster))...)})
}

var unmark = reconcile.Command{Argv: []string{"rm", "-f", markPath}}

func (p *planner) sourceOf(path string) v1.Pos {
	if s, ok := p.target.sources[path]; ok && !s.IsZero() {
		return s
	}
	return p.want.Source
}

// stopEverything stops Pacemaker on all members, then corosync on all; start does the rest.
func (p *planner) stopEverything() {
	reasons := map[string]bool{}
	for _, rs := range p.restart {
		for _, r := range rs {
			reasons[r] = true
		}
	}
	list := sortedKeys(reasons)
	why := "all daemons of the cluster stop at once: members with different " + strings.Join(list, ", ") + " do not talk to each other"
	all := reconcile.Ref{Kind: "Cluster", Name: p.want.Cluster}
	for _, n := range p.nodes {
		if !n.runs() {
			continue
		}
		p.starting[n.Name] = true
		p.add(reconcile.Step{ID: "corosync " + n.Name + " stop pacemaker", Host: n.Name, Pending: p.missing(),
			Needs: p.needs(append(p.each(confRef), runtimeRef(p.want.Cluster))...),
			Changes: []reconcile.Change{{Object: haltRef(n.Name), Action: reconcile.Stop, Path: list[0], Have: n.Running.Config[list[0]], Want: p.target.fields[list[0]],
				Source: p.sourceOf(list[0]), Risk: reconcile.Outage, Why: why, Whole: all, ByName: true}},
			Ops: []reconcile.Op{mark(list), reconcile.Command{Argv: []string{"systemctl", "stop", "pacemaker"}, Limit: stopLimit}}})
	}
	halted := p.needs(p.each(haltRef)...)
	for _, n := range p.nodes {
		if n.runs() {
			p.add(reconcile.Step{ID: "corosync " + n.Name + " stop", Host: n.Name, Needs: halted, Pending: p.missing(),
				Changes: []reconcile.Change{{Object: quietRef(n.Name), Action: reconcile.Stop, Source: p.sourceOf(list[0]), Risk: reconcile.Outage, Why: why, Whole: all, ByName: true}},
				Ops:     []reconcile.Op{reconcile.Command{Argv: []string{"systemctl", "stop", "corosync"}, Limit: memberLimit}}})
		}
	}
}

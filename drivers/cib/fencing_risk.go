package cib

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// raised is the risk that a change has beside its own.
type raised struct {
	risk   reconcile.Risk
	why    string
	byName bool
}

// risks raises the risks of those changes that cost the cluster its fencing, or its quorum's meaning. It compares what the configurations
// come to, so that no way of writing it down is missed. A change that is riskier by itself, because it takes over what somebody else made,
// is told twice: who allows that has not allowed this. second is the index of a change, which is given back as it is then.
func risks(live, work *etree.Document, changes []reconcile.Change, second int) ([]reconcile.Change, int) {
	if !slices.ContainsFunc(changes, aboutFencing) {
		return changes, second
	}
	up := fencingRisks(live, work, changes)
	for i, r := range quorumRisks(live, work, changes) {
		up[i] = r
	}
	out := make([]reconcile.Change, 0, len(changes)+len(up))
	for i, c := range changes {
		if i == second {
			second = len(out)
		}
		r, ok := up[i]
		if ok && c.Risk > r.risk {
			out = append(out, c)
		}
		if ok {
			c.Risk, c.Why, c.ByName = r.risk, r.why, r.byName
		}
		out = append(out, c)
	}
	return out, second
}

// fencingRisks finds the changes that leave nodes which nobody can fence any more: fencing is switched off, or the last device of a node
// goes, is stopped, loses it from its targets or from its levels. Where nothing could be fenced before, nothing is lost.
func fencingRisks(live, work *etree.Document, changes []reconcile.Change) map[int]raised {
	before, after := fenceable(live), fenceable(work)
	var lost []string
	for n := range before {
		if _, ok := after[n]; !ok && configured(work, n) {
			lost = append(lost, n)
		}
	}
	slices.Sort(lost)
	if option, _ := fencingOff(work, true); option != "" {
		was, _ := fencingOff(live, false)
		return switchedOff(changes, option, was == "" && relying(live) != "" || lost != nil, relying(live, work))
	}
	up := map[int]raised{}
	if lost == nil {
		return up
	}
	for i, c := range changes {
		if nodes := loses(c, lost, before); nodes != nil {
			why := "with this change no device can fence " + joinWords(nodes) + ": when it is lost, what ran there is not started elsewhere"
			if c.Action == reconcile.Delete && c.Object.Kind == "FenceDevice" {
				why = "without it no device can fence " + joinWords(nodes)
			}
			up[i] = raised{reconcile.Fence, why, c.ByName}
		}
	}
	return up
}

// loses gives those of the lost nodes that a change has a part in losing. before are the devices that each could be fenced by.
func loses(c reconcile.Change, lost []string, before map[string][]string) []string {
	switch {
	case c.Object.Kind == "FencingTopology", isOptions(c) && strings.Contains(c.Path, "watchdog"):
		return lost
	case c.Object.Kind != "FenceDevice" || c.Action != reconcile.Delete && !choosesTargets(c.Path):
		return nil
	}
	var nodes []string
	for _, n := range lost {
		if slices.Contains(before[n], c.Object.Name) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// aboutFencing tells whether a change may change who can be fenced.
func aboutFencing(c reconcile.Change) bool {
	return c.Object.Kind == "FenceDevice" || c.Object.Kind == "FencingTopology" || isOptions(c)
}

// isOptions tells whether a change is one of the cluster's options. A checkpoint that comes back names their sets.
func isOptions(c reconcile.Change) bool {
	return c.Object.Kind == "Cluster" || c.Object.Kind == "cluster_property_set"
}

// choosesTargets tells whether a field of a fence device says whom it can fence, and whether it does.
func choosesTargets(path string) bool {
	name := path[strings.LastIndex(path, ".")+1:]
	return strings.HasPrefix(name, "pcmk_host") || name == "target-role" || strings.Contains(path, "Sets[") || path == "agent" || path == "place"
}

// switchedOff finds the changes that switch fencing off. Where storage relies on it, that asks for the cluster's name: two nodes that both
// think the other dead both write, and nothing but fencing keeps them from it.
func switchedOff(changes []reconcile.Change, option string, loses bool, storage string) map[int]raised {
	r := raised{reconcile.Fence, "fencing stops working", storage != ""}
	if storage != "" {
		r.why += " while " + storage + " relies on it: nodes that lose sight of each other would both write, and the data is ruined"
	}
	up := map[int]raised{}
	for i, c := range changes {
		if sets(c, option) && (loses || c.Risk >= reconcile.Fence) {
			up[i] = r
		}
	}
	return up
}

// sets tells whether a change may be the one that sets an option of the cluster.
func sets(c reconcile.Change, option string) bool {
	return isOptions(c) && (strings.HasSuffix(c.Path, option) || strings.HasPrefix(c.Path, "propertySets["))
}

// quorumRisks finds the changes after which a part of a cluster with resources that has no quorum goes on.
func quorumRisks(live, work *etree.Document, changes []reconcile.Change) map[int]raised {
	const option = "no-quorum-policy"
	rs := section(live, "resources")
	if rs == nil || len(rs.ChildElements()) == 0 || clusterOption(work, option, true) != "ignore" || clusterOption(live, option, false) == "ignore" {
		return nil
	}
	up := map[int]raised{}
	for i, c := range changes {
		if sets(c, option) {
			up[i] = raised{reconcile.Quorum, ignoresQuorum, c.ByName}
		}
	}
	return up
}

const ignoresQuorum = "a partition without quorum will run resources"

package cib

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

func nodeState(doc *etree.Document, name string) *etree.Element {
	st := doc.Root().SelectElement("status")
	if st == nil {
		return nil
	}
	for _, n := range st.SelectElements("node_state") {
		if attr(n, "uname") == name {
			return n
		}
	}
	return nil
}

// pendingFencing lists the targets of fencing that is not over.
func pendingFencing(mon *etree.Element) []string {
	var out []string
	for _, e := range mon.FindElements("./fence_history/fence_event") {
		if s := attr(e, "status"); s == "pending" && !slices.Contains(out, attr(e, "target")) {
			out = append(out, attr(e, "target"))
		}
	}
	sort.Strings(out)
	return out
}

// Status tells of the nodes, the resources, what failed, and which device can fence which node.
func (d *Driver) Status(have State) []reconcile.Health {
	var out []reconcile.Health
	add := func(ref reconcile.Ref, l reconcile.Level, format string, args ...any) {
		out = append(out, reconcile.Health{Object: ref, Level: l, Text: fmt.Sprintf(format, args...)})
	}
	is := func(c reconcile.Condition) { out[len(out)-1].Condition = c }
	for _, m := range have.Members {
		switch m.Runs {
		case Stopped:
			add(NodeOptions(m.Name), reconcile.Degraded, "Pacemaker does not run")
		case NotInstalled:
			add(NodeOptions(m.Name), reconcile.Degraded, "Pacemaker is not installed")
		}
	}
	if !have.formed() {
		return out
	}
	mon, err := readMonitor(have.Monitor)
	if err != nil {
		add(reconcile.Ref{Kind: "cluster", Name: have.Cluster}, reconcile.Failed, "%v", err)
		return out
	}
	st := readStatus(mon)
	now := time.Time{}
	if el := mon.FindElement("./summary/last_update"); el != nil {
		now, _ = monTime(attr(el, "time"))
	}
	if dc := mon.FindElement("./summary/current_dc"); dc != nil {
		level, quorum := reconcile.OK, "with quorum"
		if !yes(dc, "with_quorum") {
			level, quorum = reconcile.Failed, "WITHOUT quorum"
		}
		if !yes(dc, "present") {
			add(reconcile.Ref{Kind: "cluster", Name: have.Cluster}, reconcile.Failed, "no designated controller")
		} else {
			add(reconcile.Ref{Kind: "cluster", Name: have.Cluster}, level, "designated controller %s, %s", attr(dc, "name"), quorum)
		}
	}
	if o := mon.FindElement("./summary/cluster_options"); o != nil && yes(o, "maintenance-mode") {
		add(reconcile.Ref{Kind: "cluster", Name: have.Cluster}, reconcile.Info, "in maintenance (maintenance-mode): Pacemaker leaves all resources alone")
		is(reconcile.Maintenance)
	}
	for _, n := range st.nodes {
		level, text := n.health()
		add(NodeOptions(n.name), level, "%s", text)
		is(n.condition())
	}
	for _, target := range pendingFencing(mon) {
		add(reconcile.Ref{Kind: "fencing", Name: target}, reconcile.Degraded, "is being fenced")
		is(reconcile.Fencing)
	}
	failed := discreet(failures(mon), knownSecrets(State{}, have))
	doc, err := parse(string(have.CIB))
	if err != nil {
		return out
	}
	devices := stonithIDs(doc)
	for _, id := range resourceOrder(st) {
		level, text := resourceHealth(st.of(id), st.within[id])
		lasting := level < reconcile.Degraded || level == reconcile.Degraded && meantToStop(st.of(id))
		var fs []string
		for _, f := range failed {
			if f.resource == id {
				s := f.String()
				age := f.age(now)
				if age > 0 {
					s += fmt.Sprintf(", %s ago", age)
				}
				lasting = lasting && age > recent
				fs = append(fs, s)
			}
		}
		if fs != nil {
			level = max(level, reconcile.Degraded)
			text += "; failed: " + strings.Join(fs, "; ")
		}
		add(refOf(devices, id), level, "%s", text)
		out[len(out)-1].On = runsOn(st.of(id))
		if lasting && level >= reconcile.Degraded {
			is(reconcile.Lasting)
		}
	}
	return append(out, coverage(doc, failed, st)...)
}

// recent is how long a failure counts as trouble. Pacemaker keeps those that it has long mended until somebody cleans them up.
const recent = 10 * time.Minute

// meantToStop tells that a resource is stopped because its target-role says so.
func meantToStop(is []Instance) bool {
	return len(is) > 0 && !slices.ContainsFunc(is, func(i Instance) bool { return i.active() || i.Target != "Stopped" || i.Failed || i.Orphan })
}

func refOf(devices map[string]bool, id string) reconcile.Ref {
	if devices[id] {
		return FenceDevice(id)
	}
	return Resource(id)
}

func (n nodeStatus) health() (reconcile.Level, string) {
	switch {
	case n.unclean:
		return reconcile.Failed, "UNCLEAN, waits to be fenced"
	case n.pending:
		return reconcile.Info, "joining"
	case !n.online:
		return reconcile.Degraded, "offline"
	case n.maintenance:
		return reconcile.Info, "online, in maintenance"
	case n.standbyOnFail:
		return reconcile.Degraded, "online, in standby because of a failure"
	case n.standby:
		return reconcile.Info, "online, in standby"
	}
	return reconcile.OK, "online"
}

func (n nodeStatus) condition() reconcile.Condition {
	switch {
	case n.unclean:
		return reconcile.Fencing
	case n.maintenance:
		return reconcile.Maintenance
	}
	return ""
}

// runsOn tells on which nodes a resource runs. A group has an instance a member, and a node is told once.
func runsOn(is []Instance) []reconcile.Place {
	var out []reconcile.Place
	for _, i := range is {
		if p := (reconcile.Place{Node: i.Node, As: strings.ToLower(i.Role)}); i.active() && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b reconcile.Place) int { return strings.Compare(a.Node, b.Node) })
	return out
}

func resourceOrder(st clusterStatus) []string {
	var ids []string
	for _, i := range st.instances {
		if !slices.Contains(ids, i.Resource) {
			ids = append(ids, i.Resource)
		}
	}
	return ids
}

func resourceHealth(is []Instance, within []string) (reconcile.Level, string) {
	level := reconcile.OK
	byRole := map[string][]string{}
	var extra []string
	say := func(s string, l reconcile.Level) {
		level = max(level, l)
		if !slices.Contains(extra, s) {
			extra = append(extra, s)
		}
	}
	for _, i := range is {
		if i.active() && !slices.Contains(byRole[i.Role], i.Node) { // a group has an instance a member
			byRole[i.Role] = append(byRole[i.Role], i.Node)
		}
		if i.Failed {
			say("FAILED", reconcile.Failed)
		}
		if i.Blocked {
			say("blocked", reconcile.Failed)
		}
		if !i.Managed {
			say("unmanaged", reconcile.Info)
		}
		if i.Orphan {
			say("orphaned", reconcile.Degraded)
		}
	}
	var words []string
	for _, r := range []string{"Promoted", "Started", "Unpromoted"} {
		if on := byRole[r]; on != nil {
			sort.Strings(on)
			words = append(words, strings.ToLower(r)+" on "+joinWords(on))
			delete(byRole, r)
		}
	}
	for _, r := range sortedRoles(byRole) {
		words = append(words, strings.ToLower(r)+" on "+joinWords(byRole[r]))
	}
	if words == nil {
		words = []string{"stopped"}
		level = max(level, reconcile.Degraded)
	}
	words = append(words, extra...)
	if len(within) > 0 {
		words = append(words, "in "+within[len(within)-1])
	}
	return level, strings.Join(words, ", ")
}

func sortedRoles(m map[string][]string) []string {
	var rs []string
	for r := range m {
		rs = append(rs, r)
	}
	sort.Strings(rs)
	return rs
}

// coverage tells for each node which devices can fence it and how they do.
func coverage(doc *etree.Document, failed []failure, st clusterStatus) []reconcile.Health {
	var out []reconcile.Health
	if option, value := fencingOff(doc, false); option != "" {
		return []reconcile.Health{{Object: reconcile.Ref{Kind: "fencing", Name: "all"}, Level: reconcile.Degraded, Text: "switched off: " + option + "=" + value, Condition: reconcile.Lasting}}
	}
	devices := fenceDevices(doc)
	for _, n := range st.nodes {
		var good, bad []string
		for _, dv := range devices {
			if !dv.covers(n.name) {
				continue
			}
			is := st.of(dv.id)
			f := slices.IndexFunc(failed, func(f failure) bool { return f.resource == dv.id })
			switch {
			case f >= 0:
				bad = append(bad, dv.id+" ("+failed[f].String()+")")
			case slices.ContainsFunc(is, Instance.active):
				good = append(good, dv.id)
			default:
				bad = append(bad, dv.id+" (not started)")
			}
		}
		h := reconcile.Health{Object: reconcile.Ref{Kind: "fencing", Name: n.name}, Level: reconcile.OK, Text: "can be fenced by " + joinWords(good)}
		switch {
		case good == nil && bad == nil:
			h.Level, h.Text, h.Condition = reconcile.Failed, "no device can fence it", reconcile.Lasting
		case good == nil:
			h.Level, h.Text = reconcile.Failed, "cannot be fenced now: "+joinWords(bad)
		case bad != nil:
			h.Level, h.Text = reconcile.Degraded, h.Text+"; not by "+joinWords(bad)
		}
		out = append(out, h)
	}
	return out
}

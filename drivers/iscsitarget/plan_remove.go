package iscsitarget

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// leavers removes what hactl made and the manifest no longer has: portals, initiators, what initiators see, LUNs.
func (w *work) leavers(live *Found) {
	if w.old == nil {
		return
	}
	at := base(w.t.IQN)
	for _, p := range w.old.Portals {
		if slices.Contains(live.Portals, p) && !slices.Contains(w.t.Portals, p) {
			w.change(reconcile.Change{Action: reconcile.Update, Path: "portals", Have: p, Risk: reconcile.ReloadRisk, Source: w.t.source("spec.portals")}, rmdir(at+"/np/"+p))
		}
	}
	var dropped []int
	for _, n := range w.old.LUNs {
		if _, there := live.LUNs[n]; there && w.behind[n] == nil {
			dropped = append(dropped, n)
		}
	}
	for _, initiator := range slices.Sorted(maps.Keys(w.old.ACLs)) {
		a, there := live.ACLs[initiator]
		i, wanted := w.acls[initiator]
		switch {
		case !there:
		case !wanted:
			c := reconcile.Change{Action: reconcile.Update, Path: "acls." + initiator, Have: "may log in", Source: w.t.source("spec.acls")}
			if a.Session != "" {
				c.Risk, c.Why = reconcile.Outage, initiator+" is logged in from "+a.Session+" and loses its disks"
			}
			w.change(c, a.away(at+"/acls/"+initiator)...)
		default:
			for _, n := range w.old.ACLs[initiator].LUNs {
				if _, mapped := a.LUNs[n]; mapped && !w.t.ACLs[i].sees(n) {
					c := reconcile.Change{Action: reconcile.Update, Path: "acls." + initiator + ".luns", Have: strconv.Itoa(n), Source: w.t.source(fmt.Sprintf("spec.acls[%d]", i))}
					if a.Session != "" {
						c.Risk, c.Why = reconcile.Outage, initiator+" is logged in from "+a.Session+" and loses this disk"
					}
					w.change(c, unmap(at+"/acls/"+initiator, n)...)
				}
			}
		}
	}
	for _, n := range dropped {
		c := reconcile.Change{Action: reconcile.Update, Path: fmt.Sprintf("luns.%d", n), Have: live.LUNs[n], Source: w.t.source("spec.luns")}
		if live.busy() {
			c.Risk, c.Why = reconcile.Outage, "initiators are logged in and lose this disk"
		}
		w.change(c, dropLUN(at, n)...)
	}
}

func unmap(acl string, n int) []Line {
	return []Line{empty(fmt.Sprintf("%s/lun_%d", acl, n))}
}

func dropLUN(at string, n int) []Line {
	return []Line{empty(fmt.Sprintf("%s/lun/lun_%d", at, n))}
}

// away are the lines that remove an initiator.
func (a *FoundACL) away(at string) []Line {
	var lines []Line
	for _, n := range slices.Sorted(maps.Keys(a.LUNs)) {
		lines = append(lines, unmap(at, n)...)
	}
	return append(lines, rmdir(at))
}

// removed removes backstores that hactl made, once no LUN of anybody's leads to them. Their files stay.
func (w *work) removed() {
	if w.old == nil {
		return
	}
	for _, id := range w.old.Backstores {
		if w.wants(id) {
			continue
		}
		_, name, _ := strings.Cut(id, "/")
		if b, there := w.m.Backstores[id]; there && !w.m.usedBy(id, w.t.IQN) {
			w.change(reconcile.Change{Action: reconcile.Update, Path: "backstores." + name, Have: b.Path, Source: w.t.source("spec.backstores"),
				Why: b.Path + " itself stays"}, b.away()...)
		}
	}
}

// wants tells that the manifest has a backstore.
func (w *work) wants(id string) bool {
	_, name, _ := strings.Cut(id, "/")
	i, ok := w.backstores[name]
	return ok && w.t.Backstores[i].id() == id
}

func (b FoundBackstore) away() []Line {
	return []Line{rmdir("core/" + b.Dir), rmdir("core/" + path.Dir(b.Dir))}
}

// usedBy tells that another target has a LUN of the backstore.
func (m *Machine) usedBy(id, except string) bool {
	for iqn, t := range m.Targets {
		for _, b := range t.LUNs {
			if b == id && iqn != except {
				return true
			}
		}
	}
	return false
}

// prune removes whole targets of the owner that no manifest tells.
func (p *planner) prune() {
	if !p.want.Prune {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.m.Records)) {
		r := p.m.Records[name]
		if r.Owner != p.want.Owner || slices.ContainsFunc(p.want.Targets, func(t Target) bool { return t.Host == p.host && t.Name == name }) {
			continue
		}
		c := reconcile.Change{Object: Ref(name), Action: reconcile.Delete, Have: r.IQN, Risk: reconcile.DataLoss, ByName: true, Whole: Ref(name),
			Why: "no manifest tells it any more; its initiators lose their disks. The files and devices themselves stay"}
		var lines []Line
		if t := p.m.Targets[r.IQN]; t != nil {
			lines = t.away(r.IQN)
		}
		for _, id := range r.Backstores {
			if b, there := p.m.Backstores[id]; there && !p.m.usedBy(id, r.IQN) {
				lines = append(lines, b.away()...)
			}
		}
		ops := reconcile.Ops{}
		if len(lines) > 0 {
			ops = append(ops, Configure{Lines: lines, Root: p.root()})
		}
		if op := p.forget(append(p.gone, r)); op != nil {
			ops = append(ops, *op)
		}
		ops = append(ops, reconcile.Command{Argv: []string{"rm", "-f", "--", recordPath(name)}})
		p.gone = append(p.gone, r)
		p.steps = append(p.steps, reconcile.Step{ID: p.id(name, "prune"), Host: p.host, Changes: []reconcile.Change{c}, Ops: ops})
	}
}

// away are the lines that remove a target: nobody can log in first.
func (t *Found) away(iqn string) []Line {
	at := base(iqn)
	lines := []Line{set(at+"/enable", "0")}
	for _, i := range slices.Sorted(maps.Keys(t.ACLs)) {
		lines = append(lines, t.ACLs[i].away(at+"/acls/"+i)...)
	}
	for _, n := range slices.Sorted(maps.Keys(t.LUNs)) {
		lines = append(lines, dropLUN(at, n)...)
	}
	for _, p := range t.Portals {
		lines = append(lines, rmdir(at+"/np/"+p))
	}
	lines = append(lines, rmdir(at))
	if len(t.Groups) == 0 {
		lines = append(lines, rmdir("iscsi/"+iqn))
	}
	return lines
}

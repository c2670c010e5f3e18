package iscsitarget

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// Provides gives the targets of which nothing is left to be done.
func (d Driver) Provides(have State) []reconcile.Ref {
	owned := map[string][]Target{}
	for _, t := range have.Targets {
		m := have.machine(t.Host)
		if m == nil || m.Unobserved != "" {
			continue
		}
		owner := d.owner
		if r, ok := m.Records[t.Name]; ok {
			owner = r.Owner
		}
		owned[owner] = append(owned[owner], t)
	}
	var refs []reconcile.Ref
	for _, owner := range slices.Sorted(maps.Keys(owned)) {
		_, open, _ := planAll(State{Owner: owner, Targets: owned[owner]}, have)
		for _, t := range owned[owner] {
			if !open[t.Name] {
				refs = append(refs, Ref(t.Name))
			}
		}
	}
	return refs
}

// Notes tells of what is taken over as it is, of what a target has beside the manifest, and of other targets.
func (d Driver) Notes(want, have State) []reconcile.Note {
	var out []reconcile.Note
	wanted := map[string]bool{}
	for i := range want.Targets {
		t := &want.Targets[i]
		wanted[t.Host+" "+t.IQN] = true
		m := have.machine(t.Host)
		if m == nil || m.Unobserved != "" {
			continue
		}
		note := func(kind reconcile.NoteKind, path, format string, args ...any) {
			out = append(out, reconcile.Note{Kind: kind, Object: Ref(t.Name), Path: path, Text: fmt.Sprintf(format, args...), Source: t.source("")})
		}
		live := m.Targets[t.IQN]
		_, ours := m.Records[t.Name]
		if live != nil {
			if !ours {
				note(reconcile.NoteAdopts, "", "%s: %s was not made by hactl; it stays as it is while it is as the manifest says", t.Host, t.IQN)
			}
			live.notes(t, m, note)
		}
		for _, b := range t.Backstores {
			if l, there := m.Backstores[b.id()]; there && b.Plugin == fileIO && l.Enabled && l.WriteBack != b.WriteBack {
				note(reconcile.NoteWarning, "backstores."+b.Name+".writeBack", "%s: it is served with writeBack: %t, which cannot change while it is served; it stays so", t.Host, l.WriteBack)
			}
		}
	}
	for i := range have.Machines {
		m := &have.Machines[i]
		for _, iqn := range slices.Sorted(maps.Keys(m.Targets)) {
			if want.Owner != "" && !wanted[m.Name+" "+iqn] {
				out = append(out, reconcile.Note{Kind: reconcile.NoteUnmanaged, Object: Ref(iqn), Text: "is a target on " + m.Name + ", and no manifest tells of it; it is left alone"})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b reconcile.Note) int { return strings.Compare(a.Object.Name, b.Object.Name) })
	return out
}

// notes tells what the target has that neither the manifest nor hactl's record has.
func (f *Found) notes(t *Target, m *Machine, note func(kind reconcile.NoteKind, path, format string, args ...any)) {
	old := m.Records[t.Name]
	for _, p := range f.Portals {
		if !slices.Contains(t.Portals, p) && !slices.Contains(old.Portals, p) {
			note(reconcile.NoteUnmanaged, "portals", "%s has the portal %s too", t.Host, p)
		}
	}
	luns, acls := map[int]bool{}, map[string]bool{}
	for _, n := range old.LUNs {
		luns[n] = true
	}
	for _, l := range t.LUNs {
		luns[l.Number] = true
	}
	for i := range old.ACLs {
		acls[i] = true
	}
	for _, a := range t.ACLs {
		acls[a.Initiator] = true
	}
	for _, n := range slices.Sorted(maps.Keys(f.LUNs)) {
		if !luns[n] {
			note(reconcile.NoteUnmanaged, fmt.Sprintf("luns.%d", n), "%s has LUN %d (%s) too", t.Host, n, f.LUNs[n])
		}
	}
	for _, i := range slices.Sorted(maps.Keys(f.ACLs)) {
		if !acls[i] {
			note(reconcile.NoteUnmanaged, "acls."+i, "%s lets %s log in too", t.Host, i)
		}
	}
	if len(f.Groups) > 0 {
		note(reconcile.NoteUnmanaged, "", "%s has further portal groups (%s), which are left alone", t.Host, strings.Join(f.Groups, ", "))
	}
}

// Status tells of each target who is logged in and what it serves, problems first.
func (Driver) Status(have State) []reconcile.Health {
	var out []reconcile.Health
	told := map[string]bool{}
	for _, t := range have.Targets {
		m := have.machine(t.Host)
		if m == nil || m.Unobserved != "" {
			continue
		}
		told[t.Host+" "+t.IQN] = true
		h := reconcile.Health{Object: Ref(t.Name)}
		if f := m.Targets[t.IQN]; f != nil {
			h.Level, h.Text = f.health(m)
		} else {
			h.Level, h.Text, h.Condition = reconcile.Failed, t.IQN+" is not on "+t.Host, reconcile.Lasting
		}
		out = append(out, h)
	}
	for i := range have.Machines {
		m := &have.Machines[i]
		for _, iqn := range slices.Sorted(maps.Keys(m.Targets)) {
			if !told[m.Name+" "+iqn] {
				h := reconcile.Health{Object: Ref(iqn)}
				h.Level, h.Text = m.Targets[iqn].health(m)
				out = append(out, h)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b reconcile.Health) int { return int(b.Level) - int(a.Level) })
	return out
}

func (f *Found) health(m *Machine) (reconcile.Level, string) {
	level, parts := reconcile.OK, []string{"on " + m.Name}
	if !f.Enabled {
		level, parts = reconcile.Failed, append(parts, "not enabled")
	}
	var sessions []string
	for _, i := range slices.Sorted(maps.Keys(f.ACLs)) {
		if s := f.ACLs[i].Session; s != "" {
			sessions = append(sessions, i+" ("+s+")")
		}
	}
	sessions = append(sessions, f.Guests...)
	if len(sessions) == 0 {
		sessions = []string{"nobody"}
	}
	parts = append(parts, "logged in: "+strings.Join(sessions, ", "))
	for _, n := range slices.Sorted(maps.Keys(f.LUNs)) {
		b := m.Backstores[f.LUNs[n]]
		what := b.Path
		if b.Size > 0 {
			what += " " + block.FormatSize(b.Size)
		}
		parts = append(parts, fmt.Sprintf("LUN %d %s", n, what))
	}
	return level, strings.Join(parts, "; ")
}

package system

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = Driver{}

// Record notes what was looked at on each machine, because a look answers only what the manifests of that time asked for. The content of a
// file that not everybody on the machine may read is left out.
func (Driver) Record(_ context.Context, _ reconcile.Hosts, want, have State) (State, error) {
	have.Machines = slices.Clone(have.Machines)
	for i := range have.Machines {
		m := &have.Machines[i]
		if w := want.machine(m.Name); w != nil {
			m.Looked = w.asked()
		}
		m.Found = maps.Clone(m.Found)
		for p, f := range m.Found {
			if f.Mode&0o004 == 0 {
				f.Content = reconcile.Secret(f.Content.Reveal())
				m.Found[p] = f
			}
		}
	}
	return have, nil
}

// Recall finds the wanted machines in a record, and what nobody looked at on them.
func (Driver) Recall(want, have State) State {
	out := State{Cluster: want.Cluster}
	for _, w := range want.Machines {
		m := MachineStatus{Name: w.Name, Unobserved: reconcile.NotInSnapshot}
		if h := have.machine(w.Name); h != nil {
			m = *h
			m.Unlooked = slices.DeleteFunc(w.asked(), func(a string) bool { return slices.Contains(h.Looked, a) })
		}
		m.Member = w.Member
		out.Machines = append(out.Machines, m)
	}
	return out
}

// asked lists what a look at a machine answers for these wishes, by the paths of changes.
func (m MachineStatus) asked() []string {
	var paths []string
	add := func(part string, names ...string) {
		for _, n := range names {
			paths = append(paths, part+n)
		}
	}
	if p := m.Packages; p != nil {
		add("packages.", union(p.Debian, p.RedHat)...)
	}
	if m.Time != nil {
		paths = append(paths, "time")
	}
	if m.Firewall != nil {
		paths = append(paths, "firewall")
	}
	add("units.", sortedKeys(m.Units)...)
	add("users.", sortedKeys(m.Accounts)...)
	add("files.", m.paths()...)
	add("addresses.", m.Addresses...)
	return paths
}

// notLooked plans what is wanted and was not looked at: nobody knows whether anything has to be done for it. The rest is planned as ever.
func (p *planner) notLooked() {
	var changes []reconcile.Change
	for _, path := range p.h.Unlooked {
		if strings.HasPrefix(path, "addresses.") { // only the preflight looks at them
			continue
		}
		part, _, _ := strings.Cut(path, ".")
		source := p.want.sourceOf(p.w.Name, path)
		if source.IsZero() {
			source = p.want.sourceOf(p.w.Name, part)
		}
		changes = append(changes, reconcile.Change{Action: reconcile.Check, Path: path, Source: source})
	}
	if len(changes) == 0 {
		return
	}
	p.step("not looked at", "", changes)
	p.steps[len(p.steps)-1].Pending = reconcile.NotInSnapshot
	p.w = p.w.without(p.h.Unlooked)
	if slices.Contains(p.h.Unlooked, "time") {
		p.h.Time = nil
	}
}

// without leaves out these wishes.
func (m MachineStatus) without(paths []string) MachineStatus {
	gone := map[string]bool{}
	for _, p := range paths {
		gone[p] = true
	}
	if m.Packages != nil {
		left := func(names []string) []string {
			return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return gone["packages."+n] })
		}
		m.Packages = &Packages{Debian: left(m.Packages.Debian), RedHat: left(m.Packages.RedHat)}
	}
	if gone["time"] {
		m.Time = nil
	}
	if gone["firewall"] {
		m.Firewall = nil
	}
	m.Units, m.Accounts, m.Files = maps.Clone(m.Units), maps.Clone(m.Accounts), maps.Clone(m.Files)
	maps.DeleteFunc(m.Units, func(n string, _ Unit) bool { return gone["units."+n] })
	maps.DeleteFunc(m.Accounts, func(n string, _ Account) bool { return gone["users."+n] })
	maps.DeleteFunc(m.Files, func(p string, f PlacedFile) bool { return gone["files."+p] || gone["files."+f.Copy] })
	return m
}

package lvm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// Provides gives the groups that are complete, and the volumes that are there. Settings are always there: where they must change, a step says so.
func (Driver) Provides(have State) []reconcile.Ref {
	var refs []reconcile.Ref
	for _, m := range have.Machines {
		refs = append(refs, Settings(m.Name))
	}
	for i := range have.Groups {
		g := &have.Groups[i]
		for _, node := range g.Nodes {
			m := have.machine(node)
			f := m.group(g.Name)
			for _, v := range g.Volumes {
				l := f.volume(v.Name)
				if l != nil && !isNew(l.Tags) && (g.handed() || m.Devices[g.path(v.Name)].There() || v.Type == "thin-pool") {
					refs = append(refs, block.Ref(node, g.path(v.Name)))
				}
			}
		}
		if complete(have, g) {
			refs = append(refs, Ref(g.Name))
		}
	}
	return refs
}

// full is how full a thin pool may be, in percent, before that is told.
const full = 85

// Notes tells what is left alone in the groups that are managed, and what is wrong with them.
func (Driver) Notes(want, have State) []reconcile.Note {
	var notes []reconcile.Note
	told := map[string]bool{}
	for i := range want.Groups {
		g := &want.Groups[i]
		add := func(kind reconcile.NoteKind, path, text string) {
			if !told[g.Name+text] {
				told[g.Name+text] = true
				notes = append(notes, reconcile.Note{Kind: kind, Object: Ref(g.Name), Path: path, Text: text, Source: g.Sources[""]})
			}
		}
		for _, node := range g.Nodes {
			m := have.machine(node)
			f := m.group(g.Name)
			if f == nil {
				continue
			}
			on := " on " + node
			if g.Shared {
				on = ""
			}
			if t := f.trouble(); t != "" {
				add(reconcile.NoteWarning, "", t+"; nothing is written to the group"+on)
			}
			gone, _ := f.unwanted(g, ownerTag+tagText(want.Owner))
			for _, v := range f.Volumes {
				pruned := want.Prune && slices.ContainsFunc(gone, func(w FoundVolume) bool { return w.Name == v.Name })
				if !pruned && !slices.ContainsFunc(g.Volumes, func(w Volume) bool { return w.Name == v.Name }) {
					add(reconcile.NoteUnmanaged, "volumes", fmt.Sprintf("%s/%s%s (%s, %s) is not in the manifest; it is left alone", f.Name, v.Name, on, v.Layout, formatSize(v.Size)))
				}
			}
			for _, d := range f.Disks {
				if d.Real != "" && !slices.ContainsFunc(g.Disks, func(w Disk) bool { return m.isDisk(w, d) }) {
					add(reconcile.NoteUnmanaged, "physicalVolumes", fmt.Sprintf("%s is in %s on %s and not in the manifest; it is left alone", d.Name, f.Name, node))
				}
			}
			for _, w := range g.Disks {
				path := w.Paths[node]
				if was := recorded(f.Tags, path); was != "" && was != tagText(m.Devices[path].Identity) {
					add(reconcile.NoteWarning, "physicalVolumes", fmt.Sprintf("%s on %s was the disk %s when it was put into the group, and is %s now; name disks by /dev/disk/by-id, whose names stay",
						path, node, was, m.Devices[path].Identity))
				}
			}
			if _, source, _ := want.wantedSettings(node); source != nil && !m.Initramfs && m.SystemIDSource != source.SystemIDSource {
				add(reconcile.NoteWarning, "systemIDSource", "there is no update-initramfs on "+node+": if its initramfs holds LVM's settings, make it anew by hand (dracut -f)")
			}
		}
	}
	return notes
}

// isDisk tells that a wanted disk is a physical volume here, as a whole or by its partition.
func (m *Machine) isDisk(w Disk, d FoundDisk) bool {
	path := w.Paths[m.Name]
	return m.Devices[path].Real == d.Real || w.Partition && m.Devices[partitionOf(path)].Real == d.Real
}

// Status tells of each group where it is, and what is wrong, of pools how full they are.
func (Driver) Status(have State) []reconcile.Health {
	var out []reconcile.Health
	told := map[string]bool{}
	for i := range have.Machines {
		for j := range have.Machines[i].Groups {
			f := &have.Machines[i].Groups[j]
			if !told[f.UUID] {
				told[f.UUID] = true
				out = append(out, have.health(f)...)
			}
		}
	}
	for _, g := range have.Groups {
		for _, node := range g.Nodes {
			if m := have.machine(node); m != nil && m.Unobserved == "" && m.group(g.Name) == nil {
				out = append(out, reconcile.Health{Object: onNode(node, g.Name), Level: reconcile.Failed, Text: "there is no such volume group on " + node, Condition: reconcile.Lasting})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b reconcile.Health) int { return int(b.Level) - int(a.Level) })
	return out
}

// health is that of one group as all machines that see it tell.
func (s State) health(f *FoundGroup) []reconcile.Health {
	var seen, active []string
	owner := ""
	for i := range s.Machines {
		m := &s.Machines[i]
		g := m.group(f.Name)
		if g == nil || g.UUID != f.UUID {
			continue
		}
		seen = append(seen, m.Name)
		if g.active() {
			active = append(active, m.Name)
		}
		if g.SystemID != "" && g.SystemID == m.SystemID {
			owner = m.Name
		}
	}
	h := reconcile.Health{Object: Ref(f.Name), Text: fmt.Sprintf("%s of %s free, %d disks, %d volumes, on %s", formatSize(f.Free*f.ExtentSize), formatSize(f.Extents*f.ExtentSize),
		len(f.Disks), len(f.Volumes), strings.Join(seen, ", "))}
	for _, node := range active {
		h.On = append(h.On, reconcile.Place{Node: node, As: "active"})
	}
	if len(seen) == 1 {
		h.Object = onNode(seen[0], f.Name)
	}
	switch {
	case owner != "":
		h.Text += ", owned by " + owner
	case f.SystemID != "":
		h.Text += ", owned by the system ID " + f.SystemID
	}
	if len(active) > 0 {
		h.Text += ", active on " + strings.Join(active, ", ")
	} else {
		h.Text += ", active nowhere"
	}
	switch {
	case f.trouble() != "":
		h.Level, h.Text = reconcile.Failed, f.trouble()+"; "+h.Text
	case len(active) > 1 && f.LockType == "":
		h.Level, h.Text = reconcile.Failed, "active on several nodes without a lock manager: "+strings.Join(active, ", ")+"; deactivate it on all but one at once; "+h.Text
	case isNew(f.Tags):
		h.Level, h.Text = reconcile.Degraded, "not complete yet; "+h.Text
	}
	out := []reconcile.Health{h}
	for _, v := range f.Volumes {
		if v.Layout == poolLayout && (v.Data >= full || v.Metadata >= full) {
			out = append(out, reconcile.Health{Object: Ref(f.Name), Level: reconcile.Degraded,
				Text: fmt.Sprintf("the thin pool %s is full to %.0f %%, its metadata to %.0f %%; at 100 %% its volumes fail: make it larger", v.Name, v.Data, v.Metadata)})
		}
	}
	return out
}

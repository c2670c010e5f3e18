package lvm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// pruneSteps remove the groups and volumes that carry the owner's tag and that no manifest tells any more. Nothing that is in use is removed: LVM
// refuses it, and the plan waits.
func pruneSteps(want, have State) (steps []reconcile.Step, err error) {
	mine := ownerTag + tagText(want.Owner)
	done := map[string]bool{} // shared groups, by UUID
	var errs []error
	for i := range have.Machines {
		m := &have.Machines[i]
		for j := range m.Groups {
			f := &m.Groups[j]
			if f.SystemID != "" && f.SystemID != m.SystemID || done[f.UUID] || f.trouble() != "" {
				continue // another machine's, done, or not to be touched
			}
			g := want.group(f.Name, m.Name)
			whole := g == nil && slices.Contains(f.Tags, mine)
			if g == nil && !whole {
				continue
			}
			gone, foreign := f.unwanted(g, mine)
			if !whole && len(gone) == 0 {
				continue
			}
			done[f.UUID] = true
			if slices.Contains(f.Tags, keepTag) && whole {
				errs = append(errs, fmt.Errorf("--prune: no manifest tells VolumeGroup/%s any more, and it is protected; apply it once more with protect: false to be rid of it", f.Name))
				continue
			}
			s := removal(m, f, gone, whole && len(foreign) == 0)
			if whole && len(foreign) > 0 {
				release(&s, m, f, mine, foreign)
			}
			if s.Pending = have.busy(f, m.Name, gone, foreign); s.Pending != "" {
				s.Ops = nil
			}
			steps = append(steps, s)
		}
	}
	return steps, errors.Join(errs...)
}

// unwanted are the volumes that the owner made and a wanted group (nil: none is wanted) does not have, and those that somebody else made.
func (f *FoundGroup) unwanted(g *Group, mine string) (gone []FoundVolume, foreign []string) {
	for _, v := range f.Volumes {
		switch {
		case !slices.Contains(v.Tags, mine):
			foreign = append(foreign, v.Name)
		case g == nil || !slices.ContainsFunc(g.Volumes, func(w Volume) bool { return w.Name == v.Name }):
			gone = append(gone, v)
		}
	}
	return gone, foreign
}

// release gives a group up that has volumes of somebody else in it: they stay, and so does the group.
func release(s *reconcile.Step, m *Machine, f *FoundGroup, mine string, foreign []string) {
	argv := []string{"vgchange", "--deltag", mine}
	for _, t := range f.Tags {
		if t == keepTag || t == newTag || strings.HasPrefix(t, diskTag) {
			argv = append(argv, "--deltag", t)
		}
	}
	s.Changes = append(s.Changes, reconcile.Change{Object: onNode(m.Name, f.Name), Action: reconcile.Update, Path: "owner", Have: tagged(f.Tags, ownerTag), Want: "nobody",
		Why: "it stays, with the volumes that hactl did not make: " + strings.Join(foreign, ", ")})
	s.Ops = append(s.Ops, command(append(argv, f.Name)...))
}

// group is the wanted group of that name on a node; nil if there is none.
func (s State) group(name, node string) *Group {
	for i := range s.Groups {
		if g := &s.Groups[i]; g.Name == name && slices.Contains(g.Nodes, node) {
			return g
		}
	}
	return nil
}

// busy says what keeps volumes from being removed; "" if nothing does. Whoever uses them may be on the way to be removed by the same plan. With a
// pool LVM removes what is in it, and with a volume its snapshots.
func (s State) busy(f *FoundGroup, on string, gone []FoundVolume, foreign []string) string {
	for _, v := range gone {
		for _, name := range foreign {
			if o := f.volume(name); o.Pool == v.Name || o.Origin == v.Name {
				return fmt.Sprintf("%s/%s would go with %s, and hactl did not make it; remove it by hand first (lvremove %s/%s)", f.Name, name, v.Name, f.Name, name)
			}
		}
	}
	for _, h := range s.Machines {
		o := h.group(f.Name)
		if o == nil || o.UUID != f.UUID {
			continue
		}
		for _, v := range gone {
			switch ov := o.volume(v.Name); {
			case ov == nil || ov.Layout == poolLayout:
			case ov.Open:
				return fmt.Sprintf("%s/%s is in use on %s; it goes once nothing uses it", f.Name, v.Name, h.Name)
			case ov.Active && (h.Name != on || !f.Autoactivation):
				return fmt.Sprintf("%s/%s is active on %s; it goes once the cluster has stopped it", f.Name, v.Name, h.Name)
			}
		}
	}
	return ""
}

// removal removes volumes, with what LVM would remove along with another before that (snapshots, then what is in pools), and the group with its physical volumes where all of it goes.
func removal(m *Machine, f *FoundGroup, gone []FoundVolume, whole bool) reconcile.Step {
	s := reconcile.Step{ID: "lvm " + m.Name + " " + f.Name + " prune", Host: m.Name, Needs: []reconcile.Ref{system.Machine(m.Name)}}
	rank := func(v FoundVolume) int {
		switch {
		case v.Origin != "":
			return 0
		case v.Pool != "":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(gone, func(a, b FoundVolume) int { return rank(a) - rank(b) })
	change := func(ref reconcile.Ref, what string) {
		s.Changes = append(s.Changes, reconcile.Change{Object: ref, Action: reconcile.Delete, Have: what, Risk: reconcile.DataLoss, ByName: true, Whole: Ref(f.Name),
			Why: "all that is on it is lost"})
	}
	for _, v := range gone {
		change(block.Ref(m.Name, "/dev/"+f.Name+"/"+v.Name), formatSize(v.Size))
		s.Ops = append(s.Ops, command("lvremove", "--yes", f.Name+"/"+v.Name))
	}
	if whole {
		change(onNode(m.Name, f.Name), fmt.Sprintf("%d volumes", len(gone)))
		var disks []string
		for _, d := range f.Disks {
			disks = append(disks, d.Name)
		}
		s.Ops = append(s.Ops, RemoveGroup{f.Name, disks})
	}
	return s
}

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
// refuses it, and so does the plan.
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
			var gone []FoundVolume
			for _, v := range f.Volumes {
				if whole || g != nil && slices.Contains(v.Tags, mine) && !slices.ContainsFunc(g.Volumes, func(w Volume) bool { return w.Name == v.Name }) {
					gone = append(gone, v)
				}
			}
			if !whole && len(gone) == 0 {
				continue
			}
			done[f.UUID] = true
			if slices.Contains(f.Tags, keepTag) && whole {
				errs = append(errs, fmt.Errorf("--prune: no manifest tells VolumeGroup/%s any more, and it is protected; apply it once more with protect: false to be rid of it", f.Name))
				continue
			}
			s, err := removal(have, m, f, gone, whole)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			steps = append(steps, s)
		}
	}
	return steps, errors.Join(errs...)
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

// removal removes volumes, the thin ones before their pools, and the group with its physical volumes where all of it goes.
func removal(have State, m *Machine, f *FoundGroup, gone []FoundVolume, whole bool) (reconcile.Step, error) {
	s := reconcile.Step{ID: "lvm " + m.Name + " " + f.Name + " prune", Host: m.Name, Needs: []reconcile.Ref{system.Machine(m.Name)}}
	for _, h := range have.Machines {
		o := h.group(f.Name)
		if o == nil || o.UUID != f.UUID {
			continue
		}
		for _, v := range gone {
			if ov := o.volume(v.Name); ov != nil && ov.Layout != poolLayout && (ov.Open || h.Name != m.Name && ov.Active) {
				return s, fmt.Errorf("--prune: no manifest tells %s/%s any more, and it is in use on %s; stop what uses it, then run this again", f.Name, v.Name, h.Name)
			}
		}
	}
	slices.SortStableFunc(gone, func(a, b FoundVolume) int { return strings.Compare(a.Pool+"x", b.Pool+"x") * -1 })
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
		s.Ops = append(s.Ops, command("vgremove", f.Name))
		for _, d := range f.Disks {
			s.Ops = append(s.Ops, command("pvremove", d.Name))
		}
	}
	return s, nil
}

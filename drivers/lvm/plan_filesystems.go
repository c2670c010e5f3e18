package lvm

import (
	"fmt"
	"slices"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// fileSystems plans, in one step, those that are to be made and those that are to grow with their volumes.
func (p *place) fileSystems() error {
	var changes []reconcile.Change
	var ops []reconcile.Op
	var needs []reconcile.Ref
	for _, v := range p.g.inOrder() {
		if v.FileSystem == nil {
			continue
		}
		ref := block.Ref(p.m.Name, p.g.path(v.Name))
		c := reconcile.Change{Object: ref, Action: reconcile.Create, Path: "filesystem", Want: v.FileSystem.Type, Source: v.Source}
		have, dev := p.f.volume(v.Name), p.m.Devices[p.g.path(v.Name)]
		switch {
		case have == nil:
			ops = append(ops, p.mkfs(v, block.Device{Path: p.g.path(v.Name)})...)
		case !dev.There():
			p.unseen(v, have, c)
			continue
		case dev.Unreadable != "":
			return fmt.Errorf("%s: %s cannot be read: %s", v.Source, dev.Path, dev.Unreadable)
		case dev.Has(v.FileSystem.Type):
			grow := (p.grown[v.Name] || dev.Smaller() || slices.Contains(have.Tags, growTag)) && (!p.g.handed() || p.fresh() || len(dev.Mounts) > 0)
			switch {
			case grow:
				c.Action, c.Path, c.Have, c.Want = reconcile.Update, "filesystem.size", v.FileSystem.Type, "all of the volume"
				ops = append(ops, block.GrowFileSystem{Path: dev.Path, Type: v.FileSystem.Type})
				if v.FileSystem.Type == "gfs2" {
					ops = append(ops, command("lvchange", "--deltag", growTag, p.lv(v)))
				}
			case isNew(have.Tags):
				ops = append(ops, p.finish(v)...)
			default:
				continue
			}
		default:
			if err := p.overwrite(v, have, dev, &c); err != nil {
				return err
			}
			ops = append(ops, p.mkfs(v, dev)...)
		}
		changes, needs = append(changes, c), append(needs, ref)
	}
	if len(ops) > 0 {
		p.step("file systems", changes, p.after(needs...), ops...)
	}
	return nil
}

// overwrite says what a new file system costs where the device is not blank, and refuses where it is in use.
func (p *place) overwrite(v *Volume, have *FoundVolume, dev block.Device, c *reconcile.Change) error {
	gone := tagged(have.Tags, fsTag)
	switch {
	case len(dev.Mounts)+len(dev.Users) > 0:
		return fmt.Errorf("%s: %s on %s is to have %s, and it is in use: %s", v.Source, dev.Path, p.m.Name, v.FileSystem.Type, dev.Holds())
	case !dev.Blank():
		c.Have, c.Why = dev.Holds(), fmt.Sprintf("%s on %s holds %s, which would be lost", dev.Path, p.m.Name, dev.Holds())
	case gone != "":
		c.Why = fmt.Sprintf("hactl made %s on %s before, and it is not found any more: whatever is left of it would be lost", gone, dev.Path)
	default:
		return nil
	}
	c.Risk, c.ByName, c.Whole = reconcile.DataLoss, true, Ref(p.g.Name)
	return nil
}

// unseen is a volume that is not active, so that nobody knows what is on it. One that hactl was making is looked at once it is active.
func (p *place) unseen(v *Volume, have *FoundVolume, c reconcile.Change) {
	switch {
	case have.Active: // and yet no device: a snapshot that did not look at it
		c.Action = reconcile.Check
		p.wait(p.m.Name, "file system "+v.Name, []reconcile.Change{c}, nil, reconcile.NotInSnapshot)
	case isNew(have.Tags):
		p.wait(p.m.Name, "file system "+v.Name, []reconcile.Change{c}, p.after(c.Object), "known after "+p.lv(v)+" is active")
	case !p.g.handed() && tagged(have.Tags, fsTag) == "":
		c.Action = reconcile.Check
		p.wait(p.m.Name, "file system "+v.Name, []reconcile.Change{c}, p.after(c.Object), "known after "+p.lv(v)+" is active")
	}
}

func (p *place) mkfs(v *Volume, dev block.Device) []reconcile.Op {
	return append([]reconcile.Op{block.MakeFileSystem{Device: dev, FileSystem: *v.FileSystem, Nodes: len(p.g.Nodes)}}, p.finish(v)...)
}

// finish marks the volume as made.
func (p *place) finish(v *Volume) (ops []reconcile.Op) {
	if p.idle() {
		ops = append(ops, command("lvchange", "-an", p.lv(v)))
	}
	return append(ops, command("lvchange", "--deltag", newTag, "--addtag", fsTag+v.FileSystem.Type, p.lv(v)))
}

// handOver deactivates a group that was made for others to activate, and takes its mark away: from then on it is theirs.
func (p *place) handOver() error {
	if !p.g.handed() || !p.fresh() {
		return nil
	}
	needs := []reconcile.Ref{}
	for _, v := range p.g.Volumes {
		needs = append(needs, block.Ref(p.m.Name, p.g.path(v.Name)))
	}
	p.step("hand over", []reconcile.Change{{Object: Ref(p.g.Name), Action: reconcile.Create, Path: "activation", Want: "left to the cluster", Source: p.g.Sources[""]}},
		p.after(append(needs, p.ref)...), command("vgchange", "-an", p.g.Name), command("vgchange", "--deltag", newTag, p.g.Name))
	return nil
}

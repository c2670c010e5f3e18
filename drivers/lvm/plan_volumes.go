package lvm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// The layouts of lv_layout that have a type in the manifests.
const (
	linearLayout = "linear"
	poolLayout   = "thin,pool"
	thinLayout   = "thin,sparse"
)

// inOrder are the volumes as they are made: those of a given size, then those that take a share of the rest, then the thin ones in their pools.
func (g *Group) inOrder() []*Volume {
	rank := func(v *Volume) int {
		switch {
		case v.Type == "thin":
			return 2
		case v.Share != "":
			return 1
		}
		return 0
	}
	vs := make([]*Volume, len(g.Volumes))
	for i := range g.Volumes {
		vs[i] = &g.Volumes[i]
	}
	slices.SortStableFunc(vs, func(a, b *Volume) int { return rank(a) - rank(b) })
	return vs
}

// volumes plans the logical volumes: made, made larger, activated. None is ever made smaller.
func (p *place) volumes() error {
	var changes []reconcile.Change
	var ops []reconcile.Op
	room := room{known: p.f != nil && !p.grows}
	size := p.g.ExtentSize
	if p.f != nil {
		room.free, size = p.f.Free, p.f.ExtentSize
	}
	for _, v := range p.g.inOrder() {
		ref := block.Ref(p.m.Name, p.g.path(v.Name))
		have := p.f.volume(v.Name)
		c := reconcile.Change{Object: ref, Want: v.size(), Source: v.Source}
		if pool := p.f.volume(v.Pool); pool.full() && !p.grown[v.Pool] && (have == nil || isNew(have.Tags) || have.Size < v.Bytes) {
			return fmt.Errorf("%s: %s is to be written to, and its pool %s (%s) is full to %g %%, its metadata to %g %%; say a larger size for %s first",
				v.Source, p.lv(v), v.Pool, formatSize(pool.Size), pool.Data, pool.Metadata, v.Pool)
		}
		if have == nil {
			if err := room.take(v, v.takes(p.f, size), size); err != nil {
				return fmt.Errorf("%s: %w", v.Source, err)
			}
			c.Action = reconcile.Create
			changes, ops = append(changes, c), append(ops, p.lvcreate(v)...)
			continue
		}
		if err := v.fits(have); err != nil {
			return fmt.Errorf("%s: %s/%s %w", v.Source, p.g.Name, v.Name, err)
		}
		c.Action, c.Path, c.Have = reconcile.Update, "size", formatSize(have.Size)
		target := extents(v.Bytes, size) * size
		switch {
		case v.Share != "" && strings.HasPrefix(v.Share, "100%") && (p.grows || room.free > 0):
			room.free = 0
			changes, ops = append(changes, c), append(ops, p.lvextend(v, "-l", "+100%FREE")...)
		case v.Share != "" || have.Size == target:
		case have.Size > target:
			return fmt.Errorf("%s: %s/%s has %s and the manifest says %s; hactl makes no volume smaller: write %s, or shrink the file system and then the volume by hand (lvreduce --resizefs -L %s %s)",
				v.Source, p.g.Name, v.Name, formatSize(have.Size), formatSize(v.Bytes), formatSize(have.Size), formatSize(target), p.lv(v))
		default:
			if err := room.take(v, (target-have.Size)/size, size); err != nil {
				return fmt.Errorf("%s: %w", v.Source, err)
			}
			changes, ops = append(changes, c), append(ops, p.lvextend(v, "-L", bytes(target))...)
		}
		if p.activates(v, have) {
			changes = append(changes, reconcile.Change{Object: ref, Action: reconcile.Start, Have: "inactive", Want: "active", Source: v.Source})
			ops = append(ops, command("lvchange", "-ay", p.lv(v)))
		}
	}
	if len(ops) > 0 {
		p.step("volumes", changes, p.after(p.ref), ops...)
	}
	return nil
}

// lvextend makes a volume larger. Of one whose file system does not tell its size it is noted before that this has to grow.
func (p *place) lvextend(v *Volume, size ...string) (ops []reconcile.Op) {
	p.grown[v.Name] = true
	if v.FileSystem != nil && v.FileSystem.Type == "gfs2" {
		ops = append(ops, command("lvchange", "--addtag", growTag, p.lv(v)))
	}
	return append(ops, command(append(append([]string{"lvextend"}, size...), p.lv(v))...))
}

// activates tells that a volume must be activated: where nobody else does it, and where hactl still makes it.
func (p *place) activates(v *Volume, have *FoundVolume) bool {
	if have.Active || v.Type == "thin-pool" {
		return false
	}
	return !p.g.handed() || isNew(have.Tags) && v.FileSystem != nil
}

// after gives those of the objects that a step of this plan makes here.
func (p *place) after(refs ...reconcile.Ref) (needs []reconcile.Ref) {
	for _, r := range refs {
		if slices.ContainsFunc(p.steps[p.first:], func(s reconcile.Step) bool {
			return slices.ContainsFunc(s.Changes, func(c reconcile.Change) bool { return c.Object == r })
		}) {
			needs = append(needs, r)
		}
	}
	return needs
}

func (p *place) lv(v *Volume) string { return p.g.Name + "/" + v.Name }

// lvcreate makes a volume. What lies in the free extents is what an earlier volume of the group left there, so that signatures in it may go: the
// device is new.
func (p *place) lvcreate(v *Volume) []reconcile.Op {
	argv := []string{"lvcreate", "--yes", "--name", v.Name, "--addtag", ownerTag + tagText(p.want.Owner)}
	if v.FileSystem != nil {
		argv = append(argv, "--addtag", newTag)
	}
	size := []string{"--size", bytes(v.Bytes)}
	if v.Share != "" {
		size = []string{"--extents", v.Share}
	}
	switch v.Type {
	case "thin":
		argv = append(argv, "--type", "thin", "--virtualsize", bytes(v.Bytes), "--thinpool", v.Pool, p.g.Name)
	case "thin-pool":
		argv = append(append(argv, "--type", "thin-pool"), append(size, p.g.Name)...)
	default:
		argv = append(append(argv, "--type", "linear", "--wipesignatures", "y"), append(size, p.g.Name)...)
	}
	ops := []reconcile.Op{command(argv...)}
	if v.FileSystem == nil && p.idle() {
		ops = append(ops, command("lvchange", "-an", p.lv(v)))
	}
	return ops
}

// idle tells that the group was handed over before and is not active here, so that a new volume must not stay so.
func (p *place) idle() bool { return p.g.handed() && !p.fresh() && !p.f.active() }

// fits tells whether a volume is of the wanted type.
func (v *Volume) fits(have *FoundVolume) error {
	pool, thin := have.Layout == poolLayout, have.Layout == thinLayout
	switch {
	case v.Type == "thin-pool" && !pool, v.Type == "thin" && !thin, v.Type == "linear" && (pool || thin):
		return fmt.Errorf("is there with the layout %s, and the manifest says type: %s; change the manifest or give the volume another name", have.Layout, v.Type)
	case thin && v.Pool != have.Pool:
		return fmt.Errorf("is in the pool %s, and the manifest says %s; a volume does not change its pool", have.Pool, v.Pool)
	}
	return nil
}

// full tells of a pool that nothing more can be written to it.
func (v *FoundVolume) full() bool {
	return v != nil && v.Layout == poolLayout && (v.Data >= 100 || v.Metadata >= 100)
}

// takes is how many extents a new volume needs. A pool has its metadata beside it, 64 bytes for each chunk of 64 KiB and at least 2 MiB, and
// the first pool of a group as much again for its repair (lvmthin(7), "Thin Pool Metadata", "Spare metadata LV").
func (v *Volume) takes(f *FoundGroup, size int64) int64 {
	n := extents(v.Bytes, size)
	if v.Type != "thin-pool" || v.Share != "" {
		return n
	}
	meta := extents(max(v.Bytes/1024, 2<<20), size)
	if f == nil || !slices.ContainsFunc(f.Volumes, func(o FoundVolume) bool { return o.Layout == poolLayout }) {
		meta *= 2
	}
	return n + meta
}

// room is what a group has left, in extents.
type room struct {
	known bool
	free  int64
}

func (r *room) take(v *Volume, n, size int64) error {
	switch {
	case !r.known || v.Type == "thin":
		return nil
	case v.Share != "" && r.free == 0:
		return fmt.Errorf("%s is to have %s, and the group has no extent left; add a disk to spec.physicalVolumes", v.Name, v.Share)
	case v.Share != "":
		return nil
	case n > r.free:
		return fmt.Errorf("%s needs %s more, and the group has %s left; add a disk to spec.physicalVolumes, or ask for less", v.Name, formatSize(n*size), formatSize(r.free*size))
	}
	r.free -= n
	return nil
}

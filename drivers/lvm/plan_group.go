package lvm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// disk is a wanted disk as it is on a machine.
type disk struct {
	path  string       // as the manifest says
	whole block.Device // that
	pv    block.Device // what is, or becomes, the physical volume: the disk or its partition
	// member tells that it is in the group, label that the partition has to be made.
	member, label bool
	// over is what would be lost; "" if nothing.
	over string
	// away is why nothing is known of it yet, after what it will be.
	away  string
	after *reconcile.Ref
	want  *Disk
}

// disk finds out what a wanted disk is here. An error says why it cannot be used.
func (p *planner) disk(m *Machine, d *Disk) (disk, error) {
	k := disk{path: d.Paths[m.Name], want: d}
	whole, looked := m.Devices[k.path]
	switch {
	case !looked:
		k.away = reconcile.NotInSnapshot
		return k, nil
	case !whole.There():
		if mk, ok := d.Makers[m.Name]; ok {
			k.away, k.after = "known after "+mk.After+": there is no "+k.path+" yet", &mk.Ref
			return k, nil
		}
		return k, fmt.Errorf("%s: there is no block device %s on %s; `ls -l /dev/disk/by-id` there tells the names of its disks", d.Source, k.path, m.Name)
	case whole.Unreadable != "" && m.group(p.g.Name) != nil: // what runs on the others goes on
		k.away = k.path + " cannot be read: " + whole.Unreadable
		return k, nil
	case whole.Unreadable != "":
		return k, fmt.Errorf("%s: %s cannot be read (%s); nothing is done with the group until it can", d.Source, k.path, whole.Unreadable)
	}
	k.whole, k.pv = whole, whole
	if d.Partition {
		if err := k.partition(m); err != nil {
			return k, fmt.Errorf("%s: %w", d.Source, err)
		}
	}
	g, loose := m.holder(k.pv)
	if g != nil && g.Name == p.g.Name {
		k.member = true
		return k, nil
	}
	if was := recorded(m.group(p.g.Name).tags(), k.path); was != "" && was != tagText(whole.Identity) {
		return k, fmt.Errorf("%s: %s was the disk %s when hactl put it into the group, and is %s now; name disks by /dev/disk/by-id, whose names stay", d.Source, k.path, was, whole.Identity)
	}
	used := k.pv
	if k.label {
		used = whole
	}
	switch {
	case g != nil:
		return k, fmt.Errorf("%s: %s belongs to the volume group %s; take it out there (vgreduce, pvremove), or name another disk", d.Source, k.path, g.Name)
	case used.Blank():
	case len(used.Mounts)+len(used.Users) > 0:
		return k, fmt.Errorf("%s: %s is in use: %s; free it first, or name another disk", d.Source, k.path, used.Holds())
	case used.Unreadable != "":
		return k, fmt.Errorf("%s: %s cannot be read (%s); nothing is done with the group until it can", d.Source, used.Path, used.Unreadable)
	case loose:
		k.over = used.Holds() + ", a physical volume without a group"
	default:
		k.over = used.Holds()
	}
	return k, nil
}

// partition finds the one partition of a disk.
func (k *disk) partition(m *Machine) error {
	part := m.Devices[partitionOf(k.path)]
	if !part.There() {
		if g, _ := m.holder(k.whole); g == nil {
			k.label, k.pv = true, block.Device{Path: partitionOf(k.path)}
		}
		return nil
	}
	if n := len(k.whole.Users); n > 1 {
		return fmt.Errorf("%s has %d partitions (%s); with partition: true it has one; name the partition itself as the device", k.path, n, strings.Join(k.whole.Users, ", "))
	}
	k.pv = part
	return nil
}

func (g *FoundGroup) tags() []string {
	if g == nil {
		return nil
	}
	return g.Tags
}

// group plans the partitions, the group and its disks.
func (p *place) group() error {
	var disks []disk
	var changes []reconcile.Change
	var ops []reconcile.Op
	for i := range p.g.Disks {
		d := &p.g.Disks[i]
		if d.Paths[p.m.Name] == "" {
			continue
		}
		if p.f != nil && p.f.trouble() != "" && !p.m.Devices[d.Paths[p.m.Name]].There() {
			continue // Notes tell that it is missing
		}
		k, err := p.disk(p.m, d)
		if err != nil {
			return err
		}
		switch {
		case k.away != "" && p.f == nil:
			p.waitFor(k, p.everything(p.m.Name))
			return nil
		case k.away != "":
			p.waitFor(k, append([]reconcile.Change{{Object: p.ref, Action: p.action(), Path: "physicalVolumes", Want: k.path, Source: d.Source}}, p.fills()...))
		case !k.member:
			disks = append(disks, k)
		}
	}
	if p.f == nil && len(disks) == 0 {
		return fmt.Errorf("the manifest names no disk for %s; add it to spec.physicalVolumes[].devices", p.m.Name)
	}
	p.grows = len(disks) > 0
	if p.f != nil {
		changes, ops = p.attributes()
		p.systemID()
	} else {
		changes = append(changes, reconcile.Change{Object: p.ref, Action: reconcile.Create, Source: p.g.Sources[""]})
	}
	for i, k := range disks {
		c := reconcile.Change{Object: p.ref, Action: p.action(), Path: "physicalVolumes", Want: k.path, Source: k.want.Source}
		if k.over != "" {
			c.Risk, c.ByName, c.Whole, c.Have = reconcile.DataLoss, true, Ref(p.g.Name), k.over
			c.Why = fmt.Sprintf("%s on %s holds %s, which would be lost", k.path, p.m.Name, k.over)
		}
		changes = append(changes, c)
		if k.label {
			ops = append(ops, Partition{Device: k.whole, Path: k.pv.Path})
		}
		if p.f == nil && i == 0 {
			ops = append(ops, OnDevice{Argv: p.vgcreate(disks), Device: k.pv})
			continue
		}
		if p.f != nil && movable(k.path) && recorded(p.f.Tags, k.path) == "" && k.whole.Identity != "" {
			ops = append(ops, command("vgchange", "--addtag", k.tag(), p.g.Name))
		}
		ops = append(ops, OnDevice{Argv: []string{"vgextend", p.g.Name}, Device: k.pv})
	}
	if len(ops) > 0 {
		p.step("group", changes, nil, ops...)
	}
	return nil
}

// fills are the volumes of a group that is there which take all the room of a disk that comes.
func (p *place) fills() (changes []reconcile.Change) {
	for _, v := range p.g.Volumes {
		if have := p.f.volume(v.Name); have != nil && strings.HasPrefix(v.Share, "100%") {
			changes = append(changes, reconcile.Change{Object: block.Ref(p.m.Name, p.g.path(v.Name)), Action: reconcile.Update, Path: "size", Have: formatSize(have.Size), Want: v.size(), Source: v.Source})
		}
	}
	return changes
}

func (p *place) waitFor(k disk, changes []reconcile.Change) {
	var needs []reconcile.Ref
	if k.after != nil {
		needs = append(needs, *k.after)
	}
	p.wait(p.m.Name, "disk "+k.path, changes, needs, k.away)
}

// tag is the mark that ties a name to its disk.
func (k disk) tag() string { return diskTag + tagText(k.path) + "=" + tagText(k.whole.Identity) }

func (p *place) vgcreate(disks []disk) []string {
	argv := []string{"vgcreate", "--addtag", ownerTag + tagText(p.want.Owner)}
	if p.g.handed() {
		argv = append(argv, "--addtag", newTag)
	}
	if p.g.Protect {
		argv = append(argv, "--addtag", keepTag)
	}
	for _, k := range disks {
		if movable(k.path) && k.whole.Identity != "" {
			argv = append(argv, "--addtag", k.tag())
		}
	}
	if a := p.g.Autoactivation; a != nil && !*a {
		argv = append(argv, "--setautoactivation", "n")
	}
	if p.g.ExtentSize != 0 {
		argv = append(argv, "--physicalextentsize", bytes(p.g.ExtentSize))
	}
	if p.g.LockType != "" {
		argv = append(argv, "--locktype", p.g.LockType)
	}
	return append(argv, p.g.Name)
}

// attributes are the changes of a group that is there: who owns it, how it is activated.
func (p *place) attributes() (changes []reconcile.Change, ops []reconcile.Op) {
	change := func(c reconcile.Change, argv ...string) {
		c.Object = p.ref
		if c.Source.IsZero() {
			c.Source = p.g.Sources[""]
		}
		changes = append(changes, c)
		ops = append(ops, command(append(append([]string{"vgchange"}, argv...), p.g.Name)...))
	}
	mine := ownerTag + tagText(p.want.Owner)
	if !slices.Contains(p.f.Tags, mine) {
		c := reconcile.Change{Action: reconcile.Adopt, Path: "owner", Have: tagged(p.f.Tags, ownerTag), Want: p.want.Owner}
		argv := []string{"--addtag", mine}
		if c.Have != "" {
			c.Risk, c.Why = reconcile.AdoptRisk, "the group belongs to the owner "+c.Have
			argv = append([]string{"--deltag", ownerTag + c.Have}, argv...)
		}
		change(c, argv...)
	}
	if kept := slices.Contains(p.f.Tags, keepTag); kept != p.g.Protect {
		change(reconcile.Change{Action: reconcile.Update, Path: "protect", Have: strconv.FormatBool(kept), Want: strconv.FormatBool(p.g.Protect)},
			map[bool]string{true: "--addtag", false: "--deltag"}[p.g.Protect], keepTag)
	}
	if a := p.g.Autoactivation; a != nil && *a != p.f.Autoactivation {
		yes := map[bool]string{true: "y", false: "n"}
		change(reconcile.Change{Action: reconcile.Update, Path: "autoactivation", Have: strconv.FormatBool(p.f.Autoactivation), Want: strconv.FormatBool(*a), Source: p.g.Sources["autoactivation"]},
			"--setautoactivation", yes[*a])
	}
	if p.g.SystemIDSource != "" && p.f.SystemID == "" && p.m.SystemID != "" {
		change(p.owned(p.m.SystemID), "--systemid", p.m.SystemID)
	}
	return changes, ops
}

// owned is a group getting the system ID of this machine.
func (p *place) owned(id string) reconcile.Change {
	return reconcile.Change{Object: p.ref, Action: reconcile.Update, Path: "systemID", Want: id, Source: p.g.Sources["systemIDSource"], Risk: reconcile.AdoptRisk,
		Why: "from then on only " + p.m.Name + " can use the group, until LVM-activate moves it"}
}

// systemID tells beforehand of the system ID that the group is to get once LVM's settings have given the machine one.
func (p *place) systemID() {
	if p.g.SystemIDSource != "" && p.f.SystemID == "" && p.m.SystemID == "" && p.m.SystemIDSource != p.g.SystemIDSource {
		p.wait(p.m.Name, "system-id", []reconcile.Change{p.owned("that of " + p.m.Name)}, p.needs, "known after LVM on "+p.m.Name+" takes its system ID from "+p.g.SystemIDSource)
	}
}

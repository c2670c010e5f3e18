package lvm

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Importer[State] = Driver{}

// FromReport is the state of a machine of which nothing is known but a report of LVM, as `lvm fullreport --reportformat json --units b --nosuffix`
// prints it. What lies on the volumes is not in it.
func FromReport(node string, report []byte) (State, error) {
	m := Machine{Name: node, Installed: true}
	var err error
	m.Groups, m.Loose, err = parseReport(report)
	return State{Machines: []Machine{m}}, err
}

// Merge puts the machines of several reports together.
func (s State) Merge(other State) State {
	s.Machines = append(slices.Clone(s.Machines), other.Machines...)
	return s
}

// Import writes the volume groups: one object for a group that several nodes see, or that each has alike. The group that a machine runs from is
// left out.
func (Driver) Import(have State, into *v1.Manifests) ([]reconcile.ImportedSecret, error) {
	byName := map[string]*imported{}
	var order []string
	for i := range have.Machines {
		m := &have.Machines[i]
		for j := range m.Groups {
			g := &m.Groups[j]
			if what := m.runsFrom(g); what != "" {
				into.Cluster.Comments = append(into.Cluster.Comments, v1.Comment{Lost: true,
					Text: fmt.Sprintf("Not imported: the volume group %s of %s, which the machine itself runs from (%s).", g.Name, m.Name, what)})
				continue
			}
			im := byName[g.Name]
			if im == nil {
				im = &imported{first: g, on: m}
				byName[g.Name], order = im, append(order, g.Name)
			}
			im.add(m, g)
		}
	}
	slices.Sort(order)
	for _, name := range order {
		into.Add(byName[name].object())
	}
	return nil, nil
}

// runsFrom says which part of a running machine is on a group; "" if none is.
func (m *Machine) runsFrom(g *FoundGroup) string {
	for _, v := range g.Volumes {
		for _, at := range m.Devices["/dev/"+g.Name+"/"+v.Name].Mounts {
			switch at {
			case "/", "/usr", "/var", "/boot", "[SWAP]":
				return at + " is on " + v.Name
			}
		}
	}
	return ""
}

// imported is a group as it is gathered from the machines.
type imported struct {
	first *FoundGroup
	on    *Machine
	nodes []string
	// one tells that all of them see the very same group.
	one bool
	// disks are the paths by node, in the order of the first.
	disks []map[string]string
	// sources are where the nodes have their system IDs from.
	sources []string
	lost    []string
}

func (im *imported) add(m *Machine, g *FoundGroup) {
	switch {
	case g.UUID != im.first.UUID && !alike(im.first, g):
		im.lost = append(im.lost, fmt.Sprintf("Not imported: the group of this name on %s, which has other volumes or disks than that on %s.", m.Name, im.on.Name))
		return
	case g.UUID == im.first.UUID && g.active() && !im.first.active():
		im.on = m // where its file systems can be seen
	}
	im.one = len(im.nodes) == 0 || im.one && g.UUID == im.first.UUID
	im.nodes = append(im.nodes, m.Name)
	if !slices.Contains(im.sources, m.SystemIDSource) {
		im.sources = append(im.sources, m.SystemIDSource)
	}
	for i, d := range g.Disks {
		if i == len(im.disks) {
			im.disks = append(im.disks, map[string]string{})
		}
		if i < len(im.disks) && !d.Missing {
			im.disks[i][m.Name] = stable(m.Devices[d.Name], d.Name)
		}
	}
}

// alike tells that groups of different machines are the same to a manifest.
func alike(a, b *FoundGroup) bool {
	return len(a.Disks) == len(b.Disks) && a.ExtentSize == b.ExtentSize && a.Autoactivation == b.Autoactivation &&
		slices.EqualFunc(a.Volumes, b.Volumes, func(v, w FoundVolume) bool {
			return v.Name == w.Name && v.Size == w.Size && v.Layout == w.Layout && v.Pool == w.Pool && v.Origin == w.Origin
		})
}

// stable is a name of a disk that stays the same over boots, if it has one.
func stable(d block.Device, name string) string {
	for _, kind := range []string{"wwn-", "nvme-", "scsi-", "ata-", "virtio-"} {
		for _, l := range d.Links {
			if strings.HasPrefix(l, "/dev/disk/by-id/"+kind) {
				return l
			}
		}
	}
	return name
}

func (im *imported) object() *v1.VolumeGroup {
	g, m := im.on.group(im.first.Name), im.on
	o := &v1.VolumeGroup{}
	o.SetDefaults()
	o.APIVersion, o.Metadata.Name = v1.APIVersion, g.Name
	s := &o.Spec
	if s.Nodes = im.nodes; slices.Equal(s.Nodes, []string{""}) {
		s.Nodes = nil
		o.Comments = append(o.Comments, v1.Comment{Path: "spec.physicalVolumes", Text: "The report does not tell which node it is from. Without nodes the group is on all of them."})
	}
	lost := func(format string, args ...any) {
		o.Comments = append(o.Comments, v1.Comment{Lost: true, Text: fmt.Sprintf(format, args...)})
	}
	for _, l := range im.lost {
		lost("%s", l)
	}
	s.Shared = im.one && len(im.nodes) > 1
	switch {
	case g.LockType != "" && g.LockType != "none":
		s.Shared, s.LockType = true, g.LockType
	case g.SystemID != "" && s.Shared && (len(im.sources) == 1 && (im.sources[0] == "uname" || im.sources[0] == "machineid")):
		s.SystemIDSource = im.sources[0]
	case g.SystemID != "" && s.Shared:
		lost("The group belongs to the system ID %s, and the nodes have theirs from %s; hactl sets it on all of them from uname or from machineid (systemIDSource).",
			g.SystemID, strings.Join(im.sources, ", "))
	}
	if g.Autoactivation {
		s.Autoactivation = &g.Autoactivation
	}
	if g.ExtentSize != 4<<20 {
		s.ExtentSize = formatSize(g.ExtentSize)
	}
	for _, paths := range im.disks {
		p := v1.PhysicalVolume{Devices: paths}
		if one := same(paths); one != "" && len(paths) == len(im.nodes) {
			p = v1.PhysicalVolume{Device: one}
		}
		if len(paths) > 0 {
			s.PhysicalVolumes = append(s.PhysicalVolumes, p)
		}
	}
	if t := g.trouble(); t != "" {
		lost("%s", t+".")
	}
	inactive := ""
	for _, v := range g.Volumes {
		l, why := volume(g, v)
		if why != "" {
			lost("Not imported, and left alone: the volume %s (%s).", v.Name, why)
			continue
		}
		if !v.Active && v.Layout != poolLayout {
			inactive = v.Name
		}
		fileSystem(m, g, v, &l, lost)
		s.Volumes = append(s.Volumes, l)
	}
	if inactive != "" && !s.Shared {
		o.Comments = append(o.Comments, v1.Comment{Path: "spec.volumes",
			Text: inactive + " is not active. Unless an LVM-activate resource names the group, a plan activates it."})
	}
	return o
}

func same(paths map[string]string) string {
	one := ""
	for _, p := range paths {
		if one != "" && p != one {
			return ""
		}
		one = p
	}
	return one
}

// volume is a logical volume of a kind that manifests have, or why it is not.
func volume(g *FoundGroup, v FoundVolume) (v1.LogicalVolume, string) {
	l := v1.LogicalVolume{Name: v.Name, Size: formatSize(v.Size)}
	switch {
	case v.Origin != "":
		return l, "a snapshot of " + v.Origin
	case v.Layout == linearLayout || v.Layout == "":
	case v.Layout == poolLayout:
		l.Type = "thin-pool"
	case v.Layout == thinLayout && g.volume(v.Pool) != nil:
		l.Type, l.ThinPool = "thin", v.Pool
	default:
		return l, "its layout is " + v.Layout
	}
	return l, ""
}

// fileSystem says what is on a volume, as far as a plan would not change it.
func fileSystem(m *Machine, g *FoundGroup, v FoundVolume, l *v1.LogicalVolume, lost func(string, ...any)) {
	d := m.Devices["/dev/"+g.Name+"/"+v.Name]
	for _, t := range []string{"ext4", "xfs"} {
		switch {
		case !d.Has(t):
		case d.Smaller():
			lost("The %s on %s is smaller than the volume; with `filesystem: {type: %s}` a plan would make it as large.", t, v.Name, t)
		default:
			l.FileSystem = &v1.FileSystem{Type: t}
		}
	}
	if d.Has("gfs2") {
		lost("The gfs2 on %s: its lock table is not read; add filesystem: {type: gfs2, lockTable: CLUSTER:NAME} by hand.", v.Name)
	}
}

package lvm

import (
	"cmp"
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// Driver is the layer of volume groups.
type Driver struct {
	owner string
	prune bool
}

// New gives the layer. owner is the name that its tags carry ("default" if empty).
func New(owner string) Driver { return Driver{owner: cmp.Or(owner, "default")} }

// Pruning is the same driver, which also removes groups and volumes of its owner that no manifest tells any more.
func (d Driver) Pruning() Driver {
	d.prune = true
	return d
}

// Name is "lvm".
func (Driver) Name() string { return "lvm" }

// Ref is a VolumeGroup with all its volumes and file systems, on all its nodes.
func Ref(name string) reconcile.Ref { return reconcile.Ref{Kind: "VolumeGroup", Name: name} }

// onNode is the group of one node, where each has one of its own.
func onNode(node, group string) reconcile.Ref {
	return reconcile.Ref{Kind: "VolumeGroup", Name: node + "/" + group}
}

// Settings are LVM's own on one machine.
func Settings(node string) reconcile.Ref {
	return reconcile.Ref{Kind: "lvm-settings", Name: node}
}

// State is what is wanted of LVM on the machines of a cluster, or what was found.
type State struct {
	Cluster string `json:"cluster,omitempty"`
	Owner   string `json:"owner,omitempty"`
	// Prune removes what carries the owner's tag and is not in Groups; wanted only.
	Prune bool `json:"prune,omitempty"`
	// Groups are the wanted ones by name. What was found repeats them, since only they tell what is complete.
	Groups []Group `json:"groups,omitempty"`
	// Members are the cluster's nodes; wanted only.
	Members []string `json:"members,omitempty"`
	// Machines are those that were looked at, in the order of the hosts.
	Machines []Machine `json:"machines,omitempty"`
}

// Group is a wanted volume group.
type Group struct {
	Name           string   `json:"name"`
	Nodes          []string `json:"nodes"`
	Shared         bool     `json:"shared,omitempty"`
	SystemIDSource string   `json:"systemIDSource,omitempty"`
	LockType       string   `json:"lockType,omitempty"`
	// Autoactivation at boot; nil leaves it as it is.
	Autoactivation *bool `json:"autoactivation,omitempty"`
	// ExtentSize in bytes; 0 is LVM's default.
	ExtentSize int64 `json:"extentSize,omitempty"`
	// Managed tells that an LVM-activate resource activates it.
	Managed bool `json:"managed,omitempty"`
	// Protect keeps it from being pruned.
	Protect bool     `json:"protect,omitempty"`
	Disks   []Disk   `json:"disks"`
	Volumes []Volume `json:"volumes,omitempty"`
	// Installs tells that LVM's package is among those that the manifest has installed.
	Installs bool              `json:"installs,omitempty"`
	Sources  map[string]v1.Pos `json:"sources,omitempty"`
}

// Disk is a wanted physical volume.
type Disk struct {
	// Paths by node.
	Paths     map[string]string `json:"paths"`
	Partition bool              `json:"partition,omitempty"`
	// Makers says by node what makes the path or may make it: another layer's object.
	Makers map[string]Maker `json:"makers,omitempty"`
	Source v1.Pos           `json:"source,omitzero"`
}

// Maker is an object that a path is there with.
type Maker struct {
	Ref reconcile.Ref `json:"ref"`
	// After says when the path is known: "blocks logs in".
	After string `json:"after"`
}

// Volume is a wanted logical volume.
type Volume struct {
	Name string `json:"name"`
	// Bytes is the size, or 0 where Share is a part of the group in percent.
	Bytes int64 `json:"bytes,omitempty"`
	// Share is such as 100%FREE.
	Share string `json:"share,omitempty"`
	// Type is linear, thin-pool or thin.
	Type       string         `json:"type"`
	Pool       string         `json:"pool,omitempty"`
	FileSystem *v1.FileSystem `json:"filesystem,omitempty"`
	Source     v1.Pos         `json:"source,omitzero"`
}

// Machine is what was found on one.
type Machine struct {
	Name string `json:"name"`
	// Unobserved says why it could not be asked; nothing else is known of it then.
	Unobserved string `json:"unobserved,omitempty"`
	// Installed tells that LVM is there.
	Installed bool `json:"installed,omitempty"`
	// SystemID is the machine's own; "" if it has none. SystemIDSource is where it comes from.
	SystemID       string `json:"systemID,omitempty"`
	SystemIDSource string `json:"systemIDSource,omitempty"`
	// Lockd tells that LVM is set to use lvmlockd, Daemons which of lvmlockd, dlm_controld and sanlock run.
	Lockd   bool     `json:"lockd,omitempty"`
	Daemons []string `json:"daemons,omitempty"`
	// Initramfs tells that there is a tool that copies LVM's settings to where the machine boots from, Owed that it still has to.
	Initramfs bool `json:"initramfs,omitempty"`
	Owed      bool `json:"owed,omitempty"`
	// Conf is lvmlocal.conf; nil: there is none.
	Conf *reconcile.File `json:"conf,omitempty"`
	// Groups by name, foreign ones included, and Loose, physical volumes without a group.
	Groups []FoundGroup `json:"groups,omitempty"`
	Loose  []FoundDisk  `json:"loose,omitempty"`
	// Devices are the wanted disks and volumes as they are.
	Devices block.Devices `json:"devices,omitempty"`
}

// FoundGroup is a volume group that LVM reports. Sizes are in bytes.
type FoundGroup struct {
	Name           string        `json:"name"`
	UUID           string        `json:"uuid,omitempty"`
	SystemID       string        `json:"systemID,omitempty"`
	LockType       string        `json:"lockType,omitempty"`
	Tags           []string      `json:"tags,omitempty"`
	ExtentSize     int64         `json:"extentSize,omitempty"`
	Extents        int64         `json:"extents,omitempty"`
	Free           int64         `json:"free,omitempty"` // extents
	Missing        int64         `json:"missing,omitempty"`
	Autoactivation bool          `json:"autoactivation,omitempty"`
	Exported       bool          `json:"exported,omitempty"`
	Disks          []FoundDisk   `json:"disks,omitempty"`
	Volumes        []FoundVolume `json:"volumes,omitempty"`
}

// FoundDisk is a physical volume.
type FoundDisk struct {
	Name string `json:"name"`
	// Real is the kernel's node.
	Real      string `json:"real,omitempty"`
	UUID      string `json:"uuid,omitempty"`
	Missing   bool   `json:"missing,omitempty"`
	Duplicate bool   `json:"duplicate,omitempty"`
}

// FoundVolume is a logical volume that is not a part of another.
type FoundVolume struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	// Layout is LVM's lv_layout: linear; thin,pool; thin,sparse; striped; …
	Layout string `json:"layout"`
	Pool   string `json:"pool,omitempty"`
	Origin string `json:"origin,omitempty"`
	Active bool   `json:"active,omitempty"` // on this machine
	Open   bool   `json:"open,omitempty"`   // something uses it
	// Data and Metadata are how full a thin pool is, in percent.
	Data     float64  `json:"data,omitempty"`
	Metadata float64  `json:"metadata,omitempty"`
	Tags     []string `json:"tags,omitempty"`
}

func (s State) machine(name string) *Machine {
	for i := range s.Machines {
		if s.Machines[i].Name == name {
			return &s.Machines[i]
		}
	}
	return nil
}

func (m *Machine) group(name string) *FoundGroup {
	if m == nil {
		return nil
	}
	for i := range m.Groups {
		if m.Groups[i].Name == name {
			return &m.Groups[i]
		}
	}
	return nil
}

func (g *FoundGroup) volume(name string) *FoundVolume {
	if g == nil {
		return nil
	}
	for i := range g.Volumes {
		if g.Volumes[i].Name == name {
			return &g.Volumes[i]
		}
	}
	return nil
}

// active tells that one of the volumes is active on this machine.
func (g *FoundGroup) active() bool {
	return g != nil && slices.ContainsFunc(g.Volumes, func(v FoundVolume) bool { return v.Active })
}

// holder is the group that a device is a physical volume of; loose tells that it is one without a group.
func (m *Machine) holder(d block.Device) (g *FoundGroup, loose bool) {
	is := func(f FoundDisk) bool { return f.Real != "" && f.Real == d.Real }
	for i := range m.Groups {
		if slices.ContainsFunc(m.Groups[i].Disks, is) {
			return &m.Groups[i], false
		}
	}
	return nil, slices.ContainsFunc(m.Loose, is)
}

// handed tells that somebody else activates the group: Pacemaker, on one node or several.
func (g *Group) handed() bool { return g.Shared || g.Managed }

// path is the device of a volume.
func (g *Group) path(volume string) string { return "/dev/" + g.Name + "/" + volume }

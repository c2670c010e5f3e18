package v1

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// VolumeGroup is a volume group of LVM with its physical and logical volumes.
type VolumeGroup struct {
	Object
	// Spec is the desired state. The object's name is the group's.
	Spec VolumeGroupSpec `json:"spec"`
}

// VolumeGroupSpec is the desired state of a VolumeGroup.
type VolumeGroupSpec struct {
	// Nodes are the machines that have the group; the default is all members. Each has a group of its own on its own disks, unless Shared.
	Nodes []string `json:"nodes,omitempty" ref:"machine"`
	// Shared tells that the disks are the same on all of Nodes, so that there is one group, made once.
	Shared bool `json:"shared,omitempty"`
	// SystemIDSource is where the group's owner comes from (global/system_id_source of lvm.conf(5), lvmsystemid(7)): uname or machineid. It
	// is set on all of Nodes, and needs Shared. LVM-activate with vg_access_mode=system_id moves the ownership.
	SystemIDSource string `json:"systemIDSource,omitempty" enum:"uname machineid"`
	// LockType makes a group that several nodes use at the same time, with lvmlockd(8): dlm or sanlock. It needs Shared.
	LockType string `json:"lockType,omitempty" enum:"dlm sanlock"`
	// Autoactivation at boot (vgchange --setautoactivation). The default is false for a group that is shared or that an LVM-activate resource
	// names, else LVM's own, true.
	Autoactivation *bool `json:"autoactivation,omitempty"`
	// ExtentSize is vgcreate's --physicalextentsize, such as 4M, LVM's default.
	ExtentSize string `json:"extentSize,omitempty" check:"size"`
	// PhysicalVolumes are the disks, at least one.
	PhysicalVolumes []PhysicalVolume `json:"physicalVolumes"`
	// Volumes are the logical volumes.
	Volumes []LogicalVolume `json:"volumes,omitempty"`
}

// PhysicalVolume is a disk or partition of a group. Exactly one of Device and Devices is given.
type PhysicalVolume struct {
	// Device is its path on every node, best below /dev/disk/by-id.
	Device string `json:"device,omitempty" check:"path"`
	// Devices gives the path for each node by name.
	Devices map[string]string `json:"devices,omitempty" check:"path"`
	// Partition puts a GPT label with one partition of type LVM on the disk; the partition becomes the physical volume.
	Partition bool `json:"partition,omitempty"`
}

// LogicalVolume is a volume of a group.
type LogicalVolume struct {
	// Name of the volume.
	Name string `json:"name" check:"lv"`
	// Size is a number with a unit of lvcreate(8), such as 512M or 20G, or a share such as 100%FREE or 50%VG.
	// It is rounded up to whole extents. A share is taken when the volume is made; later it grows only where it is of the whole group and the
	// group has grown.
	Size string `json:"size" check:"lvSize"`
	// Type is linear (the default), thin-pool or thin.
	Type string `json:"type,omitempty" enum:"linear thin-pool thin"`
	// ThinPool names the pool of a thin volume; Size is then its virtual size.
	ThinPool string `json:"thinPool,omitempty" check:"lv"`
	// FileSystem is made on it once.
	FileSystem *FileSystem `json:"filesystem,omitempty"`
}

// SetDefaults sets nothing but the type.
func (v *VolumeGroup) SetDefaults() { v.setType("VolumeGroup") }

// Machines are the machines that have the group: Nodes, or all members.
func (v *VolumeGroup) Machines(m *Manifests) []string { return m.machines(v.Spec.Nodes) }

// Path is the device of a logical volume.
func (v *VolumeGroup) Path(volume string) string { return "/dev/" + v.Metadata.Name + "/" + volume }

// On is the device of the physical volume on a node; "" if it has none there.
func (p *PhysicalVolume) On(node string) string {
	if p.Device != "" {
		return p.Device
	}
	return p.Devices[node]
}

// lvName is what lvm(8) allows under "VALID NAMES".
var lvName = regexp.MustCompile(`^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$`)

// reservedLV are parts of names that LVM keeps for its own volumes (apply_lvname_restrictions in lib/misc/lvm-string.c).
var reservedLV = []string{"_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_wcorig", "_iorig", "_mimage", "_mlog", "_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta",
	"_vorigin", "_vdata"}

func checkLV(s string) string {
	switch {
	case !lvName.MatchString(s) || s == "." || s == "..":
		return fmt.Sprintf("%q is no name for LVM: it may hold letters, digits, + _ . - and not begin with -", s)
	case len(s) > 127:
		return fmt.Sprintf("the name has %d characters; LVM allows 127", len(s))
	case strings.HasPrefix(s, "snapshot") || strings.HasPrefix(s, "pvmove"):
		return fmt.Sprintf("%q: LVM keeps names that begin with snapshot or pvmove for itself", s)
	}
	for _, r := range reservedLV {
		if strings.Contains(s, r) {
			return fmt.Sprintf("%q: LVM keeps names with %s for itself", s, r)
		}
	}
	return ""
}

var (
	sizePattern   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?[bBsSkKmMgGtTpPeE]?$`)
	lvSizePattern = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?[bBsSkKmMgGtTpP]?|[1-9][0-9]?%(FREE|VG|PVS)|100%(FREE|VG|PVS))$`)
)

func checkSize(s string) string {
	if !sizePattern.MatchString(s) {
		return fmt.Sprintf("%q is no size: write a number with a unit, such as 512M or 20G", s)
	}
	return ""
}

func checkLVSize(s string) string {
	if !lvSizePattern.MatchString(s) {
		return fmt.Sprintf("%q is no size of a volume: write a number with a unit, such as 20G, or a share such as 100%%FREE", s)
	}
	return ""
}

func (v *VolumeGroup) validate(c *checker) {
	o, s := &v.Object, &v.Spec
	if !s.Shared {
		for name, given := range map[string]bool{"systemIDSource": s.SystemIDSource != "", "lockType": s.LockType != ""} {
			if given {
				c.errorf(o, "spec."+name, "is for a group on disks that all nodes see; write shared: true as well")
			}
		}
	}
	c.excludes(o, "spec", choice{"lockType", s.LockType != ""}, choice{"systemIDSource", s.SystemIDSource != ""})
	first := map[string]int{}
	for i := range s.PhysicalVolumes {
		p, path := &s.PhysicalVolumes[i], fmt.Sprintf("spec.physicalVolumes[%d]", i)
		c.exactlyOne(o, path, choice{"device", p.Device != ""}, choice{"devices", len(p.Devices) > 0})
		if p.Device != "" {
			if was, dup := first[p.Device]; dup {
				c.errorf(o, path+".device", "%s is physicalVolumes[%d] already; remove one", p.Device, was)
			}
			first[p.Device] = i
		}
	}
	pools := map[string]bool{}
	for _, l := range s.Volumes {
		pools[l.Name] = l.Type == "thin-pool"
	}
	names := map[string]int{}
	for i, l := range s.Volumes {
		path := fmt.Sprintf("spec.volumes[%d]", i)
		if was, dup := names[l.Name]; dup && l.Name != "" {
			c.errorf(o, path+".name", "%s is volumes[%d] already; give one another name", l.Name, was)
		}
		names[l.Name] = i
		switch thin := l.Type == "thin"; {
		case thin && l.ThinPool == "":
			c.errorf(o, path+".thinPool", "a thin volume needs the name of its pool")
		case !thin && l.ThinPool != "":
			c.errorf(o, path+".thinPool", "only a volume of type thin has a pool")
		case thin && !pools[l.ThinPool]:
			c.errorf(o, path+".thinPool", "%q is no volume of type thin-pool of this group%s", l.ThinPool, hint(l.ThinPool, thinPools(s.Volumes)))
		case thin && strings.Contains(l.Size, "%"):
			c.errorf(o, path+".size", "a thin volume's size is virtual; write a number with a unit")
		}
		if l.Type == "thin-pool" && l.FileSystem != nil {
			c.errorf(o, path+".filesystem", "a thin pool holds volumes; put the file system on one of them")
		}
	}
}

func thinPools(volumes []LogicalVolume) (names []string) {
	for _, l := range volumes {
		if l.Type == "thin-pool" {
			names = append(names, l.Name)
		}
	}
	return names
}

// machines are those names, or all members where there are none.
func (m *Manifests) machines(names []string) []string {
	if len(names) > 0 || m.Cluster == nil {
		return slices.Clone(names)
	}
	all := make([]string, len(m.Cluster.Spec.Nodes))
	for i, n := range m.Cluster.Spec.Nodes {
		all[i] = n.Name
	}
	return all
}

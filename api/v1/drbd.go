package v1

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// DRBDResource is a replicated volume, or several of them that share their connections (the resource section of drbd.conf(5)). Options are
// those of drbd.conf(5) for the DRBD of the nodes' kernel, 8.4 or 9, word for word.
type DRBDResource struct {
	Object
	// Spec is the desired state. The object's name is the resource's.
	Spec DRBDResourceSpec `json:"spec"`
}

// DRBDResourceSpec is the desired state of a DRBDResource. A resource of one volume says device here and the disk at each node; one with
// several volumes says both in volumes.
type DRBDResourceSpec struct {
	// Device of the only volume, which has number 0: /dev/drbdN.
	Device string `json:"device,omitempty" check:"drbdDevice"`
	// Nodes are the machines, two with DRBD 8.4 and up to 16 with DRBD 9.
	Nodes []DRBDNode `json:"nodes"`
	// Volumes are several volumes. It excludes device, and disk and metaDisk of the nodes.
	Volumes []DRBDVolume `json:"volumes,omitempty"`
	// Connections are what differs from the default, which connects each node with each other by the nodes' addresses. DRBD 9 only.
	Connections []DRBDConnection `json:"connections,omitempty"`
	// Net are the options of the net section of drbd.conf(5).
	Net Options `json:"net,omitempty"`
	// Disk are those of the disk section.
	Disk Options `json:"disk,omitempty"`
	// Options are those of the options section.
	Options Options `json:"options,omitempty"`
	// Startup are those of the startup section.
	Startup Options `json:"startup,omitempty"`
	// Handlers are the programs of the handlers section.
	Handlers Options `json:"handlers,omitempty"`
	// SharedSecret is the net section's shared-secret, of at most 64 characters; it needs cram-hmac-alg.
	SharedSecret *SecretRef `json:"sharedSecret,omitempty"`
	// InitialSync says how blank volumes become UpToDate. Without it they stay Inconsistent until somebody decides.
	InitialSync *DRBDInitialSync `json:"initialSync,omitempty"`
	// FileSystem is made once on the only volume, from the node of initialSync.
	FileSystem *FileSystem `json:"filesystem,omitempty"`
}

// DRBDNode is one machine of a resource (the on section).
type DRBDNode struct {
	// Name of the node or machine.
	Name string `json:"name" ref:"machine"`
	// NodeID is DRBD 9's node-id, from 0 to 15; the default is the place in the list. DRBD 8.4 has none.
	NodeID string `json:"nodeID,omitempty" check:"integer"`
	// Disk is the backing device of the only volume; none makes a diskless client (DRBD 9).
	Disk string `json:"disk,omitempty"`
	// MetaDisk is internal (the default), or a device, with an index in brackets or none.
	MetaDisk string `json:"metaDisk,omitempty"`
	// Address is ADDRESS:PORT, with [] around an IPv6 address. It may be left out where connections say all addresses (DRBD 9).
	Address string `json:"address,omitempty" check:"addressPort"`
	// Options are those of the options section that hold on this machine alone. DRBD 9 only.
	Options Options `json:"options,omitempty"`
}

// DRBDVolume is one of several volumes.
type DRBDVolume struct {
	// Number of the volume, from 0 to 65535.
	Number int `json:"number"`
	// Device is /dev/drbdN.
	Device string `json:"device" check:"drbdDevice"`
	// Nodes says what is below it on each node, by the node's name.
	Nodes map[string]DRBDBacking `json:"nodes"`
	// Disk are options of the disk section that hold for this volume alone.
	Disk Options `json:"disk,omitempty"`
	// FileSystem is made once, from the node of initialSync.
	FileSystem *FileSystem `json:"filesystem,omitempty"`
}

// DRBDBacking is what is below a volume on one node.
type DRBDBacking struct {
	// Disk is the backing device; none makes a diskless client (DRBD 9).
	Disk string `json:"disk"`
	// MetaDisk is internal (the default), or a device, with an index in brackets or none.
	MetaDisk string `json:"metaDisk,omitempty"`
}

// DRBDConnection is a connection section of DRBD 9: two nodes, their paths and options. Either Addresses or Paths may be given.
type DRBDConnection struct {
	// Nodes are the two that it connects.
	Nodes []string `json:"nodes"`
	// Addresses are ADDRESS:PORT by node, in place of the nodes' own.
	Addresses map[string]string `json:"addresses,omitempty" check:"addressPort"`
	// Paths are several ways, each ADDRESS:PORT by node.
	Paths []map[string]string `json:"paths,omitempty"`
	// Net are options of the net section that hold for this connection alone.
	Net Options `json:"net,omitempty"`
	// Disk are peer-device options that hold for this connection alone.
	Disk Options `json:"disk,omitempty"`
}

// DRBDInitialSync says how the volumes, all blank, become UpToDate. Exactly one of From and Skip is given.
type DRBDInitialSync struct {
	// From is the node that becomes primary by force once; all its bytes go to the others.
	From string `json:"from,omitempty" ref:"machine"`
	// Skip takes the disks for equal as they are, without any copy. Right only for disks whose content does not matter, or is the same.
	Skip bool `json:"skip,omitempty"`
}

// SetDefaults sets nothing but the type.
func (d *DRBDResource) SetDefaults() { d.setType("DRBDResource") }

// AllVolumes are the volumes, the plain form written out as volume 0.
func (d *DRBDResource) AllVolumes() []DRBDVolume {
	s := &d.Spec
	if len(s.Volumes) > 0 {
		return slices.Clone(s.Volumes)
	}
	v := DRBDVolume{Device: s.Device, Nodes: map[string]DRBDBacking{}, FileSystem: s.FileSystem}
	for _, n := range s.Nodes {
		v.Nodes[n.Name] = DRBDBacking{Disk: n.Disk, MetaDisk: n.MetaDisk}
	}
	return []DRBDVolume{v}
}

func checkDRBDDevice(s string) string {
	if n, ok := strings.CutPrefix(s, "/dev/drbd"); !ok || n == "" || strings.ContainsAny(n, " \t\"") {
		return fmt.Sprintf("%q must be /dev/drbd and a minor number, such as /dev/drbd0", s)
	}
	return ""
}

// checkAddressPort takes what an address line of drbd.conf(5) has behind the family. Host names are not resolved by drbdadm.
func checkAddressPort(s string) string {
	a, err := netip.ParseAddrPort(s)
	if err != nil || a.Port() == 0 {
		return fmt.Sprintf("%q must be an IP address and a port, such as 192.168.1.11:7788 or [fd00::11]:7788", s)
	}
	return ""
}

func (d *DRBDResource) validate(c *checker) {
	o, s := &d.Object, &d.Spec
	several := len(s.Volumes) > 0
	c.excludes(o, "spec", choice{"volumes", several}, choice{"device", s.Device != ""}, choice{"filesystem", s.FileSystem != nil})
	if !several && s.Device == "" {
		c.errorf(o, "spec.device", "is required, or volumes")
	}
	nodes := map[string]bool{}
	ids := map[string]string{}
	for i, n := range s.Nodes {
		path := fmt.Sprintf("spec.nodes[%d]", i)
		if nodes[n.Name] {
			c.errorf(o, path+".name", "node %q is listed twice; remove one", n.Name)
		}
		nodes[n.Name] = true
		if n.Address == "" && len(s.Connections) == 0 {
			c.errorf(o, path+".address", "is required, such as 192.168.1.11:7788")
		}
		c.excludes(o, path, choice{"spec.volumes", several}, choice{"disk", n.Disk != ""}, choice{"metaDisk", n.MetaDisk != ""})
		if !several && n.Disk == "" {
			c.errorf(o, path+".disk", "is required, or spec.volumes")
		}
		id := n.NodeID
		if id == "" {
			id = strconv.Itoa(i)
		}
		if was, dup := ids[id]; dup {
			c.errorf(o, path+".nodeID", "%s is the id of %s already; each node needs its own", id, was)
		}
		ids[id] = n.Name
		if x, err := strconv.Atoi(id); err == nil && (x < 0 || x > 15) {
			c.errorf(o, path+".nodeID", "%s is no node-id; write a number from 0 to 15", id)
		}
	}
	if len(s.Nodes) == 1 || len(s.Nodes) > 16 {
		c.errorf(o, "spec.nodes", "a resource has 2 to 16 nodes, two with DRBD 8.4; this one has %d", len(s.Nodes))
	}
	numbers, devices := map[int]int{}, map[string]int{}
	for i, v := range s.Volumes {
		path := fmt.Sprintf("spec.volumes[%d]", i)
		if was, dup := numbers[v.Number]; dup {
			c.errorf(o, path+".number", "%d is the number of volumes[%d] already", v.Number, was)
		}
		if was, dup := devices[v.Device]; dup && v.Device != "" {
			c.errorf(o, path+".device", "%s is the device of volumes[%d] already", v.Device, was)
		}
		numbers[v.Number], devices[v.Device] = i, i
		if v.Number < 0 || v.Number > 65535 {
			c.errorf(o, path+".number", "%d is no volume number; write one from 0 to 65535", v.Number)
		}
		for _, n := range slices.Sorted(maps.Keys(v.Nodes)) {
			if !nodes[n] {
				c.errorf(o, path+".nodes."+n, "%q is none of spec.nodes%s", n, hint(n, slices.Sorted(maps.Keys(nodes))))
			}
		}
		for _, n := range slices.Sorted(maps.Keys(nodes)) {
			if _, ok := v.Nodes[n]; !ok && n != "" {
				c.errorf(o, path+".nodes", "node %q is missing; every volume needs a disk on every node (none makes a diskless client)", n)
			}
		}
	}
	for i, x := range s.Connections {
		x.validate(c, o, fmt.Sprintf("spec.connections[%d]", i), nodes)
	}
	if y := s.InitialSync; y != nil {
		c.exactlyOne(o, "spec.initialSync", choice{"from", y.From != ""}, choice{"skip", y.Skip})
		if y.From != "" && !nodes[y.From] {
			c.errorf(o, "spec.initialSync.from", "%q is none of spec.nodes%s", y.From, hint(y.From, slices.Sorted(maps.Keys(nodes))))
		}
	}
	if s.SharedSecret != nil {
		c.secret(o, "spec.sharedSecret", *s.SharedSecret)
	}
	if s.SharedSecret != nil && s.Net.Get("cram-hmac-alg") == "" {
		c.errorf(o, "spec.sharedSecret", "is used only with net.cram-hmac-alg, such as sha256")
	}
	if _, ok := s.Net["shared-secret"]; ok {
		c.errorf(o, "spec.net.shared-secret", "is a secret; write spec.sharedSecret, which says where it comes from")
	}
}

func (x *DRBDConnection) validate(c *checker, o *Object, path string, nodes map[string]bool) {
	known := slices.Sorted(maps.Keys(nodes))
	if len(x.Nodes) != 2 || x.Nodes[0] == x.Nodes[1] {
		c.errorf(o, path+".nodes", "a connection has two different nodes")
	}
	of := func(p, n string) {
		if !slices.Contains(x.Nodes, n) {
			c.errorf(o, p, "%q is none of the connection's nodes%s", n, hint(n, x.Nodes))
		}
	}
	for i, n := range x.Nodes {
		if !nodes[n] {
			c.errorf(o, fmt.Sprintf("%s.nodes[%d]", path, i), "%q is none of spec.nodes%s", n, hint(n, known))
		}
	}
	c.excludes(o, path, choice{"paths", len(x.Paths) > 0}, choice{"addresses", len(x.Addresses) > 0})
	for n := range x.Addresses {
		of(path+".addresses."+n, n)
	}
	for i, way := range x.Paths {
		for n, a := range way {
			p := fmt.Sprintf("%s.paths[%d].%s", path, i, n)
			of(p, n)
			if m := checkAddressPort(a); m != "" {
				c.errorf(o, p, "%s", m)
			}
		}
	}
}

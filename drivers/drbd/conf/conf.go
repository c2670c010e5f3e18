package conf

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Dialect says for which DRBD a configuration is checked or printed.
type Dialect int

// The dialects. DRBD 8.4 knows two peers, no node ids, connections, meshes and paths; in 9 `fencing` moved from disk to net.
const (
	V84 Dialect = 84
	V9  Dialect = 9
)

func (d Dialect) String() string {
	if d == V84 {
		return "DRBD 8.4"
	}
	return "DRBD 9"
}

// Config is a drbd.conf with all that it includes.
type Config struct {
	// Global holds the options of the global section; a flag such as disable-ip-verification has no value.
	Global Options
	// Common holds the sections that all resources inherit; nil without a common section.
	Common Sections
	// Requires are the require-drbd-module-version-* statements: the name is the operator (eq, ne, gt, ge, lt, le), the value the version.
	Requires Options
	// Resources are in the order of the files. Resource finds one by its name.
	Resources []*Resource

	byName  map[string]*Resource
	indexed int // how many resources byName knows
}

// Resource gives the resource of that name, or nil.
func (c *Config) Resource(name string) *Resource {
	if c.indexed != len(c.Resources) {
		c.indexed = len(c.Resources)
		c.byName = make(map[string]*Resource, len(c.Resources))
		for _, r := range c.Resources {
			c.byName[r.Name] = r
		}
	}
	return c.byName[name]
}

// Resource is one resource section.
type Resource struct {
	Name string
	Pos  v1.Pos `json:"-"`
	// TemplateFile names the file whose common section this resource inherits in place of the global one (9 only); Template is that section.
	TemplateFile string
	Template     Sections
	// Volumes are what all hosts have in common of their volumes.
	Volumes []*Volume
	// Hosts are the on, floating and stacked-on-top-of sections in their order.
	Hosts       []*Host
	Connections []*Connection // 9 only
	Meshes      []*Mesh       // 9 only
	Sections    Sections
}

// Sections maps the name of a section (net, disk, options, startup, handlers, proxy) to its options in their order. "plugin" is the section
// inside of proxy: each of its lines is an option without a value.
type Sections map[string]Options

// Options are options in their order.
type Options []Option

// Option is one option. Its value is as it was written, without quotes; a boolean that was given without a value has the value yes, and
// no-NAME is NAME with the value no. Options of global and startup that take none have the value "".
type Option struct {
	Name, Value string
	Pos         v1.Pos `json:"-"`
}

// Get gives an option's value; the last of that name counts, as in drbdadm.
func (o Options) Get(name string) (string, bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].Name == name {
			return o[i].Value, true
		}
	}
	return "", false
}

// Volume is a volume of a resource or of one host. What is not said is empty: hosts inherit it from the resource's volume of the same number.
type Volume struct {
	Number int
	// Implicit is volume 0 written without a volume section.
	Implicit bool
	// Device is a path that begins with /dev/drbd, Minor its minor number; one follows from the other (/dev/drbdN).
	Device string
	Minor  *int
	// Disk is the backing device, or none (9: a client without a disk).
	Disk string
	// MetaDisk is internal or a device; with an index it is the fixed-size slot [N] there, without one all of the device.
	MetaDisk  string
	MetaIndex *int
	Options   Options // of its disk section
	Pos       v1.Pos  `json:"-"`
}

// HostKind tells the sections for hosts apart.
type HostKind string

// The sections for hosts. This and Remote are what drbdsetup show prints.
const (
	On       HostKind = "on"
	Floating HostKind = "floating"
	Stacked  HostKind = "stacked-on-top-of"
	This     HostKind = "_this_host"
	Remote   HostKind = "_remote_host"
)

// Host is an on, floating or stacked-on-top-of section.
type Host struct {
	Kind  HostKind
	Names []string // of on
	Lower string   // of stacked-on-top-of: the resource below
	// Address of the host; a floating section is known by it.
	Address   Address
	Alternate Address // alternate-link-address, 8.4 only
	NodeID    *int    // 9 only
	Volumes   []*Volume
	Options   Options // of its options section
	Proxy     *Proxy
	Pos       v1.Pos `json:"-"`
}

// Name is how the host is called in messages and paths.
func (h *Host) Name() string {
	switch h.Kind {
	case On:
		return strings.Join(h.Names, " ")
	case Floating:
		return h.Address.String()
	case Stacked:
		return "stacked on " + h.Lower
	}
	return string(h.Kind)
}

// Address is an address family (ipv4, ipv6, ssocks, sdp), an address and a port.
type Address struct {
	Family, Host string
	Port         int
}

// IsZero tells that there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// String is the address as drbd.conf has it: "ipv4 10.0.0.1:7788", "ipv6 [fd00::1]:7788".
func (a Address) String() string {
	switch {
	case a.IsZero():
		return ""
	case a.Family == "ipv6":
		return fmt.Sprintf("ipv6 [%s]:%d", a.Host, a.Port)
	}
	return fmt.Sprintf("%s %s:%d", a.Family, a.Host, a.Port)
}

// normal is an address that is equal for all ways of writing it.
func (a Address) normal() Address {
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		a.Host = ip.String()
	}
	return a
}

// Connection is a connection section of DRBD 9.
type Connection struct {
	Name string // ignored by drbdadm
	// Paths has one path without a path section, or those of the path sections.
	Paths   []*Path
	Net     Options
	Disk    Options // peer-device options of all volumes
	Volumes []*PeerVolume
	// PeerNodeID and Standalone are what drbdsetup show prints.
	PeerNodeID *int
	Standalone bool
	Pos        v1.Pos `json:"-"`
}

// PeerVolume holds the peer-device options of one volume in a connection.
type PeerVolume struct {
	Number int
	Disk   Options
	Pos    v1.Pos `json:"-"`
}

// Path joins two hosts.
type Path struct {
	Implicit bool // written without a path section
	Ends     []*End
	Pos      v1.Pos `json:"-"`
}

// End is one end of a path: a host, by name or (empty name) by address, and what it uses in place of the host section's address.
type End struct {
	Host    string
	Address Address
	Port    int // alone, with the host section's address
	Proxy   *Proxy
	Pos     v1.Pos `json:"-"`
}

// Mesh is a connection-mesh section: each of the hosts is connected to each other.
type Mesh struct {
	Hosts []string
	Net   Options
	Pos   v1.Pos `json:"-"`
}

// Proxy is a DRBD Proxy between two hosts.
type Proxy struct {
	Hosts           []string
	Inside, Outside Address
	Options         Options
	Plugin          Options // its lines, without values
	Pos             v1.Pos  `json:"-"`
}

// minorOf gives the volume's minor number, from its device where it is not said.
func (v *Volume) minorOf() (int, bool) {
	if v.Minor != nil {
		return *v.Minor, true
	}
	if digits, ok := strings.CutPrefix(v.Device, "/dev/drbd"); ok {
		n, err := strconv.ParseUint(digits, 10, 20)
		return int(n), err == nil
	}
	return 0, false
}

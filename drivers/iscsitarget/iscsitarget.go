package iscsitarget

import (
	"cmp"
	"path"
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/reconcile"
)

// Driver is the layer of iSCSI targets.
type Driver struct {
	owner string
	prune bool
}

// New gives the layer. owner is the name that its records carry ("default" if empty).
func New(owner string) Driver { return Driver{owner: cmp.Or(owner, "default")} }

// Pruning is the same driver, which also removes targets of its owner that no manifest tells any more.
func (d Driver) Pruning() Driver {
	d.prune = true
	return d
}

// Name is "iscsitarget".
func (Driver) Name() string { return "iscsitarget" }

// Ref is a target of the manifests with all that belongs to it, running and saved.
func Ref(name string) reconcile.Ref { return reconcile.Ref{Kind: "ISCSITarget", Name: name} }

// Further objects of this layer; no other layer needs them.
func backstoreRef(host, id string) reconcile.Ref {
	return reconcile.Ref{Kind: "backstore", Name: host + "/" + id}
}
func savedRef(host string) reconcile.Ref {
	return reconcile.Ref{Kind: "iscsi-saved", Name: host}
}

// recordDir holds the names of what hactl made, a file for each target.
const recordDir = "/var/lib/hactl/iscsitarget"

func recordPath(name string) string { return path.Join(recordDir, name+".json") }

// The kernel's two kinds of backstores that hactl makes.
const (
	fileIO   = "fileio"
	blockDev = "block"
)

// State is what is wanted of the targets on the machines of a cluster, or what was found.
type State struct {
	Owner string `json:"owner,omitempty"`
	// Prune removes what the owner's records tell and no manifest does; wanted only.
	Prune bool `json:"prune,omitempty"`
	// Targets are the wanted ones, by machine and name. What was found repeats them, since only they tell what is complete.
	Targets []Target `json:"targets,omitempty"`
	// Machines are those that were looked at, in the order of the hosts.
	Machines []Machine `json:"machines,omitempty"`
}

// Target is a wanted target.
type Target struct {
	Name       string            `json:"name"`
	Host       string            `json:"host"`
	IQN        string            `json:"iqn"`
	Backstores []Backstore       `json:"backstores,omitempty"`
	Portals    []string          `json:"portals"`
	LUNs       []v1.ISCSILUN     `json:"luns,omitempty"`
	ACLs       []ACL             `json:"acls,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	// Installs tells that the tools are among the packages that the manifest has installed.
	Installs bool              `json:"installs,omitempty"`
	Sources  map[string]v1.Pos `json:"sources,omitempty"`
}

// Backstore is a wanted disk.
type Backstore struct {
	Name   string `json:"name"`
	Plugin string `json:"plugin"` // fileio or block
	// Path is the file's or the device's.
	Path string `json:"path"`
	// Size of a file in bytes.
	Size       int64             `json:"size,omitempty"`
	WriteBack  bool              `json:"writeBack,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	// Maker makes the device, where another layer does; After says when it is known then.
	Maker reconcile.Ref `json:"maker,omitzero"`
	After string        `json:"after,omitempty"`
}

// id names a backstore on a machine, as rtslib does below /backstores.
func (b *Backstore) id() string { return b.Plugin + "/" + b.Name }

// ACL is a wanted initiator.
type ACL struct {
	Initiator  string            `json:"initiator"`
	Auth       *chap.CHAP        `json:"auth,omitempty"`
	LUNs       []int             `json:"luns"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Machine is what was found on one.
type Machine struct {
	Name string `json:"name"`
	// Unobserved says why it could not be asked; nothing else is known of it then.
	Unobserved string `json:"unobserved,omitempty"`
	// Tools tells that rtslib's targetctl is there.
	Tools bool `json:"tools,omitempty"`
	// Unit is the service that restores targets at boot, Boot systemd's UnitFileState of it.
	Unit string `json:"unit,omitempty"`
	Boot string `json:"boot,omitempty"`
	// Restoring is the service while it restores them, or is about to; what was found is not all then.
	Restoring string `json:"restoring,omitempty"`
	// SavedPath is rtslib's file, Saved what it holds; nil: there is none. It holds passwords and is secret as a whole.
	SavedPath string          `json:"savedPath,omitempty"`
	Saved     *reconcile.Text `json:"saved,omitempty"`
	// Records are hactl's, by target name; Broken says which of them cannot be read.
	Records map[string]Record `json:"records,omitempty"`
	Broken  map[string]string `json:"broken,omitempty"`
	// HBAs are the folders of backstores (fileio_0). Backstores are by their id.
	HBAs       []string                  `json:"hbas,omitempty"`
	Backstores map[string]FoundBackstore `json:"backstores,omitempty"`
	// Targets are by IQN.
	Targets map[string]*Found `json:"targets,omitempty"`
	// Files are the wanted files' sizes in bytes; -1: something else than a file is there.
	Files map[string]int64 `json:"files,omitempty"`
	// Devices are the wanted block devices.
	Devices block.Devices `json:"devices,omitempty"`
}

// FoundBackstore is a disk that the kernel serves or could serve.
type FoundBackstore struct {
	// Dir is its folder below core: fileio_0/sdb.
	Dir        string            `json:"dir"`
	Path       string            `json:"path,omitempty"`
	Size       int64             `json:"size,omitempty"`
	WriteBack  bool              `json:"writeBack,omitempty"`
	ReadOnly   bool              `json:"readOnly,omitempty"`
	Serial     string            `json:"serial,omitempty"`
	Enabled    bool              `json:"enabled,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Found is the first portal group of a target in the kernel.
type Found struct {
	Enabled    bool              `json:"enabled,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Portals    []string          `json:"portals,omitempty"`
	// LUNs lead to the ids of backstores.
	LUNs map[int]string       `json:"luns,omitempty"`
	ACLs map[string]*FoundACL `json:"acls,omitempty"`
	// Groups are the numbers of further portal groups.
	Groups []string `json:"groups,omitempty"`
	// Guests are initiators with a session and without an ACL.
	Guests []string `json:"guests,omitempty"`
}

// FoundACL is an initiator that the kernel knows.
type FoundACL struct {
	chap.CHAP
	// LUNs lead from what the initiator sees to the target's.
	LUNs       map[int]int       `json:"luns,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	// Session tells from where the initiator is logged in; "" if it is not.
	Session string `json:"session,omitempty"`
}

// Record holds the names of what hactl made of a target.
type Record struct {
	Owner      string               `json:"owner"`
	IQN        string               `json:"iqn"`
	Backstores []string             `json:"backstores,omitempty"`
	Portals    []string             `json:"portals,omitempty"`
	LUNs       []int                `json:"luns,omitempty"`
	ACLs       map[string]RecordACL `json:"acls,omitempty"`
	// Disks are the identities of devices whose names the kernel gives anew at each boot, by path.
	Disks map[string]string `json:"disks,omitempty"`
}

// RecordACL is what hactl made of an initiator.
type RecordACL struct {
	LUNs []int `json:"luns,omitempty"`
	Auth bool  `json:"auth,omitempty"`
}

func (s State) machine(name string) *Machine {
	for i := range s.Machines {
		if s.Machines[i].Name == name {
			return &s.Machines[i]
		}
	}
	return nil
}

// sees tells that a LUN is among those that the initiator is shown. They are sorted.
func (a *ACL) sees(lun int) bool {
	_, ok := slices.BinarySearch(a.LUNs, lun)
	return ok
}

func (t *Target) source(path string) v1.Pos {
	o := v1.Object{Positions: t.Sources}
	return o.Pos(path)
}

// busy tells who is logged in.
func (f *Found) busy() bool {
	for _, a := range f.ACLs {
		if a.Session != "" {
			return true
		}
	}
	return len(f.Guests) > 0
}

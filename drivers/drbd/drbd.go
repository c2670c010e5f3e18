package drbd

import (
	"path"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// Driver is the DRBD layer.
type Driver struct {
	owner   string
	prune   bool
	victims []Victim
}

// New gives the DRBD layer. owner is the name under which files are recorded as ours ("default" if empty).
func New(owner string) Driver {
	if owner == "" {
		owner = "default"
	}
	return Driver{owner: owner}
}

// Pruning is the same driver, which also removes the resources of its owner that no manifest tells any more.
func (d Driver) Pruning() Driver {
	d.prune = true
	return d
}

// Name is "drbd".
func (Driver) Name() string { return "drbd" }

// Ref is a resource that is established: it has metadata on all its nodes, its first sync has begun where one is wanted, its file system is
// there, and it was handed over.
func Ref(name string) reconcile.Ref { return reconcile.Ref{Kind: "DRBDResource", Name: name} }

// Further objects of this layer; no other layer needs them.
func confRef(node, name string) reconcile.Ref {
	return reconcile.Ref{Kind: "file", Name: node + confPath(name)}
}
func upRef(node, name string) reconcile.Ref {
	return reconcile.Ref{Kind: "drbd", Name: node + "/" + name}
}
func syncRef(name string) reconcile.Ref { return reconcile.Ref{Kind: "drbd-sync", Name: name} }
func bootRef(node string) reconcile.Ref { return reconcile.Ref{Kind: "unit", Name: node + "/" + unit} }

// Paths on a node.
const (
	mainConf = "/etc/drbd.conf"
	confDir  = "/etc/drbd.d"
	markDir  = "/var/lib/hactl/drbd"
	unit     = "drbd.service"
)

func confPath(name string) string { return path.Join(confDir, name+".res") }
func markPath(name string) string { return path.Join(markDir, name+".new") }

// State is what is wanted of the DRBD resources, or what was found.
type State struct {
	// Owner is under whose name files are recorded; wanted only.
	Owner string `json:"owner,omitempty"`
	// Prune tells that resources of the owner that are not wanted go; wanted only.
	Prune bool `json:"prune,omitempty"`
	// Discard are the nodes whose changes since a split brain go, by resource; wanted only.
	Discard map[string]string `json:"discard,omitempty"`
	// Managers are the ids of the Pacemaker resources that run a resource, by its name; wanted only.
	Managers map[string]string `json:"managers,omitempty"`
	// Resources are wanted; of a found state these are the names that were looked for, and their nodes.
	Resources []Resource `json:"resources,omitempty"`
	// Nodes are found: the machines of the resources.
	Nodes []NodeState `json:"nodes,omitempty"`
}

// Resource is a wanted resource.
type Resource struct {
	Name string `json:"name"`
	// Spec is the manifest's, and Secret the value of its sharedSecret.
	Spec   v1.DRBDResourceSpec `json:"spec"`
	Secret reconcile.Text      `json:"secret,omitzero"`
	// Manager is the id of the Pacemaker resource that runs it; "" if there is none.
	Manager string `json:"manager,omitempty"`
	// Made tells of devices that another object of the manifests makes, by machine and path: "VolumeGroup/vg0".
	Made map[string]reconcile.Ref `json:"made,omitempty"`
	// Sources says where the manifest asks for a field; "" is the object.
	Sources map[string]v1.Pos `json:"sources,omitempty"`
}

// NodeState is a machine that was asked.
type NodeState struct {
	Name string `json:"name"`
	// Unobserved says why it could not be asked; nothing else is known then.
	Unobserved string `json:"unobserved,omitempty"`
	// Tools tells that drbdadm is there.
	Tools bool `json:"tools,omitempty"`
	// Kernel is the version of the kernel's DRBD, loaded or not; "" if the kernel has none.
	Kernel string `json:"kernel,omitempty"`
	// Boot is systemd's UnitFileState of drbd.service.
	Boot string `json:"boot,omitempty"`
	// Files are drbd.conf and what lies in drbd.d, by path. Shared secrets in them are marked.
	Files map[string]reconcile.File `json:"files,omitempty"`
	// Marks are hactl's marks of resources that are not handed over yet, by the resource's name.
	Marks map[string]string `json:"marks,omitempty"`
	// Live are the resources that the kernel has, by name.
	Live map[string]*Live `json:"live,omitempty"`
	// Metadata are the generation ids of the wanted resources' volumes that have metadata, as `drbdadm get-gi` prints them, by resource and volume.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Adjust is what `drbdadm adjust` would do now to make the kernel equal to the file, by resource; Broken what it says where it cannot tell.
	Adjust map[string][]string `json:"adjust,omitempty"`
	Broken map[string]string   `json:"broken,omitempty"`
	// Slots is what the metadata of volumes has room for, by resource and volume. It is asked for only where nodes join or leave (DRBD 9).
	Slots map[string]slots `json:"slots,omitempty"`
	// Devices are the disks of the wanted resources.
	Devices block.Devices `json:"devices,omitempty"`
}

// Live is a resource in the kernel, as one node sees it.
type Live struct {
	Role string `json:"role"`
	// Suspended is no, or why all writes wait.
	Suspended string         `json:"suspended,omitempty"`
	Volumes   map[int]Volume `json:"volumes,omitempty"`
	Peers     []Peer         `json:"peers,omitempty"`
}

// Volume is a volume on the node that was asked.
type Volume struct {
	Minor int    `json:"minor"`
	Disk  string `json:"disk"` // UpToDate, Inconsistent, Diskless, …
	KiB   int64  `json:"kib,omitempty"`
}

// Peer is a connection to another node.
type Peer struct {
	// Name is the other's as DRBD 9 knows it; 8.4 calls it peer.
	Name string `json:"name"`
	// ID is its node-id; DRBD 8.4 has none, and says 0.
	ID         int    `json:"id,omitempty"`
	Connection string `json:"connection"` // Connected, Connecting, StandAlone, …
	Role       string `json:"role,omitempty"`
	// Refused is the last line of the kernel's log on authentication, where that failed and there is no connection.
	Refused string             `json:"refused,omitempty"`
	Volumes map[int]PeerVolume `json:"volumes,omitempty"`
}

// PeerVolume is a volume on the other side.
type PeerVolume struct {
	Replication string `json:"replication,omitempty"` // Established, SyncSource, SyncTarget, …
	Disk        string `json:"disk,omitempty"`
	// OutOfSync is how much differs, in KiB.
	OutOfSync int64 `json:"outOfSync,omitempty"`
	// Copy is how fast that gets less.
	Copy Copy `json:"copy,omitzero"`
}

func (s State) node(name string) *NodeState {
	for i := range s.Nodes {
		if s.Nodes[i].Name == name {
			return &s.Nodes[i]
		}
	}
	return nil
}

// dialect follows from the kernel's module; nothing else reads the file in the end.
func (n *NodeState) dialect() conf.Dialect {
	if strings.HasPrefix(n.Kernel, "8.") {
		return conf.V84
	}
	return conf.V9
}

// standAlone tells that a connection was given up, but for those to nodes that leave: by an operator, or because both sides have data that the
// other has not.
func (l *Live) standAlone(leaves ...Gone) bool {
	return l != nil && slices.ContainsFunc(l.Peers, func(p Peer) bool {
		return p.Connection == "StandAlone" && !slices.ContainsFunc(leaves, func(g Gone) bool { return g.ID == p.ID })
	})
}

// connected tells that there is a connection to some node.
func (l *Live) connected() bool {
	return slices.ContainsFunc(l.Peers, func(p Peer) bool { return p.Connection == "Connected" })
}

// attached tells that all volumes of the resource have their disks.
func (l *Live) attached(r *Resource, node string) bool {
	if l == nil {
		return false
	}
	for _, v := range r.volumes() {
		if x, ok := l.Volumes[v.Number]; v.hasDisk(node) && (!ok || x.Disk == "Diskless" || x.Disk == "Failed") {
			return false
		}
	}
	return true
}

// lost tells that a volume of the resource is there without its disk.
func (l *Live) lost(r *Resource, node string) bool {
	return slices.ContainsFunc(r.volumes(), func(v volume) bool {
		x, ok := l.Volumes[v.Number]
		return ok && v.hasDisk(node) && (x.Disk == "Diskless" || x.Disk == "Failed")
	})
}

// Provides gives the resources that are established on all their nodes that could be asked, and their devices.
func (Driver) Provides(have State) []reconcile.Ref {
	var refs []reconcile.Ref
	for i := range have.Resources {
		r := &have.Resources[i]
		if !r.established(have) {
			continue
		}
		refs = append(refs, Ref(r.Name))
		for _, n := range r.Spec.Nodes {
			for _, v := range r.volumes() {
				if r.has(have, v) {
					refs = append(refs, block.Ref(n.Name, v.Device))
				}
			}
		}
	}
	return refs
}

// has tells that a volume of an established resource is there: it was not just added.
func (r *Resource) has(have State, v volume) bool {
	asked, there := false, false
	for _, n := range r.Spec.Nodes {
		if h := have.node(n.Name); h != nil && h.Unobserved == "" {
			if h.making(r, v.Number) {
				return false
			}
			_, live := liveVolume(h, r, v.Number)
			asked, there = true, there || live || v.hasDisk(n.Name) && h.hasMetadata(r, v)
		}
	}
	return there || !asked
}

// established tells that the resource is in use or may be: some node has it, and none is still making it. A node that has lost its disk, or could
// not be asked, does not take it from the others, nor from what Pacemaker runs on it. Where no node could be asked nothing is known, and
// nothing of it will be planned either.
func (r *Resource) established(have State) bool {
	asked, there := false, false
	for _, n := range r.Spec.Nodes {
		h := have.node(n.Name)
		if h == nil || h.Unobserved != "" {
			continue
		}
		if _, marked := h.Marks[r.Name]; marked {
			return false
		}
		asked, there = true, there || h.partly(r)
	}
	return there || !asked
}

func (n *NodeState) hasMetadata(r *Resource, v volume) bool {
	if l := n.Live[r.Name]; l != nil {
		if x, ok := l.Volumes[v.Number]; ok && x.Disk != "Diskless" && x.Disk != "Failed" {
			return true
		}
	}
	if n.Metadata[giKey(r.Name, v.Number)] != "" {
		return true
	}
	b := v.Nodes[n.Name]
	return internal(b.MetaDisk) && n.Devices[b.Disk].Has("drbd")
}

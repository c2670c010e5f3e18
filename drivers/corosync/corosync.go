// Package corosync reconciles corosync.conf, the keys, and the first start of corosync and Pacemaker.
//
// On bare machines it puts the same configuration and keys on every member, starts corosync everywhere, waits until each sees all, and only
// then starts Pacemaker. On a running cluster it writes the file on all members, checks it there, and reloads once; options that corosync
// does not take over at run time (see reload.go) lead to a restart, node by node where that is enough.
//
// Whether a configured member runs is its operator's business: a member that was stopped is told of and not started. hactl starts a node
// only if it never ran (no CIB lies on it), if hactl itself stopped it, or if no member of the cluster runs at all.
package corosync

import (
	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Driver is the corosync layer.
type Driver struct{ owner string }

// New gives the corosync layer. owner is the name under which the fields of corosync.conf are recorded as ours ("default" if empty).
func New(owner string) Driver {
	if owner == "" {
		owner = "default"
	}
	return Driver{owner}
}

// Name is "corosync".
func (Driver) Name() string { return "corosync" }

// Node is a machine on which corosync and Pacemaker run as a member.
func Node(name string) reconcile.Ref { return reconcile.Ref{Kind: "cluster-node", Name: name} }

// Formed is a quorate membership with a designated controller.
func Formed(cluster string) reconcile.Ref { return reconcile.Ref{Kind: "cluster", Name: cluster} }

// Further objects of this layer; no other layer needs them.
func confRef(node string) reconcile.Ref      { return reconcile.Ref{Kind: "corosync-conf", Name: node} }
func keyRef(node, path string) reconcile.Ref { return reconcile.Ref{Kind: "file", Name: node + path} }
func daemonRef(node string) reconcile.Ref    { return reconcile.Ref{Kind: "corosync", Name: node} }
func memberRef(node string) reconcile.Ref    { return reconcile.Ref{Kind: "membership", Name: node} }
func runtimeRef(cluster string) reconcile.Ref {
	return reconcile.Ref{Kind: "corosync-runtime", Name: cluster}
}
func nodeRef(node string) reconcile.Ref { return reconcile.Ref{Kind: "node", Name: node} }

// SeedID is the id of the nvpair with which hactl seeds a new cluster's CIB (dc-deadtime=2s in cib-bootstrap-options). The CIB's layer
// knows it by this text and removes it in its first change, unless the manifest declares dc-deadtime.
const SeedID = "hactl-seed-dc-deadtime"

// Paths on a member.
const (
	confPath   = "/etc/corosync/corosync.conf"
	keyPath    = "/etc/corosync/authkey"
	pcmkKey    = "/etc/pacemaker/authkey"
	cibDir     = "/var/lib/pacemaker/cib"
	markPath   = "/var/lib/hactl/corosync-restart"
	keyBytes   = 256 // corosync-keygen(8): 256 bytes by default; pacemaker takes any length, pcs writes 256
	seedValue  = "2s"
	daemonUnit = "corosync.service"
)

// State is what is wanted of a cluster's membership, or what was found.
type State struct {
	Cluster string `json:"cluster,omitempty"`
	// Owner is under whose name the fields are recorded; wanted only.
	Owner string `json:"owner,omitempty"`
	// Fields are the options that the manifest declares or that follow from it; wanted only.
	Fields []Field `json:"fields,omitempty"`
	// Nodes are the members in node id order.
	Nodes []NodeState `json:"nodes,omitempty"`
	// Source is the place of the Cluster; wanted only.
	Source v1.Pos `json:"source,omitzero"`
}

// Field is a declared option of corosync.conf.
type Field struct {
	Path  string `json:"path"` // "totem.token", "nodelist.node[2].ring0_addr"
	Value string `json:"value,omitempty"`
	// Remove: the manifest says null.
	Remove bool `json:"remove,omitempty"`
	// Default: hactl's own choice where the file has none; a different value in an existing file stays as it is.
	Default bool   `json:"default,omitempty"`
	Source  v1.Pos `json:"source,omitzero"`
}

// NodeState is a member, wanted (Name, ID, Addresses) or found.
type NodeState struct {
	Name      string   `json:"name"`
	ID        int      `json:"id,omitempty"`
	Addresses []string `json:"addresses,omitempty"`

	// Unobserved says why the machine could not be asked; nothing else is known then.
	Unobserved string `json:"unobserved,omitempty"`
	// Installed tells that corosync and pacemakerd are there.
	Installed bool `json:"installed,omitempty"`
	// Conf is corosync.conf, Key corosync's key, PacemakerKey Pacemaker's; nil: there is none.
	Conf         *reconcile.File `json:"conf,omitempty"`
	Key          *reconcile.File `json:"key,omitempty"`
	PacemakerKey *reconcile.File `json:"pacemakerKey,omitempty"`
	// Corosync and Pacemaker are systemd's ActiveState of the units.
	Corosync  string `json:"corosync,omitempty"`
	Pacemaker string `json:"pacemaker,omitempty"`
	// CIB is what lies in Pacemaker's folder; nil: nothing that ever belonged to a cluster (a seed that was never used is nothing).
	CIB *StoredCIB `json:"cib,omitempty"`
	// Example is set where the daemons run with the example configuration of the distribution's package.
	Example *Example `json:"example,omitempty"`
	// Marked lists the options for which hactl owes this node a restart.
	Marked []string `json:"marked,omitempty"`
	// Running is what the running corosync knows; nil where it does not run.
	Running *Running `json:"running,omitempty"`
}

// StoredCIB is a configuration that lies on a node's disk.
type StoredCIB struct {
	Cluster string `json:"cluster,omitempty"` // its cluster-name
	Epoch   string `json:"epoch,omitempty"`   // admin_epoch.epoch
	Written string `json:"written,omitempty"` // cib-last-written
}

// Example is a cluster of one node as the distribution's package makes it.
type Example struct {
	Resources int `json:"resources"` // in its configuration
}

// Running is a running corosync.
type Running struct {
	// Config are its options by the paths of Field, as corosync-cmapctl tells them.
	Config map[string]string `json:"config"`
	// Members are the ids of the nodes that it sees.
	Members []int `json:"members"`
	// Quorate is votequorum's answer.
	Quorate bool `json:"quorate"`
	// Votes are "total/expected", Flags are votequorum's, as corosync-quorumtool tells them.
	Votes string   `json:"votes,omitempty"`
	Flags []string `json:"flags,omitempty"`
	// DC is the designated controller's name in this node's view; empty: none.
	DC string `json:"dc,omitempty"`
	// Links are lines on links that are not connected.
	Links []string `json:"links,omitempty"`
}

func (s State) node(name string) *NodeState {
	for i := range s.Nodes {
		if s.Nodes[i].Name == name {
			return &s.Nodes[i]
		}
	}
	return nil
}

// runs tells that corosync runs with a configuration of this cluster or another real one.
func (n *NodeState) runs() bool  { return n != nil && n.Running != nil && n.Example == nil }
func (n *NodeState) works() bool { return n.runs() && n.Pacemaker == "active" }

// Provides gives the members that run, and the cluster if one of them sees quorum and a designated controller.
func (Driver) Provides(have State) []reconcile.Ref {
	var refs []reconcile.Ref
	formed := false
	for i := range have.Nodes {
		n := &have.Nodes[i]
		if n.works() {
			refs = append(refs, Node(n.Name))
			formed = formed || n.Running.Quorate && n.Running.DC != ""
		}
	}
	if formed {
		refs = append(refs, Formed(have.Cluster))
	}
	return refs
}

package cib

import (
	"github.com/beevik/etree"

	"github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// State is the CIB as it is wanted or as it is. Only the fields of the one side are set, as their comments say.
type State struct {
	// Cluster is the Cluster's name (want).
	Cluster string `json:"cluster,omitempty"`
	// Owner is the name under which objects are recorded as ours (want).
	Owner string `json:"owner,omitempty"`
	// Prune tells to delete objects of this owner that no manifest tells any more (want).
	Prune bool `json:"prune,omitempty"`
	// Part tells that Objects are a part of the owner's: what they do not tell is none of this plan's business (want).
	Part bool `json:"part,omitempty"`
	// Files tells that files are put on the members, which resources and alerts may need (want).
	Files bool `json:"files,omitempty"`
	// Storage is what the manifests say of storage and resources may need (want).
	Storage []reconcile.Ref `json:"storage,omitempty"`
	// Later are the objects that cannot be there before the volume groups Locked, whose lock manager runs in other objects (want).
	Later  []reconcile.Ref `json:"later,omitempty"`
	Locked []reconcile.Ref `json:"locked,omitempty"`
	// Source is the place of the Cluster (want).
	Source v1.Pos `json:"source,omitzero"`
	// Objects are what is wanted, in the order of the manifests (want).
	Objects []Object `json:"objects,omitempty"`
	// Members are the configured nodes in id order; observed, with their view of the cluster (want, have).
	Members []Member `json:"members,omitempty"`
	// Nodes are what stands in <nodes> in a CIB that is all hactl's (want).
	Nodes []Node `json:"nodes,omitempty"`
	// Inline are secrets where Pacemaker reads no files: they are only compared with what the CIB holds in clear text (want).
	Inline []Secret `json:"inline,omitempty"`
	// Secrets are the values that resources refer to: wanted on every member, or found on one (want, have).
	Secrets []Secret `json:"secrets,omitempty"`
	// From names the member whose CIB this is: the designated controller's where it answered (have).
	From string `json:"from,omitempty"`
	// CIB is the live CIB, configuration and status; empty where no member runs Pacemaker (have).
	CIB XML `json:"cib,omitempty"`
	// Monitor is `crm_mon --output-as=xml` of a running member (have); empty where it was not recorded.
	Monitor string `json:"monitor,omitempty"`
	// Recorded tells that the CIB comes from a record and nothing is known of the members: neither their secrets nor what they do (have).
	Recorded bool `json:"recorded,omitempty"`
	// Withheld is set where the CIB and what is known of the members come from a snapshot (have).
	Withheld *Withheld `json:"withheld,omitempty"`

	last *comparisons // of a wanted state, see there
}

// Object is an object of the manifests as it is to stand in the CIB.
type Object struct {
	Ref reconcile.Ref `json:"ref"`
	// Parts are its elements. The first is the object itself.
	Parts []Part `json:"parts"`
	// Pos are the places of its fields by path; "" is the object's.
	Pos map[string]v1.Pos `json:"pos,omitempty"`
	// Null are the paths of fields that the manifest removes.
	Null []string `json:"null,omitempty"`
	// Named are the ids that the manifest itself gives to parts of the object: attribute sets of the long form, operations, rules, ….
	Named []string `json:"named,omitempty"`
	// Group is the id of the group that it is a member of, After the member before it.
	Group string `json:"group,omitempty"`
	After string `json:"after,omitempty"`
	// Ignore are the lints that the manifest silences for it.
	Ignore []string `json:"ignore,omitempty"`
	// Protect tells that it must not be deleted.
	Protect bool `json:"protect,omitempty"`
	// RenamedFrom is the name under which it may be in the inventory yet.
	RenamedFrom string `json:"renamedFrom,omitempty"`
	// Fence tells that it is a fence device that has to be probed.
	Fence *Device `json:"fence,omitempty"`
}

// Part is one element of an object.
type Part struct {
	// Prefix stands before the paths of the part's fields: "" for the object itself, "properties", "avoidTargets[node1]".
	Prefix string `json:"prefix,omitempty"`
	// Section is the element below <configuration> that holds it.
	Section string `json:"section"`
	// XML is the element with the fields that are wanted.
	XML string `json:"xml"`

	el *etree.Element // XML as it was made; nil in a State that was decoded
}

// Node is an element of <nodes>.
type Node struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// Device is what a probe of a fence device needs beside its parameters.
type Device struct {
	Agent string `json:"agent"`
	// Plugs are the node and plug pairs that it can fence. Without any it is probed once without a plug.
	Plugs []Plug `json:"plugs,omitempty"`
	// Nodes are those that may run it.
	Nodes []string `json:"nodes"`
	// Params are the agent's parameters, secrets included.
	Params []Param `json:"params,omitempty"`
}

// Plug names a node and its plug on the device.
type Plug struct {
	Node string `json:"node"`
	Plug string `json:"plug"`
}

// Param is a named value.
type Param struct {
	Name  string         `json:"name"`
	Value reconcile.Text `json:"value"`
}

// Secret is a value that a resource's parameter refers to by lrm://.
type Secret struct {
	// Node is where it was found; empty where it is wanted.
	Node     string `json:"node,omitempty"`
	Resource string `json:"resource"`
	Param    string `json:"param"`
	// Field is the path of the field of Object that refers to it (wanted only).
	Field string         `json:"field,omitempty"`
	Value reconcile.Text `json:"value"`
	// Signed tells that the checksum beside it is right, and Private that the file is root's alone (found only).
	Signed  bool `json:"signed,omitempty"`
	Private bool `json:"private,omitempty"`
	// ID is what stands beside the secret of a fence device that was changed: the id that its nvpair in the CIB must have got (found only).
	ID string `json:"id,omitempty"`
	// Owner is who wrote it, if hactl did (found only).
	Owner  string        `json:"owner,omitempty"`
	Object reconcile.Ref `json:"object,omitzero"`
	Source v1.Pos        `json:"source,omitzero"`
}

// Runs is how Pacemaker does on a machine.
type Runs string

// Whether Pacemaker runs on a member. The zero value is one that was not looked at.
const (
	Running      Runs = "running"
	Stopped      Runs = "stopped"
	NotInstalled Runs = "not installed"
	Unreachable  Runs = "unreachable"
)

// Member is a configured node and what it says of the cluster.
type Member struct {
	Name string `json:"name"`
	ID   int    `json:"id,omitempty"`
	Runs Runs   `json:"runs,omitempty"`
	// Why says why it could not be asked.
	Why string `json:"why,omitempty"`
	// DC is the node id of the designated controller in its view; empty: none.
	DC string `json:"dc,omitempty"`
	// Quorate tells whether its partition has quorum.
	Quorate bool `json:"quorate,omitempty"`
	// Digest is of the configuration in its copy of the CIB.
	Digest string `json:"digest,omitempty"`
	// Version is admin_epoch.epoch.num_updates of its copy.
	Version string `json:"version,omitempty"`
	// Settled is false where its copy still differed from others after a short wait.
	Settled bool `json:"settled,omitempty"`
}

func (s State) member(name string) *Member {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

// formed tells whether a cluster runs that has a configuration to change.
func (s State) formed() bool { return s.CIB != "" }

package iscsiinitiator

import (
	"cmp"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/reconcile"
)

// Driver is the layer of iSCSI sessions.
type Driver struct {
	owner string
	prune bool
}

// New gives the layer. owner is the name that its records carry ("default" if empty).
func New(owner string) Driver { return Driver{owner: cmp.Or(owner, "default")} }

// Pruning is the same driver, which also logs out of what its owner logged in to and no manifest tells any more.
func (d Driver) Pruning() Driver {
	d.prune = true
	return d
}

// Name is "iscsiinitiator".
func (Driver) Name() string { return "iscsiinitiator" }

// Ref is an initiator of the manifests with all its sessions, on all its nodes.
func Ref(name string) reconcile.Ref { return reconcile.Ref{Kind: "ISCSIInitiator", Name: name} }

// Further objects of this layer; no other layer needs them.
func onNode(node, name string) reconcile.Ref {
	return reconcile.Ref{Kind: "ISCSIInitiator", Name: node + "/" + name}
}
func nameRef(node string) reconcile.Ref {
	return reconcile.Ref{Kind: "initiator-name", Name: node}
}

// Paths on a machine.
const (
	nameFile  = "/etc/iscsi/initiatorname.iscsi"
	daemon    = "/etc/iscsi/iscsid.conf"
	recordDir = "/var/lib/hactl/iscsiinitiator"
)

func recordPath(name string) string { return path.Join(recordDir, name+".json") }

// State is what is wanted of the sessions of a cluster's machines, or what was found.
type State struct {
	Owner string `json:"owner,omitempty"`
	// Prune logs out of what the owner's records tell and no manifest does; wanted only.
	Prune bool `json:"prune,omitempty"`
	// Initiators are the wanted ones by name. What was found repeats them, since only they tell what is complete.
	Initiators []Initiator `json:"initiators,omitempty"`
	// Machines are those that were looked at, in the order of the hosts.
	Machines []Machine `json:"machines,omitempty"`
}

// Initiator is a wanted set of sessions with one target.
type Initiator struct {
	Name    string            `json:"name"`
	Target  string            `json:"target"` // IQN
	Portals []Portal          `json:"portals"`
	Startup string            `json:"startup"`
	Record  map[string]string `json:"record,omitempty"`
	Nodes   []Node            `json:"nodes"`
	// Makers are what serves the target, where the manifests tell of it: an ISCSITarget, or resources. LUNs is what its initiators are to see, by
	// their names ("": all others): bytes by number, 0 where the size is not known.
	Makers []reconcile.Ref          `json:"makers,omitempty"`
	LUNs   map[string]map[int]int64 `json:"luns,omitempty"`
	// Installs tells that open-iscsi is among the packages that the manifest has installed.
	Installs bool              `json:"installs,omitempty"`
	Sources  map[string]v1.Pos `json:"sources,omitempty"`
}

// Portal is where a target listens. The address has no brackets.
type Portal struct {
	Address string `json:"address"`
	Port    string `json:"port"`
}

func parsePortal(s string) Portal {
	i := strings.LastIndexByte(s, ':')
	return Portal{strings.Trim(s[:max(i, 0)], "[]"), s[i+1:]}
}

func (p Portal) String() string { return net.JoinHostPort(p.Address, p.Port) }

// disk is the name that udev gives a LUN behind the portal (60-persistent-storage.rules, path_id).
func (p Portal) disk(target string, lun int) string {
	return fmt.Sprintf("/dev/disk/by-path/ip-%s:%s-iscsi-%s-lun-%d", p.Address, p.Port, target, lun)
}

// Node is a machine that is to log in.
type Node struct {
	Name          string     `json:"name"`
	InitiatorName string     `json:"initiatorName,omitempty"` // "" leaves the machine's own
	Auth          *chap.CHAP `json:"auth,omitempty"`
}

// Machine is what was found on one.
type Machine struct {
	Name string `json:"name"`
	// Unobserved says why it could not be asked; nothing else is known of it then.
	Unobserved string `json:"unobserved,omitempty"`
	// Tools tells that iscsiadm is there.
	Tools bool `json:"tools,omitempty"`
	// Unit logs in at boot, Boot is systemd's UnitFileState of it.
	Unit string `json:"unit,omitempty"`
	Boot string `json:"boot,omitempty"`
	// Dir is where open-iscsi keeps its records.
	Dir string `json:"dir,omitempty"`
	// NameFile is initiatorname.iscsi; nil: there is none. Defaults are the lines of iscsid.conf that new records begin with.
	NameFile *reconcile.File  `json:"nameFile,omitempty"`
	Defaults []reconcile.Text `json:"defaults,omitempty"`
	// Nodes are the node records, by path. Passwords in them are marked.
	Nodes map[string]reconcile.File `json:"nodes,omitempty"`
	// Sessions by target and portal.
	Sessions []Session `json:"sessions,omitempty"`
	// Records are hactl's, by name; Broken says which of them cannot be read.
	Records map[string]Record `json:"records,omitempty"`
	Broken  map[string]string `json:"broken,omitempty"`
}

// Session is a connection with a target and its disks.
type Session struct {
	Target string `json:"target"`
	Portal Portal `json:"portal"`
	// State is LOGGED_IN, FAILED or FREE.
	State string `json:"state,omitempty"`
	Disks []Disk `json:"disks,omitempty"`
}

// Disk is a LUN as the machine sees it.
type Disk struct {
	LUN   int      `json:"lun"`
	Path  string   `json:"path"` // /dev/sde
	Size  int64    `json:"size"` // bytes
	Links []string `json:"links,omitempty"`
}

// Record holds what hactl made on a machine for an initiator.
type Record struct {
	Owner   string   `json:"owner"`
	Target  string   `json:"target"`
	Portals []Portal `json:"portals,omitempty"`
	// Auth tells that hactl wrote users and passwords into the node records.
	Auth bool `json:"auth,omitempty"`
}

func (s State) machine(name string) *Machine {
	for i := range s.Machines {
		if s.Machines[i].Name == name {
			return &s.Machines[i]
		}
	}
	return nil
}

func (m *Machine) session(target string, p Portal) *Session {
	for i := range m.Sessions {
		if s := &m.Sessions[i]; s.Target == target && s.Portal == p {
			return s
		}
	}
	return nil
}

// initiator is the machine's name as its targets know it.
func (m *Machine) initiator() string {
	if m.NameFile == nil {
		return ""
	}
	for line := range strings.Lines(m.NameFile.Content.Reveal()) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "InitiatorName="); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (i *Initiator) source(path string) v1.Pos {
	o := v1.Object{Positions: i.Sources}
	return o.Pos(path)
}

func (i *Initiator) on(node string) bool {
	return slices.ContainsFunc(i.Nodes, func(n Node) bool { return n.Name == node })
}

// Provides gives the initiators of which nothing is left to be done, and the disks of their sessions. A machine that could not be asked does not
// speak against an initiator that is complete on others.
func (d Driver) Provides(have State) []reconcile.Ref {
	var refs []reconcile.Ref
	for _, i := range have.Initiators {
		steps, err := d.Plan(State{Owner: d.owner, Initiators: []Initiator{i}}, have)
		steps = slices.DeleteFunc(steps, func(s reconcile.Step) bool { return have.machine(s.Host).Unobserved != "" })
		asked := slices.ContainsFunc(have.Machines, func(m Machine) bool { return m.Unobserved == "" && i.on(m.Name) })
		if err == nil && len(steps) == 0 && asked {
			refs = append(refs, Ref(i.Name))
		}
		for _, n := range i.Nodes {
			m := have.machine(n.Name)
			if m == nil {
				continue
			}
			for _, s := range m.Sessions {
				for _, k := range s.Disks {
					if s.Target != i.Target {
						continue
					}
					for _, l := range append(k.Links, k.Path) {
						refs = append(refs, block.Ref(m.Name, l))
					}
				}
			}
		}
	}
	return refs
}

// Package system reconciles what a machine needs before it can be a member of a cluster: packages, /etc/hosts, time, firewall and what
// starts at boot. It also looks, before anything is done, at what would make a cluster fail later: clocks that differ, a wrong host name,
// addresses that are not configured, full file systems.
//
// Nothing is done that the manifest's spec.prepare does not ask for. Packages are installed, never upgraded or removed; no service is
// started by an installation; no running unit is stopped.
//
// Debian and its kin (apt) are proved on real machines. Red Hat and its kin (dnf) are planned by the same code and were never run.
package system

import (
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Driver is the system layer. The zero Driver is ready.
type Driver struct{}

// New gives the system layer.
func New() Driver { return Driver{} }

// Name is "system".
func (Driver) Name() string { return "system" }

// Machine is the object that every step of this layer changes: a step of another layer that needs it runs after all preparation of that
// machine.
func Machine(name string) reconcile.Ref { return reconcile.Ref{Kind: "machine", Name: name} }

// State is what is wanted of the machines of one cluster, or what was found on them.
type State struct {
	Cluster  string          `json:"cluster,omitempty"`
	Machines []MachineStatus `json:"machines,omitempty"` // members in node id order, then the other machines
	// Sources says where the manifest asks for a field ("packages", "units.haproxy"); wanted only.
	Sources map[string]v1.Pos `json:"sources,omitempty"`
}

// MachineStatus is one machine. A nil or empty field of a wanted machine means that nothing is asked for.
type MachineStatus struct {
	Name string `json:"name"`
	// Member tells a cluster node from another machine.
	Member bool `json:"member,omitempty"`
	// Unobserved says why the machine could not be asked; nothing else is known of it then.
	Unobserved string `json:"unobserved,omitempty"`

	// Packages: wanted, what is to be there by family; found, what is there.
	Packages *Packages `json:"packages,omitempty"`
	// Hosts: wanted, the lines of the block; found, the whole file.
	Hosts *HostsFile `json:"hosts,omitempty"`
	// Time: wanted, the servers; found, the content of hactl's file for chrony.
	Time *Time `json:"time,omitempty"`
	// Firewall: wanted or open; nil where firewalld does not run.
	Firewall *Firewall `json:"firewall,omitempty"`
	// Units by full unit name.
	Units map[string]Unit `json:"units,omitempty"`
	// Files by path; wanted only.
	Files map[string]PlacedFile `json:"files,omitempty"`
	// Found are the files at the paths of Files, and those to copy, as far as they are there; found only.
	Found map[string]reconcile.File `json:"found,omitempty"`
	// Accounts by login name.
	Accounts map[string]Account `json:"accounts,omitempty"`
	// Addresses are the node's, one per link; wanted only.
	Addresses []string `json:"addresses,omitempty"`

	// Looked lists what was asked of the machine, in a record only; Unlooked what is wanted now and was not asked then.
	Looked   []string `json:"looked,omitempty"`
	Unlooked []string `json:"unlooked,omitempty"`

	// Facts are found, never wanted.
	Facts *Facts `json:"facts,omitempty"`
}

// Packages of a machine.
type Packages struct {
	Debian []string `json:"debian,omitempty"` // wanted on Debian and its kin
	RedHat []string `json:"redhat,omitempty"` // wanted on Red Hat and its kin
	// Installed maps the wanted packages that are there to their versions.
	Installed map[string]string `json:"installed,omitempty"`
}

// HostsFile is /etc/hosts.
type HostsFile struct {
	Entries []Entry         `json:"entries,omitempty"` // wanted
	File    *reconcile.File `json:"file,omitempty"`    // found; nil: there is none
}

// Entry is a name and its address.
type Entry struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// Time is chrony's configuration.
type Time struct {
	Servers []string        `json:"servers,omitempty"` // wanted
	File    *reconcile.File `json:"file,omitempty"`    // found: hactl's own file
	// Running tells that chrony runs.
	Running bool `json:"running,omitempty"`
	// Rival tells that systemd-timesyncd is installed, which cannot be together with chrony on Debian.
	Rival bool `json:"rival,omitempty"`
}

// Firewall is firewalld's service high-availability.
type Firewall struct {
	Permanent bool `json:"permanent"`
	Runtime   bool `json:"runtime"`
}

// Unit says how a unit starts at boot.
type Unit struct {
	// State is wanted enabled, disabled or masked; found, systemd's UnitFileState.
	State string `json:"state"`
	// Missing tells that systemd knows no such unit.
	Missing bool `json:"missing,omitempty"`
}

// Facts are what the preflight looks at. They hold no value that moves by itself, so that two looks at an unchanged machine are equal.
type Facts struct {
	Family   string `json:"family"` // debian, redhat, or os-release's ID where it is neither
	HostName string `json:"hostName"`
	// Stack tells that corosync and pacemakerd are installed; Running that corosync runs.
	Stack   bool `json:"stack"`
	Running bool `json:"running"`
	// ClockOffset is how many whole seconds the machine's clock is ahead of the middle of all machines.
	ClockOffset int `json:"clockOffset,omitempty"`
	// Full lists folders whose file system has no byte or no inode left.
	Full []string `json:"full,omitempty"`
	// Interfaces by address: the interface's name and MTU.
	Interfaces map[string]Interface `json:"interfaces,omitempty"`
	// Resolved maps the wanted addresses that are names to what the machine takes them for.
	Resolved map[string][]string `json:"resolved,omitempty"`
}

// Interface holds an address.
type Interface struct {
	Name string `json:"name"`
	MTU  int    `json:"mtu"` // bytes
}

func (s State) machine(name string) *MachineStatus {
	for i := range s.Machines {
		if s.Machines[i].Name == name {
			return &s.Machines[i]
		}
	}
	return nil
}

// Provides gives each machine that was asked and, if it is a member, has the cluster's software.
func (Driver) Provides(have State) []reconcile.Ref {
	var refs []reconcile.Ref
	for _, m := range have.Machines {
		if m.Facts != nil && (m.Facts.Stack || !m.Member) {
			refs = append(refs, Machine(m.Name))
		}
	}
	return refs
}

// unitName gives the full name: systemd takes a name without a suffix for a service.
func unitName(n string) string {
	for _, s := range []string{".service", ".socket", ".timer", ".target", ".path", ".mount", ".automount", ".swap", ".slice", ".scope", ".device"} {
		if strings.HasSuffix(n, s) {
			return n
		}
	}
	return n + ".service"
}

package system

import (
	"fmt"
	"sort"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// The packages that make a machine a member, by family. pacemaker-cli-utils (pacemaker-cli) holds cibadmin, crm_mon and crm_simulate.
var (
	debianStack = []string{"corosync", "fence-agents", "pacemaker", "pacemaker-cli-utils", "resource-agents"}
	redhatStack = []string{"corosync", "fence-agents-all", "pacemaker", "pacemaker-cli", "resource-agents"}
)

// Desired reads spec.prepare of the Cluster, and that of machines outside of it. Without them only the preflight is left.
func (Driver) Desired(m *v1.Manifests, _ reconcile.Secrets) (State, error) {
	if m == nil || m.Cluster == nil {
		return State{}, nil
	}
	c := m.Cluster
	s := State{Cluster: c.Metadata.Name, Sources: map[string]v1.Pos{"": c.Pos("spec.nodes")}}
	var entries []Entry
	for i, n := range nodesByID(c.Spec.Nodes) {
		s.Machines = append(s.Machines, MachineStatus{Name: n.Name, Member: true, Addresses: n.Addresses})
		s.Sources["node."+n.Name] = c.Pos(fmt.Sprintf("spec.nodes[%d]", i))
		if len(n.Addresses) > 0 {
			entries = append(entries, Entry{n.Name, n.Addresses[0]})
		}
	}
	others := append([]v1.Machine(nil), c.Spec.Hosts...)
	sort.Slice(others, func(i, j int) bool { return others[i].Name < others[j].Name })
	for _, h := range others {
		s.Machines = append(s.Machines, MachineStatus{Name: h.Name})
		entries = append(entries, Entry{h.Name, h.Address})
	}
	for i := range s.Machines {
		if s.Machines[i].Member {
			s.Machines[i].Files = placed(m)
		}
	}
	p := c.Spec.Prepare
	if p == nil {
		p = &v1.Prepare{}
	}
	for i := range s.Machines {
		prepare(&s.Machines[i], p, c.Spec.PackagesOf(s.Machines[i].Name), entries)
	}
	for i, h := range c.Spec.Hosts {
		if h.Prepare != nil {
			s.host(c, fmt.Sprintf("spec.hosts[%d].prepare", i), h)
		}
	}
	accounts := map[string]Account{}
	for i, a := range p.Users {
		accounts[a.Name] = Account{Groups: a.Groups, Source: c.Pos(fmt.Sprintf("spec.prepare.users[%d]", i))}
	}
	for i := range s.Machines {
		if s.Machines[i].Member && len(accounts) > 0 {
			s.Machines[i].Accounts = accounts
		}
	}
	s.source(c, p)
	return s, nil
}

// host takes what a machine outside the cluster says of itself, and where.
func (s *State) host(c *v1.Cluster, path string, h v1.Machine) {
	m := s.machine(h.Name)
	s.Sources[at(h.Name, "packages")] = c.Pos(path + ".packages")
	for n, st := range h.Prepare.Units {
		if m.Units == nil {
			m.Units = map[string]Unit{}
		}
		m.Units[unitName(n)] = Unit{State: st}
		s.Sources[at(h.Name, "units."+unitName(n))] = c.Pos(path + ".units." + n)
	}
}

// at is the key of a source that holds for one machine alone.
func at(machine, field string) string { return "host." + machine + "." + field }

// sourceOf is where the manifest asks for a field of a machine.
func (s State) sourceOf(machine, field string) v1.Pos {
	if pos, ok := s.Sources[at(machine, field)]; ok {
		return pos
	}
	return s.Sources[field]
}

func prepare(m *MachineStatus, p *v1.Prepare, packages *v1.Packages, entries []Entry) {
	if packages != nil {
		m.Packages = &Packages{Debian: union(packages.All, packages.Debian), RedHat: union(packages.All, packages.RedHat)}
		if m.Member {
			m.Packages.Debian = union(m.Packages.Debian, debianStack)
			m.Packages.RedHat = union(m.Packages.RedHat, redhatStack)
		}
		if p.Time != nil {
			m.Packages.Debian = union(m.Packages.Debian, []string{"chrony"})
			m.Packages.RedHat = union(m.Packages.RedHat, []string{"chrony"})
		}
	}
	if p.HostsFile {
		m.Hosts = &HostsFile{Entries: entries}
	}
	if p.Time != nil {
		m.Time = &Time{Servers: p.Time.Servers}
	}
	if !m.Member {
		return
	}
	if p.Firewall {
		m.Firewall = &Firewall{Permanent: true, Runtime: true}
	}
	units := map[string]Unit{}
	for n, st := range p.Units {
		units[unitName(n)] = Unit{State: st}
	}
	if p.StartAtBoot != nil {
		st := "disabled"
		if *p.StartAtBoot {
			st = "enabled"
		}
		units["corosync.service"], units["pacemaker.service"] = Unit{State: st}, Unit{State: st}
	}
	if len(units) > 0 {
		m.Units = units
	}
}

func (s *State) source(c *v1.Cluster, p *v1.Prepare) {
	for _, f := range []string{"packages", "hostsFile", "time", "firewall"} {
		s.Sources[f] = c.Pos("spec.prepare." + f)
	}
	for n := range p.Units {
		s.Sources["units."+unitName(n)] = c.Pos("spec.prepare.units." + n)
	}
	if p.StartAtBoot != nil {
		s.Sources["units.corosync.service"] = c.Pos("spec.prepare.startAtBoot")
		s.Sources["units.pacemaker.service"] = c.Pos("spec.prepare.startAtBoot")
	}
}

// nodesByID gives the members in the order of their ids; without ids the list's order is the order.
func nodesByID(nodes []v1.Node) []v1.Node {
	out := append([]v1.Node(nil), nodes...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func union(lists ...[]string) []string {
	seen := map[string]bool{}
	var out []string
	for _, l := range lists {
		for _, x := range l {
			if !seen[x] {
				seen[x] = true
				out = append(out, x)
			}
		}
	}
	sort.Strings(out)
	return out
}

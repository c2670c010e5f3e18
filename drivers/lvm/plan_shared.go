package lvm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// shared plans a group that several machines see: on one of them, and what the others must take note of.
func (p *planner) shared() error {
	var ms []*Machine
	var errs []error
	for _, node := range p.g.Nodes {
		m := p.have.machine(node)
		ok, err := p.known(node, m)
		errs = append(errs, err)
		if ok {
			ms = append(ms, m)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if len(ms) == 0 {
		return nil
	}
	if err := p.same(ms); err != nil {
		return err
	}
	m, why, needs, err := p.owner(ms)
	if err != nil {
		return err
	}
	if why == "" {
		why = p.locks(m)
	}
	l := p.at(m)
	for _, node := range p.g.Nodes {
		if h := p.have.machine(node); h != nil && slices.ContainsFunc(p.settingsOf(h), func(s setting) bool { return !h.is(s) }) && h.Unobserved == "" {
			l.needs = append(l.needs, Settings(node))
		}
	}
	others, err := p.others(ms, l)
	if err != nil {
		return err
	}
	switch {
	case l.f == nil && why != "":
		p.wait(m.Name, "", p.everything(m.Name), needs, why)
	default:
		if err := l.plan(); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		l.hold(why, needs)
	}
	p.steps = append(p.steps, others...)
	return nil
}

func (p *planner) settingsOf(m *Machine) []setting {
	s, _, _ := p.want.wantedSettings(m.Name) // the error is that of settingsSteps
	return s
}

// same makes sure that the nodes mean the same disks and the same group.
func (p *planner) same(ms []*Machine) error {
	for i := range p.g.Disks {
		d := &p.g.Disks[i]
		var of, identity string
		for _, m := range ms {
			id := m.Devices[d.Paths[m.Name]].Identity
			switch {
			case id == "":
			case identity == "":
				of, identity = m.Name, id
			case id != identity:
				return fmt.Errorf("%s: the group is shared, and %s is the disk %s on %s and %s on %s; name one disk that all nodes see", d.Source, d.Paths[m.Name], identity, of, id, m.Name)
			}
		}
	}
	var of *Machine
	for _, m := range ms {
		g := m.group(p.g.Name)
		if g == nil {
			continue
		}
		if of != nil && of.group(p.g.Name).UUID != g.UUID {
			return fmt.Errorf("the group is shared, and %s and %s each have another group of that name (UUID %s and %s); rename one (vgrename), or say shared: false",
				of.Name, m.Name, of.group(p.g.Name).UUID, g.UUID)
		}
		of = m
	}
	return nil
}

// owner is the machine to work on: the group's owner by system ID; where it has none, the first where it is active; where there is no group, the
// first that sees all its disks. why tells what must happen first.
func (p *planner) owner(ms []*Machine) (m *Machine, why string, needs []reconcile.Ref, err error) {
	id := ""
	for _, h := range ms {
		if g := h.group(p.g.Name); g != nil {
			id = g.SystemID
			if m == nil || g.active() && !m.group(p.g.Name).active() {
				m = h
			}
		}
	}
	if id != "" {
		for _, h := range ms {
			if h.SystemID == id {
				return h, "", nil, nil
			}
		}
		for _, h := range ms {
			if p.g.SystemIDSource == "uname" && h.Name == id && h.SystemIDSource != "uname" {
				return h, "known after the system ID of " + h.Name + " is set", []reconcile.Ref{Settings(h.Name)}, nil
			}
		}
		for _, node := range p.g.Nodes {
			if h := p.have.machine(node); h != nil && h.Unobserved != "" && (h.Name == id || p.g.SystemIDSource != "uname") {
				return ms[0], "the group belongs to the system ID " + id + ", and " + node + " does not answer", nil, nil
			}
		}
		return nil, "", nil, fmt.Errorf("the group belongs to the system ID %s, which none of the nodes has (%s); if no other machine uses it, take it over by hand (lvmsystemid(7), \"Overriding the system ID\")",
			id, strings.Join(p.g.Nodes, ", "))
	}
	if m != nil {
		return m, "", nil, nil
	}
	for _, h := range ms {
		if !slices.ContainsFunc(p.g.Disks, func(d Disk) bool { return !h.Devices[d.Paths[h.Name]].There() }) {
			return h, "", nil, nil
		}
	}
	return ms[0], "", nil, nil
}

// locks tells what the lock manager of a group still needs; "" if it needs none, or all runs.
func (p *planner) locks(m *Machine) string {
	if p.g.LockType == "" {
		return ""
	}
	var missing []string
	for _, d := range []string{"lvmlockd", map[string]string{"dlm": "dlm_controld", "sanlock": "sanlock"}[p.g.LockType]} {
		if !slices.Contains(m.Daemons, d) {
			missing = append(missing, d)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "known after " + strings.Join(missing, " and ") + " runs on " + m.Name
}

// others are the steps of the nodes that only see what another does: a disk that is not there yet, a partition table to read again.
func (p *planner) others(ms []*Machine, l *place) (steps []reconcile.Step, err error) {
	for _, m := range ms {
		if m == l.m {
			continue
		}
		for i := range p.g.Disks {
			d := &p.g.Disks[i]
			k, err := p.disk(m, d)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			c := reconcile.Change{Object: Ref(p.g.Name), Action: l.action(), Path: "on " + m.Name, Want: "sees " + k.path, Source: d.Source}
			s := reconcile.Step{ID: p.id(m.Name, "disk "+k.path), Host: m.Name, Changes: []reconcile.Change{c}, Needs: []reconcile.Ref{}}
			if k.away != "" {
				if s.Pending = k.away; k.after != nil {
					s.Needs = append(s.Needs, *k.after)
				}
				steps = append(steps, s)
			} else if k.label {
				s.Ops = reconcile.Ops{SeePartition{Disk: k.path, Path: k.pv.Path}}
				s.Needs = l.needs
				steps = append(steps, s)
			}
		}
	}
	return steps, nil
}

package iscsiinitiator

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/atboot"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// Plan names each machine, writes its node records, logs in, and has it look for the disks that it is to see.
func (Driver) Plan(want, have State) ([]reconcile.Step, error) {
	var steps []reconcile.Step
	var errs []error
	named := map[string]bool{}
	for k := range want.Initiators {
		i := &want.Initiators[k]
		for at := range i.Nodes {
			w := work{want: want, i: i, n: &i.Nodes[at], at: at, m: have.machine(i.Nodes[at].Name), named: named}
			if err := w.plan(); err != nil {
				errs = append(errs, err)
			}
			steps = append(steps, w.steps...)
		}
	}
	if want.Prune {
		for k := range have.Machines {
			steps = append(steps, prune(want, &have.Machines[k])...)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return steps, nil
}

// work plans one initiator on one machine.
type work struct {
	want  State
	i     *Initiator
	n     *Node
	at    int
	m     *Machine
	old   *Record
	named map[string]bool // machines that get another name by a step
	steps []reconcile.Step
	s     reconcile.Step
}

func (w *work) errorf(path, format string, args ...any) error {
	at := ""
	if pos := w.i.source(path); !pos.IsZero() {
		at = pos.String() + ": "
	}
	return fmt.Errorf("%sISCSIInitiator %s: %s: %w", at, w.i.Name, w.n.Name, fmt.Errorf(format, args...))
}

func (w *work) field(name string) string {
	return strings.TrimSuffix(fmt.Sprintf("spec.nodes[%d].%s", w.at, name), ".")
}

func (w *work) change(c reconcile.Change, ops ...reconcile.Op) {
	if c.Object == (reconcile.Ref{}) {
		c.Object = onNode(w.n.Name, w.i.Name)
	}
	if c.Source.IsZero() {
		c.Source = w.i.source(w.field(""))
	}
	w.s.Changes, w.s.Ops = append(w.s.Changes, c), append(w.s.Ops, ops...)
}

func (w *work) plan() error {
	w.s = reconcile.Step{ID: "iscsiinitiator " + w.n.Name + " " + w.i.Name, Host: w.n.Name, Needs: []reconcile.Ref{system.Machine(w.n.Name)}}
	switch {
	case w.m == nil:
		return w.errorf(w.field("name"), "was not observed: no such machine among the hosts")
	case w.m.Unobserved == reconcile.NotInSnapshot:
		w.unknown(reconcile.Check, w.m.Unobserved)
		return nil
	case w.m.Unobserved != "":
		w.unknown(reconcile.Check, w.n.Name+" is unreachable")
		return nil
	case !w.m.Tools && w.i.Installs:
		w.unknown(reconcile.Create, "known after open-iscsi is installed")
		return nil
	case !w.m.Tools:
		return w.errorf("", "there is no iscsiadm; install the package open-iscsi (Red Hat: iscsi-initiator-utils), or have hactl do it: add "+
			"`prepare: {packages: {debian: [open-iscsi], redhat: [iscsi-initiator-utils]}}` to the Cluster's spec, or to that machine in its spec.hosts")
	case w.m.Broken[w.i.Name] != "":
		return w.errorf("", "hactl's record cannot be read: %s; remove it if nothing is to be removed by it", w.m.Broken[w.i.Name])
	}
	if r, ok := w.m.Records[w.i.Name]; ok {
		switch {
		case r.Owner != w.want.Owner:
			return w.errorf("", "the sessions are of the owner %q, this is %q; name the right one with --owner", r.Owner, w.want.Owner)
		case r.Target != w.i.Target:
			return w.errorf("spec.target", "it was %s before; give this one another metadata.name, and log out of the old one with --prune", r.Target)
		}
		w.old = &r
	}
	if err := w.name(); err != nil {
		return err
	}
	for _, p := range w.i.Portals {
		w.records(p)
	}
	w.leave()
	for _, p := range w.i.Portals {
		w.session(p)
	}
	if w.i.Startup == "automatic" && w.m.Unit != "" && w.m.Boot != "enabled" {
		w.change(reconcile.Change{Action: reconcile.Update, Path: w.m.Unit, Have: w.m.Boot, Want: "enabled"}, atboot.Command("enable", w.m.Boot == atboot.Generated, w.m.Unit))
	}
	w.finish()
	return nil
}

// unknown plans that something will be done.
func (w *work) unknown(a reconcile.Action, why string) {
	if a == reconcile.Check {
		w.s.Needs = nil
	}
	w.change(reconcile.Change{Action: a, Want: "logged in to " + w.i.Target})
	w.s.Pending = why
	w.whole()
	w.steps = append(w.steps, w.s)
}

// whole is the change that whoever needs the initiator on all its nodes waits for.
func (w *work) whole() {
	action := w.s.Changes[0].Action
	w.change(reconcile.Change{Object: Ref(w.i.Name), Action: action, Path: "on " + w.n.Name, Want: "complete"})
}

// finish closes the step, with the record of what is hactl's around it.
func (w *work) finish() {
	if len(w.s.Ops) == 0 {
		return
	}
	next := Record{Owner: w.want.Owner, Target: w.i.Target, Portals: w.i.Portals, Auth: w.n.Auth != nil}
	both := next
	if w.old != nil {
		both.Auth = both.Auth || w.old.Auth
		for _, p := range w.old.Portals {
			if !slices.Contains(both.Portals, p) {
				both.Portals = append(slices.Clone(both.Portals), p)
			}
		}
	}
	if w.old == nil || !both.equal(*w.old) {
		w.s.Ops = append(reconcile.Ops{both.write(w.i.Name)}, w.s.Ops...)
	}
	if !both.equal(next) {
		w.s.Ops = append(w.s.Ops, next.write(w.i.Name))
	}
	w.whole()
	w.steps = append(w.steps, w.s)
}

func (r Record) equal(s Record) bool {
	return r.Owner == s.Owner && r.Target == s.Target && r.Auth == s.Auth && slices.Equal(r.Portals, s.Portals)
}

func (r Record) write(name string) reconcile.Op {
	b, _ := json.MarshalIndent(r, "", "  ")
	return reconcile.Write{Path: recordPath(name), File: reconcile.File{Content: reconcile.Plain(string(b) + "\n"), Mode: 0o600}}
}

// name plans initiatorname.iscsi. iscsid reads it when it starts, and sessions that are there keep the old name: both at once would be two
// machines to a target.
func (w *work) name() error {
	name := w.n.InitiatorName
	if w.named[w.n.Name] && name != "" {
		w.s.Needs = append(w.s.Needs, nameRef(w.n.Name))
	}
	if name == "" || w.m.initiator() == name || w.named[w.n.Name] {
		return nil
	}
	if len(w.m.Sessions) > 0 {
		var with []string
		for _, s := range w.m.Sessions {
			with = append(with, s.Target)
		}
		return w.errorf(w.field("initiatorName"), "the machine is %s, and has sessions under that name (%s); log out first (iscsiadm --mode node --logoutall=all), then apply this again",
			w.m.initiator(), strings.Join(slices.Compact(with), ", "))
	}
	f := reconcile.File{Mode: 0o600}
	var lines []string
	if w.m.NameFile != nil {
		for l := range strings.Lines(w.m.NameFile.Content.Reveal()) {
			if k, _ := line(l); k != "InitiatorName" && k != "GenerateName" {
				lines = append(lines, l)
			}
		}
	}
	f.Content = reconcile.Plain(strings.Join(append(lines, "InitiatorName="+name+"\n"), ""))
	w.steps = append(w.steps, reconcile.Step{ID: "iscsiinitiator " + w.n.Name + " name", Host: w.n.Name, Needs: []reconcile.Ref{system.Machine(w.n.Name)},
		Changes: []reconcile.Change{{Object: nameRef(w.n.Name), Action: reconcile.Update, Have: w.m.initiator(), Want: name, Source: w.i.source(w.field("initiatorName"))}},
		Ops:     reconcile.Ops{reconcile.Write{Path: nameFile, File: f}, reconcile.Command{Argv: []string{"systemctl", "try-restart", "iscsid.service"}}}})
	w.named[w.n.Name] = true
	w.s.Needs = append(w.s.Needs, nameRef(w.n.Name))
	return nil
}

// records plans the node records of a portal.
func (w *work) records(p Portal) {
	settings := w.i.settings(w.n, w.old != nil && w.old.Auth)
	files := w.m.nodeFiles(w.i.Target, p)
	if len(files) == 0 {
		w.change(reconcile.Change{Action: reconcile.Create, Path: "portals." + p.String(), Want: w.i.Startup + " login", Source: w.i.source("spec.portals")},
			reconcile.Write{Path: w.m.newFile(w.i.Target, p), File: edited(w.m.fresh(w.i, p), settings)})
	}
	for _, path := range files {
		f := w.m.Nodes[path]
		changes := differ(f, settings)
		for _, c := range changes {
			if w.old == nil {
				c.Action, c.Risk, c.Why = reconcile.Adopt, reconcile.AdoptRisk, path+" was not made by hactl"
			}
			w.change(c)
		}
		if len(changes) > 0 {
			w.s.Ops = append(w.s.Ops, reconcile.Write{Path: path, File: edited(f, settings)})
		} else if f.Mode&0o077 != 0 {
			w.change(reconcile.Change{Action: reconcile.Update, Path: "mode", Have: fmt.Sprintf("%04o", f.Mode), Want: "0600"}, reconcile.Write{Path: path, File: edited(f, settings)})
		}
	}
}

// session plans a login, or a look for disks that are to be there.
func (w *work) session(p Portal) {
	name := w.n.InitiatorName
	if name == "" {
		name = w.m.initiator()
	}
	expect, told := w.i.LUNs[name]
	if !told {
		expect = w.i.LUNs[""]
	}
	live := w.m.session(w.i.Target, p)
	disks := map[int]Disk{}
	if live != nil {
		for _, d := range live.Disks {
			disks[d.LUN] = d
		}
	}
	var missing []reconcile.Change
	for _, lun := range slices.Sorted(maps.Keys(expect)) {
		c := reconcile.Change{Object: block.Ref(w.n.Name, p.disk(w.i.Target, lun)), Action: reconcile.Create}
		if expect[lun] > 0 {
			c.Want = block.FormatSize(expect[lun])
		}
		if d, seen := disks[lun]; seen {
			if d.Size >= expect[lun] {
				continue
			}
			c.Action, c.Have = reconcile.Update, block.FormatSize(d.Size)
		}
		missing = append(missing, c)
	}
	op := See{Target: w.i.Target, Portal: p, LUNs: expect, Initiator: name}
	switch {
	case live == nil:
		op.Login = true
		w.change(reconcile.Change{Action: reconcile.Start, Path: "session", Want: p.String(), Source: w.i.source("spec.portals")}, op)
	case len(missing) > 0:
		w.s.Ops = append(w.s.Ops, op)
	default:
		return
	}
	for _, c := range missing {
		w.change(c)
	}
	for _, ref := range w.i.Makers {
		if !slices.Contains(w.s.Needs, ref) {
			w.s.Needs = append(w.s.Needs, ref)
		}
	}
}

// leave logs out of portals that hactl logged in to and that the manifest no longer has.
func (w *work) leave() {
	if w.old == nil {
		return
	}
	for _, p := range w.old.Portals {
		if !slices.Contains(w.i.Portals, p) {
			for _, c := range w.m.away(w.i.Target, p) {
				w.change(c.change, c.op)
			}
		}
	}
}

type departure struct {
	change reconcile.Change
	op     reconcile.Op
}

// away is what it takes to leave a portal.
func (m *Machine) away(target string, p Portal) []departure {
	files := m.nodeFiles(target, p)
	if m.session(target, p) == nil && len(files) == 0 {
		return nil
	}
	c := reconcile.Change{Action: reconcile.Update, Path: "portals." + p.String(), Have: "logged in"}
	if m.session(target, p) != nil {
		c.Risk, c.Why = reconcile.Outage, m.Name+" logs out of "+target+" at "+p.String()+"; its disks go, if nothing uses them"
	}
	return []departure{{c, Leave{Target: target, Portal: p, Files: files}}}
}

// prune logs out of what no manifest tells any more.
func prune(want State, m *Machine) (steps []reconcile.Step) {
	for _, name := range slices.Sorted(maps.Keys(m.Records)) {
		r := m.Records[name]
		wanted := slices.ContainsFunc(want.Initiators, func(i Initiator) bool { return i.Name == name && i.on(m.Name) })
		if r.Owner != want.Owner || wanted || m.Unobserved != "" {
			continue
		}
		s := reconcile.Step{ID: "iscsiinitiator " + m.Name + " prune " + name, Host: m.Name}
		for _, p := range r.Portals {
			for _, d := range m.away(r.Target, p) {
				d.change.Object, d.change.Action = onNode(m.Name, name), reconcile.Delete
				s.Changes, s.Ops = append(s.Changes, d.change), append(s.Ops, d.op)
			}
		}
		if len(s.Changes) == 0 {
			s.Changes = []reconcile.Change{{Object: onNode(m.Name, name), Action: reconcile.Delete, Have: r.Target}}
		}
		s.Ops = append(s.Ops, reconcile.Command{Argv: []string{"rm", "-f", "--", recordPath(name)}})
		steps = append(steps, s)
	}
	return steps
}

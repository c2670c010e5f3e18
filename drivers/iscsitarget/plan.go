package iscsitarget

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// Plan makes backstores, then what a target has of them, then what is restored at boot: the last once for each machine.
func (Driver) Plan(want, have State) ([]reconcile.Step, error) {
	steps, _, err := planAll(want, have)
	if err != nil {
		return nil, err
	}
	return steps, nil
}

// planAll also tells of which targets there is something left to be done, or cannot be done.
func planAll(want, have State) (steps []reconcile.Step, open map[string]bool, err error) {
	var errs []error
	open = map[string]bool{}
	for _, host := range hostsOf(want, have) {
		m := have.machine(host)
		p := planner{want: want, host: host, m: m, next: nextHBA(m), dirs: map[string]string{}, open: open}
		for i := range want.Targets {
			t := &want.Targets[i]
			if t.Host != host {
				continue
			}
			before := len(p.steps)
			err := p.target(t)
			if err != nil {
				errs = append(errs, err)
			}
			open[t.Name] = err != nil || len(p.steps) > before
		}
		if m != nil && m.Unobserved == "" && m.Restoring == "" {
			p.prune()
			p.save()
		}
		steps = append(steps, p.steps...)
	}
	return steps, open, errors.Join(errs...)
}

func hostsOf(want, have State) []string {
	names := map[string]bool{}
	for _, t := range want.Targets {
		names[t.Host] = true
	}
	if want.Prune {
		for _, m := range have.Machines {
			names[m.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// planner plans one machine.
type planner struct {
	want State
	host string
	m    *Machine
	// next numbers the folders of new backstores, dirs are those, by the backstores' ids.
	next  int
	dirs  map[string]string
	steps []reconcile.Step
	// kept are the targets to be restored at boot, with what was recorded of them before; gone are those that were pruned.
	kept []*work
	gone []Record
	open map[string]bool
}

// nextHBA is the first number above all that are taken.
func nextHBA(m *Machine) int {
	next := 0
	if m != nil {
		for _, h := range m.HBAs {
			if _, n, ok := strings.Cut(h, "_"); ok {
				if i, err := strconv.Atoi(n); err == nil {
					next = max(next, i+1)
				}
			}
		}
	}
	return next
}

func (p *planner) errorf(t *Target, path, format string, args ...any) error {
	at := ""
	if pos := t.source(path); !pos.IsZero() {
		at = pos.String() + ": "
	}
	return fmt.Errorf("%sISCSITarget %s: %w", at, t.Name, fmt.Errorf(format, args...))
}

func (p *planner) id(name, what string) string {
	return strings.TrimSpace("iscsitarget " + p.host + " " + name + " " + what)
}

// target plans one target.
func (p *planner) target(t *Target) error {
	unknown := func(needs []reconcile.Ref, why string) error {
		action := reconcile.Check
		if len(needs) > 0 {
			action = reconcile.Create
		}
		p.steps = append(p.steps, reconcile.Step{ID: p.id(t.Name, ""), Host: p.host, Needs: needs, Pending: why,
			Changes: []reconcile.Change{{Object: Ref(t.Name), Action: action, Want: t.IQN, Source: t.source("")}}})
		return nil
	}
	switch {
	case p.m == nil:
		return p.errorf(t, "spec.host", "%s was not observed: no such machine among the hosts", p.host)
	case p.m.Unobserved == reconcile.NotInSnapshot:
		return unknown(nil, p.m.Unobserved)
	case p.m.Unobserved != "":
		return unknown(nil, p.host+" is unreachable")
	case p.m.Restoring != "":
		return unknown(nil, "known after "+p.m.Restoring+" has restored the targets on "+p.host)
	case !p.m.Tools && t.Installs:
		return unknown([]reconcile.Ref{system.Machine(p.host)}, "known after targetcli-fb is installed")
	case !p.m.Tools || p.m.Unit == "":
		return p.errorf(t, "spec.host", "%s has no targetctl, which restores targets at boot; install the package targetcli-fb (Red Hat: targetcli), "+
			"or have hactl do it: add `prepare: {packages: {debian: [targetcli-fb], redhat: [targetcli]}}` to the Cluster's spec, or to that machine in its spec.hosts", p.host)
	case p.m.Broken[t.Name] != "":
		return p.errorf(t, "", "%s: hactl's record cannot be read: %s; remove it if nothing is to be removed by it", p.host, p.m.Broken[t.Name])
	}
	w := p.work(t)
	if r, ok := p.m.Records[t.Name]; ok {
		switch {
		case r.Owner != p.want.Owner:
			return p.errorf(t, "", "%s: the target is of the owner %q, this is %q; name the right one with --owner", p.host, r.Owner, p.want.Owner)
		case r.IQN != t.IQN:
			return p.errorf(t, "spec.iqn", "it was %s and initiators know it by that name; give this one another metadata.name, and remove the old one with --prune", r.IQN)
		}
		w.old = &r
	}
	return w.plan()
}

// work plans one target on its machine.
type work struct {
	*planner
	t    *Target
	live *Found  // nil: there is none
	old  *Record // nil: hactl has made nothing of it
	// later are backstores that are known later only.
	later   map[string]bool
	changes []reconcile.Change
	lines   []Line
	needs   []reconcile.Ref
	// backstores and acls are places in the target's lists, behind are the backstores of its LUNs.
	backstores map[string]int
	acls       map[string]int
	behind     map[int]*Backstore
	// attributes are those of the portal group.
	attributes map[string]string
}

func (p *planner) work(t *Target) *work {
	w := &work{planner: p, t: t, live: p.m.Targets[t.IQN], later: map[string]bool{}, attributes: t.attributes(),
		backstores: map[string]int{}, acls: map[string]int{}, behind: map[int]*Backstore{}}
	for i := range t.Backstores {
		w.backstores[t.Backstores[i].Name] = i
	}
	for i := range t.ACLs {
		w.acls[t.ACLs[i].Initiator] = i
	}
	for _, l := range t.LUNs {
		w.behind[l.Number] = &t.Backstores[w.backstores[l.Backstore]]
	}
	return w
}

// hidden tells that what a LUN leads to is known later only.
func (w *work) hidden(lun int) bool { return w.later[w.behind[lun].Name] }

func (w *work) plan() error {
	first := len(w.steps)
	for i := range w.t.Backstores {
		if err := w.backstore(&w.t.Backstores[i]); err != nil {
			return err
		}
	}
	if err := w.group(); err != nil {
		return err
	}
	w.removed()
	if len(w.lines) > 0 {
		w.steps = append(w.steps, reconcile.Step{ID: w.id(w.t.Name, "target"), Host: w.host, Changes: w.changes, Needs: append(w.needs, system.Machine(w.host)),
			Ops: reconcile.Ops{Configure{Lines: w.lines, Root: w.root()}}})
	}
	w.record(first)
	w.kept = append(w.kept, w)
	return nil
}

// record writes down what is going to be made before it is, and in the end forgets what is gone.
func (w *work) record(first int) {
	var mine []int
	for i := first; i < len(w.steps); i++ {
		if w.steps[i].Pending == "" {
			mine = append(mine, i)
		}
	}
	if len(mine) == 0 {
		return
	}
	next := w.t.record(w.want.Owner, w.m)
	both := next
	if w.old != nil {
		both = next.and(*w.old)
	}
	if w.old == nil || !both.equal(*w.old) {
		s := &w.steps[mine[0]]
		s.Ops = append(reconcile.Ops{both.write(w.t.Name)}, s.Ops...)
	}
	if !both.equal(next) {
		s := &w.steps[mine[len(mine)-1]]
		s.Ops = append(s.Ops, next.write(w.t.Name))
	}
}

// change adds a change of the target with the lines that bring it about.
func (w *work) change(c reconcile.Change, lines ...Line) {
	c.Object = Ref(w.t.Name)
	if c.Source.IsZero() {
		c.Source = w.t.source("")
	}
	if c.Action == reconcile.Update && c.Have != "" && w.live != nil && w.old == nil {
		c.Action, c.Risk = reconcile.Adopt, max(c.Risk, reconcile.AdoptRisk)
		if c.Why == "" {
			c.Why = "hactl has not made " + w.t.IQN + " on " + w.host
		}
	}
	w.changes, w.lines = append(w.changes, c), append(w.lines, lines...)
}

// base is the folder of the first portal group.
func base(iqn string) string { return "iscsi/" + iqn + "/tpgt_1" }

// root is the folder of rtslib's file.
func (p *planner) root() string {
	return strings.TrimSuffix(p.m.SavedPath, "/saveconfig.json")
}

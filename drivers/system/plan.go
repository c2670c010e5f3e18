package system

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hactl/hactl/drivers/marked"
	"github.com/hactl/hactl/reconcile"
)

// Plan compares each machine by itself. All steps of a machine change one object, so they run in this order: packages, /etc/hosts, time,
// firewall, units, accounts, files.
func (Driver) Plan(want, have State) ([]reconcile.Step, error) {
	if len(want.Machines) == 0 {
		return nil, nil
	}
	var steps []reconcile.Step
	var errs []error
	for _, f := range preflight(want, have) {
		if f.fatal {
			errs = append(errs, errors.New(f.text))
		}
	}
	for _, w := range want.Machines {
		h := have.machine(w.Name)
		if h == nil {
			errs = append(errs, fmt.Errorf("%s: not observed: no such machine among the hosts", w.Name))
			continue
		}
		p := planner{want: want, w: w, h: *h}
		if err := p.plan(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", w.Name, err))
			continue
		}
		steps = append(steps, p.steps...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return steps, nil
}

type planner struct {
	want  State
	w, h  MachineStatus
	steps []reconcile.Step
}

func (p *planner) plan() error {
	if p.h.Unobserved != "" {
		if p.w.Packages != nil || p.w.Hosts != nil || p.w.Time != nil || p.w.Firewall != nil || p.w.Units != nil ||
			len(p.w.Files)+len(p.w.Accounts) > 0 {
			p.steps = append(p.steps, reconcile.Step{ID: "system " + p.w.Name + " prepare", Host: p.w.Name,
				Changes: []reconcile.Change{{Object: Machine(p.w.Name), Action: reconcile.Check, Want: "prepared", Source: p.want.Sources[""]}},
				Pending: p.w.Name + " is unreachable"})
		}
		return nil
	}
	p.notLooked()
	for _, f := range []func() error{p.packages, p.hosts, p.time, p.firewall, p.units, p.accounts, p.placedFiles} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) step(what, source string, changes []reconcile.Change, ops ...reconcile.Op) {
	for i := range changes {
		changes[i].Object = Machine(p.w.Name)
		if changes[i].Source.IsZero() {
			changes[i].Source = p.want.sourceOf(p.w.Name, source)
		}
	}
	p.steps = append(p.steps, reconcile.Step{ID: "system " + p.w.Name + " " + what, Host: p.w.Name, Changes: changes, Ops: ops})
}

// missing are the wanted packages of this machine that are not there.
func (p *planner) missing() []string {
	if p.w.Packages == nil || p.h.Packages == nil {
		return nil
	}
	list := p.w.Packages.Debian
	if p.h.Facts.Family == "redhat" {
		list = p.w.Packages.RedHat
	}
	var out []string
	for _, n := range list {
		if _, ok := p.h.Packages.Installed[n]; !ok {
			out = append(out, n)
		}
	}
	return out
}

func (p *planner) packages() error {
	if p.w.Packages == nil {
		if p.w.Member && !p.h.Facts.Stack {
			return errors.New("corosync and pacemaker are not installed; install them, or let hactl do it: add `prepare: {packages: {}}` to the Cluster's spec")
		}
		return nil
	}
	missing := p.missing()
	if len(missing) == 0 {
		return nil
	}
	op := Install{Family: p.h.Facts.Family, Packages: missing}
	if op.Family != "debian" && op.Family != "redhat" {
		return fmt.Errorf("hactl installs packages by apt and dnf; this machine is %q: install %s by hand", op.Family, strings.Join(missing, " "))
	}
	var ch []reconcile.Change
	for _, n := range missing {
		ch = append(ch, reconcile.Change{Action: reconcile.Create, Path: "packages." + n, Want: "installed"})
		if n == "chrony" && p.h.Time != nil && p.h.Time.Rival && op.Family == "debian" {
			op.Replaces = "systemd-timesyncd"
			ch = append(ch, reconcile.Change{Action: reconcile.Delete, Path: "packages.systemd-timesyncd", Have: "installed",
				Why: "chrony takes its place: the packages exclude each other"})
		}
	}
	p.step("packages", "packages", ch, op)
	return nil
}

func (p *planner) hosts() error {
	var file reconcile.File
	if p.h.Hosts != nil && p.h.Hosts.File != nil {
		file = *p.h.Hosts.File
	}
	text := file.Content.Reveal()
	var lines []string
	if p.w.Hosts != nil {
		lines = hostLines(p.w.Hosts.Entries)
	}
	return p.file("hostsFile", hostsPath, text, file, lines)
}

func hostLines(entries []Entry) []string {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = e.Address + "\t" + e.Name
	}
	return lines
}

// file plans a block in a file.
func (p *planner) file(what, path, text string, old reconcile.File, lines []string, after ...reconcile.Op) error {
	next, err := marked.Set(text, p.want.Cluster, lines)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if next == text {
		return nil
	}
	have := marked.Lines(text, p.want.Cluster)
	c := reconcile.Change{Action: reconcile.Update, Path: what, Have: oneLine(have), Want: oneLine(lines)}
	switch {
	case len(lines) == 0:
		c.Action = reconcile.Delete
	case have == nil:
		c.Action = reconcile.Create
	}
	w := reconcile.Write{Path: path, File: reconcile.File{Content: reconcile.Plain(next), Mode: old.Mode, Owner: old.Owner}}
	p.step(what, what, []reconcile.Change{c}, append([]reconcile.Op{w}, after...)...)
	return nil
}

func oneLine(lines []string) string {
	return strings.ReplaceAll(strings.Join(lines, ", "), "\t", " ")
}

func (p *planner) time() error {
	if p.h.Time == nil {
		return nil
	}
	debian := p.h.Facts.Family == "debian"
	path, unit := redhatTimePath, "chronyd.service"
	if debian {
		path, unit = debianTimePath, "chrony.service"
	}
	var lines []string
	if p.w.Time != nil {
		for _, s := range p.w.Time.Servers {
			lines = append(lines, "server "+s+" iburst")
		}
	}
	var old reconcile.File
	if p.h.Time.File != nil {
		old = *p.h.Time.File
	}
	// "chronyc reload sources" takes a changed sources.d without losing the clock's discipline; the main file needs a restart.
	reload := []string{"chronyc", "reload", "sources"}
	if !debian {
		reload = []string{"systemctl", "restart", unit}
	}
	if !p.h.Time.Running {
		reload = []string{"systemctl", "start", unit}
	}
	if !debian && p.w.Time != nil && p.h.Time.File == nil {
		// Its package brings the file, and would leave one that stands there already alone.
		p.step("time", "time", []reconcile.Change{{Action: reconcile.Create, Path: "time.servers", Want: oneLine(lines)}})
		p.steps[len(p.steps)-1].Pending = "known after chrony is installed"
		return nil
	}
	before := len(p.steps)
	if err := p.file("time", path, old.Content.Reveal(), old, lines, reconcile.Command{Argv: reload}); err != nil {
		return err
	}
	if len(p.steps) > before {
		s := &p.steps[before]
		s.Changes[0].Path = "time.servers"
		s.Changes[0].Risk = reconcile.ReloadRisk
		if !p.h.Time.Running {
			s.Changes[0].Risk = reconcile.Safe
		}
		return nil
	}
	if p.w.Time != nil && !p.h.Time.Running {
		p.step("time", "time", []reconcile.Change{{Action: reconcile.Start, Path: "time", Have: "stopped", Want: "running"}},
			reconcile.Command{Argv: []string{"systemctl", "start", unit}})
	}
	return nil
}

func (p *planner) firewall() error {
	if p.w.Firewall == nil || p.h.Firewall == nil {
		return nil
	}
	const service = "--add-service=high-availability"
	var ops []reconcile.Op
	if !p.h.Firewall.Permanent {
		ops = append(ops, reconcile.Command{Argv: []string{"firewall-cmd", "--permanent", service}})
	}
	if !p.h.Firewall.Runtime {
		ops = append(ops, reconcile.Command{Argv: []string{"firewall-cmd", service}})
	}
	if len(ops) > 0 {
		p.step("firewall", "firewall", []reconcile.Change{{Action: reconcile.Update, Path: "firewall", Have: "closed", Want: "high-availability"}}, ops...)
	}
	return nil
}

package drbd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/atboot"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// Plan makes the files equal on all nodes, then what is new: metadata, the first sync, the file system; then what runs equal to the files.
func (Driver) Plan(want, have State) ([]reconcile.Step, error) {
	var steps []reconcile.Step
	var errs []error
	read := configs{}
	for i := range want.Resources {
		w := work{r: &want.Resources[i], owner: want.Owner, victim: want.Discard[want.Resources[i].Name], configs: read}
		if err := w.plan(have); err != nil {
			errs = append(errs, err)
		}
		steps = append(steps, w.steps...)
	}
	gone, err := pruneSteps(want, have, read)
	return slices.Concat(steps, bootSteps(want, have), gone), errors.Join(append(errs, err)...)
}

// work plans one resource.
type work struct {
	r     *Resource
	owner string
	// victim is the node whose changes since a split brain go; "" for none.
	victim string
	configs
	nodes []*NodeState // that were asked
	away  []string     // that were not
	d     conf.Dialect
	files []*file // of the nodes
	steps []reconcile.Step
	made  map[reconcile.Ref]bool // by planned steps
	// blocked says why nodes that leave cannot go yet; what is to be done where the resource is waits for that.
	blocked string
	leaves  [2]int // the steps that take down nodes which leave: from and to
	have    State
}

func (w *work) plan(have State) error {
	w.made, w.have = map[reconcile.Ref]bool{}, have
	for _, n := range w.r.Spec.Nodes {
		switch h := have.node(n.Name); {
		case h == nil:
			return w.errorf("spec.nodes", "%s: not observed", n.Name)
		case h.Unobserved != "":
			w.away = append(w.away, n.Name)
		default:
			w.nodes = append(w.nodes, h)
		}
	}
	if len(w.nodes) == 0 {
		return nil
	}
	if n, why := w.unready(); n != nil {
		w.add(reconcile.Step{ID: w.id(n.Name, "resource"), Host: n.Name, Changes: []reconcile.Change{{Object: Ref(w.r.Name), Action: reconcile.Create}},
			Needs: []reconcile.Ref{system.Machine(n.Name)}, Pending: why})
		return nil
	}
	w.d = w.nodes[0].dialect()
	for _, n := range w.nodes {
		if n.dialect() != w.d {
			return w.errorf("spec.nodes", "%s has DRBD %s and %s has %s; one resource needs the same on all its nodes", w.nodes[0].Name, w.nodes[0].Kernel, n.Name, n.Kernel)
		}
	}
	if err := w.configuration(); err != nil {
		return err
	}
	if err := w.members(); err != nil {
		return err
	}
	ends, err := w.discard()
	if err != nil {
		return err
	}
	before := len(w.steps)
	if err := w.create(); err != nil {
		return err
	}
	w.leaveLast()
	if ends {
		w.hold(before, "known after the split brain of "+w.r.Name+" has ended")
	}
	if w.blocked != "" {
		for i := range w.steps {
			if w.old(w.steps[i].Host) {
				w.steps[i].Pending, w.steps[i].Ops = w.blocked, nil
			}
		}
	}
	if len(w.away) > 0 {
		w.hold(0, "known after "+strings.Join(w.away, ", ")+" can be reached")
	}
	return nil
}

// unready gives a node that has not got what is asked later.
func (w *work) unready() (*NodeState, string) {
	for _, n := range w.nodes {
		switch {
		case !n.Tools:
			return n, "known after drbd-utils is installed; list it in the Cluster's spec.prepare.packages.all, or install it by hand"
		case n.Kernel == "":
			return n, "known after the kernel has the module drbd; it belongs to the distribution's kernel package (Debian: linux-image-amd64) or is installed by drbd-dkms"
		}
	}
	return nil, ""
}

// hold keeps steps for a later round. All of them as long as not all nodes can be reached: a file that differs between nodes, or metadata on
// one side only, is worse than to wait.
func (w *work) hold(from int, why string) {
	for i := range w.steps[from:] {
		w.steps[from+i].Pending, w.steps[from+i].Ops = why, nil
	}
}

func (w *work) id(node, what string) string { return "drbd " + node + " " + what + " " + w.r.Name }

func (w *work) errorf(path, format string, args ...any) error {
	at := ""
	if pos := w.r.source(path); !pos.IsZero() {
		at = pos.String() + ": "
	}
	return fmt.Errorf("%sDRBDResource %s: %w", at, w.r.Name, fmt.Errorf(format, args...))
}

// add completes the changes and notes what the step makes.
func (w *work) add(s reconcile.Step) {
	for i := range s.Changes {
		c := &s.Changes[i]
		if c.Source.IsZero() {
			c.Source = w.r.source("")
		}
		if c.Risk > reconcile.Safe && c.Whole == (reconcile.Ref{}) {
			c.Whole = Ref(w.r.Name)
		}
		w.made[c.Object] = true
	}
	if s.Pending != "" {
		s.Ops = nil
	}
	w.steps = append(w.steps, s)
}

// needs keeps those objects that a step makes; what is there already needs no order.
func (w *work) needs(refs ...reconcile.Ref) []reconcile.Ref {
	return slices.DeleteFunc(refs, func(r reconcile.Ref) bool { return !w.made[r] })
}

// all applies a constructor to the nodes.
func (w *work) all(f func(node, name string) reconcile.Ref) []reconcile.Ref {
	var out []reconcile.Ref
	for _, n := range w.r.Spec.Nodes {
		out = append(out, f(n.Name, w.r.Name))
	}
	return out
}

// bootSteps takes drbd.service from the nodes where Pacemaker brings the resources up: it would, at boot, bring them up before.
func bootSteps(want, have State) (steps []reconcile.Step) {
	for i := range have.Nodes {
		n := &have.Nodes[i]
		at := slices.IndexFunc(want.Resources, func(r Resource) bool { return r.on(n.Name) && r.Manager != "" })
		alone := slices.IndexFunc(want.Resources, func(r Resource) bool { return r.on(n.Name) && r.Manager == "" })
		if at < 0 || alone >= 0 || n.Boot != "enabled" {
			continue
		}
		r := &want.Resources[at]
		steps = append(steps, reconcile.Step{ID: "drbd " + n.Name + " " + unit, Host: n.Name,
			Changes: []reconcile.Change{{Object: bootRef(n.Name), Action: reconcile.Update, Path: unit, Have: n.Boot, Want: "disabled",
				Why: "Pacemaker's " + r.Manager + " brings " + r.Name + " up", Source: r.source("")}},
			Ops: reconcile.Ops{atboot.Command("disable", false, unit)}})
	}
	return steps
}

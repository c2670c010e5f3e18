package lvm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// Plan compares the settings of each machine, each group on each machine, or, where it is shared, on one of them, and what is to go.
func (Driver) Plan(want, have State) ([]reconcile.Step, error) {
	var errs []error
	steps, err := settingsSteps(want, have)
	errs = append(errs, err)
	for i := range want.Groups {
		of, err := groupSteps(want, have, &want.Groups[i])
		steps = append(steps, of...)
		errs = append(errs, err)
	}
	if want.Prune {
		of, err := pruneSteps(want, have)
		steps = append(steps, of...)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return steps, nil
}

// groupSteps are those of one wanted group; none means that it is complete.
func groupSteps(want, have State, g *Group) ([]reconcile.Step, error) {
	p := planner{want: want, have: have, g: g}
	var err error
	if g.Shared {
		err = p.shared()
	} else {
		err = p.local()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: VolumeGroup/%s: %w", g.Sources[""], g.Name, err)
	}
	if !p.reached && len(p.steps) > 0 { // whoever needs the group waits for these
		first := &p.steps[0]
		first.Changes = append(first.Changes, reconcile.Change{Object: Ref(g.Name), Action: reconcile.Check, Source: g.Sources[""]})
	}
	return p.steps, nil
}

// complete tells that nothing is to be done for a group, as far as its nodes can be asked: one that is down keeps nobody from using the group.
func complete(have State, g *Group) bool {
	steps, err := groupSteps(have, have, g)
	return err == nil && !slices.ContainsFunc(steps, func(s reconcile.Step) bool {
		return slices.ContainsFunc(s.Changes, func(c reconcile.Change) bool { return c.Object == Ref(g.Name) })
	})
}

// planner plans one group.
type planner struct {
	want, have State
	g          *Group
	steps      []reconcile.Step
	// reached tells that one of the group's nodes was looked at.
	reached bool
}

// place is a group on the machine where it is worked on.
type place struct {
	*planner
	m *Machine
	f *FoundGroup // nil: there is none
	// ref is the group on this machine; the whole is Ref.
	ref reconcile.Ref
	// needs are what every step here needs.
	needs []reconcile.Ref
	// grows tells that disks are added by this plan; how much room there is then is not known.
	grows bool
	// grown are the volumes that this plan makes larger.
	grown map[string]bool
	first int // of the planner's steps, which ones are of here
}

func (p *planner) at(m *Machine) *place {
	return &place{planner: p, m: m, f: m.group(p.g.Name), ref: onNode(m.Name, p.g.Name), needs: []reconcile.Ref{system.Machine(m.Name)}, grown: map[string]bool{}, first: len(p.steps)}
}

// fresh tells that hactl is making the group, in this plan or since an earlier one.
func (p *place) fresh() bool { return p.f == nil || isNew(p.f.Tags) }

// action is what the steps do to the group as a whole.
func (p *place) action() reconcile.Action {
	if p.fresh() {
		return reconcile.Create
	}
	return reconcile.Update
}

// local plans the group on each node by itself.
func (p *planner) local() error {
	var errs []error
	for _, node := range p.g.Nodes {
		m := p.have.machine(node)
		if ok, err := p.known(node, m); !ok {
			errs = append(errs, err)
			continue
		}
		if err := p.at(m).plan(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", node, err))
		}
	}
	return errors.Join(errs...)
}

// complete makes the last step here the one that whoever needs the whole group waits for.
func (p *place) complete() {
	if n := len(p.steps); n > p.first {
		last := &p.steps[n-1]
		if !slices.ContainsFunc(last.Changes, func(c reconcile.Change) bool { return c.Object == Ref(p.g.Name) }) {
			c := reconcile.Change{Object: Ref(p.g.Name), Action: p.action(), Path: "on " + p.m.Name, Want: "complete", Source: p.g.Sources[""], Part: !p.g.Shared}
			if !slices.ContainsFunc(last.Changes, func(c reconcile.Change) bool { return c.Action != reconcile.Adopt }) {
				c.Action, c.Want = reconcile.Adopt, "taken over"
			}
			last.Changes = append(last.Changes, c)
		}
	}
}

// known tells whether a machine was looked at and has LVM. Where it was not, what is wanted there is pending.
func (p *planner) known(node string, m *Machine) (bool, error) {
	switch {
	case m == nil:
		return false, fmt.Errorf("%s: not observed: no such machine among the hosts", node)
	case m.Unobserved == reconcile.NotInSnapshot:
		p.wait(node, "", []reconcile.Change{p.check(node)}, nil, m.Unobserved)
		return false, nil
	case m.Unobserved != "":
		p.wait(node, "", []reconcile.Change{p.check(node)}, nil, node+" is unreachable")
		return false, nil
	case !m.Installed && p.g.Installs:
		p.wait(node, "", p.everything(node), []reconcile.Ref{system.Machine(node)}, "known after lvm2 is installed")
		return false, nil
	case !m.Installed:
		return false, fmt.Errorf("%s has no LVM; install the package lvm2, or have hactl do it: add `prepare: {packages: {all: [lvm2]}}` to the Cluster's spec, or to that machine in its spec.hosts", node)
	}
	p.reached = true
	return true, nil
}

func (p *planner) check(node string) reconcile.Change {
	return reconcile.Change{Object: onNode(node, p.g.Name), Action: reconcile.Check, Want: "as in the manifest", Source: p.g.Sources[""]}
}

// everything are the changes of making the group from nothing.
func (p *planner) everything(node string) []reconcile.Change {
	changes := []reconcile.Change{{Object: onNode(node, p.g.Name), Action: reconcile.Create, Source: p.g.Sources[""]}}
	for _, v := range p.g.Volumes {
		changes = append(changes, reconcile.Change{Object: block.Ref(node, p.g.path(v.Name)), Action: reconcile.Create, Want: v.size(), Source: v.Source})
		if v.FileSystem != nil {
			changes = append(changes, reconcile.Change{Object: block.Ref(node, p.g.path(v.Name)), Action: reconcile.Create, Path: "filesystem", Want: v.FileSystem.Type, Source: v.Source})
		}
	}
	return append(changes, reconcile.Change{Object: Ref(p.g.Name), Action: reconcile.Create, Path: "on " + node, Source: p.g.Sources[""]})
}

func (v Volume) size() string {
	if v.Share != "" {
		return v.Share
	}
	return formatSize(v.Bytes)
}

// wait adds a step that is not known yet.
func (p *planner) wait(node, what string, changes []reconcile.Change, needs []reconcile.Ref, why string) {
	p.steps = append(p.steps, reconcile.Step{ID: p.id(node, what), Host: node, Changes: changes, Needs: needs, Pending: why})
}

func (p *planner) id(node, what string) string {
	return strings.TrimSpace("lvm " + node + " " + p.g.Name + " " + what)
}

// step adds a step here. A group with a lock manager is changed only where its locks are started, which a machine forgets when it boots.
func (p *place) step(what string, changes []reconcile.Change, needs []reconcile.Ref, ops ...reconcile.Op) {
	if p.f != nil && p.g.LockType != "" {
		ops = append([]reconcile.Op{command("vgchange", "--lockstart", p.g.Name)}, ops...)
	}
	p.steps = append(p.steps, reconcile.Step{ID: p.id(p.m.Name, what), Host: p.m.Name, Changes: changes, Needs: append(append([]reconcile.Ref(nil), p.needs...), needs...), Ops: ops})
}

// plan is what is to be done with the group on this machine.
func (p *place) plan() error {
	trouble, err := p.trouble()
	if err != nil {
		return err
	}
	for _, f := range []func() error{p.group, p.volumes, p.fileSystems, p.handOver} {
		if err := f(); err != nil {
			return err
		}
		if n := len(p.steps); n > p.first && p.f == nil && p.steps[n-1].Pending != "" {
			return nil // all of it waits for a disk
		}
	}
	p.raiseAdoption()
	p.complete()
	p.hold(trouble, nil)
	return nil
}

// hold turns the steps here into one that waits, if there is a reason to.
func (p *place) hold(why string, needs []reconcile.Ref) {
	mine := p.steps[p.first:]
	if why == "" || len(mine) == 0 {
		return
	}
	var changes []reconcile.Change
	for _, s := range mine {
		changes = append(changes, s.Changes...)
	}
	p.steps = p.steps[:p.first]
	p.wait(p.m.Name, "", changes, needs, why)
}

// raiseAdoption makes taking over a group that differs from the manifest a matter to be asked about.
func (p *place) raiseAdoption() {
	var adoption *reconcile.Change
	differs := false
	for i := range p.steps[p.first:] {
		for j := range p.steps[p.first+i].Changes {
			if c := &p.steps[p.first+i].Changes[j]; c.Action == reconcile.Adopt {
				adoption = c
			} else {
				differs = true
			}
		}
	}
	if adoption != nil && differs && adoption.Risk == reconcile.Safe {
		adoption.Risk, adoption.Why = reconcile.AdoptRisk, "the group was made by somebody else, and is not as the manifest says"
	}
}

// trouble is what keeps hactl from writing to a group that is there.
func (p *place) trouble() (string, error) {
	if p.f == nil {
		return "", nil
	}
	n := 0
	for _, g := range p.m.Groups {
		if g.Name == p.f.Name {
			n++
		}
	}
	switch {
	case n > 1:
		return "", fmt.Errorf("there are %d groups of that name; rename one by its UUID (vgrename UUID NAME)", n)
	case p.f.Exported:
		return "", errors.New("the group is exported; import it with vgimport, or give this one another name")
	case p.g.ExtentSize != 0 && p.g.ExtentSize != p.f.ExtentSize:
		return "", fmt.Errorf("its extents are of %s, which cannot be changed to %s; say extentSize: %s", formatSize(p.f.ExtentSize), formatSize(p.g.ExtentSize), formatSize(p.f.ExtentSize))
	case !p.g.Shared && p.f.LockType != "" && p.f.LockType != "none":
		return "", fmt.Errorf("the group is shared by lvmlockd (%s); say shared: true and lockType: %s", p.f.LockType, p.f.LockType)
	case p.g.LockType != "" && p.f.LockType != p.g.LockType:
		return "", fmt.Errorf("its lock type is %q, not %s; stop everything on it and change it by hand (vgchange --lock-type %s %s)", p.f.LockType, p.g.LockType, p.g.LockType, p.g.Name)
	}
	return p.f.trouble(), nil
}

// trouble is what is wrong with the disks of a group; "" if nothing is.
func (g *FoundGroup) trouble() string {
	var missing, twice []string
	for _, d := range g.Disks {
		if d.Missing {
			missing = append(missing, d.UUID)
		}
		if d.Duplicate {
			twice = append(twice, d.Name)
		}
	}
	switch {
	case len(missing) > 0 || g.Missing > 0:
		return fmt.Sprintf("%d of the disks of %s are missing (UUID %s); bring them back, or see vgreduce(8)", max(len(missing), int(g.Missing)), g.Name, strings.Join(missing, ", "))
	case len(twice) > 0:
		return fmt.Sprintf("disks of %s are seen twice (%s): copies, or paths without multipath; mend that first", g.Name, strings.Join(twice, ", "))
	}
	return ""
}

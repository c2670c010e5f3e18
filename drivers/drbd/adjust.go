package drbd

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// adjust plans `drbdadm adjust`, one node after the other, where the kernel has the resource and it differs from the file that is there or
// will be.
func (w *work) adjust() error {
	var turns []turn
	for i, n := range w.nodes {
		t := turn{n: n, f: w.files[i], live: n.Live[w.r.Name]}
		if t.live == nil || w.made[upRef(n.Name, w.r.Name)] {
			continue
		}
		if err := w.differs(&t); err != nil {
			return err
		}
		if len(t.changes) > 0 {
			turns = append(turns, t)
		}
	}
	var before []reconcile.Ref
	for i, t := range turns {
		s := reconcile.Step{ID: w.id(t.n.Name, "adjust"), Host: t.n.Name, Needs: append(w.needs(w.all(confRef)...), before...)}
		for _, v := range t.disks {
			if t.n.Devices[v.Nodes[t.n.Name].Disk].Has("drbd") {
				continue // made by an apply that died
			}
			c, op, pending, err := w.createMetadata(t.n, v)
			if err != nil {
				return err
			}
			if pending != "" {
				s.Pending = pending
			}
			s.Needs = append(s.Needs, w.r.needs(t.n.Name)...)
			s.Changes = append(s.Changes, c)
			s.Ops = append(s.Ops, Detach{w.r.Name, v.Number}, op)
		}
		// A connection that moves is there again only once both ends have moved; a disk is filled before the next one goes.
		last := i == len(turns)-1
		s.Ops = append(s.Ops, Adjust{Resource: w.r.Name, Careful: t.moves && i == 0 && len(s.Ops) == 0, Wait: len(t.disks) > 0 || t.moves && last})
		for _, c := range t.changes {
			c.Object, c.Action, c.Risk = upRef(t.n.Name, w.r.Name), reconcile.Reload, reconcile.ReloadRisk
			if t.moves {
				c.Risk, c.Why = reconcile.Redundancy, "meanwhile the data is on one node alone, or each node is without the other"
			}
			s.Changes = append(s.Changes, c)
		}
		if t.live.standAlone() {
			s.Pending = "known after " + w.r.Name + " is connected again: it is StandAlone on " + t.n.Name + ", and adjust would connect it (see the plan's warning)"
		}
		w.add(s)
		before = []reconcile.Ref{upRef(t.n.Name, w.r.Name)}
	}
	return nil
}

// turn is a node whose kernel is to be adjusted.
type turn struct {
	n       *NodeState
	f       *file
	live    *Live
	changes []reconcile.Change
	disks   []volume // that get another disk
	moves   bool     // a disk or a connection goes away meanwhile
}

// differs compares the kernel with the file: with what changes in the file, or where that stays, by what drbdadm would do.
func (w *work) differs(t *turn) error {
	n := t.n
	for _, c := range t.f.changes {
		path := strings.TrimPrefix(c.Path, w.r.Name+"/")
		host, below, _ := strings.Cut(strings.TrimPrefix(path, "on "), "/")
		inside := strings.HasPrefix(path, "on ") && strings.HasPrefix(below, "volume ")
		if !t.f.write || !runs(path) || inside && host != n.Name {
			continue
		}
		t.changes = append(t.changes, reconcile.Change{Path: path, Have: c.Have, Want: c.Want, Source: c.Pos})
		at := slices.IndexFunc(w.r.volumes(), func(v volume) bool {
			return inside && below == fmt.Sprintf("volume %d/disk", v.Number) && v.hasDisk(n.Name)
		})
		switch {
		case option.MatchString(path):
		case at >= 0 && n.uses(w.r.volumes()[at]): // the file alone was wrong
		default:
			t.moves = true
			if at >= 0 && c.Have != "" {
				t.disks = append(t.disks, w.r.volumes()[at])
			}
		}
	}
	commands, broken := strings.Join(n.Adjust[w.r.Name], "; "), n.Broken[w.r.Name]
	switch {
	case len(t.changes) > 0 || t.f.write:
	case broken != "":
		return w.errorf("", "%s: drbdadm cannot compare the kernel with the file: %s", n.Name, broken)
	case commands != "" && !t.live.standAlone() && t.live.attached(w.r, n.Name):
		t.moves = removing.MatchString(commands)
		t.changes = []reconcile.Change{{Path: "kernel", Have: "differs from " + t.f.at, Want: commands}}
	}
	return nil
}

// uses tells that the kernel has the volume on the wanted disk.
func (n *NodeState) uses(v volume) bool {
	return slices.Contains(n.Devices[v.Nodes[n.Name].Disk].Users, v.Device)
}

// runs tells whether a difference of the file matters to the kernel: startup and handlers are for drbdadm alone.
func runs(path string) bool {
	return !strings.HasPrefix(path, "startup/") && !strings.HasPrefix(path, "handlers/")
}

// option is the path of an option; everything else is a connection or a disk that goes away meanwhile.
var option = regexp.MustCompile(`(^|/)(net|disk|options|disk-options|peer)/[^/]+$`)

// removing are the commands that take a disk or a connection away.
var removing = regexp.MustCompile(`drbdsetup\S* (detach|disconnect|del-peer|del-path|down) `)

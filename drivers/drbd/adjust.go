package drbd

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// adjust plans `drbdadm adjust`, one node after the other, where the kernel has the resource and it differs from the file that is there or
// will be.
func (w *work) adjust() error {
	heals := w.heals()
	var turns []turn
	for i, n := range w.nodes {
		t := turn{n: n, f: w.files[i], live: n.Live[w.r.Name]}
		if t.live == nil || w.made[upRef(n.Name, w.r.Name)] {
			continue
		}
		if err := w.differs(&t, heals); err != nil {
			return err
		}
		if len(t.changes)+len(t.gone)+len(t.leaves) > 0 {
			turns = append(turns, t)
		}
	}
	// Where the resource is in use a volume that goes is found to be in use before the other node lets go of it.
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.rank(), b.rank()) })
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
		for _, number := range t.gone {
			v := t.live.Volumes[number]
			s.Changes = append(s.Changes, reconcile.Change{Object: upRef(t.n.Name, w.r.Name), Action: reconcile.Update, Path: fmt.Sprintf("volume %d", number),
				Have: fmt.Sprintf("/dev/drbd%d", v.Minor), Risk: reconcile.Outage, Why: fmt.Sprintf("/dev/drbd%d goes from %s; what is on its disk stays", v.Minor, t.n.Name)})
			s.Ops = append(s.Ops, Release{w.r.Name, number, v.Minor})
		}
		for _, g := range t.leaves {
			s.Changes = append(s.Changes, reconcile.Change{Object: upRef(t.n.Name, w.r.Name), Action: reconcile.Update, Path: "on " + g.String(), Have: "connected",
				Risk: reconcile.Redundancy, Why: g.String() + " leaves " + w.r.Name + ", and one copy with it"})
		}
		if forget := slices.Concat(t.leaves, t.forget); len(forget) > 0 {
			s.Ops = append(s.Ops, Part{Resource: w.r.Name, Gone: forget, Forget: w.d == conf.V9})
		}
		// A connection that moves is there again only once both ends have moved; a disk is filled before the next one goes.
		last := i == len(turns)-1
		s.Ops = append(s.Ops, Adjust{Resource: w.r.Name, Careful: t.moves && i == 0 && len(t.disks) == 0, Wait: len(t.disks) > 0 || t.moves && last, Connect: heals && last})
		for _, c := range t.changes {
			c.Object, c.Action, c.Risk = upRef(t.n.Name, w.r.Name), reconcile.Reload, reconcile.ReloadRisk
			if t.moves {
				c.Risk, c.Why = reconcile.Redundancy, "meanwhile the data is on one node alone, or each node is without the other"
			}
			s.Changes = append(s.Changes, c)
		}
		if t.live.standAlone(t.leaves...) && !heals {
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
	gone    []int    // volumes that no manifest tells any more
	moves   bool     // a disk or a connection goes away meanwhile
	leaves  []Gone   // nodes that are let go of
	forget  []Gone   // and former ones, whose room is needed
}

func (t turn) rank() int {
	if len(t.gone) > 0 && t.live.Role == "Primary" {
		return 0
	}
	return 1
}

// heals tells that the nodes are apart only because they did not authenticate each other. Once both have the same secret they may connect: nobody
// has data that the other does not know.
func (w *work) heals() bool {
	node, _ := refusedBy(w.have, w.r.Name)
	return node != "" && len(w.away) == 0 && findSplit(w.have, w.r.Name) == nil
}

// differs compares the kernel with the file: with what changes in the file, or where that stays, by what drbdadm would do.
func (w *work) differs(t *turn, heals bool) error {
	n := t.n
	t.gone, t.leaves = w.gone(n), w.parting(t.f)
	for _, v := range w.r.volumes() {
		forget, err := w.room(n, v, t.leaves)
		if err != nil {
			return err
		}
		for _, g := range forget {
			if !slices.Contains(t.forget, g) {
				t.forget = append(t.forget, g)
			}
		}
	}
	for _, c := range t.f.changes {
		path := strings.TrimPrefix(c.Path, w.r.Name+"/")
		host, below, _ := strings.Cut(strings.TrimPrefix(path, "on "), "/")
		inside := strings.HasPrefix(path, "on ") && strings.HasPrefix(below, "volume ")
		name, member := strings.CutPrefix(path, "on ")
		member = member && !strings.Contains(name, "/")
		if !t.f.write || !runs(path) || inside && host != n.Name || member && c.Want == "" {
			continue
		}
		number, ofVolume := volumeOf(path)
		if ofVolume && slices.Contains(t.gone, number) {
			continue
		}
		t.changes = append(t.changes, reconcile.Change{Path: path, Have: c.Have, Want: c.Want, Source: c.Pos})
		at := slices.IndexFunc(w.r.volumes(), func(v volume) bool {
			return inside && below == fmt.Sprintf("volume %d/disk", v.Number) && v.hasDisk(n.Name)
		})
		switch {
		case member, option.MatchString(path):
		case ofVolume && c.Have == "": // it comes, and takes nothing away
		case at >= 0 && n.uses(w.r.volumes()[at]): // the file alone was wrong
		default:
			t.moves = true
			if at >= 0 && c.Have != "" {
				t.disks = append(t.disks, w.r.volumes()[at])
			}
		}
	}
	commands, broken := w.commands(t), n.Broken[w.r.Name]
	switch {
	case len(t.changes) > 0 || t.f.write:
	case broken != "":
		return w.errorf("", "%s: drbdadm cannot compare the kernel with the file: %s", n.Name, broken)
	case commands != "" && (heals || !t.live.standAlone(t.leaves...)) && !t.live.lost(w.r, n.Name):
		t.moves = removing.MatchString(commands) && (t.live.connected() || strings.Contains(commands, " detach "))
		t.changes = []reconcile.Change{{Path: "kernel", Have: "differs from " + t.f.at, Want: commands}}
	}
	if w.d == conf.V84 && len(t.leaves) > 0 {
		t.moves = false // its one connection goes anyway: see Part
	}
	return nil
}

// commands are what drbdadm would do, but for the end of volumes and of nodes that go, which is planned by itself.
func (w *work) commands(t *turn) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(t.n.Adjust[w.r.Name]), func(c string) bool {
		return w.d == conf.V9 && slices.ContainsFunc(t.leaves, func(g Gone) bool { return ofPeer(c, w.r.Name, g.ID) }) || slices.ContainsFunc(t.gone, func(number int) bool {
			minor := strconv.Itoa(t.live.Volumes[number].Minor)
			f := strings.Fields(c)
			return len(f) >= 3 && (f[1] == "detach" || f[1] == "del-minor") && f[2] == minor
		})
	}), "; ")
}

// volumeOf is the volume that a difference is of.
func volumeOf(path string) (number int, ok bool) {
	m := ofVolume.FindStringSubmatch(path)
	if m == nil {
		return 0, false
	}
	number, err := strconv.Atoi(m[1])
	return number, err == nil
}

var ofVolume = regexp.MustCompile(`^(?:on [^/]+/)?volume (\d+)(?:/|$)`)

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

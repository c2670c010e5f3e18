package drbd

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// create plans what is not there yet, and what is to change of what is.
func (w *work) create() error {
	fresh := w.fresh()
	for _, n := range w.nodes {
		if err := w.metadata(n, fresh); err != nil {
			return err
		}
	}
	if fresh {
		w.firstSync()
	} else {
		if err := w.adjust(); err != nil {
			return err
		}
		w.grow()
		w.resize()
	}
	w.handOver()
	return nil
}

// fresh tells that no node has anything of the resource but what hactl made and has not handed over.
func (w *work) fresh() bool {
	return !slices.ContainsFunc(w.nodes, func(n *NodeState) bool { return n.partly(w.r) && !w.marked(n) })
}

func (w *work) marked(n *NodeState) bool { _, ok := n.Marks[w.r.Name]; return ok }

// partly tells that the node has metadata for some volume, or the resource in its kernel.
func (n *NodeState) partly(r *Resource) bool {
	return n.Live[r.Name] != nil || slices.ContainsFunc(r.volumes(), func(v volume) bool { return v.hasDisk(n.Name) && n.hasMetadata(r, v) })
}

// metadata makes what a node lacks, and brings up what is new, or what nobody else brings up.
func (w *work) metadata(n *NodeState, fresh bool) error {
	live, joins := n.Live[w.r.Name], !fresh && !n.partly(w.r)
	files := w.all(confRef)
	if joins { // it is ready before the others know of it
		files = []reconcile.Ref{confRef(n.Name, w.r.Name)}
	}
	s := reconcile.Step{ID: w.id(n.Name, "metadata"), Host: n.Name, Needs: append(w.needs(files...), system.Machine(n.Name))}
	var ops reconcile.Ops
	for _, v := range w.r.volumes() {
		if !v.hasDisk(n.Name) || n.hasMetadata(w.r, v) {
			continue
		}
		added := !fresh && w.added(v)
		if live != nil && live.Volumes[v.Number].Disk != "" && !fresh && !added {
			continue // it lost its disk: see Notes
		}
		c, op, pending, err := w.createMetadata(n, v)
		if err != nil {
			return err
		}
		if pending != "" {
			s.Pending = pending
		}
		if added && !n.making(w.r, v.Number) {
			ops = append(ops, w.mark(volumeMark(w.r.Name, v.Number)))
		}
		s.Changes, ops = append(s.Changes, c), append(ops, op)
	}
	if len(ops) > 0 {
		s.Needs = append(s.Needs, w.r.needs(n.Name)...)
	}
	if len(ops) > 0 && joins { // Pacemaker may start it there only then
		s.Changes = append(s.Changes, reconcile.Change{Object: Ref(w.r.Name), Action: reconcile.Update, Path: n.Name, Want: "joins, and is filled by the others"})
	}
	up := live == nil && (fresh || w.r.Manager == "") || len(ops) > 0 && live != nil || fresh && (!live.attached(w.r, n.Name) || len(n.Adjust[w.r.Name]) > 0 || w.rewrites(n))
	if up {
		s.Changes = append(s.Changes, reconcile.Change{Object: upRef(n.Name, w.r.Name), Action: reconcile.Start, Want: "up"})
	}
	if len(s.Changes) == 0 {
		return nil
	}
	s.Ops = reconcile.Ops{reconcile.Command{Argv: []string{"modprobe", "drbd"}}}
	if fresh && !w.marked(n) {
		s.Ops = append(s.Ops, w.mark(w.r.Name))
	}
	s.Ops = append(s.Ops, ops...)
	switch {
	case up && live == nil:
		s.Ops = append(s.Ops, reconcile.Command{Argv: []string{"drbdadm", "up", w.r.Name}})
	case up:
		s.Ops = append(s.Ops, reconcile.Command{Argv: []string{"drbdadm", "adjust", w.r.Name}})
	}
	w.add(s)
	return nil
}

// rewrites tells that the node's file is written.
func (w *work) rewrites(n *NodeState) bool {
	return slices.ContainsFunc(w.files, func(f *file) bool { return f.n == n && f.write })
}

// mark writes a mark, before anything is made of what it stands for.
func (w *work) mark(name string) reconcile.Op {
	return reconcile.Write{Path: markPath(name), File: reconcile.File{Content: reconcile.Plain("owner " + w.owner + "\n"), Mode: 0o600}}
}

// createMetadata plans metadata on a volume's disk, which must be blank, or be allowed to be wiped.
func (w *work) createMetadata(n *NodeState, v volume) (c reconcile.Change, op reconcile.Op, pending string, err error) {
	b := v.Nodes[n.Name]
	d := n.Devices[b.Disk]
	c = reconcile.Change{Object: upRef(n.Name, w.r.Name), Action: reconcile.Create, Path: fmt.Sprintf("volume %d", v.Number), Want: "metadata on " + b.Disk}
	made, will := w.r.Made[n.Name+b.Disk]
	switch {
	case !d.There() && will:
		return c, nil, "known after " + made.String() + " makes " + b.Disk, nil
	case !d.There():
		return c, nil, "", w.errorf(w.r.diskPath(n.Name, v), "%s: %s is not there, and no manifest makes it", n.Name, b.Disk)
	case d.Unreadable != "":
		return c, nil, "", w.errorf(w.r.diskPath(n.Name, v), "%s: %s cannot be read, so nobody knows what is on it: %s. Nothing was written", n.Name, b.Disk, d.Unreadable)
	case d.ReadOnly:
		return c, nil, "", w.errorf(w.r.diskPath(n.Name, v), "%s: %s is read-only", n.Name, b.Disk)
	case len(d.Mounts) > 0 || len(d.Users) > 0:
		return c, nil, "", w.errorf(w.r.diskPath(n.Name, v), "%s: %s is in use (%s); no allowance changes that. Nothing was written", n.Name, b.Disk, d.Holds())
	case w.short(n, v, d.Size>>10) > 0:
		return c, nil, "", w.errorf(w.r.diskPath(n.Name, v), "%s: %s has %s, and volume %d is in use with more: with its metadata it needs %s more. Nothing was written",
			n.Name, b.Disk, bytes(d.Size>>10), v.Number, bytes(w.short(n, v, d.Size>>10)))
	case len(d.Signatures) > 0:
		c.Have, c.Risk, c.ByName = d.Holds(), reconcile.DataLoss, true
		c.Why = fmt.Sprintf("%s: %s holds %s, which is wiped", n.Name, b.Disk, d.Holds())
	}
	if !internal(b.MetaDisk) {
		path, index := metaDisk(b.MetaDisk)
		m := n.Devices[path]
		made, will := w.r.Made[n.Name+path]
		switch {
		case !m.There() && will:
			return c, nil, "known after " + made.String() + " makes " + path, nil
		case !m.There():
			return c, nil, "", w.errorf(w.r.diskPath(n.Name, v), "%s: %s is not there, and no manifest makes it", n.Name, path)
		case index == nil && !m.Blank():
			return c, nil, "", w.errorf(w.r.diskPath(n.Name, v), "%s: %s, for metadata, holds %s; wipe it by hand if that may go. Nothing was written", n.Name, path, m.Holds())
		}
	}
	return c, CreateMetadata{Resource: w.r.Name, Volume: v.Number, Device: d, Peers: w.peersFor(n, v)}, "", nil
}

// diskPath is the manifest's field that names a disk.
func (r *Resource) diskPath(node string, v volume) string {
	if len(r.Spec.Volumes) > 0 {
		i := slices.IndexFunc(r.Spec.Volumes, func(x v1.DRBDVolume) bool { return x.Number == v.Number })
		return fmt.Sprintf("spec.volumes[%d].nodes.%s.disk", i, node)
	}
	i := slices.IndexFunc(r.Spec.Nodes, func(x v1.DRBDNode) bool { return x.Name == node })
	return fmt.Sprintf("spec.nodes[%d].disk", i)
}

// firstSync makes one copy the good one, and what is wanted on it. It comes again until the resource is handed over; each of its operations
// finds out what is left of it.
func (w *work) firstSync() {
	y := w.r.Spec.InitialSync
	if y == nil {
		return
	}
	from := y.From
	if y.Skip {
		from = w.r.Spec.Nodes[0].Name
	}
	var others []string
	for _, n := range w.r.Spec.Nodes {
		if n.Name != from {
			others = append(others, n.Name)
		}
	}
	c := reconcile.Change{Object: syncRef(w.r.Name), Action: reconcile.Create, Path: "initialSync", Want: "from " + from + " to " + strings.Join(others, ", "), Source: w.r.source("spec.initialSync")}
	if y.Skip {
		c.Want = "skipped: the disks are taken for equal"
	}
	sync := FirstSync{Resource: w.r.Name, Skip: y.Skip}
	for _, v := range w.r.volumes() {
		sync.Volumes = append(sync.Volumes, v.Number)
	}
	s := reconcile.Step{ID: w.id(from, "first-sync"), Host: from, Changes: []reconcile.Change{c}, Needs: w.needs(w.all(upRef)...), Ops: reconcile.Ops{sync}}
	for i, v := range w.r.volumes() {
		if v.FileSystem == nil {
			continue
		}
		at := "spec.filesystem"
		if len(w.r.Spec.Volumes) > 0 {
			at = fmt.Sprintf("spec.volumes[%d].filesystem", i)
		}
		s.Changes = append(s.Changes, reconcile.Change{Object: syncRef(w.r.Name), Action: reconcile.Create, Path: v.Device, Want: v.FileSystem.Type, Source: w.r.source(at)})
		s.Ops = append(s.Ops, FileSystem{block.MakeFileSystem{Device: block.Device{Path: v.Device}, FileSystem: *v.FileSystem, Nodes: len(w.r.Spec.Nodes)}})
	}
	s.Ops = append(s.Ops, reconcile.Command{Argv: []string{"drbdadm", "secondary", w.r.Name}})
	w.add(s)
}

// handOver takes the marks away: from then on the resource is Pacemaker's, or the administrator's.
func (w *work) handOver() {
	making := slices.ContainsFunc(w.nodes, func(n *NodeState) bool { return w.made[upRef(n.Name, w.r.Name)] }) && w.fresh()
	for _, n := range w.nodes {
		if !making && !w.marked(n) {
			continue
		}
		to := "the administrator"
		if w.r.Manager != "" {
			to = "Pacemaker's " + w.r.Manager
		}
		w.add(reconcile.Step{ID: w.id(n.Name, "hand-over"), Host: n.Name,
			Changes: []reconcile.Change{{Object: Ref(w.r.Name), Action: reconcile.Create, Path: n.Name, Want: "handed over to " + to}},
			Needs:   w.needs(append(w.all(upRef), syncRef(w.r.Name))...),
			Ops:     reconcile.Ops{reconcile.Command{Argv: []string{"rm", "-f", "--", markPath(w.r.Name)}}}})
	}
}

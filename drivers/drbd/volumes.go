package drbd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// volumeMark is the mark of a volume that was added to a resource in use and is not handed over yet. No resource has a colon in its name.
func volumeMark(resource string, number int) string { return resource + ":" + strconv.Itoa(number) }

func (n *NodeState) making(r *Resource, number int) bool {
	_, ok := n.Marks[volumeMark(r.Name, number)]
	return ok
}

// added tells of a volume of a resource in use that no node has, but for what an apply that died has made of it.
func (w *work) added(v volume) bool {
	if w.r.Spec.InitialSync == nil {
		return false
	}
	return !slices.ContainsFunc(w.nodes, func(n *NodeState) bool {
		_, live := liveVolume(n, w.r, v.Number)
		return !n.making(w.r, v.Number) && (live || v.hasDisk(n.Name) && n.hasMetadata(w.r, v))
	})
}

func liveVolume(n *NodeState, r *Resource, number int) (Volume, bool) {
	l := n.Live[r.Name]
	if l == nil {
		return Volume{}, false
	}
	v, ok := l.Volumes[number]
	return v, ok
}

// grow makes the first sync of volumes that were added, each alone, and hands them over. It comes again until that is done. The kernel is made equal to
// the file once more at the end: a peer that has the volume and not yet its disk tells the other its resync options, the defaults, and DRBD 8.4 takes
// them (drbd_send_sync_param in drbd_main.c).
func (w *work) grow() {
	for i, v := range w.r.volumes() {
		making := slices.ContainsFunc(w.nodes, func(n *NodeState) bool { return n.making(w.r, v.Number) })
		if !making && !w.added(v) {
			continue
		}
		from, primary := w.source(v)
		w.syncVolume(i, v, from, primary)
		for _, n := range w.nodes {
			w.add(reconcile.Step{ID: w.id(n.Name, fmt.Sprintf("hand-over-%d", v.Number)), Host: n.Name,
				Changes: []reconcile.Change{{Object: Ref(w.r.Name), Action: reconcile.Create, Path: fmt.Sprintf("%s volume %d", n.Name, v.Number), Want: "handed over"}},
				Needs:   w.needs(append(w.all(upRef), syncRef(volumeMark(w.r.Name, v.Number)))...),
				Ops: reconcile.Ops{reconcile.Command{Argv: []string{"drbdadm", "adjust", w.r.Name}},
					reconcile.Command{Argv: []string{"rm", "-f", "--", markPath(volumeMark(w.r.Name, v.Number))}}}})
		}
	}
}

// source is the node whose copy of an added volume becomes the good one, and the one where the resource is in use ("" if nowhere). A copy that
// is good already stays so; else it is made where the resource is in use, so that the volume can be used there at once.
func (w *work) source(v volume) (from, primary string) {
	from = w.r.Spec.InitialSync.From
	if from == "" {
		from = w.r.Spec.Nodes[0].Name
	}
	for _, n := range w.nodes {
		if l := n.Live[w.r.Name]; l != nil && l.Role == "Primary" && v.hasDisk(n.Name) {
			from, primary = n.Name, n.Name
		}
	}
	for _, n := range w.nodes {
		if x, _ := liveVolume(n, w.r, v.Number); x.Disk == "UpToDate" {
			from = n.Name
		}
	}
	return from, primary
}

func (w *work) syncVolume(i int, v volume, from, primary string) {
	ref, of := syncRef(volumeMark(w.r.Name, v.Number)), fmt.Sprintf("%s/%d", w.r.Name, v.Number)
	s := reconcile.Step{ID: w.id(from, fmt.Sprintf("first-sync-%d", v.Number)), Host: from, Needs: w.needs(w.all(upRef)...),
		Changes: []reconcile.Change{{Object: ref, Action: reconcile.Create, Path: fmt.Sprintf("volume %d", v.Number), Want: "from " + from, Source: w.r.source("spec.initialSync")}}}
	sync := FirstSync{Resource: w.r.Name, Volumes: []int{v.Number}, Alone: true, Skip: w.r.Spec.InitialSync.Skip, Resync: w.d == conf.V9}
	if sync.Skip {
		s.Changes[0].Want = "skipped: the disks are taken for equal"
	}
	s.Ops = reconcile.Ops{sync}
	if v.FileSystem != nil {
		s.Changes = append(s.Changes, reconcile.Change{Object: ref, Action: reconcile.Create, Path: v.Device, Want: v.FileSystem.Type, Source: w.r.source(fmt.Sprintf("spec.volumes[%d].filesystem", i))})
		s.Ops = append(s.Ops, FileSystem{block.MakeFileSystem{Device: block.Device{Path: v.Device}, FileSystem: *v.FileSystem, Nodes: len(w.r.Spec.Nodes)}})
	}
	if w.d == conf.V84 && from != primary { // in 8.4 each volume has a role of its own
		s.Ops = append(s.Ops, reconcile.Command{Argv: []string{"drbdadm", "secondary", of}})
	}
	w.add(s)
	if w.d == conf.V84 && primary != "" && from != primary {
		w.add(reconcile.Step{ID: w.id(primary, fmt.Sprintf("promote-%d", v.Number)), Host: primary, Needs: []reconcile.Ref{ref},
			Changes: []reconcile.Change{{Object: upRef(primary, w.r.Name), Action: reconcile.Start, Path: fmt.Sprintf("volume %d", v.Number), Want: "Primary, as the others"}},
			Ops:     reconcile.Ops{reconcile.Command{Argv: []string{"drbdadm", "primary", of}}}})
	}
}

// gone are the volumes that a node's kernel has and no manifest tells any more.
func (w *work) gone(n *NodeState) []int {
	l := n.Live[w.r.Name]
	if l == nil {
		return nil
	}
	wanted := map[int]bool{}
	for _, v := range w.r.volumes() {
		wanted[v.Number] = true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.Volumes)), func(number int) bool { return wanted[number] })
}

// Release sees to it that nothing uses a volume that goes, and demotes it alone where each volume has a role of its own.
type Release struct {
	Resource string `json:"resource"`
	Volume   int    `json:"volume"`
	Minor    int    `json:"minor"`
}

func (r Release) String() string {
	return fmt.Sprintf("make sure that nothing uses /dev/drbd%d (%s/%d)", r.Minor, r.Resource, r.Volume)
}

// release: the kernel refuses to demote a volume that is open. With DRBD 9 the role is the whole resource's.
const release = `export LC_ALL=C; r=$1; d=/dev/drbd$2
[ -b "$d" ] || exit 0
users=$(lsblk -n -r -o NAME "$d" | sed 1d | tr '\n' ' ')$(lsblk -n -d -o MOUNTPOINTS "$d" | tr -d ' \n')
[ -z "$users" ] || { echo "$d is in use ($users); nothing was changed" >&2; exit 67; }
case $(cat /sys/module/drbd/version) in 8.*) ;; *) exit 0;; esac
o=$(drbdsetup secondary "$2" 2>&1) || { echo "$d is in use ($(echo "$o" | head -n 1)); nothing was changed" >&2; exit 67; }`

// Do looks.
func (r Release) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	return run(ctx, h, r, release, time.Minute, r.Resource, strconv.Itoa(r.Minor))
}

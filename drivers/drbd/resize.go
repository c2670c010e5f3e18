package drbd

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// resize grows volumes whose disks have grown on all nodes, and the file systems on them where they are primary.
func (w *work) resize() {
	if len(w.away) > 0 {
		return
	}
	for _, v := range w.r.volumes() {
		n := w.primary()
		if n == nil || !w.healthy(v.Number) {
			continue
		}
		live := n.Live[w.r.Name]
		s := reconcile.Step{ID: w.id(n.Name, fmt.Sprintf("size-%d", v.Number)), Host: n.Name, Needs: w.needs(w.all(upRef)...)}
		ref := upRef(n.Name, w.r.Name)
		have, could := live.Volumes[v.Number].KiB, w.capacity(v)
		grows := could-have >= w.slack(could)
		if grows {
			s.Changes = append(s.Changes, reconcile.Change{Object: ref, Action: reconcile.Update, Path: fmt.Sprintf("volume %d size", v.Number), Have: bytes(have), Want: bytes(could)})
			s.Ops = append(s.Ops, Resize{w.r.Name, v.Number})
		}
		d := n.Devices[v.Device]
		if v.FileSystem != nil && live.Role == "Primary" && d.Has(v.FileSystem.Type) && (grows || d.Smaller()) {
			s.Changes = append(s.Changes, reconcile.Change{Object: ref, Action: reconcile.Update, Path: v.FileSystem.Type + " on " + v.Device, Have: bytes(d.FileSystemSize >> 10), Want: bytes(max(have, could))})
			s.Ops = append(s.Ops, block.GrowFileSystem{Path: v.Device, Type: v.FileSystem.Type})
		}
		if len(s.Ops) > 0 {
			w.add(s)
		}
	}
}

// slack in KiB is how much a disk must have grown. It is more than what metadata of DRBD 9 takes that has room for more nodes than there are,
// at most 31 (DRBD_PEERS_MAX): that is no room for data.
func (w *work) slack(kib int64) int64 {
	if w.d == conf.V84 {
		return 4 << 10
	}
	return max(4<<10, 31*bitmap(kib))
}

// bitmap in KiB is what one takes for a disk: a bit for 4 KiB.
func bitmap(kib int64) int64 { return (kib/32768 + 4) &^ 3 }

// primary is a node where the resource is in use, else any that has it.
func (w *work) primary() *NodeState {
	var first *NodeState
	for _, n := range w.nodes {
		switch l := n.Live[w.r.Name]; {
		case l == nil:
		case l.Role == "Primary":
			return n
		case first == nil:
			first = n
		}
	}
	return first
}

// healthy tells that all copies of a volume are UpToDate and connected.
func (w *work) healthy(number int) bool {
	for _, n := range w.nodes {
		l := n.Live[w.r.Name]
		if l == nil {
			return false
		}
		for _, p := range l.Peers {
			if p.Connection != "Connected" || p.Volumes[number].Replication != "Established" {
				return false
			}
		}
		if d := l.Volumes[number].Disk; d != "UpToDate" && d != "Diskless" {
			return false
		}
	}
	return true
}

// capacity is what the smallest disk of a volume can hold in KiB; 0 if that is not known. Internal metadata has 36 KiB, and a bit for each
// 4 KiB and peer (drbd_md_set_sector_offsets in drbd_int.h, drbdmeta.c).
func (w *work) capacity(v volume) int64 {
	least := int64(0)
	for _, n := range w.nodes {
		if !v.hasDisk(n.Name) {
			continue
		}
		b := v.Nodes[n.Name]
		kib := n.Devices[b.Disk].Size >> 10
		if internal(b.MetaDisk) && kib > 0 {
			kib -= 36 + bitmap(kib)*int64(len(w.r.Spec.Nodes)-1)
		}
		if kib <= 0 {
			return 0
		}
		if least == 0 || kib < least {
			least = kib
		}
	}
	return least
}

// short is by how many KiB a disk is too small for a volume that others have in use; DRBD would refuse the connection, or the disk. What metadata
// takes at the least is counted.
func (w *work) short(n *NodeState, v volume, disk int64) int64 {
	size := int64(0)
	for _, x := range w.nodes {
		l, _ := liveVolume(x, w.r, v.Number)
		size = max(size, l.KiB)
	}
	if size == 0 || disk == 0 {
		return 0
	}
	if internal(v.Nodes[n.Name].MetaDisk) {
		size += 36 + disk/32768*int64(max(1, w.peersFor(n, v)))
	}
	return max(0, size-disk)
}

// Resize has DRBD take what its disks have grown by.
type Resize struct {
	Resource string `json:"resource"`
	Volume   int    `json:"volume"`
}

func (s Resize) String() string {
	return fmt.Sprintf("drbdadm resize %s/%d (if all copies are UpToDate)", s.Resource, s.Volume)
}

// Do resizes.
func (s Resize) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	return run(ctx, h, s, whole+`careful; drbdadm resize "$r/$2"`, 2*time.Minute, s.Resource, strconv.Itoa(s.Volume))
}

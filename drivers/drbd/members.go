package drbd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// Gone is a node that leaves a resource, as the kernel of one that stays knows it.
type Gone struct {
	// Name is "" for one that is only in the metadata any more.
	Name string `json:"name,omitempty"`
	ID   int    `json:"id"`
}

func (g Gone) String() string {
	if g.Name == "" {
		return fmt.Sprintf("a former node with the node-id %d", g.ID)
	}
	return g.Name
}

// members plans what leaves: a node that no manifest tells any more is taken down first, then the files of the others forget it, then their
// kernels. A node that joins needs nothing here: it gets its file and metadata like any other, and the others are adjusted.
func (w *work) members() error {
	if !slices.ContainsFunc(w.nodes, func(n *NodeState) bool { return n.partly(w.r) }) {
		return nil // there are only files
	}
	if err := w.sameIDs(); err != nil {
		return err
	}
	leaving := w.leaving()
	if len(leaving) == 0 {
		return nil
	}
	w.blocked = w.stay(leaving)
	var before []reconcile.Ref
	files := len(w.steps)
	for _, name := range leaving {
		n := w.have.node(name)
		if n == nil || n.Live[w.r.Name] == nil || w.r.Manager != "" {
			continue
		}
		ref := upRef(name, w.r.Name)
		w.add(reconcile.Step{ID: w.id(name, "leave"), Host: name, Needs: slices.Clone(before), Ops: reconcile.Ops{Leave{w.r.Name}},
			Changes: []reconcile.Change{{Object: ref, Action: reconcile.Stop, Have: "up", Want: "down", Risk: reconcile.Redundancy,
				Why: fmt.Sprintf("%s leaves, and one copy with it; its disk, its metadata and %s stay there as they are", name, confPath(w.r.Name))}}})
		before = append(before, ref)
	}
	w.leaves = [2]int{files, len(w.steps)}
	for i := range w.steps[:files] {
		if w.old(w.steps[i].Host) {
			w.steps[i].Needs = append(w.steps[i].Needs, before...)
		}
	}
	return nil
}

// leaveLast has nodes leave only once those that join are ready to be filled: until then there is a copy more.
func (w *work) leaveLast() {
	leaves := w.steps[w.leaves[0]:w.leaves[1]]
	for _, n := range w.nodes {
		if ref := upRef(n.Name, w.r.Name); !w.old(n.Name) && w.made[ref] {
			for i := range leaves {
				leaves[i].Needs = append(leaves[i].Needs, ref)
			}
		}
	}
}

// leaving are the nodes that a file or a kernel still has, and no manifest.
func (w *work) leaving() []string {
	names := map[string]bool{}
	for _, f := range w.files {
		for _, name := range f.leaves {
			names[name] = true
		}
		for _, g := range w.parting(f) {
			names[g.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// parting are the connections of a node's kernel to nodes that leave: those that its file names, or where that is written already, those
// that drbdadm would take away. DRBD 8.4 has one connection, which it names "peer".
func (w *work) parting(f *file) (out []Gone) {
	l := f.n.Live[w.r.Name]
	if l == nil {
		return nil
	}
	for _, p := range l.Peers {
		switch {
		case w.d == conf.V84 && len(f.leaves) > 0:
			out = append(out, Gone{f.leaves[0], p.ID})
		case w.d == conf.V84 || w.r.on(p.Name):
		case slices.Contains(f.leaves, p.Name) || slices.ContainsFunc(f.n.Adjust[w.r.Name], func(c string) bool { return ofPeer(c, w.r.Name, p.ID) }):
			out = append(out, Gone{p.Name, p.ID})
		}
	}
	return out
}

// ofPeer tells that a command of drbdsetup is about a resource's connection.
func ofPeer(command, resource string, id int) bool {
	f := strings.Fields(command)
	return len(f) >= 4 && f[2] == resource && f[3] == strconv.Itoa(id) && slices.Contains([]string{"disconnect", "del-peer", "del-path"}, f[1])
}

// old tells that a node has the resource already: it does not just join.
func (w *work) old(node string) bool {
	n := w.have.node(node)
	return n == nil || !w.r.on(node) || n.partly(w.r)
}

// stay says why the nodes cannot leave yet; "" if they can. What is in use there would go on without the others, and what only they have
// would be lost.
func (w *work) stay(leaving []string) string {
	for _, name := range leaving {
		n := w.have.node(name)
		switch {
		case n != nil && n.Unobserved != "":
			return fmt.Sprintf("known after %s, which leaves, can be reached (%s); if it is gone for good, take it out of the Cluster as well", name, n.Unobserved)
		case n != nil && n.Live[w.r.Name] != nil && n.Live[w.r.Name].Role == "Primary" && w.r.Manager == "":
			return fmt.Sprintf("known after %s is not in use any more on %s, which leaves: it is Primary there. Stop what uses it, then: drbdadm secondary %s", w.r.Name, name, w.r.Name)
		case n != nil && n.Live[w.r.Name] != nil && w.r.Manager != "":
			return fmt.Sprintf("known after Pacemaker has stopped %s on %s, which leaves %s (%s there); a Constraint keeps it from there (location, node %s, score -INFINITY)",
				w.r.Manager, name, w.r.Name, n.Live[w.r.Name].Role, name)
		case n == nil && w.primaryAway(name):
			return fmt.Sprintf("known after %s is not in use any more on %s, which leaves and is no machine of the manifests: it is Primary there", w.r.Name, name)
		}
	}
	for _, v := range w.r.volumes() {
		if w.fresh() || w.added(v) { // nobody has data yet
			continue
		}
		if !slices.ContainsFunc(w.nodes, func(n *NodeState) bool { x, ok := liveVolume(n, w.r, v.Number); return ok && x.Disk == "UpToDate" }) {
			return fmt.Sprintf("known after a node that stays has all data of volume %d (UpToDate); %s may have the only good copy", v.Number, strings.Join(leaving, ", "))
		}
	}
	return ""
}

// primaryAway tells that a node which is not asked is in use, as the others see it.
func (w *work) primaryAway(name string) bool {
	for _, f := range w.files {
		l := f.n.Live[w.r.Name]
		for _, g := range w.parting(f) {
			if g.Name == name && slices.ContainsFunc(l.Peers, func(p Peer) bool { return p.ID == g.ID && p.Role == "Primary" }) {
				return true
			}
		}
	}
	return false
}

// sameIDs refuses another node-id for a node that stays: it is in the metadata of all nodes, where each peer's bitmap is found by it. Without
// nodeID it follows from the place in the list, which changes when a node before it goes.
func (w *work) sameIDs() error {
	if w.d != conf.V9 {
		return nil
	}
	for i, node := range w.r.Spec.Nodes {
		want, path := i, fmt.Sprintf("spec.nodes[%d]", i)
		if node.NodeID != "" {
			want, _ = strconv.Atoi(node.NodeID) // validated
			path += ".nodeID"
		}
		for _, f := range w.files {
			if have, ok := f.ids[node.Name]; ok && have != want {
				return w.errorf(path, "%s has the node-id %d in %s of %s and would get %d; a node keeps its id for good, since the metadata of all nodes is by it. Write nodeID: %d for it",
					node.Name, have, f.at, f.n.Name, want, have)
			}
		}
	}
	return nil
}

// slots is what the metadata of a volume has room for: a bitmap for each other node (bm_max_peers; drbd_meta_data.h of DRBD 9).
type slots struct {
	// Max is for how many.
	Max int `json:"max"`
	// Used are the node-ids that have one.
	Used []int `json:"used,omitempty"`
}

// room looks for bitmaps for the nodes of a volume in a node's metadata. What former nodes left there is given up if that is needed.
func (w *work) room(n *NodeState, v volume, parting []Gone) (forget []Gone, err error) {
	s, ok := n.Slots[giKey(w.r.Name, v.Number)]
	if !ok {
		return nil, nil
	}
	wanted := map[int]bool{}
	for i, x := range w.r.Spec.Nodes {
		if x.Name == n.Name || !v.hasDisk(x.Name) {
			continue
		}
		id := i
		if x.NodeID != "" {
			id, _ = strconv.Atoi(x.NodeID) // validated
		}
		wanted[id] = true
	}
	if len(wanted) > s.Max {
		return nil, w.errorf("spec.nodes", "%s: the metadata of volume %d has room for %d peers, and there would be %d; it cannot be enlarged in place. "+
			"Make it anew with more room, on one node after the other while the others are UpToDate and it is Secondary: drbdadm down %[5]s; drbdadm create-md --max-peers=%[6]d %[5]s/%[2]d "+
			"(it asks, since this copy is thrown away); drbdadm up %[5]s; then wait until it is UpToDate. With internal metadata the disks must be %[7]s larger before",
			n.Name, v.Number, s.Max, len(wanted), w.r.Name, maxPeers(w.r), bytes(bitmap(n.Devices[v.Nodes[n.Name].Disk].Size>>10)*int64(maxPeers(w.r)-s.Max)))
	}
	all := maps.Clone(wanted)
	for _, id := range s.Used {
		if !wanted[id] && !slices.ContainsFunc(parting, func(g Gone) bool { return g.ID == id }) {
			forget = append(forget, Gone{ID: id})
		}
		all[id] = true
	}
	if len(all) <= s.Max {
		return nil, nil
	}
	return forget, nil
}

// maxPeers is for how many other nodes new metadata has room; it cannot be enlarged later. Seven is what LINSTOR takes
// (PeerSlotsNewResource): 0.02 % of the disk.
func maxPeers(r *Resource) int { return max(7, len(r.Spec.Nodes)-1) }

// peersFor is for how many peers a volume's new metadata has room; 0 leaves it to drbdadm, which takes as many as there are. Where others have
// metadata already, more room here would make the device smaller than theirs.
func (w *work) peersFor(n *NodeState, v volume) int {
	if w.d != conf.V9 || !internal(v.Nodes[n.Name].MetaDisk) {
		return 0
	}
	if w.fresh() || w.added(v) {
		return maxPeers(w.r)
	}
	least := 0
	for _, x := range w.nodes {
		if s, ok := x.Slots[giKey(w.r.Name, v.Number)]; ok && (least == 0 || s.Max < least) {
			least = s.Max
		}
	}
	return least
}

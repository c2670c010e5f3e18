package drbd

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

// Two nodes, three, and two of which one is another.
var (
	lone  = strings.Split(pair, "  initialSync")[0]
	trio  = strings.Replace(lone, "  net: {", "  - {name: node3, disk: /dev/vg0/r0, address: \"192.168.91.3:7788\"}\n  net: {", 1)
	other = strings.Replace(lone, `name: node2, disk: /dev/vg0/r0, address: "192.168.91.2`, `name: node3, disk: /dev/vg0/r0, address: "192.168.91.3`, 1)
	crm   = managed[strings.Index(managed, "---\napiVersion: hactl/v1\nkind: Resource"):]
)

// However far an apply came, the next one goes on: at each moment there is a good copy, what is in use is left alone, and in the end the
// wanted nodes are connected and the plan is empty.
func TestMembersKilled(t *testing.T) {
	for _, c := range []struct{ name, kernel, old, want string }{
		{"a node joins", "9.2.5", lone, trio},
		{"a node leaves", "9.2.5", trio, lone},
		{"a node for another, 9", "9.2.5", lone, other},
		{"a node for another, 8.4", "8.4.11", lone, other},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := desired(t, c.want)
			whole := formed(t, c.old, c.kernel, "node1", "node2", "node3").apply(want, -1)
			if whole < 4 {
				t.Fatalf("%d operations", whole)
			}
			for most := range whole + 1 {
				w := formed(t, c.old, c.kernel, "node1", "node2", "node3")
				w.dies = most == whole // in the middle of an operation
				w.apply(want, most)
				w.dies = false
				w.apply(want, -1)
				for _, n := range want.Resources[0].Spec.Nodes {
					l := w.node(n.Name).Live["r0"]
					if l == nil || l.Volumes[0].Disk != "UpToDate" || len(l.Peers) != len(want.Resources[0].Spec.Nodes)-1 ||
						slices.ContainsFunc(l.Peers, func(p Peer) bool { return p.Connection != "Connected" }) {
						t.Errorf("killed after %d operations, %s: %+v", most, n.Name, l)
					}
				}
				if t.Failed() {
					t.Fatalf("killed after %d of %d operations", most, whole)
				}
			}
		})
	}
}

func TestNodeJoins(t *testing.T) {
	w := formed(t, lone, "9.2.5", "node1", "node2", "node3")
	const expected = `drbd node1 file r0 [safe]
  update file/node1/etc/drbd.d/r0.res on node3:  -> ipv4 192.168.91.3:7788
  $ write /etc/drbd.d/r0.res mode 0600
drbd node2 file r0 [safe]
  update file/node2/etc/drbd.d/r0.res on node3:  -> ipv4 192.168.91.3:7788
  $ write /etc/drbd.d/r0.res mode 0600
drbd node3 file r0 [safe]
  create file/node3/etc/drbd.d/r0.res :  -> 
  $ write /etc/drbd.d/r0.res mode 0600
drbd node3 metadata r0 [safe]
  create drbd/node3/r0 volume 0:  -> metadata on /dev/vg0/r0
  update DRBDResource/r0 node3:  -> joins, and is filled by the others
  start drbd/node3/r0 :  -> up
  after file/node3/etc/drbd.d/r0.res
  $ modprobe drbd
  $ drbdadm create-md --max-peers=3 r0/0
  $ drbdadm up r0
drbd node1 adjust r0 [reload]
  reload drbd/node1/r0 on node3:  -> ipv4 192.168.91.3:7788
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  after file/node3/etc/drbd.d/r0.res
  $ drbdadm adjust r0
drbd node2 adjust r0 [reload]
  reload drbd/node2/r0 on node3:  -> ipv4 192.168.91.3:7788
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  after file/node3/etc/drbd.d/r0.res
  after drbd/node1/r0
  $ drbdadm adjust r0
`
	if diff := cmp.Diff(expected, printed(t, desired(t, trio), w.have)); diff != "" {
		t.Error(diff)
	}
	if got := printed(t, desired(t, trio+crm), w.have); strings.Contains(got, "drbdadm up") || !strings.Contains(got, "create-md") {
		t.Errorf("Pacemaker brings it up:\n%s", got)
	}

	// A disk that is too small is told before anything is written.
	small := w.node("node3").Devices["/dev/vg0/r0"]
	small.Size = 60 << 20
	w.node("node3").Devices["/dev/vg0/r0"] = small
	if got := printed(t, desired(t, trio), w.have); !strings.HasPrefix(got, "error: m.yaml:14:25: DRBDResource r0: node3: /dev/vg0/r0 has 60.0 MiB, and volume 0 is in use with more: with its metadata it needs 4091 KiB more.") {
		t.Error(got)
	}
	small.Size = 64 << 20
	w.node("node3").Devices["/dev/vg0/r0"] = small

	// No room for it in the metadata, which is told before anything is done; room that a former node has, is taken.
	n := w.node("node1")
	n.Slots["r0/0"] = slots{Max: 1, Used: []int{1}}
	if got := printed(t, desired(t, trio), w.have); !strings.HasPrefix(got, "error: m.yaml:11:3: DRBDResource r0: node1: the metadata of volume 0 has room for 1 peers, and there would be 2;") ||
		!strings.Contains(got, "drbdadm create-md --max-peers=7 r0/0") {
		t.Error(got)
	}
	n.Slots["r0/0"] = slots{Max: 2, Used: []int{1, 5}}
	if got := printed(t, desired(t, trio), w.have); !strings.Contains(got, "  $ make sure that r0 is not in use on a former node with the node-id 5, and that a copy that stays is UpToDate; drbdsetup forget-peer r0 5\n  $ drbdadm adjust r0\n") {
		t.Error(got)
	}
}

func TestNodeLeaves(t *testing.T) {
	w := formed(t, trio, "9.2.5", "node1", "node2", "node3")
	const expected = `drbd node1 file r0 [safe]
  update file/node1/etc/drbd.d/r0.res on node3: ipv4 192.168.91.3:7788 -> 
  after drbd/node3/r0
  $ write /etc/drbd.d/r0.res mode 0600
drbd node2 file r0 [safe]
  update file/node2/etc/drbd.d/r0.res on node3: ipv4 192.168.91.3:7788 -> 
  after drbd/node3/r0
  $ write /etc/drbd.d/r0.res mode 0600
drbd node3 leave r0 [redundancy]
  stop drbd/node3/r0 : up -> down
  $ drbdadm down r0 (if it is Secondary, and another copy is UpToDate)
drbd node1 adjust r0 [redundancy]
  update drbd/node1/r0 on node3: connected -> 
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ make sure that r0 is not in use on node3, and that a copy that stays is UpToDate; drbdsetup disconnect, del-peer r0 2; drbdsetup forget-peer r0 2
  $ drbdadm adjust r0
drbd node2 adjust r0 [redundancy]
  update drbd/node2/r0 on node3: connected -> 
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  after drbd/node1/r0
  $ make sure that r0 is not in use on node3, and that a copy that stays is UpToDate; drbdsetup disconnect, del-peer r0 2; drbdsetup forget-peer r0 2
  $ drbdadm adjust r0
`
	want := desired(t, lone)
	if diff := cmp.Diff(expected, printed(t, want, w.have)); diff != "" {
		t.Error(diff)
	}

	// All that is planned waits as long as anything would be lost.
	waits := func(name, why string, want State, change func(w *world)) {
		t.Helper()
		w := formed(t, trio, "9.2.5", "node1", "node2", "node3")
		change(w)
		steps, err := New("").Plan(want, w.have)
		if err != nil || len(steps) == 0 {
			t.Errorf("%s: %d steps, %v", name, len(steps), err)
		}
		for _, s := range steps {
			if len(s.Ops) > 0 || !strings.Contains(s.Pending, why) {
				t.Errorf("%s: %s: %q, %v", name, s.ID, s.Pending, s.Ops)
			}
		}
	}
	waits("it is in use there", "known after r0 is not in use any more on node3, which leaves: it is Primary there", want, func(w *world) { w.node("node3").Live["r0"].Role = "Primary" })
	waits("it cannot be reached", "known after node3, which leaves, can be reached (no answer); if it is gone for good, take it out of the Cluster as well", want,
		func(w *world) { *w.node("node3") = NodeState{Name: "node3", Unobserved: "no answer"} })
	waits("it has the only good copy", "known after a node that stays has all data of volume 0 (UpToDate); node3 may have the only good copy", want, func(w *world) {
		for _, n := range []string{"node1", "node2"} {
			w.node(n).Live["r0"].Volumes[0] = Volume{Disk: "Inconsistent"}
		}
	})
	waits("Pacemaker has it", "known after Pacemaker has stopped DRBD on node3, which leaves r0 (Secondary there); a Constraint keeps it from there", desired(t, lone+crm), func(*world) {})
	waits("it is no machine any more, and in use", "no machine of the manifests: it is Primary there", want, func(w *world) {
		w.node("node3").Live["r0"].Role = "Primary"
		w.settle()
		w.have.Nodes = w.have.Nodes[:2]
	})

	// Once Pacemaker has stopped it there, and with a machine that is gone for good, the others go on alone.
	for name, gone := range map[string]func(w *world){
		"stopped": func(w *world) { delete(w.node("node3").Live, "r0"); w.settle() },
		"gone":    func(w *world) { delete(w.node("node3").Live, "r0"); w.settle(); w.have.Nodes = w.have.Nodes[:2] },
	} {
		w := formed(t, trio, "9.2.5", "node1", "node2", "node3")
		gone(w)
		if got := printed(t, desired(t, lone+crm), w.have); strings.Contains(got, "pending") || strings.Contains(got, "drbd node3") || strings.Count(got, "forget-peer r0 2") != 2 {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// A resource that is still being made, by an apply that died, may get other nodes: no copy is good yet.
func TestLeavesNew(t *testing.T) {
	w := formed(t, lone, "8.4.11", "node1", "node2", "node3")
	for _, name := range []string{"node1", "node2"} {
		n := w.node(name)
		n.Marks["r0"] = "owner default"
		n.Live["r0"].Role, n.Live["r0"].Volumes[0] = "Secondary", Volume{Disk: "Inconsistent"}
	}
	w.settle()
	got := printed(t, desired(t, strings.Replace(other, "  sharedSecret", "  initialSync: {from: node1}\n  sharedSecret", 1)), w.have)
	if strings.Contains(got, "pending") || !strings.Contains(got, "drbd node2 leave r0") || !strings.Contains(got, "drbd node1 first-sync r0") || !strings.Contains(got, "$ drbdadm adjust r0\n") || strings.Contains(got, "drbd node2 file") {
		t.Error(got)
	}
}

// A node-id that follows from the place in the list would change when one before it goes.
func TestNodeIDStays(t *testing.T) {
	w := formed(t, trio, "9.2.5", "node1", "node2", "node3")
	without := strings.Replace(trio, "  - {name: node2, disk: /dev/vg0/r0, address: \"192.168.91.2:7788\"}\n", "", 1)
	if got := printed(t, desired(t, without), w.have); !strings.Contains(got, "node3 has the node-id 2 in /etc/drbd.d/r0.res of node1 and would get 1;") || !strings.Contains(got, "Write nodeID: 2 for it") {
		t.Error(got)
	}
	if got := printed(t, desired(t, strings.Replace(without, "{name: node3, disk", "{name: node3, nodeID: 2, disk", 1)), w.have); !strings.Contains(got, "drbd node2 leave r0") {
		t.Error(got)
	}
}

// DRBD 8.4 has one connection: the old peer is taken down, and the connection moves to the new one, which is filled.
func TestPeerReplaced(t *testing.T) {
	w := formed(t, lone, "8.4.11", "node1", "node2", "node3")
	got := printed(t, desired(t, other), w.have)
	const expected = `drbd node2 leave r0 [redundancy]
  stop drbd/node2/r0 : up -> down
  after drbd/node3/r0
  $ drbdadm down r0 (if it is Secondary, and another copy is UpToDate)
drbd node3 metadata r0 [safe]
  create drbd/node3/r0 volume 0:  -> metadata on /dev/vg0/r0
  update DRBDResource/r0 node3:  -> joins, and is filled by the others
  start drbd/node3/r0 :  -> up
  after file/node3/etc/drbd.d/r0.res
  $ modprobe drbd
  $ drbdadm create-md r0/0
  $ drbdadm up r0
drbd node1 adjust r0 [redundancy]
  update drbd/node1/r0 on node2: connected -> 
  reload drbd/node1/r0 on node3:  -> ipv4 192.168.91.3:7788
  after file/node1/etc/drbd.d/r0.res
  after file/node3/etc/drbd.d/r0.res
  $ make sure that r0 is not in use on node2, and that a copy that stays is UpToDate
  $ drbdadm adjust r0
`
	if i := strings.Index(got, "drbd node2 leave"); i < 0 {
		t.Error(got)
	} else if diff := cmp.Diff(expected, got[i:]); diff != "" {
		t.Error(diff)
	}

	// Under Pacemaker the new node is made ready, so that Pacemaker can start it there and stop it on the old one; the rest waits for that.
	steps, err := New("").Plan(desired(t, other+crm), w.have)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if (s.Pending == "") != (s.Host == "node3") {
			t.Errorf("%s: %q", s.ID, s.Pending)
		}
	}
	delete(w.node("node2").Live, "r0")
	w.settle()
	if got := printed(t, desired(t, other+crm), w.have); strings.Contains(got, "pending") || strings.Contains(got, "drbd node2") {
		t.Error(got)
	}
}

// What a node that has left still has goes only with --prune and by name, and only once the others have forgotten it.
func TestDepartedPruned(t *testing.T) {
	want := desired(t, lone)
	want.Prune = true
	w := formed(t, trio, "9.2.5", "node1", "node2", "node3")
	pruning := func() *reconcile.Step {
		steps, err := New("").Plan(want, w.have)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(steps, func(s reconcile.Step) bool { return strings.Contains(s.ID, " prune ") }); i >= 0 {
			return &steps[i]
		}
		return nil
	}
	if s := pruning(); s == nil || s.Host != "node3" || s.Pending != "known after node3 has left r0" || s.Ops != nil {
		t.Errorf("%+v", s)
	}
	w.apply(desired(t, lone), -1)
	s := pruning()
	if s == nil || s.Pending != "" || len(s.Ops) != 1 || s.Risk() != reconcile.DataLoss || !s.Changes[0].ByName || s.Changes[0].Whole != Ref("r0") {
		t.Errorf("%+v", s)
	}
	w.node("node3").Files[confPath("r0")] = reconcile.File{Content: reconcile.Plain("# Made by hactl (owner other); changes are overwritten.\n" + w.node("node3").Files[confPath("r0")].Content.Reveal())}
	if s := pruning(); s != nil {
		t.Errorf("another owner's: %+v", s)
	}
}

// The engine finds an order for the steps of nodes that join, leave and are pruned, also where all of it is in one plan.
func TestMembersOrder(t *testing.T) {
	for _, kernel := range []string{"9.2.5", "8.4.11"} {
		w := formed(t, lone, kernel, "node1", "node2", "node3")
		m := load(t, other)
		want := desired(t, other)
		want.Prune = true
		m.Whole = m // what other layers provide is there
		e := &reconcile.Engine{Manifests: m, Layers: []reconcile.Layer{reconcile.Of(New(""))}}
		p, err := e.Plan(t.Context(), &reconcile.Observation{Want: map[string]reconcile.State{"drbd": want}, Have: map[string]reconcile.State{"drbd": w.have}})
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, s := range p.Steps {
			order = append(order, s.Host+" "+strings.Fields(s.ID)[2])
		}
		at := func(step string) int { return slices.Index(order, step) }
		if at("node2 leave") < 0 || at("node2 leave") > at("node1 file") || at("node1 file") > at("node1 adjust") || at("node3 metadata") < 0 || at("node3 metadata") > at("node2 leave") || at("node2 prune") < 0 {
			t.Errorf("%s: %v", kernel, order)
		}
	}
}

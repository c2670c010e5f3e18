package drbd

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// world is a few machines whose kernels have DRBD, as far as nodes that come and go need it: what operations do to them, who is connected,
// and who is filled. It refuses what would lose data, and fails at what it does not know.
type world struct {
	t     *testing.T
	have  State
	peers map[string]map[string]int // of each node's kernel: the others by name, and their node-ids
	dies  bool                      // in the middle of the next operation that lets go of nodes
}

// formed is a world in which a resource is in use on node1.
func formed(t *testing.T, text, kernel string, names ...string) *world {
	t.Helper()
	want := desired(t, text)
	w := &world{t: t, have: blank(want, names...), peers: map[string]map[string]int{}}
	for i := range w.have.Nodes {
		w.have.Nodes[i].Kernel = kernel
		w.have.Nodes[i].Devices["/dev/vg0/r0"] = block.Device{Path: "/dev/vg0/r0", Real: "/dev/sda", Size: 64 << 20}
	}
	written(t, want, w.have)
	for _, n := range want.Resources[0].Spec.Nodes {
		w.metadata(w.node(n.Name), 3)
		w.up(w.node(n.Name), "UpToDate")
	}
	w.node("node1").Live["r0"].Role = "Primary"
	w.settle()
	return w
}

func (w *world) node(name string) *NodeState {
	w.t.Helper()
	n := w.have.node(name)
	if n == nil {
		w.t.Fatalf("no machine %s", name)
	}
	return n
}

// metadata is a disk with metadata that never had data.
func (w *world) metadata(n *NodeState, room int) {
	d := n.Devices["/dev/vg0/r0"]
	d.Signatures = []block.Signature{{Offset: "0x1", Type: "drbd"}}
	n.Devices["/dev/vg0/r0"] = d
	n.Slots = map[string]slots{"r0/0": {Max: room}}
}

func (w *world) up(n *NodeState, disk string) {
	n.Live["r0"] = &Live{Role: "Secondary", Volumes: map[int]Volume{0: {Disk: disk, KiB: 65492}}}
	w.adjust(n)
}

// file is what a node's file says of the others: their node-ids, or with 8.4 nothing.
func (w *world) file(n *NodeState) map[string]int {
	w.t.Helper()
	c, err := n.parsed()
	if err != nil || c.Resource("r0") == nil {
		w.t.Fatalf("%s has no file of r0: %v", n.Name, err)
	}
	out := map[string]int{}
	for _, h := range c.Resource("r0").Hosts {
		if h.Name() != n.Name {
			out[h.Name()] = 0
			if h.NodeID != nil {
				out[h.Name()] = *h.NodeID
			}
		}
	}
	return out
}

func (w *world) adjust(n *NodeState) {
	if n.dialect() == conf.V9 {
		s := n.Slots["r0/0"]
		for name, id := range w.file(n) {
			if slices.Contains(s.Used, id) {
				continue
			}
			if s.Used = append(s.Used, id); len(s.Used) > s.Max {
				w.t.Errorf("%s: not enough free bitmap slots for %s", n.Name, name)
			}
		}
		n.Slots["r0/0"] = s
	}
	w.peers[n.Name] = w.file(n)
}

// settle connects who knows each other, and fills who has no data.
func (w *world) settle() {
	connected := func(a, b string) bool {
		_, ab := w.peers[a][b]
		_, ba := w.peers[b][a]
		return ab && ba && w.node(a).Live["r0"] != nil && w.node(b).Live["r0"] != nil
	}
	for i := range w.have.Nodes {
		n := &w.have.Nodes[i]
		if l := n.Live["r0"]; l != nil && l.Volumes[0].Disk == "Inconsistent" {
			for _, m := range w.have.Nodes {
				if connected(n.Name, m.Name) && m.Live["r0"].Volumes[0].Disk == "UpToDate" {
					l.Volumes[0] = Volume{Disk: "UpToDate", KiB: 65492}
				}
			}
		}
	}
	for i := range w.have.Nodes {
		n := &w.have.Nodes[i]
		l := n.Live["r0"]
		n.Adjust = map[string][]string{}
		if l == nil {
			continue
		}
		l.Peers = nil
		for name, id := range w.peers[n.Name] {
			p := Peer{Name: name, ID: id, Connection: "Connecting", Volumes: map[int]PeerVolume{0: {Replication: "Off", Disk: "DUnknown"}}}
			if n.dialect() == conf.V84 {
				p.Name = "peer"
			}
			if connected(n.Name, name) {
				m := w.node(name).Live["r0"]
				p.Connection, p.Role, p.Volumes[0] = "Connected", m.Role, PeerVolume{Replication: "Established", Disk: m.Volumes[0].Disk}
			}
			l.Peers = append(l.Peers, p)
			if _, ok := w.file(n)[name]; !ok && n.dialect() == conf.V9 {
				n.Adjust["r0"] = append(n.Adjust["r0"], fmt.Sprintf("drbdsetup del-peer r0 %d", id))
			} else if !ok {
				n.Adjust["r0"] = append(n.Adjust["r0"], "drbdsetup-84 disconnect ipv4:a:7788 ipv4:"+name+":7788", "drbdsetup-84 connect r0 ipv4:a:7788 ipv4:b:7788")
			}
		}
		for name, id := range w.file(n) {
			if _, ok := w.peers[n.Name][name]; !ok && n.dialect() == conf.V9 {
				n.Adjust["r0"] = append(n.Adjust["r0"], fmt.Sprintf("drbdsetup new-peer r0 %d --_name=%s", id, name))
			}
		}
	}
}

// do is one operation on a machine.
func (w *world) do(host string, op reconcile.Op) {
	w.t.Helper()
	n := w.node(host)
	l := n.Live["r0"]
	switch o := op.(type) {
	case reconcile.Write:
		n.Files[o.Path] = o.File
	case CreateMetadata:
		if !n.Devices[o.Device.Path].Blank() {
			w.t.Errorf("%s: metadata over %s", host, n.Devices[o.Device.Path].Holds())
		}
		w.metadata(n, max(o.Peers, 1))
	case Leave:
		if l != nil && l.Role == "Primary" {
			w.t.Errorf("%s is taken down while it is Primary", host)
		}
		delete(n.Live, "r0")
	case Part:
		for _, g := range o.Gone {
			if m := w.have.node(g.Name); m != nil && m.Live["r0"] != nil {
				w.t.Errorf("%s lets go of %s, which is up", host, g.Name)
			}
			if o.Forget {
				delete(w.peers[host], g.Name)
				if w.dies {
					continue
				}
				s := n.Slots["r0/0"]
				s.Used = slices.DeleteFunc(slices.Clone(s.Used), func(id int) bool { return id == g.ID })
				n.Slots["r0/0"] = s
			}
		}
	case Adjust:
		if o.Careful || o.Wait {
			w.t.Errorf("%s: %s: it would wait for a node that is not there", host, o)
		}
		w.adjust(n)
	case reconcile.Command:
		switch strings.Join(o.Argv, " ") {
		case "modprobe drbd":
		case "drbdadm up r0":
			w.up(n, "Inconsistent")
		default:
			w.t.Errorf("%s: %s is unknown here", host, o)
		}
	default:
		w.t.Errorf("%s: %T: %s is unknown here", host, op, op)
	}
	w.settle()
	good := 0
	for _, m := range w.have.Nodes {
		if l := m.Live["r0"]; l != nil && l.Volumes[0].Disk == "UpToDate" {
			good++
		}
	}
	if l := w.node("node1").Live["r0"]; good == 0 || l == nil || l.Role != "Primary" {
		w.t.Errorf("after %s on %s: %d good copies; node1, which is in use, has %+v", op, host, good, l)
	}
}

// apply does what is planned until nothing is, or until so many operations were done.
func (w *world) apply(want State, most int) (done int) {
	w.t.Helper()
	w.have.Resources = want.Resources
	for range 5 {
		steps, err := New("").Plan(want, w.have)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(steps) == 0 {
			return done
		}
		for len(steps) > 0 {
			i := slices.IndexFunc(steps, func(s reconcile.Step) bool {
				return !slices.ContainsFunc(steps, func(before reconcile.Step) bool {
					return before.ID != s.ID && slices.ContainsFunc(before.Changes, func(c reconcile.Change) bool { return slices.Contains(s.Needs, c.Object) })
				})
			})
			if i < 0 {
				w.t.Fatalf("steps that wait for each other: %v", steps)
			}
			for _, op := range steps[i].Ops {
				if done == most {
					return done
				}
				done++
				w.do(steps[i].Host, op)
				if _, ok := op.(Part); ok && w.dies {
					w.dies = false
					return done
				}
			}
			if steps[i].Pending != "" {
				w.t.Fatalf("%s: %s", steps[i].ID, steps[i].Pending)
			}
			steps = slices.Delete(steps, i, i+1)
		}
	}
	w.t.Fatal("it does not come to an end")
	return done
}

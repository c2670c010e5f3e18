package drbd

import (
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// A peer that vanishes in the middle of the first sync: nothing is done without it, nothing is made good that is not, and what is left is done once it is
// back.
func TestPeerVanishes(t *testing.T) {
	want := desired(t, managed)
	for _, c := range []struct {
		gone, left string // which machine, and what the other says then
	}{
		{"node2", "node1: node2 is not connected (Connecting)"},
		{"node1", "node2: volume 0 is Inconsistent; node2: node1 is not connected (Connecting)"},
	} {
		for _, made := range []bool{true, false} { // the apply was still at it, or had handed over
			have := recorded(t, want, "syncing", "node1", "node2")
			for i := range have.Nodes {
				n := &have.Nodes[i]
				if made {
					n.Marks["r0"] = "owner default"
				}
				if n.Name == c.gone {
					*n = NodeState{Name: n.Name, Unobserved: "no answer"}
					continue
				}
				p := &n.Live["r0"].Peers[0]
				p.Connection, p.Volumes = "Connecting", map[int]PeerVolume{0: {Replication: "Off", Disk: "DUnknown"}}
			}
			steps, err := New("").Plan(want, have)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if len(s.Ops) > 0 || s.Pending != "known after "+c.gone+" can be reached" {
					t.Errorf("without %s: %s, %v", c.gone, s.ID, s.Ops)
				}
			}
			if made == (len(steps) == 0) {
				t.Errorf("without %s, still being made: %v, and %d steps", c.gone, made, len(steps))
			}
			if h := (Driver{}).Status(have); !strings.Contains(h[0].Text, c.left) || h[0].Level < reconcile.Degraded {
				t.Errorf("without %s: %+v", c.gone, h)
			}

			// It is back after its boot: down, with its metadata.
			back := recorded(t, want, "syncing", "node1", "node2")
			n := back.node(c.gone)
			delete(n.Live, "r0")
			n.Adjust = nil
			for i := range back.Nodes {
				if made {
					back.Nodes[i].Marks["r0"] = "owner default"
				}
			}
			got := printed(t, want, back)
			if strings.Contains(got, "create-md") || made != strings.Contains(got, "$ drbdadm up r0") || made != strings.Contains(got, "hand-over") {
				t.Errorf("%s is back, still being made: %v\n%s", c.gone, made, got)
			}
		}
	}
}

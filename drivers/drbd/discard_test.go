package drbd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

func discarding(t *testing.T, text, victim string) State {
	t.Helper()
	v, err := ParseVictim(victim)
	if err != nil {
		t.Fatal(err)
	}
	want, err := New("").Discarding(v).Desired(load(t, text), secret("s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// The victim, a Secondary, loses what it wrote; the survivor, in use, is only connected. Nothing but the victim's name allows it.
func TestDiscard(t *testing.T) {
	want := discarding(t, managed, "DRBDResource/r0=node2")
	have := recorded(t, want, "split-brain", "node1", "node2")
	const expected = `drbd node2 discard r0 [data-loss]
  update DRBDResource/r0 split brain: node2 has the generation BEC7B538AED991C0, with 1024 KiB changed since -> the copy of node1, generation D9E8FE96AE8C7886
  $ drbdadm connect --discard-my-data r0 (if it is Secondary, and still of the generation BEC7B538AED991C0)
drbd node1 reconnect r0 [reload]
  reload drbd/node1/r0 connection: StandAlone -> Connected, copying to node2
  after DRBDResource/r0
  $ drbdadm connect r0 (if it is UpToDate, and still of the generation D9E8FE96AE8C7886), wait for the copy
`
	if diff := cmp.Diff(expected, printed(t, want, have)); diff != "" {
		t.Error(diff)
	}
	steps, err := New("").Plan(want, have)
	if err != nil {
		t.Fatal(err)
	}
	plan := &reconcile.Plan{}
	for _, s := range steps {
		plan.Steps = append(plan.Steps, reconcile.PlannedStep{Step: s})
	}
	if rest := reconcile.Ungated(plan.Gates(), []reconcile.Allow{{Risk: reconcile.DataLoss, Object: "DRBDResource/r0"}}); len(rest) != 1 {
		t.Errorf("the resource's name alone opens %v", plan.Gates())
	}
	if rest := reconcile.Ungated(plan.Gates(), []reconcile.Allow{Victim{"r0", "node2"}.Allow()}); len(rest) != 0 {
		t.Errorf("the victim's name leaves %v", rest)
	}

	// killed after the victim's step: it waits for the other, and the same comes again
	have.Nodes[1].Live["r0"].Peers[0].Connection, have.Nodes[1].Adjust = "Connecting", nil
	if diff := cmp.Diff(expected, printed(t, want, have)); diff != "" {
		t.Error(diff)
	}
	// done: nothing
	if got := printed(t, want, recorded(t, want, "uptodate", "node1", "node2")); got != "" {
		t.Errorf("connected, and yet: %s", got)
	}
}

// Whatever is not sure keeps both copies as they are.
func TestDiscardRefused(t *testing.T) {
	for _, c := range []struct {
		name, victim string
		state        string
		change       func(have State)
		text         string
	}{
		{"the one in use", "node1", "split-brain", nil, "r0 is Primary on node1, and hactl demotes nothing"},
		{"mounted", "node1", "split-brain", func(h State) {
			h.Nodes[0].Devices["/dev/drbd0"] = block.Device{Path: "/dev/drbd0", Mounts: []string{"/srv"}}
		}, "r0 is Primary on node1 and mounted on /srv, and hactl demotes nothing"},
		{"disconnected by hand", "node2", "standalone", nil, "no split brain is seen: node1 is Connecting, node2 is StandAlone"},
		{"a secret that differs", "node2", "authentication", nil, "no split brain is seen"},
		{"no node of it", "node3", "split-brain", nil, "node3 is none of its nodes"},
		{"the only good copy", "node2", "split-brain", func(h State) { h.Nodes[0].Live["r0"].Volumes[0] = Volume{Disk: "Inconsistent"} },
			"volume 0 of node1 is Inconsistent and not UpToDate, so the only good copy may be that of node2"},
		{"no disk", "node2", "split-brain", func(h State) { h.Nodes[1].Live["r0"].Volumes[0] = Volume{Disk: "Diskless"} }, "volume 0 has no disk on node2"},
		{"down", "node2", "split-brain", func(h State) { delete(h.Nodes[0].Live, "r0") }, "r0 is down on node1"},
		{"in the making", "node2", "split-brain", func(h State) { h.Nodes[0].Marks["r0"] = "owner default" }, "r0 is still being made on node1"},
		{"away", "node2", "split-brain", func(h State) { h.Nodes[0] = NodeState{Name: "node1", Unobserved: "no answer"} }, "node1 did not answer"},
		{"on its way", "node2", "split-brain", func(h State) { h.Nodes[1].Live["r0"].Peers[0].Connection = "Unconnected" }, "node2 is Unconnected"},
	} {
		want := discarding(t, managed, "DRBDResource/r0="+c.victim)
		have := recorded(t, want, c.state, "node1", "node2")
		if c.change != nil {
			c.change(have)
		}
		got := printed(t, want, have)
		if !strings.HasPrefix(got, "error: m.yaml:6:1: DRBDResource r0: --discard DRBDResource/r0="+c.victim+": ") || !strings.Contains(got, c.text) || !strings.HasSuffix(got, "Nothing was changed\n") {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	for _, text := range []string{"", "r0=node2", "DRBDResource/r0", "DRBDResource/=node2", "DRBDResource/r0="} {
		if v, err := ParseVictim(text); err == nil {
			t.Errorf("%q is %v", text, v)
		}
	}
	if _, err := New("").Discarding(Victim{"r1", "node2"}).Desired(load(t, managed), secret("s3cret")); err == nil || !strings.Contains(err.Error(), "no DRBDResource r1") {
		t.Errorf("a resource that is not there: %v", err)
	}
	if _, err := New("").Discarding(Victim{"r0", "node1"}, Victim{"r0", "node2"}).Desired(load(t, managed), secret("s3cret")); err == nil || !strings.Contains(err.Error(), "one copy must stay") {
		t.Errorf("both copies: %v", err)
	}
}

// New metadata, and a disk that was replaced, are no split brain, whatever the other has seen since.
func TestNoSplit(t *testing.T) {
	have := State{Nodes: []NodeState{{Name: "a", Metadata: map[string]string{"r0/0": "716E02A79F71B987:7A0AA4B2150A8D68:6A0AA4B2150A8D68:5A0AA4B2150A8D68:1"}},
		{Name: "b", Metadata: map[string]string{"r0/0": "0000000000000004:0000000000000000:0000000000000000:0000000000000000:0"}}}}
	if s := findSplit(have, "r0"); s != nil {
		t.Error(s)
	}
	have.Nodes[1].Metadata["r0/0"] = "9A0AA4B2150A8D68:0000000000000000:0000000000000000:0000000000000000:0"
	if s := findSplit(have, "r0"); s == nil {
		t.Error("two foreign generations are none")
	}
}

package drbd

import (
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// What no manifest tells is told and nothing else.
func TestForeign(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "uptodate", "node1", "node2")
	n := &have.Nodes[0]
	n.Live["theirs"] = &Live{Role: "Primary"}
	n.Files[confDir+"/theirs.res"] = reconcile.File{Content: reconcile.Plain("resource theirs { device /dev/drbd9; disk /dev/vg0/x; meta-disk internal; on node1 { address 10.0.0.1:7789; } on node2 { address 10.0.0.2:7789; } }")}
	if got := printed(t, want, have); got != "" {
		t.Errorf("a foreign resource is touched:\n%s", got)
	}
	notes := (Driver{}).Notes(want, have)
	if len(notes) != 1 || notes[0].Kind != reconcile.NoteUnmanaged || notes[0].Object != Ref("theirs") {
		t.Errorf("%+v", notes)
	}
}

// A file that somebody else made: equal, it stays; different, it is taken over if that is allowed; in another place, it is not touched.
func TestAdopt(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "uptodate", "node1", "node2")
	for i := range have.Nodes {
		n := &have.Nodes[i]
		text := n.Files[confPath("r0")].Content.Reveal()
		n.Files[confPath("r0")] = reconcile.File{Content: secretMarked("# by hand\n" + text[strings.IndexByte(text, '\n'):]), Mode: 0o644}
	}
	if got := printed(t, want, have); got != "" {
		t.Errorf("an equal file is not left alone:\n%s", got)
	}
	other := desired(t, strings.Replace(managed, "detach", "pass_on", 1))
	if got := printed(t, other, have); !strings.HasPrefix(got, "drbd node1 file r0 [adopt]\n  adopt file/node1/etc/drbd.d/r0.res disk/on-io-error: detach -> pass_on\n") {
		t.Error(got)
	}
	for i := range have.Nodes {
		n := &have.Nodes[i]
		n.Files[confDir+"/all.res"] = n.Files[confPath("r0")]
		delete(n.Files, confPath("r0"))
	}
	if got := printed(t, want, have); got != "" {
		t.Errorf("an equal resource elsewhere is not left alone:\n%s", got)
	}
	if got := printed(t, other, have); !strings.Contains(got, "error: m.yaml:6:1: DRBDResource r0: node1: the resource stands in /etc/drbd.d/all.res:3:1 and differs (r0/disk/on-io-error)") {
		t.Error(got)
	}
}

// Unknown is never absent.
func TestAway(t *testing.T) {
	want := desired(t, managed)
	have := blank(want, "node1", "node2")
	have.Nodes[1] = NodeState{Name: "node2", Unobserved: "no answer"}
	steps, err := New("").Plan(want, have)
	if err != nil || len(steps) == 0 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	for _, s := range steps {
		if s.Pending != "known after node2 can be reached" || s.Ops != nil {
			t.Errorf("%s: %q, %d operations", s.ID, s.Pending, len(s.Ops))
		}
	}
	if refs := (Driver{}).Provides(have); len(refs) > 0 {
		t.Errorf("provided: %v", refs)
	}
	if refs := (Driver{}).Provides(recorded(t, want, "diskless", "node1", "node2")); !slices.Contains(refs, Ref("r0")) {
		t.Error("a disk that is lost takes the resource from those who need it")
	}
	have = recorded(t, want, "uptodate", "node1", "node2")
	have.Nodes[1] = NodeState{Name: "node2", Unobserved: "no answer"}
	if refs := (Driver{}).Provides(have); !slices.Contains(refs, Ref("r0")) || !slices.Contains(refs, block.Ref("node1", "/dev/drbd0")) {
		t.Errorf("a node that is down takes %s from those who need it: %v", Ref("r0"), refs)
	}
}

// A disk that another manifest makes is waited for; what is not installed, too.
func TestLater(t *testing.T) {
	want := desired(t, managed+`---
apiVersion: hactl/v1
kind: VolumeGroup
metadata: {name: vg0}
spec: {nodes: [node1, node2], physicalVolumes: [{devices: {node1: /dev/vdb, node2: /dev/vdb}}], volumes: [{name: r0, size: 64M}]}
`)
	have := blank(want, "node1", "node2")
	have.Nodes[0].Devices["/dev/vg0/r0"] = block.Device{Path: "/dev/vg0/r0"}
	steps, err := New("").Plan(want, have)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(steps, func(s reconcile.Step) bool { return s.ID == "drbd node1 metadata r0" })
	if i < 0 || steps[i].Pending != "known after VolumeGroup/vg0 makes /dev/vg0/r0" || !slices.Contains(steps[i].Needs, block.Ref("node1", "/dev/vg0/r0")) {
		t.Errorf("%+v", steps)
	}
	for what, change := range map[string]func(n *NodeState){
		"known after drbd-utils is installed":        func(n *NodeState) { n.Tools = false },
		"known after the kernel has the module drbd": func(n *NodeState) { n.Kernel = "" },
	} {
		have := blank(want, "node1", "node2")
		change(&have.Nodes[1])
		if got := printed(t, want, have); !strings.Contains(got, what) || strings.Contains(got, "$") {
			t.Errorf("%q is not in\n%s", what, got)
		}
	}
}

package lvm

import (
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// Pruning removes what carries the owner's tag and is wanted no more, and nothing else.
func TestPrune(t *testing.T) {
	s := localSim(t)
	want := wantOf(t, localGroup)
	if _, err := s.apply(want, -1); err != nil {
		t.Fatal(err)
	}
	d := New("default").Pruning()
	less := wantOf(t, strings.Replace(localGroup, "  - {name: data, size: 99M, filesystem: {type: ext4}}\n", "", 1))
	less.Prune = true
	st, err := d.Plan(less, s.observe(less))
	if err != nil || len(st) != 2 {
		t.Fatalf("%v %v", st, err)
	}
	for _, x := range st {
		if c := x.Changes[0]; c.Risk != reconcile.DataLoss || !c.ByName || c.Whole != Ref("vg0") || c.Object != block.Ref(x.Host, "/dev/vg0/data") || len(x.Ops) != 1 {
			t.Errorf("%+v", x)
		}
	}
	for prune, want := range map[bool]int{true: 0, false: 2} {
		less.Prune = prune
		if notes := d.Notes(less, s.observe(less)); len(notes) != want {
			t.Errorf("prune %t: what is removed is not told to be left alone, and what is not removed is: %v", prune, notes)
		}
	}
	less.Prune = true
	used := s.observe(less)
	used.Machines[0].Groups[0].volume("data").Open = true
	if st, err = d.Plan(less, used); err != nil || len(st) != 2 || !strings.Contains(st[0].Pending, "vg0/data is in use on n1") || len(st[0].Ops) != 0 {
		t.Errorf("a volume in use: %v %+v", err, st)
	}
	g := s.named("n2", "vg0")
	g.Tags = slices.DeleteFunc(g.Tags, func(t string) bool { return strings.HasPrefix(t, ownerTag) })
	nothing := State{Cluster: "lab", Owner: "default", Prune: true, Members: []string{"n1", "n2"}}
	if st, err = d.Plan(nothing, s.observe(nothing)); err != nil || len(st) != 1 || st[0].Host != "n1" {
		t.Fatalf("%v %v", st, err)
	}
	kept := s.named("n1", "vg0")
	kept.Tags = append(kept.Tags, keepTag)
	if _, err := d.Plan(nothing, s.observe(nothing)); err == nil || !strings.Contains(err.Error(), "VolumeGroup/vg0 any more, and it is protected") {
		t.Errorf("a protected group: %v", err)
	}
	for _, op := range st[0].Ops {
		if err := s.do("n1", op); err != nil {
			t.Fatal(err)
		}
	}
	if s.named("n1", "vg0") != nil || s.named("n2", "vg0") == nil {
		t.Error("not that of n1 alone was removed")
	}
}

// What somebody else made in a group that goes stays, and the group with it; a volume that would take it along waits.
func TestPruneLeavesForeignVolumes(t *testing.T) {
	s := localSim(t)
	want := wantOf(t, strings.Replace(localGroup, "  - {name: rest, size: 100%FREE}\n", "", 1))
	if _, err := s.apply(want, -1); err != nil {
		t.Fatal(err)
	}
	if err := s.run("n1", []string{"lvcreate", "--name", "theirs", "--size", "8M", "vg0"}); err != nil {
		t.Fatal(err)
	}
	nothing := State{Cluster: "lab", Owner: "default", Prune: true, Members: []string{"n1"}}
	have := s.observe(nothing)
	have.Machines = have.Machines[:1]
	got := steps(t, nothing, have)
	for _, w := range []string{"$ lvremove --yes vg0/data", "$ lvremove --yes vg0/pool", "$ vgchange --deltag hactl.owner=default"} {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in the plan:\n%s", w, got)
		}
	}
	if strings.Contains(got, "theirs") || strings.Contains(got, "vgremove") {
		t.Errorf("what somebody else made goes:\n%s", got)
	}
	have.Machines[0].Groups[0].volume("theirs").Pool = "pool"
	if got := steps(t, nothing, have); strings.Contains(got, "$") || !strings.Contains(got, "… vg0/theirs would go with pool") {
		t.Errorf("it goes with its pool:\n%s", got)
	}
}

// LVM removes with a pool what is in it, and with a volume its snapshots: the command for these would fail then.
func TestPruneOrder(t *testing.T) {
	f := &FoundGroup{Name: "vg0"}
	s := removal(&Machine{Name: "n1"}, f, []FoundVolume{{Name: "data"}, {Name: "pool", Layout: poolLayout}, {Name: "thin", Pool: "pool"},
		{Name: "snap", Origin: "data"}, {Name: "later", Pool: "pool"}}, false)
	var got []string
	for _, c := range s.Changes {
		got = append(got, strings.TrimPrefix(c.Object.String(), "BlockDevice/n1/dev/vg0/"))
	}
	if want := "snap thin later data pool"; strings.Join(got, " ") != want {
		t.Errorf("%v, not %s", got, want)
	}
}

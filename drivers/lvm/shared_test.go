package lvm

import (
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// A group that Pacemaker activates: made on one node, handed over, and not touched wherever it runs.
func TestHandedOver(t *testing.T) {
	want := wantOf(t, sharedGroup)
	s := sharedSim(t)
	plan := steps(t, want, s.observe(want))
	for _, w := range []string{"lvm n2 settings", "--setautoactivation n", "$ vgchange -an vg_ha", "lvm n2 vg_ha disk /dev/disk/by-id/lun\n  $ partx -u /dev/disk/by-id/lun"} {
		if !strings.Contains(plan, w) {
			t.Errorf("%q is not in the plan:\n%s", w, plan)
		}
	}
	if _, err := s.apply(want, -1); err != nil {
		t.Fatal(err)
	}
	g := s.named("n1", "vg_ha")
	if g.active["n1"]["lv"] || g.Autoactivation || isNew(g.Tags) {
		t.Errorf("it was not handed over: %+v", g)
	}
	if refs := New("default").Provides(s.observe(want)); !slices.Contains(refs, Ref("vg_ha")) {
		t.Errorf("a complete group is not provided: %v", refs)
	}
	// Pacemaker moves it.
	g.SystemID, g.active["n2"] = "n2", map[string]bool{"lv": true}
	if plan := steps(t, want, s.observe(want)); plan != "" {
		t.Errorf("with the group on n2:\n%s", plan)
	}
	// One more disk and volume: on its owner, and what is active stays so.
	s.disk("lun2", "/dev/disk/by-id/lun2", "n1", "n2")
	more := wantOf(t, strings.Replace(sharedGroup, "partition: true}]", "partition: true}, {device: /dev/disk/by-id/lun2}]", 1))
	plan = steps(t, more, s.observe(more))
	for _, w := range []string{"lvm n2 vg_ha group\n  $ vgextend vg_ha /dev/disk/by-id/lun2", "$ lvextend -l +100%FREE vg_ha/lv"} {
		if !strings.Contains(plan, w) {
			t.Errorf("%q is not in the plan:\n%s", w, plan)
		}
	}
	if strings.Contains(plan, "-an") || strings.Contains(plan, "-ay") {
		t.Errorf("the activation is changed:\n%s", plan)
	}
	// Its owner is away.
	have := s.observe(more)
	have.Machines[1] = Machine{Name: "n2", Unobserved: "no answer"}
	if plan := steps(t, more, have); strings.Contains(plan, "$") || !strings.Contains(plan, "n2 does not answer") {
		t.Errorf("without the owner:\n%s", plan)
	}
}

// A node that is down keeps nobody from using a group that the others have; with all down nobody knows.
func TestProvidesWithoutANode(t *testing.T) {
	want := wantOf(t, localGroup)
	s := localSim(t)
	if _, err := s.apply(want, -1); err != nil {
		t.Fatal(err)
	}
	have := s.observe(want)
	provided := func() bool { return slices.Contains(New("default").Provides(have), Ref("vg0")) }
	have.Machines[1] = Machine{Name: "n2", Unobserved: "no answer"}
	if !provided() {
		t.Error("not provided with n2 down")
	}
	have.Machines[0] = Machine{Name: "n1", Unobserved: "no answer"}
	if provided() {
		t.Error("provided with all down")
	}
	st, err := New("default").Plan(want, have)
	if err != nil || len(st) != 2 || !slices.ContainsFunc(st[0].Changes, func(c reconcile.Change) bool { return c.Object == Ref("vg0") }) {
		t.Errorf("nothing to wait for: %v %v", st, err)
	}
}

// Nodes that mean different disks are told so.
func TestSharedOtherDisk(t *testing.T) {
	s := newSim(t, "n1", "n2")
	s.disk("lun", "/dev/disk/by-id/lun", "n1")
	s.disk("other", "/dev/disk/by-id/lun", "n2")
	want := wantOf(t, sharedGroup)
	if got := steps(t, want, s.observe(want)); !strings.Contains(got, "is the disk lun on n1 and other on n2") {
		t.Errorf("%s", got)
	}
}

// A group under a lock manager waits until that runs, and uses it then.
func TestLockManager(t *testing.T) {
	want := wantOf(t, lockedGroup)
	s := sharedSim(t)
	if got := steps(t, want, s.observe(want)); !strings.Contains(got, "… known after lvmlockd and dlm_controld runs on n1") || !strings.Contains(got, "$ write "+confPath) || strings.Contains(got, "vgcreate") {
		t.Errorf("without it:\n%s", got)
	}
	s = lockedSim(t)
	if got := steps(t, want, s.observe(want)); !strings.Contains(got, "vgcreate --addtag hactl.owner=default --addtag hactl.new --setautoactivation n --locktype dlm vg_ha") {
		t.Errorf("with it:\n%s", got)
	}
	if _, err := s.apply(want, -1); err != nil {
		t.Fatal(err)
	}

	// It is mounted on both nodes, and gets a disk. A gfs2 does not say how large it is: that it has to grow is noted before its volume does.
	g := s.named("n1", "vg_ha")
	g.active["n1"], g.active["n2"] = map[string]bool{"lv": true}, map[string]bool{"lv": true}
	s.disk("lun2", "/dev/disk/by-id/lun2", "n1", "n2")
	more := wantOf(t, strings.Replace(lockedGroup, "partition: true}]", "partition: true}, {device: /dev/disk/by-id/lun2}]", 1))
	mounted := func() State {
		have := s.observe(more)
		d := have.Machines[0].Devices["/dev/vg_ha/lv"]
		d.Mounts = []string{"/srv"}
		have.Machines[0].Devices["/dev/vg_ha/lv"] = d
		return have
	}
	got := steps(t, more, mounted())
	for _, w := range []string{"$ vgchange --lockstart vg_ha\n  $ vgextend vg_ha /dev/disk/by-id/lun2", "$ lvchange --addtag hactl.grow vg_ha/lv\n  $ lvextend -l +100%FREE vg_ha/lv",
		"$ grow gfs2 on /dev/vg_ha/lv\n  $ lvchange --deltag hactl.grow vg_ha/lv"} {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in the plan:\n%s", w, got)
		}
	}
	for _, argv := range [][]string{{"vgextend", "vg_ha", "/dev/disk/by-id/lun2"}, {"lvchange", "--addtag", "hactl.grow", "vg_ha/lv"}, {"lvextend", "-l", "+100%FREE", "vg_ha/lv"}} {
		if err := s.run("n1", argv); err != nil {
			t.Fatal(err)
		}
	}
	if got := steps(t, more, mounted()); !strings.HasPrefix(got, "lvm n1 vg_ha file systems\n  $ vgchange --lockstart vg_ha\n  $ grow gfs2") {
		t.Errorf("killed before the file system grew:\n%s", got)
	}
	if err := s.run("n1", []string{"lvchange", "--deltag", "hactl.grow", "vg_ha/lv"}); err != nil {
		t.Fatal(err)
	}
	if got := steps(t, more, mounted()); got != "" {
		t.Errorf("in the end:\n%s", got)
	}
}

package cib

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/lvm"
	"github.com/hactl/hactl/reconcile"
)

// The lock manager of a volume group comes before the group, and what lies on it after it: in one apply, in two changes of the CIB.
func TestLockManagerFirst(t *testing.T) {
	files, err := v1.ReadPaths([]string{"../../examples/s11-gfs2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := v1.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	want, err := New("default").Desired(sets[0], secretValues("hush"))
	if err != nil {
		t.Fatal(err)
	}
	var later []string
	for _, r := range want.Later {
		later = append(later, r.Name)
	}
	if got := strings.Join(later, " "); got != "gfs2_vg gfs2_lv gfs2_fs locking-before-gfs2 gfs2-with-locking" {
		t.Errorf("later: %s", got)
	}
	have := observed(want, live("pacemaker-3.9", "", "", ""))
	first := steps(t, want, have)
	change, then := first[len(first)-2], first[len(first)-1]
	patch := patchOf(first)
	if text := fmt.Sprint(patch); !strings.Contains(text, "lvmlockd") || strings.Contains(text, "LVM-activate") || patch.Judged != "" {
		t.Errorf("the first change:\n%s", text)
	}
	if !slices.Contains(change.Needs, lvm.Settings("node1")) || slices.Contains(change.Needs, lvm.Ref("vg_gfs2")) {
		t.Errorf("it needs %v", change.Needs)
	}
	if !slices.Contains(then.Needs, lvm.Ref("vg_gfs2")) || then.Pending != "known after VolumeGroup/vg_gfs2 is there" || len(then.Changes) == 0 {
		t.Errorf("what comes later: %+v", then)
	}

	have = observed(want, carriedOut(t, have, first))
	second := steps(t, want, have)
	if len(second) != 1 || !slices.Contains(second[0].Needs, lvm.Ref("vg_gfs2")) || !strings.Contains(fmt.Sprint(patchOf(second)), "LVM-activate") {
		t.Fatalf("the second round: %+v", second)
	}
	for _, c := range second[0].Changes { // what an apply asks for in its first plan
		if !slices.ContainsFunc(then.Changes, func(x reconcile.Change) bool { return x.Object == c.Object && x.Action == c.Action }) {
			t.Errorf("not approved: %+v", c)
		}
	}
	have = observed(want, carriedOut(t, have, second))
	if left := steps(t, want, have); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

// What follows a resource on such a group comes later, too: by order, by colocation, by its group, by name. What does not, does not.
func TestWhatFollows(t *testing.T) {
	want := desired(t, head+`kind: VolumeGroup
metadata: {name: my-vg}
spec: {shared: true, lockType: dlm, physicalVolumes: [{device: /dev/vdb}]}
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: G}
spec:
  resources:
  - {name: before, agent: "ocf:pacemaker:Dummy"}
  - {name: fs, agent: "ocf:heartbeat:Filesystem", params: {device: /dev/mapper/my--vg-data, directory: /srv, fstype: gfs2}}
  - {name: after, agent: "ocf:pacemaker:Dummy"}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: ordered}
spec: {agent: "ocf:pacemaker:Dummy", clone: {}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: placed}
spec: {agent: "ocf:pacemaker:Dummy"}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: away}
spec: {agent: "ocf:pacemaker:Dummy"}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: set}
spec: {order: {sets: [{resources: [before, fs]}, {resources: [ordered-clone]}]}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: with}
spec: {colocation: {resource: placed, with: ordered-clone, score: "100"}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: apart}
spec: {colocation: {resource: away, with: placed, score: "-INFINITY"}}
---
apiVersion: hactl/v1
kind: Tag
metadata: {name: tagged}
spec: {objects: [placed, away]}
`)
	var later []string
	for _, r := range want.Later {
		later = append(later, r.Name)
	}
	if got := strings.Join(later, " "); got != "fs after ordered placed set with apart tagged" {
		t.Errorf("later: %s", got)
	}
}

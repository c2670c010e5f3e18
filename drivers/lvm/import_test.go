package lvm

import (
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// What is imported from machines plans to nothing but taking over.
func TestImport(t *testing.T) {
	s := localSim(t)
	want := wantOf(t, localGroup)
	if _, err := s.apply(want, -1); err != nil {
		t.Fatal(err)
	}
	for _, g := range s.groups {
		g.Tags = nil
	}
	have := s.observe(want)
	for i := range have.Machines { // by the names that LVM has for them
		m := &have.Machines[i]
		for _, d := range m.Groups[0].Disks {
			m.Devices[d.Name] = block.Device{Path: d.Name, Real: d.Real, Type: "disk", Size: 512 << 20}
		}
	}
	into := &v1.Manifests{Cluster: &v1.Cluster{}}
	into.Cluster.Metadata.Name = "lab"
	if _, err := New("default").Import(have, into); err != nil || len(into.VolumeGroups) != 1 {
		t.Fatalf("%v: %v", into.VolumeGroups, err)
	}
	again, err := New("default").Desired(into, nil)
	if err != nil {
		t.Fatal(err)
	}
	st, err := New("default").Plan(again, have)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range st {
		for _, c := range x.Changes {
			if c.Risk != reconcile.Safe || c.Action != reconcile.Adopt {
				t.Errorf("%s: %+v", x.ID, c)
			}
		}
	}
	v := into.VolumeGroups[0]
	if v.Spec.Shared || len(v.Spec.Nodes) != 2 || len(v.Spec.Volumes) != 4 {
		t.Errorf("%+v", v.Spec)
	}
}

// A shared group is one object, with the system IDs that its nodes have.
func TestImportShared(t *testing.T) {
	s := sharedSim(t)
	want := wantOf(t, sharedGroup)
	if _, err := s.apply(want, -1); err != nil {
		t.Fatal(err)
	}
	have := s.observe(want)
	for i := range have.Machines {
		m := &have.Machines[i]
		d := m.Groups[0].Disks[0]
		m.Devices[d.Name] = block.Device{Path: d.Name, Real: d.Real}
	}
	into := &v1.Manifests{Cluster: &v1.Cluster{}}
	into.Cluster.Metadata.Name = "lab"
	if _, err := New("default").Import(have, into); err != nil || len(into.VolumeGroups) != 1 {
		t.Fatalf("%v: %v", into.VolumeGroups, err)
	}
	if v := into.VolumeGroups[0]; !v.Spec.Shared || v.Spec.SystemIDSource != "uname" || v.Spec.PhysicalVolumes[0].Device == "" {
		t.Errorf("%+v", v.Spec)
	}
	again, err := New("default").Desired(into, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := steps(t, again, have); got != "" {
		t.Errorf("the plan after it:\n%s", got)
	}
}

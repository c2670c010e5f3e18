package lvm

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drivertest"
	"github.com/hactl/hactl/reconcile"
)

const localGroup = `apiVersion: hactl/v1
kind: VolumeGroup
metadata: {name: vg0}
spec:
  physicalVolumes: [{device: /dev/disk/by-id/a}, {device: /dev/sdb, partition: true}]
  volumes:
  - {name: rest, size: 100%FREE}
  - {name: t1, size: 4G, type: thin, thinPool: pool}
  - {name: data, size: 99M, filesystem: {type: ext4}}
  - {name: pool, size: 200M, type: thin-pool}
`

const sharedGroup = `apiVersion: hactl/v1
kind: VolumeGroup
metadata: {name: vg_ha}
spec:
  shared: true
  systemIDSource: uname
  physicalVolumes: [{device: /dev/disk/by-id/lun, partition: true}]
  volumes: [{name: lv, size: 100%FREE, filesystem: {type: xfs}}]
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: g}
spec:
  resources: [{name: lvm, agent: "ocf:heartbeat:LVM-activate", params: {vgname: vg_ha, vg_access_mode: system_id}}]
`

func localSim(t *testing.T) *sim {
	s := newSim(t, "n1", "n2")
	for _, n := range s.nodes {
		s.disk("id-a-"+n, "/dev/disk/by-id/a", n)
		s.disk("id-b-"+n, "/dev/sdb", n)
	}
	return s
}

var lockedGroup = strings.NewReplacer("systemIDSource: uname", "lockType: dlm", "vg_access_mode: system_id", "vg_access_mode: lvmlockd",
	"{type: xfs}", "{type: gfs2, lockTable: \"lab:x\"}").Replace(sharedGroup)

func lockedSim(t *testing.T) *sim {
	s := sharedSim(t)
	s.daemons = []string{"lvmlockd", "dlm_controld"}
	return s
}

func sharedSim(t *testing.T) *sim {
	s := newSim(t, "n1", "n2")
	s.disk("lun", "/dev/disk/by-id/lun", "n1", "n2")
	return s
}

// From blank disks; killed after any operation, the next run goes on to the same end, and plans nothing then.
func TestKilledAnywhere(t *testing.T) {
	for name, c := range map[string]struct {
		manifest string
		make     func(*testing.T) *sim
	}{"local": {localGroup, localSim}, "shared": {sharedGroup, sharedSim}, "with a lock manager": {lockedGroup, lockedSim}} {
		t.Run(name, func(t *testing.T) {
			want := wantOf(t, c.manifest)
			whole := c.make(t)
			total, err := whole.apply(want, -1)
			if err != nil || total < 5 {
				t.Fatalf("%d operations: %v", total, err)
			}
			end := state(t, whole, want)
			for k := range total {
				s := c.make(t)
				if _, err := s.apply(want, k); !errors.Is(err, errDied) {
					t.Fatalf("died after %d: %v", k, err)
				}
				if _, err := s.apply(want, -1); err != nil {
					t.Errorf("after a death behind %d operations: %v", k, err)
				} else if got := state(t, s, want); got != end {
					t.Errorf("after a death behind %d operations it ends as\n%s\nand not as\n%s", k, got, end)
				}
			}
		})
	}
}

func state(t *testing.T, s *sim, want State) string {
	t.Helper()
	have := s.observe(want)
	for i := range have.Machines {
		for j := range have.Machines[i].Groups { // tags are a set
			g := &have.Machines[i].Groups[j]
			slices.Sort(g.Tags)
			for k := range g.Volumes {
				slices.Sort(g.Volumes[k].Tags)
			}
			slices.SortFunc(g.Volumes, func(a, b FoundVolume) int { return strings.Compare(a.Name, b.Name) })
			g.UUID = ""
		}
	}
	b, err := json.MarshalIndent(have.Machines, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A snapshot that did not look at something does not say that it is absent.
func TestRecall(t *testing.T) {
	s := localSim(t)
	want := wantOf(t, localGroup)
	have := s.observe(want)
	have.Machines = have.Machines[:1]
	delete(have.Machines[0].Devices, "/dev/sdb")
	got := steps(t, want, New("default").Recall(want, have))
	if strings.Contains(got, "$") || strings.Count(got, "… "+reconcile.NotInSnapshot) != 2 {
		t.Errorf("%s", got)
	}
}

func TestLaws(t *testing.T) {
	files, err := v1.ReadPaths([]string{"../../api/v1/testdata/good/storage.yaml"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := v1.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	drivertest.Run(t, reconcile.Of(New("default")), sets[0])
	drivertest.Run(t, reconcile.Of(New("default").Pruning()), sets[0])
}

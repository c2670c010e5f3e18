package lvm

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
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
	}{"local": {localGroup, localSim}, "shared": {sharedGroup, sharedSim}} {
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

func steps(t *testing.T, want, have State) string {
	t.Helper()
	st, err := New("default").Plan(want, have)
	if err != nil {
		return "error: " + err.Error()
	}
	var b strings.Builder
	for _, s := range st {
		fmt.Fprintf(&b, "%s\n", s.ID)
		if s.Pending != "" {
			fmt.Fprintf(&b, "  … %s (needs %v)\n", s.Pending, s.Needs)
		}
		for _, c := range s.Changes {
			if c.Risk > reconcile.Safe {
				fmt.Fprintf(&b, "  ! %s %s %s: %s\n", c.Risk, c.Whole, c.Action, c.Why)
			}
		}
		for _, o := range s.Ops {
			fmt.Fprintf(&b, "  $ %s\n", o)
		}
	}
	return b.String()
}

// What differs from a complete group or a blank disk, and what the plan says then. An error begins with "error:".
func TestPlan(t *testing.T) {
	const one = "apiVersion: hactl/v1\nkind: VolumeGroup\nmetadata: {name: vg0}\nspec:\n  nodes: [n1]\n  physicalVolumes: [{device: /dev/sdb}]\n" +
		"  volumes: [{name: data, size: 100M, filesystem: {type: ext4}}]\n"
	made := func(s *sim) {
		if _, err := s.apply(wantOf(t, one), -1); err != nil {
			t.Fatal(err)
		}
	}
	group := func(s *sim) *simGroup {
		for _, g := range s.groups {
			return g
		}
		return nil
	}
	for name, c := range map[string]struct {
		manifest string
		change   func(*sim)
		after    func(*State)
		want     []string // each is in the plan
		not      string   // is not
	}{
		"complete":   {manifest: one, change: made, want: []string{""}, not: "lvm"},
		"signature":  {manifest: one, change: func(s *sim) { s.disks["b"].sign = "ext4" }, want: []string{"! data-loss VolumeGroup/vg0 create: /dev/sdb on n1 holds ext4", "$ wipe ext4 from /dev/sdb; vgcreate"}},
		"partitions": {manifest: one, change: func(s *sim) { s.disks["b"].part, s.disks["b"].read["n1"] = "ext4", true }, want: []string{"error: ", "/dev/sdb is in use: gpt, used by"}},
		"unreadable": {manifest: one, after: func(h *State) {
			d := h.Machines[0].Devices["/dev/sdb"]
			d.Unreadable = "Input/output error"
			h.Machines[0].Devices["/dev/sdb"] = d
		}, want: []string{"error: ", "/dev/sdb cannot be read (Input/output error)"}},
		"absent":          {manifest: strings.ReplaceAll(one, "/dev/sdb", "/dev/sdz"), want: []string{"error: ", "there is no block device /dev/sdz on n1"}},
		"unreachable":     {manifest: one, after: func(h *State) { h.Machines[0] = Machine{Name: "n1", Unobserved: "no answer"} }, want: []string{"… n1 is unreachable"}, not: "$"},
		"no LVM":          {manifest: one, after: func(h *State) { h.Machines[0].Installed = false }, want: []string{"error: ", "n1 has no LVM; install the package lvm2"}},
		"another group's": {manifest: strings.Replace(one, "name: vg0", "name: vg1", 1), change: made, want: []string{"error: ", "/dev/sdb belongs to the volume group vg0"}},
		"larger":          {manifest: strings.Replace(one, "100M", "150M", 1), change: made, want: []string{"$ lvextend -L 159383552b vg0/data", "$ grow ext4 on /dev/vg0/data"}, not: "mkfs"},
		"smaller":         {manifest: strings.Replace(one, "100M", "50M", 1), change: made, want: []string{"error: ", "vg0/data has 100M and the manifest says 50M; hactl makes no volume smaller"}},
		"too large":       {manifest: strings.Replace(one, "100M", "5G", 1), change: made, want: []string{"error: ", "data needs", "and the group has 408M left"}},
		"another disk": {manifest: one, change: func(s *sim) {
			made(s)
			s.disk("c", "/dev/sdb", "n1")
			s.sees["n1/dev/sdc"] = [2]string{"b", "/dev/sdc"}
		}, want: []string{"error: ", "/dev/sdb was the disk b when hactl put it into the group, and is c now"}},
		"inactive":            {manifest: one, change: func(s *sim) { made(s); delete(group(s).active, "n1") }, want: []string{"$ lvchange -ay vg0/data"}, not: "mkfs"},
		"gone file system":    {manifest: one, change: func(s *sim) { made(s); group(s).fs["data"] = "" }, want: []string{"! data-loss VolumeGroup/vg0 create: hactl made ext4 on /dev/vg0/data before, and it is not found any more"}},
		"another file system": {manifest: one, change: func(s *sim) { made(s); group(s).fs["data"] = "xfs" }, want: []string{"! data-loss VolumeGroup/vg0 create: /dev/vg0/data on n1 holds xfs"}},
		"not ours":            {manifest: one, change: func(s *sim) { made(s); group(s).Tags = nil }, want: []string{"$ vgchange --addtag hactl.owner=default vg0"}, not: "!"},
		"not ours, differs":   {manifest: strings.Replace(one, "100M", "150M", 1), change: func(s *sim) { made(s); group(s).Tags = nil }, want: []string{"! adopt"}},
		"protected":           {manifest: strings.Replace(one, "{name: vg0}", "{name: vg0, protect: true}", 1), change: made, want: []string{"$ vgchange --addtag hactl.protect vg0"}},
		"another owner's":     {manifest: one, change: func(s *sim) { made(s); group(s).Tags = []string{"hactl.owner=other"} }, want: []string{"! adopt", "--deltag hactl.owner=other --addtag hactl.owner=default"}},
		"missing disk":        {manifest: strings.Replace(one, "100M", "150M", 1), change: made, after: func(h *State) { h.Machines[0].Groups[0].Missing = 1 }, want: []string{"… 1 of the disks of vg0 are missing"}, not: "$"},
		"dead disk": {manifest: one, change: made, after: func(h *State) {
			d := h.Machines[0].Devices["/dev/sdb"]
			d.Unreadable = "I/O error"
			h.Machines[0].Devices["/dev/sdb"] = d
		}, want: []string{"… /dev/sdb cannot be read: I/O error"}, not: "$"},
		"duplicate":     {manifest: one, change: made, after: func(h *State) { m := &h.Machines[0]; m.Groups = append(m.Groups, m.Groups[0]) }, want: []string{"error: ", "there are 2 groups of that name"}},
		"one more disk": {manifest: strings.Replace(one, "{device: /dev/sdb}", "{device: /dev/sdb}, {device: /dev/disk/by-id/a}", 1), change: made, want: []string{"$ vgextend vg0 /dev/disk/by-id/a"}},
		"known after a login": {manifest: strings.ReplaceAll(one, "/dev/sdb", "/dev/disk/by-id/lun") + "---\napiVersion: hactl/v1\nkind: ISCSIInitiator\nmetadata: {name: blocks}\n" +
			"spec: {target: \"iqn.2023-02.com.example:blocks\", portals: [\"10.0.0.9:3260\"], nodes: [{name: n1}]}\n", want: []string{"… known after blocks logs in", "ISCSIInitiator/blocks"}, not: "$"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, "n1", "n2")
			s.disk("a", "/dev/disk/by-id/a", "n1")
			s.disk("b", "/dev/sdb", "n1")
			if c.change != nil {
				c.change(s)
			}
			want := wantOf(t, c.manifest)
			have := s.observe(want)
			if c.after != nil {
				c.after(&have)
			}
			got := steps(t, want, have)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is not in the plan:\n%s", w, got)
				}
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("%q is in the plan:\n%s", c.not, got)
			}
			New("default").Notes(want, have)
			New("default").Status(have)
		})
	}
}

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

// A group under a lock manager waits until that runs, and uses it then.
func TestLockManager(t *testing.T) {
	want := wantOf(t, strings.NewReplacer("systemIDSource: uname", "lockType: dlm", "vg_access_mode: system_id", "vg_access_mode: lvmlockd").Replace(sharedGroup))
	s := sharedSim(t)
	have := s.observe(want)
	if got := steps(t, want, have); !strings.Contains(got, "… known after lvmlockd and dlm_controld runs on n1") || !strings.Contains(got, "$ write "+confPath) || strings.Contains(got, "vgcreate") {
		t.Errorf("without it:\n%s", got)
	}
	for i := range have.Machines {
		have.Machines[i].Lockd, have.Machines[i].Daemons = true, []string{"lvmlockd", "dlm_controld"}
	}
	if got := steps(t, want, have); !strings.Contains(got, "vgcreate --addtag hactl.owner=default --addtag hactl.new --setautoactivation n --locktype dlm vg_ha") {
		t.Errorf("with it:\n%s", got)
	}
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

// The states that the real tools were recorded in.
func TestReports(t *testing.T) {
	for _, c := range []struct {
		state  string
		groups string // name(disks, volumes)
		loose  int
	}{
		{"blank", "[]", 0}, {"pv", "[]", 1}, {"vg", "[vg0(2,[])]", 0}, {"lv", "[vg0(2,[data rest])]", 0}, {"thin", "[vg0(2,[data pool rest thin])]", 0},
		{"missing-pv", "[vg_part(2,[span])]", 0}, {"partition", "[vg_part(1,[])]", 0},
	} {
		b, err := os.ReadFile("testdata/recorded/" + c.state + "/node1/fullreport.out")
		if err != nil {
			t.Fatal(err)
		}
		groups, loose, err := parseReport(b)
		if err != nil {
			t.Errorf("%s: %v", c.state, err)
			continue
		}
		got := []string{}
		for _, g := range groups {
			names := []string{}
			for _, v := range g.Volumes {
				names = append(names, v.Name)
			}
			got = append(got, fmt.Sprintf("%s(%d,%v)", g.Name, len(g.Disks), names))
			if missing := g.trouble() != ""; missing != (c.state == "missing-pv") {
				t.Errorf("%s: trouble is %q", c.state, g.trouble())
			}
		}
		if fmt.Sprint(got) != c.groups || len(loose) != c.loose {
			t.Errorf("%s: %v and %d loose, want %s and %d", c.state, got, len(loose), c.groups, c.loose)
		}
	}
	if _, _, err := parseReport([]byte(`{"report":[{"vg":[{"vg_name":"a","vg_extent_size":"4.00m"}]}]}`)); err == nil || !strings.Contains(err.Error(), "--units b") {
		t.Errorf("sizes with a unit: %v", err)
	}
}

func TestSize(t *testing.T) {
	for s, want := range map[string]int64{"100": 100 << 20, "1k": 1024, "1.5G": 3 << 29, "3s": 1536, "7b": 7, "2T": 2 << 40, "0.1k": 103} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "1e3", "-1", "0", "1/2", "9999999999E"} {
		if n, err := parseSize(s); err == nil {
			t.Errorf("%q is %d", s, n)
		}
	}
	for _, n := range []int64{1, 4096, 5 << 20, 3 << 30, 7 << 40, 3<<30 + 1} {
		if back, err := parseSize(formatSize(n)); err != nil || back != n {
			t.Errorf("%d is written %s and read %d (%v)", n, formatSize(n), back, err)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"report":[{"vg":[{"vg_name":"a"}],"pv":[],"lv":[{"lv_name":"x","lv_size":"1"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := FromReport("n1", b); err == nil {
			into := &v1.Manifests{Cluster: &v1.Cluster{}}
			if _, err := New("").Import(s, into); err != nil {
				t.Error(err)
			}
			New("").Status(s)
		}
	})
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

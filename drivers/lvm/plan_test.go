package lvm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

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
			if s.Pending != "" {
				fmt.Fprintf(&b, "  %s %s %s\n", c.Action, c.Object, c.Path)
			}
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
	pools := func(size string, thin ...string) string {
		text := one[:strings.Index(one, "  volumes:")] + "  volumes:\n  - {name: pool, type: thin-pool, size: " + size + "}\n"
		for _, name := range append([]string{"thin"}, thin...) {
			text += "  - {name: " + name + ", type: thin, thinPool: pool, size: 1G, filesystem: {type: ext4}}\n"
		}
		return text
	}
	made2 := func(s *sim) {
		if _, err := s.apply(wantOf(t, pools("100M")), -1); err != nil {
			t.Fatal(err)
		}
	}
	filled := func(h *State) {
		pool := h.Machines[0].Groups[0].volume("pool")
		pool.Data, pool.Metadata = 100, 7
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
		"gets an owner": {manifest: strings.Replace(one, "nodes: [n1]", "nodes: [n1]\n  shared: true\n  systemIDSource: uname", 1), change: made,
			want: []string{"! adopt / update: from then on only n1 can use the group", "… known after LVM on n1 takes its system ID from uname"}},
		"another owner's": {manifest: one, change: func(s *sim) { made(s); group(s).Tags = []string{"hactl.owner=other"} }, want: []string{"! adopt", "--deltag hactl.owner=other --addtag hactl.owner=default"}},
		"missing disk":    {manifest: strings.Replace(one, "100M", "150M", 1), change: made, after: func(h *State) { h.Machines[0].Groups[0].Missing = 1 }, want: []string{"… 1 of the disks of vg0 are missing"}, not: "$"},
		"dead disk": {manifest: one, change: made, after: func(h *State) {
			d := h.Machines[0].Devices["/dev/sdb"]
			d.Unreadable = "I/O error"
			h.Machines[0].Devices["/dev/sdb"] = d
		}, want: []string{"… /dev/sdb cannot be read: I/O error"}, not: "$"},
		"duplicate":     {manifest: one, change: made, after: func(h *State) { m := &h.Machines[0]; m.Groups = append(m.Groups, m.Groups[0]) }, want: []string{"error: ", "there are 2 groups of that name"}},
		"one more disk": {manifest: strings.Replace(one, "{device: /dev/sdb}", "{device: /dev/sdb}, {device: /dev/disk/by-id/a}", 1), change: made, want: []string{"$ vgextend vg0 /dev/disk/by-id/a"}},
		"known after a login": {manifest: strings.ReplaceAll(one, "/dev/sdb", "/dev/disk/by-id/lun") + "---\napiVersion: hactl/v1\nkind: ISCSIInitiator\nmetadata: {name: blocks}\n" +
			"spec: {target: \"iqn.2023-02.com.example:blocks\", portals: [\"10.0.0.9:3260\"], nodes: [{name: n1}]}\n", want: []string{"… known after blocks logs in", "ISCSIInitiator/blocks"}, not: "$"},
		"fills a disk that comes": {manifest: strings.NewReplacer("{device: /dev/sdb}", "{device: /dev/sdb}, {device: /dev/disk/by-id/lun}", "100M", "100%FREE").Replace(one) +
			"---\napiVersion: hactl/v1\nkind: ISCSIInitiator\nmetadata: {name: blocks}\nspec: {target: \"iqn.2023-02.com.example:blocks\", portals: [\"10.0.0.9:3260\"], nodes: [{name: n1}]}\n",
			change: func(s *sim) { made(s); group(s).Volumes[0].Size = 508 << 20; group(s).Free = 0 }, want: []string{"… known after blocks logs in", "update BlockDevice/n1/dev/vg0/data size"}},
		"larger pool":     {manifest: pools("200M"), change: made2, want: []string{"$ lvextend -L 209715200b vg0/pool"}, not: "grow"},
		"full pool":       {manifest: pools("100M", "new"), change: made2, after: filled, want: []string{"error: ", "vg0/new is to be written to, and its pool pool (100M) is full to 100 %, its metadata to 7 %"}},
		"full pool grows": {manifest: pools("200M", "new"), change: made2, after: filled, want: []string{"$ lvextend -L 209715200b vg0/pool", "--thinpool pool vg0"}},
		"pool too large":  {manifest: pools("508M"), change: made, want: []string{"error: ", "pool needs 516M more, and the group has 408M left"}},
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

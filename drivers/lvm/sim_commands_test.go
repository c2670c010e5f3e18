package lvm

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// run carries out one of LVM's commands.
func (s *sim) run(node string, argv []string) error {
	opt, args := map[string][]string{}, []string{}
	flags := map[string]bool{"--yes": true, "-an": true, "-ay": true, "--shared": true, "-u": true, "-f": true, "--lockstart": true}
	for i := 1; i < len(argv); i++ {
		switch {
		case flags[argv[i]]:
			opt[argv[i]] = append(opt[argv[i]], "")
		case strings.HasPrefix(argv[i], "-"):
			opt[argv[i]] = append(opt[argv[i]], argv[i+1])
			i++
		default:
			args = append(args, argv[i])
		}
	}
	first := func(names ...string) string {
		for _, n := range names {
			if v := opt[n]; len(v) > 0 {
				return v[0]
			}
		}
		return ""
	}
	switch argv[0] {
	case "update-initramfs":
		return nil
	case "rm":
		s.owed[node] = false
		return nil
	case "vgcreate":
		if s.named(node, args[0]) != nil {
			return fmt.Errorf("%w: %s exists", errSim, args[0])
		}
		s.uuids++
		g := &simGroup{FoundGroup: FoundGroup{Name: args[0], UUID: fmt.Sprintf("uuid%d", s.uuids), ExtentSize: 4 << 20, Tags: opt["--addtag"],
			LockType: first("--locktype"), Autoactivation: first("--setautoactivation") != "n"}, active: map[string]map[string]bool{}, fs: map[string]string{}}
		if strings.Contains(s.conf[node], "system_id_source") {
			g.SystemID = node
		}
		s.groups[g.UUID] = g
		s.join(node, g, args[1])
		return nil
	}
	vg, lv, _ := strings.Cut(args[0], "/")
	g := s.named(node, vg)
	switch {
	case argv[0] == "pvremove":
		for _, d := range s.disks {
			if strings.HasPrefix(args[0], "/dev/real/"+d.identity) {
				d.pv, d.sign = "", ""
				d.part = map[bool]string{true: "-"}[d.part != ""]
			}
		}
		return nil
	case g == nil:
		return fmt.Errorf("%w: no group %s on %s", errSim, vg, node)
	case g.SystemID != "" && !strings.Contains(s.conf[node], "system_id_source") || g.SystemID != "" && g.SystemID != node:
		return fmt.Errorf("%w: %s belongs to %s", errSim, vg, g.SystemID)
	}
	if g.active[node] == nil {
		g.active[node] = map[string]bool{}
	}
	tags := func(have []string) []string {
		have = slices.DeleteFunc(slices.Clone(have), func(t string) bool { return slices.Contains(opt["--deltag"], t) })
		return append(have, opt["--addtag"]...)
	}
	v := g.volume(lv)
	switch argv[0] {
	case "vgextend":
		s.join(node, g, args[1])
	case "vgremove":
		delete(s.groups, g.UUID)
	case "vgchange":
		g.Tags = tags(g.Tags)
		if a := first("--setautoactivation"); a != "" {
			g.Autoactivation = a == "y"
		}
		if id := first("--systemid"); id != "" {
			g.SystemID = id
		}
		if opt["-an"] != nil {
			g.active[node] = map[string]bool{}
		}
	case "lvcreate":
		if g.volume(first("--name")) != nil {
			return fmt.Errorf("%w: %s exists", errSim, first("--name"))
		}
		n := FoundVolume{Name: first("--name"), Tags: opt["--addtag"], Layout: linearLayout, Pool: first("--thinpool")}
		switch {
		case first("--type") == "thin":
			n.Layout, n.Size = thinLayout, atob(s.t, first("--virtualsize"))
		case first("--size") != "":
			n.Size = atob(s.t, first("--size"))
		default:
			n.Size = g.Free * g.ExtentSize
		}
		if first("--type") == "thin-pool" {
			n.Layout = poolLayout
		}
		if n.Layout != thinLayout {
			if extents(n.Size, g.ExtentSize) > g.Free || n.Size == 0 {
				return fmt.Errorf("%w: no room for %s", errSim, n.Name)
			}
			n.Size = extents(n.Size, g.ExtentSize) * g.ExtentSize
			g.Free -= n.Size / g.ExtentSize
		}
		g.Volumes = append(g.Volumes, n)
		g.active[node][n.Name] = true
	case "lvextend":
		size := atob(s.t, first("-L"))
		if first("-l") == "+100%FREE" {
			size = v.Size + g.Free*g.ExtentSize
		}
		g.Free -= (size - v.Size) / g.ExtentSize
		v.Size = size
	case "lvchange":
		v.Tags = tags(v.Tags)
		if opt["-an"] != nil {
			g.active[node][lv] = false
		}
		if opt["-ay"] != nil {
			g.active[node][lv] = true
		}
	case "lvremove":
		g.Free += v.Size / g.ExtentSize
		g.Volumes = slices.DeleteFunc(g.Volumes, func(x FoundVolume) bool { return x.Name == lv })
	default:
		s.t.Fatalf("unknown command %v", argv)
	}
	return nil
}

func (s *sim) join(node string, g *simGroup, path string) {
	d, part := s.at(node, path)
	d.pv = g.UUID
	if part {
		d.part = "LVM2_member"
	} else {
		d.sign = "LVM2_member"
	}
	g.disks = append(g.disks, d.identity)
	n := d.size/g.ExtentSize - 1
	g.Extents, g.Free = g.Extents+n, g.Free+n
}

func atob(t *testing.T, s string) int64 {
	if s == "" {
		return 0
	}
	n, err := parseSize(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

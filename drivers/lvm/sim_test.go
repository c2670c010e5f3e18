package lvm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// sim is LVM on some machines that keeps state and knows the commands that the driver plans; any other fails the test. What the real tools do
// with them is proved in the virtual machines.
type sim struct {
	t      *testing.T
	nodes  []string
	disks  map[string]*simDisk  // by identity
	sees   map[string][2]string // "node/path": identity; …
	groups map[string]*simGroup // by UUID
	conf   map[string]string    // lvmlocal.conf by node
	owed   map[string]bool
	uuids  int
}

type simDisk struct {
	identity string
	size     int64
	sign     string          // signature on the whole disk
	part     string          // signature on its partition; "-" is a blank one, "" none
	read     map[string]bool // nodes that have read the partition table
	pv       string          // UUID of the group
}

type simGroup struct {
	FoundGroup
	disks  []string // identities
	active map[string]map[string]bool
	fs     map[string]string
}

func newSim(t *testing.T, nodes ...string) *sim {
	return &sim{t: t, nodes: nodes, disks: map[string]*simDisk{}, sees: map[string][2]string{}, groups: map[string]*simGroup{}, conf: map[string]string{}, owed: map[string]bool{}}
}

// disk puts a disk into machines under a path.
func (s *sim) disk(identity, path string, nodes ...string) *simDisk {
	d := &simDisk{identity: identity, size: 512 << 20, read: map[string]bool{}}
	s.disks[identity] = d
	for _, n := range nodes {
		s.sees[n+path] = [2]string{identity, path}
	}
	return d
}

func (s *sim) at(node, path string) (d *simDisk, part bool) {
	if x, ok := s.sees[node+path]; ok {
		return s.disks[x[0]], false
	}
	for key, x := range s.sees {
		if strings.HasPrefix(key, node+"/") && partitionOf(x[1]) == path && s.disks[x[0]].part != "" && s.disks[x[0]].read[node] {
			return s.disks[x[0]], true
		}
	}
	return nil, false
}

func (s *sim) device(node, path string) block.Device {
	d, part := s.at(node, path)
	dev := block.Device{Path: path}
	if d == nil {
		return dev
	}
	dev.Real, dev.Type, dev.Size, dev.Identity = "/dev/real/"+d.identity, "disk", d.size, d.identity
	sign := d.sign
	if part {
		dev.Real += "1"
		sign = strings.TrimPrefix(d.part, "-")
	} else if d.part != "" {
		sign = "gpt"
		if d.read[node] {
			dev.Users = []string{dev.Real + "1"}
		}
	}
	if sign != "" {
		dev.Signatures = []block.Signature{{Offset: "0x0", Type: sign}}
	}
	return dev
}

// observe is what the driver would find.
func (s *sim) observe(want State) State {
	have := State{Cluster: want.Cluster, Owner: want.Owner, Groups: want.Groups}
	for _, n := range s.nodes {
		m := Machine{Name: n, Installed: true, Devices: block.Devices{}, Initramfs: true, Owed: s.owed[n], SystemIDSource: "none"}
		if c, ok := s.conf[n]; ok {
			m.Conf = &reconcile.File{Content: reconcile.Plain(c), Mode: 0o644, Owner: "root:root"}
			if strings.Contains(c, `global/system_id_source = "uname"`) {
				m.SystemIDSource, m.SystemID = "uname", n
			}
			m.Lockd = strings.Contains(c, "use_lvmlockd = 1")
		}
		for _, uuid := range slices.Sorted(maps.Keys(s.groups)) {
			g := s.groups[uuid]
			f := g.FoundGroup
			f.Disks, f.Volumes, f.Tags = nil, slices.Clone(g.Volumes), slices.Clone(g.Tags)
			for i := range f.Volumes {
				f.Volumes[i].Active = g.active[n][f.Volumes[i].Name]
				f.Volumes[i].Tags = slices.Clone(f.Volumes[i].Tags)
			}
			for _, id := range g.disks {
				for key, x := range s.sees {
					if d := s.disks[x[0]]; strings.HasPrefix(key, n+"/") && x[0] == id {
						real := "/dev/real/" + id
						if d.part != "" {
							real += "1"
						}
						f.Disks = append(f.Disks, FoundDisk{Name: real, Real: real, UUID: id})
					}
				}
			}
			if len(f.Disks) > 0 {
				m.Groups = append(m.Groups, f)
			}
		}
		for _, p := range want.paths(n) {
			m.Devices[p] = s.device(n, p)
			vg, lv, ok := strings.Cut(strings.TrimPrefix(p, "/dev/"), "/")
			if g := s.named(n, vg); ok && g != nil && g.active[n][lv] && g.volume(lv).Layout != poolLayout {
				d := block.Device{Path: p, Real: "/dev/dm/" + vg + lv, Type: "lvm", Size: g.volume(lv).Size}
				if fs := g.fs[lv]; fs != "" {
					d.Signatures = []block.Signature{{Offset: "0x438", Type: fs}}
				}
				m.Devices[p] = d
			}
		}
		have.Machines = append(have.Machines, m)
	}
	return have
}

// named is the group of a name that a machine sees.
func (s *sim) named(node, name string) *simGroup {
	for _, g := range s.groups {
		if g.Name != name {
			continue
		}
		for _, id := range g.disks {
			for key, x := range s.sees {
				if strings.HasPrefix(key, node+"/") && x[0] == id {
					return g
				}
			}
		}
	}
	return nil
}

var errSim = errors.New("refused")

// do carries out an operation.
func (s *sim) do(node string, op reconcile.Op) error {
	switch op := op.(type) {
	case reconcile.Write:
		if op.Path == confPath {
			s.conf[node] = op.File.Content.Reveal()
		} else {
			s.owed[node] = true
		}
	case reconcile.Command:
		return s.run(node, op.Argv)
	case Partition:
		d, _ := s.at(node, op.Device.Path)
		if now := s.device(node, op.Device.Path); now.Seen() != op.Device.Seen() || len(now.Users) > 0 {
			return block.ErrNotBlank
		}
		d.part, d.sign, d.read[node] = "-", "", true
	case SeePartition:
		d, _ := s.at(node, op.Disk)
		d.read[node] = true
	case OnDevice:
		if now := s.device(node, op.Device.Path); !now.There() || now.Seen() != op.Device.Seen() || len(now.Users) > 0 {
			return block.ErrNotBlank
		}
		return s.run(node, append(slices.Clone(op.Argv), op.Device.Path))
	case block.MakeFileSystem:
		vg, lv, _ := strings.Cut(strings.TrimPrefix(op.Device.Path, "/dev/"), "/")
		g := s.named(node, vg)
		if g == nil || !g.active[node][lv] {
			return fmt.Errorf("%w: %s is not there", errSim, op.Device.Path)
		}
		if (g.fs[lv] == "") != (op.Device.Seen() == "") {
			return block.ErrNotBlank
		}
		g.fs[lv] = op.FileSystem.Type
	case block.GrowFileSystem:
	default:
		s.t.Fatalf("unknown operation %T", op)
	}
	return nil
}

func (s *sim) run(node string, argv []string) error {
	opt, args := map[string][]string{}, []string{}
	flags := map[string]bool{"--yes": true, "-an": true, "-ay": true, "--shared": true, "-u": true, "-f": true}
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
			Autoactivation: first("--setautoactivation") != "n"}, active: map[string]map[string]bool{}, fs: map[string]string{}}
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

// apply plans and carries out until nothing is left, or until so many operations are done: the run dies then.
func (s *sim) apply(want State, ops int) (done int, err error) {
	for round := 0; round < 9; round++ {
		steps, err := New("default").Plan(want, s.observe(want))
		if err != nil {
			return done, err
		}
		if len(steps) == 0 {
			return done, nil
		}
		for _, st := range steps {
			if st.Pending != "" {
				break
			}
			for _, op := range st.Ops {
				if done == ops {
					return done, errDied
				}
				if err := s.do(st.Host, op); err != nil {
					return done, fmt.Errorf("%s: %s: %w", st.ID, op, err)
				}
				done++
			}
		}
	}
	return done, errors.New("no end")
}

var errDied = errors.New("died")

// wantOf reads manifests.
func wantOf(t *testing.T, text string) State {
	t.Helper()
	const cluster = "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: lab}\nspec: {nodes: [{name: n1, id: 1, addresses: [10.0.0.1]}, {name: n2, id: 2, addresses: [10.0.0.2]}]}\n---\n"
	sets, err := v1.Load([]v1.File{{Name: "m.yaml", Data: []byte(cluster + text)}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := New("default").Desired(sets[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

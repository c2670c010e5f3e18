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
	// daemons run on all machines.
	daemons []string
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
		m := Machine{Name: n, Installed: true, Devices: block.Devices{}, Initramfs: true, Owed: s.owed[n], SystemIDSource: "none", Daemons: s.daemons}
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
	case RemoveGroup:
		if err := s.run(node, []string{"vgremove", op.Group}); err != nil {
			return err
		}
		for _, d := range op.Disks {
			if err := s.run(node, []string{"pvremove", d}); err != nil {
				return err
			}
		}
	case block.GrowFileSystem:
	default:
		s.t.Fatalf("unknown operation %T", op)
	}
	return nil
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

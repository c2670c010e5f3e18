package lvm

import (
	"cmp"
	"fmt"
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/iscsiinitiator"
	"github.com/hactl/hactl/reconcile"
)

// Desired reads the VolumeGroups, which LVM-activate resources name them, and what makes their disks.
func (d Driver) Desired(m *v1.Manifests, _ reconcile.Secrets) (State, error) {
	s := State{Owner: d.owner, Prune: d.prune}
	if m == nil || m.Cluster == nil {
		return s, nil
	}
	s.Cluster = m.Cluster.Metadata.Name
	for _, n := range m.Cluster.Spec.Nodes {
		s.Members = append(s.Members, n.Name)
	}
	managed, makers := activated(m), makersOf(m)
	for _, v := range m.VolumeGroups {
		g, err := wanted(v, m)
		if err != nil {
			return s, err
		}
		g.Managed, g.Installs = managed[g.Name], m.Installs(g.Nodes, "lvm2")
		if g.Autoactivation == nil && g.handed() {
			g.Autoactivation = new(bool)
		}
		for i := range g.Disks {
			g.Disks[i].Makers = map[string]Maker{}
			for node, path := range g.Disks[i].Paths {
				if mk, ok := makers.of(node, path); ok {
					g.Disks[i].Makers[node] = mk
				}
			}
		}
		s.Groups = append(s.Groups, g)
	}
	slices.SortFunc(s.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

func wanted(v *v1.VolumeGroup, m *v1.Manifests) (Group, error) {
	s := &v.Spec
	g := Group{Name: v.Metadata.Name, Nodes: v.Machines(m), Shared: s.Shared, SystemIDSource: s.SystemIDSource, LockType: s.LockType,
		Autoactivation: s.Autoactivation, Protect: v.Metadata.Protect, Sources: map[string]v1.Pos{"": v.Pos("")}}
	for _, f := range []string{"shared", "systemIDSource", "lockType", "autoactivation", "extentSize"} {
		g.Sources[f] = v.Pos("spec." + f)
	}
	if s.ExtentSize != "" {
		n, err := parseSize(s.ExtentSize)
		if err != nil {
			return g, fmt.Errorf("%s: spec.extentSize: %w", v.Pos("spec.extentSize"), err)
		}
		g.ExtentSize = n
	}
	for i, p := range s.PhysicalVolumes {
		path := fmt.Sprintf("spec.physicalVolumes[%d]", i)
		d := Disk{Paths: map[string]string{}, Partition: p.Partition, Source: v.Pos(path)}
		for _, n := range g.Nodes {
			if on := p.On(n); on != "" {
				d.Paths[n] = on
			} else if s.Shared {
				return g, fmt.Errorf("%s: %s: the group is shared and %s has no path for this disk; add it to devices", v.Pos(path), path, n)
			}
		}
		g.Disks = append(g.Disks, d)
	}
	for i, l := range s.Volumes {
		path := fmt.Sprintf("spec.volumes[%d]", i)
		w := Volume{Name: l.Name, Type: cmp.Or(l.Type, "linear"), Pool: l.ThinPool, FileSystem: l.FileSystem, Source: v.Pos(path)}
		if slices.Contains([]byte(l.Size), '%') {
			w.Share = l.Size
		} else {
			n, err := parseSize(l.Size)
			if err != nil {
				return g, fmt.Errorf("%s: %s.size: %w", v.Pos(path+".size"), path, err)
			}
			w.Bytes = n
		}
		g.Volumes = append(g.Volumes, w)
	}
	return g, nil
}

// activated are the groups that LVM-activate resources name, those in groups, bundles and templates included.
func activated(m *v1.Manifests) map[string]bool {
	names, templates := map[string]bool{}, map[string]*v1.Primitive{}
	for _, t := range m.Templates {
		templates[t.Metadata.Name] = &t.Spec.Primitive
	}
	see := func(p *v1.Primitive) {
		agent, vg := p.Agent, p.Params["vgname"].Text
		if t := templates[p.Template]; t != nil {
			agent, vg = t.Agent, cmp.Or(vg, t.Params["vgname"].Text)
		}
		if agent == "ocf:heartbeat:LVM-activate" || agent == "ocf:heartbeat:LVM" {
			names[cmp.Or(vg, p.Params["volgrpname"].Text)] = true
		}
	}
	for _, r := range m.Resources {
		see(&r.Spec.Primitive)
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			see(&g.Spec.Resources[i].Primitive)
		}
	}
	return names
}

// makers are the objects of other layers that make devices, by machine.
type makers struct {
	paths  map[reconcile.Ref]string // of a block device: what makes it
	logins map[string][]string      // initiators by node
}

func makersOf(m *v1.Manifests) makers {
	mk := makers{paths: map[reconcile.Ref]string{}, logins: map[string][]string{}}
	for _, r := range m.DRBDResources {
		for _, v := range r.AllVolumes() {
			for n := range v.Nodes {
				mk.paths[block.Ref(n, v.Device)] = "DRBDResource/" + r.Metadata.Name + " is there"
			}
		}
	}
	for _, v := range m.VolumeGroups {
		for _, n := range v.Machines(m) {
			for _, l := range v.Spec.Volumes {
				mk.paths[block.Ref(n, v.Path(l.Name))] = "VolumeGroup/" + v.Metadata.Name + " is there"
			}
		}
	}
	for _, i := range m.ISCSIInitiators {
		for _, n := range i.Spec.Nodes {
			mk.logins[n.Name] = append(mk.logins[n.Name], i.Metadata.Name)
		}
	}
	return mk
}

// of tells what makes a path on a node. A disk that no layer names may come with a login.
func (m makers) of(node, path string) (Maker, bool) {
	if after, ok := m.paths[block.Ref(node, path)]; ok {
		return Maker{block.Ref(node, path), after}, true
	}
	if names := m.logins[node]; len(names) > 0 {
		return Maker{iscsiinitiator.Ref(names[0]), names[0] + " logs in"}, true
	}
	return Maker{}, false
}

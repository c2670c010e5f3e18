package drbd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// agent is the Pacemaker agent that runs a resource; its parameter drbd_resource names it, with r0 as its default.
const (
	agent        = "ocf:linbit:drbd"
	agentDefault = "r0"
)

// Desired reads the DRBDResources, which Pacemaker resources run them, and which devices other objects make.
func (d Driver) Desired(m *v1.Manifests, secrets reconcile.Secrets) (State, error) {
	s := State{Owner: d.owner, Prune: d.prune}
	if m == nil {
		return s, nil
	}
	s.Managers = managers(m)
	var err error
	if s.Discard, err = d.discards(m); err != nil {
		return State{}, err
	}
	for _, x := range m.DRBDResources {
		r := Resource{Name: x.Metadata.Name, Spec: x.Spec, Manager: s.Managers[x.Metadata.Name], Sources: maps.Clone(x.Positions)}
		if r.Sources == nil {
			r.Sources = map[string]v1.Pos{}
		}
		if x.Spec.SharedSecret != nil {
			r.Secret = secrets.Value(&x.Object, "spec.sharedSecret")
			if err := checkSecret(r.Secret); err != nil {
				return State{}, fmt.Errorf("%s: DRBDResource %s: spec.sharedSecret: %w", x.Pos("spec.sharedSecret"), r.Name, err)
			}
		}
		r.Made = made(m, &r)
		s.Resources = append(s.Resources, r)
	}
	slices.SortFunc(s.Resources, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// checkSecret tells what drbdadm would not take (SHARED_SECRET_MAX in linux/drbd.h).
func checkSecret(t reconcile.Text) error {
	s := t.Reveal()
	switch {
	case !t.Comparable():
		return nil
	case s == "" || len(s) > 64:
		return fmt.Errorf("the secret has %d characters; DRBD takes 1 to 64", len(s))
	case strings.ContainsAny(s, "\n\r\x00"):
		return fmt.Errorf("the secret has several lines; drbd.conf(5) has values of one line")
	}
	return nil
}

// managers maps DRBD resources to the Pacemaker resources that run them.
func managers(m *v1.Manifests) map[string]string {
	templates := map[string]*v1.Primitive{}
	for _, t := range m.Templates {
		templates[t.Metadata.Name] = &t.Spec.Primitive
	}
	out := map[string]string{}
	add := func(id string, p *v1.Primitive) {
		t := templates[p.Template]
		if p.Agent != agent && (t == nil || t.Agent != agent) {
			return
		}
		name := p.Params.Get("drbd_resource")
		if name == "" && t != nil {
			name = t.Params.Get("drbd_resource")
		}
		if name == "" {
			name = agentDefault
		}
		out[name] = id
	}
	for _, r := range m.Resources {
		add(r.Metadata.Name, &r.Spec.Primitive)
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			add(g.Spec.Resources[i].Name, &g.Spec.Resources[i].Primitive)
		}
	}
	return out
}

// made finds the disks that a VolumeGroup makes, or that appear when an initiator logs in.
func made(m *v1.Manifests, r *Resource) map[string]reconcile.Ref {
	makers := map[string]reconcile.Ref{}
	for _, g := range m.VolumeGroups {
		for _, v := range g.Spec.Volumes {
			makers["/dev/"+g.Metadata.Name+"/"+v.Name] = reconcile.Ref{Kind: "VolumeGroup", Name: g.Metadata.Name}
			makers["/dev/mapper/"+strings.ReplaceAll(g.Metadata.Name, "-", "--")+"-"+strings.ReplaceAll(v.Name, "-", "--")] =
				reconcile.Ref{Kind: "VolumeGroup", Name: g.Metadata.Name}
		}
	}
	sessions := map[string]reconcile.Ref{}
	for _, i := range m.ISCSIInitiators {
		for _, n := range i.Spec.Nodes {
			sessions[n.Name] = reconcile.Ref{Kind: "ISCSIInitiator", Name: i.Metadata.Name}
		}
	}
	out := map[string]reconcile.Ref{}
	for _, v := range r.volumes() {
		for _, n := range v.nodes() {
			for _, p := range v.paths(n) {
				if ref, ok := makers[p]; ok {
					out[n+p] = ref
				} else if ref, ok := sessions[n]; ok && strings.HasPrefix(p, "/dev/disk/") {
					out[n+p] = ref
				}
			}
		}
	}
	return out
}

// source is the place of a field, or of its nearest parent.
func (r *Resource) source(path string) v1.Pos {
	o := v1.Object{Positions: r.Sources}
	return o.Pos(path)
}

// volume is a volume of a resource with what is below it on each node.
type volume struct{ v1.DRBDVolume }

func (r *Resource) volumes() []volume {
	d := v1.DRBDResource{Spec: r.Spec}
	var out []volume
	for _, v := range d.AllVolumes() {
		out = append(out, volume{v})
	}
	return out
}

func (v volume) nodes() []string          { return slices.Sorted(maps.Keys(v.Nodes)) }
func (v volume) hasDisk(node string) bool { d := v.Nodes[node].Disk; return d != "" && d != "none" }

// paths are the devices that it uses on a node.
func (v volume) paths(node string) []string {
	if !v.hasDisk(node) {
		return nil
	}
	b := v.Nodes[node]
	if internal(b.MetaDisk) {
		return []string{b.Disk}
	}
	device, _ := metaDisk(b.MetaDisk)
	return []string{b.Disk, device}
}

func internal(metaDisk string) bool { return metaDisk == "" || metaDisk == "internal" }

// metaDisk takes "/dev/md[3]" apart; index is nil without one.
func metaDisk(s string) (device string, index *int) {
	if i := strings.IndexByte(s, '['); i > 0 && strings.HasSuffix(s, "]") {
		if n, err := strconv.Atoi(s[i+1 : len(s)-1]); err == nil {
			return s[:i], &n
		}
	}
	return s, nil
}

// devices are all devices of a node that the resources use or make.
func (s State) devices(node string) []string {
	var out []string
	for i := range s.Resources {
		if !s.Resources[i].on(node) {
			continue
		}
		for _, v := range s.Resources[i].volumes() {
			out = append(append(out, v.paths(node)...), v.Device)
		}
	}
	return out
}

// needs are the steps of other layers that make the node's disks of a resource.
func (r *Resource) needs(node string) []reconcile.Ref {
	var out []reconcile.Ref
	for _, v := range r.volumes() {
		for _, p := range v.paths(node) {
			if ref, ok := r.Made[node+p]; ok && ref.Kind == "VolumeGroup" {
				out = append(out, block.Ref(node, p))
			} else if ok {
				out = append(out, ref)
			}
		}
	}
	return slices.CompactFunc(out, func(a, b reconcile.Ref) bool { return a == b })
}

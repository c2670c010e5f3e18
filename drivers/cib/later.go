package cib

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/lvm"
	"github.com/hactl/hactl/reconcile"
)

// locked are the volume groups with a lock manager, by name. They can be made only while that runs, and it runs in resources; so these resources
// come before the group, and what lies on the group comes after it.
func locked(m *v1.Manifests) map[string]*v1.VolumeGroup {
	vgs := map[string]*v1.VolumeGroup{}
	for _, v := range m.VolumeGroups {
		if v.Spec.LockType != "" {
			vgs[v.Metadata.Name] = v
		}
	}
	return vgs
}

// later finds the objects that wait for a volume group with a lock manager: the resources on it, what is ordered behind them or placed with
// them, the rest of their groups, and what names one of these by id.
func (b *builder) later(m *v1.Manifests) {
	vgs := locked(m)
	if len(vgs) == 0 {
		return
	}
	g := following{byID: map[string][]reconcile.Ref{}, then: map[reconcile.Ref][]reconcile.Ref{}, late: map[reconcile.Ref]bool{}}
	templates := map[string]*etree.Element{}
	for i := range b.state.Objects {
		o := &b.state.Objects[i]
		for _, p := range o.Parts {
			for _, el := range []*etree.Element{p.el, inner(p.el)} {
				g.byID[attr(el, "id")] = append(g.byID[attr(el, "id")], o.Ref)
			}
			if p.el.Tag == "template" {
				templates[attr(p.el, "id")] = p.el
			}
		}
	}
	for i := range b.state.Objects {
		o := &b.state.Objects[i]
		g.follow(o)
		for _, p := range o.Parts {
			walk(p.el, func(el *etree.Element) {
				if vg := groupUnder(el, templates[attr(el, "template")]); vgs[vg] != nil {
					g.start = append(g.start, o.Ref)
				}
			})
		}
	}
	g.spread()
	for _, o := range b.state.Objects {
		if g.late[o.Ref] {
			b.state.Later = append(b.state.Later, o.Ref)
		}
	}
	for _, v := range m.VolumeGroups {
		if vgs[v.Metadata.Name] == nil {
			continue
		}
		b.state.Locked = append(b.state.Locked, lvm.Ref(v.Metadata.Name))
		for _, n := range v.Machines(m) {
			b.state.Storage = append(b.state.Storage, lvm.Settings(n)) // without them lvmlockd does not start
		}
	}
}

// following says of each object which ones cannot be there before it.
type following struct {
	byID  map[string][]reconcile.Ref
	then  map[reconcile.Ref][]reconcile.Ref
	start []reconcile.Ref
	late  map[reconcile.Ref]bool
}

func (g *following) after(first string, then ...reconcile.Ref) {
	for _, f := range g.byID[first] {
		g.then[f] = append(g.then[f], then...)
	}
}

// follow notes what follows what because of an object.
func (g *following) follow(o *Object) {
	switch {
	case o.Group != "" && o.After == "": // a group is there with its first member
		g.then[o.Ref] = append(g.then[o.Ref], g.byID[o.Group]...)
		g.after(o.Group, o.Ref)
	case o.Group != "":
		g.after(o.After, o.Ref)
		g.after(o.Group, o.Ref)
	}
	for _, p := range o.Parts {
		before := ""
		walk(p.el, func(el *etree.Element) {
			for _, a := range el.Attr {
				if slices.Contains([]string{"rsc", "with-rsc", "first", "then", "reference"}, a.Key) {
					g.after(a.Value, o.Ref)
				}
			}
			switch el.Tag {
			case "rsc_order":
				if mandatory(el) {
					g.after(attr(el, "first"), g.byID[attr(el, "then")]...)
				}
			case "rsc_colocation":
				if !strings.HasPrefix(attr(el, "score"), "-") {
					g.after(attr(el, "with-rsc"), g.byID[attr(el, "rsc")]...)
				}
			case "resource_ref", "obj_ref", "role":
				id := attr(el, "id")
				g.after(id, o.Ref)
				if p.el.Tag == "rsc_order" && mandatory(p.el) {
					g.after(before, g.byID[id]...)
				}
				before = id
			}
		})
	}
}

// mandatory tells that an order makes the one wait for the other.
func mandatory(order *etree.Element) bool {
	kind, score := attr(order, "kind"), attr(order, "score")
	return (kind == "" || kind == "Mandatory") && score != "0"
}

func (g *following) spread() {
	for queue := g.start; len(queue) > 0; queue = queue[1:] {
		if ref := queue[0]; !g.late[ref] {
			g.late[ref] = true
			queue = append(queue, g.then[ref]...)
		}
	}
}

// groupUnder is the volume group that a resource activates, or mounts a volume of; "" if none.
func groupUnder(el, template *etree.Element) string {
	if el.Tag != "primitive" {
		return ""
	}
	kind := el
	if template != nil {
		kind = template
	}
	switch agentOf(kind) {
	case "ocf:heartbeat:LVM-activate":
		return param("vgname", el, template)
	case "ocf:heartbeat:LVM":
		return param("volgrpname", el, template)
	case "ocf:heartbeat:Filesystem":
		path := strings.TrimPrefix(param("device", el, template), "/dev/")
		if name, ok := strings.CutPrefix(path, "mapper/"); ok { // VG-LV, with their own dashes doubled
			name = strings.ReplaceAll(name, "--", "\x00")
			vg, _, _ := strings.Cut(name, "-")
			return strings.ReplaceAll(vg, "\x00", "-")
		}
		vg, _, _ := strings.Cut(path, "/")
		return vg
	}
	return ""
}

// inTurn plans what can be made before the volume groups with a lock manager, and, as a step that is not known yet, what comes after. Once
// the first is done, or where nothing of the second is to be made, it plans all as one.
func (d *Driver) inTurn(p *planner) ([]reconcile.Step, error) {
	waits := map[reconcile.Ref]bool{}
	for _, c := range p.changes {
		if c.Action == reconcile.Create && slices.Contains(p.want.Later, c.Object) {
			waits[c.Object] = true
		}
	}
	if len(waits) == 0 || !p.have.formed() || p.have.Recorded {
		return p.plan(nil)
	}
	first := p.want
	first.last, first.Part = nil, true
	first.Objects = slices.DeleteFunc(slices.Clone(first.Objects), func(o Object) bool { return waits[o.Ref] })
	f, err := compare(first, p.have, false)
	if err != nil {
		return nil, err
	}
	if len(f.changes) == 0 {
		return p.plan(p.want.Locked)
	}
	steps, err := f.plan(nil)
	if err != nil {
		return nil, err
	}
	for i := range steps {
		for j, op := range steps[i].Ops {
			if patch, ok := op.(Patch); ok {
				patch.Judged = "" // what was judged is all of it
				steps[i].Ops[j] = patch
			}
		}
	}
	done := map[[3]string]bool{}
	key := func(c reconcile.Change) [3]string { return [3]string{c.Object.String(), string(c.Action), c.Path} }
	for _, c := range f.changes {
		done[key(c)] = true
	}
	last := steps[len(steps)-1]
	then := reconcile.Step{ID: "cib " + last.Host + " later", Host: last.Host, Needs: p.want.Locked, Pending: "known after " + names(p.want.Locked) + " is there"}
	for _, c := range p.changes {
		if !done[key(c)] {
			then.Changes = append(then.Changes, c)
		}
	}
	return append(steps, then), nil
}

func names(refs []reconcile.Ref) string {
	var out []string
	for _, r := range refs {
		out = append(out, r.String())
	}
	return joinWords(out)
}

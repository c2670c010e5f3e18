package cib

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// What hactl sets on its way has ids of its own, so that the next run knows it: the stop of a resource is an nvpair in a set that comes before
// all others by its score, so that the target-role of an operator stays as it is; the order in which resources stop is a constraint.
const (
	stopID     = "hactl-stop-"     // of the nvpair; the resource's id follows
	stoppingID = "hactl-stopping-" // of its set
	stopOrder  = "hactl-order-"    // a number follows
)

// ownStop is the set with which hactl stops a resource, or nil.
func ownStop(el *etree.Element) *etree.Element {
	if el == nil {
		return nil
	}
	for _, s := range el.SelectElements("meta_attributes") {
		if attr(s, "id") == stoppingID+attr(el, "id") {
			return s
		}
	}
	return nil
}

func stopOf(id string) Fragment {
	set := element("meta_attributes", stoppingID+id)
	set.CreateAttr("score", "INFINITY")
	nv := element("nvpair", stopID+id)
	nv.CreateAttr("name", "target-role")
	nv.CreateAttr("value", "Stopped")
	set.AddChild(nv)
	return Fragment(source(set))
}

// stop makes the first change of a deletion: what can go at once goes, and the rest is told to stop.
func (p *planner) stop() {
	if len(p.pruning.order) == 0 && !strings.Contains(string(p.have.CIB), `"hactl-stopping-`) && !strings.Contains(string(p.have.CIB), `"`+stopOrder) {
		return
	}
	if p.standing(); len(p.errs) > 0 {
		return
	}
	deferred := slices.ContainsFunc(p.pruning.order, p.mustStop)
	p.ungroup(deferred)
	for _, d := range p.pruning.order {
		p.part1(d, deferred)
	}
	p.named(deferred)
	p.stopOrders(deferred)
	p.inherit()
	p.takeBack()
	p.stillNamed(deferred)
	p.gone(false)
}

// standing finds out where what goes runs now, and whether Pacemaker would stop it.
func (p *planner) standing() {
	mon, err := readMonitor(p.have.Monitor)
	st := readStatus(mon)
	of := map[string][]Instance{}
	for _, i := range st.instances {
		of[i.Resource] = append(of[i.Resource], i)
		for _, w := range st.within[i.Resource] {
			of[w] = append(of[w], i)
		}
	}
	for _, d := range p.pruning.order {
		if !d.resource() {
			continue
		}
		if err != nil {
			d.runs, d.unmanaged = "nobody knows where", p.unmanaged(d.els[0])
			continue
		}
		var on []string
		for _, i := range of[d.ref.Name] {
			d.unmanaged = d.unmanaged || !i.Managed
			if i.active() && !slices.Contains(on, i.Node) {
				on = append(on, i.Node)
			}
		}
		slices.Sort(on)
		d.runs = joinWords(on)
	}
}

// unmanaged tells whether the configuration says that Pacemaker leaves a resource alone. The status knows better where there is one.
func (p *planner) unmanaged(el *etree.Element) bool {
	off := func(set *etree.Element) bool {
		for name, leaves := range map[string]bool{"is-managed": false, "maintenance": true, "maintenance-mode": true} {
			if on, ok := boolean(attr(pairNamed(set, name), "value")); ok && on == leaves {
				return true
			}
		}
		return false
	}
	for e := el; e != nil && e.Tag != "resources"; e = e.Parent() {
		for _, set := range e.SelectElements("meta_attributes") {
			if off(set) {
				return true
			}
		}
	}
	return off((view{}).plainProperties(section(p.live.Document, "crm_config")))
}

// mustStop tells whether a resource has to be told to stop, or waited for, before it can go. One that is inactive and told to stay so need
// not, and one that Pacemaker leaves alone would not.
func (p *planner) mustStop(d *doomed) bool {
	if !d.resource() || d.unmanaged && d.runs != "" {
		return false
	}
	el := d.els[0]
	told := ownStop(el) != nil || canonicalRole(attr(pairNamed((view{}).plainSet(el, "meta_attributes"), "target-role"), "value")) == "Stopped"
	return d.runs != "" || !told
}

// ungroup moves what is to stop out of groups that stay, whose members behind it would stop with it, and finds the groups that are empty then.
func (p *planner) ungroup(deferred bool) {
	groups := map[*etree.Element]bool{}
	for _, d := range p.pruning.order {
		el := d.els[0]
		if d.ref.Kind == "ResourceGroup" {
			groups[el] = true
		}
		g := el.Parent()
		if g == nil || g.Tag != "group" || groups[g] {
			continue
		}
		groups[g] = true
		id := attr(g, "id")
		stays := p.byRef[Group(id)] != nil
		for _, m := range g.SelectElements("primitive") {
			stays = stays || p.ids[attr(m, "id")] == nil
		}
		switch e := p.inv[Group(id)]; {
		case stays && deferred:
			p.moveOut(g)
		case stays || p.pruning.doomed[Group(id)] != nil:
		case e.el != nil && e.owner != p.want.Owner:
			p.errs = append(p.errs, fmt.Errorf("%s: %s: cannot be deleted: it is the last member of %s, which is %s's", p.want.Source, d.ref, Group(id), e.owner))
		default: // nobody's, and empty without its members
			p.condemn(&doomed{entry: entry{ref: Group(id)}, els: []*etree.Element{g}, why: "it is empty without its members"})
		}
	}
	for _, d := range p.pruning.order {
		if d.ref.Kind != "ResourceGroup" {
			continue
		}
		for _, m := range d.els[0].SelectElements("primitive") {
			if p.ids[attr(m, "id")] == nil {
				p.errs = append(p.errs, fmt.Errorf("%s: %s: cannot be deleted: its member %s is not in the manifests of the owner %q; move that one out (pcs resource ungroup), or declare it",
					p.want.Source, d.ref, attr(m, "id"), p.want.Owner))
			}
		}
	}
}

// moveOut puts the members of a group that go behind it. What runs does not notice.
func (p *planner) moveOut(g *etree.Element) {
	top := g
	for top.Parent() != nil && top.Parent().Tag != "resources" {
		top = top.Parent()
	}
	after := attr(top, "id")
	for _, m := range g.SelectElements("primitive") {
		d := p.ids[attr(m, "id")]
		if d == nil {
			continue
		}
		if live := p.live.findIn("resources", attr(g, "id")); live != nil {
			p.pinElement(live, d.ref)
		}
		p.authors.turn(d.ref)
		p.do(Edit{Do: move, At: address(m), To: "resources", After: after})
		after = attr(m, "id")
	}
}

// part1 removes an object, or tells it to stop and leaves the rest for later.
func (p *planner) part1(d *doomed, deferred bool) {
	p.authors.turn(d.ref)
	if d.resource() && d.unmanaged && d.runs != "" {
		p.left = append(p.left, d.ref.Name)
	}
	switch {
	case d.resource() && deferred:
		p.tellStop(d)
		p.later(d.els...)
	case d.resource():
		p.takeAway(d.els...)
	case d.ref.Kind == "Constraint":
		if deferred && p.amongDoomed(d.els[0]) {
			p.later(d.els...)
		} else {
			p.takeAway(d.els...)
		}
	case d.ref.Kind == "ResourceGroup" && deferred && d.els[0].SelectElement("primitive") != nil:
		p.later(d.els...)
	case d.ref.Kind == "Tag" || d.ref.Kind == "ResourceTemplate": // see named
	default:
		p.takeAway(d.els...)
	}
	p.authors.change(d.ref, "")
}

func (p *planner) tellStop(d *doomed) {
	el := d.els[0]
	if d.unmanaged && d.runs != "" {
		return
	}
	p.stopped = append(p.stopped, d.ref.Name)
	if ownStop(el) != nil {
		return // an earlier run said so
	}
	if live := p.live.findIn("resources", d.ref.Name); live != nil {
		p.pinElement(live, d.ref)
	}
	p.do(Edit{Do: create, At: address(el), After: inPlace, XML: stopOf(d.ref.Name)})
	c := reconcile.Change{Object: d.ref, Action: reconcile.Stop, Want: "Stopped", Source: p.want.Source, Why: "it goes once it is inactive"}
	if d.runs != "" {
		c.Have = "runs on " + d.runs
	}
	p.tell(c)
	if d.heir == nil || d.ref.Kind == "FenceDevice" { // two devices for one node do no harm
		return
	}
	heir := p.work.findIn("resources", d.heir.Ref.Name)
	if heir == nil || p.live.findIn("resources", d.heir.Ref.Name) != nil {
		return
	}
	p.authors.turn(d.heir.Ref)
	p.do(Edit{Do: create, At: address(heir), After: inPlace, XML: stopOf(d.heir.Ref.Name)})
	p.authors.turn(d.ref)
}

// amongDoomed tells whether all that a constraint names goes.
func (p *planner) amongDoomed(el *etree.Element) bool {
	names := namesIn(el)
	return len(names) > 0 && !slices.ContainsFunc(names, func(id string) bool { return p.ids[id] == nil })
}

// later leaves elements to the second change, unless they made way for what lives on under another name (replace).
func (p *planner) later(els ...*etree.Element) {
	for _, el := range els {
		if !p.waits[el] && el.Parent() != nil {
			p.waits[el] = true
			p.pruning.later = append(p.pruning.later, el)
		}
	}
}

// named removes the tags and templates that go, unless what goes later names them.
func (p *planner) named(deferred bool) {
	names := map[string]bool{}
	if deferred {
		for _, el := range p.pruning.later {
			for _, id := range namesIn(el) {
				names[id] = true
			}
		}
	}
	for _, d := range p.pruning.order {
		if d.ref.Kind != "Tag" && d.ref.Kind != "ResourceTemplate" {
			continue
		}
		p.authors.turn(d.ref)
		if names[d.ref.Name] {
			p.later(d.els...)
		} else {
			p.takeAway(d.els...)
		}
	}
}

// takeBack removes the stops that an earlier run left on what is wanted after all. The heir of what still runs keeps its own for now.
func (p *planner) takeBack() {
	if !strings.Contains(string(p.have.CIB), `"`+stoppingID) {
		p.waitingHeirs()
		return
	}
	for _, o := range p.objects {
		if k := o.Ref.Kind; k != "Resource" && k != "FenceDevice" && k != "Bundle" {
			continue
		}
		el := p.work.findIn("resources", o.Ref.Name)
		set := ownStop(el)
		if set == nil || p.heirWaits(o) {
			continue
		}
		p.authors.turn(o.Ref)
		p.pinElement(p.live.findIn("resources", o.Ref.Name), o.Ref)
		p.do(Edit{Do: remove, At: address(set)})
		p.change(o.Object, reconcile.Start, "target-role", "Stopped", "", reconcile.Safe, "hactl's own stop, of a deletion that came to no end, is taken back")
		p.await(o.Ref.Name)
	}
	p.waitingHeirs()
	resources := section(p.work.Document, "resources")
	if resources == nil {
		return
	}
	walk(resources, func(el *etree.Element) {
		if id := attr(el, "id"); ownStop(el) != nil && p.ids[id] == nil && p.byRef[refOf(nil, id)] == nil && p.byRef[FenceDevice(id)] == nil && p.byRef[named("Bundle", id)] == nil {
			p.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: refOf(nil, id),
				Text: "was told to stop by a run of hactl that came to no end, and is in no manifest of this owner; let that one finish it, or remove the set " + attr(ownStop(el), "id") + " by hand"})
		}
	})
}

// heirWaits tells whether an object takes the place of one that has not stopped yet.
func (p *planner) heirWaits(o *wanted) bool {
	return slices.ContainsFunc(p.pruning.order, func(d *doomed) bool { return d.heir == o && p.mustStop(d) })
}

func (p *planner) waitingHeirs() {
	for _, d := range p.pruning.order {
		if d.heir == nil || !d.resource() {
			continue
		}
		if ownStop(p.work.findIn("resources", d.heir.Ref.Name)) != nil {
			p.heirs = append(p.heirs, d.heir.Ref.Name)
		}
	}
}

// stopLimit is how long what is to stop may take, one after the other, and fencing where a stop fails.
func (p *planner) stopLimit() time.Duration {
	limit := fencingTime
	for _, d := range p.pruning.order {
		if d.resource() {
			walk(d.els[0], func(el *etree.Element) {
				if el.Tag == "primitive" {
					limit += opTimeout(el, "stop")
				}
			})
		}
	}
	return min(limit, longestWait)
}

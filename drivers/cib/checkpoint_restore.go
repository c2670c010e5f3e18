package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
	"golang.org/x/sync/errgroup"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Restorer is the CIB's layer where not the manifests say what is wanted but a checkpoint. It goes back by edits, with the same pins, gates and
// prediction as any change. What is not the configuration's stays as it is: the status, what Pacemaker writes itself, the members, and the
// property sets of agents.
type Restorer struct {
	*Driver
	saved XML
}

// Restoring makes a driver that brings the CIB back to a checkpoint.
func (d Driver) Restoring(saved XML) *Restorer { return &Restorer{&d, saved} }

var _ reconcile.Driver[State] = (*Restorer)(nil)

// Desired is the cluster alone; the checkpoint says the rest.
func (r *Restorer) Desired(m *v1.Manifests, s reconcile.Secrets) (State, error) {
	only := &v1.Manifests{}
	only.Add(m.Cluster)
	want, err := r.Driver.Desired(only, s)
	want.Objects, want.Secrets, want.Inline = nil, nil, nil
	return want, err
}

// Notes has nothing to tell of manifests.
func (r *Restorer) Notes(State, State) []reconcile.Note { return nil }

// restoration is the way from the live CIB to a checkpoint.
type restoration struct {
	live, target *tree
	between      *etree.Document // with what goes told to stop; nil where nothing that runs goes
	doomed       []string
	pins         []Pin
}

func (r *Restorer) restoration(have State) (*restoration, error) {
	live, err := parse(string(have.CIB))
	if err != nil {
		return nil, fmt.Errorf("the CIB of %s: %w", have.From, err)
	}
	saved, err := parse(string(r.saved))
	if err != nil {
		return nil, fmt.Errorf("the checkpoint: %w", err)
	}
	if was, is := attr(saved.Root(), "validate-with"), attr(live.Root(), "validate-with"); was != is {
		return nil, fmt.Errorf("the checkpoint is in the words of %s and the cluster has %s since: an upgrade of the schema cannot be taken back", was, is)
	}
	x := &restoration{live: newTree(live), target: newTree(retarget(live, saved))}
	x.doomed = onlyIn(live, x.target.Document)
	if mon, err := readMonitor(have.Monitor); err == nil && len(x.doomed) > 0 {
		st := readStatus(mon)
		if slices.ContainsFunc(x.doomed, func(id string) bool { return active(st.of(id)) > 0 }) {
			x.between = windDown(live, x.target, x.doomed)
		}
	}
	return x, nil
}

// retarget is the checkpoint's configuration in the live CIB, with what must stay as it is now.
func retarget(live, saved *etree.Document) *etree.Document {
	out := live.Copy()
	old := out.Root().SelectElement("configuration")
	conf := saved.Root().SelectElement("configuration").Copy()
	now := live.Root().SelectElement("configuration")
	if nodes, was := now.SelectElement("nodes"), conf.SelectElement("nodes"); nodes != nil && was != nil {
		nodes = nodes.Copy()
		for _, n := range nodes.ChildElements() {
			for _, w := range was.ChildElements() {
				if attr(w, "uname") == attr(n, "uname") {
					n.Child = w.Copy().Child
					n.ReindexChildren()
				}
			}
		}
		i := was.Index()
		conf.RemoveChildAt(i)
		conf.InsertChildAt(i, nodes)
	}
	properties(now.SelectElement("crm_config"), conf.SelectElement("crm_config"))
	i := old.Index()
	out.Root().RemoveChildAt(i)
	out.Root().InsertChildAt(i, conf)
	return out
}

// properties keeps what Pacemaker and agents wrote into the cluster's options.
func properties(live, back *etree.Element) {
	if live == nil || back == nil {
		return
	}
	plain := (view{}).plainProperties(back)
	configured := func(s *etree.Element) bool {
		return attr(s, "id") == attr(plain, "id") || attr(s, "id") == inventoryID || s.SelectElement("rule") != nil || has(s, "score")
	}
	for _, s := range back.ChildElements() {
		if !configured(s) {
			back.RemoveChild(s)
			continue
		}
		for _, nv := range s.ChildElements() {
			if slices.Contains(pacemakersOwn, attr(nv, "name")) || passing(nv) {
				s.RemoveChild(nv)
			}
		}
	}
	for _, s := range live.ChildElements() {
		if !configured(s) {
			back.AddChild(s.Copy())
			continue
		}
		to := byID(back, attr(s, "id"))
		for i, nv := range s.ChildElements() {
			if to != nil && (slices.Contains(pacemakersOwn, attr(nv, "name")) || passing(nv)) {
				to.InsertChildAt(min(i, len(to.Child)), nv.Copy())
			}
		}
	}
}

// Plan goes back in one change; in two where resources that run go.
func (r *Restorer) Plan(want, have State) ([]reconcile.Step, error) {
	if !have.formed() {
		return nil, errors.New("no cluster runs, so there is nothing to restore into")
	}
	x, err := r.restoration(have)
	if err != nil {
		return nil, err
	}
	changes, _ := risks(x.live.Document, x.target.Document, x.changes(), 0)
	if len(changes) == 0 {
		return nil, nil
	}
	schema := attr(x.live.Root(), "validate-with")
	for _, c := range []*etree.Element{x.live.Root().SelectElement("configuration"), x.target.Root().SelectElement("configuration")} {
		for _, s := range c.ChildElements() {
			for _, el := range s.ChildElements() {
				if id := attr(el, "id"); id != "" {
					x.pins = append(x.pins, Pin{Object: refOfTop(el), ID: id, Tag: apartTag(el), Digest: digest(childByID(section(x.live.Document, s.Tag), id), nil)})
				}
			}
		}
	}
	st := reconcile.Step{ID: "cib " + have.From + " change", Host: have.From, Changes: changes}
	if x.between == nil {
		st.Ops = []reconcile.Op{Patch{Cluster: want.Cluster, Schema: schema, Edits: between(x.live.Document, x.target.Document), Pins: x.pins}}
		return []reconcile.Step{st}, nil
	}
	st.Ops = []reconcile.Op{
		Patch{Cluster: want.Cluster, Schema: schema, Edits: between(x.live.Document, x.between), Pins: x.pins},
		Inactive{Resources: x.doomed, Limit: fencingTime},
	}
	then := reconcile.Step{ID: "cib " + have.From + " removal", Host: have.From, Needs: nil,
		Ops: []reconcile.Op{Patch{Cluster: want.Cluster, Schema: schema, Edits: between(x.between, x.target.Document)}}}
	gone := func(c reconcile.Change) bool {
		return c.Action == reconcile.Delete && slices.Contains(x.doomed, c.Object.Name)
	}
	for _, c := range changes {
		if gone(c) {
			then.Changes = append(then.Changes, c)
			st.Frees = append(st.Frees, c.Object)
		}
	}
	st.Changes = slices.DeleteFunc(slices.Clone(changes), gone)
	if len(st.Changes) == 0 { // the stop of what goes
		for _, id := range x.doomed {
			st.Changes = append(st.Changes, reconcile.Change{Object: refOfTop(x.live.findIn("resources", id)), Action: reconcile.Stop, Why: "it is deleted then"})
		}
	}
	return []reconcile.Step{st, then}, nil
}

// Predict asks the scheduler about the checkpoint in place of the live configuration.
func (r *Restorer) Predict(ctx context.Context, hosts reconcile.Hosts, _, have State, steps []reconcile.Step) (reconcile.Prediction, error) {
	h := hosts.Named(have.From)
	if len(steps) == 0 || h == nil {
		return reconcile.Prediction{}, nil
	}
	x, err := r.restoration(have)
	if err != nil {
		return reconcile.Prediction{}, err
	}
	var base, then []simulation
	var verdict error
	var g errgroup.Group // see Driver.Predict
	g.Go(func() (err error) { base, err = rounds(ctx, h, x.live.Document); return err })
	g.Go(func() (err error) { then, err = rounds(ctx, h, x.target.Document); return err })
	g.Go(func() error { verdict = verifyNew(ctx, h, x.live.Document, x.target.Document); return nil })
	simErr := g.Wait()
	if verdict != nil {
		return reconcile.Prediction{}, verdict
	}
	if simErr != nil {
		return reconcile.Prediction{Unavailable: simErr.Error()}, nil //nolint:nilerr // told as unavailable, which gates take for the worst
	}
	return reconcile.Prediction{Reactions: reactions(base, then, stonithIDs(x.target.Document))}, nil
}

// between gives the edits that make b of a, by whole objects: the patch holds their differences only.
func between(a, b *etree.Document) []Edit {
	var edits []Edit
	was, is := a.Root().SelectElement("configuration"), b.Root().SelectElement("configuration")
	for _, s := range was.ChildElements() {
		if is.SelectElement(s.Tag) == nil {
			edits = append(edits, Edit{Do: remove, At: s.Tag})
		}
	}
	for _, s := range is.ChildElements() {
		o := was.SelectElement(s.Tag)
		if o == nil {
			edits = append(edits, Edit{Do: create, At: "configuration", After: inPlace, XML: Fragment(source(s))})
			continue
		}
		as, bs := o.ChildElements(), s.ChildElements()
		names, stay, old := identities(bs), stays(as, bs), map[string]*etree.Element{}
		for i, k := range identities(as) {
			old[k] = as[i]
			if !stay[k] {
				edits = append(edits, Edit{Do: remove, At: address(as[i])})
			}
		}
		after := "^"
		for i, c := range bs {
			same := stay[names[i]] && digest(old[names[i]], nil) == digest(c, nil)
			if !same && stay[names[i]] {
				edits = append(edits, Edit{Do: remove, At: address(old[names[i]])})
			}
			if !same {
				edits = append(edits, Edit{Do: create, At: s.Tag, After: after, XML: Fragment(source(c))})
			}
			after = attr(c, "id")
		}
	}
	return edits
}

// refOfTop names a child of a section.
func refOfTop(el *etree.Element) reconcile.Ref {
	id := attr(el, "id")
	if in := inner(el); in != el {
		el, id = in, attr(in, "id")
	}
	if k := kindOf(el); k != "" {
		return named(k, id)
	}
	switch {
	case el.Tag == "node":
		return NodeOptions(attr(el, "uname"))
	case el.Tag == "fencing-level":
		return named("FencingTopology", levelKey(el))
	}
	return reconcile.Ref{Kind: el.Tag, Name: id}
}

// changes are the differences for people, object by object.
func (x *restoration) changes() []reconcile.Change {
	var out []reconcile.Change
	was, is := x.live.Root().SelectElement("configuration"), x.target.Root().SelectElement("configuration")
	for _, s := range is.ChildElements() {
		var as []*etree.Element
		if o := was.SelectElement(s.Tag); o != nil {
			as = o.ChildElements()
		}
		bs := s.ChildElements()
		names, stay, old := identities(bs), stays(as, bs), map[string]*etree.Element{}
		for i, k := range identities(as) {
			if old[k] = as[i]; !stay[k] && !slices.Contains(names, k) {
				out = append(out, restored(as[i], reconcile.Delete))
			}
		}
		for i, c := range bs {
			o := old[names[i]]
			switch {
			case o == nil:
				out = append(out, restored(c, reconcile.Create))
			case digest(o, nil) != digest(c, nil):
				out = append(out, differences(o, c)...)
			case !stay[names[i]]:
				ch := restored(c, reconcile.Update)
				ch.Path = "place"
				out = append(out, ch)
			}
		}
	}
	for _, s := range was.ChildElements() {
		if is.SelectElement(s.Tag) == nil {
			for _, c := range s.ChildElements() {
				out = append(out, restored(c, reconcile.Delete))
			}
		}
	}
	return out
}

func restored(el *etree.Element, a reconcile.Action) reconcile.Change {
	return reconcile.Change{Object: refOfTop(el), Action: a}
}

// differences lists what differs in an object: options by their names, the rest by elements.
func differences(a, b *etree.Element) []reconcile.Change {
	have, want := optionsOf(a), optionsOf(b)
	var paths []string
	for p := range have {
		paths = append(paths, p)
	}
	for p := range want {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	var out []reconcile.Change
	for _, p := range slices.Compact(paths) {
		if have[p] == want[p] {
			continue
		}
		c := restored(b, reconcile.Update)
		c.Path, c.Have, c.Want = p, have[p], want[p]
		if b.Tag == "cluster_property_set" {
			d := c
			d.Object.Kind, d.Path = "Cluster", "properties."+p
			raise(&d)
			c.Risk, c.Why = d.Risk, d.Why
		}
		out = append(out, c)
	}
	if out == nil { // only an order
		c := restored(b, reconcile.Update)
		c.Path = "order"
		out = append(out, c)
	}
	return out
}

// optionsOf gives the options and elements of an object by path, passwords masked.
func optionsOf(el *etree.Element) map[string]string {
	out := map[string]string{}
	var walk func(el *etree.Element, at string)
	walk = func(el *etree.Element, at string) {
		for _, c := range el.ChildElements() {
			if n := attr(c, "name"); c.Tag == "nvpair" && n != "" {
				v := attr(c, "value")
				if secretPair(c) {
					v = reconcile.Mask
				}
				out[at+n] = v
				continue
			}
			p := at + c.Tag
			if id := attr(c, "id"); id != "" {
				p = at + id
			}
			out[p] = strings.TrimPrefix(canon(c), c.Tag+" ")
			walk(c, at)
		}
	}
	out[""] = strings.TrimPrefix(canon(el), el.Tag+" ")
	walk(el, "")
	return out
}

// Masked is a CIB as text for people, passwords masked.
func (x XML) Masked() (string, error) {
	doc, err := parse(string(x))
	if err != nil {
		return "", err
	}
	mask(doc.Root())
	doc.Indent(2)
	return doc.WriteToString()
}

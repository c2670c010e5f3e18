package cib

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// emptyCIB is what `cibadmin --empty` of Pacemaker 2.1.5 prints, with the sections' places fixed.
const emptyCIB = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="0" num_updates="0" admin_epoch="0">` +
	`<configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>`

// planner compares one want with one have.
type planner struct {
	want, have State
	live       *tree // as observed
	work       *tree // live with the edits so far
	inv        map[reconcile.Ref]entry
	dialect    dialect
	refs       map[string]bool // the ids that something refers to
	objects    []*wanted
	byRef      map[reconcile.Ref]*wanted
	members    map[string][]string // of each group, as declared
	reserved   map[string]bool     // the ids that manifests give
	homes      homes
	edits      []Edit
	authors    authors // of the edits
	pins       []Pin
	pinned     map[[3]string]bool
	changes    []reconcile.Change
	changed    map[reconcile.Ref]bool
	notes      []reconcile.Note
	told       map[reconcile.Note]bool
	probes     []Object
	awaited    []string
	awaits     map[string]bool
	errs       []error
	registered map[string]string // see registration
	secretsOf  map[secretKey]*Secret
	stored     map[[3]string]*Secret // see storedSecret
	clear      map[secretKey]bool    // the secrets that stay in the CIB in clear text
	offline    bool                  // there is no cluster: the CIB is made for a file
	pruning
	stops map[string][]time.Time // see lastStops
}

// newPlanner compares; its fields hold the answer.
func newPlanner(want, have State) (*planner, error) {
	if want.last == nil {
		return compare(want, have, false)
	}
	return want.last.compare(want, have)
}

// comparisons keeps the last comparison of a wanted state: a plan, its notes, its prediction and the gates ask for the same one. Who gets a
// planner from here reads it and changes nothing but its notes.
type comparisons struct {
	mu      sync.Mutex
	have    State
	planner *planner
	err     error
}

func (c *comparisons) compare(want, have State) (*planner, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.planner == nil && c.err == nil || !reflect.DeepEqual(c.have, have) {
		c.have = have
		c.planner, c.err = compare(want, have, false)
	}
	return c.planner, c.err
}

func compare(want, have State, offline bool) (*planner, error) {
	p := &planner{want: want, have: have, offline: offline, clear: map[secretKey]bool{}, registered: map[string]string{}, pinned: map[[3]string]bool{}, changed: map[reconcile.Ref]bool{},
		told: map[reconcile.Note]bool{}, awaits: map[string]bool{}}
	src := string(have.CIB)
	if src == "" {
		src = emptyCIB
	}
	doc, err := parse(src)
	if err != nil {
		return nil, fmt.Errorf("the CIB of %s: %w", have.From, err)
	}
	if doc.Root().SelectElement("configuration") == nil {
		return nil, fmt.Errorf("the CIB of %s has no configuration: was it read as another user than root?", have.From)
	}
	p.live, p.work = newTree(doc), newTree(doc.Copy())
	p.dialect = dialectOf(doc)
	p.inv = inventory(doc)
	p.homes = homesOf(doc)
	p.formerName()
	if err := p.read(); err != nil {
		return nil, err
	}
	p.doom()
	p.replace()
	for _, o := range p.objects {
		p.object(o)
		p.rotate(*o.Object)
	}
	p.withoutClear()
	p.groupOrders()
	p.seed()
	p.stop()
	p.leftovers()
	p.record()
	p.second()
	p.changes, p.secondChange = risks(p.live.Document, p.work.Document, p.changes, p.secondChange)
	return p, errors.Join(p.errs...)
}

// Plan makes one step for all changes of the CIB, behind the secrets that it refers to and the probes of the fence devices in it.
func (d *Driver) Plan(want, have State) ([]reconcile.Step, error) {
	if want.Cluster == "" {
		return nil, nil
	}
	p, err := newPlanner(want, have)
	if err != nil {
		return nil, err
	}
	return d.inTurn(p)
}

// plan gives the steps of what differs. They need, beside what they need by themselves, what is said.
func (p *planner) plan(also []reconcile.Ref) ([]reconcile.Step, error) {
	want, have := p.want, p.have
	probes, answers := p.planProbes()
	steps, needs, pending := p.planSecrets()
	if len(p.changes) == 0 {
		return append(steps, p.planSecretRemovals()...), nil
	}
	// A device is asked with its new secret before the secret goes anywhere: a wrong one must not take the place of the right one.
	for i := range steps {
		steps[i].Needs = append(steps[i].Needs, answers...)
	}
	needs = append(needs, answers...)
	steps = append(probes, steps...)
	removals := p.planSecretRemovals()
	st := reconcile.Step{ID: "cib " + cmp.Or(have.From, p.firstMember()) + " change", Host: cmp.Or(have.From, p.firstMember()),
		Changes: p.changes, Needs: needs, Pending: pending}
	for _, r := range removals {
		for _, c := range r.Changes {
			st.Frees = append(st.Frees, c.Object)
		}
	}
	for _, s := range probes {
		if s.Pending != "" && st.Pending == "" {
			st.Pending = "waits for the probe of a fence device: " + s.Pending
		}
	}
	dc, quorate := p.leader()
	switch {
	case !have.formed():
		st.Pending = "known after the cluster runs"
		st.Needs = append(st.Needs, corosync.Formed(want.Cluster))
	case have.Recorded: // shown as it would be done
	case dc == "":
		st.Pending = "the cluster has no designated controller yet"
	case !quorate:
		st.Pending = "the cluster has no quorum: Pacemaker takes no change"
	default:
		st.Needs = append(st.Needs, corosync.Formed(want.Cluster))
		for _, m := range have.Members {
			// What starts because of the change may read the files that are put there. A member that does not run starts nothing.
			if want.Files && m.Runs == Running {
				st.Needs = append(st.Needs, system.Machine(m.Name))
			}
		}
	}
	if have.formed() && !have.Recorded && slices.ContainsFunc(p.changes, func(c reconcile.Change) bool {
		return c.Action == reconcile.Create && c.Object.Kind == "Resource"
	}) {
		st.Needs = append(st.Needs, want.Storage...) // an agent that finds no disk fails, and Pacemaker remembers that
	}
	st.Needs = append(st.Needs, also...)
	if st.Pending == "" {
		st.Ops = p.ops()
	}
	return slices.Concat(steps, p.inTwo(st), removals), nil
}

// ops change the CIB at once, and wait for what comes of it.
func (p *planner) ops() []reconcile.Op {
	ops := []reconcile.Op{Patch{Cluster: p.want.Cluster, Schema: p.dialect.schema, Edits: p.edits, Pins: p.pins,
		Judged: digest(p.work.Root().SelectElement("configuration"), nil)}}
	if len(p.awaited) > 0 {
		ops = append(ops, Await{Resources: p.awaited, Limit: p.awaitLimit()})
	}
	if len(p.left) > 0 {
		ops = append(ops, Inactive{Resources: p.left, Orphans: true, Limit: p.stopLimit()})
	}
	return ops
}

func (p *planner) firstMember() string {
	for _, m := range p.have.Members {
		if m.Runs == Running || m.Runs == Stopped {
			return m.Name
		}
	}
	if len(p.want.Members) > 0 {
		return p.want.Members[0].Name
	}
	return ""
}

// leader gives the designated controller in the view of the member whose CIB was read, and whether that one is in a quorate partition.
func (p *planner) leader() (dc string, quorate bool) {
	m := p.have.member(p.have.From)
	if m == nil {
		return "", false
	}
	return m.DC, m.Quorate
}

func (p *planner) note(n reconcile.Note) {
	if !p.told[n] {
		p.told[n] = true
		p.notes = append(p.notes, n)
	}
}

// do records an edit and carries it out on the working copy, so that later edits see it.
func (p *planner) do(e Edit) {
	if err := e.apply(p.work); err != nil {
		p.errs = append(p.errs, fmt.Errorf("cannot be edited: %w", err))
		return
	}
	p.edits = append(p.edits, e)
	p.authors.edit()
}

// change records a difference for people.
func (p *planner) change(o *Object, a reconcile.Action, path, have, want string, r reconcile.Risk, why string) {
	pos, ok := o.Pos[path]
	if !ok {
		pos = o.Pos[""]
	}
	p.tell(reconcile.Change{Object: o.Ref, Action: a, Path: path, Have: have, Want: want, Source: pos, Risk: r, Why: why})
}

// tell takes a change into the plan.
func (p *planner) tell(c reconcile.Change) {
	p.changed[c.Object] = true
	p.authors.change(c.Object, c.Path)
	p.changes = append(p.changes, c)
}

// await has apply wait for a resource.
func (p *planner) await(id string) {
	if !p.awaits[id] {
		p.awaits[id] = true
		p.awaited = append(p.awaited, id)
	}
}

// seed removes the short dc-deadtime with which a new cluster was seeded, unless a manifest declares one.
func (p *planner) seed() {
	ref := Options(p.want.Cluster)
	p.authors.turn(ref)
	gone := reconcile.Change{Object: ref, Action: reconcile.Update, Path: "properties.dc-deadtime", Have: "2s", Source: p.want.Source,
		Why: "the seed of a new cluster, no setting"}
	declared := slices.ContainsFunc(p.want.Objects, func(o Object) bool {
		_, ok := o.Pos["properties.dc-deadtime"]
		return ok && o.Ref == ref && !slices.Contains(o.Null, "properties.dc-deadtime")
	})
	if !p.have.formed() {
		if !declared {
			p.tell(gone)
		}
		return
	}
	el := p.work.find(corosync.SeedID)
	if el == nil || declared {
		return
	}
	gone.Have = attr(el, "value")
	p.pinPair(el.Parent(), attr(el, "name"), ref)
	p.do(Edit{Do: remove, At: address(el)})
	p.tell(gone)
}

// record brings the inventory up to date with what is wanted.
func (p *planner) record() {
	p.authors.turn(reconcile.Ref{})
	for _, o := range p.objects {
		value := encodeEntry(p.want.Owner, o.Protect, o.fields)
		e := p.inv[o.Ref]
		shared := o.Ref.Kind == "Cluster" || o.Ref.Kind == "Node" // there without hactl, too
		if e.value == value && attr(e.el, "name") == entryName(o.Ref) || len(o.fields) == 0 && (e.el == nil || e.owner != p.want.Owner) && shared {
			continue // one who wants nothing of it leaves it to another owner
		}
		name := entryName(o.Ref)
		changed := p.changed[o.Ref]
		switch {
		case e.el != nil && e.owner != p.want.Owner:
			p.change(o.Object, reconcile.Adopt, "owner", e.owner, p.want.Owner, reconcile.AdoptRisk, "another owner manages it")
		case !changed && e.el == nil:
			p.note(reconcile.Note{Kind: reconcile.NoteAdopts, Object: o.Ref, Text: "is as wanted and is taken over", Source: o.Pos[""]})
			p.change(o.Object, reconcile.Adopt, "", "", "", reconcile.Safe, "")
		case !changed:
			p.change(o.Object, reconcile.Adopt, "fields", "", "", reconcile.Safe, "the record of the managed fields changes")
		}
		p.pinPair(inventorySet(p.live.Document), name, o.Ref)
		if e.el != nil && attr(e.el, "name") == name {
			p.do(Edit{Do: set, At: address(e.el), Attr: "value", Value: reconcile.Plain(value)})
			continue
		}
		p.inventoryHome()
		nv := element("nvpair", name)
		nv.CreateAttr("name", name)
		nv.CreateAttr("value", value)
		p.do(Edit{Do: create, At: "cluster_property_set#" + inventoryID, XML: Fragment(source(nv))})
	}
}

// inventoryHome makes the inventory's property set.
func (p *planner) inventoryHome() {
	for _, e := range inventoryHome(p.work.Document) {
		p.do(e)
	}
}

func (p *planner) sectionHome(name string) {
	if section(p.work.Document, name) == nil {
		p.do(Edit{Do: create, At: "configuration", After: inPlace, XML: Fragment("<" + name + "/>")})
	}
}

// wantedFields are all fields of an object's parts.
func (p *planner) wantedFields(o *Object) []field {
	if w := p.byRef[o.Ref]; w != nil {
		return w.fields
	}
	return nil
}

// joinWords joins for a sentence.
func joinWords(w []string) string { return strings.Join(w, ", ") }

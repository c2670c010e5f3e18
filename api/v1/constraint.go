package v1

import "cmp"

// Constraint is one rule of placement or order. Its name is the XML id.
type Constraint struct {
	Object
	// Spec is the desired state.
	Spec ConstraintSpec `json:"spec"`
}

// ConstraintSpec holds exactly one of its fields.
type ConstraintSpec struct {
	// Location prefers or avoids nodes.
	Location *Location `json:"location,omitempty"`
	// Order runs one resource before another.
	Order *Order `json:"order,omitempty"`
	// Colocation places one resource where another runs.
	Colocation *Colocation `json:"colocation,omitempty"`
	// Ticket ties resources to a ticket of another site.
	Ticket *Ticket `json:"ticket,omitempty"`
}

// Location prefers or avoids nodes (rsc_location). Exactly one of Resource, Pattern and Sets says for what; Node with a Score,
// Expression with a Score, or Rules say where.
type Location struct {
	// Resource is the name of a resource, group, clone, bundle, fence device, template or tag.
	Resource string `json:"resource,omitempty" cib:"rsc" ref:"resource"`
	// Pattern is a regular expression (POSIX extended) that the names of resources match.
	Pattern string `json:"pattern,omitempty" cib:"rsc-pattern"`
	// Sets are sets of resources.
	Sets []ResourceSet `json:"sets,omitempty"`
	// Node is the name of a node.
	Node string `json:"node,omitempty" cib:"node" ref:"node"`
	// Score is an integer from -1000000 to 1000000, INFINITY or -INFINITY.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// Expression picks the nodes that get Score: the short form of Rules with one rule.
	Expression string `json:"expression,omitempty" check:"expression"`
	// Rules pick nodes, each with a score of its own.
	Rules []Rule `json:"rules,omitempty"`
	// Role limits it to instances in that role: Started, Stopped, Promoted, Unpromoted (or, as before Pacemaker 2.1, Master, Slave).
	Role string `json:"role,omitempty" cib:"role" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// ResourceDiscovery is always (default), never or exclusive.
	ResourceDiscovery string `json:"resourceDiscovery,omitempty" cib:"resource-discovery" enum:"always never exclusive"`
	// Lifetime are rules that say when the constraint holds.
	Lifetime []Rule `json:"lifetime,omitempty"`
}

// Order starts (promotes, …) one resource before another (rsc_order): First and Then, or Sets.
type Order struct {
	// First is the name of a resource, group, clone, bundle, fence device, template or tag.
	First string `json:"first,omitempty" cib:"first" ref:"resource"`
	// Then is the name of the one that waits.
	Then string `json:"then,omitempty" cib:"then" ref:"resource"`
	// FirstAction is start (Pacemaker's default), stop, promote or demote.
	FirstAction string `json:"firstAction,omitempty" cib:"first-action" enum:"start stop promote demote"`
	// ThenAction is one of the same words; Pacemaker's default is FirstAction.
	ThenAction string `json:"thenAction,omitempty" cib:"then-action" enum:"start stop promote demote"`
	// Sets are sets of resources: each set waits for the one before it.
	Sets []ResourceSet `json:"sets,omitempty"`
	// Kind is Mandatory (Pacemaker's default), Optional or Serialize.
	Kind string `json:"kind,omitempty" cib:"kind" enum:"Mandatory Optional Serialize"`
	// Score is the older spelling of Kind: 0 is Optional, anything else Mandatory.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// Symmetrical (true or false) also reverses the order for the reverse actions; Pacemaker's default is true, and false for Serialize.
	Symmetrical string `json:"symmetrical,omitempty" cib:"symmetrical" enum:"true false 1 0"`
	// RequireAll (true or false) waits for all instances of a clone; with false one is enough. Pacemaker's default is true.
	RequireAll string `json:"requireAll,omitempty" cib:"require-all" enum:"true false 1 0"`
	// Lifetime are rules that say when the constraint holds.
	Lifetime []Rule `json:"lifetime,omitempty"`
}

// Colocation places one resource where another runs (rsc_colocation): Resource and With, or Sets.
type Colocation struct {
	// Resource is the name of a resource, group, clone, bundle, fence device, template or tag: the one that is placed.
	Resource string `json:"resource,omitempty" cib:"rsc" ref:"resource"`
	// With is the name of the one that it is placed with.
	With string `json:"with,omitempty" cib:"with-rsc" ref:"resource"`
	// Sets are sets of resources: each set is placed with the one after it.
	Sets []ResourceSet `json:"sets,omitempty"`
	// Score is an integer from -1000000 to 1000000, INFINITY (default) or -INFINITY.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// Role limits it to instances of Resource in that role.
	Role string `json:"role,omitempty" cib:"rsc-role" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// WithRole limits it to instances of With in that role.
	WithRole string `json:"withRole,omitempty" cib:"with-rsc-role" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// NodeAttribute makes nodes with the same value of this attribute count as the same place.
	NodeAttribute string `json:"nodeAttribute,omitempty" cib:"node-attribute"`
	// Influence (true or false) says whether Resource's own wishes count in placing With.
	Influence string `json:"influence,omitempty" cib:"influence" check:"truth"`
	// Lifetime are rules that say when the constraint holds.
	Lifetime []Rule `json:"lifetime,omitempty"`
}

// Ticket lets resources run only while this site holds a ticket (rsc_ticket): Resource, or Sets.
type Ticket struct {
	// Ticket is the ticket's name.
	Ticket string `json:"ticket" cib:"ticket"`
	// Resource is the name of a resource, group, clone, bundle, template or tag.
	Resource string `json:"resource,omitempty" cib:"rsc" ref:"resource"`
	// Role limits it to instances of Resource in that role.
	Role string `json:"role,omitempty" cib:"rsc-role" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// Sets are sets of resources.
	Sets []ResourceSet `json:"sets,omitempty"`
	// LossPolicy is what happens when the ticket is lost: stop (Pacemaker's default), demote (its default for role Promoted), fence or freeze.
	LossPolicy string `json:"lossPolicy,omitempty" cib:"loss-policy" enum:"stop demote fence freeze"`
}

// ResourceSet is a set of resources in a constraint (resource_set).
type ResourceSet struct {
	// Resources are names of resources, groups, clones, bundles, templates or tags, in their order.
	Resources []string `json:"resources,omitempty" ref:"resource"`
	// Sequential (true or false) orders or places the members one after the other; Pacemaker's default is true.
	Sequential string `json:"sequential,omitempty" cib:"sequential" enum:"true false 1 0"`
	// RequireAll (true or false) waits for all members; Pacemaker's default is true.
	RequireAll string `json:"requireAll,omitempty" cib:"require-all" enum:"true false 1 0"`
	// Ordering is group or listed (of colocations with a score over 0): whether the members are placed like a group, each with the one before.
	Ordering string `json:"ordering,omitempty" cib:"ordering" enum:"group listed"`
	// Action is what an order is about: start, stop, promote or demote.
	Action string `json:"action,omitempty" cib:"action" enum:"start stop promote demote"`
	// Role limits it to instances in that role.
	Role string `json:"role,omitempty" cib:"role" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// Score holds between the members.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// Kind of the order between the members, in place of Score.
	Kind string `json:"kind,omitempty" cib:"kind" enum:"Mandatory Optional Serialize"`
	// ID is the XML id; needed only where something refers to it.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
	// IDRef uses a set that stands elsewhere. It excludes the other fields.
	IDRef string `json:"idRef,omitempty" cib:"id-ref" ref:"element"`
}

// SetDefaults sets nothing but the type: every default of a constraint is Pacemaker's own and is not written out.
func (x *Constraint) SetDefaults() { x.setType("Constraint") }

func (x *Constraint) validate(c *checker) {
	o, s := &x.Object, &x.Spec
	c.exactlyOne(o, "spec", choice{"location", s.Location != nil}, choice{"order", s.Order != nil},
		choice{"colocation", s.Colocation != nil}, choice{"ticket", s.Ticket != nil})
}

// The checks below follow constraints-3.9.rng.

func (l *Location) check(c *checker, o *Object, path string) {
	c.exactlyOne(o, path, choice{"resource", l.Resource != ""}, choice{"pattern", l.Pattern != ""}, choice{"sets", len(l.Sets) > 0})
	c.exactlyOne(o, path, choice{"node", l.Node != ""}, choice{"expression", l.Expression != ""}, choice{"rules", len(l.Rules) > 0})
	c.excludes(o, path, choice{"sets", len(l.Sets) > 0}, choice{"role", l.Role != ""})
	switch {
	case len(l.Rules) > 0 && l.Score != "":
		c.errorf(o, path+".score", "stands in each rule; remove it here")
	case len(l.Rules) == 0 && l.Score == "" && c.sound(o, path):
		c.errorf(o, path+".score", "is required: INFINITY, -INFINITY or a whole number")
	}
}

func (r *Order) check(c *checker, o *Object, path string) {
	c.pair(o, path, choice{"first", r.First != ""}, choice{"then", r.Then != ""}, len(r.Sets) > 0)
	c.excludes(o, path, choice{"sets", len(r.Sets) > 0}, choice{"firstAction", r.FirstAction != ""}, choice{"thenAction", r.ThenAction != ""})
	c.excludes(o, path, choice{"kind", r.Kind != ""}, choice{"score", r.Score != ""})
	if r.First != "" && r.First == r.Then {
		first := cmp.Or(r.FirstAction, "start")
		if first == cmp.Or(r.ThenAction, first) {
			// Pacemaker's scheduler stops with a failed assertion (order_actions: lh_action != rh_action).
			c.lintf(lintOrder, o, path+".then", "%s of %s cannot come before itself; name another resource or another action", first, r.First)
		}
	}
	if r.Kind == "Serialize" && (r.Symmetrical == "true" || r.Symmetrical == "1") {
		c.lintf(lintOrder, o, path+".symmetrical", "Pacemaker cannot reverse an order of kind Serialize; remove it")
	}
}

func (r *Colocation) check(c *checker, o *Object, path string) {
	c.pair(o, path, choice{"resource", r.Resource != ""}, choice{"with", r.With != ""}, len(r.Sets) > 0)
	c.excludes(o, path, choice{"sets", len(r.Sets) > 0},
		choice{"role", r.Role != ""}, choice{"withRole", r.WithRole != ""}, choice{"nodeAttribute", r.NodeAttribute != ""})
}

func (t *Ticket) check(c *checker, o *Object, path string) {
	c.exactlyOne(o, path, choice{"resource", t.Resource != ""}, choice{"sets", len(t.Sets) > 0})
	c.excludes(o, path, choice{"sets", len(t.Sets) > 0}, choice{"role", t.Role != ""})
}

// pair checks that a constraint between resources has both of them, or sets.
func (c *checker) pair(o *Object, path string, a, b choice, sets bool) {
	switch {
	case sets:
		c.excludes(o, path, choice{"sets", true}, a, b)
	case !a.given && !b.given:
		if c.sound(o, path) {
			c.errorf(o, path, "must have %s and %s, or sets", a.name, b.name)
		}
	case !a.given:
		c.errorf(o, path+"."+a.name, "is required")
	case !b.given:
		c.errorf(o, path+"."+b.name, "is required")
	}
}

func (r *ResourceSet) check(c *checker, o *Object, path string) {
	c.excludes(o, path, choice{"idRef", r.IDRef != ""},
		choice{"resources", len(r.Resources) > 0}, choice{"sequential", r.Sequential != ""}, choice{"requireAll", r.RequireAll != ""},
		choice{"ordering", r.Ordering != ""}, choice{"action", r.Action != ""}, choice{"role", r.Role != ""}, choice{"score", r.Score != ""},
		choice{"kind", r.Kind != ""}, choice{"id", r.ID != ""})
	c.excludes(o, path, choice{"kind", r.Kind != ""}, choice{"score", r.Score != ""})
	if r.IDRef == "" && len(r.Resources) == 0 {
		c.errorf(o, path+".resources", "is required; name at least one")
	}
}

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
	// Location prefers or avoids a node.
	Location *Location `json:"location,omitempty"`
	// Order runs one resource before another.
	Order *Order `json:"order,omitempty"`
	// Colocation places one resource where another runs.
	Colocation *Colocation `json:"colocation,omitempty"`
}

// Location prefers or avoids a node (rsc_location).
type Location struct {
	// Resource is the name of a resource, group, clone or fence device.
	Resource string `json:"resource"`
	// Node is the name of a node.
	Node string `json:"node"`
	// Score is an integer from -1000000 to 1000000, INFINITY or -INFINITY.
	Score string `json:"score" check:"score"`
	// Role limits it to instances in that role: Started, Stopped, Promoted, Unpromoted (or, as before Pacemaker 2.1, Master, Slave).
	Role string `json:"role,omitempty" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// ResourceDiscovery is always (default), never or exclusive.
	ResourceDiscovery string `json:"resourceDiscovery,omitempty" enum:"always never exclusive"`
}

// Order starts (promotes, …) one resource before another (rsc_order).
type Order struct {
	// First is the name of a resource, group, clone or fence device.
	First string `json:"first"`
	// Then is the name of the one that waits.
	Then string `json:"then"`
	// FirstAction is start (Pacemaker's default), stop, promote or demote.
	FirstAction string `json:"firstAction,omitempty" enum:"start stop promote demote"`
	// ThenAction is one of the same words; Pacemaker's default is FirstAction.
	ThenAction string `json:"thenAction,omitempty" enum:"start stop promote demote"`
	// Kind is Mandatory (Pacemaker's default), Optional or Serialize.
	Kind string `json:"kind,omitempty" enum:"Mandatory Optional Serialize"`
	// Symmetrical (true or false) also reverses the order for the reverse actions; Pacemaker's default is true, and false for Serialize.
	Symmetrical string `json:"symmetrical,omitempty" enum:"true false 1 0"`
}

// Colocation places one resource where another runs (rsc_colocation).
type Colocation struct {
	// Resource is the name of a resource, group, clone or fence device: the one that is placed.
	Resource string `json:"resource"`
	// With is the name of the one that it is placed with.
	With string `json:"with"`
	// Score is an integer from -1000000 to 1000000, INFINITY (default) or -INFINITY.
	Score string `json:"score,omitempty" check:"score"`
	// Role limits it to instances of Resource in that role.
	Role string `json:"role,omitempty" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// WithRole limits it to instances of With in that role.
	WithRole string `json:"withRole,omitempty" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// NodeAttribute makes nodes with the same value of this attribute count as the same place.
	NodeAttribute string `json:"nodeAttribute,omitempty"`
	// Influence (true or false) says whether Resource's own wishes count in placing With.
	Influence string `json:"influence,omitempty" enum:"true false 1 0 yes no on off y n"`
}

// SetDefaults sets nothing but the type: every default of a constraint is Pacemaker's own and is not written out.
func (x *Constraint) SetDefaults() { x.setType("Constraint") }

func (x *Constraint) validate(c *checker) {
	given := 0
	for _, set := range []bool{x.Spec.Location != nil, x.Spec.Order != nil, x.Spec.Colocation != nil} {
		if set {
			given++
		}
	}
	if given > 1 || given == 0 && c.sound(&x.Object, "spec") {
		c.errorf(&x.Object, "spec", "must have exactly one of location, order and colocation; it has %d: write one Constraint for each", given)
	}
	if o := x.Spec.Order; o != nil && o.First != "" && o.First == o.Then {
		first := cmp.Or(o.FirstAction, "start")
		if first == cmp.Or(o.ThenAction, first) {
			// Pacemaker's scheduler stops with a failed assertion (order_actions: lh_action != rh_action).
			c.errorf(&x.Object, "spec.order.then", "%s of %s cannot come before itself; name another resource or another action", first, o.First)
		}
	}
	if o := x.Spec.Order; o != nil && o.Kind == "Serialize" && (o.Symmetrical == "true" || o.Symmetrical == "1") {
		c.errorf(&x.Object, "spec.order.symmetrical", "Pacemaker cannot reverse an order of kind Serialize; remove it")
	}
}

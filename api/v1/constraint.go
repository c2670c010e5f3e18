package v1

// Constraint is one rule of placement or order. Its name is the XML id.
type Constraint struct {
	Object
	Spec ConstraintSpec `json:"spec"`
}

// ConstraintSpec holds exactly one of its fields.
type ConstraintSpec struct {
	Location   *Location   `json:"location,omitempty"`
	Order      *Order      `json:"order,omitempty"`
	Colocation *Colocation `json:"colocation,omitempty"`
}

// Location prefers or avoids a node (rsc_location).
type Location struct {
	Resource string `json:"resource"`
	Node     string `json:"node"`
	// Score is an integer, INFINITY or -INFINITY.
	Score string `json:"score"`
	// Role limits it to instances in that role.
	Role string `json:"role,omitempty"`
	// ResourceDiscovery is always (default), never or exclusive.
	ResourceDiscovery string `json:"resourceDiscovery,omitempty"`
}

// Order starts (promotes, …) one resource before another (rsc_order).
type Order struct {
	First string `json:"first"`
	Then  string `json:"then"`
	// FirstAction is start (default), stop, promote or demote.
	FirstAction string `json:"firstAction,omitempty"`
	// ThenAction defaults to FirstAction.
	ThenAction string `json:"thenAction,omitempty"`
	// Kind is Mandatory (default), Optional or Serialize.
	Kind string `json:"kind,omitempty"`
	// Symmetrical also reverses the order for the reverse actions; default true.
	Symmetrical string `json:"symmetrical,omitempty"`
}

// Colocation places one resource where another runs (rsc_colocation).
type Colocation struct {
	Resource string `json:"resource"`
	With     string `json:"with"`
	// Score is an integer, INFINITY (default) or -INFINITY.
	Score         string `json:"score,omitempty"`
	Role          string `json:"role,omitempty"`
	WithRole      string `json:"withRole,omitempty"`
	NodeAttribute string `json:"nodeAttribute,omitempty"`
	Influence     string `json:"influence,omitempty"`
}

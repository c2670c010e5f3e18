package v1

// Resource is a primitive, or a clone of one.
type Resource struct {
	Object
	Spec ResourceSpec `json:"spec"`
}

// ResourceSpec is the desired state of a Resource.
type ResourceSpec struct {
	Primitive
	// Clone makes it a clone.
	Clone *Clone `json:"clone,omitempty"`
}

// Primitive is one service under the control of an agent.
type Primitive struct {
	// Agent is CLASS[:PROVIDER]:TYPE, such as ocf:heartbeat:IPaddr2 or systemd:haproxy.
	Agent string `json:"agent"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty"`
	// Params are the agent's parameters (instance attributes).
	Params Options `json:"params,omitempty"`
	// Secrets are parameters whose values come from elsewhere.
	Secrets map[string]SecretRef `json:"secrets,omitempty"`
	// Meta are Pacemaker's resource options (meta attributes).
	Meta Options `json:"meta,omitempty"`
	// Utilization is what the resource needs of a node's capacity.
	Utilization Options `json:"utilization,omitempty"`
	// Operations are those that are configured; no other is added.
	Operations []Operation `json:"operations,omitempty"`
}

// Operation is an op element of the CIB. It is told apart by name, interval and role.
type Operation struct {
	// Name is the action: monitor, start, stop, promote, demote, reload, …
	Name string `json:"name"`
	// Interval between two runs; 0 (the default) is once.
	Interval string `json:"interval,omitempty"`
	Timeout  string `json:"timeout,omitempty"`
	// Role in which a monitor runs: Started, Stopped, Promoted, Unpromoted.
	Role string `json:"role,omitempty"`
	// OnFail is what Pacemaker does when it fails: ignore, block, stop, restart, standby, fence, demote, restart-container.
	OnFail         string `json:"on-fail,omitempty"`
	Enabled        string `json:"enabled,omitempty"`
	RecordPending  string `json:"record-pending,omitempty"`
	StartDelay     string `json:"start-delay,omitempty"`
	IntervalOrigin string `json:"interval-origin,omitempty"`
	Description    string `json:"description,omitempty"`
	// Params are instance attributes of this operation alone.
	Params Options `json:"params,omitempty"`
}

// Clone makes a resource or group run on several nodes.
type Clone struct {
	// Name is the clone's id; the default is NAME-clone.
	Name string `json:"name,omitempty"`
	// Promotable makes it a promotable clone.
	Promotable bool `json:"promotable,omitempty"`
	// Meta are the clone's own options: clone-max, notify, interleave, promoted-max, …
	Meta Options `json:"meta,omitempty"`
}

// ResourceGroup is a list of primitives that run together, in order.
type ResourceGroup struct {
	Object
	Spec ResourceGroupSpec `json:"spec"`
}

// ResourceGroupSpec is the desired state of a ResourceGroup.
type ResourceGroupSpec struct {
	// Resources are the members in the order in which they start, at least one.
	Resources   []GroupMember `json:"resources"`
	Description string        `json:"description,omitempty"`
	Meta        Options       `json:"meta,omitempty"`
	Clone       *Clone        `json:"clone,omitempty"`
}

// GroupMember is a primitive inside a group.
type GroupMember struct {
	// Name is the primitive's id.
	Name string `json:"name"`
	Primitive
}

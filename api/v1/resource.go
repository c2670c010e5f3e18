package v1

import (
	"fmt"
	"time"
)

// Resource is a primitive, or a clone of one.
type Resource struct {
	Object
	// Spec is the desired state.
	Spec ResourceSpec `json:"spec"`
}

// ResourceSpec is the desired state of a Resource.
type ResourceSpec struct {
	Primitive
	// Clone makes it a clone.
	Clone *Clone `json:"clone,omitempty"`
}

// Primitive is one service under the control of an agent. Exactly one of Agent and Template is given.
type Primitive struct {
	// Agent is CLASS[:PROVIDER]:TYPE, such as ocf:heartbeat:IPaddr2 or systemd:haproxy. The classes are ocf (with a provider), systemd,
	// service, lsb, stonith, nagios, upstart and heartbeat.
	Agent string `json:"agent,omitempty" check:"agent"`
	// Template names a ResourceTemplate that gives the agent, and everything that is not said here.
	Template string `json:"template,omitempty" cib:"template" ref:"template"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Params are the agent's parameters (instance attributes).
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of parameters: with a rule, a score or a shared id.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
	// Secrets are parameters whose values come from elsewhere.
	Secrets map[string]SecretRef `json:"secrets,omitempty"`
	// Meta are Pacemaker's resource options (meta attributes).
	Meta Options `json:"meta,omitempty" options:"meta"`
	// MetaSets are further sets of resource options.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"meta"`
	// Utilization is what the resource needs of a node's capacity.
	Utilization Options `json:"utilization,omitempty" options:"utilization"`
	// UtilizationSets are further sets of it.
	UtilizationSets []AttributeSet `json:"utilizationSets,omitempty" options:"utilization"`
	// Operations are those that are configured; no other is added.
	Operations []Operation `json:"operations,omitempty"`
	// OperationsFrom uses the operations of another resource instead: it is the OperationsID that stands there (id-ref).
	OperationsFrom string `json:"operationsFrom,omitempty" ref:"operations"`
	// OperationsID is the id of the list of operations; needed only where another resource's OperationsFrom names it.
	OperationsID string `json:"operationsID,omitempty" check:"id"`
}

// Operation is an op element of the CIB. It is told apart by name, interval and role. Time spans are a whole number with a unit (500ms,
// 30s, 2min, 1h), of seconds without one, or ISO 8601 (PT30S).
type Operation struct {
	// Name is the action: monitor, start, stop, promote, demote, reload, …
	Name string `json:"name" cib:"name" check:"operation"`
	// Interval between two runs; 0 (the default) is once.
	Interval string `json:"interval,omitempty" cib:"interval" check:"interval"`
	// Timeout is how long it may take; the default is Pacemaker's, 20s.
	Timeout string `json:"timeout,omitempty" cib:"timeout" check:"interval"`
	// Role in which a monitor runs: Started, Stopped, Promoted, Unpromoted (or, as before Pacemaker 2.1, Master, Slave).
	Role string `json:"role,omitempty" cib:"role" enum:"Started Stopped Promoted Unpromoted Master Slave"`
	// OnFail is what Pacemaker does when it fails: ignore, block, stop, restart, standby, fence, demote, restart-container.
	OnFail string `json:"on-fail,omitempty" cib:"on-fail" enum:"ignore block stop restart standby fence demote restart-container"`
	// Enabled (true or false) switches it; Pacemaker's default is true.
	Enabled string `json:"enabled,omitempty" cib:"enabled" enum:"true false 1 0"`
	// RecordPending (true or false) shows it while it runs; Pacemaker's default is true.
	RecordPending string `json:"record-pending,omitempty" cib:"record-pending" enum:"true false 1 0"`
	// StartDelay waits before the first run. It excludes IntervalOrigin.
	StartDelay string `json:"start-delay,omitempty" cib:"start-delay" check:"interval"`
	// IntervalOrigin is the ISO 8601 date and time that the intervals count from.
	IntervalOrigin string `json:"interval-origin,omitempty" cib:"interval-origin"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Params are instance attributes of this operation alone.
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of them.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
	// Meta are meta attributes of this operation alone. Interval, timeout and the others above have fields of their own.
	Meta Options `json:"meta,omitempty" options:"operation"`
	// MetaSets are further sets of them.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"operation"`
	// ID is the XML id; needed only where something refers to it. The default is RESOURCE-NAME-interval-INTERVAL.
	ID string `json:"id,omitempty" check:"id"`
}

// Clone makes a resource or group run on several nodes.
type Clone struct {
	// Name is the clone's id; the default is NAME-clone.
	Name string `json:"name,omitempty" check:"id"`
	// Promotable makes it a promotable clone. Pacemaker's default is false.
	Promotable *bool `json:"promotable,omitempty"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Meta are the clone's own options: clone-max, notify, interleave, promoted-max, … . Promotable stands beside them, not among them.
	Meta Options `json:"meta,omitempty" options:"meta"`
	// MetaSets are further sets of options.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"meta"`
	// Params are parameters that all instances inherit (instance attributes of the clone).
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of parameters.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
}

// ResourceGroup is a list of primitives that run together, in order.
type ResourceGroup struct {
	Object
	// Spec is the desired state.
	Spec ResourceGroupSpec `json:"spec"`
}

// ResourceGroupSpec is the desired state of a ResourceGroup.
type ResourceGroupSpec struct {
	// Resources are the members in the order in which they start, at least one.
	Resources []GroupMember `json:"resources"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Meta are Pacemaker's resource options (meta attributes) of the group; its members inherit them.
	Meta Options `json:"meta,omitempty" options:"meta"`
	// MetaSets are further sets of resource options.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"meta"`
	// Params are parameters that all members inherit (instance attributes of the group).
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of parameters.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
	// Clone makes it a clone.
	Clone *Clone `json:"clone,omitempty"`
}

// GroupMember is a primitive inside a group.
type GroupMember struct {
	// Name is the primitive's id.
	Name string `json:"name" check:"id"`
	Primitive
}

// SetDefaults names the clone.
func (r *Resource) SetDefaults() {
	r.setType("Resource")
	r.Spec.Clone.setDefaults(r.Metadata.Name)
}

// SetDefaults names the clone.
func (g *ResourceGroup) SetDefaults() {
	g.setType("ResourceGroup")
	g.Spec.Clone.setDefaults(g.Metadata.Name)
}

func (c *Clone) setDefaults(name string) {
	if c != nil && c.Name == "" {
		c.Name = name + "-clone"
	}
}

func (r *Resource) validate(c *checker) {
	c.primitive(&r.Object, "spec", &r.Spec.Primitive)
	c.clone(&r.Object, r.Spec.Clone)
}

func (g *ResourceGroup) validate(c *checker) {
	for i := range g.Spec.Resources {
		c.primitive(&g.Object, fmt.Sprintf("spec.resources[%d]", i), &g.Spec.Resources[i].Primitive)
	}
	c.clone(&g.Object, g.Spec.Clone)
}

func (c *checker) primitive(o *Object, path string, p *Primitive) {
	switch {
	case p.Agent == "" && p.Template == "":
		c.errorf(o, path+".agent", "is required, or a template that gives it")
	case p.Agent != "" && p.Template != "":
		c.errorf(o, path+".template", "excludes agent: the template gives it; remove one")
	}
	c.secrets(o, path, p.Params, p.Secrets)
	c.operations(o, path+".operations", p.Operations)
}

func (c *checker) clone(o *Object, clone *Clone) {
	if clone == nil {
		return
	}
	if v, ok := clone.Meta["promotable"]; ok {
		c.errorf(o, "spec.clone.meta.promotable", "stands beside meta: write spec.clone.promotable: %t", v.Text == "true")
	}
}

// secrets checks references to secrets.
func (c *checker) secrets(o *Object, path string, params Options, refs map[string]SecretRef) {
	for name, ref := range refs {
		p := path + ".secrets." + name
		if _, ok := params[name]; ok {
			c.errorf(o, p, "is given under params too; remove it there")
		}
		c.secret(o, p, ref)
	}
}

func (c *checker) secret(o *Object, path string, ref SecretRef) {
	c.exactlyOne(o, path, choice{"env", ref.Env != ""}, choice{"file", ref.File != ""}, choice{"command", len(ref.Command) > 0},
		choice{"age", ref.Age != ""})
	if len(ref.Command) > 0 && ref.Command[0] == "" {
		c.errorf(o, path+".command[0]", "must be a program")
	}
}

// operations follows is_op_dup of Pacemaker's scheduler: of two recurring operations with the same name and interval, whatever their roles,
// it takes one and reports the other.
func (c *checker) operations(o *Object, path string, ops []Operation) {
	type key struct {
		name, role string
		every      time.Duration
	}
	seen := map[key]int{}
	for i, op := range ops {
		p := fmt.Sprintf("%s[%d]", path, i)
		if op.StartDelay != "" && op.IntervalOrigin != "" {
			c.errorf(o, p+".interval-origin", "excludes start-delay; remove one")
		}
		every, err := Interval(op.Interval)
		if err != nil && op.Interval != "" || op.Name == "" {
			continue // told already
		}
		k := key{name: op.Name, every: every}
		if every == 0 {
			k.role = map[string]string{"Master": "Promoted", "Slave": "Unpromoted"}[op.Role]
			if k.role == "" {
				k.role = op.Role
			}
		}
		first, dup := seen[k]
		if !dup {
			seen[k] = i
			continue
		}
		at := o.Pos(fmt.Sprintf("%s[%d]", path, first))
		switch {
		case every == 0:
			c.lintf(lintDuplicateOperation, o, p, "%s without an interval is configured twice; the first is operation %d%s", op.Name, first+1, place(at))
		case op.Role == ops[first].Role:
			c.lintf(lintDuplicateOperation, o, p, "%s with interval %s is configured twice; the first is operation %d%s", op.Name, op.Interval, first+1, place(at))
		default:
			c.lintf(lintDuplicateOperation, o, p, "has the interval of operation %d%s: two %ss of one resource need different intervals, also in different roles",
				first+1, place(at), op.Name)
		}
	}
}

// place says where something stands, in brackets.
func place(p Pos) string {
	if p.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (%s)", p)
}

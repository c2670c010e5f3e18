package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/schemas/agents"
)

// operation is one that a primitive or fence device has, with its place; a template's stands where the primitive names the template.
type operation struct {
	*v1.Operation
	path  string
	every time.Duration
}

// operations are the primitive's own, and those of its template that it does not have itself by name and interval (unpack_template in
// Pacemaker's lib/pengine/complex.c); known is false where they stand elsewhere.
func (p *primitive) operations() (ops []operation, known bool) {
	if p.ops == nil {
		p.ops, p.opsKnown = merged(p)
	}
	return p.ops, p.opsKnown
}

func merged(p *primitive) (ops []operation, known bool) {
	ops = operations(p.Operations, p.path+".operations")
	known = p.OperationsFrom == ""
	if p.template == nil {
		return ops, known
	}
	for _, o := range operations(p.template.Spec.Operations, "") {
		if !slices.ContainsFunc(ops, func(own operation) bool { return own.Name == o.Name && own.every == o.every }) {
			o.path = p.path + ".template"
			ops = append(ops, o)
		}
	}
	return ops, known && p.template.Spec.OperationsFrom == ""
}

func operations(list []v1.Operation, path string) []operation {
	ops := make([]operation, len(list))
	for i := range list {
		ops[i] = operation{&list[i], fmt.Sprintf("%s[%d]", path, i), span(list[i].Interval, 0)}
	}
	return ops
}

// field is the path of a field, or the template's name where the operation is the template's.
func (o operation) field(name string) string {
	if strings.HasSuffix(o.path, ".template") {
		return o.path
	}
	return o.path + "." + name
}

// watches tells about monitors that run again and again while the resource runs.
func (o operation) watches() bool { return o.Name == "monitor" && o.every > 0 && o.Role != "Stopped" }

// advice is what an agent says of one of its actions: the shortest interval and time limit where there are several, as of roles or depths.
type advice struct{ interval, timeout time.Duration }

// advised finds what the agent says of an action; a role narrows it where the agent tells roles apart.
func (c *cluster) advised(agent, action, role string) (found advice, ok bool) {
	a := c.agent(agent)
	if a == nil {
		return advice{}, false
	}
	narrow := role != "" && slices.ContainsFunc(a.Actions, func(x agents.Action) bool {
		return x.Name == action && x.Role != "" && promoted(x.Role) == promoted(role)
	})
	for _, x := range a.Actions {
		if x.Name != action || narrow && (x.Role == "" || promoted(x.Role) != promoted(role)) {
			continue
		}
		found.interval = least(found.interval, span(x.Interval, 0))
		found.timeout = least(found.timeout, span(x.Timeout, 0))
		ok = true
	}
	return found, ok
}

// least is the smaller one of those that are given.
func least(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// timeout is how long an operation may take: its own limit, or the cluster's default (op_defaults, or Pacemaker's 20s). known is false
// where rules decide.
func (c *cluster) timeout(own string) (limit time.Duration, known bool) {
	s := &c.Cluster.Spec
	d := lookup("timeout", "", s.OperationDefaults, "", s.OperationDefaultSets)
	for _, text := range []string{own, d.text} {
		if limit := span(text, 0); limit > 0 {
			return limit, true
		}
		if own == "" && d.unsure {
			return 0, false
		}
	}
	return 20 * time.Second, true
}

// short writes a time span as people do: 1m0s is 1min.
func short(d time.Duration) string {
	switch {
	case d > 0 && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d > 2*time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dmin", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d/time.Millisecond)
}

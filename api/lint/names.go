package lint

import (
	"fmt"

	v1 "github.com/hactl/hactl/api/v1"
)

// Words that Pacemaker 2.1 replaced (its ChangeLog, 2.1.0) and still takes.
var (
	oldRoles   = map[string]string{"Master": "Promoted", "Slave": "Unpromoted", "master": "Promoted", "slave": "Unpromoted"}
	oldOptions = map[string]string{"master-max": "promoted-max", "master-node-max": "promoted-node-max"}
)

// deprecatedNames looks for them. hactl writes into a cluster whatever words its schema knows.
func deprecatedNames(c *cluster) {
	old := func(o *v1.Object, path, what, word string) {
		c.warnf(v1.LintDeprecatedNames, o, path, "%s is the old word for %s: Pacemaker 2.1 renamed it, and hactl writes what the cluster's schema knows; "+
			"write %s", what, word, word)
	}
	role := func(o *v1.Object, path, text string) {
		if word := oldRoles[text]; word != "" {
			old(o, path, text, word)
		}
	}
	for _, m := range c.metas() {
		if word := oldOptions[m.name]; word != "" {
			old(m.object, m.at, m.name, word)
		}
		if m.name == "target-role" {
			role(m.object, m.path, m.text)
		}
	}
	c.everyOperation(func(o *v1.Object, op operation) { role(o, op.field("role"), op.Role) })
	for _, x := range c.Constraints {
		o, s := &x.Object, &x.Spec
		sets := func(path string, sets []v1.ResourceSet) {
			for i, set := range sets {
				role(o, fmt.Sprintf("%s[%d].role", path, i), set.Role)
			}
		}
		switch {
		case s.Location != nil:
			role(o, "spec.location.role", s.Location.Role)
			sets("spec.location.sets", s.Location.Sets)
			for i, r := range s.Location.Rules {
				role(o, fmt.Sprintf("spec.location.rules[%d].role", i), r.Role)
			}
		case s.Colocation != nil:
			role(o, "spec.colocation.role", s.Colocation.Role)
			role(o, "spec.colocation.withRole", s.Colocation.WithRole)
			sets("spec.colocation.sets", s.Colocation.Sets)
		case s.Order != nil:
			sets("spec.order.sets", s.Order.Sets)
		case s.Ticket != nil:
			role(o, "spec.ticket.role", s.Ticket.Role)
			sets("spec.ticket.sets", s.Ticket.Sets)
		}
	}
}

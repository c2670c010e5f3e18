package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// pacemaker3 looks for what works with Pacemaker 2.1 and no longer with 3.0: what the list "drop support for" of its ChangeLog names as far as
// a manifest can say it, and one default that changed. Upgrades convert some of it (upgrade-3.10-*.xsl) and drop the rest without a word.
func pacemaker3(c *cluster) {
	gone := func(o *v1.Object, path, what, instead string) {
		c.warnf(v1.LintPacemaker3, o, path, "%s is gone in Pacemaker 3: its upgrade drops or changes it; %s", what, instead)
	}
	s, o := &c.Cluster.Spec, &c.Cluster.Object
	renamed := map[string]string{
		"crmd-finalization-timeout": "write join-finalization-timeout", "crmd-integration-timeout": "write join-integration-timeout",
		"crmd-transition-delay": "write transition-delay", "remove-after-stop": "remove it",
	}
	for _, p := range options(o, "spec.properties", s.Properties, "spec.propertySets", s.PropertySets) {
		if do := renamed[p.name]; do != "" {
			gone(o, p.at, p.name, do)
		}
		if p.name == "stonith-action" && strings.EqualFold(p.text, "poweroff") {
			gone(o, p.path, "stonith-action poweroff", "write off")
		}
	}
	for i, n := range s.RemoteNodes {
		if n.Type == "ping" {
			gone(o, fmt.Sprintf("spec.remoteNodes[%d].type", i), "the node type ping", "remove the node")
		}
	}
	for _, m := range c.metas() {
		if m.name == "restart-type" {
			gone(m.object, m.at, m.name, "remove it, and make the order Optional or not")
		}
	}
	c.everyPrimitive(func(o *v1.Object, path string, p *v1.Primitive) {
		switch class, _, _ := strings.Cut(p.Agent, ":"); {
		case class == "nagios" || class == "upstart":
			gone(o, path+".agent", "the class "+class, "use an agent of class ocf or systemd")
		case p.Agent == "ocf:pacemaker:o2cb":
			gone(o, path+".agent", p.Agent, "use another cluster file system, such as GFS2")
		}
	})
	c.everyOperation(func(o *v1.Object, op operation) {
		for _, m := range options(o, op.field("meta"), op.Meta, op.field("metaSets"), op.MetaSets) {
			if slices.Contains([]string{"can_fail", "can-fail", "role_after_failure"}, m.name) {
				gone(o, m.at, m.name, "remove it; on-fail says what a failure does")
			}
		}
	})
	for _, b := range c.Bundles {
		if b.Spec.Rkt != nil {
			gone(&b.Object, "spec.rkt", "rkt", "write podman or docker")
		}
	}
	for _, x := range c.Constraints {
		pacemaker3Constraint(x, gone)
	}
	c.moreInstances()
}

func pacemaker3Constraint(x *v1.Constraint, gone func(o *v1.Object, path, what, instead string)) {
	const lasting = "write the time into a rule, or remove it"
	switch s := &x.Spec; {
	case s.Location != nil:
		if len(s.Location.Lifetime) > 0 {
			gone(&x.Object, "spec.location.lifetime", "the lifetime of a constraint", lasting)
		}
		if len(s.Location.Rules) > 1 {
			gone(&x.Object, "spec.location.rules", "a location with several rules", "write a constraint for each rule")
		}
		for i, r := range s.Location.Rules {
			if e, err := v1.ParseExpression(r.Expression); err == nil && moon(*e) {
				gone(&x.Object, fmt.Sprintf("spec.location.rules[%d].expression", i), "the moon in a date-spec", "remove it")
			}
		}
	case s.Order != nil && len(s.Order.Lifetime) > 0:
		gone(&x.Object, "spec.order.lifetime", "the lifetime of a constraint", lasting)
	case s.Colocation != nil && len(s.Colocation.Lifetime) > 0:
		gone(&x.Object, "spec.colocation.lifetime", "the lifetime of a constraint", lasting)
	}
}

// moreInstances looks for clones with several instances on a node that do not say whether these differ: with Pacemaker 3 they do.
func (c *cluster) moreInstances() {
	seen := map[*v1.Clone]bool{}
	for _, p := range c.primitives {
		if p.clone == nil || seen[p.clone] {
			continue
		}
		seen[p.clone] = true
		per := lookup("clone-node-max", "spec.clone.meta", p.clone.Meta, "spec.clone.metaSets", p.clone.MetaSets)
		unique := lookup("globally-unique", "", p.clone.Meta, "", p.clone.MetaSets)
		if n, err := strconv.Atoi(per.text); err == nil && n > 1 && !unique.given && !unique.unsure {
			c.warnf(v1.LintPacemaker3, p.object, per.path, "clone-node-max over 1 means something else in Pacemaker 3: globally-unique is true then, where it was "+
				"false; write globally-unique: false beside it, or true if that is meant")
		}
	}
}

func moon(e v1.Expression) bool {
	if e.Date != nil && slices.ContainsFunc(e.Date.Spec, func(v v1.NameValue) bool { return v.Name == "moon" }) {
		return true
	}
	return slices.ContainsFunc(e.Parts, moon)
}

package lint

import (
	"regexp"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// fenceOnTargetOnly looks for nodes that nobody but themselves could fence: Pacemaker uses a device only from nodes where location
// constraints let it run, and a node that is dead fences nobody.
func fenceOnTargetOnly(c *cluster) {
	if len(c.Cluster.Spec.Nodes) < 2 || c.watchdogFencing() || c.fencePrimitives() {
		return
	}
	allowed := map[*v1.FenceDevice][]string{}
	for _, f := range c.FenceDevices {
		allowed[f] = c.allowed(f)
	}
	for _, n := range c.Cluster.Spec.Nodes {
		var covers []*v1.FenceDevice
		for _, f := range c.FenceDevices {
			if t, all := targets(f); all || slices.ContainsFunc(t, same(n.Name)) {
				covers = append(covers, f)
			}
		}
		if len(covers) == 0 || slices.ContainsFunc(covers, func(f *v1.FenceDevice) bool {
			return slices.ContainsFunc(allowed[f], func(on string) bool { return on != n.Name })
		}) {
			continue
		}
		for _, f := range covers {
			path := "spec.targets"
			if f.Spec.AvoidTargets {
				path = "spec.avoidTargets"
			}
			if len(allowed[f]) == 0 {
				c.warnf(v1.LintFenceOnTargetOnly, &f.Object, path, "location constraints keep it off every node: nobody can use it to fence %s; "+
					"let it run on a node that stays when %s is lost, or make one device per node", n.Name, n.Name)
			} else {
				c.warnf(v1.LintFenceOnTargetOnly, &f.Object, path, "location constraints keep it on %s, which it fences: nobody else can use it when %s "+
					"is lost; write avoidTargets: true in their place", n.Name, n.Name)
			}
		}
	}
}

// allowed are the nodes where a device may run. What depends on more than a node's name is taken to allow it.
func (c *cluster) allowed(f *v1.FenceDevice) []string {
	symmetric := c.property("symmetric-cluster")
	own, _ := targets(f)
	var about []*v1.Location
	for _, x := range c.Constraints {
		if l := x.Spec.Location; l != nil && len(l.Lifetime) == 0 && c.locates(l, f.Metadata.Name) {
			about = append(about, l)
		}
	}
	var nodes []string
	for _, n := range c.Cluster.Spec.Nodes {
		score, named := 0, !isFalse(symmetric.text)
		if f.Spec.AvoidTargets && slices.ContainsFunc(own, same(n.Name)) {
			continue
		}
		for _, l := range about {
			for _, r := range l.Rules {
				if holds(r.Expression, n.Name, number(r.Score, 0) >= 0) {
					score, named = add(score, number(r.Score, 0)), true
				}
			}
			if strings.EqualFold(l.Node, n.Name) || l.Expression != "" && holds(l.Expression, n.Name, number(l.Score, 0) >= 0) {
				score, named = add(score, number(l.Score, 0)), true
			}
		}
		if named && score >= 0 {
			nodes = append(nodes, n.Name)
		}
	}
	return nodes
}

// locates tells whether a constraint is about a resource.
func (c *cluster) locates(l *v1.Location, name string) bool {
	if l.Pattern != "" {
		r, err := regexp.CompilePOSIX(strings.TrimPrefix(l.Pattern, "!"))
		return err == nil && r.MatchString(name) != strings.HasPrefix(l.Pattern, "!")
	}
	return slices.Contains(c.about(l), name)
}

// about are the names that a constraint without a pattern is about, tags resolved.
func (c *cluster) about(l *v1.Location) []string {
	names := []string{l.Resource}
	for _, s := range l.Sets {
		names = append(names, s.Resources...)
	}
	for _, n := range names {
		names = append(names, c.tags[n]...)
	}
	return names
}

var byName = regexp.MustCompile(`^#uname (eq|ne) (?:string )?"?([^" ]+)"?$`)

// holds tells whether an expression is true on a node; unknown where it asks for more than the node's name.
func holds(expression, node string, unknown bool) bool {
	if m := byName.FindStringSubmatch(expression); m != nil {
		return strings.EqualFold(m[2], node) == (m[1] == "eq")
	}
	return unknown
}

// add is Pacemaker's sum of scores: -INFINITY wins over INFINITY.
func add(a, b int) int {
	switch {
	case a == -v1.MaxScore || b == -v1.MaxScore:
		return -v1.MaxScore
	case a == v1.MaxScore || b == v1.MaxScore:
		return v1.MaxScore
	}
	return max(min(a+b, v1.MaxScore), -v1.MaxScore)
}

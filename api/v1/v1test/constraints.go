package v1test

import (
	"cmp"

	v1 "github.com/hactl/hactl/api/v1"
	"pgregory.net/rapid"
)

func (g *generator) constraint() *v1.Constraint {
	c := &v1.Constraint{Object: g.object(g.fresh())}
	one := rapid.SampledFrom(g.names)
	sets := g.some("sets?", 3)
	switch rapid.IntRange(0, 3).Draw(g.T, "constraint") {
	case 0:
		c.Spec.Location = g.location(one, sets)
	case 1:
		c.Spec.Order = g.order(one, sets)
	case 2:
		x := &v1.Colocation{Score: g.maybe("score", score), Influence: g.maybe("influence", rapid.SampledFrom([]string{"true", "no", "Off"})), Lifetime: g.lifetime()}
		if sets {
			x.Sets = g.resourceSets("colocation")
		} else {
			x.Resource, x.With = one.Draw(g.T, "resource"), one.Draw(g.T, "with")
			x.Role, x.WithRole = role.Draw(g.T, "role"), role.Draw(g.T, "withRole")
			x.NodeAttribute = g.maybe("nodeAttribute", nonEmpty)
		}
		c.Spec.Colocation = x
	case 3:
		x := &v1.Ticket{Ticket: nonEmpty.Draw(g.T, "ticket"), LossPolicy: g.maybe("lossPolicy", rapid.SampledFrom([]string{"stop", "demote", "fence", "freeze"}))}
		if sets {
			x.Sets = g.resourceSets("ticket")
		} else {
			x.Resource, x.Role = one.Draw(g.T, "resource"), role.Draw(g.T, "role")
		}
		c.Spec.Ticket = x
	}
	return c
}

func (g *generator) location(one *rapid.Generator[string], sets bool) *v1.Location {
	l := &v1.Location{ResourceDiscovery: g.maybe("resourceDiscovery", rapid.SampledFrom([]string{"always", "never", "exclusive"}))}
	switch {
	case sets:
		l.Sets = g.resourceSets("location")
	case g.some("pattern?", 4):
		l.Pattern, l.Role = nonEmpty.Draw(g.T, "pattern"), role.Draw(g.T, "role")
	default:
		l.Resource, l.Role = one.Draw(g.T, "resource"), role.Draw(g.T, "role")
	}
	switch rapid.IntRange(0, 2).Draw(g.T, "where") {
	case 0:
		l.Node, l.Score = "n0", score.Draw(g.T, "score")
	case 1:
		l.Expression, l.Score = Expression(g.T).String(), score.Draw(g.T, "score")
	case 2:
		for range rapid.IntRange(1, 2).Draw(g.T, "rules") {
			l.Rules = append(l.Rules, g.placing())
		}
	}
	l.Lifetime = g.lifetime()
	return l
}

func (g *generator) order(one *rapid.Generator[string], sets bool) *v1.Order {
	o := &v1.Order{Symmetrical: truth.Draw(g.T, "symmetrical"), RequireAll: truth.Draw(g.T, "requireAll"), Lifetime: g.lifetime()}
	if g.some("score?", 4) {
		o.Score = score.Draw(g.T, "score")
	} else if o.Kind = kind.Draw(g.T, "kind"); o.Kind == "Serialize" {
		o.Symmetrical = ""
	}
	if sets {
		o.Sets = g.resourceSets("order")
		return o
	}
	o.First, o.Then = one.Draw(g.T, "first"), one.Draw(g.T, "then")
	o.FirstAction, o.ThenAction = action.Draw(g.T, "firstAction"), action.Draw(g.T, "thenAction")
	if first := cmp.Or(o.FirstAction, "start"); o.First == o.Then && first == cmp.Or(o.ThenAction, first) {
		o.FirstAction, o.ThenAction = "stop", "start"
	}
	return o
}

func (g *generator) resourceSets(of string) []v1.ResourceSet {
	var sets []v1.ResourceSet
	for range rapid.IntRange(1, 3).Draw(g.T, "sets") {
		if ref := g.idRef("resource_set"); ref != "" {
			sets = append(sets, v1.ResourceSet{IDRef: ref})
			continue
		}
		s := v1.ResourceSet{Resources: rapid.SliceOfN(rapid.SampledFrom(g.names), 1, 3).Draw(g.T, "resources"),
			Sequential: truth.Draw(g.T, "sequential"), RequireAll: truth.Draw(g.T, "requireAll"), Role: role.Draw(g.T, "role")}
		switch of {
		case "order":
			s.Action, s.Kind = action.Draw(g.T, "action"), kind.Draw(g.T, "kind")
		case "colocation":
			s.Ordering, s.Score = g.maybe("ordering", rapid.SampledFrom([]string{"group", "listed"})), g.maybe("score", score)
		}
		s.ID = g.own("resource_set", false)
		sets = append(sets, s)
	}
	return sets
}

package cib

import (
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// comparing matches reactions with what happened.
type comparing struct {
	happened []reconcile.Happening
	told     []bool           // which of them a reaction explains
	of       map[string][]int // which of them are about a resource, "" those about nodes
	all      []int
	is       clusterStatus
	unknown  []string
}

// compareReactions says of each reaction whether it came true, and what happened besides. A reaction is a line of the scheduler's summary, which
// stands for one operation or more: a restart of what is promoted is a demotion, a stop, a start and a promotion.
func compareReactions(p reconcile.Prediction, happened []reconcile.Happening, is clusterStatus) *reconcile.Comparison {
	c := &comparing{happened: happened, told: make([]bool, len(happened)), is: is, unknown: p.Unknown, of: map[string][]int{}}
	for i, h := range happened {
		c.of[h.Resource] = append(c.of[h.Resource], i)
		c.all = append(c.all, i)
	}
	out := &reconcile.Comparison{Foretold: make([]reconcile.Seen, len(p.Reactions))}
	for i, r := range p.Reactions {
		out.Foretold[i] = reconcile.Seen{Reaction: r}
	}
	for i := range out.Foretold {
		c.look(&out.Foretold[i])
	}
	for i, h := range happened { // which of several instances is promoted was said not to be predictable; checks are no event
		c.told[i] = c.told[i] || h.Action == "monitor" || (h.Action == "promote" || h.Action == "demote") && c.unpredicted(h.Resource)
	}
	for i := range out.Foretold {
		if s := &out.Foretold[i]; s.Became == reconcile.NotSeen {
			if rest := c.rest(c.concern(s.Reaction)); len(rest) > 0 {
				s.Became, s.Instead = reconcile.Other, sentence(rest)
			}
		}
	}
	out.Also = c.rest(c.all)
	return out
}

// concern are those about the resource of a reaction, or about its node.
func (c *comparing) concern(r reconcile.Reaction) []int {
	if r.Resource != "" {
		return c.of[instanceOf(r.Resource)]
	}
	var out []int
	for _, i := range c.of[""] {
		if c.happened[i].Node == r.Node {
			out = append(out, i)
		}
	}
	return out
}

// operation is what one agent does on one node.
type operation struct{ action, node string }

// stepsOf are the operations that a reaction must have, and those that it may have.
func stepsOf(r reconcile.Reaction) (must, may []operation) {
	switch r.Action {
	case "start":
		return []operation{{"start", r.To}}, nil
	case "stop":
		return []operation{{"stop", r.From}}, []operation{{"demote", r.From}}
	case "restart", "move":
		return []operation{{"stop", r.From}, {"start", r.To}}, []operation{{"demote", r.From}, {"promote", r.To}}
	case "reload":
		return []operation{{"reload", firstOf(r.To, r.From)}}, nil
	case "migrate":
		return []operation{{"migrate", r.To}}, []operation{{"stop", r.From}}
	case "promote":
		return []operation{{"promote", r.To}}, []operation{{"demote", r.To}, {"stop", r.To}, {"start", r.To}}
	case "demote":
		return []operation{{"demote", r.From}}, nil
	case "monitor":
		return []operation{{"monitor", r.To}}, nil
	}
	return []operation{{r.Action, r.Node}}, nil // fence, unfence, shutdown
}

// look finds what came of a reaction.
func (c *comparing) look(s *reconcile.Seen) {
	s.Became = reconcile.CameTrue
	id := instanceOf(s.Resource)
	switch s.Action {
	case "blocked", "cannot-run": // nothing is what has to happen
		if active(c.is.of(id)) > 0 && (s.Action == "cannot-run" || !slices.ContainsFunc(c.is.of(id), func(i Instance) bool { return i.Blocked })) &&
			slices.ContainsFunc(c.of[id], func(i int) bool { return c.happened[i].Action != "monitor" }) {
			s.Became = reconcile.NotSeen
		}
		return
	}
	must, may := stepsOf(s.Reaction)
	var failed []string
	for _, st := range must {
		h := c.take(id, st)
		switch {
		case h == nil:
			s.Became = reconcile.NotSeen
		case h.Failed != "":
			failed = append(failed, h.String())
		}
	}
	if len(failed) > 0 {
		s.Became, s.Instead = reconcile.Other, strings.Join(failed, ", ")
	}
	for _, st := range may {
		c.take(id, st)
	}
}

// take finds an operation and notes that it is explained. What is explained already explains an equal reaction of a later round, too.
func (c *comparing) take(id string, st operation) *reconcile.Happening {
	var again *reconcile.Happening
	for _, i := range c.of[id] {
		h := &c.happened[i]
		short := h.Vague && h.Action == "start" && (st.action == "stop" || st.action == "reload") ||
			h.Vague && h.Action == "promote" && (st.action == "stop" || st.action == "start" || st.action == "demote") // the last operation stands for all
		if h.Node != st.node || h.Action != st.action && !short {
			continue
		}
		again = h
		if short || !c.told[i] {
			c.told[i] = true
			return h
		}
	}
	return again
}

func (c *comparing) unpredicted(id string) bool {
	return slices.ContainsFunc(c.unknown, func(u string) bool { return strings.Contains(u, "which instance of "+id+" is promoted") })
}

// spot is a resource on a node.
type spot struct{ resource, node string }

// rest takes of these what no reaction explains, several operations that make one reaction together.
func (c *comparing) rest(these []int) []reconcile.Happening {
	var out []reconcile.Happening
	stopped, again := map[spot]int{}, map[spot]bool{} // where in out a stop is, and what restarted
	for _, i := range these {
		h := c.happened[i]
		if c.told[i] {
			continue
		}
		c.told[i] = true
		at := spot{h.Resource, h.Node}
		if h.Vague && h.Action == "start" {
			h.Action = "restart"
		}
		switch n, ok := stopped[at]; {
		case h.Action == "start" && ok && out[n].Failed == "":
			out[n].Action, out[n].Failed, again[at] = "restart", h.Failed, true
			delete(stopped, at)
			continue
		case h.Action == "stop":
			stopped[at] = len(out)
		}
		out = append(out, h)
	}
	out = slices.DeleteFunc(out, func(h reconcile.Happening) bool { // a restart of what is promoted begins and ends with these
		return (h.Action == "demote" || h.Action == "promote") && again[spot{h.Resource, h.Node}]
	})
	return moves(out)
}

// moves makes one of a stop on a node and a start of the same resource on another, where there is one of each.
func moves(hs []reconcile.Happening) []reconcile.Happening {
	type ends struct{ stops, starts []int }
	of := map[string]*ends{}
	for i, h := range hs {
		e := of[h.Resource]
		if e == nil {
			e = &ends{}
			of[h.Resource] = e
		}
		switch h.Action {
		case "stop":
			e.stops = append(e.stops, i)
		case "start":
			e.starts = append(e.starts, i)
		}
	}
	var out []reconcile.Happening
	for i, h := range hs {
		e := of[h.Resource]
		if len(e.stops) != 1 || len(e.starts) != 1 || hs[e.stops[0]].Node == hs[e.starts[0]].Node || hs[e.stops[0]].Failed != "" || hs[e.starts[0]].Failed != "" {
			out = append(out, h)
			continue
		}
		switch from, to := e.stops[0], e.starts[0]; i {
		case min(from, to):
			out = append(out, reconcile.Happening{Action: "move", Resource: h.Resource, From: hs[from].Node, To: hs[to].Node, Vague: hs[to].Vague})
		case max(from, to):
		default:
			out = append(out, h)
		}
	}
	return out
}

func sentence(hs []reconcile.Happening) string {
	words := make([]string, len(hs))
	for i, h := range hs {
		words[i] = h.String()
	}
	return strings.Join(words, ", ")
}

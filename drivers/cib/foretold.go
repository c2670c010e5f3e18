package cib

import (
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// comparing matches reactions with what happened.
type comparing struct {
	happened []reconcile.Happening
	told     []bool // which of them a reaction explains
	is       clusterStatus
	unknown  []string
}

// compareReactions says of each reaction whether it came true, and what happened besides. A reaction is a line of the scheduler's summary, which
// stands for one operation or more: a restart of what is promoted is a demotion, a stop, a start and a promotion.
func compareReactions(p reconcile.Prediction, happened []reconcile.Happening, is clusterStatus) *reconcile.Comparison {
	c := &comparing{happened: happened, told: make([]bool, len(happened)), is: is, unknown: p.Unknown}
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
			if rest := c.rest(func(h reconcile.Happening) bool { return concerns(h, s.Reaction) }); len(rest) > 0 {
				s.Became, s.Instead = reconcile.Other, sentence(rest)
			}
		}
	}
	out.Also = c.rest(func(reconcile.Happening) bool { return true })
	return out
}

// concerns tells whether something happened to the resource of a reaction, or to its node.
func concerns(h reconcile.Happening, r reconcile.Reaction) bool {
	if r.Resource == "" {
		return h.Resource == "" && h.Node == r.Node
	}
	return h.Resource == instanceOf(r.Resource)
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
			slices.ContainsFunc(c.happened, func(h reconcile.Happening) bool { return h.Resource == id && h.Action != "monitor" }) {
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
	for i := range c.happened {
		h := &c.happened[i]
		short := h.Vague && h.Action == "start" && (st.action == "stop" || st.action == "reload") ||
			h.Vague && h.Action == "promote" && (st.action == "stop" || st.action == "start" || st.action == "demote") // the last operation stands for all
		if h.Resource != id || h.Node != st.node || h.Action != st.action && !short {
			continue
		}
		again = h
		if !c.told[i] && !short || short {
			c.told[i] = true
			return h
		}
	}
	return again
}

func (c *comparing) unpredicted(id string) bool {
	return slices.ContainsFunc(c.unknown, func(u string) bool { return strings.Contains(u, "which instance of "+id+" is promoted") })
}

// rest takes what no reaction explains, several operations that make one reaction together.
func (c *comparing) rest(which func(reconcile.Happening) bool) []reconcile.Happening {
	var out []reconcile.Happening
	for i, h := range c.happened {
		if c.told[i] || !which(h) {
			continue
		}
		c.told[i] = true
		if h.Vague && h.Action == "start" {
			h.Action = "restart"
		}
		if n := len(out) - 1; h.Action == "start" && n >= 0 && out[n].Action == "stop" && out[n].Resource == h.Resource && out[n].Node == h.Node && out[n].Failed == "" {
			out[n].Action, out[n].Failed = "restart", h.Failed
			continue
		}
		out = append(out, h)
	}
	return moves(out)
}

// moves makes one of a stop on a node and a start of the same resource on another, where there is one of each.
func moves(hs []reconcile.Happening) []reconcile.Happening {
	only := func(resource, action string) int {
		at := -1
		for i, h := range hs {
			if h.Resource != resource || h.Action != action {
				continue
			}
			if at >= 0 || h.Failed != "" {
				return -1
			}
			at = i
		}
		return at
	}
	for i := 0; i < len(hs); i++ {
		stop, start := only(hs[i].Resource, "stop"), only(hs[i].Resource, "start")
		if hs[i].Resource == "" || stop < 0 || start < 0 || i != min(stop, start) {
			continue
		}
		hs[i] = reconcile.Happening{Action: "move", Resource: hs[i].Resource, From: hs[stop].Node, To: hs[start].Node, Vague: hs[start].Vague}
		hs = slices.Delete(hs, max(stop, start), max(stop, start)+1)
	}
	return hs
}

func sentence(hs []reconcile.Happening) string {
	words := make([]string, len(hs))
	for i, h := range hs {
		words[i] = h.String()
	}
	return strings.Join(words, ", ")
}

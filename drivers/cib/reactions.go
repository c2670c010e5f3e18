package cib

import (
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// reactions turns simulations of the live and of the proposed CIB into what the change causes. What both do happens anyway.
func reactions(base, then []simulation, stonith map[string]bool) []reconcile.Reaction {
	anyway := map[reconcile.Reaction]int{}
	for _, s := range base {
		for _, r := range reactionsOf(s, stonith) {
			anyway[r]++
		}
	}
	var out []reconcile.Reaction
	for i, s := range then {
		for _, r := range reactionsOf(s, stonith) {
			if anyway[r] > 0 {
				anyway[r]--
				r.Anyway = true
			}
			r.Round = i + 1
			out = append(out, r)
		}
	}
	return out
}

// reactionsOf gives the reactions of one transition, without rounds.
func reactionsOf(s simulation, stonith map[string]bool) []reconcile.Reaction {
	var out []reconcile.Reaction
	told := map[string]bool{}
	for _, a := range s.actions {
		told[instanceOf(a.Resource)] = true
		if a.Blocked == "true" {
			continue
		}
		r := reconcile.Reaction{Action: a.Action, Resource: a.Resource, Reason: a.Reason}
		switch a.Action {
		case "start":
			r.To = a.Node
		case "stop":
			r.From, r.Risk = a.Node, stopRisk(s, a.Resource)
		case "restart", "reload", "recover":
			r.From, r.Risk = firstOf(a.Source, a.Node), reconcile.RestartRisk
			r.To = r.From
			if a.Dest != "" {
				r.To = a.Dest
			}
			switch a.Action {
			case "reload":
				r.Risk = reconcile.ReloadRisk
			case "recover":
				r.Action = "restart"
				if r.From != r.To {
					r.Action = "move"
				}
			}
		case "move":
			r.From, r.To, r.Risk = a.Source, a.Dest, reconcile.RestartRisk
		case "migrate":
			r.From, r.To, r.Risk = a.Source, a.Dest, reconcile.ReloadRisk
		case "promote":
			r.To = firstOf(a.Dest, a.Source, a.Node)
		case "demote":
			r.From, r.Risk = firstOf(a.Source, a.Node), reconcile.RestartRisk
		case "Shutdown":
			r.Action, r.Node, r.Risk = "shutdown", a.Node, reconcile.Outage
		case "Fence (on)":
			r.Action, r.Node = "unfence", a.Node
		default:
			if strings.HasPrefix(a.Action, "Fence") {
				r.Action, r.Node, r.Risk = "fence", a.Node, reconcile.Fence
			}
		}
		if stonith[instanceOf(a.Resource)] {
			r.Risk = reconcile.Safe // a fence device serves nobody; its probe and its coverage are looked at elsewhere
		}
		out = append(out, r)
	}
	for _, a := range s.transition { // an orphan's stop is in no summary
		if a.Action == "stop" && !told[instanceOf(a.Resource)] && a.Resource != "" {
			told[instanceOf(a.Resource)] = true
			out = append(out, reconcile.Reaction{Action: "stop", Resource: a.Resource, From: a.Node, Risk: stopRisk(s, a.Resource)})
		}
	}
	return out
}

// stopRisk is an outage, unless other instances of the resource go on.
func stopRisk(s simulation, id string) reconcile.Risk {
	if active(s.then.of(instanceOf(id))) > 0 {
		return reconcile.Redundancy
	}
	return reconcile.Outage
}

// instanceOf is the resource of an instance: the summary numbers the instances of a clone (ping:2), the transition does not.
func instanceOf(id string) string {
	name, _, _ := strings.Cut(id, ":")
	return name
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

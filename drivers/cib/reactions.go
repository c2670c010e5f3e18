package cib

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// reactions turns simulations of the live and of the proposed CIB into what the change causes. What both do happens anyway.
func reactions(base, then []simulation, stonith map[string]bool) []reconcile.Reaction {
	anyway := map[reactionKey]int{}
	for _, r := range allReactions(base, stonith) {
		anyway[keyOf(r)]++
	}
	out := allReactions(then, stonith)
	for i, r := range out {
		if k := keyOf(r); anyway[k] > 0 {
			anyway[k]--
			out[i].Anyway = true
		}
	}
	return out
}

// reactionKey tells reactions apart: what happens to which resource where, not why or when.
type reactionKey struct{ action, resource, node, from, to string }

func keyOf(r reconcile.Reaction) reactionKey {
	return reactionKey{r.Action, instanceOf(r.Resource), r.Node, r.From, r.To}
}

// allReactions gives the reactions of transitions that follow one another, each with its round, and in the end what cannot run.
func allReactions(sims []simulation, stonith map[string]bool) []reconcile.Reaction {
	var out []reconcile.Reaction
	told := map[string]bool{} // what was said to stop, or to be blocked
	for i, s := range sims {
		if i > 0 && slices.Equal(s.actions, sims[i-1].actions) {
			break // it goes on like that
		}
		var stays []string
		for _, r := range append(reactionsOf(s), unsummarised(s)...) {
			if r.Action == "blocked" && told[instanceOf(r.Resource)] {
				continue // what was stopped, or waits, still waits
			}
			if stonith[instanceOf(r.Resource)] {
				r.Risk = reconcile.Safe // a fence device serves nobody; its probe and its coverage are looked at elsewhere
			}
			if r.Action == "stop" || r.Action == "blocked" {
				stays = append(stays, instanceOf(r.Resource))
			}
			r.Round = i + 1
			out = append(out, r)
		}
		for _, id := range stays {
			told[id] = true
		}
	}
	if len(sims) == 0 {
		return nil
	}
	first, last := sims[0], sims[len(sims)-1]
	for _, id := range stranded(last.then) {
		if told[id] {
			continue
		}
		r := reconcile.Reaction{Action: "cannot-run", Resource: id, Round: len(sims)}
		if active(first.now.of(id)) > 0 && !stonith[id] {
			r.Risk = reconcile.Outage
		}
		out = append(out, r)
	}
	return out
}

// stranded lists the resources that are to run and of which no instance does. What ran on a node that is lost and cannot be fenced is shown
// to run there still; it serves nobody.
func stranded(s clusterStatus) []string {
	lost := s.lost()
	runs, idle := map[string]bool{}, []string{}
	for _, i := range s.instances {
		switch {
		case i.active() && !lost[i.Node]:
			runs[i.Resource] = true
		case i.Managed && !i.Orphan && i.Target != "Stopped":
			idle = append(idle, i.Resource)
		}
	}
	var out []string
	for _, id := range idle {
		if !runs[id] {
			runs[id] = true // once
			out = append(out, id)
		}
	}
	return out
}

// lost are the nodes that are not online.
func (s clusterStatus) lost() map[string]bool {
	out := map[string]bool{}
	for _, n := range s.nodes {
		if !n.online {
			out[n.name] = true
		}
	}
	return out
}

// reactionsOf gives the reactions in the summary of one transition (the text is made in lib/pacemaker/pcmk_output.c, rsc_action_item).
func reactionsOf(s simulation) []reconcile.Reaction {
	var out []reconcile.Reaction
	for _, a := range s.actions {
		r := reconcile.Reaction{Action: a.Action, Resource: a.Resource, Reason: a.Reason}
		switch a.Action {
		case "start":
			r.To = a.Node
		case "stop":
			r.From, r.Risk = a.Node, stopRisk(s, a.Resource)
		case "restart", "reload", "recover":
			r.From, r.Risk = firstOf(a.Source, a.Node), reconcile.RestartRisk
			r.To = firstOf(a.Dest, r.From)
			switch {
			case a.Action == "reload":
				r.Risk = reconcile.ReloadRisk
			case r.From != r.To:
				r.Action = "move"
			default:
				r.Action = "restart"
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
		if a.Blocked == "true" {
			r.Reason = strings.TrimSuffix("its "+r.Action+" must wait: "+r.Reason, ": ")
			if r.Action != "start" { // it runs and cannot be stopped: nobody knows for how long
				r.Risk = reconcile.Outage
			}
			r.Action = "blocked"
		}
		out = append(out, r)
	}
	return out
}

// unsummarised gives the reactions that stand in no summary: the stop of a resource that was deleted, and checks whose schedule changes.
func unsummarised(s simulation) []reconcile.Reaction {
	var out []reconcile.Reaction
	told := map[string]bool{}
	for _, a := range s.actions {
		told[instanceOf(a.Resource)] = true
	}
	type check struct{ resource, node string }
	var checks []check
	began, ended := map[check]string{}, map[check]string{}
	for _, a := range s.transition {
		id := instanceOf(a.Resource)
		if id == "" || told[id] {
			continue
		}
		k := check{id, a.Node}
		switch {
		case a.Action == "stop":
			told[id] = true
			out = append(out, reconcile.Reaction{Action: "stop", Resource: a.Resource, From: a.Node, Reason: "it is in no configuration any more", Risk: stopRisk(s, a.Resource)})
		case a.Action == "monitor" && every(a.Interval) != "":
			began[k] = strings.TrimPrefix(began[k]+" and "+every(a.Interval), " and ")
			checks = append(checks, k)
		case a.Action == "cancel":
			ended[k] = strings.TrimPrefix(ended[k]+" and "+every(a.Interval), " and ")
			checks = append(checks, k)
		}
	}
	for _, k := range checks {
		is, was := began[k], ended[k]
		if told[k.resource] || is+was == "" {
			continue
		}
		delete(began, k)
		delete(ended, k)
		r := reconcile.Reaction{Action: "monitor", Resource: k.resource, To: k.node, Reason: is + " instead of " + was}
		switch {
		case was == "":
			r.Reason = is
		case is == "":
			r.Reason = "no longer " + was
		}
		out = append(out, r)
	}
	return out
}

// every writes an interval in milliseconds for people; "" where there is none.
func every(ms string) string {
	n, err := strconv.Atoi(ms)
	if err != nil || n <= 0 {
		return ""
	}
	return fmt.Sprintf("every %v", time.Duration(n)*time.Millisecond)
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

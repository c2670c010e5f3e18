package cib

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"
	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// drillLimit is the time that all drills of a plan may take.
const drillLimit = 10 * time.Second

var _ reconcile.Driller[State] = (*Driver)(nil)

// Drill simulates the loss of every node, of quorum and of every ticket, and the failure of every resource where it runs, with the
// configuration as it is and as it is planned, each after it came to rest. It tells what a failure costs then and does not cost now.
func (d *Driver) Drill(ctx context.Context, hosts reconcile.Hosts, want, have State) (reconcile.Drills, error) {
	out := reconcile.Drills{New: []reconcile.Finding{}}
	if want.Cluster == "" {
		return out, nil
	}
	if !have.formed() {
		out.Unavailable = "no cluster runs yet"
		return out, nil
	}
	p, err := newPlanner(want, have)
	if err != nil || len(p.edits) == 0 {
		return out, err // without a change nothing is new
	}
	live, proposed := p.live.Copy(), p.work.Copy()
	limited, cancel := context.WithTimeout(ctx, drillLimit)
	defer cancel()
	h, _, err := have.scheduler(limited, hosts, live, proposed)
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if err != nil {
		out.Unavailable = err.Error()
		return out, nil
	}
	before, after := &ground{stonith: stonithIDs(live)}, &ground{stonith: stonithIDs(proposed)}
	g, gctx := errgroup.WithContext(limited)
	g.Go(func() error { return before.settle(gctx, h, live) })
	g.Go(func() error { return after.settle(gctx, h, proposed) })
	if err := g.Wait(); err == nil {
		err = run(limited, h, before, after, &out)
		if err != nil {
			out.Unavailable = unanswered(err)
		}
	} else {
		out.Unavailable = unanswered(err)
	}
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	return out, nil
}

// ground is a configuration at rest, on which failures are tried.
type ground struct {
	stonith map[string]bool
	doc     *etree.Document
	status  clusterStatus
	drills  map[string]Scenario
	names   []string // of drills, in the order of weight
}

// settle has the scheduler do what it has to do anyway.
func (gr *ground) settle(ctx context.Context, h reconcile.Host, doc *etree.Document) error {
	text, err := doc.WriteToString()
	if err != nil {
		return err
	}
	sims, end, err := question{cib: text, rounds: maxTransitions, result: true}.simulate(ctx, h)
	if err != nil {
		return err
	}
	if sims[len(sims)-1].unfinished() {
		return fmt.Errorf("to come to rest takes more than %v in the simulation", maxExecution)
	}
	if gr.doc, err = parse(end); err != nil {
		return fmt.Errorf("read crm_simulate's result: %w", err)
	}
	gr.status = sims[len(sims)-1].then
	gr.list()
	return nil
}

// list makes the drills.
func (gr *ground) list() {
	gr.drills = map[string]Scenario{}
	add := func(name string, s Scenario) {
		if _, ok := gr.drills[name]; !ok {
			gr.drills[name] = s
			gr.names = append(gr.names, name)
		}
	}
	lost := gr.status.lost()
	for _, n := range gr.doc.FindElements("/cib/configuration/nodes/node") {
		name := attr(n, "uname")
		if lost[name] || attr(n, "type") == "remote" || !slices.ContainsFunc(gr.status.nodes, func(s nodeStatus) bool { return s.name == name }) {
			continue
		}
		add("losing "+name, Scenario{NodeFail: []string{name}})
	}
	if attr(gr.doc.Root(), "have-quorum") == "1" {
		no := false
		add("losing quorum", Scenario{HasQuorum: &no})
	}
	for _, t := range ticketsOf(gr.doc) {
		add("revoking ticket "+t, Scenario{Revoke: []string{t}})
	}
	for _, i := range gr.status.instances {
		if !i.active() || lost[i.Node] || gr.stonith[i.Resource] {
			continue
		}
		if _, interval := monitored(gr.doc, i.Resource, i.Node); interval == "" {
			continue // nobody would notice
		}
		name := "a failure of " + i.Resource
		if len(gr.status.of(i.Resource)) > 1 {
			name += " on " + i.Node
		}
		add(name, Scenario{Fail: []Failure{{Resource: i.Resource, Node: i.Node}}})
	}
}

// run carries the drills out until ctx ends, the weightiest first.
func run(ctx context.Context, h reconcile.Host, before, after *ground, out *reconcile.Drills) error {
	type result struct {
		findings []reconcile.Finding
		skipped  bool
	}
	results := make([]result, len(after.names))
	var g errgroup.Group
	g.SetLimit(parallelTrials)
	var mu sync.Mutex
	var failed error
	for i, name := range after.names {
		g.Go(func() error {
			then, err := after.try(ctx, h, name)
			var now map[reconcile.Finding]bool
			if err == nil && len(then) > 0 { // else nothing can be new
				now, err = before.try(ctx, h, name)
			}
			switch {
			case ctx.Err() != nil:
				results[i].skipped = true
			case err != nil:
				mu.Lock()
				failed = err
				mu.Unlock()
			}
			for f := range then {
				if !now[f] && err == nil {
					results[i].findings = append(results[i].findings, f)
				}
			}
			return nil
		})
	}
	_ = g.Wait()
	if failed != nil {
		return failed
	}
	for i, r := range results {
		if r.skipped {
			out.Skipped = append(out.Skipped, after.names[i])
			continue
		}
		out.Ran++
		slices.SortFunc(r.findings, func(a, b reconcile.Finding) int { return strings.Compare(a.String(), b.String()) })
		out.New = append(out.New, r.findings...)
	}
	return nil
}

// try gives what a failure costs; nothing if there is no such failure on this ground.
func (gr *ground) try(ctx context.Context, h reconcile.Host, name string) (map[reconcile.Finding]bool, error) {
	s, ok := gr.drills[name]
	if !ok {
		return nil, nil
	}
	q, err := s.question(gr.doc, gr.status)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	sims, _, err := q.simulate(context.WithoutCancel(ctx), h) // what was begun is soon done
	if err != nil {
		return nil, err
	}
	return gr.costs(name, s, sims), nil
}

// costs compares the state in the end with the one at rest.
func (gr *ground) costs(name string, s Scenario, sims []simulation) map[reconcile.Finding]bool {
	out := map[reconcile.Finding]bool{}
	last := sims[len(sims)-1]
	lost := last.then.lost()
	best := map[string]string{} // role of the best instance in the end
	for _, i := range last.then.instances {
		if i.active() && !lost[i.Node] && best[i.Resource] != "Promoted" {
			best[i.Resource] = i.Role
		}
	}
	for _, i := range gr.status.instances {
		switch {
		case !i.active() || gr.stonith[i.Resource]:
		case best[i.Resource] == "":
			out[reconcile.Finding{Event: name, Effect: "stopped", Resource: i.Resource}] = true
		case i.Role == "Promoted" && best[i.Resource] != "Promoted":
			out[reconcile.Finding{Event: name, Effect: "unpromoted", Resource: i.Resource}] = true
		}
	}
	for n, sim := range sims {
		for _, r := range reactionsOf(sim) {
			id := instanceOf(r.Resource)
			switch {
			case r.Action == "fence" && !slices.Contains(s.NodeFail, r.Node):
				out[reconcile.Finding{Event: name, Effect: "fenced", Node: r.Node}] = true
			case r.Action == "blocked" && n == len(sims)-1 && best[id] != "" && !gr.stonith[id]:
				out[reconcile.Finding{Event: name, Effect: "blocked", Resource: id}] = true
			}
		}
	}
	return out
}

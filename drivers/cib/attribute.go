package cib

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// patience is the time that the search for causes may take by default; what is not found by then is told as not attributed. parallelTrials runs
// of the scheduler at a time leave a node's other cores to what it serves.
const (
	patience       = 2 * time.Second
	parallelTrials = 2
)

// attribution finds the changes of a plan that cause its reactions.
type attribution struct {
	*planner
	live    *etree.Document
	host    reconcile.Host
	base    []simulation // of live
	stonith map[string]bool
	limit   time.Duration   // of the search
	rounds  int             // that the reactions take
	brief   bool            // all reactions stand in the summary of the first transition
	whole   map[effect]bool // of the whole plan
	slots   chan struct{}
}

// attribute adds the causes to the reactions of a prediction. took is how long the simulation of the whole plan took.
func (a *attribution) attribute(ctx context.Context, pr *reconcile.Prediction, took time.Duration) {
	var todo []int
	for i, r := range pr.Reactions {
		if !r.Anyway {
			todo = append(todo, i)
			a.rounds = max(a.rounds, r.Round)
		}
	}
	objects := a.byObject()
	if len(todo) == 0 || len(objects) == 0 || a.limit == 0 {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, a.limit, errTrials)
	defer cancel()
	a.slots = make(chan struct{}, parallelTrials)
	fields := a.byField()
	edits := a.needs()
	slow := took > a.limit/4 // not even a few trials would come to an end

	// First the objects, then the fields of those that have several.
	causes := map[effect]verdict{}
	effects := effectsOf(pr.Reactions, todo)
	a.whole, a.brief = map[effect]bool{}, a.rounds == 1
	for _, e := range effects {
		a.brief = a.brief && slices.Contains(summarised, e.action)
		a.whole[e], a.whole[e.loosely()] = true, true
	}
	switch {
	case len(objects) == 1:
		for _, e := range effects {
			causes[e] = verdict{changes: []int{0}}
		}
	case !slow:
		var of []suspects
		for _, e := range effects {
			of = append(of, suspects{e, upTo(len(objects))})
		}
		causes = a.search(objects, needsOf(objects, edits)).find(ctx, of)
	}
	fieldsOf := map[reconcile.Ref][]int{}
	for i, f := range fields {
		fieldsOf[f.cause.Object] = append(fieldsOf[f.cause.Object], i)
	}
	var of []suspects
	for _, e := range effects {
		if v := causes[e]; len(v.changes) == 1 {
			if inside := fieldsOf[objects[v.changes[0]].cause.Object]; len(inside) > 1 && !slow {
				of = append(of, suspects{e, inside})
			}
		}
	}
	inside := map[effect]verdict{}
	if len(of) > 0 {
		inside = a.search(fields, needsOf(fields, edits)).find(ctx, of)
	}
	for _, i := range todo {
		r := &pr.Reactions[i]
		e := effectOf(*r)
		if v, ok := inside[e]; ok {
			r.Jointly = v.jointly
			for _, f := range v.changes {
				r.Causes = append(r.Causes, fields[f].cause)
			}
			continue
		}
		v := causes[e]
		r.Jointly = v.jointly
		for _, o := range v.changes {
			c := objects[o].cause
			if own := fieldsOf[c.Object]; len(own) == 1 {
				c = fields[own[0]].cause
			}
			r.Causes = append(r.Causes, c)
		}
	}
	pr.Unattributed = a.unattributed(ctx, pr.Reactions, slow)
}

// unattributed says why reactions have no cause; "" if all have one.
func (a *attribution) unattributed(ctx context.Context, rs []reconcile.Reaction, slow bool) string {
	n := 0
	for _, r := range rs {
		if !r.Anyway && len(r.Causes) == 0 {
			n++
		}
	}
	switch {
	case n == 0 && ctx.Err() == nil:
		return ""
	case n == 0:
		return fmt.Sprintf("which field causes it was not found for all reactions within %v", a.limit)
	case slow:
		return fmt.Sprintf("the causes of %d reactions were not looked for: one run of the scheduler takes too long here", n)
	case ctx.Err() != nil:
		return fmt.Sprintf("the causes of %d reactions were not found within %v", n, a.limit)
	}
	return fmt.Sprintf("the causes of %d reactions were not found: they come of no part of the changes", n)
}

// summarised are the actions of reactions that stand in the scheduler's summary, whatever they are about: no stop of what is deleted, no change of a
// check's schedule, and nothing that shows only when the transition is over.
var summarised = []string{"start", "restart", "reload", "move", "migrate", "promote", "demote", "fence", "unfence"}

// effect is a reaction as trials are compared: where something moves or starts may depend on what else does, so that is left out; but
// instances of a clone are told apart by their nodes.
type effect reactionKey

// loosely is the effect that whatever runs on a node does not go on as it did: a part of a plan may move what the plan restarts.
func (e effect) loosely() effect {
	switch e.action {
	case "stop", "restart", "reload", "move", "migrate":
		e.action, e.to = "disturb", ""
	}
	return e
}

func effectOf(r reconcile.Reaction) effect {
	e := effect(keyOf(r))
	if e.resource == r.Resource {
		e.to = ""
	}
	if r.Action == "monitor" {
		e.from = r.Reason // which schedule it was and is
	}
	return e
}

func effectsOf(rs []reconcile.Reaction, which []int) []effect {
	var out []effect
	for _, i := range which {
		if e := effectOf(rs[i]); !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// search looks for causes among units.
func (a *attribution) search(units []unit, needs [][]int) *search {
	t := &trials{attribution: a, units: units, known: map[string]*trial{}}
	whole := &trial{effects: a.whole} // was tried
	whole.once.Do(func() {})
	t.known[fmt.Sprint(slices.Repeat([]bool{true}, len(units)))] = whole
	return &search{needs: needs, try: t.try, likely: func(e effect, u int) int {
		switch {
		case units[u].cause.Object.Name == e.resource:
			return 0
		case units[u].words[e.resource] || units[u].words[e.node] && e.node != "":
			return 1
		}
		return 2
	}}
}

// trials remembers the answers.
type trials struct {
	*attribution
	units []unit
	mu    sync.Mutex
	known map[string]*trial
}

type trial struct {
	once    sync.Once
	effects map[effect]bool
	err     error
}

func (t *trials) try(ctx context.Context, part []bool) (map[effect]bool, error) {
	key := fmt.Sprint(part)
	t.mu.Lock()
	x := t.known[key]
	if x == nil {
		x = &trial{}
		t.known[key] = x
	}
	t.mu.Unlock()
	x.once.Do(func() { x.effects, x.err = t.run(ctx, part) })
	return x.effects, x.err
}

// run asks the scheduler about the live CIB with a part of the changes.
func (t *trials) run(ctx context.Context, part []bool) (map[effect]bool, error) {
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	var edits []int
	for u, in := range part {
		if in {
			edits = append(edits, t.units[u].edits...)
		}
	}
	slices.Sort(edits)
	doc := newTree(t.live.Copy())
	for _, i := range edits {
		if err := t.edits[i].apply(doc); err != nil {
			return nil, err
		}
	}
	text, err := doc.WriteToString()
	if err != nil {
		return nil, err
	}
	sims, _, err := question{cib: text, rounds: t.rounds, brief: t.brief}.simulate(context.WithoutCancel(ctx), t.host) // what was begun is soon done
	if err != nil {
		return nil, err
	}
	found := map[effect]bool{}
	for _, r := range reactions(t.base, sims, t.stonith) {
		if !r.Anyway {
			e := effectOf(r)
			found[e], found[e.loosely()] = true, true
		}
	}
	return found, nil
}

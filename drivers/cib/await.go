package cib

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// The pace of looking at the status: quick first, because most agents answer within a second. A machine that answers slowly is left alone for as long
// as its answer took, so that the agents get on.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = time.Second
)

// Await waits until resources are where the scheduler means them to be, and their first monitors have answered. It never asks more than
// the scheduler does: a resource that is switched off, or that no node may run, is not waited for.
type Await struct {
	// Resources are ids of primitives and groups.
	Resources []string `json:"resources"`
	// Limit bounds the wait: the agents' time limits and fencing.
	Limit time.Duration `json:"limit"`
}

func (a Await) String() string {
	return "wait until the status shows what Pacemaker means to do with " + joinWords(a.Resources) + ", at most " + a.Limit.String()
}

// FailedError tells that resources are not where they should be, and why.
type FailedError struct{ Why []string }

func (e *FailedError) Error() string { return strings.Join(e.Why, "; ") }

// Do waits.
func (a Await) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	limit := a.Limit
	if limit <= 0 {
		limit = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLimit)
	defer cancel()
	w := &waiter{a: a, h: h, progress: progress, up: map[string]bool{}, most: map[string]int{}}
	pace := firstLook
	for {
		asked := time.Now()
		done, err := w.look(ctx)
		if done || err != nil {
			if err != nil && errors.Is(context.Cause(ctx), errLimit) {
				return w.late(ctx, limit)
			}
			return err
		}
		t := time.NewTimer(max(pace, time.Since(asked)))
		select {
		case <-ctx.Done():
			t.Stop()
			if errors.Is(context.Cause(ctx), errLimit) {
				return w.late(ctx, limit)
			}
			return ctx.Err()
		case <-t.C:
		}
		pace = min(pace*3/2, lastLook)
	}
}

var errLimit = errors.New("the limit of waiting is reached")

type waiter struct {
	a        Await
	h        reconcile.Host
	progress func(reconcile.Progress)
	// most is the highest number of active instances that the scheduler meant each resource to have since the wait began: what fell
	// below it later has failed.
	most map[string]int
	up   map[string]bool
	last simulation
	said string
	idle int
}

func (w *waiter) look(ctx context.Context) (done bool, err error) {
	out, err := w.h.Run(ctx, reconcile.Cmd{Argv: []string{"crm_simulate", "--live-check", "--simulate", "--output-as=xml"}})
	if err != nil {
		return false, err
	}
	if w.last, err = parseSimulation(string(out)); err != nil {
		return false, err
	}
	all, down := true, false
	for _, r := range w.a.Resources {
		w.most[r] = max(w.most[r], active(w.last.then.of(r)))
		ok := w.reached(r)
		switch up := ok && active(w.last.now.of(r)) > 0; {
		case up && !w.up[r]:
			w.up[r] = true
			w.progress(reconcile.Progress{Text: w.describe(r), Done: int64(len(w.up)), Total: int64(len(w.a.Resources))})
		case !up:
			delete(w.up, r)
			down = true
		}
		all = all && ok
	}
	w.fencing()
	if !all || w.busy() || down && len(w.last.actions) > 0 {
		w.idle = 0
		return false, nil
	}
	// What is to stay stopped may wait for something still under way, and the designated controller may not have begun yet.
	if w.idle++; down && w.idle < 4 {
		return false, nil
	}
	return true, w.explain(ctx)
}

func active(is []Instance) int {
	n := 0
	for _, i := range is {
		if i.active() {
			n++
		}
	}
	return n
}

// reached tells whether a resource is as the scheduler means it to be now.
func (w *waiter) reached(id string) bool {
	goal, now := w.last.then.of(id), w.last.now.of(id)
	if len(now) == 0 && len(goal) > 0 {
		return false
	}
	promoted := func(is []Instance) (n int) {
		for _, i := range is {
			if i.Role == "Promoted" {
				n++
			}
		}
		return
	}
	for _, i := range now {
		if strings.HasSuffix(i.Role, "ing") { // Starting, Stopping, Promoting, …
			return false
		}
	}
	return active(now) == active(goal) && promoted(now) == promoted(goal)
}

// busy tells whether the scheduler still has something to do with the resources, first monitors included.
func (w *waiter) busy() bool {
	for _, x := range slices.Concat(w.last.actions, w.last.transition) {
		id := strings.SplitN(x.Resource, ":", 2)[0]
		for _, r := range w.a.Resources {
			if id != "" && (id == r || slices.Contains(w.last.now.within[id], r)) {
				return true
			}
		}
	}
	return false
}

func (w *waiter) fencing() {
	var names []string
	for _, n := range w.last.now.nodes {
		if n.unclean {
			names = append(names, n.name)
		}
	}
	if s := joinWords(names); s != w.said {
		w.said = s
		if s != "" {
			w.progress(reconcile.Progress{Text: "waiting for the fencing of " + s})
		}
	}
}

func (w *waiter) describe(id string) string {
	var on []string
	unmanaged := false
	for _, i := range w.last.now.of(id) {
		unmanaged = unmanaged || !i.Managed
		if i.active() {
			s := i.Node
			if i.Role != "Started" {
				s += " (" + strings.ToLower(i.Role) + ")"
			}
			if !slices.Contains(on, s) {
				on = append(on, s)
			}
		}
	}
	sort.Strings(on)
	s := id + ": started on " + joinWords(on)
	if len(on) == 0 {
		s = id + ": stays stopped, as Pacemaker means it to be"
	}
	if unmanaged {
		s += ", unmanaged"
	}
	return s
}

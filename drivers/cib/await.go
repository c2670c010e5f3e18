package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// The pace of looking at the status: quick first, because most agents answer within a second.
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
		done, err := w.look(ctx)
		if done || err != nil {
			if err != nil && errors.Is(context.Cause(ctx), errLimit) {
				return w.late(ctx, limit)
			}
			return err
		}
		t := time.NewTimer(pace)
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

func (w *waiter) monitor(ctx context.Context) (*etree.Element, error) {
	out, err := w.h.Run(ctx, reconcile.Cmd{Argv: monitor})
	if err != nil {
		return nil, err
	}
	return readMonitor(string(out))
}

// ours gives the failures of the awaited resources, by resource.
func (w *waiter) ours(mon *etree.Element) map[string][]failure {
	out := map[string][]failure{}
	for _, f := range failures(mon) {
		for _, r := range w.a.Resources {
			if f.resource == r || slices.Contains(w.last.now.within[f.resource], r) {
				out[r] = append(out[r], f)
			}
		}
	}
	return out
}

// explain says of each resource that is not active as often as it was meant to be why.
func (w *waiter) explain(ctx context.Context) error {
	var ours map[string][]failure
	var why []string
	for _, r := range w.a.Resources {
		now := w.last.now.of(r)
		n := active(now)
		if n > 0 && n >= w.most[r] && !slices.ContainsFunc(now, func(i Instance) bool { return i.Failed || i.Blocked }) {
			continue
		}
		if ours == nil {
			mon, err := w.monitor(ctx)
			if err != nil {
				return err
			}
			ours = w.ours(mon)
		}
		switch {
		case slices.ContainsFunc(now, func(i Instance) bool { return i.Blocked }):
			why = append(why, fmt.Sprintf("%s is blocked: Pacemaker can neither stop nor move it%s; mend the cause, then crm_resource --cleanup --resource %s", r, because(ours[r]), r))
		case slices.ContainsFunc(now, func(i Instance) bool { return !i.Managed }):
			w.progress(reconcile.Progress{Text: r + ": is unmanaged, so Pacemaker leaves it as it is"})
		case len(ours[r]) > 0:
			why = append(why, w.failed(ctx, r, ours[r]))
		default:
			w.progress(reconcile.Progress{Text: w.describe(r)})
		}
	}
	if why != nil {
		return &FailedError{why}
	}
	return nil
}

func because(fs []failure) string {
	if len(fs) == 0 {
		return ""
	}
	var s []string
	for _, f := range fs {
		s = append(s, f.String())
	}
	return " (" + strings.Join(s, "; ") + ")"
}

// failed is the sentence on a resource that failed, with what its node logged where that is the node that is asked.
func (w *waiter) failed(ctx context.Context, r string, fs []failure) string {
	var s []string
	for _, f := range fs {
		t := "failed: " + f.String()
		if lines := w.lastLines(ctx, f); lines != "" {
			t += "\n    " + strings.ReplaceAll(lines, "\n", "\n    ")
		}
		s = append(s, t)
	}
	return fmt.Sprintf("%s: %s\n  mend the cause, then crm_resource --cleanup --resource %s, or change the manifest", r, strings.Join(s, "; "), r)
}

func (w *waiter) lastLines(ctx context.Context, f failure) string {
	if f.node != w.h.Name() {
		return ""
	}
	out, err := w.h.Run(ctx, reconcile.Cmd{Argv: []string{"journalctl", "--no-pager", "--quiet", "--output=cat", "--since=-10min",
		"--identifier=pacemaker-execd", "--identifier=pacemaker-controld", "--identifier=pacemaker-fenced", "--grep=" + regexpWord(f.resource), "--lines=3"}, Limit: 5 * time.Second})
	if err != nil {
		return "" // an extra only
	}
	return strings.TrimSpace(string(out))
}

// regexpWord quotes an id, whose only special character is the dot.
func regexpWord(id string) string { return strings.ReplaceAll(id, ".", `\.`) }

// late says what is still missing when the limit is reached.
func (w *waiter) late(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if w.last.now.nodes == nil {
		return fmt.Errorf("%s gave no status within %s", w.h.Name(), limit)
	}
	mon, err := w.monitor(ctx)
	if err != nil {
		return err
	}
	ours := w.ours(mon)
	var why []string
	for _, r := range w.a.Resources {
		switch {
		case w.reached(r) && !w.busy():
		case len(ours[r]) > 0:
			why = append(why, w.failed(ctx, r, ours[r]))
		case w.said != "":
			why = append(why, fmt.Sprintf("%s waits for the fencing of %s; see stonith_admin --history '*', and confirm by hand with stonith_admin --confirm only if the node is really off", r, w.said))
		default:
			why = append(why, fmt.Sprintf("%s is not as Pacemaker means it to be after %s (%s); see crm_mon", r, limit, w.describe(r)))
		}
	}
	if why == nil {
		why = []string{"the cluster did not come to rest within " + limit.String() + "; see crm_mon"}
	}
	return &FailedError{why}
}

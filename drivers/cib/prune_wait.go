package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// inTwo parts a step in two where what goes has to stop in between.
func (p *planner) inTwo(st reconcile.Step) []reconcile.Step {
	if p.secondEdit < 0 {
		return []reconcile.Step{st}
	}
	first, then := st, st
	first.Changes, then.Changes = st.Changes[:p.secondChange], st.Changes[p.secondChange:]
	first.Frees = nil
	then.ID = "cib " + st.Host + " removal"
	for _, c := range then.Changes { // so that it comes first
		first.Frees = append(first.Frees, c.Object)
	}
	if st.Pending == "" {
		schema := p.dialect.schema
		first.Ops = []reconcile.Op{Patch{Cluster: p.want.Cluster, Schema: schema, Edits: p.edits[:p.secondEdit], Pins: p.pins}}
		then.Ops = []reconcile.Op{Inactive{Resources: p.stopped, Limit: p.stopLimit()},
			Patch{Cluster: p.want.Cluster, Schema: schema, Edits: p.edits[p.secondEdit:], Pins: p.pinsThen,
				Judged: digest(p.work.Root().SelectElement("configuration"), nil)}}
		if len(p.stopped) == 0 {
			then.Ops = then.Ops[1:]
		}
		waits := &first
		if len(p.heirs) > 0 {
			waits = &then // what depends on a renamed resource comes back with it
		}
		if len(p.awaited) > 0 {
			waits.Ops = append(waits.Ops, Await{Resources: p.awaited, Limit: p.awaitLimit()})
		}
		if len(p.left) > 0 {
			then.Ops = append(then.Ops, Inactive{Resources: p.left, Orphans: true, Limit: p.stopLimit()})
		}
	}
	if len(first.Changes) == 0 {
		return []reconcile.Step{then} // an earlier run did the first
	}
	return []reconcile.Step{first, then}
}

// firstOfTwo tells whether the removal of what a step stops comes behind it.
func firstOfTwo(s reconcile.Step) bool {
	return slices.ContainsFunc(s.Frees, func(r reconcile.Ref) bool { return r.Kind != secretRef("", "", "").Kind })
}

// Inactive waits until resources run nowhere: the status of each node says so, twice.
type Inactive struct {
	Resources []string `json:"resources"`
	// Orphans tells that they are not in the configuration any more; what Pacemaker leaves alone is left.
	Orphans bool `json:"orphans,omitempty"`
	// Limit bounds the wait: the agents' time limits and fencing.
	Limit time.Duration `json:"limit"`
}

func (w Inactive) String() string {
	return "wait until the status shows " + joinWords(w.Resources) + " inactive on every node, at most " + w.Limit.String()
}

// Do waits. A *FailedError says of each resource that did not stop why: it failed, is blocked, unmanaged, or waits for a fencing.
func (w Inactive) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, w.Limit, errLimit)
	defer cancel()
	s := &stops{w: w, told: map[string]bool{}, progress: progress}
	for quiet, pace := 0, firstLook; ; pace = min(pace*3/2, lastLook) {
		asked := time.Now()
		done, err := s.look(ctx, h)
		switch {
		case err != nil && errors.Is(context.Cause(ctx), errLimit):
			return s.late()
		case err != nil:
			return err
		case done && quiet > 0:
			return nil
		case done: // a start may have been under way when the stop was told
			quiet, pace = quiet+1, 2*firstLook
		default:
			quiet = 0
		}
		t := time.NewTimer(max(pace, time.Since(asked)))
		select {
		case <-ctx.Done():
			t.Stop()
			if errors.Is(context.Cause(ctx), errLimit) {
				return s.late()
			}
			return ctx.Err()
		case <-t.C:
		}
	}
}

type stops struct {
	w        Inactive
	told     map[string]bool
	progress func(reconcile.Progress)
	// why says of what was not inactive at the last look what is with it.
	why []string
}

// say tells a thing once.
func (s *stops) say(text string) {
	if !s.told[text] {
		s.told[text] = true
		s.progress(reconcile.Progress{Text: text, Done: int64(len(s.w.Resources) - len(s.why)), Total: int64(len(s.w.Resources))})
	}
}

func (s *stops) look(ctx context.Context, h reconcile.Host) (done bool, err error) {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: monitor})
	if err != nil {
		return false, err
	}
	mon, err := readMonitor(string(out))
	if err != nil {
		return false, err
	}
	st := readStatus(mon)
	failed := toldOn(ctx, h, failures(mon))
	fencing := pendingFencing(mon)
	for _, n := range st.nodes {
		if n.unclean && !slices.Contains(fencing, n.name) {
			fencing = append(fencing, n.name)
		}
	}
	s.why = nil
	var over []string
	for _, id := range s.w.Resources {
		is := slices.DeleteFunc(st.of(id), func(i Instance) bool { return i.Role == "Stopped" || i.Node == "" && !strings.HasSuffix(i.Role, "ing") })
		if len(is) == 0 {
			s.say(id + " is inactive")
			continue
		}
		var on []string
		for _, i := range is {
			if !slices.Contains(on, i.Node) {
				on = append(on, i.Node)
			}
		}
		at := joinWords(on)
		failures := because(slices.DeleteFunc(slices.Clone(failed), func(f failure) bool {
			return f.resource != id && !slices.Contains(st.within[f.resource], id) || f.op != "stop"
		}))
		switch {
		case slices.ContainsFunc(is, func(i Instance) bool { return i.Blocked }):
			over = append(over, fmt.Sprintf("%s is blocked on %s: it did not stop, and Pacemaker can do no more%s; stop it there by hand, then crm_resource --cleanup --resource %s and run this again",
				id, at, failures, id))
		case slices.ContainsFunc(is, func(i Instance) bool { return !i.Managed }) && s.w.Orphans:
			s.say(id + " is unmanaged and runs on without Pacemaker on " + at)
			continue
		case slices.ContainsFunc(is, func(i Instance) bool { return !i.Managed }):
			over = append(over, fmt.Sprintf("%s is unmanaged or in maintenance, so Pacemaker does not stop it on %s; end that (pcs resource manage %s, pcs node unmaintenance), and run this again", id, at, id))
		case len(fencing) > 0:
			s.say("waiting for the fencing of " + joinWords(fencing))
			s.why = append(s.why, fmt.Sprintf("%s waits on %s for the fencing of %s%s; see stonith_admin --history '*'", id, at, joinWords(fencing), failures))
		default:
			s.why = append(s.why, fmt.Sprintf("%s still runs on %s%s; see crm_mon", id, at, failures))
		}
	}
	if over != nil {
		return false, &FailedError{over}
	}
	return len(s.why) == 0, nil
}

// late says what had not stopped when the limit was reached.
func (s *stops) late() error {
	if s.why == nil {
		return fmt.Errorf("there was no status within %s", s.w.Limit)
	}
	return &FailedError{s.why}
}

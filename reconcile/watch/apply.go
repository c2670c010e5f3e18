package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/policy"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// errMoved tells that under the lock something was other than when it was decided.
var errMoved = errors.New("the cluster moved since it was looked at")

// apply brings the cluster to what its manifests say.
func (w *worker) apply(following, ctx context.Context, t target, s *session, k *look, v policy.Verdict) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, applyLimit)
	defer cancel()
	begun, approved := time.Now(), false
	w.tell(Event{Type: ApplyStarted, Revision: t.revision.Name, Digest: k.digest, Text: summary(k.plan) + " (" + v.Why + ")"})
	s.engine.Events = func(e reconcile.Event) {
		switch e.Type {
		case reconcile.EventDone:
			w.count(func(n *Counts) { n.Steps[Count{w.name, "ok"}]++ })
		case reconcile.EventFailed:
			w.count(func(n *Counts) { n.Steps[Count{w.name, "failed"}]++ })
		}
		w.loop.tell(Event{Type: ApplyStep, Cluster: w.name, Revision: t.revision.Name, Digest: k.digest, Text: stepText(e)})
	}
	drain, undrained := w.drain(following, v.Until)
	defer undrained()
	res, err := s.engine.Apply(ctx, reconcile.ApplyOptions{Allow: v.Allow, Drain: drain, Rollback: true, Approve: func(o *reconcile.Observation, p *reconcile.Plan) error {
		if err := w.stillWanted(ctx, t, s, seen(o, p), k.digest, v.Allow); err != nil {
			return err
		}
		approved = true
		return nil
	}})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it took longer than %v and was cancelled; hactl status tells what the cluster waits for: %w", applyLimit, err)
	}
	if err == nil && !approved {
		err = fmt.Errorf("%w: nothing is left to do", errMoved)
	}
	if errors.Is(err, errMoved) {
		w.loop.Log.Debug(err.Error(), "cluster", w.name)
		w.moved++
		return source.Jitter(min(settle<<min(w.moved-1, 10), policyOf(t.manifests).Interval))
	}
	w.moved = 0
	var locked *reconcile.LockedError
	if errors.As(err, &locked) {
		return w.lockedOut(t, k, locked)
	}
	delete(w.told, ApplyStarted) // what did not begin is told of once
	w.count(func(n *Counts) {
		n.Applying[w.name] += time.Since(begun)
		what := okOr(err)
		if errors.Is(err, reconcile.ErrInterrupted) {
			what = "interrupted"
		}
		n.Applies[Count{w.name, what}]++
	})
	if errors.Is(err, reconcile.ErrInterrupted) {
		return settle // it goes on with the next controller, or in the next window
	}
	done := Apply{At: begun.UTC(), Took: time.Since(begun), Revision: t.revision, Digest: k.digest, Steps: res.Steps, Why: v.Why}
	if err != nil {
		done.Err = cut(err.Error())
		return w.applyFailed(t, s, k, done, res.Rounds > 0)
	}
	w.stalled = 0
	w.remember(t, k.digest, nil)
	w.applied(done)
	w.told[Applied] = ""
	w.tell(Event{Type: Applied, Revision: t.revision.Name, Digest: k.digest, Text: fmt.Sprintf("%d steps in %s", res.Steps, done.Took.Round(10*time.Millisecond))})
	return settle // and see that it is so
}

// stillWanted decides once more, by what is seen under the lock: it may have taken a minute to get it. What is to be done must be what was decided on.
func (w *worker) stillWanted(ctx context.Context, t target, s *session, k *look, digest string, allow []reconcile.Allow) error {
	w.recalled = false // another controller may have tried meanwhile
	switch v := w.verdict(ctx, t, s, k); {
	case w.target() != t:
		return fmt.Errorf("%w: other manifests have come", errMoved)
	case k.digest != digest:
		return fmt.Errorf("%w: another plan", errMoved)
	case v.Action != policy.Apply:
		return fmt.Errorf("%w: %s", errMoved, v.Why)
	case len(reconcile.Ungated(k.plan.Gates(), allow)) > 0:
		return fmt.Errorf("%w: it is allowed by something else now: %s", errMoved, v.Why)
	}
	return nil
}

// lockedOut tells that somebody else changes the cluster. That is waited for, as long as it takes.
func (w *worker) lockedOut(t target, k *look, err error) time.Duration {
	v := policy.Verdict{Action: policy.Wait, For: policy.ForCluster, Why: err.Error()}
	w.set(func(c *Cluster) { c.Phase, c.Verdict = Pending, v })
	w.tell(Event{Type: Waiting, Revision: t.revision.Name, Digest: k.digest, Text: v.Why})
	w.stalled++
	return w.stall(t)
}

// stall is how long is waited after what could not begin.
func (w *worker) stall(t target) time.Duration {
	return source.Jitter(min(firstRetry<<min(w.stalled-1, 10), policyOf(t.manifests).Interval))
}

// applyFailed tells that an apply did not end well. What had not begun did not fail as a change: it is tried for as long as it takes.
func (w *worker) applyFailed(t target, s *session, k *look, done Apply, began bool) time.Duration {
	if began {
		w.stalled = 0
		w.told[ApplyFailed] = ""
		w.remember(t, k.digest, errors.New(done.Err))
		w.applied(done)
	} else {
		w.stalled++
	}
	w.set(func(c *Cluster) {
		c.Phase, c.Err = Failing, done.Err
		if began {
			c.Failed, c.failed = done.Err, t.digest
		}
	})
	w.tell(Event{Type: ApplyFailed, Revision: t.revision.Name, Digest: k.digest, Text: done.Err})
	s.close()
	if began {
		return source.Jitter(rest(len(w.own)))
	}
	return w.stall(t)
}

// applied keeps an apply.
func (w *worker) applied(done Apply) {
	w.set(func(c *Cluster) {
		c.Applies = append([]Apply{done}, c.Applies[:min(len(c.Applies), keptApplies-1)]...) // a new one: States hold the old
	})
}

// drain gives a channel that is closed when following ends, or at that time: the window is over, and no step is begun after it.
func (w *worker) drain(following context.Context, at time.Time) (<-chan struct{}, context.CancelFunc) {
	if at.IsZero() {
		return following.Done(), func() {}
	}
	ctx, cancel := context.WithTimeout(following, at.Sub(w.loop.Now()))
	return ctx.Done(), cancel
}

func stepText(e reconcile.Event) string {
	text := string(e.Type)
	for _, s := range []string{e.Host, e.Step, e.Text} {
		if s != "" {
			text += " " + s
		}
	}
	return cut(text)
}

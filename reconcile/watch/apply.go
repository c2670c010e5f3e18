package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/policy"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// decide publishes what a look found, and changes what may be changed. It gives the time until the next look.
func (w *worker) decide(following, ctx context.Context, t target, s *session, k *look) time.Duration {
	v := w.verdict(ctx, t, s, k)
	w.set(func(c *Cluster) { c.Failed, c.failed = k.failed, t.digest }) // it counts in whose turn it is
	if v.Action == policy.Apply && following.Err() == nil {
		release, why := w.loop.turn(w.name)
		if release != nil {
			w.publish(t, k, v)
			defer w.loop.callUp(w.name)
			defer release()
			return w.apply(following, ctx, t, s, k, v)
		}
		v = policy.Verdict{Action: policy.Wait, Why: why}
	} else {
		w.loop.notReady(w.name)
	}
	w.publish(t, k, v)
	w.loop.callUp(w.name)
	wait := source.Jitter(policyOf(t.manifests).Interval)
	if until := v.Until.Sub(w.loop.Now()); !v.Until.IsZero() && until < wait {
		wait = max(until, time.Second)
	}
	return wait
}

// verdict is what is to be done about the plan of a look. It is asked when the cluster was looked at, and once more under its lock.
func (w *worker) verdict(ctx context.Context, t target, s *session, k *look) policy.Verdict {
	now := w.loop.Now()
	in := policy.See(s.engine, k.observation, k.plan, now)
	k.health = in.Health
	v := policy.Decide(policyOf(t.manifests), in)
	if !w.loop.Apply {
		if v.Action == policy.Apply {
			v = policy.Verdict{Action: policy.Wait, Why: "this controller only reports (--mode report)"}
		}
		return v
	}
	if in.Empty {
		return v
	}
	before, err := w.past(ctx, t, s, k)
	k.failed = before.failed
	if err != nil {
		k.failed = err.Error()
	}
	if v.Action != policy.Apply {
		return v
	}
	if err != nil {
		return policy.Verdict{Action: policy.Wait, For: policy.ForRetry, Why: err.Error()}
	}
	if v, wait := before.again(now, k.digest); wait {
		return v
	}
	if w.loop.Self != "" {
		if why := stops(k.plan, w.loop.Self); why != "" {
			return policy.Verdict{Action: policy.Wait, Why: why + ", which runs this controller: run hactl apply on a machine that stays"}
		}
	}
	return v
}

// stops says how a plan would stop a resource, "" if it would not.
func stops(p *reconcile.Plan, resource string) string {
	for _, x := range p.Prediction.Reactions {
		if x.Resource == resource && !x.Anyway && x.Risk >= reconcile.RestartRisk {
			return x.Describe()
		}
	}
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			if c.Object.Name == resource && c.Risk >= reconcile.RestartRisk {
				return fmt.Sprintf("%s %s", c.Action, c.Object)
			}
		}
	}
	if p.Prediction.Unavailable != "" && !p.Empty() {
		return "what the cluster will do is not known, and it may stop " + resource
	}
	return ""
}

// publish makes known what a look found.
func (w *worker) publish(t target, k *look, v policy.Verdict) {
	phase, failing := InSync, ""
	insync := k.plan.Empty() || k.plan.OnlyAdopts()
	switch {
	case v.Action == policy.Apply:
		phase = Applying
	case insync && len(k.observation.Unreachable) == 0:
	case insync:
		phase = Unknown
	case v.For == policy.ForRetry:
		phase, failing = Failing, k.failed
	case w.loop.Apply:
		phase = Pending
	default:
		phase = Drifted
	}
	now := time.Now().UTC()
	w.set(func(c *Cluster) {
		c.Phase, c.Err, c.Looked, c.Plan, c.Digest, c.Verdict, c.Health = phase, failing, k.at, k.plan, k.digest, v, k.health
		c.Desired, c.Broken, c.Failed, c.failed = t.revision, t.broken, k.failed, t.digest
		if phase == InSync {
			c.Observed, c.Synced, c.Failed = t.revision, now, ""
		}
	})
	switch phase {
	case InSync:
		w.tell(Event{Type: Synced, Revision: t.revision.Name, Text: "it is as the manifests say"}, Drift, Waiting, ApplyFailed)
	case Drifted, Pending, Failing:
		w.tell(Event{Type: Drift, Revision: t.revision.Name, Digest: k.digest, Text: summary(k.plan)})
		w.tell(Event{Type: Waiting, Revision: t.revision.Name, Digest: k.digest, Text: v.Why})
	}
}

// summary is a plan in a line.
func summary(p *reconcile.Plan) string {
	const most = 5
	type change struct {
		action reconcile.Action
		object reconcile.Ref
	}
	seen := map[change]bool{}
	var first []string
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			if x := (change{c.Action, c.Object}); !seen[x] {
				seen[x] = true
				if len(first) < most {
					first = append(first, fmt.Sprintf("%s %s", c.Action, c.Object))
				}
			}
		}
	}
	text := fmt.Sprintf("%d to do", len(seen))
	if len(first) > 0 {
		text += ": " + strings.Join(first, ", ")
	}
	if more := len(seen) - len(first); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// errMoved tells that under the lock something was other than when it was decided.
var errMoved = errors.New("the cluster moved since it was looked at")

// apply brings the cluster to what its manifests say.
func (w *worker) apply(following, ctx context.Context, t target, s *session, k *look, v policy.Verdict) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, applyLimit)
	defer cancel()
	begun := time.Now()
	w.told[ApplyStarted] = ""
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
	res, err := s.engine.Apply(ctx, reconcile.ApplyOptions{Allow: v.Allow, Drain: drain, Rollback: true,
		Approve: func(o *reconcile.Observation, p *reconcile.Plan) error {
			return w.stillWanted(ctx, t, s, seen(o, p), k.digest, v.Allow)
		}})
	if errors.Is(err, errMoved) {
		w.loop.Log.Debug(err.Error(), "cluster", w.name)
		w.moved++
		return source.Jitter(min(settle<<min(w.moved-1, 10), policyOf(t.manifests).Interval))
	}
	w.moved = 0
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

// applyFailed tells that an apply did not end well. What had not begun (somebody else holds the lock, the cluster is in trouble) did not fail as a
// change: it is tried for as long as it takes.
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
	return source.Jitter(min(firstRetry<<min(w.stalled-1, 10), policyOf(t.manifests).Interval))
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

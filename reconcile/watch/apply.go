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

// maxTries bounds how often the same change is tried while nothing is different.
const maxTries = 3

// decide publishes what a look found, and changes what may be changed. It gives the time until the next look.
func (w *worker) decide(following, ctx context.Context, t target, s *session, k *look) time.Duration {
	p := policyOf(t.manifests)
	v := w.verdict(p, t, s, k)
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
	wait := source.Jitter(p.Interval)
	if until := time.Until(v.Until); !v.Until.IsZero() && until < wait {
		wait = max(until, time.Second)
	}
	return wait
}

// verdict is what is to be done about a plan.
func (w *worker) verdict(p policy.Policy, t target, s *session, k *look) policy.Verdict {
	v := policy.Decide(p, policy.See(s.engine, k.observation, k.plan, time.Now()))
	switch {
	case v.Action != policy.Apply:
	case !w.loop.Apply:
		return policy.Verdict{Action: policy.Wait, Why: "this controller only reports (--mode report)"}
	case w.tried[t.revision.ID+k.digest] >= maxTries:
		return policy.Verdict{Action: policy.Wait, Why: fmt.Sprintf("it failed %d times; it is tried again when something is different", maxTries)}
	case w.loop.Self != "":
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
	phase := InSync
	insync := k.plan.Empty() || k.plan.OnlyAdopts()
	switch {
	case v.Action == policy.Apply:
		phase = Applying
	case insync && len(k.observation.Unreachable) == 0:
	case insync:
		phase = Unknown
	case w.loop.Apply:
		phase = Pending
	default:
		phase = Drifted
	}
	now := time.Now().UTC()
	w.set(func(c *Cluster) {
		c.Phase, c.Err, c.Looked, c.Plan, c.Digest, c.Verdict, c.Health = phase, "", k.at, k.plan, k.digest, v, k.health
		c.Desired, c.Broken = t.revision, t.broken
		if phase == InSync {
			c.Observed, c.Synced = t.revision, now
		}
	})
	switch phase {
	case InSync:
		w.tell(Event{Type: Synced, Revision: t.revision.Name, Text: "it is as the manifests say"}, Drift, Waiting, ApplyFailed)
	case Drifted, Pending:
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

// errMoved tells that the plan under the lock is another than the one that was decided about.
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
	res, err := s.engine.Apply(ctx, reconcile.ApplyOptions{
		Allow: v.Allow, Drain: until(following, v.Until), Rollback: true,
		Approve: func(_ *reconcile.Observation, p *reconcile.Plan) error {
			if p.Digest() != k.digest {
				return errMoved
			}
			return nil
		},
	})
	if errors.Is(err, errMoved) {
		return settle // look again
	}
	w.count(func(n *Counts) {
		n.Applying[w.name] += time.Since(begun)
		what := okOr(err)
		if errors.Is(err, reconcile.ErrInterrupted) {
			what = "interrupted"
		}
		n.Applies[Count{w.name, what}]++
	})
	if errors.Is(err, reconcile.ErrInterrupted) {
		return settle // it goes on with the next controller
	}
	done := Apply{At: begun.UTC(), Took: time.Since(begun), Revision: t.revision, Digest: k.digest, Steps: res.Steps, Why: v.Why}
	if err != nil {
		done.Err = err.Error()
		w.tried[t.revision.ID+k.digest]++
	} else {
		clear(w.tried)
	}
	w.set(func(c *Cluster) {
		c.Applies = append([]Apply{done}, c.Applies[:min(len(c.Applies), keptApplies-1)]...) // a new one: States hold the old
		if err != nil {
			c.Phase, c.Err = Failing, done.Err
		}
	})
	if err != nil {
		w.told[ApplyFailed] = ""
		w.tell(Event{Type: ApplyFailed, Revision: t.revision.Name, Digest: k.digest, Text: done.Err})
		s.close()
		return source.Jitter(firstRetry << min(w.tried[t.revision.ID+k.digest], 6))
	}
	w.told[Applied] = ""
	w.tell(Event{Type: Applied, Revision: t.revision.Name, Digest: k.digest, Text: fmt.Sprintf("%d steps in %s", res.Steps, done.Took.Round(10*time.Millisecond))})
	return settle // and see that it is so
}

// until gives a channel that is closed when following ends, or at that time: the window is over, and no step is begun after it.
func until(following context.Context, at time.Time) <-chan struct{} {
	if at.IsZero() {
		return following.Done()
	}
	ctx, cancel := context.WithDeadline(following, at)
	context.AfterFunc(ctx, cancel)
	return ctx.Done()
}

func stepText(e reconcile.Event) string {
	text := string(e.Type)
	for _, s := range []string{e.Host, e.Step, e.Text} {
		if s != "" {
			text += " " + s
		}
	}
	return text
}

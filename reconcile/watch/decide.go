package watch

import (
	"context"
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
	before, err := w.past(ctx, t, s, k)
	if in.Empty {
		w.forget()
		return v
	}
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

package watch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/policy"
)

const (
	maxTries = 3  // of the same change, while nothing is different
	keptPast = 50 // failures of each cluster that are remembered
)

// past is what went wrong with the manifests of a cluster since an apply last ended well.
type past struct {
	failed string    // why they could not be applied the last time; "": they could, or were not tried
	last   time.Time // when that was
	times  int       // how often
	tries  int       // how often with this very plan, since somebody approved it
}

// failures are the last ones of a journal, with no more of them than is needed.
func failures(journal []reconcile.Entry) []reconcile.Entry {
	bad := reconcile.Failures(journal)
	bad = bad[max(0, len(bad)-keptPast):]
	for i, e := range bad {
		bad[i] = reconcile.Entry{At: e.At, Manifests: e.Manifests, Plan: e.Plan, Result: e.Result, Error: cut(e.Error)}
	}
	return bad
}

// pastOf picks what concerns manifests and a plan. What failed before the plan was approved does not count as a try.
func pastOf(failures []reconcile.Entry, manifests, plan string, approved time.Time) (p past) {
	for _, e := range failures {
		if e.Manifests != manifests {
			continue
		}
		p.failed, p.last = e.Error, e.At
		if p.failed == "" {
			p.failed = string(e.Result)
		}
		p.times++
		if e.Plan == plan && e.At.After(approved) {
			p.tries++
		}
	}
	return p
}

// past tells what went wrong before, with this controller or another: what the cluster's journal says survives every controller. It is read when nothing
// is known yet, and under the lock of each apply. What this process has seen itself counts too, as the journal may be on a full disk.
func (w *worker) past(ctx context.Context, t target, s *session, k *look) (past, error) {
	if !w.recalled {
		journal, _, err := s.engine.Journal(ctx)
		if err != nil {
			return past{}, fmt.Errorf("what was applied before is not known: %w", err)
		}
		w.journal, w.recalled = failures(journal), true
		w.journal = slices.DeleteFunc(w.journal, func(e reconcile.Entry) bool { return !e.At.After(w.forgotten) })
	}
	var approved time.Time
	if c := s.engine.Consent(k.observation); c.Plan == k.digest {
		approved = c.At
	}
	a, b := pastOf(w.journal, t.digest, k.digest, approved), pastOf(w.own, t.digest, k.digest, approved)
	if b.times > a.times {
		a = b
	}
	return a, nil
}

// remember keeps how an apply ended that had begun.
func (w *worker) remember(t target, digest string, err error) {
	if err == nil {
		w.journal, w.own = nil, nil
		return
	}
	w.own = append(w.own[max(0, len(w.own)-keptPast+1):], reconcile.Entry{At: w.loop.Now(), Manifests: t.digest, Plan: digest, Result: reconcile.Broken, Error: cut(err.Error())})
}

// forget lets the failures be: the cluster came to be as wanted without them, so they tell nothing of what is done when it is not so again.
func (w *worker) forget() {
	for _, e := range slices.Concat(w.journal, w.own) {
		if e.At.After(w.forgotten) {
			w.forgotten = e.At
		}
	}
	w.journal, w.own = nil, nil
}

// rest is how long is waited after that many failures, eleven minutes at most.
func rest(times int) time.Duration { return firstRetry << min(times, 7) }

// again is the verdict where something failed before; false: it may be tried. A failure in the future is one that the clock was put back behind.
func (p past) again(now time.Time, digest string) (policy.Verdict, bool) {
	v := policy.Verdict{Action: policy.Wait, For: policy.ForRetry}
	if p.tries >= maxTries {
		v.Why = fmt.Sprintf("it failed %d times; it is tried again when something is different, or approved (hactl approve --digest %s)", p.tries, digest)
		return v, true
	}
	if since := now.Sub(p.last); p.times > 0 && since >= 0 && since < rest(p.times) {
		v.Until = now.Add(rest(p.times) - since)
		v.Why = fmt.Sprintf("it failed, and is tried again after %s", rest(p.times))
		return v, true
	}
	return policy.Verdict{}, false
}

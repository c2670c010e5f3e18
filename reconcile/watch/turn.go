package watch

import (
	"cmp"
	"slices"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/policy"
)

// turn asks whether a cluster may be changed now. Where it may, release is called when it was; where it has to wait, release is nil, and why says
// for what. The worker is woken when its turn has come.
func (l *Loop) turn(name string) (release func(), why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.workers[name] == nil {
		return nil, "it is not in the source any more"
	}
	l.ready[name] = true
	for _, t := range l.turns(name) {
		switch {
		case t.Name != name:
		case !t.Go:
			return nil, t.Why
		default:
			delete(l.ready, name)
			l.busy[name] = true
			return func() {
				l.mu.Lock()
				delete(l.busy, name)
				l.mu.Unlock()
			}, ""
		}
	}
	return nil, "its turn is not known" // turns tells of each that is ready
}

// turns are those of the clusters that share a policy with this one. l.mu is held.
func (l *Loop) turns(name string) []policy.Turn {
	w := l.workers[name]
	if w == nil {
		return nil
	}
	p := w.target().manifests.Policy
	rollout := policyOf(w.target().manifests).Rollout
	var clusters []policy.Cluster
	for name, c := range l.known {
		t := l.workers[name].target()
		if t.manifests.Policy == p || slices.Contains(rollout.Canary, name) {
			clusters = append(clusters, standing(*c, t, l.ready[name], l.busy[name]))
		}
	}
	return policy.Turns(rollout, clusters)
}

// standing is where a cluster stands on its way to its revision.
func standing(c Cluster, t target, ready, busy bool) policy.Cluster {
	s := policy.Cluster{Name: c.Name, Ready: ready, Busy: busy, Well: c.Err == "", Waits: c.Err,
		Reached: c.Observed.ID != "" && c.Observed.ID == t.revision.ID}
	for _, h := range c.Health {
		s.Well = s.Well && h.Level < reconcile.Degraded
	}
	if c.failed == t.digest {
		s.Failed = c.Failed
	}
	if c.Looked.IsZero() {
		s.Unseen = cmp.Or(c.Err, "it was not looked at yet")
	}
	if c.Verdict.Action == policy.Wait && !ready {
		s.Waits = c.Verdict.Why
	}
	return s
}

// notReady tells that a cluster has nothing to be changed.
func (l *Loop) notReady(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ready, name)
}

// callUp wakes the clusters whose turn has come because of what is new of this one.
func (l *Loop) callUp(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ready) == 0 {
		return
	}
	for _, t := range l.turns(name) {
		if t.Go && t.Name != name && l.ready[t.Name] {
			l.workers[t.Name].wakeUp()
		}
	}
}

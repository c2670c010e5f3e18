package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxRounds bounds the rounds of one apply. Every round must make progress, so this only stops drivers that undo each other.
const maxRounds = 25

// ApplyOptions say how to apply.
type ApplyOptions struct {
	// Approve is asked once, with the first plan and what it was made of, both seen under the lock; an error ends the apply with nothing changed. It must
	// look at the plan's Gates.
	Approve func(*Observation, *Plan) error
	Allow   []Allow
	// Drain, once closed, lets running steps end and starts no other.
	Drain <-chan struct{}
	// Patience is how long to wait for a cluster in trouble (an unclean node, fencing under way) to settle, and for a command that an apply
	// which was killed has left running; 0 means DefaultPatience.
	Patience time.Duration
	// Rollback takes the changes back where they do harm within the time to settle; Settle is that time, 0: as long as each monitor of what
	// changed takes to look once.
	Rollback bool
	Settle   time.Duration
	// Confirm is the time within which the changes must be confirmed, or the members take them back by themselves; 0: no confirmation.
	Confirm time.Duration
}

// DefaultPatience covers a fencing with its delay and a reboot of the device.
const DefaultPatience = 60 * time.Second

// troubleInterval is the time between two looks at a cluster in trouble.
const troubleInterval = 2 * time.Second

// Result is how an apply ended.
type Result struct {
	First  *Plan // the plan that was approved
	Rounds int
	Steps  int // that ended well
	// Unreachable says of each machine that could not be asked at the end why.
	Unreachable []string
	// Verdicts say how each changed object is, Differs what the cluster did otherwise than predicted.
	Verdicts []Verdict
	Differs  []string
	// Seen compares what was foretold with what the cluster did; nil where that cannot be known. A failed apply has it, too.
	Seen *Comparison
	// Confirm is the id of this apply if it waits for confirmation, Until when the wait is over.
	Confirm string
	Until   time.Time
}

// NoProgressError tells that the same plan came twice, and what keeps its steps from running.
type NoProgressError struct {
	Plan *Plan
}

func (e *NoProgressError) Error() string {
	var why []string
	for _, s := range e.Plan.Steps {
		if s.Pending != "" {
			why = append(why, fmt.Sprintf("%s: step %q: %s", s.Host, s.ID, s.Pending))
		}
	}
	if len(why) == 0 {
		for _, s := range e.Plan.Steps {
			why = append(why, fmt.Sprintf("%s: step %q was carried out and changed nothing: %s", s.Host, s.ID, describeStep(s.Step)))
		}
	}
	return "not finished, and no progress: " + strings.Join(why, "; ")
}

// Apply observes, plans, asks for approval, carries out, and starts over until nothing is left. It holds the cluster's lock from before
// the first look until the end.
func (e *Engine) Apply(ctx context.Context, opt ApplyOptions) (res Result, err error) {
	lock, err := e.locked(ctx, opt)
	if err != nil {
		return res, err
	}
	defer lock.Release()
	t := e.newTracks(opt, lock)
	defer func() { err = t.left(t.end(ctx, &res, err)) }()

	var approved Approval
	var before string
	for round := 1; ; round++ {
		o, p, err := e.settled(ctx, round, opt)
		if err != nil {
			return res, err
		}
		if round == 1 {
			res.First = p
		}
		res.Unreachable, t.last = p.Unreachable, o
		if p.Empty() {
			return res, nil
		}
		if err := e.mayAct(o, p, lock, opt.Allow); err != nil {
			return res, err
		}
		if round == 1 {
			if err := e.waiting(o); err != nil {
				return res, err
			}
			p.Notes = append(p.Notes, e.staying(p, opt)...)
			p.Extra = e.unarmed(o, opt)
			if err := opt.Approve(o, p); err != nil {
				return res, err
			}
			approved = p.Approve(opt.Allow)
		} else if extra := approved.Covers(p); len(extra) > 0 {
			return res, fmt.Errorf("stopped after round %d, because more would happen than was approved (run plan again and look):\n  %s",
				round-1, strings.Join(extra, "\n  "))
		}
		fp := p.fingerprint()
		if fp == before || round > maxRounds || !slices.Contains(values(p), true) {
			return res, &NoProgressError{p}
		}
		before = fp
		res.Rounds = round
		e.emit(Event{At: time.Now().UTC(), Type: EventRound, Round: round, Text: fmt.Sprintf("%d steps", len(p.Steps))})
		ready, err := t.before(ctx, o, p, round)
		if err != nil {
			return res, err
		}
		n, err := e.run(ctx, ready, round, lock, opt.Drain)
		res.Steps += n
		if err != nil {
			var stale *StaleError
			if !errors.As(err, &stale) || !onlyStale(err) {
				return res, err
			}
			e.emit(Event{At: time.Now().UTC(), Type: EventWait, Round: round, Text: stale.Error() + "; looking again"})
			t.stale()
			before = "" // the world moved, so the same plan may come once more
		}
		if drained(opt.Drain) {
			return res, ErrInterrupted
		}
	}
}

func values(p *Plan) []bool {
	vs := make([]bool, 0, len(p.Steps))
	for _, ok := range p.Runnable() {
		vs = append(vs, ok)
	}
	return vs
}

func drained(drain <-chan struct{}) bool {
	select {
	case <-drain:
		return true
	default:
		return false
	}
}

// onlyStale tells that every error joined in err is a StaleError.
func onlyStale(err error) bool {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(j.Unwrap(), func(e error) bool { return !onlyStale(e) })
	}
	var stale *StaleError
	return errors.As(err, &stale)
}

// settled looks until the cluster is in no trouble, or for as long as patience says: an unclean node is fenced, a transition ends.
func (e *Engine) settled(ctx context.Context, round int, opt ApplyOptions) (*Observation, *Plan, error) {
	over := time.After(opt.patience())
	told := ""
	for {
		o, p, err := e.look(ctx)
		if err != nil || len(p.Refused) == 0 || allows(opt.Allow, Quorum) {
			return o, p, err
		}
		if why := strings.Join(p.Refused, "; "); why != told {
			told = why
			e.emit(Event{At: time.Now().UTC(), Type: EventWait, Round: round, Text: fmt.Sprintf("waiting up to %s: %s", opt.patience(), why)})
		}
		select {
		case <-over:
			return o, p, nil // mayAct says what is wrong
		case <-opt.Drain:
			return nil, nil, ErrInterrupted
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(troubleInterval):
		}
	}
}

func allows(allowed []Allow, r Risk) bool {
	return slices.ContainsFunc(allowed, func(a Allow) bool { return a.Risk == r && a.Object == "" })
}

func (e *Engine) look(ctx context.Context) (*Observation, *Plan, error) {
	o, err := e.Observe(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := e.Plan(ctx, o)
	return o, p, err
}

// mayAct refuses to change a cluster of which too little is known: the lock must be held on a majority of the members (of two: on both, or
// on one while the cluster shows the other cleanly offline), and the cluster must not be in trouble. --allow quorum says otherwise.
func (e *Engine) mayAct(o *Observation, p *Plan, lock Lock, allowed []Allow) error {
	if allows(allowed, Quorum) {
		return nil
	}
	if len(p.Refused) > 0 {
		return fmt.Errorf("the cluster must not be changed now: %s (mend that first, or --allow quorum)", strings.Join(p.Refused, "; "))
	}
	standing := e.Standing(o)
	var members, locked, missing []string
	for _, n := range e.Manifests.Cluster.Spec.Nodes {
		members = append(members, n.Name)
		switch {
		case slices.Contains(lock.Held(), n.Name):
			locked = append(locked, n.Name)
		case slices.Contains(standing.Offline, n.Name):
		default:
			missing = append(missing, n.Name)
		}
	}
	enough := 2*len(locked) > len(members)
	if len(members) == 2 {
		enough = len(locked) == 2 || len(locked) == 1 && len(missing) == 0
	}
	if !enough {
		why := make([]string, 0, len(o.Unreachable))
		for _, u := range o.Unreachable {
			why = append(why, u.Error())
		}
		return fmt.Errorf("the cluster is locked on %d of %d members only, and nothing says that the others are cleanly offline: %s; "+
			"bring them back, or --allow quorum", len(locked), len(members), strings.Join(why, "; "))
	}
	return nil
}

package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// tracks are what one apply leaves behind, and what it needs to go back: the checkpoint before its first change of the configuration, the way
// back from each change, and its entry in the journal.
type tracks struct {
	e     *Engine
	opt   ApplyOptions
	lock  Lock
	id    string
	begun time.Time
	round int
	// first is what was observed before the first step, last what was observed last.
	first, last *Observation
	// steps are those that were begun, in the order of the plans, and refs their objects.
	steps      []Step
	refs       []Ref
	prediction Prediction // of all rounds
	checkpoint string
	undos      []Undo
	armed      bool
	until      time.Time
	// earlier are these as they were before the round under way.
	earlier struct {
		steps, undos, reactions int
	}
}

func (e *Engine) newTracks(opt ApplyOptions, lock Lock) *tracks {
	now := time.Now().UTC()
	return &tracks{e: e, opt: opt, lock: lock, begun: now, id: newID(now, fmt.Sprint(e.Holder.Who, e.Holder.PID))}
}

// members are the cluster's nodes among the hosts.
func (e *Engine) members() Hosts {
	var hs Hosts
	for _, n := range e.Manifests.Cluster.Spec.Nodes {
		if h := e.Hosts.Named(n.Name); h != nil {
			hs = append(hs, h)
		}
	}
	return hs
}

// before gets ready for the steps of a round: it saves the configuration, knows the way back, and arms it. It gives the plan as it is to run.
func (t *tracks) before(ctx context.Context, o *Observation, p *Plan, round int) (*Plan, error) {
	if !t.e.keeps() {
		return p, nil
	}
	t.round = round
	t.earlier.steps, t.earlier.undos, t.earlier.reactions = len(t.steps), len(t.undos), len(t.prediction.Reactions)
	if t.first == nil {
		t.first = o
	}
	runnable := p.Runnable()
	var steps []Step
	for _, s := range p.Steps {
		if !runnable[s.ID] {
			continue
		}
		steps = append(steps, s.Step)
		for _, c := range s.Changes {
			if !slices.Contains(t.refs, c.Object) {
				t.refs = append(t.refs, c.Object)
			}
		}
	}
	t.steps = append(t.steps, steps...)
	t.prediction.add(p.Prediction)
	if err := t.save(ctx, o, steps); err != nil {
		return nil, err
	}
	if t.opt.Rollback || t.opt.Confirm > 0 {
		for _, l := range t.e.Layers {
			undos, err := l.Reverse(o.Have[l.Name()], steps)
			if err != nil {
				return nil, fmt.Errorf("%w, nothing was changed", err)
			}
			t.undos = append(t.undos, undos...)
		}
	}
	return t.ready(ctx, o, p)
}

// stale forgets the round under way: the configuration was not changed, and the round comes again. Files may have been written.
func (t *tracks) stale() {
	t.steps = t.steps[:t.earlier.steps]
	t.prediction.Reactions = t.prediction.Reactions[:t.earlier.reactions]
	round := t.undos[t.earlier.undos:]
	t.undos = t.undos[:t.earlier.undos:t.earlier.undos]
	for _, u := range round {
		if u.File != nil {
			t.undos = append(t.undos, u)
		}
	}
}

// save saves the configuration, the first time that steps change it. One good copy is enough to go on; where there is none, nothing is changed.
func (t *tracks) save(ctx context.Context, o *Observation, steps []Step) error {
	if t.checkpoint != "" {
		return nil
	}
	for _, l := range t.e.Layers {
		if !slices.ContainsFunc(steps, l.Keeps) {
			continue
		}
		saved, err := l.Checkpoint(ctx, t.e.members(), o.Have[l.Name()], t.id)
		if len(saved) == 0 {
			return fmt.Errorf("the configuration could not be saved before its change, nothing was changed: %w", errors.Join(errNoCheckpoint, err))
		}
		if err != nil {
			t.tell(fmt.Sprintf("the checkpoint %s is kept on %s only: %v", t.id, strings.Join(saved, ", "), err))
		}
		t.checkpoint, t.first = t.id, o
	}
	return nil
}

// ready gives the plan with steps that wait for what was predicted, and arms the way back.
func (t *tracks) ready(ctx context.Context, o *Observation, p *Plan) (*Plan, error) {
	q := *p
	q.Steps = slices.Clone(p.Steps)
	runnable := p.Runnable()
	t.e.spend(o, &q)
	for _, l := range t.e.Layers {
		r, ok := l.Retreater()
		marked, id := true, ""
		if ok && t.opt.Confirm > 0 && len(t.undos) > 0 && t.e.Standing(o).Formed { // files of a cluster that is yet to be wait for it
			marked, id = false, t.id
			if err := t.arm(ctx, o, l.Name(), r); err != nil {
				return nil, err
			}
		}
		for i, s := range q.Steps {
			if !runnable[s.ID] {
				continue
			}
			s.Step = l.Expecting(o.Have[l.Name()], s.Step, p.Prediction)
			if !marked {
				s.Step, marked = r.Marked(o.Have[l.Name()], s.Step, id)
			}
			q.Steps[i] = s
		}
		if !marked {
			if err := r.Mark(ctx, t.e.members(), o.Have[l.Name()], id); err != nil {
				return nil, fmt.Errorf("mark the change as waiting for confirmation: %w", err)
			}
		}
	}
	return &q, nil
}

// keeps tells whether applies leave tracks at all.
func (e *Engine) keeps() bool {
	for _, l := range e.Layers {
		if l.Keeps(Step{}) {
			return true
		}
	}
	return false
}

// write adds the apply to the journals of all members. One that did nothing is not worth an entry.
func (t *tracks) write(ctx context.Context, res Result, err error) {
	e := t.entry()
	e.At, e.Steps, e.Seconds = time.Now().UTC(), res.Steps, time.Since(t.begun).Round(10*time.Millisecond).Seconds()
	if res.First != nil {
		e.Plan = res.First.Digest()
	}
	if c := res.Seen; c != nil {
		e.Reactions, e.True, e.Otherwise = len(c.Foretold), c.True(), c.Deviations()
		e.Otherwise = e.Otherwise[:min(len(e.Otherwise), maxJournaled)]
	}
	switch e.Result = OutcomeOf(err); e.Result {
	case RolledBack:
		e.Error, e.Until = err.Error(), time.Time{}
	case Broken:
		e.Error = err.Error()
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
	defer stop()
	if err := WriteJournal(ctx, t.e.members(), e); err != nil {
		t.tell(err.Error())
	}
}

// OutcomeOf is how an apply ended that returned err.
func OutcomeOf(err error) Outcome {
	var back *RolledBackError
	switch {
	case err == nil:
		return Applied
	case errors.As(err, &back) && back.Err == nil:
		return RolledBack
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Broken
}

// entry is what the journal tells of this apply, however it ended.
func (t *tracks) entry() Entry {
	e := Entry{ID: t.id, Cluster: t.e.Manifests.Cluster.Metadata.Name, Who: t.e.Holder.Who, Command: t.e.Holder.Command,
		Manifests: ManifestsDigest(t.e.Manifests), Checkpoint: t.checkpoint}
	if t.armed {
		e.Until = t.until
	}
	e.Changes, e.More = journaled(t.steps)
	return e
}

// journalLimit bounds the end of an apply.
const journalLimit = 15 * time.Second

var errNoCheckpoint = errors.New("no member has a checkpoint")

package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Consent is that a person approved one plan. It is kept in the cluster, so that whoever applies that plan later finds it, and no other plan can use it.
type Consent struct {
	Plan string    `json:"plan"` // Plan.Digest
	Who  string    `json:"who"`
	At   time.Time `json:"at"`
}

// To tells that it is to a plan. It is to the gates of that plan, and to nothing else.
func (c Consent) To(p *Plan) bool { return c.Plan != "" && c.Plan == p.Digest() }

// Consenter keeps a Consent in the cluster. The engine finds it where a driver has one.
type Consenter[S any] interface {
	// Consent gives what is kept; the zero Consent: nothing.
	Consent(have S) Consent
	// Keep keeps a Consent in the place of any other; the zero one takes it away.
	Keep(ctx context.Context, hosts Hosts, have S, c Consent) error
	// Spending gives the step, taking the Consent away in the same change. False: the step cannot.
	Spending(s Step) (Step, bool)
}

// Consent gives what is kept in the cluster; the zero Consent: nothing, or it could not be seen.
func (e *Engine) Consent(o *Observation) Consent {
	for _, l := range e.Layers {
		if k, ok := l.Consenter(); ok && o.Have[l.Name()] != nil {
			if c := k.Consent(o.Have[l.Name()]); c != (Consent{}) {
				return c
			}
		}
	}
	return Consent{}
}

// ErrNothingToApprove tells that the cluster is as wanted.
var ErrNothingToApprove = errors.New("there is nothing to approve: the cluster is as wanted")

// Approve observes and plans, asks agree, and keeps in the cluster that the plan was approved. It holds the cluster's lock meanwhile. An error of agree
// ends it with nothing changed.
func (e *Engine) Approve(ctx context.Context, opt ApplyOptions, agree func(*Observation, *Plan) error) (*Plan, Consent, error) {
	lock, err := e.locked(ctx, opt)
	if err != nil {
		return nil, Consent{}, err
	}
	defer lock.Release()
	o, p, err := e.look(ctx)
	if err != nil {
		return nil, Consent{}, err
	}
	if p.Empty() {
		return p, Consent{}, ErrNothingToApprove
	}
	if err := agree(o, p); err != nil {
		return p, Consent{}, err
	}
	if !e.Standing(o).Formed {
		return p, Consent{}, errors.New("no cluster runs that could keep an approval; what makes it run is applied by hand (hactl apply)")
	}
	if err := e.mayAct(o, p, lock, nil); err != nil {
		return p, Consent{}, err
	}
	c := Consent{Plan: p.Digest(), Who: e.Holder.Who, At: time.Now().UTC().Truncate(time.Second)}
	if err := e.keep(ctx, o, c); err != nil {
		return p, Consent{}, fmt.Errorf("the approval could not be kept in the cluster: %w", err)
	}
	entry := Entry{ID: newID(c.At, c.Who), At: c.At, Cluster: p.Cluster, Who: c.Who, Command: e.Holder.Command, Manifests: ManifestsDigest(e.Manifests), Plan: c.Plan, Result: Approved}
	if err := WriteJournal(ctx, e.members(), entry); err != nil {
		e.emit(Event{At: time.Now().UTC(), Type: EventWait, Text: err.Error()})
	}
	return p, c, nil
}

// keep keeps a Consent, or takes it away, in the layer that can.
func (e *Engine) keep(ctx context.Context, o *Observation, c Consent) error {
	for _, l := range e.Layers {
		if k, ok := l.Consenter(); ok && o.Have[l.Name()] != nil {
			return k.Keep(ctx, e.members(), o.Have[l.Name()], c)
		}
	}
	return errors.New("no layer can keep it")
}

// spend has the first step that can take away the consent that is kept, whichever plan it was to: the cluster is not as it was any more.
func (e *Engine) spend(o *Observation, p *Plan) {
	if e.Consent(o) == (Consent{}) {
		return
	}
	runnable := p.Runnable()
	for _, l := range e.Layers {
		k, ok := l.Consenter()
		if !ok {
			continue
		}
		for i, s := range p.Steps {
			if !runnable[s.ID] {
				continue
			}
			if spending, ok := k.Spending(s.Step); ok {
				p.Steps[i].Step = spending
				return
			}
		}
	}
}

// spent takes the consent away at the end of an apply whose steps could not.
func (t *tracks) spent(ctx context.Context) {
	if len(t.steps) == 0 || t.last == nil || t.e.Consent(t.last) == (Consent{}) {
		return
	}
	if err := t.e.keep(ctx, t.last, Consent{}); err != nil {
		t.tell("the approval of the plan stays in the cluster, to no harm: " + err.Error())
	}
}

func (l layer[S]) Consenter() (Consenter[State], bool) {
	c, ok := l.d.(Consenter[S])
	return consenter[S]{c}, ok
}

// consenter hides a driver's state type.
type consenter[S any] struct{ c Consenter[S] }

func (c consenter[S]) Consent(have State) Consent { return c.c.Consent(have.(S)) }

func (c consenter[S]) Keep(ctx context.Context, hosts Hosts, have State, k Consent) error {
	return c.c.Keep(ctx, hosts, have.(S), k)
}

func (c consenter[S]) Spending(s Step) (Step, bool) { return c.c.Spending(s) }

package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// PlanVersion is the version of a plan's JSON form.
const PlanVersion = "hactl/plan/v1"

// Plan is what an apply would do, as data: the same input gives the same bytes.
type Plan struct {
	Version string `json:"version"`
	Cluster string `json:"cluster"`
	// Record names what the plan was made from, if that is not the cluster itself ("cib.xml").
	Record string `json:"record,omitempty"`
	// RecordedAt is when that was taken from the cluster, if it tells.
	RecordedAt time.Time `json:"recordedAt,omitzero"`
	// Steps in an order in which they could run one after the other.
	Steps []PlannedStep `json:"steps"`
	// Prediction is what the cluster will do because of the steps.
	Prediction Prediction `json:"prediction"`
	// Drills are there if the engine was asked for them.
	Drills *Drills `json:"drills,omitempty"`
	Notes  []Note  `json:"notes,omitempty"`
	// Unreachable says of each machine that could not be asked why.
	Unreachable []string `json:"unreachable,omitempty"`
	// Refused says why apply would not run this plan as things stand ("no quorum").
	Refused []string `json:"refused,omitempty"`
	// Extra are gates of the apply itself, beside those of the steps and reactions.
	Extra []Gate `json:"-"`

	// ObservedAt is not part of the JSON form: it would make equal plans differ.
	ObservedAt time.Time `json:"-"`
}

// PlannedStep is a step with the ids of the steps that must have ended before it starts.
type PlannedStep struct {
	Step
	After []string `json:"after,omitempty"`
}

// Plan compares what is wanted with what was observed, orders the steps and asks the layers what they will cause.
func (e *Engine) Plan(ctx context.Context, o *Observation) (*Plan, error) {
	var all []Step
	var provided []Ref
	p := &Plan{Version: PlanVersion, Cluster: e.Manifests.Cluster.Metadata.Name, Record: e.Record, Steps: []PlannedStep{}, Notes: slices.Clone(e.Notes), ObservedAt: o.At}
	if o.Recalled {
		p.RecordedAt = o.At
	}
	byLayer := map[string][]Step{}
	for _, l := range e.Layers {
		want, have := o.Want[l.Name()], o.Have[l.Name()]
		steps, err := l.Plan(want, have)
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", l.Name(), err)
		}
		byLayer[l.Name()] = steps
		all = append(all, steps...)
		provided = append(provided, l.Provides(have)...)
		p.Notes = append(p.Notes, l.Notes(want, have)...)
	}
	for _, u := range o.Unreachable {
		p.Unreachable = append(p.Unreachable, u.Error())
	}
	if e.Manifests.Whole != nil { // what a part of the manifests needs and does not make is a matter of the rest, and was checked with it
		for _, s := range all {
			provided = append(provided, s.Needs...)
		}
	}
	var err error
	if p.Steps, err = ordered(all, provided); err != nil {
		return nil, err
	}
	askable := e.Hosts
	if e.Tools != nil {
		askable = Hosts{e.Tools}
	}
	for _, l := range e.Layers {
		pr, ok, err := l.Predict(ctx, askable, o.Want[l.Name()], o.Have[l.Name()], byLayer[l.Name()])
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", l.Name(), err)
		}
		if ok {
			p.Prediction.add(pr)
		}
	}
	if e.Drill {
		if err := e.drill(ctx, askable, o, p); err != nil {
			return nil, err
		}
	}
	standing := e.Standing(o)
	if len(p.Steps) > 0 {
		p.Refused = standing.Trouble
	}
	if !standing.Formed && p.Prediction.Unavailable != "" {
		// Nothing runs yet that could be hurt: no answer is not a bad one.
		p.Prediction.Unknown = append(p.Prediction.Unknown, p.Prediction.Unavailable)
		p.Prediction.Unavailable = ""
	}
	return p, nil
}

func ordered(steps []Step, provided []Ref) ([]PlannedStep, error) {
	g, err := newGraph(steps, provided)
	if err != nil {
		return nil, err
	}
	order, err := g.order(steps)
	if err != nil {
		return nil, err
	}
	planned := make([]PlannedStep, 0, len(steps))
	for _, i := range order {
		ps := PlannedStep{Step: steps[i]}
		for _, j := range g[i] {
			ps.After = append(ps.After, steps[j].ID)
		}
		planned = append(planned, ps)
	}
	return planned, nil
}

// Empty tells that nothing is left to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// OnlyAdopts tells that the steps do no more than record the ownership of objects that already are as wanted. Such a plan is no difference
// (exit code 0).
func (p *Plan) OnlyAdopts() bool {
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			if c.Action != Adopt || c.Risk != Safe {
				return false
			}
		}
	}
	return true
}

// Risk is the highest risk of the plan: of its changes, and of what the cluster will do because of them. Where the scheduler could not be
// asked, a plan with anything to carry out is an outage as far as gates are concerned.
func (p *Plan) Risk() Risk {
	var r Risk
	for _, s := range p.Steps {
		r = max(r, s.Risk())
	}
	for _, x := range p.Prediction.Reactions {
		if !x.Anyway {
			r = max(r, x.Risk)
		}
	}
	if p.Prediction.Unavailable != "" && !p.Empty() {
		r = max(r, Outage)
	}
	return r
}

// Runnable tells whether a step could start in this round: it is not pending, and neither is anything that it waits for.
func (p *Plan) Runnable() map[string]bool {
	ok := make(map[string]bool, len(p.Steps))
	for _, s := range p.Steps { // in order: what a step waits for comes before it
		ok[s.ID] = s.Pending == ""
		for _, a := range s.After {
			ok[s.ID] = ok[s.ID] && ok[a]
		}
	}
	return ok
}

// fingerprint is the same for plans that would do the same.
func (p *Plan) fingerprint() string {
	b, err := json.Marshal(p.Steps)
	if err != nil {
		return fmt.Sprintf("%v", p.Steps) // an op that does not marshal still prints
	}
	return string(b)
}

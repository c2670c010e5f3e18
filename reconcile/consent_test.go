package reconcile

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

// keeping is a world whose first machine keeps a consent.
type keeping struct {
	worldDriver
	kept *Consent
}

func (k keeping) Consent(worldState) Consent { return *k.kept }

func (k keeping) Keep(_ context.Context, _ Hosts, _ worldState, c Consent) error {
	*k.kept = c
	return nil
}

func (k keeping) Spending(s Step) (Step, bool) { return s, false }

func keepingEngine(standing Standing) (*Engine, *Consent) {
	e, _ := worldEngine(newWorld("n1", "n2"), worldDriver{})
	c := new(Consent)
	e.Layers = []Layer{Of(keeping{worldDriver{want: map[string]string{"a": "1"}, risk: Outage, standing: standing}, c})}
	e.Holder.Who = "ann@laptop"
	return e, c
}

func TestApprove(t *testing.T) {
	agree := func(*Observation, *Plan) error { return nil }
	e, kept := keepingEngine(Standing{Formed: true, Quorate: true})
	p, c, err := e.Approve(t.Context(), ApplyOptions{}, agree)
	if err != nil || *kept != c || !c.To(p) || c.Who != "ann@laptop" || time.Since(c.At) > time.Minute {
		t.Fatalf("%+v, kept %+v, %v", c, *kept, err)
	}
	o, q, err := e.look(t.Context())
	if err != nil || !e.Consent(o).To(q) {
		t.Errorf("not found again: %+v, %v", e.Consent(o), err)
	}

	for want, x := range map[string]struct {
		standing Standing
		agree    func(*Observation, *Plan) error
	}{
		"no":                           {Standing{Formed: true}, func(*Observation, *Plan) error { return errors.New("no") }},
		"no cluster runs":              {Standing{}, agree},
		"must not be changed now: cut": {Standing{Formed: true, Trouble: []string{"cut"}}, agree},
	} {
		e, kept := keepingEngine(x.standing)
		if _, _, err := e.Approve(t.Context(), ApplyOptions{}, x.agree); err == nil || !strings.Contains(err.Error(), want) || *kept != (Consent{}) {
			t.Errorf("%s: %v, kept %+v", want, err, *kept)
		}
	}
	e, _ = worldEngine(newWorld("n1"), worldDriver{want: map[string]string{"a": "1"}, standing: Standing{Formed: true}})
	if _, _, err := e.Approve(t.Context(), ApplyOptions{}, agree); err == nil || !strings.Contains(err.Error(), "no layer can keep it") {
		t.Errorf("without a layer: %v", err)
	}
	e.Layers = []Layer{Of(worldDriver{})}
	if _, _, err := e.Approve(t.Context(), ApplyOptions{}, agree); !errors.Is(err, ErrNothingToApprove) {
		t.Errorf("nothing to do: %v", err)
	}
}

// A digest is that of what a plan does, and nothing that somebody would have to approve is left out of it.
func TestDigest(t *testing.T) {
	plan := func() *Plan {
		return &Plan{Cluster: "c", Steps: []PlannedStep{{Step: Step{ID: "s", Host: "n1", Changes: []Change{{Object: Ref{"Resource", "A"}, Action: Update, Path: "p", Have: "1", Want: "2", Risk: RestartRisk}},
			Ops: Ops{Command{Argv: []string{"true"}}}}, After: []string{"x"}}},
			Prediction: Prediction{Reactions: []Reaction{{Action: "restart", Resource: "A", From: "n1", Risk: RestartRisk}}}}
	}
	want := plan().Digest()
	for name, change := range map[string]func(*Plan){
		"a place":              func(p *Plan) { p.Steps[0].Changes[0].Source = v1.Pos{File: "a.yaml", Line: 3} },
		"a reason":             func(p *Plan) { p.Steps[0].Changes[0].Why = "for 3 minutes" },
		"a note":               func(p *Plan) { p.Notes = []Note{{Text: "x"}} },
		"when it was observed": func(p *Plan) { p.ObservedAt = time.Now() },
		"what happens anyway": func(p *Plan) {
			p.Prediction.Reactions = append(p.Prediction.Reactions, Reaction{Action: "start", Resource: "B", Anyway: true})
		},
		"a cause of a reaction": func(p *Plan) { p.Prediction.Reactions[0].Causes = []Cause{{Path: "p"}} },
	} {
		if p := plan(); func() string { change(p); return p.Digest() }() != want {
			t.Errorf("%s changes the digest", name)
		}
	}
	seen := map[string]string{want: "nothing"}
	for name, change := range map[string]func(*Plan){
		"the wanted value":       func(p *Plan) { p.Steps[0].Changes[0].Want = "3" },
		"the value that is live": func(p *Plan) { p.Steps[0].Changes[0].Have = "3" },
		"the risk":               func(p *Plan) { p.Steps[0].Changes[0].Risk = DataLoss },
		"by name":                func(p *Plan) { p.Steps[0].Changes[0].ByName = true },
		"the whole":              func(p *Plan) { p.Steps[0].Changes[0].Whole = Ref{"Cluster", "c"} },
		"the action":             func(p *Plan) { p.Steps[0].Changes[0].Action = Delete },
		"another change":         func(p *Plan) { p.Steps[0].Changes = append(p.Steps[0].Changes, p.Steps[0].Changes[0]) },
		"the machine":            func(p *Plan) { p.Steps[0].Host = "n2" },
		"the command":            func(p *Plan) { p.Steps[0].Ops = Ops{Command{Argv: []string{"false"}}} },
		"the order":              func(p *Plan) { p.Steps[0].After = nil },
		"pending":                func(p *Plan) { p.Steps[0].Pending = "later" },
		"a reaction's risk":      func(p *Plan) { p.Prediction.Reactions[0].Risk = Outage },
		"another reaction": func(p *Plan) {
			p.Prediction.Reactions = append(p.Prediction.Reactions, Reaction{Action: "fence", Node: "n2", Risk: Fence})
		},
		"no prediction": func(p *Plan) { p.Prediction = Prediction{Unavailable: "no tools"} },
	} {
		p := plan()
		change(p)
		if other, ok := seen[p.Digest()]; ok {
			t.Errorf("%s does not change the digest of %s", name, other)
		}
		seen[p.Digest()] = name
	}
}

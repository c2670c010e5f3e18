package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Input is what a decision is made of.
type Input struct {
	Now time.Time
	// Empty, Risk, Gates, Refused and Digest are the plan's.
	Empty   bool
	Risk    reconcile.Risk
	Gates   []reconcile.Gate
	Refused []string
	Digest  string
	// Formed tells that a cluster runs, Health how it is.
	Formed bool
	Health []reconcile.Health
	// Approved tells that somebody approved just this plan, By who.
	Approved bool
	By       string
}

// See makes the Input of what an engine found and planned. A verdict holds for that plan alone: an apply that plans anew decides anew.
func See(e *reconcile.Engine, o *reconcile.Observation, p *reconcile.Plan, now time.Time) Input {
	in := Input{Now: now, Empty: p.Empty(), Risk: p.Risk(), Gates: p.Gates(), Refused: p.Refused, Digest: p.Digest(), Formed: e.Standing(o).Formed, Health: e.Status(o)}
	if c := e.Consent(o); c.To(p) {
		in.Approved, in.By = true, c.Who
	}
	return in
}

// Action is what to do.
type Action string

// The actions.
const (
	Nothing Action = "nothing" // there is nothing to do
	Apply   Action = "apply"
	Wait    Action = "wait"
)

// Reason says in a word what is waited for.
type Reason string

// The reasons.
const (
	ForResume   Reason = "resume"   // the policy is suspended
	ForCluster  Reason = "cluster"  // the cluster takes no change now: no quorum, a split, fencing under way
	ForWindow   Reason = "window"   // a maintenance window
	ForApproval Reason = "approval" // hactl approve
	ForHealth   Reason = "health"   // what the policy holds for
	ForRetry    Reason = "retry"    // it failed: a while, or something else to be wanted
)

// Verdict is a decision, with its reason for people.
type Verdict struct {
	Action Action `json:"action"`
	// For is what a Wait waits for.
	For Reason `json:"for,omitempty"`
	// Allow opens the gates of the plan that was decided on, and none that the verdict is not about.
	Allow []reconcile.Allow `json:"-"`
	Why   string            `json:"why"`
	// Until is when the window opens that a Wait waits for; of an Apply, when the window closes without which it could not be done: no step is begun after
	// it. The zero time: nobody knows, or never.
	Until time.Time `json:"until,omitzero"`
}

// Decide says what may be done with a plan now. What nobody approved is done up to the risk that the policy allows at this time, and never what is named
// (Gate.ByName) or destroys data, takes something over, or touches quorum or fencing. What was approved is done with all its gates, and no others.
func Decide(p Policy, in Input) Verdict {
	need := in.Risk
	named := false
	for _, g := range in.Gates {
		need = max(need, g.Risk)
		named = named || g.ByName
	}
	switch held := p.held(in); {
	case in.Empty:
		return Verdict{Action: Nothing, Why: "the cluster is as wanted"}
	case p.Suspend:
		return Verdict{Action: Wait, For: ForResume, Why: fmt.Sprintf("%s is suspended", p)}
	case len(in.Refused) > 0:
		return Verdict{Action: Wait, For: ForCluster, Why: "the cluster must not be changed now: " + some(in.Refused)}
	case !in.Approved && (named || need > p.risk(in.Now)):
		v := p.closed(in, need, named)
		if len(held) > 0 {
			v.Why += "; besides, " + some(held)
		}
		return v
	case len(held) > 0:
		return Verdict{Action: Wait, For: ForHealth, Why: fmt.Sprintf("%s holds while the cluster is %s", p, some(held))}
	case in.Approved:
		v := Verdict{Action: Apply, Allow: opened(in.Gates), Why: "approved by " + in.By}
		if rest := reconcile.Ungated(in.Gates, v.Allow); len(rest) > 0 {
			return Verdict{Action: Wait, For: ForApproval, Why: "no approval can allow this: " + some(sentences(rest)) + "; apply it by hand"}
		}
		return v
	}
	v := Verdict{Action: Apply, Until: p.closes(in.Now, need), Why: fmt.Sprintf("%s does %s unattended", p, need)}
	if !v.Until.IsZero() {
		v.Why += " in the window until " + clock(v.Until, in.Now)
	}
	for r := reconcile.RestartRisk; r <= need; r++ {
		v.Allow = append(v.Allow, reconcile.Allow{Risk: r})
	}
	return v
}

// closed is the verdict where the policy does not allow a plan now: it waits for a window in which it will, or for a person.
func (p Policy) closed(in Input, need reconcile.Risk, named bool) Verdict {
	var gates []reconcile.Gate
	for _, g := range in.Gates {
		if g.ByName || g.Risk > p.risk(in.Now) {
			gates = append(gates, g)
		}
	}
	what := some(sentences(gates))
	if what == "" {
		what = need.String()
	}
	if at := p.opens(in.Now, need); !named && !at.IsZero() {
		return Verdict{Action: Wait, For: ForWindow, Until: at, Why: fmt.Sprintf("waits for the window at %s, or for an approval: %s", clock(at, in.Now), what)}
	}
	return Verdict{Action: Wait, For: ForApproval, Why: fmt.Sprintf("needs an approval (hactl approve --digest %s): %s", in.Digest, what)}
}

// opened are the permissions for just these gates. One that names no object would open more than was approved: of quorum, even the lock's.
func opened(gates []reconcile.Gate) []reconcile.Allow {
	var allow []reconcile.Allow
	for _, g := range gates {
		if a := (reconcile.Allow{Risk: g.Risk, Object: g.Object}); g.Object != "" && !slices.Contains(allow, a) {
			allow = append(allow, a)
		}
	}
	return allow
}

func sentences(gates []reconcile.Gate) []string {
	out := make([]string, len(gates))
	for i, g := range gates {
		out[i] = g.String()
	}
	return out
}

// clock writes a time for people: as short as can be, in the time zone that it has.
func clock(at, now time.Time) string {
	switch d := at.Sub(now); {
	case d < 24*time.Hour:
		return at.Format("15:04 MST")
	case d < 7*24*time.Hour:
		return at.Format("Mon 15:04 MST")
	}
	return strings.TrimSpace(at.Format("Mon 2006-01-02 15:04 MST"))
}

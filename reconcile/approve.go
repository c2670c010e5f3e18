package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// Allow is one --allow: a risk, and the object that it is limited to ("" for all; DataLoss always names one).
type Allow struct {
	Risk   Risk
	Object string // "KIND/NAME"
}

// ParseAllow reads RISK or RISK=KIND/NAME. data-loss without an object is an error.
func ParseAllow(s string) (Allow, error) {
	name, object, _ := strings.Cut(s, "=")
	r, err := ParseRisk(name)
	if err != nil {
		return Allow{}, err
	}
	if r == DataLoss && object == "" {
		return Allow{}, fmt.Errorf("data-loss is allowed for one object only: data-loss=KIND/NAME")
	}
	return Allow{r, object}, nil
}

// Gate is a risk of a plan that somebody has to allow.
type Gate struct {
	Risk   Risk   `json:"risk"`
	Object string `json:"object"` // "KIND/NAME", or the resource or node of a reaction
	Why    string `json:"why"`
	// ByName tells that only an Allow that names the object opens it.
	ByName bool `json:"byName,omitempty"`
}

func (g Gate) String() string { return fmt.Sprintf("%s: %s: %s", g.Risk, g.Object, g.Why) }

// Gates lists what must be allowed before the plan may run, riskiest first. Safe and reload need nobody.
func (p *Plan) Gates() []Gate {
	var gates []Gate
	add := func(g Gate) {
		if g.Risk > ReloadRisk && !slices.Contains(gates, g) {
			gates = append(gates, g)
		}
	}
	for _, g := range p.changeGates(ReloadRisk) {
		add(g)
	}
	for _, g := range p.Extra {
		add(g)
	}
	for _, x := range p.Prediction.Reactions {
		if !x.Anyway {
			object := x.Resource
			if object == "" {
				object = x.Node
			}
			add(Gate{Risk: x.Risk, Object: object, Why: x.Describe()})
		}
	}
	if p.Prediction.Unavailable != "" && !p.Empty() {
		add(Gate{Risk: Outage, Object: "cluster/" + p.Cluster, Why: "prediction unavailable: " + p.Prediction.Unavailable})
	}
	slices.SortStableFunc(gates, func(a, b Gate) int { return int(b.Risk) - int(a.Risk) })
	return gates
}

// changeGates are the changes of more than that risk.
func (p *Plan) changeGates(above Risk) []Gate {
	var gates []Gate
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			why := c.Why
			if why == "" {
				why = string(c.Action)
				if c.Path != "" {
					why += " " + c.Path
				}
			}
			object := c.Object
			if c.Whole != (Ref{}) {
				object = c.Whole
			}
			if c.Risk > above {
				gates = append(gates, Gate{Risk: c.Risk, Object: object.String(), Why: why, ByName: c.ByName || c.Risk == DataLoss})
			}
		}
	}
	return gates
}

// Describe says it as a sentence: "the cluster will move VIP from node1 to node2".
func (r Reaction) Describe() string {
	s := "the cluster will " + r.Action
	if r.Resource != "" {
		s += " " + r.Resource
	}
	switch {
	case r.From != "" && r.To != "" && r.From != r.To:
		s += " from " + r.From + " to " + r.To
	case r.From != "":
		s += " on " + r.From
	case r.To != "":
		s += " on " + r.To
	case r.Node != "":
		s += " " + r.Node
	}
	return s
}

// Ungated gives the gates that no allow opens.
func Ungated(gates []Gate, allowed []Allow) []Gate {
	var rest []Gate
	for _, g := range gates {
		if !slices.ContainsFunc(allowed, func(a Allow) bool { return a.opens(g) }) {
			rest = append(rest, g)
		}
	}
	return rest
}

// opens tells whether a gate is allowed. Reactions name resources without their kinds, and so may people; what is destroyed has its full name.
func (a Allow) opens(g Gate) bool {
	switch {
	case a.Risk != g.Risk:
		return false
	case a.Object == "":
		return !g.ByName && g.Risk != DataLoss
	case a.Object == g.Object:
		return true
	}
	_, name, _ := strings.Cut(a.Object, "/")
	_, gated, _ := strings.Cut(g.Object, "/")
	return g.Risk != DataLoss && (a.Object == gated || name == g.Object)
}

// Approval is what was approved with the first plan of an apply, pending steps included: the set of (object, action) with the highest risk
// seen for each, and the highest risk of the cluster's reactions.
type Approval struct {
	changes  map[approvalKey]Risk
	reaction Risk
}

type approvalKey struct {
	object Ref
	action Action
}

// Approve makes the approval of a plan.
func (p *Plan) Approve(allowed []Allow) Approval {
	a := Approval{changes: map[approvalKey]Risk{}}
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			k := approvalKey{c.Object, c.Action}
			a.changes[k] = max(a.changes[k], c.Risk)
		}
	}
	for _, x := range p.Prediction.Reactions {
		a.reaction = max(a.reaction, x.Risk)
	}
	for _, al := range allowed {
		if al.Object == "" {
			a.reaction = max(a.reaction, al.Risk)
		}
	}
	return a
}

// Covers tells what of a later plan was not approved, in sentences; empty if all was.
func (a Approval) Covers(p *Plan) []string {
	var out []string
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			risk, ok := a.changes[approvalKey{c.Object, c.Action}]
			switch {
			case !ok && c.Risk == Safe && (c.Action == Check || c.Action == Adopt):
				// looks only, or records only
			case !ok:
				out = append(out, fmt.Sprintf("%s %s was not in the approved plan", c.Action, c.Object))
			case c.Risk > risk:
				out = append(out, fmt.Sprintf("%s %s has become riskier: %s instead of %s", c.Action, c.Object, c.Risk, risk))
			}
		}
	}
	for _, x := range p.Prediction.Reactions {
		if !x.Anyway && x.Risk > ReloadRisk && x.Risk > a.reaction {
			out = append(out, fmt.Sprintf("%s (%s) was not predicted when the plan was approved", x.Describe(), x.Risk))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

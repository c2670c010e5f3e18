package reconcile

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Allow is one --allow: a risk, and the object that it is limited to ("" for all; DataLoss always names one).
type Allow struct {
	Risk   Risk
	Object string // "KIND/NAME"
}

// ParseAllow reads RISK or RISK=KIND/NAME. data-loss without an object is an error.
func ParseAllow(s string) (Allow, error) {
	name, object, named := strings.Cut(s, "=")
	r, err := ParseRisk(name)
	switch {
	case err != nil:
		return Allow{}, err
	case r <= ReloadRisk:
		return Allow{}, fmt.Errorf("%s needs nobody's leave; what can be allowed is %s", r, strings.Join(riskNames[RestartRisk:], ", "))
	case r == DataLoss && object == "":
		return Allow{}, fmt.Errorf("data-loss is allowed for one object only: data-loss=KIND/NAME")
	case named && object == "":
		return Allow{}, fmt.Errorf("%s= names no object: write %s=KIND/NAME, or %s alone for all", name, name, name)
	}
	return Allow{r, object}, nil
}

// String is what follows --allow.
func (a Allow) String() string {
	if a.Object == "" {
		return a.Risk.String()
	}
	return a.Risk.String() + "=" + a.Object
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
	told := map[Gate]bool{}
	add := func(g Gate) {
		if g.Risk > ReloadRisk && !told[g] {
			told[g] = true
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

// Idle says of each allow that opens none of the gates what was probably meant.
func Idle(gates []Gate, allowed []Allow) []string {
	var out []string
	for _, a := range allowed {
		if slices.ContainsFunc(gates, a.opens) {
			continue
		}
		out = append(out, fmt.Sprintf("--allow %s opens nothing: %s", a, a.meant(gates)))
	}
	return out
}

// meant compares an allow that opens nothing with the gates that there are.
func (a Allow) meant(gates []Gate) string {
	var objects []string // at that risk
	_, name, _ := strings.Cut("/"+a.Object, "/")
	for _, g := range gates {
		other := Allow{g.Risk, a.Object}
		switch {
		case a.Risk == g.Risk && a.Object == "", a.Risk == g.Risk && strings.HasSuffix("/"+g.Object, "/"+name): // the whole name is asked for
			return fmt.Sprintf("this needs the name, --allow %s", Allow{g.Risk, g.Object})
		case a.Risk == g.Risk:
			objects = append(objects, g.Object)
		case a.Object != "" && other.opens(g):
			return fmt.Sprintf("the risk of %s is %s, --allow %s", g.Object, g.Risk, Allow{g.Risk, g.Object})
		}
	}
	if near := v1.Closest(a.Object, objects); near != "" {
		return fmt.Sprintf("did you mean %s?", Allow{a.Risk, near})
	}
	if a.Object == "" || objects == nil {
		return fmt.Sprintf("the plan has no risk %s", a.Risk)
	}
	return fmt.Sprintf("the plan has the risk %s for other objects only", a.Risk)
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

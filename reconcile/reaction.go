package reconcile

import (
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Prediction is what a plan will cause. The zero Prediction says that nothing happens.
type Prediction struct {
	Reactions []Reaction `json:"reactions,omitempty"`
	// Unavailable says why the scheduler could not be asked; every gate takes that for the worst.
	Unavailable string `json:"unavailable,omitempty"`
	// Assumed says what the prediction is founded on where the state of the cluster is not known.
	Assumed string `json:"assumed,omitempty"`
	// Unknown lists what cannot be predicted.
	Unknown []string `json:"unknown,omitempty"`
	// Unattributed says why causes of reactions are missing ("the time limit of 1s was reached").
	Unattributed string `json:"unattributed,omitempty"`
}

// Reaction is something that the cluster will do because of a plan.
type Reaction struct {
	// Action is start, stop, restart, reload, move, promote, demote, migrate, fence, unfence, shutdown; monitor where only the schedule of a
	// check changes; blocked where something must be done and cannot be; cannot-run where a resource is to run and no node may run it.
	Action   string `json:"action"`
	Resource string `json:"resource,omitempty"`
	Node     string `json:"node,omitempty"` // of a fence or shutdown
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Reason   string `json:"reason,omitempty"` // in Pacemaker's words
	Risk     Risk   `json:"risk"`
	Round    int    `json:"round"`            // from 1: the transition it belongs to
	Anyway   bool   `json:"anyway,omitempty"` // would happen without the plan
	// Causes are the changes that it follows from: each of them alone, or, if Jointly, only all together. Without any the cause is not known.
	Causes  []Cause `json:"causes,omitempty"`
	Jointly bool    `json:"jointly,omitempty"`
}

// Cause is a change of a plan: of one field, or of the object as a whole where Path is empty.
type Cause struct {
	Object Ref    `json:"object"`
	Path   string `json:"path,omitempty"`
	Source v1.Pos `json:"source,omitzero"`
}

func (p *Prediction) add(q Prediction) {
	p.Reactions = append(p.Reactions, q.Reactions...)
	p.Unknown = append(p.Unknown, q.Unknown...)
	if p.Unavailable == "" {
		p.Unavailable = q.Unavailable
	}
	if p.Assumed == "" {
		p.Assumed = q.Assumed
	}
	if p.Unattributed == "" {
		p.Unattributed = q.Unattributed
	}
}

// Same tells whether two predictions foretell the same. What causes it is not looked at: how far that was found out is a matter of time.
func (p Prediction) Same(q Prediction) bool {
	return p.Unavailable == q.Unavailable && slices.Equal(p.keys(), q.keys())
}

func (p Prediction) keys() []string {
	keys := make([]string, len(p.Reactions))
	for i, r := range p.Reactions {
		keys[i] = strings.Join([]string{r.Action, r.Resource, r.Node, r.From, r.To, r.Risk.String()}, "\x00")
		if r.Anyway {
			keys[i] += "\x00anyway"
		}
	}
	slices.Sort(keys)
	return keys
}

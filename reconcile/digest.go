package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	v1 "github.com/hactl/hactl/api/v1"
)

// digestOf is a short digest of a value's JSON form, in which secrets are masked or references.
func digestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:12])
}

// ManifestsDigest is the digest of manifests: of their meaning as hactl reads it, not of the files.
func ManifestsDigest(m *v1.Manifests) string {
	if m == nil {
		return ""
	}
	return digestOf(m.Order)
}

// Essence is what of an Op decides about what it does, where its data holds more: what it was compared with, or what only records it.
type Essence interface{ Essence() any }

// Digest names what a plan does: its changes, how each is made, and what the cluster will do because of it. It is the same whenever the same situation is
// looked at again, from wherever: it is without the manifests' places, reasons in words, what is only compared, and what the cluster does anyway.
func (p *Plan) Digest() string {
	type change struct {
		Object, Whole    Ref
		Action           Action
		Path, Have, Want string
		Risk             Risk
		ByName           bool
	}
	type op struct {
		Op   string
		Data any
	}
	type step struct {
		ID, Host string
		After    []string
		Pending  bool
		Changes  []change
		Ops      []op
	}
	d := struct {
		Steps       []step
		Will        []string
		Unpredicted bool
	}{Will: Prediction{Reactions: p.Prediction.caused()}.keys(), Unpredicted: p.Prediction.Unavailable != ""}
	for _, s := range p.Steps {
		x := step{ID: s.ID, Host: s.Host, After: s.After, Pending: s.Pending != ""}
		for _, c := range s.Changes {
			x.Changes = append(x.Changes, change{c.Object, c.Whole, c.Action, c.Path, c.Have, c.Want, c.Risk, c.ByName})
		}
		for _, o := range s.Ops {
			data := any(o)
			if e, ok := o.(Essence); ok {
				data = e.Essence()
			}
			x.Ops = append(x.Ops, op{fmt.Sprintf("%T", o), data})
		}
		d.Steps = append(d.Steps, x)
	}
	return digestOf(d)
}

// caused are the reactions to the plan.
func (p Prediction) caused() []Reaction {
	var rs []Reaction
	for _, r := range p.Reactions {
		if !r.Anyway {
			rs = append(rs, r)
		}
	}
	return rs
}

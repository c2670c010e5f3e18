// Package policy decides what hactl watch may do: pure functions of a policy, a plan, the health of a cluster and the time. Nothing is remembered between
// two decisions. So a clock that jumps, or a controller that begins anew, changes no answer but by what the clock shows now.
package policy

import (
	"fmt"
	"slices"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Policy is a WatchPolicy as it is used.
type Policy struct {
	// Name is the WatchPolicy's; empty: there is none, and all is as by default. Source is where it stands.
	Name   string
	Source v1.Pos

	Interval time.Duration
	// Unattended is the highest risk that is done at any time.
	Unattended reconcile.Risk
	Windows    []Window
	Suspend    bool
	Prune      bool
	// Hold are the states in which nothing is changed: degraded, fencing, syncing, maintenance.
	Hold    []string
	Rollout v1.Rollout
}

// highest is the highest risk that can be done unattended, whatever a policy says.
const highest = reconcile.Redundancy

// Of reads a valid WatchPolicy; nil is one that says nothing.
func Of(w *v1.WatchPolicy) (Policy, error) {
	d := new(v1.WatchPolicy)
	if w != nil {
		*d = *w
		d.Spec.Windows = slices.Clone(w.Spec.Windows)
	}
	d.SetDefaults()
	spec := d.Spec
	p := Policy{Name: d.Metadata.Name, Source: d.Pos(""), Suspend: spec.Suspend, Prune: spec.Prune, Hold: spec.Hold}
	var err error
	if p.Interval, err = v1.ParseDuration(spec.Interval); err != nil {
		return Policy{}, fmt.Errorf("%s: spec.interval: %w", p, err)
	}
	if p.Unattended, err = risk(spec.Unattended); err != nil {
		return Policy{}, fmt.Errorf("%s: spec.unattended: %w", p, err)
	}
	for i, w := range spec.Windows {
		x, err := window(w)
		if err != nil {
			return Policy{}, fmt.Errorf("%s: spec.windows[%d]: %w", p, i, err)
		}
		p.Windows = append(p.Windows, x)
	}
	if spec.Rollout != nil {
		p.Rollout = *spec.Rollout
	}
	return p, nil
}

func risk(word string) (reconcile.Risk, error) {
	r, err := reconcile.ParseRisk(word)
	if err == nil && r > highest {
		err = fmt.Errorf("%s is never done unattended", r)
	}
	return r, err
}

// String names the policy, for sentences.
func (p Policy) String() string {
	if p.Name == "" {
		return "the default policy"
	}
	return "WatchPolicy " + p.Name
}

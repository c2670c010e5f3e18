package view

import (
	"encoding/json"
	"io"

	"github.com/hactl/hactl/reconcile"
)

// PlanForm is the JSON form of a plan (reconcile.PlanVersion), as hactl plan -o json writes it and docs/plan-json.md tells it: the plan itself,
// and what follows from it. Fields are only ever added to a version.
type PlanForm struct {
	*reconcile.Plan
	// Digest names what the plan does, for hactl approve.
	Digest  string  `json:"digest"`
	Summary Summary `json:"summary"`
	// Gates are what must be allowed before the plan may run, riskiest first.
	Gates []reconcile.Gate `json:"gates"`
}

// PlanJSON writes the plan as indented JSON.
func PlanJSON(w io.Writer, p *reconcile.Plan) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(planForm(p))
}

func planForm(p *reconcile.Plan) PlanForm {
	form := PlanForm{p, p.Digest(), summarize(p, byObject(p)), p.Gates()}
	if form.Gates == nil {
		form.Gates = []reconcile.Gate{}
	}
	return form
}

package view

import (
	"encoding/json"
	"io"

	"github.com/hactl/hactl/reconcile"
)

// ApprovalVersion is the version of an approval's JSON form.
const ApprovalVersion = "hactl/approval/v1"

// ApprovalJSON writes an approval with the plan that it is of, as indented JSON. waits says what still holds the plan up; empty: nothing.
func ApprovalJSON(w io.Writer, p *reconcile.Plan, c reconcile.Consent, waits string) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Version  string            `json:"version"`
		Cluster  string            `json:"cluster"`
		Approval reconcile.Consent `json:"approval"`
		Waits    string            `json:"waits,omitempty"`
		Plan     PlanForm          `json:"plan"`
	}{ApprovalVersion, p.Cluster, c, waits, planForm(p)})
}

package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// ResultVersion is the version of the JSON form of an apply's result.
const ResultVersion = "hactl/result/v1"

// ResultForm is the JSON form of an apply's result, as hactl apply -o json writes it behind the plan and docs/plan-json.md tells it. Fields are
// only ever added to a version.
type ResultForm struct {
	Version string            `json:"version"`
	Cluster string            `json:"cluster"`
	Result  reconcile.Outcome `json:"result"`
	Error   string            `json:"error,omitempty"`
	Steps   int               `json:"steps"`
	Rounds  int               `json:"rounds"`
	Seconds float64           `json:"seconds"`
	// Compared tells whether Comparison could be made.
	Compared bool `json:"compared"`
	*reconcile.Comparison
	Differs  []string            `json:"differs,omitempty"`
	Verdicts []reconcile.Verdict `json:"verdicts,omitempty"`
	// Confirm is the id of the apply if it waits for confirmation, Until when the wait is over.
	Confirm string    `json:"confirm,omitempty"`
	Until   time.Time `json:"until,omitzero"`
}

// ResultJSON writes an apply's result as indented JSON.
func ResultJSON(w io.Writer, cluster string, res reconcile.Result, took time.Duration, failed error) error {
	f := ResultForm{Version: ResultVersion, Cluster: cluster, Result: reconcile.OutcomeOf(failed), Steps: res.Steps, Rounds: res.Rounds,
		Seconds: took.Round(10 * time.Millisecond).Seconds(), Compared: res.Seen != nil, Comparison: res.Seen, Differs: res.Differs,
		Verdicts: res.Verdicts, Confirm: res.Confirm, Until: res.Until}
	if failed != nil {
		f.Error = failed.Error()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(f)
}

// maxDeviations bounds the lines on what came otherwise than foretold.
const maxDeviations = 20

// SeenText writes what was foretold beside what the cluster did: one line if all came true, and one for each deviation.
func SeenText(w io.Writer, c *reconcile.Comparison, st Style) error {
	if c == nil || len(c.Foretold)+len(c.Also) == 0 {
		return nil
	}
	if c.Agrees() {
		_, err := fmt.Fprintln(w, st.green(foretold(c.True(), len(c.Foretold), nil, 0)))
		return err
	}
	var b strings.Builder
	b.WriteString(st.yellow(foretold(c.True(), len(c.Foretold), nil, 0)) + "\n")
	ds := c.Deviations()
	for i, d := range ds {
		if i == maxDeviations {
			fmt.Fprintf(&b, "  and %d more (hactl history -o json)\n", len(ds)-i)
			break
		}
		b.WriteString(st.yellow(strings.TrimSuffix(wrap("  ", "    ", d), "\n")) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// foretold is the sentence on how many reactions came true, and on the first few that did not.
func foretold(came, of int, otherwise []string, few int) string {
	s := fmt.Sprintf("as predicted: %d of %d reactions", came, of)
	for i, o := range otherwise {
		if i == few {
			return fmt.Sprintf("%s; and %d more", s, len(otherwise)-i)
		}
		s += "; " + o
	}
	return s
}

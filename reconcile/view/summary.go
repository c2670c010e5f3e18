package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Summary counts what a plan holds. Objects are counted, not fields.
type Summary struct {
	Create int `json:"create"`
	Change int `json:"change"`
	Delete int `json:"delete"`
	Adopt  int `json:"adopt"`
	Run    int `json:"run"` // services that are started, stopped, restarted or reloaded
	Check  int `json:"check"`
	Steps  int `json:"steps"`
	// Pending are the steps whose operations are known only after others have run.
	Pending int `json:"pending"`
	// Risk is the highest.
	Risk reconcile.Risk `json:"risk"`
	// Risks counts the objects, resources and nodes at each risk but safe, highest first.
	Risks []RiskCount `json:"risks,omitempty"`
}

// RiskCount is how many things are at a risk.
type RiskCount struct {
	Risk  reconcile.Risk `json:"risk"`
	Count int            `json:"count"`
}

func summarize(p *reconcile.Plan, objects []*object) Summary {
	s := Summary{Steps: len(p.Steps), Risk: p.Risk()}
	for _, o := range objects {
		switch o.action() {
		case reconcile.Create:
			s.Create++
		case reconcile.Update:
			s.Change++
		case reconcile.Delete:
			s.Delete++
		case reconcile.Adopt:
			s.Adopt++
		case reconcile.Check:
			s.Check++
		default:
			s.Run++
		}
	}
	type at struct {
		risk reconcile.Risk
		name string
	}
	count := map[reconcile.Risk]int{}
	seen := map[at]bool{}
	add := func(r reconcile.Risk, name string) {
		if r > reconcile.Safe && !seen[at{r, name}] {
			seen[at{r, name}] = true
			count[r]++
		}
	}
	for _, st := range p.Steps {
		if st.Pending != "" {
			s.Pending++
		}
		for _, c := range st.Changes {
			add(c.Risk, c.Object.Name)
		}
	}
	for _, r := range p.Prediction.Reactions {
		if !r.Anyway {
			add(r.Risk, r.Resource+r.Node) // only one of them is set
		}
	}
	if p.Prediction.Unavailable != "" && !p.Empty() {
		add(reconcile.Outage, "cluster "+p.Cluster)
	}
	for r := reconcile.DataLoss; r > reconcile.Safe; r-- {
		if count[r] > 0 {
			s.Risks = append(s.Risks, RiskCount{r, count[r]})
		}
	}
	return s
}

// summary is the last lines of a plan.
func summary(p *reconcile.Plan, objects []*object, st Style) string {
	head, rest := summaryText(p, objects)
	n := 0
	for _, r := range summarize(p, objects).Risks { // a count and its risk stay in one line
		rest = strings.Replace(rest, fmt.Sprintf("%d %s", r.Count, r.Risk), fmt.Sprintf("%d\x00%s", r.Count, r.Risk), 1)
	}
	text := strings.ReplaceAll(strings.TrimSuffix(wrap("", "  ", head+rest), "\n"), "\x00", " ")
	text = st.bold(text[:len(p.Cluster)+1]) + text[len(p.Cluster)+1:] // wrapped before, so that colour takes no columns
	for _, r := range summarize(p, objects).Risks {
		word := fmt.Sprintf("%d %s", r.Count, r.Risk)
		if i := strings.Index(text[n:], word); i >= 0 {
			painted := st.risk(r.Risk, word)
			text = text[:n+i] + painted + text[n+i+len(word):]
			n += i + len(painted)
		}
	}
	return text + "\n"
}

// summaryText is the summary, and the risks.
func summaryText(p *reconcile.Plan, objects []*object) (head, risks string) {
	if p.Empty() {
		if len(p.Unreachable) > 0 {
			return fmt.Sprintf("%s: nothing to do on the machines that answered.", p.Cluster), ""
		}
		return fmt.Sprintf("%s: nothing to do.", p.Cluster), ""
	}
	s := summarize(p, objects)
	if p.OnlyAdopts() {
		return fmt.Sprintf("%s: nothing to change; adopts %s.", p.Cluster, count(s.Adopt, "object")), ""
	}
	parts := []string{fmt.Sprintf("%d to create", s.Create), fmt.Sprintf("%d to change", s.Change), fmt.Sprintf("%d to delete", s.Delete)}
	if s.Adopt > 0 {
		parts = append(parts, fmt.Sprintf("%d to adopt", s.Adopt))
	}
	if s.Run > 0 {
		parts = append(parts, fmt.Sprintf("%d to start or reload", s.Run))
	}
	steps := count(s.Steps, "step")
	if s.Pending > 0 {
		steps += fmt.Sprintf(", %d of them known later", s.Pending)
	}
	risk := "risk: none"
	var counts []string
	for _, r := range s.Risks {
		counts = append(counts, fmt.Sprintf("%d %s", r.Count, r.Risk))
	}
	if len(counts) > 0 {
		risk = "risks: " + strings.Join(counts, ", ")
	}
	return fmt.Sprintf("%s: %s (%s); ", p.Cluster, strings.Join(parts, ", "), steps), risk + "."
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// recorded says what a plan was made from, if that is not the cluster itself; now is what ages are counted from.
func recorded(p *reconcile.Plan, now time.Time) string {
	switch {
	case p.Record == "":
		return ""
	case p.RecordedAt.IsZero():
		return "Planned from " + p.Record + ". The cluster itself was not asked: its machines, corosync, fence devices and stored secrets are not checked."
	}
	taken := p.RecordedAt.UTC().Format("2006-01-02 15:04:05 MST")
	if !now.IsZero() {
		taken += " (" + age(now.Sub(p.RecordedAt)) + ")"
	}
	return "Planned from the snapshot " + p.Record + ", taken " + taken + ". The cluster itself was not asked, and no secret is compared."
}

func age(d time.Duration) string {
	switch {
	case d < 0:
		return "in the future: one of the clocks is wrong"
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

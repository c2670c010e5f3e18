package view

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// large makes a plan of n objects: a third created, most of the rest changed, some deleted, each with reactions, notes and gates.
func large(n int) *reconcile.Plan {
	p := &reconcile.Plan{Cluster: "large", Record: "snap.json.gz", RecordedAt: time.Date(2026, 3, 1, 4, 5, 6, 0, time.UTC)}
	var changes []reconcile.Change
	for i := range n {
		name := fmt.Sprintf("web-%03d-with-a-long-name", i)
		switch {
		case i%3 == 0:
			changes = append(changes, change("Resource", name, reconcile.Create, "", "", "", reconcile.Safe, i+1),
				change("Resource", name, reconcile.Create, "agent", "", "ocf:heartbeat:IPaddr2", reconcile.Safe, i+1),
				change("Resource", name, reconcile.Create, "params.ip", "", fmt.Sprintf("10.0.%d.%d", i/250, i%250), reconcile.Safe, i+2))
			p.Prediction.Reactions = append(p.Prediction.Reactions, reconcile.Reaction{Action: "start", Resource: name, To: "node1", Round: 1})
		case i%10 == 1:
			changes = append(changes, change("Constraint", name, reconcile.Delete, "", "", "", reconcile.Safe, 0))
		default:
			changes = append(changes, change("Resource", name, reconcile.Update, "params.ip", fmt.Sprintf("10.0.0.%d", i), fmt.Sprintf("10.1.0.%d", i), reconcile.RestartRisk, i+1))
			p.Prediction.Reactions = append(p.Prediction.Reactions, reconcile.Reaction{Action: "restart", Resource: name, From: "node1", To: "node1", Risk: reconcile.RestartRisk, Round: 1})
		}
		for _, k := range []reconcile.NoteKind{reconcile.NoteUnmanaged, reconcile.NoteRuntime, reconcile.NoteWarning} {
			p.Notes = append(p.Notes, reconcile.Note{Kind: k, Object: reconcile.Ref{Kind: "Resource", Name: name}, Path: "meta.priority", Text: fmt.Sprintf("is %d in the cluster and in no manifest", i%20)})
		}
	}
	s := step("cib node1 change", "node1", "", changes...)
	p.Steps = []reconcile.PlannedStep{s}
	return p
}

// diverse makes a plan of objects of which no two are alike.
func diverse(n int) *reconcile.Plan {
	p := &reconcile.Plan{Cluster: "diverse"}
	var changes []reconcile.Change
	for i := range n {
		for j := range i%7 + 1 {
			changes = append(changes, change(fmt.Sprintf("Kind%d", i%9), fmt.Sprintf("object-%d", i), reconcile.Update, fmt.Sprintf("params.p%d-%d", i, j), "a", "b", reconcile.Risk(i%int(reconcile.DataLoss)), i+1))
		}
	}
	p.Steps = []reconcile.PlannedStep{step("cib node1 change", "node1", "", changes...)}
	return p
}

// A plan of any size fits three screens, and no line is too long.
func TestLargePlans(t *testing.T) {
	now := time.Date(2026, 3, 1, 7, 5, 6, 0, time.UTC)
	for name, p := range map[string]*reconcile.Plan{"large-200": large(200), "large-10000": large(10000), "diverse-200": diverse(200), "diverse-3000": diverse(3000)} {
		var b bytes.Buffer
		if err := PlanText(&b, p, Style{Now: now}, false); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) > 150 {
			t.Errorf("%s: %d lines", name, len(lines))
		}
		for i, l := range lines {
			if utf8.RuneCountInString(l) > Width {
				t.Errorf("%s: line %d has %d columns: %s", name, i+1, utf8.RuneCountInString(l), l)
			}
		}
		if strings.HasSuffix(name, "-200") {
			golden(t, name+".txt", b.Bytes())
		}
		var coloured bytes.Buffer
		if err := PlanText(&coloured, p, Style{Now: now, Color: true}, false); err != nil {
			t.Fatal(err)
		}
		if got := uncoloured(coloured.String()); got != b.String() {
			t.Errorf("%s: colour changed the text", name)
		}
	}
}

func uncoloured(s string) string {
	for _, c := range []string{"0", "1", "2", "31", "32", "33"} {
		s = strings.ReplaceAll(s, "\x1b["+c+"m", "")
	}
	return s
}

// Risks are painted in the last line: what may end a service red, what interrupts one yellow.
func TestSummaryColours(t *testing.T) {
	var b bytes.Buffer
	if err := PlanText(&b, plans["full"], Style{Color: true}, false); err != nil {
		t.Fatal(err)
	}
	last := b.String()[strings.LastIndex(strings.TrimSuffix(b.String(), "\n"), "web:"):]
	for _, want := range []string{"\x1b[31m1 data-loss\x1b[0m", "\x1b[33m2 restart\x1b[0m"} {
		if !strings.Contains(last, want) {
			t.Errorf("no %q in %q", want, last)
		}
	}
}

func TestMarkdown(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)
	nasty := &reconcile.Plan{Cluster: "a-->b", Steps: []reconcile.PlannedStep{step("cib node1 change", "node1", "",
		change("Resource", "x", reconcile.Update, "params.cmd", "a|b\n`c`", "</details><script>@everyone #1 **bold** [l](http://x)", reconcile.Outage, 3))},
		Prediction: reconcile.Prediction{Unavailable: "no | tool\nhere"}}
	caused := *plans["full"]
	caused.Prediction.Reactions = append([]reconcile.Reaction{{Action: "stop", Resource: "db", From: "node2", Risk: reconcile.Outage, Round: 1, Jointly: true, Causes: []reconcile.Cause{
		{Object: reconcile.Ref{Kind: "Resource", Name: "db"}, Path: "meta.target-role", Source: v1.Pos{File: "db.yaml", Line: 4}}, {Object: reconcile.Ref{Kind: "Constraint", Name: "c"}}}}},
		caused.Prediction.Reactions...)
	drilled := *plans["partial"]
	drilled.Drills = &reconcile.Drills{Ran: 7, Skipped: []string{"a failure of db", "a | failure"}, New: []reconcile.Finding{{Event: "losing node2", Effect: "stopped", Resource: "VIP"},
		{Event: "losing node2", Effect: "fenced", Node: "node1"}, {Event: "revoking ticket <T>|@all", Effect: "unpromoted", Resource: "db"}}}
	losses := diverse(20)
	losses.Drills = &reconcile.Drills{Ran: 9000}
	for i := range 9000 {
		losses.Drills.New = append(losses.Drills.New, reconcile.Finding{Event: fmt.Sprintf("losing node%d", i), Effect: "stopped", Resource: fmt.Sprintf("r%d", i)})
		losses.Drills.Skipped = append(losses.Drills.Skipped, fmt.Sprintf("a failure of r%d", i))
	}
	for name, p := range map[string]*reconcile.Plan{"drills": &drilled, "losses-9000": losses, "empty": plans["empty"], "full": &caused, "nasty": nasty, "large-200": large(200), "large-10000": large(10000), "diverse-3000": diverse(3000)} {
		var b bytes.Buffer
		if err := PlanMarkdown(&b, p, now); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if len(text) > MarkdownLimit {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
			t.Errorf("%s: a block is not closed", name)
		}
		if cut := strings.Contains(text, "✂️ cut: "); cut != strings.HasSuffix(name, "000") {
			t.Errorf("%s: cut: %v, with %d bytes", name, cut, len(text))
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s: a secret shows", name)
		}
		for i, l := range strings.Split(text, "\n") { // every row of a table has as many cells as its head
			if strings.HasPrefix(l, "|") && strings.Count(l, "|") != strings.Count(tableHead(text, i), "|") {
				t.Errorf("%s: line %d: a torn row: %s", name, i+1, l)
			}
		}
		if !strings.HasSuffix(name, "000") {
			golden(t, name+".md", b.Bytes())
		}
	}
	for want, d := range map[string]reconcile.Drills{
		"⚠️ **failure drills: unavailable**: no cluster runs yet\n":         {Unavailable: "no cluster runs yet"},
		"\nFailure drills: no failure costs more than now (3 drills).\n":    {Ran: 3},
		"\nFailure drills: nothing changes in the cluster's configuration.": {},
	} {
		var b bytes.Buffer
		_ = PlanMarkdown(&b, &reconcile.Plan{Cluster: "web", Drills: &d}, now)
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	var b bytes.Buffer
	_ = PlanMarkdown(&b, nasty, now)
	for _, bad := range []string{"@everyone", "<script", "**bold**", "](http", "#1 ", "`c`"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%q is not escaped", bad)
		}
	}
}

// tableHead is the first line of the table that line i is in.
func tableHead(text string, i int) string {
	lines := strings.Split(text, "\n")
	for i > 0 && strings.HasPrefix(lines[i-1], "|") {
		i--
	}
	return lines[i]
}

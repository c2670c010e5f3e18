package status

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/policy"
)

func TestOf(t *testing.T) {
	now, before := watch.Revision{ID: "b", Name: "main@b"}, watch.Revision{ID: "a", Name: "main@a"}
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	later := since.Add(time.Second)
	plan := func(names ...string) *reconcile.Plan {
		p := &reconcile.Plan{}
		for _, n := range names {
			p.Steps = append(p.Steps, reconcile.PlannedStep{Step: reconcile.Step{Changes: []reconcile.Change{{Object: reconcile.Ref{Kind: "Resource", Name: n}}}}})
		}
		return p
	}
	waits := policy.Verdict{Action: policy.Wait, Why: "it waits for an approval"}
	for name, test := range map[string]struct {
		c    watch.Cluster
		want string
	}{
		"just started":        {watch.Cluster{}, " "},
		"the revision before": {watch.Cluster{Desired: before, Observed: before, Phase: watch.InSync}, "pending not looked at yet"},
		"reached":             {watch.Cluster{Desired: now, Observed: now, Phase: watch.InSync}, "success in sync"},
		"changed": {watch.Cluster{Desired: now, Observed: now, Phase: watch.InSync, Applies: []watch.Apply{{Revision: now, Steps: 3, Took: 1234 * time.Millisecond}}},
			"success applied: 3 steps in 1.23s"},
		"changed for another": {watch.Cluster{Desired: now, Observed: now, Phase: watch.InSync, Applies: []watch.Apply{{Revision: before, Steps: 3}}}, "success in sync"},
		"is changed":          {watch.Cluster{Desired: now, Phase: watch.Applying, Plan: plan("A")}, "pending is being changed: Resource/A"},
		"waits": {watch.Cluster{Desired: now, Observed: before, Phase: watch.Pending, Plan: plan("A", "B", "A", "C", "D", "E"), Verdict: waits},
			"pending waits: it waits for an approval; Resource/A, Resource/B, Resource/C and 2 more"},
		"drift":                          {watch.Cluster{Desired: now, Observed: now, Phase: watch.Drifted, Plan: plan("A"), Verdict: waits}, "failure drift: Resource/A; it waits for an approval"},
		"half away":                      {watch.Cluster{Desired: now, Phase: watch.Unknown}, "pending what can be seen is in sync, but machines cannot be reached"},
		"away":                           {watch.Cluster{Desired: now, Phase: watch.Failing, Err: "no route"}, "error cannot be looked at: no route"},
		"not to do":                      {watch.Cluster{Desired: now, Phase: watch.Failing, Err: "step 1", Applies: []watch.Apply{{Revision: now, Err: "step 1"}}}, "failure could not be applied: step 1"},
		"not to do, as one before found": {watch.Cluster{Desired: now, Phase: watch.Failing, Err: "step 1", Failed: "step 1"}, "failure could not be applied: step 1"},
		"away since":                     {watch.Cluster{Desired: now, Phase: watch.Failing, Err: "no route", Applies: []watch.Apply{{Revision: now, Err: "step 1"}}}, "error cannot be looked at: no route"},
		"broken": {watch.Cluster{Desired: before, Phase: watch.InSync, Looked: later, Broken: "db/c.yaml:3:4: spec.agnet: unknown field\ndb/c.yaml:9:1: more"},
			"failure refused: db/c.yaml:3:4: spec.agnet: unknown field"},
		"it was broken": {watch.Cluster{Desired: before, Phase: watch.InSync, Looked: since, Broken: "db/c.yaml:3:4: x"}, "pending not looked at yet"},
	} {
		test.c.Name = "db"
		got := Of(watch.State{Source: watch.Source{Revision: now, Since: since}, Clusters: []watch.Cluster{test.c}}, "hactl", "https://ha.example.com")
		if test.want == " " {
			if len(got) > 0 {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		outcome, text, _ := strings.Cut(test.want, " ")
		want := []Status{{"b", "hactl/db", Outcome(outcome), text, "https://ha.example.com/clusters/db"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// GitHub refuses a longer text. It counts characters, and may well count bytes somewhere: either way what comes is text.
func TestLine(t *testing.T) {
	for _, text := range []string{strings.Repeat("ü", 141), strings.Repeat("a", 5000) + "\nb", "\x1b[31mred\x00\xff", "", "\n\n x\ny", strings.Repeat("漢", 140)} {
		got := line(text)
		if utf8.RuneCountInString(got) > MaxText || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\x1b\x00") {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := line(strings.Repeat("ü", 141)); got != strings.Repeat("ü", 139)+"…" {
		t.Error(got)
	}
}

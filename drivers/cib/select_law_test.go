package cib

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

var objectName = regexp.MustCompile(`(kind: (\w+)\nmetadata: \{name: "?[\w.-]+"?)`)

// The law of selection: after some manifests, the plan of a part of others changes nothing that the plan of the whole does not change in the
// same way, and notes nothing of what was left out; and the plan after it is empty.
func TestSelectLaw(t *testing.T) {
	cases := corpus(t)
	parts, changes := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		file := rapid.SampledFrom(cases).Draw(rt, "base")
		b, err := os.ReadFile(file)
		if err != nil {
			rt.Fatal(err)
		}
		doc, err := parse(string(b))
		if err != nil || section(doc, "resources") == nil || section(doc, "crm_config") == nil {
			return // no configuration
		}
		for _, a := range []struct{ n, v string }{{"have-quorum", "1"}, {"dc-uuid", "1"}, {"admin_epoch", "0"}, {"epoch", "5"}, {"num_updates", "1"}} {
			doc.Root().CreateAttr(a.n, a.v)
		}
		cib, _ := doc.WriteToString()
		first := desired(t, manifestsOver(rt, doc))
		ss, err := New("default").Plan(first, observed(first, cib))
		if err != nil {
			return // a clash of names
		}
		if patchOf(ss) != nil {
			cib = carriedOut(t, observed(first, cib), ss)
		}

		whole := load(t, objectName.ReplaceAllStringFunc(fewerOver(rt, doc), func(s string) string {
			if strings.Contains(s, "kind: Cluster") {
				return s
			}
			return s + ", labels: {part: " + rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "part") + "}"
		}))
		s, err := v1.ParseSelector("part=a")
		if err != nil {
			rt.Fatal(err)
		}
		wantAll, err := New("default").Desired(whole, secretValues("hush"))
		if err != nil {
			rt.Fatal(err)
		}
		want, err := New("default").Desired(whole.Select(s), secretValues("hush"))
		if err != nil {
			rt.Fatal(err)
		}
		all, err := New("default").Plan(wantAll, observed(wantAll, cib))
		if err != nil {
			return
		}
		some, err := New("default").Plan(want, observed(wantAll, cib))
		if err != nil {
			// A renaming takes along what names the object; what is left out cannot follow.
			if !strings.Contains(err.Error(), "which -l does not select") {
				rt.Fatalf("%s: the whole can be planned, and the part cannot: %v", file, err)
			}
			return
		}
		parts++
		whats := what(all)
		for _, c := range what(some) {
			changes++
			if !slices.Contains(whats, c) {
				rt.Fatalf("%s: the part changes what the whole does not: %+v\nthe whole: %+v", file, c, whats)
			}
		}
		left := map[string]bool{}
		for _, o := range whole.Objects() {
			left[o.Metadata.Name] = o.Kind != "Cluster" && !s.Matches(o.Metadata.Labels)
		}
		for _, n := range New("default").Notes(want, observed(wantAll, cib)) {
			if left[n.Object.Name] {
				rt.Fatalf("%s: a note on what was left out: %+v", file, n)
			}
		}
		if patchOf(some) == nil || slices.ContainsFunc(some, func(s reconcile.Step) bool { return strings.HasSuffix(s.ID, "removal") }) {
			return // a renaming takes two changes: TestPruneLaw carries them out
		}
		again, err := New("default").Plan(want, observed(wantAll, carriedOut(t, observed(wantAll, cib), some)))
		if err != nil || len(again) > 0 {
			rt.Fatalf("%s: the second plan of the part is not empty: %v %+v", file, err, again)
		}
	})
	t.Logf("%d parts with %d changes", parts, changes)
	if changes == 0 {
		t.Error("no part changed anything")
	}
}

// what are the changes of steps, without the places that differ by nature.
func what(ss []reconcile.Step) []reconcile.Change {
	var out []reconcile.Change
	for _, s := range ss {
		for _, c := range s.Changes {
			c.Source = v1.Pos{}
			c.Risk, c.Why = reconcile.Safe, "" // they look at all that changes
			out = append(out, c)
		}
	}
	return out
}

package watch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// A folder that is broken in the first revision that a controller sees is told of, disturbs no other, and is left alone until it is mended.
func TestBrokenAtFirst(t *testing.T) {
	const policies = "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: both}\nspec: {unattended: redundancy, hold: [], clusters: [a, b]}\n"
	good := func(id, a string) []string {
		return []string{"a/c.yaml", watchtest.Cluster("a", a), "b/c.yaml", watchtest.Cluster("b", id), "policy.yaml", policies}
	}
	bad := func(id, a string) []string {
		files := good(id, a)
		files[3] = strings.Replace(files[3], "agent:", "agnet:", 1)
		return files
	}
	start(t, true, func(w *watchtest.World) {
		w.Says("1", good("one", "one")...)
		w.Within(5*time.Minute, "a", w.At("a", watch.InSync, "1"))
		w.Within(5*time.Minute, "b", w.At("b", watch.InSync, "1"))
		w.Says("2", bad("two", "one")...)
		why := w.Loop.State().Source.Broken["b"]
		if !strings.Contains(why, "b/c.yaml") || !strings.Contains(why, "what was in force stays for b") {
			t.Errorf("a folder that was good before: %q", why)
		}
		w = w.Next(true)
		w.Says("2", bad("two", "one")...)
		w.Within(time.Minute, "a", w.At("a", watch.InSync, "2"))
		w.Says("3", bad("two", "three")...) // the same mistake
		w.Within(time.Minute, "a goes on", w.At("a", watch.InSync, "3"))
		calls := w.Clusters["b"].Log()
		w.Drift("b", "drifted")
		time.Sleep(time.Hour)
		s := w.Loop.State()
		if len(s.Clusters) != 1 || s.Source.Refused != "" || len(w.Clusters["b"].Log()) != len(calls) {
			t.Errorf("%+v", s)
		}
		if why := s.Source.Broken["b"]; !strings.Contains(why, "agnet") || !strings.Contains(why, "nobody looks after its clusters") || w.Count(watch.RevisionRefused) != 1 {
			t.Errorf("%q\n%s", why, w.Told())
		}
		w.Says("4", good("four", "three")...)
		w.Within(time.Minute, "b is mended", w.At("b", watch.InSync, "4"))
		if s := w.Loop.State(); len(s.Source.Broken) != 0 {
			t.Errorf("%+v", s.Source)
		}
	})
}

// Where nothing is good at first, that is told once, and the clusters are left alone.
func TestAllBrokenAtFirst(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		for range 20 { // as every interval
			w.Says("1", "a/c.yaml", "kind: [", "b/c.yaml", "kind: {", "c/c.yaml", "kind: '")
		}
		if s := w.Loop.State(); s.Source.Revision.ID != "" || !strings.Contains(s.Source.Refused, "a/c.yaml") || !strings.Contains(s.Source.Refused, "c/c.yaml") || w.Count(watch.RevisionRefused) != 1 {
			t.Errorf("%+v\n%s", s.Source, w.Told())
		}
	})
}

package watch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// start runs a loop in a bubble, where waiting takes no time.
func start(t *testing.T, apply bool, test func(w *watchtest.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(watchtest.Begin(t, apply, nil))
	})
}

func TestRevisions(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		w.Within(5*time.Minute, "the first revision", w.At("db", watch.InSync, "1"))
		w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+watchtest.Anything)
		w.Within(time.Minute, "the second", w.At("db", watch.InSync, "2"))
		if !w.Has("db", "two") {
			t.Error("it was not applied")
		}
		w.Says("3", "c.yaml", strings.Replace(watchtest.Cluster("db", "three"), "agent:", "agnet:", 1))
		w.Says("3", "c.yaml", strings.Replace(watchtest.Cluster("db", "three"), "agent:", "agnet:", 1)) // as every interval
		time.Sleep(time.Hour)
		if s := w.Loop.State(); !w.At("db", watch.InSync, "2")() || !w.Has("db", "two") || !strings.Contains(s.Source.Refused, "agnet") || w.Count(watch.RevisionRefused) != 1 {
			t.Errorf("a broken revision: %+v\n%s", s.Source, w.Told())
		}
		w.Says("4")
		if s := w.Loop.State(); !strings.Contains(s.Source.Refused, "emptied") || len(s.Clusters) != 1 {
			t.Errorf("an empty revision: %+v", s)
		}
		w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+watchtest.Anything) // it was taken back
		if s := w.Loop.State(); s.Source.Refused != "" {
			t.Errorf("the good revision is back: %+v", s.Source)
		}
		w.Fails(errors.New("no route to host"))
		w.Fails(errors.New("no route to host"))
		if s := w.Loop.State(); s.Source.Err == "" || w.Count(watch.SourceFailed) != 1 || !strings.Contains(w.Told(), "main@2 stays in force") {
			t.Errorf("a source that cannot be read: %+v\n%s", s.Source, w.Told())
		}
		w.Says("5", "c.yaml", watchtest.Cluster("db", "five")+watchtest.Anything)
		if w.Count(watch.SourceBack) != 1 {
			t.Errorf("nobody tells that the source is back:\n%s", w.Told())
		}
		w.Within(time.Minute, "the fifth", w.At("db", watch.InSync, "5"))
	})
}

func TestFolders(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		w.Says("1", "a/c.yaml", watchtest.Cluster("a", "one"), "b/c.yaml", watchtest.Cluster("b", "one"), "policy.yaml", watchtest.Anything)
		w.Within(5*time.Minute, "a", w.At("a", watch.InSync, "1"))
		w.Within(5*time.Minute, "b", w.At("b", watch.InSync, "1"))
		w.Says("2", "a/c.yaml", watchtest.Cluster("a", "two"), "b/c.yaml", "kind: [", "policy.yaml", watchtest.Anything)
		w.Within(time.Minute, "a goes on", w.At("a", watch.InSync, "2"))
		if b := w.Cluster("b"); b.Desired.ID != "1" || !strings.Contains(b.Broken, "b/c.yaml") || !w.Has("b", "one") {
			t.Errorf("b: %+v", b)
		}
		w.Drift("b", "drifted")
		w.Within(time.Minute, "b is kept as it was", func() bool { return w.Has("b", "one") })
		w.Says("3", "a/c.yaml", watchtest.Cluster("a", "three"), "policy.yaml", watchtest.Anything)
		w.Within(time.Minute, "a goes on", w.At("a", watch.InSync, "3"))
		if w.Cluster("b").Name != "" || w.Count(watch.Gone) != 1 || !w.Has("b", "one") {
			t.Errorf("b left the source:\n%s", w.Told())
		}
		calls := w.Calls()
		w.Drift("b", "drifted")
		time.Sleep(time.Hour)
		if w.Calls() != calls || !w.Has("b", "drifted") {
			t.Error("a cluster that left the source was changed")
		}
		w.Says("4", "a/c.yaml", watchtest.Cluster("a", "four"), "b/c.yaml", watchtest.Cluster("a", "again"), "policy.yaml", watchtest.Anything)
		time.Sleep(time.Minute)
		if !strings.Contains(w.Told(), "give one another name") || !w.Has("a", "four") {
			t.Errorf("a name twice:\n%s", w.Told())
		}
	})
}

func TestDrift(t *testing.T) {
	for _, apply := range []bool{false, true} {
		t.Run(fmt.Sprintf("apply=%t", apply), func(t *testing.T) {
			start(t, true, func(w *watchtest.World) { // the cluster is made first
				w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
				w.Within(5*time.Minute, "formed", w.At("db", watch.InSync, "1"))
				second := w.Next(apply)
				defer second.Stop()
				second.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
				second.Within(time.Minute, "in sync", second.At("db", watch.InSync, "1"))
				time.Sleep(17 * time.Minute)
				second.Drift("db", "drifted")
				second.Within(5*time.Second, "the drift is told", func() bool { return second.Count(watch.Drift)+second.Count(watch.ApplyStarted) == 1 })
				time.Sleep(20 * time.Minute)
				calls := second.Calls()
				switch {
				case !apply && (calls != 0 || !second.Has("db", "drifted") || second.Cluster("db").Phase != watch.Drifted || second.Count(watch.Drift) != 1):
					t.Errorf("report: %d calls\n%+v\n%s", calls, second.Cluster("db"), second.Told())
				case apply && (!second.Has("db", "one") || second.Cluster("db").Phase != watch.InSync):
					t.Errorf("apply: %+v\n%s", second.Cluster("db"), second.Told())
				}
			})
		})
	}
}

func TestTrouble(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		unreadable := errors.New("the secret's file cannot be read")
		w.Refuse("db", unreadable)
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		time.Sleep(10 * time.Minute)
		if c := w.Cluster("db"); c.Phase != watch.Failing || c.Err != unreadable.Error() || w.Count(watch.LookFailed) != 1 {
			t.Errorf("%+v\n%s", c, w.Told())
		}
		w.Refuse("db", nil)
		w.Within(10*time.Minute, "it is well again", w.At("db", watch.InSync, "1"))
		if w.Count(watch.LookBack) != 1 {
			t.Errorf("nobody tells that it is well again:\n%s", w.Told())
		}
		// A step that always fails is tried three times, and again once something is different.
		c := w.Clusters["db"]
		c.SetFaults(&sim.Fault{Command: "cibadmin --patch", Times: 1000, Effect: sim.Fails})
		w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+watchtest.Anything)
		time.Sleep(5 * time.Hour)
		if n := w.Count(watch.ApplyFailed); n != 3 || !strings.Contains(w.Cluster("db").Verdict.Why, "failed 3 times") {
			t.Errorf("failed %d times: %+v\n%s", n, w.Cluster("db"), w.Told())
		}
		w.Says("3", "c.yaml", watchtest.Cluster("db", "three")+watchtest.Anything)
		time.Sleep(time.Hour)
		if n := w.Count(watch.ApplyFailed); n != 6 {
			t.Errorf("another revision: failed %d times:\n%s", n, w.Told())
		}
	})
}

// A controller that is asked to end finishes the step that runs, and the next one finishes the rest.
func TestDrain(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		w.Within(5*time.Minute, "the first step", func() bool { return w.Count(watch.ApplyStep) > 3 })
		w.Stop()
		if slices.ContainsFunc(w.Loop.State().Clusters, func(c watch.Cluster) bool { return c.Phase == watch.InSync }) {
			t.Fatal("nothing was left to do: the test shows nothing")
		}
		next := w.Next(true)
		defer next.Stop()
		next.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		next.Within(5*time.Minute, "the rest", next.At("db", watch.InSync, "1"))
	})
}

// A cluster that leaves the source is finished with before it is begun with anew, and nothing that was counted of it stays.
func TestLeaves(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		both := []string{"db/c.yaml", watchtest.Cluster("db", "one"), "web/c.yaml", watchtest.Cluster("web", "one"), "policy.yaml", watchtest.Anything}
		w.Says("1", both...)
		w.Within(5*time.Minute, "a change runs", func() bool { return w.Cluster("db").Phase == watch.Applying })
		for i := range 5 { // it leaves, and comes back
			w.Says(fmt.Sprint("without", i), both[2:]...)
			w.Says(fmt.Sprint("with", i), both...)
		}
		w.Within(5*time.Minute, "the change", w.At("db", watch.InSync, "with4"))
		if w.Count(watch.ApplyFailed) != 0 {
			t.Errorf("two changes at a time:\n%s", w.Told())
		}
		w.Within(5*time.Minute, "the other one", w.At("web", watch.InSync, "with4"))
		w.Says("end", both[2:]...)
		time.Sleep(time.Minute)
		c := w.Loop.Counts()
		for _, counts := range []map[watch.Count]int{c.Looks, c.Away, c.Applies, c.Steps} {
			for k := range counts {
				if k.Cluster != "web" {
					t.Errorf("%+v was counted", k)
				}
			}
		}
		if len(c.Applying) != 1 || c.Looks[watch.Count{Cluster: "web", What: "ok"}] == 0 {
			t.Errorf("%+v", c)
		}
	})
}

// However much is wrong, what is told and kept of it has an end.
func TestLongErrors(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		w.Says("1", "a/c.yaml", watchtest.Cluster("a", "one"), "b/c.yaml", watchtest.Cluster("b", "one"))
		rubbish := strings.Repeat("x: \xff\n---\n", 10) + strings.Repeat("apiVersion: hactl/v1\nkind: Résource\nmetadata: {nàme: é}\n---\n", 900)
		w.Refuse("a", errors.New(strings.Repeat("é\n", 1<<20)))
		for i := range 5 {
			w.Says(fmt.Sprint("2", i), "a/c.yaml", watchtest.Cluster("a", "one"), "b/c.yaml", rubbish[i:])
			w.Says(fmt.Sprint("3", i), "c.yaml", rubbish[i:])
		}
		time.Sleep(20 * time.Minute)
		b, err := json.Marshal(w.Loop.State())
		if err != nil {
			t.Fatal(err)
		}
		if told := w.Told(); len(b) > 200<<10 || len(told) > 200<<10 || !utf8.Valid(b) || !utf8.ValidString(told) || !strings.Contains(told, "bytes more") {
			t.Errorf("a state of %d bytes, events of %d", len(b), len(told))
		}
	})
}

func TestSummary(t *testing.T) {
	p := &reconcile.Plan{}
	if s := watch.Summary(p); s != "0 to do" {
		t.Error(s)
	}
	for i := range 100_000 { // two changes of each object
		o := reconcile.Ref{Kind: "Resource", Name: fmt.Sprint("r", i/2)}
		p.Steps = append(p.Steps, reconcile.PlannedStep{Step: reconcile.Step{Changes: []reconcile.Change{{Object: o, Action: reconcile.Update}}}})
	}
	begun := time.Now()
	if s := watch.Summary(p); s != "50000 to do: update Resource/r0, update Resource/r1, update Resource/r2, update Resource/r3, update Resource/r4 and 49995 more" {
		t.Error(s)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	p.Steps = p.Steps[:3]
	if s := watch.Summary(p); s != "2 to do: update Resource/r0, update Resource/r1" {
		t.Error(s)
	}
}

package watch_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

const stopping = "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: all}\nspec: {unattended: redundancy, hold: [], rollout: {stopOnFailure: true}}\n"

// A rollout that has stopped goes on neither with a new controller nor with a revision that concerns others.
func TestRolloutStaysStopped(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		says := func(id, a, b string) {
			w.Says(id, "a/c.yaml", watchtest.Cluster("a", a), "b/c.yaml", watchtest.Cluster("b", b), "policy.yaml", stopping)
		}
		says("1", "one", "one")
		w.Within(5*time.Minute, "a", w.At("a", watch.InSync, "1"))
		w.Within(5*time.Minute, "b", w.At("b", watch.InSync, "1"))
		breaks(w, "b", 0)
		says("2", "one", "two")
		w.Within(time.Minute, "b fails", func() bool { return w.Count(watch.ApplyFailed) > 0 })
		stays := func(what, why string) {
			t.Helper()
			time.Sleep(time.Hour)
			if c := w.Cluster("a"); w.Has("a", "three") || !strings.Contains(c.Verdict.Why, why) {
				t.Errorf("%s: %+v\n%s", what, c.Verdict, w.Told())
			}
		}
		says("3", "three", "two")
		stays("a revision that concerns others", "the rollout has stopped: b failed")
		w = w.Next(true)
		says("3", "three", "two")
		stays("a new controller", "the rollout has stopped: b failed")
		w.Stop()
		for _, n := range []string{"n1", "n2"} {
			w.Clusters["b"].Node(n).SetDown(true)
		}
		w = w.Next(true)
		says("3", "three", "two")
		stays("a new controller that cannot see b", "whether b did is not known: no machine can be reached")
		for _, n := range []string{"n1", "n2"} {
			w.Clusters["b"].Node(n).SetDown(false)
		}
		mend(w, "b")
		says("4", "three", "mended")
		w.Within(10*time.Minute, "b is mended", w.At("b", watch.InSync, "4"))
		w.Within(time.Minute, "a goes on", w.At("a", watch.InSync, "4"))
	})
}

// A cluster that has its turn and cannot be looked at any more does not keep it.
func TestTurnIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := strings.Replace(stopping, "stopOnFailure", "oneAtATime", 1)
		w := watchtest.Begin(t, true, nil)
		says := func(id, fake string) {
			var files []string
			for _, name := range []string{"a", "b", "c"} {
				files = append(files, name+"/c.yaml", watchtest.Cluster(name, fake))
			}
			w.Says(id, append(files, "policy.yaml", one)...)
		}
		says("1", "one")
		for _, name := range []string{"a", "b", "c"} {
			w.Within(20*time.Minute, name, w.At(name, watch.InSync, "1"))
		}
		var first string
		w.Locking = func(name string) {
			if first == "" {
				first = name
				time.Sleep(time.Minute)                         // the others are ready
				for _, other := range []string{"a", "b", "c"} { // the next one by name goes away while it waits
					if other != name {
						for _, n := range []string{"n1", "n2"} {
							w.Clusters[other].Node(n).SetDown(true)
						}
						break
					}
				}
			}
		}
		time.Sleep(time.Minute)
		says("2", "two")
		w.Within(30*time.Minute, "all but one", func() bool {
			n := 0
			for _, name := range []string{"a", "b", "c"} {
				if w.At(name, watch.InSync, "2")() {
					n++
				}
			}
			return n == 2
		})
	})
}

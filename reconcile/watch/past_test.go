package watch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/policy"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// breaks has all changes of a cluster's configuration fail after some.
func breaks(w *watchtest.World, cluster string, after int) {
	w.Clusters[cluster].SetFaults(&sim.Fault{Command: "cibadmin --patch", After: after, Times: 1 << 30, Effect: sim.Fails})
}

func mend(w *watchtest.World, cluster string) { w.Clusters[cluster].SetFaults() }

// patches counts how often somebody tried to change a cluster's configuration.
func patches(w *watchtest.World, cluster string) (n int) {
	for _, line := range w.Clusters[cluster].Log() {
		if strings.Contains(line, "cibadmin --patch") {
			n++
		}
	}
	return n
}

// A controller that is started again and again does not try more often than one that runs on, and forgets no failure.
func TestRestart(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		w.Within(5*time.Minute, "formed", w.At("db", watch.InSync, "1"))
		breaks(w, "db", 0)
		before, begun := patches(w, "db"), time.Now()
		for i := range 20 {
			w = w.Next(true)
			w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+watchtest.Anything)
			time.Sleep(3 * time.Second)
			if n := patches(w, "db") - before; time.Since(begun) < 10*time.Second && n > 1 {
				t.Errorf("tried %d times within %v", n, time.Since(begun))
			}
			if c := w.Cluster("db"); i > 10 && (c.Phase != watch.Failing || c.Failed == "" || c.Err != c.Failed) {
				t.Errorf("after start %d: %+v", i, c)
			}
		}
		time.Sleep(5 * time.Hour)
		if n := patches(w, "db") - before; n != 3 || !strings.Contains(w.Cluster("db").Verdict.Why, "failed 3 times") || w.Cluster("db").Verdict.For != policy.ForRetry {
			t.Errorf("tried %d times: %+v\n%s", n, w.Cluster("db").Verdict, w.Told())
		}
		// Another revision with the same manifests is nothing new to the cluster.
		w.Says("3", "c.yaml", watchtest.Cluster("db", "two")+watchtest.Anything, "README.md", "")
		time.Sleep(time.Hour)
		if n := patches(w, "db") - before; n != 3 {
			t.Errorf("another revision with the same manifests: tried %d times", n)
		}
		// Somebody who approves the plan wants it tried, once.
		breaks(w, "db", 1)
		w.Approve("c.yaml", watchtest.Cluster("db", "two"))
		tried := patches(w, "db")
		time.Sleep(time.Hour)
		if n := patches(w, "db") - tried; n < 1 || n > 3 {
			t.Errorf("approved: tried %d times\n%s", n, w.Told())
		}
		mend(w, "db")
		w.Says("4", "c.yaml", watchtest.Cluster("db", "four")+watchtest.Anything)
		w.Within(5*time.Minute, "other manifests", w.At("db", watch.InSync, "4"))
		if c := w.Cluster("db"); c.Failed != "" {
			t.Errorf("%+v", c)
		}
		w.Says("5", "c.yaml", watchtest.Cluster("db", "two")+watchtest.Anything)
		w.Within(5*time.Minute, "what failed before, after a success", w.At("db", watch.InSync, "5"))
	})
}

// What failed counts until the cluster is as wanted, however it came to be so.
func TestForget(t *testing.T) {
	for _, restart := range []bool{false, true} {
		start(t, true, func(w *watchtest.World) {
			w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
			w.Within(5*time.Minute, "formed", w.At("db", watch.InSync, "1"))
			breaks(w, "db", 0)
			w.Drift("db", "by hand")
			w.Within(time.Hour, "it fails for good", func() bool { return strings.Contains(w.Cluster("db").Verdict.Why, "failed 3 times") })
			mend(w, "db")
			w.Drift("db", "one")
			w.Within(10*time.Minute, "somebody mends it", w.At("db", watch.InSync, "1"))
			if restart {
				w = w.Next(true)
				w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
				w.Within(time.Minute, "in sync", w.At("db", watch.InSync, "1"))
			}
			w.Drift("db", "by hand")
			w.Within(time.Minute, "it is tried again", func() bool { return w.Has("db", "one") })
		})
	}
}

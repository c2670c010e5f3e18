package watch_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// A lock that somebody else has is waited for as long as it takes, and no failure of the change.
func TestLocked(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+stopping)
		w.Within(5*time.Minute, "formed", w.At("db", watch.InSync, "1"))
		other, applies := w.Clusters["db"].Client(), w.Count(watch.ApplyStarted)
		lock, err := other.Lock(t.Context(), other.Hosts(), reconcile.Holder{Who: "ann@laptop"})
		if err != nil {
			t.Fatal(err)
		}
		w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+stopping)
		time.Sleep(3 * time.Hour)
		if c := w.Cluster("db"); c.Phase != watch.Pending || !strings.Contains(c.Verdict.Why, "ann@laptop") || c.Failed != "" || len(c.Applies) != 1 || w.Count(watch.ApplyFailed) != 0 || w.Count(watch.Waiting) != 1 || w.Count(watch.ApplyStarted) != applies+1 {
			t.Errorf("%+v\n%s", c, w.Told())
		}
		lock.Release()
		w.Within(10*time.Minute, "in sync", w.At("db", watch.InSync, "2"))
	})
}

// What is decided under the lock counts: the policy, and how the cluster is by then.
func TestDecidedUnderTheLock(t *testing.T) {
	const reloads = "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: all}\nspec: {unattended: redundancy%s}\n"
	for name, c := range map[string]struct {
		then func(w *watchtest.World)
		why  string
	}{
		"it is in trouble": {func(w *watchtest.World) {
			w.Health = func(string) []reconcile.Health {
				return []reconcile.Health{{Object: reconcile.Ref{Kind: "DRBDResource", Name: "r0"}, Level: reconcile.Degraded, Text: "not connected"}}
			}
		}, "not connected"},
		"the policy is suspended": {func(w *watchtest.World) {
			w.Says("3", "c.yaml", watchtest.Cluster("db", "two")+fmt.Sprintf(reloads, ", suspend: true"))
		}, "suspended"},
		"the plan is another one": {func(w *watchtest.World) {
			w.Drift("db", "three")
			w.Says("3", "c.yaml", watchtest.Cluster("db", "two")+fmt.Sprintf(reloads, ", suspend: true"))
		}, "suspended"},
		"the window is over": {func(w *watchtest.World) { w.Jump(24 * time.Hour) }, "waits for the window"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calm := func(string) []reconcile.Health { return nil }
				w := watchtest.Begin(t, true, func(w *watchtest.World) { w.Health = calm })
				w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
				w.Within(5*time.Minute, "formed", w.At("db", watch.InSync, "1"))
				tried := patches(w, "db")
				w.Locking = func(string) {
					w.Locking = nil
					c.then(w)
				}
				spec := fmt.Sprintf(reloads, "")
				if name == "the window is over" {
					spec = strings.Replace(spec, "unattended: redundancy", `unattended: safe, windows: [{schedule: "0 0 1 1 *", duration: 12h, unattended: redundancy}]`, 1)
				}
				w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+spec)
				time.Sleep(time.Hour)
				if v := w.Cluster("db").Verdict; w.Locking != nil || !strings.Contains(v.Why, c.why) || patches(w, "db") != tried || w.Count(watch.ApplyFailed) != 0 {
					t.Errorf("%+v\n%s", v, w.Told())
				}
			})
		})
	}
}

// An apply that hangs is ended, and says so.
func TestApplyLimit(t *testing.T) {
	start(t, true, func(w *watchtest.World) {
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		w.Within(5*time.Minute, "formed", w.At("db", watch.InSync, "1"))
		w.Locking = func(string) {
			w.Locking = nil
			w.Looking = func(string) {
				w.Looking = nil
				time.Sleep(3 * time.Hour)
			}
		}
		w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+watchtest.Anything)
		w.Within(4*time.Hour, "it is ended", func() bool { return w.Count(watch.ApplyFailed) > 0 })
		if !strings.Contains(w.Told(), "it took longer than 2h0m0s and was cancelled") {
			t.Errorf("%s", w.Told())
		}
		w.Within(time.Minute, "the next one", w.At("db", watch.InSync, "2"))
	})
}

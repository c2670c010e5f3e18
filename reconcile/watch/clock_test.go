package watch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/policy"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// nightly allows nothing but from two to three o'clock (UTC).
const nightly = "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: night}\n" +
	"spec: {unattended: safe, hold: [], windows: [{schedule: \"0 2 * * *\", duration: 1h, unattended: redundancy}]}\n"

// A clock that jumps is believed within an interval, whatever was waited for.
func TestClockJumps(t *testing.T) {
	start(t, true, func(w *watchtest.World) { // at midnight
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		w.Within(5*time.Minute, "formed", w.At("db", watch.InSync, "1"))
		time.Sleep(time.Hour)

		looked := func(what string) {
			t.Helper()
			before := w.Loop.Counts().Looks[watch.Count{Cluster: "db", What: "ok"}]
			time.Sleep(time.Hour)
			if n := w.Loop.Counts().Looks[watch.Count{Cluster: "db", What: "ok"}] - before; n < 10 || n > 20 {
				t.Errorf("%s: %d looks in an hour", what, n)
			}
		}
		w.Jump(24 * time.Hour)
		looked("forward")
		w.Jump(-2 * time.Hour)
		looked("back")

		// It is one o'clock.
		w.Says("2", "c.yaml", watchtest.Cluster("db", "two")+nightly)
		w.Within(time.Minute, "it waits for the window", func() bool { return w.Cluster("db").Verdict.For == policy.ForWindow })
		w.Jump(25 * time.Hour)
		w.Within(6*time.Minute, "a jump into the next window", w.At("db", watch.InSync, "2"))
		w.Jump(time.Hour)
		w.Says("3", "c.yaml", watchtest.Cluster("db", "three")+nightly)
		w.Within(time.Minute, "the window is over", func() bool { return w.Cluster("db").Verdict.For == policy.ForWindow })
		w.Jump(-time.Hour)
		w.Within(6*time.Minute, "a jump back into it", w.At("db", watch.InSync, "3"))

		// Failures, by this process and by one before.
		breaks(w, "db", 0)
		tried := patches(w, "db")
		w.Says("4", "c.yaml", watchtest.Cluster("db", "four")+watchtest.Anything)
		w.Within(time.Minute, "a failure", func() bool { return patches(w, "db") == tried+1 })
		w.Jump(-time.Hour)
		w.Within(6*time.Minute, "another try after a jump back", func() bool { return patches(w, "db") == tried+2 })
		w = w.Next(true)
		w.Jump(-48 * time.Hour)
		w.Says("4", "c.yaml", watchtest.Cluster("db", "four")+watchtest.Anything)
		w.Within(6*time.Minute, "the third", func() bool { return patches(w, "db") == tried+3 })
		for _, d := range []time.Duration{24 * time.Hour, -time.Hour, 240 * time.Hour, -240 * time.Hour} {
			w.Jump(d)
			time.Sleep(time.Hour)
		}
		if n := patches(w, "db") - tried; n != 3 {
			t.Errorf("tried %d times", n)
		}
		mend(w, "db")
		w.Says("5", "c.yaml", watchtest.Cluster("db", "five")+watchtest.Anything)
		w.Within(6*time.Minute, "it goes on", w.At("db", watch.InSync, "5"))
	})
}

// Where a cluster changes all the time, it is looked at for half of the time at most.
func TestNoiseIsNoLoad(t *testing.T) {
	const took = 5 * time.Second
	start(t, false, func(w *watchtest.World) {
		first := w.Next(true)
		first.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		first.Within(5*time.Minute, "formed", first.At("db", watch.InSync, "1"))
		w = first.Next(false)
		w.Looking = func(string) { time.Sleep(took) }
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
		w.Within(time.Minute, "in sync", w.At("db", watch.InSync, "1"))
		time.Sleep(time.Minute)
		ok := watch.Count{Cluster: "db", What: "ok"}
		before := w.Loop.Counts().Looks[ok]
		for i := range 600 {
			w.Drift("db", strings.Repeat("x", i%7+1))
			time.Sleep(time.Second)
		}
		if n := w.Loop.Counts().Looks[ok] - before; n < 30 || n > 62 {
			t.Errorf("%d looks of %v each in ten minutes", n, took)
		}
	})
}

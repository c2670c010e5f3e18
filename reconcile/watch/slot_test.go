package watch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// Clusters that hang, when they are looked at or while they are changed, keep nobody else waiting, though they are more than there are slots.
func TestHangingClusters(t *testing.T) {
	const slots, well, hanging = 4, 3, 9
	synctest.Test(t, func(t *testing.T) {
		w := watchtest.Begin(t, true, func(w *watchtest.World) { w.Loop.AtOnce = slots })
		says := func(id, fake string) {
			var files []string
			for i := range well {
				name := fmt.Sprint("well", i)
				files = append(files, name+"/c.yaml", watchtest.Cluster(name, fake))
			}
			for i := range hanging {
				name := fmt.Sprint("hangs", i)
				files = append(files, name+"/c.yaml", watchtest.Cluster(name, fake))
			}
			w.Says(id, append(files, "policy.yaml", watchtest.Anything)...)
		}
		all := func(revision string, names string, n int) func() bool {
			return func() bool {
				for i := range n {
					if !w.At(fmt.Sprint(names, i), watch.InSync, revision)() {
						return false
					}
				}
				return true
			}
		}
		says("1", "one")
		w.Within(2*time.Hour, "all are formed", func() bool { return all("1", "well", well)() && all("1", "hangs", hanging)() })
		for i := range hanging {
			f := &sim.Fault{Times: 1 << 30, Effect: sim.Hangs, Command: "cibadmin --patch"}
			if i%2 == 0 {
				f.Command = "crm_mon"
			}
			w.Clusters[fmt.Sprint("hangs", i)].SetFaults(f)
		}
		time.Sleep(10 * time.Minute) // those that hang are looked at
		for i := range 2 {
			revision, begun := fmt.Sprint("next", i), time.Now()
			says(revision, revision)
			w.Within(3*time.Minute, "the others", all(revision, "well", well))
			t.Logf("the others took %v", time.Since(begun).Round(time.Second))
			time.Sleep(7 * time.Minute)
		}
	})
}

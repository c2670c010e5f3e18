package watch_test

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// TestFleet measures what a round of looks at hundreds of simulated clusters costs, and how that grows with their number. Waits take no time in the
// bubble, so what is measured is the processor's time. With HACTL_FLEET=1 it is 300 clusters, and the growth is judged.
func TestFleet(t *testing.T) {
	sizes := []int{5, 10, 20}
	whole := os.Getenv("HACTL_FLEET") != ""
	if whole {
		sizes = []int{75, 150, 300}
	}
	seconds, bytes := make([]float64, len(sizes)), make([]float64, len(sizes))
	for i, n := range sizes {
		start(t, true, func(w *watchtest.World) {
			seconds[i], bytes[i] = cost(w, n)
		})
		t.Logf("%3d clusters: a round takes %.2f s of a processor (%.1f ms a cluster), %.1f MiB of heap (%.0f KiB a cluster, the simulated nodes included)",
			n, seconds[i], 1000*seconds[i]/float64(n), bytes[i]/(1<<20), bytes[i]/1024/float64(n))
	}
	e, m := exponent(sizes, seconds), exponent(sizes, bytes)
	t.Logf("growth: time n^%.2f, memory n^%.2f (goal 1.15)", e, m)
	if whole && (e > 1.15 || m > 1.15) {
		t.Errorf("a round grows with n^%.2f in time and n^%.2f in memory, more than the goal of 1.15", e, m)
	}
}

// cost forms n clusters and measures a round of looks at all of them, the best of three, and the heap after it.
func cost(w *watchtest.World, n int) (seconds, bytes float64) {
	var files []string
	for i := range n {
		name := fmt.Sprintf("c%03d", i)
		files = append(files, name+"/c.yaml", watchtest.Cluster(name, "one"))
	}
	w.Says("1", append(files, "policy.yaml", watchtest.Anything)...)
	all := func(so func(watch.Cluster) bool) func() bool {
		return func() bool {
			cs := w.Loop.State().Clusters
			for _, c := range cs {
				if !so(c) {
					return false
				}
			}
			return len(cs) == n
		}
	}
	w.Within(2*time.Hour, "all in sync", all(func(c watch.Cluster) bool { return c.Phase == watch.InSync }))
	time.Sleep(time.Minute)
	seconds = math.Inf(1)
	for range 3 {
		begun, from := time.Now(), processor()
		for _, c := range w.Loop.State().Clusters {
			w.Loop.Poke(c.Name)
		}
		w.Within(time.Hour, "a round", all(func(c watch.Cluster) bool { return c.Looked.After(begun) && c.Phase == watch.InSync }))
		seconds = min(seconds, processor()-from)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return seconds, float64(m.HeapAlloc)
}

// processor is the time that this process has had of the processors, in seconds.
func processor() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return math.NaN()
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// exponent is that of the power law through the points.
func exponent(n []int, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i := range n {
		x, v := math.Log(float64(n[i])), math.Log(y[i])
		sx, sy, sxx, sxy = sx+x, sy+v, sxx+x*x, sxy+x*v
	}
	k := float64(len(n))
	return (k*sxy - sx*sy) / (k*sxx - sx*sx)
}

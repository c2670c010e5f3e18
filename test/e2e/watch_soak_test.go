package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestWatchSoak lets a watch live through random commits, drift, cut networks and SIGKILLs. At the end the cluster is as the repository says, and the
// process has not grown. HACTL_SOAK is how long, by default two minutes of
// what is always the same; HACTL_SOAK_SEED repeats a longer run.
func TestWatchSoak(t *testing.T) {
	t.Parallel()
	limit := 2 * time.Minute
	if s := os.Getenv("HACTL_SOAK"); s != "" {
		var err error
		if limit, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(1795196636509177685) // a short run is always the same
	if os.Getenv("HACTL_SOAK") != "" {
		seed = uint64(time.Now().UnixNano())
	}
	if s := os.Getenv("HACTL_SOAK_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HACTL_SOAK_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	l := lab.Up(t, 4)
	o := repository(t, l, "node4")
	o.write("cluster.yaml", watchedCluster+unmonitored("A", "one"))
	o.write("policy.yaml", policyText("interval: 10s, unattended: outage, hold: [], prune: true"))
	apply(t, l, "-f", o.dir)
	o.push("the first")
	args := []string{"--git", o.url, "--ssh-key", filepath.Join(l.Home, ".ssh/id_ed25519"), "--known-hosts", filepath.Join(l.Home, ".ssh/known_hosts"),
		"--interval", "1s", "--state-dir", t.TempDir(), "--mode", "apply"}
	w := watching(t, l, args...)
	last := o.push("the second")
	w.reaches("in-sync", last, time.Minute)

	done := map[string]int{}
	trouble := func(kinds ...string) {
		for end := time.Now().Add(limit / 2); time.Now().Before(end); time.Sleep(time.Duration(r.IntN(4000)) * time.Millisecond) {
			node := fmt.Sprintf("node%d", 1+r.IntN(3))
			what := kinds[r.IntN(len(kinds))]
			done[what]++
			switch what {
			case "commit":
				name := fmt.Sprintf("R%d", r.IntN(5))
				path := name + ".yaml"
				if _, err := os.Stat(filepath.Join(o.dir, path)); err == nil && r.IntN(3) == 0 {
					if err := os.Remove(filepath.Join(o.dir, path)); err != nil {
						t.Fatal(err)
					}
				} else {
					o.write(path, unmonitored(name, strconv.Itoa(r.IntN(100))))
				}
				last = o.push("soak")
			case "drift": // it may fail while the node has no quorum
				_, _ = l.Exec(node, "crm_attribute", "--type", "rsc_defaults", "--name", "resource-stickiness", "--update", strconv.Itoa(r.IntN(90)))
			case "cut":
				l.Partition(node, "lan")
				time.Sleep(time.Duration(1+r.IntN(5)) * time.Second)
				l.Heal(node)
			case "kill":
				w.signal(syscall.SIGKILL)
				w = watching(t, l, args...)
			}
		}
		w.reaches("in-sync", last, 3*time.Minute)
		converged(t, l, "-f", o.dir, "--prune")
	}
	trouble("commit", "commit", "commit", "drift", "drift", "cut", "kill")
	// The second half is one process's: what it has behind it must leave nothing. Both sizes are taken after some work.
	for i := range 3 {
		o.write("A.yaml", unmonitored("Z", strconv.Itoa(i)))
		last = o.push("grow")
		w.reaches("in-sync", last, time.Minute)
	}
	time.Sleep(3 * time.Second)
	before := w.size()
	trouble("commit", "commit", "commit", "drift", "drift", "cut")
	time.Sleep(3 * time.Second)
	after := w.size()
	t.Logf("done: %v; goroutines %v, then %v; descriptors %v, then %v; resident MiB %.0f, then %.0f", done, before["go_goroutines"], after["go_goroutines"],
		before["process_open_fds"], after["process_open_fds"], before["process_resident_memory_bytes"]/(1<<20), after["process_resident_memory_bytes"]/(1<<20))
	for name, more := range map[string]float64{"go_goroutines": 8, "process_open_fds": 6, "process_resident_memory_bytes": 64 << 20} {
		if after[name] > before[name]+more {
			t.Errorf("%s has grown from %.0f to %.0f", name, before[name], after[name])
		}
	}
}

// unmonitored is a service that needs no time to settle.
func unmonitored(name, fake string) string {
	return strings.Replace(fakeService(name, fake), ", operations: [{name: monitor, interval: 10s}]", "", 1)
}

// size is what the process needs, from its metrics.
func (w *watcher) size() map[string]float64 {
	w.t.Helper()
	_, body, err := w.l.HTTPGet("http://127.0.0.1:9440/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]float64{}
	for line := range strings.Lines(body) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(name, "#") {
			out[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return out
}

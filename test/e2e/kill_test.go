package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// killSeed makes the same moments each time. Where an apply is then differs from run to run.
const killSeed = 8

// bareLength is about what an apply to bare nodes takes where nothing else runs.
const bareLength = 8 * time.Second

// moments are n random delays spread over a length: one in each nth of it.
func moments(rng *rand.Rand, n int, length time.Duration) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration((float64(i) + rng.Float64()) / float64(n) * float64(length)).Round(10 * time.Millisecond)
	}
	rng.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// killedAfter runs an apply, ends it with SIGKILL after that time, and gives what it had last told; "" if it was done by then.
func killedAfter(t *testing.T, l *lab.Lab, after time.Duration, args ...string) string {
	t.Helper()
	c := l.HactlCmd(append([]string{"apply"}, args...)...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	defer kill.Stop()
	if err := c.Wait(); err == nil {
		return ""
	} else if c.ProcessState.ExitCode() != -1 {
		t.Fatalf("an apply that was to be killed after %s failed: %v\n%s", after, err, stderr.String())
	}
	last := strings.TrimSpace(stderr.String())
	if last == "" {
		return "(nothing yet)"
	}
	return strings.Join(strings.Fields(last[strings.LastIndexByte(last, '\n')+1:]), " ")
}

// nothingLeft fails the test where a node still has something of an apply that is over: temporary files, a lock, a timer, a mark in the CIB.
func nothingLeft(t *testing.T, l *lab.Lab) {
	t.Helper()
	// hactl's own records stay: the two files that are locked, the history and the checkpoints, and PARAM.hactl beside each secret.
	const look = `find /run /etc /var/lib /var/log /var/tmp /tmp /dev/shm /root /usr/sbin -xdev \( -name 'hactl[.-]*' -o -name '.hactl*' -o -name '*hactl' -o -path '*/hactl/*.new.*' \
		-o -path '*/hactl/history.*' -o -path '*/hactl/confirm/*' \) ! -path /run/hactl.lock ! -path /run/hactl.busy ! -path '/var/lib/pacemaker/lrm/secrets/*/*.hactl' ! -path /var/lib/hactl
	[ ! -s /run/hactl.lock ] || { echo -n 'holder: '; cat /run/hactl.lock; }
	for f in lock busy; do flock -n /run/hactl.$f true || echo "$f is held"; done
	systemctl list-units --all --plain --no-legend 'hactl-*' | cut -d ' ' -f 1
	cibadmin -Q -l | grep -o -e 'id="hactl-\(stop\|order\|seed\)[^"]*"' -e 'value="\(pending\|undoing\) [^"]*"' -e 'dc-deadtime'`
	var wg sync.WaitGroup
	for _, n := range l.Nodes() {
		wg.Go(func() {
			var left string
			for range 10 { // a command that the kill left running may just be ending
				if left, _ = l.Exec(n.Name, "sh", "-c", look); left == "" {
					return
				}
				time.Sleep(200 * time.Millisecond)
			}
			t.Errorf("%s: left behind:\n%s", n.Name, left)
		})
	}
	wg.Wait()
}

// A SIGKILL at any moment of an apply is mended by the next one: on the way from bare nodes to a cluster, and in changes that delete and regroup.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(killSeed, 0))
	t.Logf("seed %d", killSeed)
	l := lab.Up(t, 3)
	f, less := cibFiles(t, all(l), l.Nodes()[0].BMC.Password), cibFiles(t, less(l), l.Nodes()[0].BMC.Password)
	takes := func(args ...string) time.Duration {
		begun := time.Now()
		apply(t, l, args...)
		return time.Since(begun)
	}
	t.Run("from bare nodes", func(t *testing.T) { // each goes on where the one before was killed
		ms := moments(rng, 5, bareLength)
		slices.Sort(ms)
		for _, after := range ms {
			t.Logf("killed after %s: %s", after, killedAfter(t, l, after, "-f", f))
		}
		apply(t, l, "-f", f)
		nothingLeft(t, l)
		converged(t, l, "-f", f)
	})
	prune := []string{"-f", less, "--prune", "--allow", "outage", "--yes"}
	there, back := takes(prune...), takes("-f", f, "--yes")
	backs := moments(rng, 3, back)
	for i, after := range moments(rng, 3, there) {
		t.Run(fmt.Sprintf("with a deletion, %s", after), func(t *testing.T) {
			t.Logf("killed after %s: %s", after, killedAfter(t, l, after, prune...))
			apply(t, l, prune...)
			nothingLeft(t, l)
			converged(t, l, "-f", less, "--prune")
		})
		t.Run(fmt.Sprintf("with a group, %s", backs[i]), func(t *testing.T) {
			t.Logf("killed after %s: %s", backs[i], killedAfter(t, l, backs[i], "-f", f, "--yes"))
			apply(t, l, "-f", f, "--yes")
			nothingLeft(t, l)
			converged(t, l, "-f", f)
		})
	}
}

// all has something of each layer: a file, secrets, a group, a clone, what depends on it.
func all(l *lab.Lab) string {
	base := strings.Replace(cibBase(l), "startAtBoot: true", "startAtBoot: true, files: [{path: /etc/killed.conf, content: hello}]", 1)
	return base + dummy("Keep", "fake: k") + strings.Replace(dummy("C", "fake: c"), "  operations", "  clone: {}\n  operations", 1) + groupOf("g1", "g2", "g3") +
		constraint("c-then-keep", "order: {first: C-clone, then: Keep}") + dummy("Gone", "fake: g")
}

// less is all without a clone and a resource, and with another group.
func less(l *lab.Lab) string {
	base, _, _ := strings.Cut(all(l), "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: Keep}")
	return base + dummy("Keep", "fake: changed") + groupOf("g1", "g4", "g3")
}

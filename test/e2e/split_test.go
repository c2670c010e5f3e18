package e2e

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// A member that the others do not see, but that hactl reaches, is a split cluster: it is told, and nothing is written until it is whole again.
func TestSplitClusterIsLeftAlone(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	// Corosync on the ring alone; hactl goes over the lan.
	ring := strings.NewReplacer("[10.77.0.1, 10.78.0.1]", "[10.78.0.1]", "[10.77.0.2, 10.78.0.2]", "[10.78.0.2]",
		"[10.77.0.3, 10.78.0.3]", "[10.78.0.3]").Replace(three)
	f := manifest(t, ring+dummy("d1", "fake: x"))
	apply(t, l, "-f", f)
	next := manifest(t, ring+dummy("d1", "fake: y"))

	l.Partition("node3", "ring")
	eventually(t, 40*time.Second, "the plan tells of the split", func() string {
		out, _ := run(l.HactlCmd("plan", "-f", next))
		if strings.Contains(strings.Join(strings.Fields(out), " "), "not now: ") && strings.Contains(out, "node3") {
			return ""
		}
		return out
	})
	c := l.HactlCmd("apply", "-f", next, "--yes")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * time.Second)
	_ = c.Process.Signal(syscall.SIGINT) // it would wait a minute for the cluster to become whole
	_ = c.Wait()
	if c.ProcessState.ExitCode() != 130 || !strings.Contains(out.String(), "waiting up to") {
		t.Errorf("exit code %d, want 130 and to be told of the wait:\n%s", c.ProcessState.ExitCode(), out.String())
	}
	for _, n := range l.Nodes() {
		if got := l.MustExec(n.Name, "cibadmin", "--query", "--local", "--xpath", "//primitive[@id='d1']"); !strings.Contains(got, `name="fake" value="x"`) {
			t.Errorf("%s: a split cluster was written to:\n%s", n.Name, got)
		}
	}

	l.Heal("node3")
	eventually(t, 60*time.Second, "it is whole again", func() string {
		out, _ := run(l.HactlCmd("plan", "-f", next))
		if strings.Contains(out, "not now") {
			return out
		}
		return ""
	})
	apply(t, l, "-f", next, "--yes")
	converged(t, l, "-f", next)
}

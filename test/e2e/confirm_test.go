package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// memberAway applies a change that waits for confirmation where one member of the cluster takes no connection: that is asked for first. Then hactl is
// killed, and the others take the change back, for that member too.
func memberAway(t *testing.T, l *lab.Lab, config func() string) {
	before := config()
	next := manifest(t, strings.NewReplacer("fake: one", "fake: six", "page one", "page six").Replace(guarded))
	l.MustExec("node3", "systemctl", "stop", "ssh.socket", "ssh.service")
	defer func() {
		l.MustExec("node3", "systemctl", "start", "ssh")
		l.WaitSSH("node3")
	}()
	refused(t, l.HactlCmd("apply", "-f", next, "--yes", "--allow", "adopt", "--allow", "quorum", "--confirm-within", "10s"), "refused, nothing was changed",
		"--allow redundancy", "redundancy: node/node3: cannot be told to take the change back unless it is confirmed")
	if after := config(); after != before {
		t.Errorf("a refused change was made:\n%s", after)
	}

	c := l.HactlCmd("apply", "-f", next, "--yes", "--allow", "adopt", "--allow", "quorum", "--allow", "redundancy", "--confirm-within", "10s")
	out := background(t, c)
	eventually(t, 30*time.Second, "the others are armed", out.says("node1, node2 take the change back at"))
	eventually(t, 30*time.Second, "the change has come to the member", func() string {
		if x := l.MustExec("node3", "cibadmin", "--query", "--local"); !strings.Contains(x, `value="six"`) {
			return "not yet"
		}
		return ""
	})
	_ = c.Process.Kill()
	_ = c.Wait()
	eventually(t, 25*time.Second, "the old configuration is back", wentBack(t, l, config, before))
}

// wentBack is "" once the configuration and the prepared file are as they were, everywhere.
func wentBack(t *testing.T, l *lab.Lab, config func() string, before string) func() string {
	return func() string {
		if now := config(); now != before {
			return now
		}
		for _, n := range l.Nodes() {
			if x := l.MustExec(n.Name, "cat", "/etc/nginx/guarded.conf"); !strings.Contains(x, "page one") {
				return n.Name + " has the new file"
			}
		}
		return ""
	}
}

// cutOff applies a change that waits for confirmation, and while it is watched the operator's network is gone (corosync has the other one). The
// cluster goes back by itself, and hactl tells what is known.
func cutOff(t *testing.T, l *lab.Lab, config func() string) {
	before := config()
	next := manifest(t, strings.NewReplacer("fake: one", "fake: four", "page one", "page two").Replace(guarded))
	c := l.HactlCmd("apply", "-f", next, "--yes", "--allow", "adopt", "--confirm-within", "12s", "--rollback", "--settle", "1h")
	out := background(t, c)
	defer func() { _ = c.Process.Kill() }()
	eventually(t, 30*time.Second, "it watches", out.says("watching for"))
	begun := time.Now()
	for _, n := range l.Nodes() {
		l.Partition(n.Name, "lan")
		defer l.Heal(n.Name)
	}
	if now := config(); !strings.Contains(now, `value="four"`) {
		t.Fatalf("the change is not in the CIB:\n%s", now)
	}
	eventually(t, 25*time.Second, "the old configuration is back", wentBack(t, l, config, before))
	over := time.AfterFunc(60*time.Second, func() { _ = c.Process.Kill() })
	_ = c.Wait()
	over.Stop()
	t.Logf("hactl ended %s after it was cut off:\n%s", time.Since(begun).Round(100*time.Millisecond), out)
	if code := c.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, part := range []string{"nobody can see any more whether the change does harm", "unreachable", "node1, node2, node3 take the change back at", "unless it is confirmed (hactl confirm), the members take the change back at"} {
		if missing := out.says(part)(); missing != "" {
			t.Errorf("the answer does not say %q", part)
		}
	}
}

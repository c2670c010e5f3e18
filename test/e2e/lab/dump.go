package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// dump writes what a failed test's author will ask for first.
func (l *Lab) dump() {
	for _, n := range l.nodes {
		if out, err := l.bounded("power", n.Name, "status"); err != nil || strings.TrimSpace(out) != "on" {
			l.t.Logf("---- %s is off (%v)", n.Name, err)
			continue
		}
		out, err := l.bounded("exec", n.Name, "journalctl", "--no-pager", "-q", "-n", "60", "-o", "short-precise",
			"-u", "corosync", "-u", "pacemaker")
		l.t.Logf("---- %s: journal of corosync and pacemaker (%v)\n%s", n.Name, err, out)
		out, err = l.bounded("exec", n.Name, "systemctl", "--no-pager", "--failed", "--plain", "--no-legend")
		l.t.Logf("---- %s: failed units (%v)\n%s", n.Name, err, out)
	}
	logs, _ := filepath.Glob(filepath.Join(l.Dir, "log", "*.log"))
	for _, f := range logs {
		if b, err := os.ReadFile(f); err == nil && len(b) > 0 {
			l.t.Logf("---- %s\n%s", f, b[max(0, len(b)-4000):])
		}
	}
}

// bounded keeps a node that hangs from hiding why the test failed.
func (l *Lab) bounded(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s := l.script(args...)
	c := exec.CommandContext(ctx, s.Path, args...)
	c.Env, c.WaitDelay = s.Env, time.Second
	out, err := c.CombinedOutput()
	return string(out), err
}

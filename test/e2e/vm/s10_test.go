package vm

import (
	"fmt"
	"strings"
	"testing"
)

// TestS10 is Apache with its pages on a disk from a third machine: reached through the address that moves with it, and started again when
// its status page does not answer.
func TestS10(t *testing.T) {
	l := blank3(t, "192.168.90")
	const url = "http://192.168.90.210/"
	s := service{lab: l, dir: applied(t, l, "s10-apache"), last: "httpd", mount: "/var/www/html",
		write: func(_ *testing.T, node, text string) {
			l.MustExec(node, "sh", "-c", `echo "$0" >/var/www/html/index.html; sync /var/www/html/index.html`, text)
		},
		read: func(t *testing.T, _, text string) { t.Helper(); page(t, l, url, text) },
	}
	on := where(t, l, "node1", s.last)
	if status, _, err := l.HTTPGet(url + "server-status"); err != nil || status != 403 {
		t.Errorf("the status page from outside: status %d (%v), want 403", status, err)
	}

	t.Run("a server that dies", func(t *testing.T) {
		s.write(t, on, "before it died")
		l.MustExec(on, "pkill", "-KILL", "apache2")
		within(t, "the monitor has seen it", func() string { return failures(t, s, on, 1) })
		page(t, l, url, "before it died")
		if now := where(t, l, on, s.last); now != on {
			t.Errorf("it ran on %s and runs on %s", on, now)
		}
		s.converged(t)
	})
	// Its processes and its pid file are there; only the status page tells.
	t.Run("a server that does not answer", func(t *testing.T) {
		l.MustExec(on, "nft", "add table inet deaf; add chain inet deaf in { type filter hook input priority 0; }; "+
			"add rule inet deaf in iif lo tcp dport 80 reject with tcp reset")
		within(t, "the monitor has seen it", func() string { return failures(t, s, on, 2) })
		l.MustExec(on, "nft", "delete table inet deaf")
		within(t, "it runs again", func() string { return elsewhere(t, l, on, s.last, on) })
		page(t, l, url, "before it died")
		l.MustExec(on, "crm_resource", "--cleanup", "--resource", s.last)
	})
	s.failsOver(t)
}

// failures tells what is missing until the service's last resource has failed so often on a node.
func failures(t *testing.T, s service, node string, want int) string {
	t.Helper()
	out, err := s.lab.Exec(node, "crm_failcount", "--query", "--resource", s.last, "--node", node)
	if text := fmt.Sprintf("value=%d", want); err != nil || !strings.Contains(out, text) {
		return fmt.Sprintf("%s (%v), want %s", strings.TrimSpace(out), err, text)
	}
	return ""
}

package vm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestShortS1 is S1 from blank disks to a page, and what becomes of the page and its data when the active node goes to standby and when it
// loses its power. The parts run in order on one lab.
func TestShortS1(t *testing.T) {
	l := lab.UpVMNamed(t, lab.Options{LAN: "192.168.1.0/24",
		Nodes: []string{"node1=192.168.1.11,192.168.91.1,10.79.0.1", "node2=192.168.1.12,192.168.91.2,10.79.0.2"}})
	service{lab: l, dir: applied(t, l, "s1-drbd-web"), last: "WebServer", mount: "/var/www",
		write: func(_ *testing.T, node, text string) {
			l.MustExec(node, "sh", "-c", `mkdir -p /var/www/html; echo "$0" >/var/www/html/index.html; sync`, text)
		},
		read:  func(t *testing.T, _, text string) { t.Helper(); page(t, l, "http://192.168.1.100/", text) },
		ready: func(node string) string { return upToDate(l, node) },
	}.failsOver(t)
}

func upToDate(l *lab.Lab, node string) string {
	out, err := l.Exec(node, "drbdadm", "dstate", "r0")
	if err != nil || strings.TrimSpace(out) != "UpToDate/UpToDate" {
		return fmt.Sprintf("%s (%v)", strings.TrimSpace(out), err)
	}
	return ""
}

// page waits until the page is served.
func page(t *testing.T, l *lab.Lab, url, text string) {
	t.Helper()
	within(t, "the page "+text, func() string {
		status, body, err := l.HTTPGet(url)
		if err != nil {
			return err.Error()
		}
		if status != 200 || !strings.Contains(body, text) {
			return fmt.Sprintf("status %d: %s", status, strings.TrimSpace(body))
		}
		return ""
	})
}

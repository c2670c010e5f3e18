package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// S5, the first half: four bare nodes with two links each.
func TestS5BareNodes(t *testing.T) {
	t.Parallel()
	o := lab.Options{LAN: "192.168.90.0/24", Ring: "192.168.91.0/24", BMC: "192.168.92.0/24"}
	for i := 1; i <= 4; i++ {
		o.Nodes = append(o.Nodes, fmt.Sprintf("node%d=192.168.90.1%d0,192.168.91.1%d0,192.168.92.1%d0", i, i, i, i))
	}
	l := lab.UpNamed(t, o)
	dir := example(t, "s5-bare-nodes")
	apply(t, l, "-f", dir)
	converged(t, l, "-f", dir)
	for _, n := range l.Nodes() {
		links := l.MustExec(n.Name, "corosync-cfgtool", "-s")
		if !strings.Contains(links, "LINK ID 1") || strings.Contains(links, "disconnected") {
			t.Errorf("%s: not all links are connected:\n%s", n.Name, links)
		}
		if out := l.MustExec(n.Name, "systemctl", "is-enabled", "corosync", "pacemaker"); out != "enabled\nenabled\n" {
			t.Errorf("%s: at boot: %q", n.Name, out)
		}
		if out := l.MustExec(n.Name, "getent", "hosts", "node4"); !strings.HasPrefix(out, "192.168.90.140") {
			t.Errorf("%s: node4 resolves to %q", n.Name, out)
		}
		if out := l.MustExec(n.Name, "stat", "-c", "%a %U:%G", "/etc/corosync/authkey", "/etc/pacemaker/authkey"); out != "400 root:root\n640 root:haclient\n" {
			t.Errorf("%s: keys: %q", n.Name, out)
		}
	}
	status, _, code := l.Hactl("status", "-f", dir)
	if code != 0 {
		t.Errorf("status: exit code %d\n%s", code, status)
	}
	// A node that loses power comes back by itself.
	l.MustExec("node1", "stonith_admin", "--reboot", "node3")
	l.WaitSSH("node3")
	eventually(t, 60*time.Second, "node3 is back", func() string {
		out, _ := l.Exec("node1", "crm_mon", "-1")
		if strings.Contains(out, "Online: [ node1 node2 node3 node4 ]") {
			return ""
		}
		return out
	})
	converged(t, l, "-f", dir)
}

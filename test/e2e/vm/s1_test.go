package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestMain gives hactl what the examples' secrets refer to.
func TestMain(m *testing.M) {
	_ = os.Setenv("IPMI_PASSWORD", "secret")
	_ = os.Setenv("DRBD_SECRET", "a secret of r0")
	os.Exit(m.Run())
}

// TestShortS1 is S1 from blank disks to a page, and what becomes of the page and its data when the active node goes to standby and when it
// loses its power. The parts run in order on one lab.
func TestShortS1(t *testing.T) {
	dir, err := filepath.Abs("../../../examples/s1-drbd-web")
	if err != nil {
		t.Fatal(err)
	}
	l := lab.UpVMNamed(t, lab.Options{LAN: "192.168.1.0/24",
		Nodes: []string{"node1=192.168.1.11,192.168.91.1,10.79.0.1", "node2=192.168.1.12,192.168.91.2,10.79.0.2"}})
	begun := time.Now()
	if out, stderr, code := l.Hactl("apply", "-f", dir, "--yes", "--wait"); code != 0 {
		t.Fatalf("apply: exit code %d\n%s%s", code, out, stderr)
	}
	t.Logf("from blank guests to a running group: %s", since(begun))
	if out, stderr, code := l.Hactl("plan", "-f", dir); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Fatalf("the second plan is not empty: exit code %d\n%s%s", code, out, stderr)
	}

	active := where(t, l, "node1", "WebServer")
	// 8 MiB and the page: what was acknowledged must be there wherever the group runs.
	sum := l.MustExec(active, "sh", "-c", "mkdir -p /var/www/html; echo page one > /var/www/html/index.html; "+
		"dd if=/dev/urandom of=/var/www/data bs=1M count=8 status=none; sync; sha256sum /var/www/data")
	page(t, l, "page one")

	t.Run("standby", func(t *testing.T) {
		l.MustExec(active, "crm_standby", "--update", "on")
		other := peer(active)
		within(t, "the group runs on the other node", func() string { return elsewhere(t, l, other, "WebServer", other) })
		page(t, l, "page one")
		if now := l.MustExec(other, "sha256sum", "/var/www/data"); now != sum {
			t.Errorf("the data was %q and is %q", sum, now)
		}
		l.MustExec(active, "crm_standby", "--delete")
		if out, stderr, code := l.Hactl("plan", "-f", dir); code != 0 {
			t.Errorf("hactl wants to undo it: exit code %d\n%s%s", code, out, stderr)
		}
		active = other
	})
	t.Run("power loss", func(t *testing.T) {
		within(t, "both copies are UpToDate", func() string { return upToDate(l, active) })
		l.MustExec(active, "sh", "-c", "echo the last write > /var/www/html/index.html; sync")
		other := peer(active)
		begun := time.Now()
		l.Kill(active)
		within(t, "the group runs on the other node", func() string { return elsewhere(t, l, other, "WebServer", other) })
		page(t, l, "the last write")
		t.Logf("the page is back %s after the power loss", since(begun))
		if out := l.MustExec(other, "stonith_admin", "--history", active); !strings.Contains(out, "reboot") {
			t.Errorf("no fencing in the history:\n%s", out)
		}
		if now := l.MustExec(other, "sha256sum", "/var/www/data"); now != sum {
			t.Errorf("the data was %q and is %q", sum, now)
		}
		l.WaitSSH(active)
		within(t, "both copies are UpToDate again", func() string { return upToDate(l, other) })
		if out, stderr, code := l.Hactl("plan", "-f", dir); code != 0 {
			t.Errorf("the plan after it is not empty: exit code %d\n%s%s", code, out, stderr)
		}
	})
}

func peer(node string) string { return map[string]string{"node1": "node2", "node2": "node1"}[node] }

// within waits as long as emulated machines on a busy one may take.
func within(t *testing.T, what string, check func() string) {
	t.Helper()
	const limit = 5 * time.Minute
	begun := time.Now()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		missing := check()
		if missing == "" {
			t.Logf("%s: after %s", what, since(begun))
			return
		}
		if time.Since(begun) > limit {
			t.Fatalf("%s: not within %s: %s", what, limit, missing)
		}
		<-tick.C
	}
}

// where asks the cluster where a resource runs; "" if nowhere.
func where(t *testing.T, l *lab.Lab, via, resource string) string {
	t.Helper()
	out, err := l.Exec(via, "crm_resource", "--locate", "--resource", resource)
	if err != nil {
		return ""
	}
	_, node, _ := strings.Cut(out, "is running on: ")
	return strings.TrimSpace(node)
}

func elsewhere(t *testing.T, l *lab.Lab, via, resource, want string) string {
	t.Helper()
	if on := where(t, l, via, resource); on != want {
		return fmt.Sprintf("%s runs on %q, want %s", resource, on, want)
	}
	return ""
}

func upToDate(l *lab.Lab, node string) string {
	out, err := l.Exec(node, "drbdadm", "dstate", "r0")
	if err != nil || strings.TrimSpace(out) != "UpToDate/UpToDate" {
		return fmt.Sprintf("%s (%v)", strings.TrimSpace(out), err)
	}
	return ""
}

// page waits until the page is served through the address.
func page(t *testing.T, l *lab.Lab, text string) {
	t.Helper()
	within(t, "the page "+text, func() string {
		status, body, err := l.HTTPGet("http://192.168.1.100/")
		if err != nil {
			return err.Error()
		}
		if status != 200 || !strings.Contains(body, text) {
			return fmt.Sprintf("status %d: %s", status, strings.TrimSpace(body))
		}
		return ""
	})
}

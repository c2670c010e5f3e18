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
	for name, secret := range map[string]string{"IPMI_PASSWORD": "secret", "DRBD_SECRET": "a secret of r0",
		"CHAP_NODE1": "labpass-one-1", "CHAP_NODE2": "labpass-two-2",
		"CHAP_NODE3": "labpass-three-3", "CHAP_NODE4": "labpass-four-4"} {
		_ = os.Setenv(name, secret)
	}
	os.Exit(m.Run())
}

// blank3 gives three bare guests: node1 and node2, to become a cluster, and storage, to serve them disks. They are booted once and restored after
// that. lan is the network's beginning, such as 192.168.90: the nodes are .1 and .2 there and on 192.168.91, storage is .3.
func blank3(t *testing.T, lan string) *lab.Lab {
	t.Helper()
	var nodes []string
	for i, name := range []string{"node1", "node2", "storage"} {
		nodes = append(nodes, fmt.Sprintf("%s=%s.%d,192.168.91.%d,10.79.0.%d", name, lan, i+1, i+1, i+1))
	}
	return lab.FromSnapshot(t, "blank3."+lan, lab.Options{Nodes: nodes, LAN: lan + ".0/24"}, func(*lab.Lab) {})
}

// applied brings an example up from bare guests by one apply, and gives its folder. The plan after it is empty.
func applied(t *testing.T, l *lab.Lab, example string) string {
	t.Helper()
	dir, err := filepath.Abs("../../../examples/" + example)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	out, stderr, code := l.Hactl("apply", "-f", dir, "--yes", "--wait")
	if code != 0 {
		t.Fatalf("apply: exit code %d\n%s%s", code, out, stderr)
	}
	t.Logf("from blank guests to a running group: %s", since(begun))
	if out, stderr, code := l.Hactl("plan", "-f", dir); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Fatalf("the second plan is not empty: exit code %d\n%s%s", code, out, stderr)
	}
	return dir
}

// service is a group with a file system that moves between node1 and node2.
type service struct {
	lab   *lab.Lab
	dir   string // of the manifests
	last  string // the group's last resource: where it runs, all runs
	mount string // of the group's file system
	// write has the service take a text, on the node where it runs, and returns when that was acknowledged. read waits until the service
	// gives the text back. Without them it is a file of the file system.
	write, read func(t *testing.T, node, text string)
	// ready is what is missing before the node that runs the service can lose its power, and after the other one came back; "" if nothing.
	ready func(node string) string
	// returned checks the node that came back, if there is anything to check. Meanwhile the other one runs the service.
	returned func(t *testing.T, node, active string)
}

// failsOver proves that the service keeps its data when its node goes to standby and when it loses its power, that such a node is really
// fenced, and that hactl has nothing to do afterwards.
func (s service) failsOver(t *testing.T) {
	l := s.lab
	if s.write == nil {
		s.write = func(_ *testing.T, node, text string) {
			l.MustExec(node, "sh", "-c", `echo "$1" >"$0"; sync "$0"`, s.mount+"/last", text)
		}
		s.read = func(t *testing.T, node, text string) {
			t.Helper()
			if have := l.MustExec(node, "cat", s.mount+"/last"); have != text+"\n" {
				t.Errorf("the last write was %q, and there is %q", text, have)
			}
		}
	}
	if s.ready == nil {
		s.ready = func(string) string { return "" }
	}
	active := ""
	within(t, "the group runs", func() string { // it may just be recovering from what was tried before
		if active = where(t, l, "node1", s.last); active == "" {
			return s.last + " runs nowhere"
		}
		return ""
	})
	data := s.mount + "/data"
	// 8 MiB beside what the service itself writes: what was acknowledged must be there wherever the group runs.
	sum := l.MustExec(active, "sh", "-c", `dd if=/dev/urandom of="$0" bs=1M count=8 conv=fsync status=none; sha256sum "$0"`, data)
	moved := func(t *testing.T, to, text string) {
		t.Helper()
		within(t, "the group runs on "+to, func() string { return elsewhere(t, l, to, s.last, to) })
		within(t, "the file system is mounted", func() string { // crm_resource names the node while the start still runs
			if _, err := l.Exec(to, "mountpoint", "-q", s.mount); err != nil {
				return s.mount + " is no mount point"
			}
			return ""
		})
		s.read(t, to, text)
		if now := l.MustExec(to, "sha256sum", data); now != sum {
			t.Errorf("the data was %q and is %q", sum, now)
		}
	}
	s.write(t, active, "the first write")
	s.read(t, active, "the first write")

	t.Run("standby", func(t *testing.T) {
		l.MustExec(active, "crm_standby", "--update", "on")
		moved(t, peer(active), "the first write")
		l.MustExec(active, "crm_standby", "--delete")
		active = peer(active)
		s.converged(t)
	})
	t.Run("power loss", func(t *testing.T) {
		within(t, "it can lose a node", func() string { return s.ready(active) })
		s.write(t, active, "the last write")
		lost, other := active, peer(active)
		begun := time.Now()
		l.Kill(lost)
		moved(t, other, "the last write")
		t.Logf("the service is back %s after the power loss", since(begun))
		if out := l.MustExec(other, "stonith_admin", "--history", lost); !strings.Contains(out, "reboot") {
			t.Errorf("no fencing in the history:\n%s", out)
		}
		l.WaitSSH(lost) // the fence device has turned it on again
		online(t, l, other, 2)
		if s.returned != nil {
			s.returned(t, lost, other)
		}
		within(t, "it can lose a node again", func() string { return s.ready(other) })
		s.converged(t)
	})
}

// converged fails when hactl has anything to do.
func (s service) converged(t *testing.T) {
	t.Helper()
	if out, stderr, code := s.lab.Hactl("plan", "-f", s.dir); code != 0 {
		t.Errorf("hactl wants to change something: exit code %d\n%s%s", code, out, stderr)
	}
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

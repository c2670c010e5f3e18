package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// pcsBuilt is a cluster as an operator types it: everything by pcs, with its habits of naming and its advised operations.
var pcsBuilt = []string{
	"pcs host auth node1 node2 node3 -u hacluster -p secret",
	"pcs cluster setup byhand node1 addr=10.77.0.1 addr=10.78.0.1 node2 addr=10.77.0.2 addr=10.78.0.2 node3 addr=10.77.0.3 addr=10.78.0.3 --start --wait=120",
	"pcs property set stonith-enabled=true",
	"pcs stonith create f1 fence_ipmilan ip=10.79.0.1 username=admin password=secret lanplus=1 cipher=3 pcmk_host_list=node1",
	"pcs stonith create f2 fence_ipmilan ip=10.79.0.2 username=admin password=secret lanplus=1 cipher=3 pcmk_host_list=node2",
	"pcs stonith create f3 fence_ipmilan ip=10.79.0.3 username=admin password=secret lanplus=1 cipher=3 pcmk_host_list=node3",
	"pcs constraint location f1 avoids node1",
	"pcs constraint location f2 avoids node2",
	"pcs constraint location f3 avoids node3",
	"pcs stonith level add 1 node1 f1",
	"pcs resource defaults update resource-stickiness=100",
	"pcs resource create vip ocf:heartbeat:IPaddr2 ip=10.77.100.1 cidr_netmask=24 op monitor interval=10s --group web",
	"pcs resource create app ocf:pacemaker:Dummy fake=1 op monitor interval=10s --group web",
	"pcs resource create pingd ocf:pacemaker:Dummy clone interleave=true",
	"pcs resource create db ocf:pacemaker:Stateful promotable promoted-max=1 notify=true",
	"pcs constraint colocation add web with Promoted db-clone INFINITY",
	"pcs constraint order promote db-clone then start web",
	"pcs constraint location web rule score=-INFINITY not_defined rack and #uname eq nosuch",
	"pcs node attribute node1 rack=a",
	"pcs node utilization node1 cpu=4",
	"pcs resource utilization app cpu=1",
	"pcs tag create front web pingd-clone",
	"pcs acl role create reader read xpath /cib",
	"pcs acl user create rouser reader",
	"pcs alert create path=/bin/true id=note",
	"pcs alert recipient add note value=nobody",
}

// A cluster that was set up with pcs alone is imported from the live nodes and then managed by hactl: the first plan only takes over, and
// no resource is restarted by it, nor by a change that follows.
func TestImportFromPCS(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	for _, n := range l.Nodes() { // what the installation of the packages would have brought, and pcs asks for
		c := l.Command(n.Name, "chpasswd")
		c.Stdin = strings.NewReader("hacluster:secret\n")
		if out, err := run(c); err != nil {
			t.Fatalf("chpasswd: %v\n%s", err, out)
		}
		for _, p := range l.Nodes() {
			l.MustExec(n.Name, "sh", "-c", fmt.Sprintf("echo %s %s >> /etc/hosts", p.LAN, p.Name))
		}
		l.MustExec(n.Name, "systemctl", "start", "pcsd")
	}
	for _, c := range pcsBuilt {
		l.MustExec("node1", strings.Fields(c)...)
	}
	eventually(t, 90*time.Second, "all runs", func() string {
		if on, db := whereOrNowhere(l, "app"), whereOrNowhere(l, "db"); on == "" || !strings.Contains(db, "Promoted") && !strings.Contains(db, "Master") {
			return fmt.Sprintf("app on %q, db on %q", on, db)
		}
		return ""
	})
	began := history(t, l)

	dir := filepath.Join(t.TempDir(), "cluster")
	stdout, stderr, code := l.Hactl("import", "--host", "node1", "--output", dir)
	if code != 0 || strings.Contains(stderr, "cannot be expressed") {
		t.Fatalf("import: exit code %d\n%s\n%s", code, stdout, stderr)
	}
	var text strings.Builder
	files, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	if strings.Contains(text.String(), "password: secret") {
		t.Errorf("the password stands in the manifests:\n%s", text.String())
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "secrets", "f1.password")); strings.TrimSpace(string(b)) != "secret" {
		t.Errorf("the password was not put aside: %q", b)
	}
	stdout, stderr, code = l.Hactl("plan", "-f", dir)
	if code != 0 {
		t.Fatalf("the plan after the import: exit code %d\n%s\n%s\n%s", code, stdout, stderr, text.String())
	}
	apply(t, l, "-f", dir)
	converged(t, l, "-f", dir)
	if now := history(t, l); now != began {
		t.Errorf("taking over ran operations:\n%s\n--- before\n%s", now, began)
	}
	// What pcs reads is what it wrote.
	if out := l.MustExec("node1", "pcs", "property", "config"); !strings.Contains(out, "stonith-enabled") {
		t.Errorf("pcs reads other properties:\n%s", out)
	}

	// From here on hactl manages it: a monitor's interval is no reason to restart anything.
	for _, f := range files {
		b, _ := os.ReadFile(f)
		if s := strings.Replace(string(b), "params: {fake: 1}", "params: {fake: 1}\n    meta: {priority: 7}", 1); s != string(b) {
			if err := os.WriteFile(f, []byte(s), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	stdout, stderr, code = l.Hactl("plan", "-f", dir)
	if code != 2 || !strings.Contains(stdout, "priority") {
		t.Fatalf("plan of a priority: exit code %d\n%s\n%s\n%s", code, stdout, stderr, text.String())
	}
	apply(t, l, "-f", dir, "--yes")
	converged(t, l, "-f", dir)
	if now := history(t, l); now != began {
		t.Errorf("a priority restarted something:\n%s\n--- before\n%s", now, began)
	}
}

var startCalls = regexp.MustCompile(`<lrm_rsc_op [^>]*>`)

// history is every start, stop, promote and demote that the cluster remembers, with its number and time.
func history(t *testing.T, l *lab.Lab) string {
	t.Helper()
	out := l.MustExec("node1", "cibadmin", "--query", "--scope", "status")
	var ops []string
	for _, op := range startCalls.FindAllString(out, -1) {
		if strings.Contains(op, `operation="monitor"`) {
			continue
		}
		ops = append(ops, regexp.MustCompile(`(operation_key|call-id|last-rc-change)="[^"]*"`).FindAllString(op, -1)...)
	}
	return strings.Join(ops, "\n")
}

package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// guarded is a page behind an address, with its configuration in a file that hactl prepares.
const guarded = `
apiVersion: hactl/v1
kind: Cluster
metadata: {name: guarded}
spec:
  nodes:
  - {name: node1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: node2, addresses: [10.77.0.2, 10.78.0.2]}
  - {name: node3, addresses: [10.77.0.3, 10.78.0.3]}
  prepare:
    hostsFile: true
    startAtBoot: true
    files:
    - path: /etc/nginx/guarded.conf
      content: |
        error_log /var/log/nginx/error.log;
        events {}
        http { server { listen 80; location / { return 200 "page one\n"; } } }
  properties: {stonith-enabled: false}
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: web}
spec:
  resources:
  - name: ip
    agent: ocf:heartbeat:IPaddr2
    params: {ip: 10.77.100.1, cidr_netmask: 16}
    operations: [{name: monitor, interval: 10s}]
  - name: page
    agent: ocf:heartbeat:nginx
    params: {configfile: /etc/nginx/guarded.conf, status10url: "http://10.77.100.1/", status10regex: page}
    operations: [{name: monitor, interval: 5s, timeout: 20s}, {name: start, timeout: 40s}, {name: stop, timeout: 60s}]
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: d1}
spec:
  agent: ocf:pacemaker:Dummy
  params: {fake: one}
  operations: [{name: monitor, interval: 10s}]
`

const page = "http://10.77.100.1/"

func TestRollback(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	f := manifest(t, guarded)
	_, stderr := apply(t, l, "-f", f, "--wait")
	if !strings.Contains(stderr, "running: started on") {
		t.Errorf("--wait does not tell how the objects are:\n%s", stderr)
	}
	converged(t, l, "-f", f)
	eventually(t, 5*time.Second, "the page is served", serves(l, page, "page one"))
	config := func() string {
		out := l.MustExec("node1", "cibadmin", "-Q", "-o", "configuration")
		return regexp.MustCompile(`(?m)^.*(last-lrm-refresh|hactl-confirm).*\n`).ReplaceAllString(out, "")
	}

	t.Run("a parameter that breaks the page", func(t *testing.T) {
		before := config()
		bad := manifest(t, strings.Replace(guarded, "configfile: /etc/nginx/guarded.conf", "configfile: /etc/nginx/missing.conf", 1))
		begun := time.Now()
		refused(t, l.HactlCmd("apply", "-f", bad, "--yes", "--allow", "outage", "--rollback"), "taken back", "page", "start", "missing.conf")
		t.Logf("apply and rollback took %s", time.Since(begun).Round(100*time.Millisecond))
		if missing := serves(l, page, "page one")(); missing != "" {
			t.Errorf("the page is not back when hactl ends: %s", missing)
		}
		if after := config(); after != before {
			t.Errorf("the configuration is not as before:\n%s\n%s", before, after)
		}
		noFailures(t, l)
		converged(t, l, "-f", f)
	})
	t.Run("a file that breaks the page, and pcs meanwhile", func(t *testing.T) {
		bad := manifest(t, strings.NewReplacer("events {}", "events {} nonsense;", "{configfile: /etc/nginx/guarded.conf,",
			"{configfile: /etc/nginx//guarded.conf,", "fake: one", "fake: two").Replace(guarded))
		c := l.HactlCmd("apply", "-f", bad, "--yes", "--allow", "outage", "--allow", "adopt", "--rollback")
		away := traffic(l)
		out := background(t, c)
		eventually(t, 20*time.Second, "the change is in the CIB", func() string {
			if x, _ := l.Exec("node1", "cibadmin", "-Q"); strings.Contains(x, `value="two"`) {
				return ""
			}
			return "not yet"
		})
		l.MustExec("node2", "pcs", "property", "set", "cluster-delay=63s")
		l.MustExec("node2", "pcs", "resource", "update", "d1", "fake=operator")
		_ = c.Wait()
		if code := c.ProcessState.ExitCode(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		t.Log(out.String())
		_, end, _ := strings.Cut(flat(out.String()), "hactl: the change was taken back")
		for _, part := range []string{"page: failed: start of page on node", `unknown directive "nonsense" in /etc/nginx//guarded.conf:2`, "d1 fake stays: it was changed since"} {
			if !strings.Contains(end, part) {
				t.Errorf("the answer does not say at its end %q", part)
			}
		}
		const settle = 25 * time.Second // interval and timeout of page's monitor
		switch d := away(); {
		case d == 0:
			t.Error("the page was served all the time: nothing broke")
		case d > settle:
			t.Errorf("the page was away for %s, which is longer than the time to settle", d)
		default:
			t.Logf("the page was away for %s", d.Round(100*time.Millisecond))
		}
		if missing := serves(l, page, "page one")(); missing != "" {
			t.Errorf("the page is not back when hactl ends: %s", missing)
		}
		now := config()
		for _, part := range []string{`name="cluster-delay" value="63s"`, `name="fake" value="operator"`} {
			if !strings.Contains(now, part) {
				t.Errorf("lost: %s\n%s", part, now)
			}
		}
		if strings.Contains(now, `/etc/nginx//guarded.conf`) {
			t.Error("the parameter was not taken back")
		}
		for _, n := range l.Nodes() {
			if x := l.MustExec(n.Name, "cat", "/etc/nginx/guarded.conf"); strings.Contains(x, "nonsense") {
				t.Errorf("%s: the file was not taken back", n.Name)
			}
		}
		noFailures(t, l)
		apply(t, l, "-f", f, "--yes")
		l.MustExec("node2", "pcs", "property", "unset", "cluster-delay")
	})
	t.Run("a resource that fails to start goes again", func(t *testing.T) {
		before := config()
		bad := manifest(t, guarded+`---
apiVersion: hactl/v1
kind: Resource
metadata: {name: second}
spec:
  agent: ocf:heartbeat:nginx
  params: {configfile: /etc/nginx/none.conf}
  operations: [{name: monitor, interval: 10s}]
`)
		refused(t, l.HactlCmd("apply", "-f", bad, "--yes", "--rollback"), "taken back", "second", "none.conf")
		if after := config(); after != before {
			t.Errorf("the configuration is not as before:\n%s\n%s", before, after)
		}
		converged(t, l, "-f", f)
	})
	t.Run("harmless changes stay", func(t *testing.T) {
		good := manifest(t, strings.Replace(guarded, "fake: one", "fake: three", 1))
		apply(t, l, "-f", good, "--yes", "--rollback", "--settle", "3s")
		converged(t, l, "-f", good)
		apply(t, l, "-f", f, "--yes")
	})
	t.Run("nobody confirms, and the operator is cut off", func(t *testing.T) {
		cutOff(t, l, config)
		eventually(t, 20*time.Second, "the lock is free", func() string { return lockedBy(t, l) })
		eventually(t, 10*time.Second, "the journal tells it", func() string {
			var h struct {
				Applies []struct{ Result, Error string }
			}
			stdout, _, _ := l.Hactl("history", "-f", f, "-o", "json")
			if err := json.Unmarshal([]byte(stdout), &h); err != nil {
				t.Fatal(err)
			}
			if n := len(h.Applies); n == 0 || h.Applies[n-1].Result != "rolled back" || !strings.Contains(h.Applies[n-1].Error, "nobody confirmed") {
				return stdout
			}
			return ""
		})
		refused(t, l.HactlCmd("confirm", "-f", f), "taken back")
		converged(t, l, "-f", f)
	})
	t.Run("confirmed in time", func(t *testing.T) {
		next := manifest(t, strings.Replace(guarded, "fake: one", "fake: five", 1))
		apply(t, l, "-f", next, "--yes", "--confirm-within", "12s")
		refused(t, l.HactlCmd("apply", "-f", f, "--yes"), "waits to be confirmed")
		out, err := run(l.HactlCmd("confirm", "-f", next))
		if err != nil || !strings.Contains(out, "is confirmed") {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, n := range l.Nodes() {
			if x, _ := l.Exec(n.Name, "systemctl", "list-timers", "--all"); strings.Contains(x, "hactl-confirm") {
				t.Errorf("%s: a timer is left:\n%s", n.Name, x)
			}
			if x, _ := l.Exec(n.Name, "ls", "/var/lib/hactl/confirm"); strings.TrimSpace(x) != "" {
				t.Errorf("%s: a program is left: %s", n.Name, x)
			}
		}
		time.Sleep(14 * time.Second)
		if x := l.MustExec("node1", "cibadmin", "-Q"); !strings.Contains(x, `value="five"`) || !strings.Contains(x, `value="confirmed `) {
			t.Errorf("a confirmed change was taken back, or the CIB does not say that it was confirmed:\n%s", x)
		}
		refused(t, l.HactlCmd("confirm", "-f", next), "no change waits")
	})
	t.Run("checkpoints", func(t *testing.T) {
		stdout, _, code := l.Hactl("checkpoint", "list", "-f", f, "-o", "json")
		var list []struct {
			ID string
			On []string
		}
		if err := json.Unmarshal([]byte(stdout), &list); err != nil || code != 0 {
			t.Fatal(code, err, stdout)
		}
		last := list[len(list)-1]
		if len(last.On) != 3 {
			t.Errorf("not every node has the checkpoint: %+v", last)
		}
		for _, n := range l.Nodes() {
			if x := l.MustExec(n.Name, "stat", "-c", "%a %U", "/var/lib/hactl/history", "/var/lib/hactl/checkpoints/"+last.ID+".xml.gz"); x != "600 root\n600 root\n" {
				t.Errorf("%s: others may read it: %s", n.Name, x)
			}
		}
		l.MustExec("node1", "pcs", "resource", "create", "gone", "ocf:pacemaker:Dummy", "op", "monitor", "interval=10s")
		eventually(t, 15*time.Second, "it runs", func() string {
			if whereOrNowhere(l, "gone") == "" {
				return "not yet"
			}
			return ""
		})
		out, _, code := l.Hactl("checkpoint", "diff", last.ID, "-f", f)
		if code != 2 || !strings.Contains(out, "gone") || !strings.Contains(out, "fake") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		refused(t, l.HactlCmd("checkpoint", "restore", last.ID, "-f", f, "--yes"), "--allow outage")
		out, err := run(l.HactlCmd("checkpoint", "restore", last.ID, "-f", f, "--yes", "--allow", "outage"))
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if _, _, code := l.Hactl("checkpoint", "diff", last.ID, "--host", l.Node("node1").LAN); code != 0 {
			t.Errorf("after the restore it still differs: exit code %d", code)
		}
		converged(t, l, "-f", f) // the checkpoint is of before "fake: five"
		if x := l.MustExec("node1", "crm_mon", "-1"); strings.Contains(x, "gone") {
			t.Errorf("what went is still there:\n%s", x)
		}
	})
	t.Run("a deletion", func(t *testing.T) { deletionGoesBack(t, l, config) })
	t.Run("a member is away", func(t *testing.T) { memberAway(t, l, config) })
	t.Run("history", func(t *testing.T) {
		out, _, code := l.Hactl("history", "-f", f)
		for _, part := range []string{"rolled back", "confirmed", "update Resource/d1", "apply -f"} {
			if code != 0 || !strings.Contains(out, part) {
				t.Errorf("the history does not tell %q (exit code %d):\n%s", part, code, out)
			}
		}
	})
}

// traffic asks for the page all the time, and tells at the end for how long it was away at most.
func traffic(l *lab.Lab) (away func() time.Duration) {
	stop, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		served := time.Now()
		for {
			missing := serves(l, page, "page one")()
			if missing == "" {
				served = time.Now()
			}
			most = max(most, time.Since(served))
			select {
			case <-stop:
				longest <- most
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() time.Duration { close(stop); return <-longest }
}

// noFailures fails the test where the cluster still remembers a failure.
func noFailures(t *testing.T, l *lab.Lab) {
	t.Helper()
	eventually(t, 5*time.Second, "no failure is remembered", func() string {
		out := l.MustExec("node1", "crm_mon", "-1")
		if strings.Contains(out, "Failed Resource Actions") {
			return out
		}
		return ""
	})
}

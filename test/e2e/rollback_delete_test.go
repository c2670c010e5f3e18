package e2e

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// told keeps what a command that still runs has said so far.
type told struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *told) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *told) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// says is "" once the command has said a text.
func (o *told) says(text string) func() string {
	return func() string {
		if s := o.String(); !strings.Contains(flat(s), text) {
			return "it says " + s
		}
		return ""
	}
}

// flat is a text without its line breaks.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// background starts a command that goes on while the test does something.
func background(t *testing.T, c *exec.Cmd) *told {
	t.Helper()
	o := &told{}
	c.Stdout, c.Stderr = o, o
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return o
}

// extras are what guarded is applied with before a deletion: each field of them must come back.
const extras = `---
apiVersion: hactl/v1
kind: Resource
metadata: {name: extra}
spec:
  agent: ocf:pacemaker:Dummy
  params: {fake: extra, op_sleep: 0}
  meta: {priority: 7, migration-threshold: 5}
  operations: [{name: monitor, interval: 11s, timeout: 21s}, {name: start, timeout: 31s}]
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: extra-likes-node3}
spec: {location: {resource: extra, node: node3, score: 200}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: extra-after-d1}
spec: {order: {first: d1, then: extra, kind: Optional}}
`

// alert is an alert whose script hactl puts on the nodes.
const alert = `---
apiVersion: hactl/v1
kind: Alert
metadata: {name: teller}
spec:
  path: /var/lib/pacemaker/teller.sh
  script: {content: "#!/bin/sh\n# one\n"}
`

// deletionGoesBack deletes a resource in a change that does harm: it is there again with all its fields, and runs. Files that the change wrote go back
// with it; one that somebody changed since stays.
func deletionGoesBack(t *testing.T, l *lab.Lab, config func() string) {
	full := guarded + alert + extras
	apply(t, l, "-f", manifest(t, full), "--yes")
	before := config()
	extraRuns := func() string { return runsOn(t, l, "node1", "extra") }
	if on := extraRuns(); on != "node3" {
		t.Fatalf("extra is on %q, want node3", on)
	}
	prune := func(text string) *exec.Cmd {
		return l.HactlCmd("apply", "-f", manifest(t, text), "--prune", "--yes", "--allow", "outage", "--allow", "adopt", "--rollback")
	}
	back := func(t *testing.T) {
		t.Helper()
		if after := config(); after != before {
			t.Errorf("the configuration is not as before:\n%s\n%s", before, after)
		}
		if on := extraRuns(); on != "node3" {
			t.Errorf("extra is on %q when hactl ends, want node3", on)
		}
		if missing := serves(l, page, "page one")(); missing != "" {
			t.Errorf("the page is not there when hactl ends: %s", missing)
		}
		noFailures(t, l)
	}
	t.Run("a later step fails", func(t *testing.T) {
		refused(t, prune(guarded+alert+`---
apiVersion: hactl/v1
kind: Resource
metadata: {name: second}
spec:
  agent: ocf:heartbeat:nginx
  params: {configfile: /etc/nginx/none.conf}
  operations: [{name: monitor, interval: 10s}]
`), "taken back", "start of second", "none.conf")
		back(t)
	})
	t.Run("harm while it is watched", func(t *testing.T) {
		c := prune(strings.NewReplacer("page one", "page two", "# one", "# two", "fake: one", "fake: two").Replace(guarded + alert))
		out := background(t, c)
		eventually(t, 60*time.Second, "it watches", out.says("watching for"))
		if config() == before || extraRuns() != "" {
			t.Errorf("extra is still there:\n%s", out)
		}
		l.MustExec("node2", "sh", "-c", "echo '# by an operator' >> /etc/nginx/guarded.conf")
		l.MustExec(runsOn(t, l, "node1", "d1"), "rm", "/run/Dummy-d1.state")
		_ = c.Wait()
		if code := c.ProcessState.ExitCode(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		t.Log(out)
		for _, part := range []string{"taken back", "d1 failed (monitor (every 10s) of d1 on", "not taken back: node2: the file /etc/nginx/guarded.conf stays: it was changed since"} {
			if missing := out.says(part)(); missing != "" {
				t.Errorf("the answer does not say %q", part)
			}
		}
		back(t)
		for _, n := range l.Nodes() {
			conf, script := l.MustExec(n.Name, "cat", "/etc/nginx/guarded.conf"), l.MustExec(n.Name, "cat", "/var/lib/pacemaker/teller.sh")
			if want := "page one"; n.Name != "node2" && !strings.Contains(conf, want) {
				t.Errorf("%s: the file did not go back:\n%s", n.Name, conf)
			}
			if n.Name == "node2" && (!strings.Contains(conf, "page two") || !strings.Contains(conf, "# by an operator")) {
				t.Errorf("what an operator changed did not stay:\n%s", conf)
			}
			if !strings.Contains(script, "# one") || strings.TrimSpace(l.MustExec(n.Name, "stat", "-c", "%a", "/var/lib/pacemaker/teller.sh")) != "755" {
				t.Errorf("%s: the script of the alert did not go back:\n%s", n.Name, script)
			}
		}
	})
	apply(t, l, "-f", manifest(t, full), "--yes", "--allow", "adopt")
	apply(t, l, "-f", manifest(t, guarded), "--prune", "--allow", "outage", "--yes")
	nothingLeft(t, l)
}

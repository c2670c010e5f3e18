package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

const approving = `
apiVersion: hactl/v1
kind: Cluster
metadata: {name: approving}
spec:
  nodes:
  - {name: node1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: node2, addresses: [10.77.0.2, 10.78.0.2]}
  properties: {stonith-enabled: false}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: d1}
spec:
  agent: ocf:pacemaker:Dummy
  params: {fake: one}
  operations: [{name: monitor, interval: 10s}]
`

// An approval is in the real CIB, on both members, changes nothing that runs and nothing of the plan, dies when somebody changes what it is about, and
// goes with the next change.
func TestApprove(t *testing.T) {
	l := lab.Up(t, 2)
	m := manifest(t, approving)
	if out, err := run(l.HactlCmd("apply", "-f", m, "--yes", "--wait")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	next := manifest(t, strings.Replace(approving, "fake: one", "fake: two", 1))
	digest := func() string {
		t.Helper()
		out, stderr, code := l.Hactl("plan", "-f", next, "-o", "json")
		d := regexp.MustCompile(`(?m)^  "digest": "(sha256:[0-9a-f]+)"`).FindStringSubmatch(out)
		if code != 2 || d == nil {
			t.Fatalf("exit code %d\n%s%s", code, out, stderr)
		}
		return d[1]
	}
	approved := func(node string) string {
		v := regexp.MustCompile(`name="hactl-approved" value="([^"]*)"`).FindStringSubmatch(l.MustExec(node, "cibadmin", "--query", "--local"))
		if v == nil {
			return ""
		}
		return v[1]
	}
	calls := func() string { return l.MustExec("node1", "crm_resource", "--resource", "d1", "--list-all-operations") }
	d, before := digest(), calls()
	out, err := run(l.HactlCmd("approve", "-f", next, "--digest", d))
	if err != nil || !strings.Contains(out, "approved "+d) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	for _, n := range []string{"node1", "node2"} {
		if v := approved(n); !strings.HasPrefix(v, "approved "+d+" by ") {
			t.Errorf("%s has %q", n, v)
		}
	}
	if now := digest(); now != d {
		t.Errorf("the approval has changed the plan: %s, was %s", now, d)
	}
	if now := calls(); now != before {
		t.Errorf("the approval has done something:\n%s\nwas\n%s", now, before)
	}

	// Somebody changes what it is about, and back again: another plan, and the same one.
	l.MustExec("node2", "crm_resource", "--resource", "d1", "--set-parameter", "fake", "--parameter-value", "three")
	refused(t, l.HactlCmd("approve", "-f", next, "--digest", d), "nothing was approved: the plan is now sha256:", "not "+d)
	l.MustExec("node2", "crm_resource", "--resource", "d1", "--set-parameter", "fake", "--parameter-value", "one")
	if now := digest(); now != d {
		t.Errorf("as before, and the plan is %s, was %s", now, d)
	}

	if out, err := run(l.HactlCmd("apply", "-f", next, "--yes", "--wait")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, n := range []string{"node1", "node2"} {
		if v := approved(n); v != "" {
			t.Errorf("after the change %s still has %q", n, v)
		}
	}
	refused(t, l.HactlCmd("approve", "-f", next, "--yes"), "there is nothing to approve")
	if out, err := run(l.HactlCmd("history", "-f", next)); err != nil || !strings.Contains(out, "approved") {
		t.Errorf("the journal does not tell of it: %v\n%s", err, out)
	}
}

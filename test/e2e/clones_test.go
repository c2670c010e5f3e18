package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

const cloned = three + `---
apiVersion: hactl/v1
kind: Resource
metadata: {name: ping}
spec:
  agent: ocf:pacemaker:Dummy
  operations: [{name: monitor, interval: 10s}]
  clone: {meta: {interleave: true}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: state}
spec:
  agent: ocf:pacemaker:Stateful
  operations: [{name: monitor, interval: 10s, role: Promoted}, {name: monitor, interval: 11s, role: Unpromoted}]
  clone: {name: state-set, promotable: true, meta: {promoted-max: 1, notify: true}}
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: app}
spec:
  resources:
  - {name: app1, agent: "ocf:pacemaker:Dummy", operations: [{name: monitor, interval: 10s}]}
  - {name: app2, agent: "ocf:pacemaker:Dummy", operations: [{name: monitor, interval: 10s}]}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: app-with-promoted}
spec: {colocation: {resource: app, with: state-set, withRole: Promoted}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: promote-then-app}
spec: {order: {first: state-set, firstAction: promote, then: app, thenAction: start}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: state-likes-node2}
spec: {location: {resource: state-set, node: node2, score: 50, role: Promoted}}
`

// promotedOn is the node on which the promotable clone's promoted instance runs.
func promotedOn(t *testing.T, l *lab.Lab) string {
	t.Helper()
	out, err := l.Exec("node1", "crm_resource", "--locate", "--resource", "state-set")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`is running on: (\S+) (Promoted|Master)`).FindStringSubmatch(out)
	if m == nil {
		return ""
	}
	return m[1]
}

// Clones, promotable clones, a group that follows the promoted instance; then they are changed while they run.
func TestClones(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	f := manifest(t, cloned)
	apply(t, l, "-f", f)
	converged(t, l, "-f", f)
	count := func(resource string) int {
		out, _ := l.Exec("node1", "crm_resource", "--locate", "--resource", resource)
		return strings.Count(out, "is running on")
	}
	if n := count("ping-clone"); n != 3 {
		t.Errorf("%d instances of ping run, want 3", n)
	}
	eventually(t, 20*time.Second, "promoted on node2, and the group with it", func() string {
		p, a := promotedOn(t, l), runsOn(t, l, "node1", "app2")
		if p != "node2" || a != p {
			return "promoted on " + p + ", app2 on " + a
		}
		return ""
	})

	// Fewer instances, another preferred node, a member between the two: one change of the CIB, nothing else restarts.
	next := manifest(t, strings.NewReplacer(
		"{interleave: true}", "{interleave: true, clone-max: 2}",
		"node: node2, score: 50", "node: node3, score: 70",
		"  - {name: app2,", "  - {name: middle, agent: \"ocf:pacemaker:Dummy\", operations: [{name: monitor, interval: 10s}]}\n  - {name: app2,",
	).Replace(cloned))
	stdout, _, code := l.Hactl("plan", "-f", next)
	if code != 2 {
		t.Fatalf("plan: exit code %d\n%s", code, stdout)
	}
	for _, part := range []string{"clone.meta.clone-max", "Resource/middle", "demote", "promote"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("the plan does not tell of %s:\n%s", part, stdout)
		}
	}
	if strings.Count(stdout, "stop ") != 2 { // as a reaction, and as what is to be allowed
		t.Errorf("one instance of ping stops, and that is told once:\n%s", stdout)
	}
	refused(t, l.HactlCmd("apply", "-f", next, "--yes"), "--allow redundancy", "ping:2")
	out, stderr, code := l.Hactl("apply", "-f", next, "--yes", "--allow", "redundancy")
	if code != 0 {
		t.Fatalf("apply: exit code %d\n%s%s", code, out, stderr)
	}
	converged(t, l, "-f", next)
	if n := count("ping-clone"); n != 2 {
		t.Errorf("%d instances of ping run, want 2", n)
	}
	eventually(t, 20*time.Second, "promoted on node3, and the whole group with it", func() string {
		p, a, m := promotedOn(t, l), runsOn(t, l, "node1", "app2"), runsOn(t, l, "node1", "middle")
		if p != "node3" || a != p || m != p {
			return "promoted on " + p + ", app2 on " + a + ", middle on " + m
		}
		return ""
	})
	members := regexp.MustCompile(`<primitive [^>]*id="(app1|middle|app2)"`).FindAllStringSubmatch(l.MustExec("node1", "cibadmin", "-Q", "-o", "resources"), -1)
	var order []string
	for _, m := range members {
		order = append(order, m[1])
	}
	if got := strings.Join(order, " "); got != "app1 middle app2" {
		t.Errorf("the group's order is %s", got)
	}
}

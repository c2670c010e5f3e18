package cib

import (
	"cmp"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

// machine is this one, under the name of a node.
type machine struct {
	local.Tools
	name string
}

func (m machine) Name() string { return m.name }

// needScheduler skips where there is no Pacemaker to ask.
func needScheduler(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("crm_simulate"); err != nil {
		t.Skip("NOT TESTED: what the scheduler says, because crm_simulate is not installed")
	}
}

const threeNodes = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: lab}
spec:
  nodes: [{name: n1, id: 1, addresses: [10.77.0.1]}, {name: n2, id: 2, addresses: [10.77.0.2]}, {name: n3, id: 3, addresses: [10.77.0.3]}]
  properties: {stonith-enabled: false}
---
`

// running is the CIB of a cluster that runs what a manifest says.
func running(t testing.TB, manifest string) string {
	t.Helper()
	status := `<status>`
	for i := 1; i <= 3; i++ {
		status += fmt.Sprintf(`<node_state id="%d" uname="n%d" in_ccm="true" crmd="online" join="member" expected="member"/>`, i, i)
	}
	bare := live("pacemaker-3.9", "", "", "")
	bare = strings.Replace(bare, `<node id="2" uname="n2"/>`, `<node id="2" uname="n2"/><node id="3" uname="n3"/>`, 1)
	bare = strings.Replace(bare, `<status/>`, status+`</status>`, 1)
	want := desired(t, manifest)
	have := observed(want, bare)
	_, cib, err := question{cib: carriedOut(t, have, steps(t, want, have)), rounds: maxTransitions, result: true}.simulate(t.Context(), machine{name: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	return cib
}

// predicted is the prediction of a change from one manifest to another.
func predicted(t testing.TB, from, to string) reconcile.Prediction {
	t.Helper()
	want := desired(t, to)
	have := observed(want, running(t, from))
	d := New("default")
	d.patience = time.Minute // whatever else this machine does
	pr, err := d.Predict(t.Context(), reconcile.Hosts{machine{name: "n1"}}, want, have, steps(t, want, have))
	if err != nil {
		t.Fatal(err)
	}
	if pr.Unavailable != "" {
		t.Fatal(pr.Unavailable)
	}
	return pr
}

// causesOf writes reactions with their causes, one a line: "restart A n1: Resource/A params.fake m.yaml:12".
func causesOf(pr reconcile.Prediction) string {
	var lines []string
	for _, r := range pr.Reactions {
		line := r.Action + " " + cmp.Or(r.Resource, r.Node)
		if r.From != "" {
			line += " " + r.From
		}
		if r.To != "" && r.To != r.From {
			line += ">" + r.To
		}
		var causes []string
		for _, c := range r.Causes {
			causes = append(causes, strings.TrimSpace(fmt.Sprintf("%s %s", c.Object, c.Path)))
			if c.Source.Line == 0 {
				causes = append(causes, "NO PLACE")
			}
		}
		slices.Sort(causes)
		and := " or "
		if r.Jointly {
			and = " and "
		}
		if r.Anyway {
			causes = []string{"anyway"}
		}
		lines = append(lines, line+": "+strings.Join(causes, and))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func resource(name, rest string) string {
	return fmt.Sprintf("apiVersion: hactl/v1\nkind: Resource\nmetadata: {name: %s}\nspec: {agent: \"ocf:pacemaker:Dummy\"%s}\n---\n", name, rest)
}

func constraint(name, spec string) string {
	return fmt.Sprintf("apiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: %s}\nspec: {%s}\n---\n", name, spec)
}

func TestAttribution(t *testing.T) {
	needScheduler(t)
	const sticky = `, meta: {resource-stickiness: 100}`
	on := func(name, node string) string {
		return constraint(name+"-on-"+node, fmt.Sprintf("location: {resource: %s, node: %s, score: 50}", name, node))
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"one field of one object", resource("A", ", params: {fake: a}") + on("A", "n1"), resource("A", ", params: {fake: b}") + on("A", "n1"),
			"restart A n1: Resource/A params.fake"},
		{"the field that does it, of several", resource("A", ", params: {fake: a}") + on("A", "n1"), resource("A", ", params: {fake: b}, meta: {priority: 5, migration-threshold: 3}") + on("A", "n1"),
			"restart A n1: Resource/A params.fake"},
		{"several of its fields, each", resource("A", ", params: {fake: a, op_sleep: 0}") + on("A", "n1"), resource("A", ", params: {fake: b, op_sleep: 1}") + on("A", "n1"),
			"restart A n1: Resource/A params.fake or Resource/A params.op_sleep"},
		{"each its own", resource("A", ", params: {fake: a}") + resource("B", ", params: {fake: a}") + on("A", "n1") + on("B", "n2"),
			resource("A", ", params: {fake: b}") + resource("B", ", params: {fake: b}") + on("A", "n1") + on("B", "n2"),
			"restart A n1: Resource/A params.fake\nrestart B n2: Resource/B params.fake"},
		{"a constraint moves what was there, and what is new starts", resource("A", "") + on("A", "n1"),
			resource("A", "") + on("A", "n1") + resource("B", "") + constraint("never", "location: {resource: A, node: n1, score: -INFINITY}") + on("B", "n3"),
			"move A n1>n2: Constraint/never\nstart B>n3: Resource/B"},
		{"stickiness holds until two preferences together are stronger", resource("A", sticky) + on("A", "n1"),
			resource("A", sticky) + on("A", "n1") + constraint("p1", "location: {resource: A, node: n2, score: 80}") +
				constraint("p2", "location: {resource: A, node: n2, score: 90}") + constraint("p3", "location: {resource: A, node: n3, score: 10}"),
			"move A n1>n2: Constraint/p1 and Constraint/p2"},
		{"either of two constraints", resource("A", "") + resource("B", "") + on("A", "n1") + on("B", "n2"),
			resource("A", "") + resource("B", "") + on("A", "n1") + on("B", "n2") + constraint("x1", "location: {resource: A, node: n1, score: -INFINITY}") +
				constraint("x2", "location: {resource: A, node: n1, score: -INFINITY}") + constraint("x3", "location: {resource: B, node: n3, score: 1}"),
			"move A n1>n2: Constraint/x1 or Constraint/x2"},
		{"it cannot run any more", resource("A", "") + on("A", "n1"), resource("A", "") + on("A", "n1") + resource("B", "") +
			constraint("b1", "location: {resource: B, node: n1, score: -INFINITY}") + constraint("b2", "location: {resource: B, node: n2, score: -INFINITY}") +
			constraint("b3", "location: {resource: B, node: n3, score: -INFINITY}"),
			"cannot-run B: Constraint/b1 and Constraint/b2 and Constraint/b3"},
		{"a new interval", resource("A", ", operations: [{name: monitor, interval: 10s}]") + on("A", "n1"), resource("A", ", operations: [{name: monitor, interval: 20s}]") + on("A", "n1"),
			"monitor A>n1: Resource/A operations[monitor/10s] and Resource/A operations[monitor/20s]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pr := predicted(t, threeNodes+c.from, threeNodes+c.to)
			if got := causesOf(pr); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if pr.Unattributed != "" {
				t.Error(pr.Unattributed)
			}
		})
	}
	t.Run("an option of the cluster", func(t *testing.T) {
		from := threeNodes + resource("A", "") + on("A", "n1")
		pr := predicted(t, from, strings.Replace(from, "stonith-enabled: false", "stonith-enabled: false, stop-all-resources: true, cluster-delay: 50s", 1))
		if got, want := causesOf(pr), "stop A n1: Cluster/lab properties.stop-all-resources"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// A change of 20 objects, all with several fields, is attributed in full.
func TestAttributionOfMany(t *testing.T) {
	needScheduler(t)
	from, to := threeNodes, threeNodes
	var want []string
	for i := range 20 {
		name, node := fmt.Sprintf("R%02d", i), fmt.Sprintf("n%d", i%3+1)
		on := constraint(name+"-on", fmt.Sprintf("location: {resource: %s, node: %s, score: 50}", name, node))
		from += resource(name, ", params: {fake: a}") + on
		to += resource(name, fmt.Sprintf(", params: {fake: b}, meta: {priority: %d, migration-threshold: 3, failure-timeout: 60s}", i%2)) + on
		want = append(want, fmt.Sprintf("restart %s %s: Resource/%s params.fake", name, node, name))
	}
	pr := predicted(t, from, to)
	if got := causesOf(pr); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\n%s", got, pr.Unattributed)
	}
}

func BenchmarkAttribution(b *testing.B) {
	needScheduler(b)
	from, to := threeNodes, threeNodes
	for i := range 20 {
		from += resource(fmt.Sprintf("R%02d", i), ", params: {fake: a}")
		to += resource(fmt.Sprintf("R%02d", i), ", params: {fake: b}, meta: {priority: 1}")
	}
	want := desired(b, to)
	have := observed(want, running(b, from))
	plan := steps(b, want, have)
	p, err := newPlanner(want, have)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("one run", func(b *testing.B) {
		for b.Loop() {
			if _, err := rounds(b.Context(), machine{name: "n1"}, p.live.Document); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("prediction with causes", func(b *testing.B) {
		d := New("default")
		d.patience = time.Minute
		for b.Loop() {
			pr, err := d.Predict(b.Context(), reconcile.Hosts{machine{name: "n1"}}, want, have, plan)
			if err != nil || pr.Unattributed != "" || len(pr.Reactions) == 0 {
				b.Fatal(err, pr)
			}
		}
	})
}

// Without causes the prediction is the same, no trial is run, and nothing is said of causes that nobody asked for.
func TestWithoutCauses(t *testing.T) {
	needScheduler(t)
	from := threeNodes + resource("A", ", params: {fake: a}") + resource("B", ", params: {fake: a}")
	to := threeNodes + resource("A", ", params: {fake: b}") + resource("B", ", params: {fake: b}")
	with := predicted(t, from, to)
	want := desired(t, to)
	have := observed(want, running(t, from))
	without, err := New("default").WithoutCauses().Predict(t.Context(), reconcile.Hosts{machine{name: "n1"}}, want, have, steps(t, want, have))
	if err != nil {
		t.Fatal(err)
	}
	if !without.Same(with) || len(without.Reactions) != 2 {
		t.Errorf("other reactions:\n%v\n--- with causes\n%v", without.Reactions, with.Reactions)
	}
	for i, r := range without.Reactions {
		if len(r.Causes) > 0 || len(with.Reactions[i].Causes) == 0 {
			t.Errorf("%s %s: causes %v, and %v where they are asked for", r.Action, r.Resource, r.Causes, with.Reactions[i].Causes)
		}
	}
	if without.Unattributed != "" {
		t.Errorf("told of causes: %s", without.Unattributed)
	}
}

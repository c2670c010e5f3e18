package cib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// A file without a status is taken for that of a cluster at rest: what restarts, moves or stops is predicted, not only what starts.
func TestPredictAtRest(t *testing.T) {
	needScheduler(t)
	group := func(fake string) string {
		return "apiVersion: hactl/v1\nkind: ResourceGroup\nmetadata: {name: G}\nspec: {resources: [{name: G1, agent: \"ocf:pacemaker:Dummy\", params: {fake: " + fake +
			"}}, {name: G2, agent: \"ocf:pacemaker:Dummy\"}]}\n---\n"
	}
	clone := resource("C", ", params: {fake: a}, clone: {}")
	at := func(node string) string {
		return constraint("A-on", "location: {resource: A, node: "+node+", score: 50}")
	}
	pin := constraint("G-on", "location: {resource: G, node: n3, score: 50}")
	from := threeNodes + pin + resource("A", "") + at("n1") + group("a") + clone
	to := threeNodes + pin + resource("A", "") + at("n2") + group("b") + strings.Replace(clone, "fake: a", "fake: b", 1)
	bare := strings.Replace(live("pacemaker-3.9", "", "", ""), `<node id="2" uname="n2"/>`, `<node id="2" uname="n2"/><node id="3" uname="n3"/>`, 1)
	want := desired(t, from)
	have := observed(want, bare)
	file := carriedOut(t, have, steps(t, want, have))
	if strings.Contains(file, "<node_state") {
		t.Fatalf("it has a status:\n%s", file)
	}

	want = desired(t, to)
	have = observed(want, file)
	have.Recorded = true
	d := New("default")
	d.patience = time.Minute
	tools := reconcile.Hosts{machine{name: "here"}}
	pr, err := d.Predict(t.Context(), tools, want, have, steps(t, want, have))
	if err != nil {
		t.Fatal(err)
	}
	const reactions = "move A n1>n2: Constraint/A-on location.node\nrestart C:0 n1: Resource/C params.fake\nrestart C:1 n2: Resource/C params.fake\n" +
		"restart C:2 n3: Resource/C params.fake\nrestart G1 n3: Resource/G1 params.fake\nrestart G2 n3: Resource/G1 params.fake"
	if got := causesOf(pr); got != reactions {
		t.Errorf("got\n%s\nwant\n%s", got, reactions)
	}
	if pr.Assumed != assumedRest {
		t.Errorf("assumed %q", pr.Assumed)
	}

	pr, err = d.Simulate(t.Context(), tools, have, Scenario{NodeFail: []string{"n1"}})
	if err != nil || pr.Unavailable != "" || pr.Assumed != assumedRest || len(pr.Reactions) == 0 || pr.Reactions[0].Resource != "A" {
		t.Errorf("a failure: %+v %v", pr, err)
	}
	if drills, err := d.Drill(t.Context(), tools, want, have); err != nil || drills.Unavailable != "" || drills.Ran == 0 {
		t.Errorf("drills: %+v %v", drills, err)
	}

	have.CIB = XML(strings.NewReplacer(`<node id="1" uname="n1"/>`, "", `<node id="2" uname="n2"/>`, "", `<node id="3" uname="n3"/>`, "").Replace(file))
	if pr, err := d.Simulate(t.Context(), tools, have, Scenario{}); err != nil || !strings.Contains(pr.Unavailable, "names no nodes") {
		t.Errorf("a file without nodes: %+v %v", pr, err)
	}
}

// A transition that cannot be executed in time is still told, and that it is the last.
func TestUnfinished(t *testing.T) {
	needScheduler(t)
	cib := running(t, threeNodes+resource("A", ""))
	cib = strings.Replace(cib, `type="Dummy"`, `type="Stateful"`, 1) // so that it restarts
	dir := t.TempDir()
	slow := "#!/bin/sh\ncase \" $* \" in *' --simulate '*) exec sleep 20;; esac\nexec env PATH=\"${PATH#*:}\" crm_simulate \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "crm_simulate"), []byte(slow), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	begun := time.Now()
	sims, _, err := question{cib: cib, rounds: maxTransitions, limit: time.Second}.simulate(t.Context(), machine{name: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(sims) != 1 || len(sims[0].actions) == 0 || !sims[0].unfinished() || time.Since(begun) > 15*time.Second {
		t.Errorf("after %v: %+v", time.Since(begun), sims)
	}
}

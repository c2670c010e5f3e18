package cib

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

// judged is a cluster of two nodes in which A and B run where it is said ("" nowhere), with failures.
func judged(a, b, failures string) State {
	rsc := func(id, on string) string {
		if on == "" {
			return fmt.Sprintf(`<resource id=%q role="Stopped" managed="true"/>`, id)
		}
		return fmt.Sprintf(`<resource id=%q role="Started" managed="true"><node name=%q/></resource>`, id, on)
	}
	return State{From: "n1", Members: []Member{{Name: "n1", Runs: Running, Quorate: true, DC: "1"}},
		CIB: `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/><nodes/><resources>` +
			`<primitive id="A"><operations><op id="Am" name="monitor" interval="10s" timeout="30s"/></operations></primitive><primitive id="B"/></resources><constraints/></configuration><status/></cib>`,
		Monitor: `<pacemaker-result><nodes><node name="n1" online="true"/><node name="n2" online="true"/></nodes><resources>` + rsc("A", a) + rsc("B", b) +
			`</resources><failures>` + failures + `</failures></pacemaker-result>`}
}

const startFailed = `<failure op_key="A_start_0" node="n2" exitstatus="error" exitreason="no such file" exitcode="1" call="9" last-rc-change="2026-01-02 03:04:05Z"/>`

func TestJudge(t *testing.T) {
	moves := []reconcile.Reaction{{Action: "move", Resource: "A", From: "n1", To: "n2"}}
	for _, tc := range []struct {
		name        string
		before, now State
		reactions   []reconcile.Reaction
		unavailable string
		harm        string // of Harm and Elsewhere; "" none
		differs     string
		verdict     reconcile.VerdictState
	}{
		{name: "as predicted", before: judged("n1", "n1", ""), now: judged("n2", "n1", ""), reactions: moves, verdict: reconcile.Running},
		{name: "not moved", before: judged("n1", "n1", ""), now: judged("n1", "n1", ""), reactions: moves, harm: "predicted: A on n2; it is on n1", verdict: reconcile.Running},
		{name: "failed on the way", before: judged("n1", "n1", ""), now: judged("n1", "n1", startFailed), reactions: moves,
			harm: "it is on n1 (start of A on n2: error (exit code 1): no such file)", verdict: reconcile.VerdictFailed},
		{name: "stopped", before: judged("n1", "n1", ""), now: judged("", "n1", ""), harm: "predicted: A on n1; it is stopped", verdict: reconcile.VerdictStopped},
		{name: "an old failure is none", before: judged("n1", "n1", startFailed), now: judged("n1", "n1", startFailed), verdict: reconcile.Running},
		{name: "another resource stops", before: judged("n1", "n1", ""), now: judged("n1", "", ""), harm: "predicted: B on n1; it is stopped", verdict: reconcile.Running},
		{name: "more than predicted is no harm", before: judged("", "n1", ""), now: judged("n1", "n1", ""), differs: "predicted: A stopped; it is on n1", verdict: reconcile.Running},
		{name: "what happens anyway is predicted, too", before: judged("n1", "n1", ""), now: judged("n1", "", ""), verdict: reconcile.Running,
			reactions: []reconcile.Reaction{{Action: "stop", Resource: "B", From: "n1", Anyway: true}}},
		{name: "nothing was predicted", before: judged("n1", "n1", ""), now: judged("n2", "", ""), unavailable: "no scheduler", verdict: reconcile.Running},
		{name: "a failure counts even so", before: judged("n1", "n1", ""), now: judged("n1", "n1", startFailed), unavailable: "no scheduler",
			harm: "A failed", verdict: reconcile.VerdictFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := New("default").Judge(tc.before, tc.now, reconcile.Prediction{Reactions: tc.reactions, Unavailable: tc.unavailable}, nil, []reconcile.Ref{Resource("A")})
			harm := strings.Join(append(j.Harm, j.Elsewhere...), "; ")
			if !strings.Contains(harm, tc.harm) || tc.harm == "" && harm != "" {
				t.Errorf("harm %q, want %q", harm, tc.harm)
			}
			if d := strings.Join(j.Differs, "; "); d != tc.differs {
				t.Errorf("differs %q, want %q", d, tc.differs)
			}
			if len(j.Verdicts) != 1 || j.Verdicts[0].State != tc.verdict {
				t.Errorf("verdicts %+v, want %s", j.Verdicts, tc.verdict)
			}
			if j.Settle != 40*time.Second {
				t.Errorf("a monitor of every 10 s that may take 30 s has looked after 40 s, not %s", j.Settle)
			}
		})
	}
}

// A constraint that moves a resource waits for the move.
func TestExpecting(t *testing.T) {
	s := reconcile.Step{ID: "cib n1 change", Ops: []reconcile.Op{Patch{Edits: []Edit{{Do: create, At: "constraints", XML: `<rsc_location id="l" rsc="A" node="n2" score="1"/>`}}}}}
	p := reconcile.Prediction{Reactions: []reconcile.Reaction{{Action: "move", Resource: "A", From: "n1", To: "n2"}, {Action: "start", Resource: "B", To: "n1", Anyway: true}}}
	got := New("default").Expecting(judged("n1", "n1", ""), s, p)
	a, ok := got.Ops[len(got.Ops)-1].(Await)
	if !ok || len(a.Resources) != 1 || a.Resources[0] != "A" || a.Limit < fencingTime {
		t.Errorf("%+v", got.Ops)
	}
	if len(s.Ops) != 1 {
		t.Error("the plan's own step was changed")
	}
}

// The mark comes with the change, once.
func TestMarked(t *testing.T) {
	d := New("default")
	have := judged("n1", "n1", "")
	s := reconcile.Step{ID: "cib n1 change", Ops: []reconcile.Op{Patch{}}}
	s, ok := d.Marked(have, s, "7")
	doc, err := parse(string(have.CIB))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	after, err := applyAll(doc, s.Ops[0].(Patch).Edits)
	if err != nil {
		t.Fatal(err)
	}
	if state, id := markOf(after); state != "pending" || id != "7" {
		t.Errorf("the mark is %s %s", state, id)
	}
	text, _ := after.WriteToString()
	have.CIB = XML(text)
	if id := d.Waiting(have); id != "7" {
		t.Errorf("waiting for %q", id)
	}
	if again, _ := d.Marked(have, reconcile.Step{Ops: []reconcile.Op{Patch{}}}, "7"); len(again.Ops[0].(Patch).Edits) != 0 || len(again.Ops[0].(Patch).Pins) != 1 {
		t.Errorf("a later change of the same apply only makes sure that it is still there: %+v", again.Ops)
	}
	if _, ok := d.Marked(have, reconcile.Step{Ops: []reconcile.Op{Await{}}}, "8"); ok {
		t.Error("a step that changes nothing carries no mark")
	}
}

// The reason of a rollback names the cause where a node logged one, and not how to mend what was taken back.
func TestHarmNamesTheCause(t *testing.T) {
	e := &FailedError{Why: []string{
		"page: failed: start of page on n2: not installed (exit code 5); failed: start of page on n1: not installed (exit code 5)\n    ERROR: nginx failed\n" +
			"    ERROR: unknown directive \"nonsense\" in /etc/nginx/x.conf:2\n  mend the cause, then crm_resource --cleanup --resource page, or change the manifest",
		"web: failed: start of page on n2: not installed (exit code 5)\n  mend the cause, then crm_resource --cleanup --resource web, or change the manifest",
		"db is blocked: Pacemaker can neither stop nor move it",
	}}
	want := []string{
		`page: failed: start of page on n2: not installed (exit code 5); failed: start of page on n1: not installed (exit code 5): ERROR: unknown directive "nonsense" in /etc/nginx/x.conf:2`,
		"web: failed: start of page on n2: not installed (exit code 5)",
		"db is blocked: Pacemaker can neither stop nor move it",
	}
	if diff := cmp.Diff(want, e.Harm()); diff != "" {
		t.Error(diff)
	}
}

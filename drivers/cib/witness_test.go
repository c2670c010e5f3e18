package cib

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hactl/hactl/reconcile"
)

// recording is a change of a cluster in the lab, with what was predicted, the status before and after it, and the nodes' logs.
type recording struct {
	before, now State
	prediction  reconcile.Prediction
	logs        map[string]string
}

func readRecording(t *testing.T, name string) recording {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "seen", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range txtar.Parse(b).Files {
		files[f.Name] = string(f.Data)
	}
	r := recording{before: State{CIB: XML(files["before.xml"]), Monitor: files["before.mon"]}, now: State{CIB: XML(files["after.xml"]), Monitor: files["after.mon"]},
		logs: map[string]string{}}
	if err := json.Unmarshal([]byte(files["reactions.json"]), &r.prediction.Reactions); err != nil {
		t.Fatal(err)
	}
	for n, text := range files {
		if node, ok := strings.CutSuffix(n, ".log"); ok {
			r.logs[node] = text
		}
	}
	return r
}

// compared is what an apply would tell, with the nodes' logs or from the history alone.
func (r recording) compared(t *testing.T, logs map[string]string) reconcile.Comparison {
	t.Helper()
	var hosts reconcile.Hosts
	for _, n := range []string{"node1", "node2", "node3"} {
		hosts = append(hosts, logHost{n, logs[n]})
	}
	d := New("default")
	happened, ok := d.Witness(t.Context(), hosts, r.before, r.now)
	if !ok {
		t.Fatal("nothing can be told")
	}
	j := d.Judge(r.before, r.now, r.prediction, happened, nil)
	if j.Comparison == nil {
		t.Fatal("nothing was compared")
	}
	return *j.Comparison
}

// logHost answers with a log and knows nothing else.
type logHost struct{ name, log string }

func (h logHost) Name() string { return h.name }

func (h logHost) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	if len(c.Argv) != 4 || !strings.Contains(c.Argv[2], pacemakerLog) {
		return nil, fmt.Errorf("unknown command %q", c.Argv)
	}
	return []byte(h.log), nil
}

func (logHost) ReadFiles(context.Context, ...string) (map[string]reconcile.File, error) {
	return nil, nil
}

func (logHost) WriteFile(context.Context, string, reconcile.File) error { return nil }

// Every recorded change came as it was predicted, by the logs and by the history alone; and none is taken for another one.
func TestWitnessRecordings(t *testing.T) {
	names, _ := filepath.Glob("testdata/seen/*.txtar")
	if len(names) < 12 {
		t.Fatalf("%d recordings", len(names))
	}
	all := map[string]recording{}
	for _, n := range names {
		n = strings.TrimSuffix(filepath.Base(n), ".txtar")
		all[n] = readRecording(t, n)
	}
	// Which instance is promoted is not predictable, and a plan says so.
	start := all["all-start"]
	start.prediction.Unknown = []string{"which instance of S is promoted: its agent sets the scores when it runs"}
	all["all-start"] = start
	for n, r := range all {
		for kind, logs := range map[string]map[string]string{"log": r.logs, "history": nil} {
			c := r.compared(t, logs)
			if len(c.Foretold) == 0 || !c.Agrees() {
				t.Errorf("%s by the %s: %d of %d, %q", n, kind, c.True(), len(c.Foretold), c.Deviations())
			}
		}
		for other, o := range all {
			if n == other {
				continue
			}
			o.prediction = r.prediction
			if c := o.compared(t, o.logs); c.Agrees() {
				t.Errorf("what was predicted for %s is told to have happened in %s", n, other)
			}
		}
	}
}

// A log that lacks an operation of the history is not believed: then a start may have been a reload.
func TestWitnessIncompleteLog(t *testing.T) {
	r := readRecording(t, "restart")
	lines := strings.SplitAfter(r.logs["node1"], "\n")
	var cut []string
	for _, l := range lines {
		if !strings.Contains(l, "Result of start operation for A") {
			cut = append(cut, l)
		}
	}
	if len(cut) == len(lines) {
		t.Fatal("the recording has no start of A on node1")
	}
	r.prediction.Reactions = nil
	for logs, want := range map[string]string{strings.Join(lines, ""): "A: not foretold: restart on node1", strings.Join(cut, ""): "A: not foretold: restart or reload on node1"} {
		if got := strings.Join(r.compared(t, map[string]string{"node1": logs}).Deviations(), "; "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCompareReactions(t *testing.T) {
	h := func(action, resource, node string) reconcile.Happening {
		return reconcile.Happening{Action: action, Resource: resource, Node: node}
	}
	failed := reconcile.Happening{Action: "start", Resource: "A", Node: "n2", Failed: "error (no such file)"}
	vague := reconcile.Happening{Action: "start", Resource: "A", Node: "n1", Vague: true}
	move := reconcile.Reaction{Action: "move", Resource: "A", From: "n1", To: "n2"}
	fence := reconcile.Reaction{Action: "fence", Node: "n3"}
	for _, tc := range []struct {
		name      string
		reactions []reconcile.Reaction
		happened  []reconcile.Happening
		want      string // deviations; "" none
	}{
		{"a move", []reconcile.Reaction{move}, []reconcile.Happening{h("stop", "A", "n1"), h("start", "A", "n2")}, ""},
		{"nothing came", []reconcile.Reaction{move}, nil, "A: foretold: move from n1 to n2; not seen"},
		{"it went elsewhere", []reconcile.Reaction{move}, []reconcile.Happening{h("stop", "A", "n1"), h("start", "A", "n3")},
			"A: foretold: move from n1 to n2; seen: start on n3"},
		{"it failed on the way", []reconcile.Reaction{move}, []reconcile.Happening{h("stop", "A", "n1"), failed, h("stop", "A", "n2"), h("start", "A", "n1")},
			"A: foretold: move from n1 to n2; seen: start on n2 failed: error (no such file); A: not foretold: move from n2 to n1"},
		{"another one, too", []reconcile.Reaction{move}, []reconcile.Happening{h("stop", "A", "n1"), h("start", "A", "n2"), h("stop", "B", "n1"), h("start", "B", "n1")},
			"B: not foretold: restart on n1"},
		{"twice", []reconcile.Reaction{move}, []reconcile.Happening{h("stop", "A", "n1"), h("start", "A", "n2"), h("stop", "A", "n2"), h("start", "A", "n2")},
			"A: not foretold: restart on n2"},
		{"a group restarts, and what is promoted", nil, []reconcile.Happening{h("stop", "B", "n1"), h("demote", "A", "n1"), h("stop", "A", "n1"), h("start", "A", "n1"),
			h("promote", "A", "n1"), h("start", "B", "n1")}, "B: not foretold: restart on n1; A: not foretold: restart on n1"},
		{"a later round foretells it once more", []reconcile.Reaction{move, move}, []reconcile.Happening{h("stop", "A", "n1"), h("start", "A", "n2")}, ""},
		{"a restart by the history", []reconcile.Reaction{{Action: "restart", Resource: "A", From: "n1", To: "n1"}}, []reconcile.Happening{vague}, ""},
		{"a reload by the history", []reconcile.Reaction{{Action: "reload", Resource: "A", From: "n1", To: "n1"}}, []reconcile.Happening{vague}, ""},
		{"a restart instead of a reload", []reconcile.Reaction{{Action: "reload", Resource: "A", From: "n1", To: "n1"}},
			[]reconcile.Happening{h("stop", "A", "n1"), h("start", "A", "n1")}, "A: foretold: reload on n1; seen: restart on n1"},
		{"a fencing", []reconcile.Reaction{fence}, []reconcile.Happening{{Action: "fence", Node: "n3"}}, ""},
		{"a fencing that was not foretold", nil, []reconcile.Happening{{Action: "fence", Node: "n3"}}, "n3: not foretold: fence"},
		{"a promoted one restarts", []reconcile.Reaction{{Action: "restart", Resource: "S:0", From: "n1", To: "n1"}},
			[]reconcile.Happening{h("demote", "S", "n1"), h("stop", "S", "n1"), h("start", "S", "n1"), h("promote", "S", "n1")}, ""},
		{"clones", []reconcile.Reaction{{Action: "stop", Resource: "P:1", From: "n1"}, {Action: "stop", Resource: "P:2", From: "n2"}},
			[]reconcile.Happening{h("stop", "P", "n2")}, "P:1: foretold: stop on n1; not seen"},
		{"what cannot run", []reconcile.Reaction{{Action: "cannot-run", Resource: "A"}}, nil, ""},
		{"a check is no event", nil, []reconcile.Happening{h("monitor", "A", "n1")}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := compareReactions(reconcile.Prediction{Reactions: tc.reactions}, tc.happened, clusterStatus{})
			if got := strings.Join(c.Deviations(), "; "); got != tc.want {
				t.Errorf("told: %s\nwant: %s", got, tc.want)
			}
			if c.Agrees() != (tc.want == "") {
				t.Errorf("agrees: %v", c.Agrees())
			}
		})
	}
}

// Pacemaker that was started again on a node counts from the beginning: what it did since is told, and no stop is made up.
func TestWitnessStartedAgain(t *testing.T) {
	status := func(ops string) State {
		return State{CIB: XML(`<cib><configuration/><status><node_state uname="n1"><lrm><lrm_resources><lrm_resource id="A">` + ops + `</lrm_resource></lrm_resources></lrm></node_state></status></cib>`),
			Monitor: `<pacemaker-result><nodes/><resources/></pacemaker-result>`}
	}
	before := status(`<lrm_rsc_op id="A_last_0" operation="start" call-id="40" rc-code="0" transition-key="1"/>`)
	now := status(`<lrm_rsc_op id="A_last_0" operation="start" call-id="7" rc-code="0" transition-key="2"/>`)
	got, ok := New("default").Witness(t.Context(), nil, before, now)
	if !ok || len(got) != 1 || got[0] != (reconcile.Happening{Action: "start", Resource: "A", Node: "n1"}) {
		t.Errorf("told: %v %+v", ok, got)
	}
	same, ok := New("default").Witness(t.Context(), nil, now, now)
	if !ok || same == nil || len(same) > 0 {
		t.Errorf("told of nothing: %v %+v", ok, same)
	}
	if _, ok := New("default").Witness(t.Context(), nil, State{}, now); ok {
		t.Error("where no cluster was before, it can be told what it did")
	}
}

// The numbers of a resource that was deleted earlier are in no history any more, and may be higher than those that are: it is not told of, nor
// the earlier life of one that has its name.
func TestWitnessEarlierLives(t *testing.T) {
	r := readRecording(t, "restart")
	earlier := "Result of start operation for Gone on node1: ok | call=9000 key=Gone_start_0 rc=0\nResult of stop operation for Gone on node1: ok | call=9001 key=Gone_stop_0 rc=0\n"
	logs := map[string]string{"node1": earlier + r.logs["node1"]}
	if c := r.compared(t, logs); !c.Agrees() {
		t.Errorf("told: %q", c.Deviations())
	}
	r.now.CIB = XML(strings.Replace(string(r.now.CIB), "<lrm_resources>", `<lrm_resources><lrm_resource id="Gone"><lrm_rsc_op id="Gone_last_0" operation="start" call-id="9003" rc-code="0" transition-key="1"/></lrm_resource>`, 1))
	logs["node1"] += "Result of probe operation for Gone on node1: not running | call=9002 key=Gone_monitor_0 rc=7\nResult of start operation for Gone on node1: ok | call=9003 key=Gone_start_0 rc=0\n"
	if got := strings.Join(r.compared(t, logs).Deviations(), "; "); got != "Gone: not foretold: start on node1" {
		t.Errorf("told: %s", got)
	}
}

// An agent that repeats its password in the reason of its failure is told without it.
func TestWitnessIsDiscreet(t *testing.T) {
	r := readRecording(t, "restart")
	r.now.Secrets = []Secret{{Node: "node1", Resource: "A", Param: "passwd", Value: reconcile.Secret("hushhush")}}
	log := strings.Replace(r.logs["node1"], "Result of start operation for A on node1: ok", "Result of start operation for A on node1: error (no login with hushhush)", 1)
	got := strings.Join(r.compared(t, map[string]string{"node1": log}).Deviations(), "; ")
	if strings.Contains(got, "hushhush") || !strings.Contains(got, "start on node1 failed: error (no login with ") {
		t.Errorf("told: %s", got)
	}
}

// What is told of 10 000 resources takes no longer per resource than of 1000.
func TestCompareScale(t *testing.T) {
	took := func(n int) time.Duration {
		before, after := &strings.Builder{}, &strings.Builder{}
		var log strings.Builder
		var p reconcile.Prediction
		for i := range n {
			for b, call := range map[*strings.Builder]int{before: i + 1, after: n + 2*i + 2} {
				fmt.Fprintf(b, `<lrm_resource id="r%d"><lrm_rsc_op id="r%d_last_0" operation="start" call-id="%d" rc-code="0" transition-key="%d"/></lrm_resource>`, i, i, call, call)
			}
			fmt.Fprintf(&log, "Result of stop operation for r%d on node1: ok | call=%d key=r%d_stop_0 rc=0\nResult of start operation for r%d on node1: ok | call=%d key=r%d_start_0 rc=0\n",
				i, n+2*i+1, i, i, n+2*i+2, i)
			p.Reactions = append(p.Reactions, reconcile.Reaction{Action: "restart", Resource: fmt.Sprintf("r%d", i), From: "node1", To: "node1"})
		}
		state := func(b *strings.Builder) State {
			return State{CIB: XML(`<cib><configuration/><status><node_state uname="node1"><lrm><lrm_resources>` + b.String() + `</lrm_resources></lrm></node_state></status></cib>`),
				Monitor: `<pacemaker-result><nodes/><resources/></pacemaker-result>`}
		}
		r := recording{before: state(before), now: state(after), prediction: p}
		begun := time.Now()
		if c := r.compared(t, map[string]string{"node1": log.String()}); c.True() != n || !c.Agrees() {
			t.Fatalf("%d of %d came true", c.True(), n)
		}
		return time.Since(begun)
	}
	few, many := took(1000), took(10_000)
	t.Logf("1000: %s, 10 000: %s", few, many)
	if many > 40*few+2*time.Second {
		t.Errorf("10 000 take %s, 1000 %s", many, few)
	}
}

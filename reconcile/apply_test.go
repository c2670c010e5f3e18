package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func apply(t *testing.T, w *world, d worldDriver, opt ApplyOptions) (Result, error) {
	t.Helper()
	e, _ := worldEngine(w, d)
	if opt.Approve == nil {
		opt.Approve = yes
	}
	return e.Apply(context.Background(), opt)
}

func TestApplyGoesRoundUntilNothingIsLeft(t *testing.T) {
	w := newWorld("n1", "n2")
	res, err := apply(t, w, worldDriver{want: map[string]string{"a": "1", "b": "2", "derived": "from "}}, ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := "n1 a=1\nn1 b=2\nn1 derived=from 1\nn2 a=1\nn2 b=2\nn2 derived=from 1\n"
	if diff := cmp.Diff(want, printFiles(w)); diff != "" {
		t.Error(diff)
	}
	if res.Rounds != 2 || res.Steps != 6 {
		t.Errorf("took %d rounds and %d steps, want 2 and 6", res.Rounds, res.Steps)
	}
	for _, n := range []string{"n1", "n2"} { // every b after every a
		if slices.Index(w.log, n+" b") < max(slices.Index(w.log, "n1 a"), slices.Index(w.log, "n2 a")) {
			t.Errorf("b was written before all of a: %v", w.log)
		}
	}
	again, err := apply(t, w, worldDriver{want: map[string]string{"a": "1"}}, ApplyOptions{Approve: func(*Observation, *Plan) error { return errors.New("asked") }})
	if err != nil || again.Rounds != 0 {
		t.Errorf("a second apply did something: %+v, %v", again, err)
	}
}

func TestApplyErrors(t *testing.T) {
	full := &ExitError{Host: "n2", Argv: []string{"tee", "a"}, Code: 1, Stderr: []byte("No space left on device")}
	tests := []struct {
		name    string
		prepare func(w *world, d *worldDriver)
		opt     ApplyOptions
		want    string // part of the error
		files   string
	}{
		{
			name:    "an unreachable machine is told, the others are done",
			prepare: func(w *world, _ *worldDriver) { w.down["n3"] = true },
			want:    "not finished, and no progress: n3: step \"write n3 a\": n3 is unreachable",
			files:   "n1 a=1\nn2 a=1\n",
		},
		{
			name:    "a minority of the members is not enough",
			prepare: func(w *world, _ *worldDriver) { w.down["n2"], w.down["n3"] = true, true },
			want:    "locked on 1 of 3 members only",
		},
		{
			name:    "a minority is enough where it is allowed",
			prepare: func(w *world, _ *worldDriver) { w.down["n2"], w.down["n3"] = true, true },
			opt:     ApplyOptions{Allow: []Allow{{Risk: Quorum}}},
			want:    "no progress",
			files:   "n1 a=1\n",
		},
		{
			name:    "a failed step is an answer, and nothing that waits for it runs",
			prepare: func(w *world, d *worldDriver) { w.fail["n2 a"] = full; d.want["b"] = "2" },
			want:    `n2: step "write n2 a": tee a: exit code 1: No space left on device`,
			files:   "n1 a=1\nn3 a=1\n",
		},
		{
			name: "what was not approved is not done",
			prepare: func(_ *world, d *worldDriver) {
				d.extra = func(have worldState) []Step {
					if have["n1"]["a"] == "" {
						return nil
					}
					return []Step{{ID: "surprise", Host: "n1", Changes: []Change{{Object: Ref{"file", "n1/z"}, Action: Delete, Risk: Outage}},
						Ops: []Op{Write{Path: "z"}}}}
				}
			},
			want:  "more would happen than was approved (run plan again and look):\n  delete file/n1/z was not in the approved plan",
			files: "n1 a=1\nn2 a=1\nn3 a=1\n",
		},
		{
			name: "the same plan twice is no progress",
			prepare: func(_ *world, d *worldDriver) {
				d.extra = func(worldState) []Step {
					return []Step{{ID: "futile", Host: "n1", Changes: []Change{{Object: Ref{"x", "y"}, Action: Update}}, Ops: []Op{nop{}}}}
				}
			},
			want:  `no progress: n1: step "futile" was carried out and changed nothing: update x/y`,
			files: "n1 a=1\nn2 a=1\nn3 a=1\n",
		},
		{
			name: "a cluster in trouble is left alone",
			prepare: func(_ *world, d *worldDriver) {
				d.standing = Standing{Formed: true, Trouble: []string{"two DCs: n1, n2"}}
			},
			want: "must not be changed now: two DCs: n1, n2",
		},
		{
			name:    "a refusal changes nothing",
			prepare: func(*world, *worldDriver) {},
			opt:     ApplyOptions{Approve: func(*Observation, *Plan) error { return errors.New("no") }},
			want:    "no",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("n1", "n2", "n3")
			d := worldDriver{want: map[string]string{"a": "1"}}
			tt.prepare(w, &d)
			tt.opt.Patience = time.Millisecond
			_, err := apply(t, w, d, tt.opt)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant part %q", err, tt.want)
			}
			if diff := cmp.Diff(tt.files, printFiles(w)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type nop struct{}

func (nop) String() string                                 { return "nothing" }
func (nop) Do(context.Context, Host, func(Progress)) error { return nil }

func TestDrainFinishesWhatRuns(t *testing.T) {
	w := newWorld("n1", "n2")
	drain := make(chan struct{})
	first := true
	w.onRun = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if first {
			first = false
			close(drain)
		}
	}
	_, err := apply(t, w, worldDriver{want: map[string]string{"a": "1", "b": "2"}}, ApplyOptions{Drain: drain})
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("got %v", err)
	}
	for _, n := range []string{"n1", "n2"} {
		if w.files[n]["b"] != "" {
			t.Errorf("a step began after the request to stop: %v", w.log)
		}
	}
	if len(w.log) == 0 {
		t.Error("what ran was not finished")
	}
}

func TestLostLockStartsNoFurtherStep(t *testing.T) {
	w := newWorld("n1")
	e, l := worldEngine(w, worldDriver{want: map[string]string{"a": "1", "b": "2"}})
	w.onRun = func() { l.lose(errors.New("no heartbeat from n1")) }
	_, err := e.Apply(context.Background(), ApplyOptions{Approve: yes})
	if err == nil || !strings.Contains(err.Error(), "no heartbeat from n1") {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff("n1 a=1\n", printFiles(w)); diff != "" {
		t.Error(diff)
	}
}

func TestStaleIsPlannedAgain(t *testing.T) {
	w := newWorld("n1")
	w.fail["n1 a"] = &StaleError{Ref{"file", "a"}, "someone wrote it"}
	tries := 0
	w.onRun = func() {
		if tries++; tries == 2 {
			delete(w.fail, "n1 a")
		}
	}
	if _, err := apply(t, w, worldDriver{want: map[string]string{"a": "1"}}, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if tries != 2 {
		t.Errorf("%d tries, want 2", tries)
	}
}

// A crash between any two writes is mended by the next run.
func TestCrashConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"n1", "n2", "n3", "n4"}), 1, 4, rapid.ID).Draw(t, "nodes")
		if !slices.Contains(nodes, "n1") {
			nodes = append(nodes, "n1")
		}
		d := worldDriver{want: map[string]string{"a": "1", "b": "2", "derived": "d"}}
		w := newWorld(nodes...)
		left := rapid.IntRange(0, 3*len(nodes)).Draw(t, "crash after")
		ctx, crash := context.WithCancel(context.Background())
		defer crash()
		e, _ := worldEngine(w, d)
		for i, h := range e.Hosts {
			e.Hosts[i] = crashingHost{h, &left, crash}
		}
		_, _ = e.Apply(ctx, ApplyOptions{Approve: yes})
		e, _ = worldEngine(w, d)
		if _, err := e.Apply(context.Background(), ApplyOptions{Approve: yes}); err != nil {
			t.Fatal(err)
		}
		want := newWorld(nodes...)
		for n := range want.files {
			want.files[n] = map[string]string{"a": "1", "b": "2", "derived": "d1"}
		}
		if diff := cmp.Diff(printFiles(want), printFiles(w)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// crashingHost writes as often as left says and then fails for good.
type crashingHost struct {
	Host
	left  *int
	crash func()
}

func (h crashingHost) WriteFile(ctx context.Context, path string, f File) error {
	w := h.Host.(worldHost).w
	w.mu.Lock()
	*h.left--
	dead := *h.left < 0
	w.mu.Unlock()
	if dead {
		h.crash()
		return errors.New("killed")
	}
	return h.Host.WriteFile(ctx, path, f)
}

func TestEqualReadsOfARoundRunOnce(t *testing.T) {
	c := &countingHost{}
	m := newMemoHost(t.Context(), c)
	for range 3 {
		for _, argv := range [][]string{{"cibadmin", "-Q"}, {"uname", "-n"}} {
			if out, err := m.Run(context.Background(), Cmd{Argv: argv}); err != nil || string(out) != argv[0] {
				t.Fatalf("%s, %v", out, err)
			}
		}
	}
	if c.runs != 2 {
		t.Errorf("%d commands ran, want 2", c.runs)
	}
	if _, err := m.Run(context.Background(), Cmd{Argv: []string{"rm"}, Mutates: true}); err == nil {
		t.Error("observing was allowed to change something")
	}
}

type countingHost struct {
	Host
	runs int
}

func (c *countingHost) Name() string { return "n1" }
func (c *countingHost) Run(_ context.Context, cmd Cmd) ([]byte, error) {
	c.runs++
	return []byte(cmd.Argv[0]), nil
}

func TestAllowByName(t *testing.T) {
	for _, c := range []struct {
		allow string
		gate  Gate
		opens bool
	}{
		{"outage", Gate{Risk: Outage, Object: "Resource/A"}, true},
		{"outage", Gate{Risk: Outage, Object: "Resource/A", ByName: true}, false},
		{"outage=A", Gate{Risk: Outage, Object: "Resource/A", ByName: true}, true},
		{"outage=Resource/A", Gate{Risk: Outage, Object: "Resource/A", ByName: true}, true},
		{"outage=Resource/A", Gate{Risk: Outage, Object: "A"}, true},
		{"outage=B", Gate{Risk: Outage, Object: "Resource/A"}, false},
		{"outage=corosync", Gate{Risk: Outage, Object: "package/node1/corosync"}, false},
		{"restart=A", Gate{Risk: Outage, Object: "Resource/A"}, false},
		{"data-loss=r0", Gate{Risk: DataLoss, Object: "DRBDResource/r0", ByName: true}, false},
		{"data-loss=DRBDResource/r0", Gate{Risk: DataLoss, Object: "DRBDResource/r0", ByName: true}, true},
	} {
		a, err := ParseAllow(c.allow)
		if err != nil {
			t.Fatal(err)
		}
		if open := len(Ungated([]Gate{c.gate}, []Allow{a})) == 0; open != c.opens {
			t.Errorf("--allow %s opens %s (by name: %t): %t, want %t", c.allow, c.gate, c.gate.ByName, open, c.opens)
		}
	}
}

func TestGates(t *testing.T) {
	p := &Plan{Cluster: "w"}
	for i, r := range []Risk{Safe, ReloadRisk, RestartRisk, DataLoss} {
		p.Steps = append(p.Steps, PlannedStep{Step: Step{ID: fmt.Sprint(i),
			Changes: []Change{{Object: Ref{"vol", fmt.Sprint(i)}, Action: Update, Path: "size", Risk: r}}}})
	}
	p.Prediction.Reactions = []Reaction{{Action: "stop", Resource: "db", From: "n1", Risk: Outage},
		{Action: "stop", Resource: "old", From: "n1", Risk: Outage, Anyway: true}}
	var got []string
	for _, g := range p.Gates() {
		got = append(got, g.String())
	}
	want := []string{"data-loss: vol/3: update size", "outage: db: the cluster will stop db on n1", "restart: vol/2: update size"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	allowed := []Allow{{Risk: DataLoss}, {Risk: Outage}}
	if rest := Ungated(p.Gates(), allowed); len(rest) != 2 || rest[0].Risk != DataLoss {
		t.Errorf("data-loss must name its object; left %v", rest)
	}
	a, err := ParseAllow("data-loss=vol/3")
	if err != nil {
		t.Fatal(err)
	}
	if rest := Ungated(p.Gates(), append(allowed, a, Allow{Risk: RestartRisk})); len(rest) != 0 {
		t.Errorf("still closed: %v", rest)
	}
	for _, bad := range []string{"", "dataloss", "data-loss", "everything"} {
		if _, err := ParseAllow(bad); err == nil {
			t.Errorf("--allow %q was accepted", bad)
		}
	}
}

func TestTextHidesSecrets(t *testing.T) {
	x := Join(Plain("password="), Secret("hunter2"))
	b, err := x.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{x.String(), fmt.Sprint(x), fmt.Sprintf("%v %+v %#v %s", x, x, x, x), string(b), fmt.Sprintf("%+v", File{Content: x})} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("the secret shows in %q", out)
		}
	}
	if x.Reveal() != "password=hunter2" {
		t.Error("the secret is lost")
	}
	var y Text
	if err := y.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	if y.Comparable() || y.Equal(y) {
		t.Error("a text that lost its secrets must not compare")
	}
}

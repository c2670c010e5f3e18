package status_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
	"github.com/hactl/hactl/reconcile/watch/status"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// forge is one in memory.
type forge struct {
	answer func(n int, s status.Status) error
	mu     sync.Mutex
	tries  []time.Time
	shown  []string // COMMIT CONTEXT OUTCOME TEXT
}

func (f *forge) Set(ctx context.Context, s status.Status) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries = append(f.tries, time.Now())
	if f.answer != nil {
		if err := f.answer(len(f.tries), s); err != nil {
			return err
		}
	}
	f.shown = append(f.shown, fmt.Sprintf("%s %s %s %s", s.Commit, s.Context, s.Outcome, s.Text))
	return ctx.Err()
}

// tried is when it was asked.
func (f *forge) tried() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.tries)
}

// last is what a context shows.
func (f *forge) last(context string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.shown) - 1; i >= 0; i-- {
		if strings.Contains(f.shown[i], " "+context+" ") {
			return f.shown[i]
		}
	}
	return ""
}

// run runs a test on a loop that is reported to a forge. It gives the log.
func run(t *testing.T, apply bool, f *forge, test func(w *watchtest.World, r *status.Reporter)) string {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		r := status.New(f, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		w := watchtest.Begin(t, apply, func(w *watchtest.World) {
			w.Loop.Source = r.Follow(w)
			go func() { r.Run(ctx, w.Loop); close(ended) }()
		})
		test(w, r)
		stop()
		<-ended
		w.Stop()
	})
	return log.String()
}

// pause lets time pass in a bubble, until nobody does anything.
func pause(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestReport(t *testing.T) {
	f := &forge{}
	log := run(t, true, f, func(w *watchtest.World, _ *status.Reporter) {
		w.Says("1", "db/c.yaml", watchtest.Cluster("db", "one"), "web/c.yaml", watchtest.Cluster("web", "one"), "p.yaml", watchtest.Anything)
		w.Phase("db", watch.InSync)
		w.Phase("web", watch.InSync)
		pause(time.Minute)
		for _, context := range []string{"hactl/db", "hactl/web"} {
			if got := f.last(context); !strings.HasPrefix(got, "1 "+context+" success applied: ") {
				t.Error(got)
			}
		}
		if got := f.last("hactl"); got != "1 hactl success in force" {
			t.Error(got)
		}
		quiet := len(f.tried())
		pause(8 * time.Hour)
		if n := len(f.tried()); n != quiet {
			t.Errorf("what did not change was sent again: %d times", n-quiet)
		}
		w.Says("2", "db/c.yaml", watchtest.Cluster("db", "two"), "web/c.yaml", strings.Replace(watchtest.Cluster("web", "two"), "agent:", "agnet:", 1), "p.yaml", watchtest.Anything)
		pause(10 * time.Minute)
		if got := f.last("hactl/db"); !strings.HasPrefix(got, "2 hactl/db success applied: ") {
			t.Error(got)
		}
		if got := f.last("hactl/web"); !strings.HasPrefix(got, "2 hactl/web failure refused: web/c.yaml:13:") || !strings.Contains(got, "agnet") {
			t.Error(got)
		}
		if got := f.last("hactl"); !strings.HasPrefix(got, "2 hactl failure refused in part: web/c.yaml:13:") {
			t.Error(got)
		}
		w.Says("3", "c.yaml", strings.Replace(watchtest.Cluster("db", "three"), "agent:", "agnet:", 1))
		pause(time.Minute)
		if got := f.last("hactl"); !strings.HasPrefix(got, "3 hactl failure refused: ") || !strings.Contains(got, "c.yaml:13:") {
			t.Error(got)
		}
		if got := f.last("hactl/db"); !strings.HasPrefix(got, "2 hactl/db success") {
			t.Errorf("what is refused is in force for nobody: %s", got)
		}
		w.Refuse("db", errors.New("the key's file cannot be read"))
		w.Says("4", "db/c.yaml", watchtest.Cluster("db", "four"), "p.yaml", watchtest.Anything)
		pause(time.Minute)
		if got := f.last("hactl/db"); got != "4 hactl/db error cannot be looked at: the key's file cannot be read" {
			t.Error(got)
		}
	})
	if log != "" {
		t.Error(log)
	}
	for i := 1; i < len(f.tries); i++ {
		if f.tries[i].Sub(f.tries[i-1]) < time.Second {
			t.Errorf("%v between two", f.tries[i].Sub(f.tries[i-1]))
		}
	}
}

// What only reports shows drift, and a commit that was overtaken does not look as if it were still to come.
func TestReportDrift(t *testing.T) {
	f := &forge{}
	run(t, false, f, func(w *watchtest.World, _ *status.Reporter) {
		w.Says("1", "c.yaml", watchtest.Cluster("db", "one"))
		pause(time.Minute)
		w.Says("2", "c.yaml", watchtest.Cluster("db", "two"))
		pause(time.Minute)
	})
	var got []string
	for _, s := range f.shown {
		if strings.Contains(s, " hactl/db ") {
			got = append(got, strings.Split(s, ":")[0])
		}
	}
	want := []string{"1 hactl/db pending waits", "1 hactl/db pending overtaken by a later commit", "2 hactl/db pending waits"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A forge that is away, in trouble or limits its rate is asked ever less often, gets what is so then, and the loop notices nothing of it.
func TestReportTrouble(t *testing.T) {
	for name, test := range map[string]struct {
		err      error
		min, max int // tries in eight hours
		wait     time.Duration
	}{
		"away":        {errors.New("no route to host"), 26, 50, 0},
		"busy":        {status.Later{Err: errors.New("busy"), Wait: 30 * time.Minute}, 15, 17, 30 * time.Minute},
		"for ever":    {status.Later{Err: errors.New("busy"), Wait: 1 << 62}, 4, 5, 2 * time.Hour},
		"in the past": {status.Later{Err: errors.New("busy"), Wait: -time.Hour}, 26, 50, 0},
		"refused":     {status.Refused{Err: errors.New("no such commit")}, 2, 8, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var back atomic.Bool
			f := &forge{answer: func(int, status.Status) error {
				if back.Load() {
					return nil
				}
				return test.err
			}}
			log := run(t, true, f, func(w *watchtest.World, r *status.Reporter) {
				w.Says("1", "c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
				w.Phase("db", watch.InSync)
				pause(8 * time.Hour)
				tries := f.tried()
				if n := len(tries); n < test.min || n > test.max {
					t.Errorf("%d tries", n)
				}
				for i := 1; i < len(tries); i++ {
					if tries[i].Sub(tries[i-1]) < test.wait {
						t.Errorf("%v between two tries", tries[i].Sub(tries[i-1]))
					}
				}
				counted := metrics(t, r)
				if name == "refused" {
					if counted["refused"] != float64(len(tries)) || counted["failed"] > 0 {
						t.Errorf("counted: %v", counted)
					}
					return
				}
				if counted["failed"] != float64(len(tries)) || counted["sent"] > 0 {
					t.Errorf("counted: %v", counted)
				}
				back.Store(true)
				pause(3 * time.Hour)
				if got := f.last("hactl/db"); !strings.HasPrefix(got, "1 hactl/db success") || f.last("hactl") == "" {
					t.Errorf("shown afterwards: %q", got)
				}
			})
			if name != "refused" && (strings.Count(log, "\n") != 2 || !strings.Contains(log, "are not taken") || !strings.Contains(log, "taken again")) {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func metrics(t *testing.T, r *status.Reporter) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(r)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "hactl_commit_statuses_total" {
		t.Fatalf("%v, %v", families, err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	return got
}

// One cluster that changes all the time does not keep the others from being shown, and a forge that hangs keeps nobody.
func TestReportTakesTurns(t *testing.T) {
	f := &forge{}
	run(t, false, f, func(w *watchtest.World, _ *status.Reporter) {
		var files []string
		for i := range 10 {
			name := fmt.Sprintf("c%02d", i)
			files = append(files, name+"/c.yaml", watchtest.Cluster(name, "one"))
		}
		w.Says("1", files...)
		for n := range 60 {
			w.Refuse("c00", fmt.Errorf("error %d", n))
			w.Loop.Poke("c00")
			pause(time.Second)
		}
		for i := range 10 {
			if name := fmt.Sprintf("hactl/c%02d", i); f.last(name) == "" {
				t.Errorf("nothing is shown of %s", name)
			}
		}
	})
}

// A commit that the source itself refuses shows why.
func TestReportUnsigned(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("NOT TESTED: commits that are not signed: install git")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(watchtest.Cluster("db", "one")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "allowed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var id string
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "-m", "x"}, {"rev-parse", "HEAD"}} {
		c := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		id = strings.TrimSpace(string(out))
	}
	f := &forge{}
	r := status.New(f, slog.New(slog.DiscardHandler))
	src := r.Follow(source.Git{URL: dir, Dir: t.TempDir(), AllowedSigners: filepath.Join(dir, "allowed")})
	loop := &watch.Loop{Source: src}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if err := src.Run(ctx, nil, func(source.Revision) { stop() }, func(error) { stop() }); err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithTimeout(t.Context(), time.Second)
	defer stop()
	r.Run(ctx, loop)
	want := id + " hactl failure refused: the commit " + id[:7] + " by a is refused: it is not signed"
	if f.last("hactl") != want {
		t.Errorf("shown: %q, not %q", f.shown, want)
	}
}

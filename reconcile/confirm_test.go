package reconcile

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// guardedDriver keeps, and takes back, what worldDriver does.
type guardedDriver struct {
	worldDriver
	arms  []string // the machines that take it back by themselves
	away  error
	fails error // of the way back
}

func (d guardedDriver) Keeps(Step) bool { return true }
func (d guardedDriver) Checkpoint(context.Context, Hosts, worldState, string) ([]string, error) {
	return []string{"n1"}, nil
}
func (d guardedDriver) Reverses(Step) bool { return true }
func (d guardedDriver) Reverse(worldState, []Step) ([]Undo, error) {
	return []Undo{{Step: "write"}}, nil
}
func (d guardedDriver) Retreat(context.Context, Hosts, worldState, []Undo, string) ([]Undone, error) {
	return nil, d.fails
}
func (d guardedDriver) Marked(_ worldState, s Step, _ string) (Step, bool)    { return s, true }
func (d guardedDriver) Mark(context.Context, Hosts, worldState, string) error { return nil }
func (d guardedDriver) Disarm(context.Context, Hosts, string) error           { return nil }
func (d guardedDriver) Waiting(worldState) string                             { return "" }
func (d guardedDriver) Arm(context.Context, Hosts, worldState, []Undo, Wait) ([]string, error) {
	return d.arms, d.away
}

// brokenError is harm that a change did.
type brokenError struct{}

func (brokenError) Error() string  { return "web failed" }
func (brokenError) Harm() []string { return []string{"web failed"} }

// An apply that fails half-way says what becomes of what it has changed; the way back is there before the change, or there is no change.
func TestWhatIsLeftIsTold(t *testing.T) {
	lost := errors.New("connection lost")
	gone := &UnreachableError{Host: "n2", Err: errors.New("no route")}
	for _, x := range []struct {
		name     string
		d        guardedDriver
		fail     error
		opt      ApplyOptions
		says     []string
		saysNot  string
		unchange bool
	}{
		{name: "cut off, and armed", d: guardedDriver{arms: []string{"n1", "n2"}}, fail: lost, opt: ApplyOptions{Confirm: time.Minute},
			says: []string{"connection lost", "unless it is confirmed (hactl confirm), the members take the change back at "}},
		{name: "cut off, and watched", fail: lost, opt: ApplyOptions{Rollback: true},
			says: []string{"connection lost", "nothing was taken back", "hactl checkpoint restore "}},
		{name: "cut off, and nothing asked for", fail: lost, says: []string{"connection lost"}, saysNot: "taken back"},
		{name: "taken back", d: guardedDriver{arms: []string{"n1", "n2"}}, fail: brokenError{}, opt: ApplyOptions{Rollback: true, Confirm: time.Minute},
			says: []string{"the change was taken back", "web failed"}, saysNot: "unless it is confirmed"},
		{name: "the way back fails, and it is armed", d: guardedDriver{arms: []string{"n1", "n2"}, fails: lost}, fail: brokenError{},
			opt: ApplyOptions{Rollback: true, Confirm: time.Minute}, says: []string{"could not be taken back", "unless it is confirmed"}},
		{name: "no member can be armed", d: guardedDriver{away: gone}, opt: ApplyOptions{Confirm: time.Minute},
			says: []string{"the way back could not be armed, nothing was changed", "no route"}, unchange: true},
		{name: "a member that is there cannot be armed", d: guardedDriver{arms: []string{"n1"}, away: errors.New("disk full")}, opt: ApplyOptions{Confirm: time.Minute},
			says: []string{"the way back could not be armed, nothing was changed", "disk full"}, unchange: true},
		{name: "a member went away since it was observed", d: guardedDriver{arms: []string{"n1"}, away: gone}, fail: lost, opt: ApplyOptions{Confirm: time.Minute},
			says: []string{"connection lost", "unless it is confirmed"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld("n1", "n2")
			if x.fail != nil {
				w.fail["n1 a"] = x.fail
			}
			x.d.worldDriver = worldDriver{want: map[string]string{"a": "1"}, standing: Standing{Formed: true}}
			e, _ := worldEngine(w, x.d.worldDriver)
			e.Layers = []Layer{Of(x.d)}
			x.opt.Approve = yes
			_, err := e.Apply(t.Context(), x.opt)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range x.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("does not say %q: %v", part, err)
				}
			}
			if x.saysNot != "" && strings.Contains(err.Error(), x.saysNot) {
				t.Errorf("says %q: %v", x.saysNot, err)
			}
			if x.unchange && printFiles(w) != "" {
				t.Errorf("changed %s", printFiles(w))
			}
		})
	}
}

// A change that nobody can watch any more is no success, and the wait ends; members that answer again in time are watched on.
func TestWatchWithoutAnswers(t *testing.T) {
	for _, x := range []struct {
		name string
		back time.Duration // when the members answer again
		took time.Duration
		says string
	}{
		{"for good", time.Hour, 10 * time.Second, "nobody can see any more whether the change does harm: n1: unreachable: no route\nn2: unreachable: no route\nnothing was taken back"},
		{"for a moment", 5 * time.Second, 20 * time.Second, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld("n1", "n2")
				down := func(is bool) {
					w.mu.Lock()
					defer w.mu.Unlock()
					w.down["n1"], w.down["n2"] = is, is
				}
				d := guardedDriver{worldDriver: worldDriver{want: map[string]string{"a": "1"}, standing: Standing{Formed: true}}}
				e, _ := worldEngine(w, d.worldDriver)
				e.Layers = []Layer{Of(d)}
				var begun time.Time
				e.Events = func(ev Event) {
					if strings.HasPrefix(ev.Text, "watching for") {
						begun = time.Now()
						down(true)
						time.AfterFunc(x.back, func() { down(false) })
					}
				}
				_, err := e.Apply(t.Context(), ApplyOptions{Approve: yes, Rollback: true, Settle: 20 * time.Second})
				if (err != nil) != (x.says != "") || err != nil && !strings.Contains(err.Error(), x.says) {
					t.Errorf("got %v, want %q", err, x.says)
				}
				if took := time.Since(begun); took < x.took || took > x.took+2*time.Second {
					t.Errorf("took %s, want about %s", took, x.took)
				}
			})
		})
	}
}

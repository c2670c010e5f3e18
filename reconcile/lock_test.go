package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// busyLocker finds a command of an earlier apply until it has ended.
type busyLocker struct {
	Locker
	ends time.Time
}

func (l busyLocker) Lock(ctx context.Context, hosts Hosts, me Holder) (Lock, error) {
	if time.Now().Before(l.ends) {
		return nil, &LockedError{Host: "n1", Busy: "apt-get install nginx"}
	}
	return l.Locker.Lock(ctx, hosts, me)
}

// What a killed apply left running is waited for and named; another apply is not waited for, and patience ends.
func TestLockWaitsForACommandThatStillRuns(t *testing.T) {
	for _, x := range []struct {
		name  string
		runs  time.Duration
		other bool
		drain bool
		takes time.Duration
		want  string // part of the error
	}{
		{name: "ends", runs: 10 * time.Second, takes: 10 * time.Second},
		{name: "does not end", runs: time.Hour, takes: DefaultPatience, want: "n1: a command of an earlier apply still runs: apt-get install nginx; wait for it"},
		{name: "Ctrl-C", runs: time.Hour, drain: true, want: "interrupted"},
		{name: "another apply", other: true, want: "n1: locked by anna"},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld("n1")
				e, l := worldEngine(w, worldDriver{want: map[string]string{"a": "1"}})
				e.Locker = busyLocker{l, time.Now().Add(x.runs)}
				if x.other {
					e.Locker = heldLocker{}
				}
				var told []string
				e.Events = func(ev Event) {
					if ev.Type == EventWait {
						told = append(told, ev.Text)
					}
				}
				drain := make(chan struct{})
				if x.drain {
					close(drain)
				}
				begun := time.Now()
				_, err := e.Apply(t.Context(), ApplyOptions{Approve: yes, Drain: drain})
				if took := time.Since(begun).Truncate(100 * time.Millisecond); took != x.takes {
					t.Errorf("took %s, want %s", took, x.takes)
				}
				if (err != nil) != (x.want != "") || err != nil && !strings.Contains(err.Error(), x.want) {
					t.Errorf("got %v, want %q", err, x.want)
				}
				want := []string{"waiting up to 1m0s: n1: a command of an earlier apply still runs: apt-get install nginx"}
				if x.other {
					want = nil
				}
				if !slices.Equal(told, want) {
					t.Errorf("told %q", told)
				}
				if done := printFiles(w) != ""; done != (x.want == "") {
					t.Errorf("the files are %q", printFiles(w))
				}
			})
		})
	}
}

// heldLocker finds another apply.
type heldLocker struct{}

func (heldLocker) Lock(context.Context, Hosts, Holder) (Lock, error) {
	return nil, errors.Join(&LockedError{Host: "n1", Holder: Holder{Who: "anna"}})
}

package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// Forge shows statuses beside commits.
type Forge interface {
	// Set shows a status, or gives up within a few seconds. The error is a Refused where another try would end the same, and a Later where the
	// forge asked to be left alone.
	Set(ctx context.Context, s Status) error
}

// Refused is the error of a forge that does not take this very status.
type Refused struct{ Err error }

// Error says why.
func (r Refused) Error() string { return r.Err.Error() }

// Unwrap gives what the forge said.
func (r Refused) Unwrap() error { return r.Err }

// Later is the error of a forge that takes nothing before Wait is over.
type Later struct {
	Err  error
	Wait time.Duration
}

// Error says why.
func (l Later) Error() string { return l.Err.Error() }

// Unwrap gives what the forge said.
func (l Later) Unwrap() error { return l.Err }

// The pace of a Reporter.
const (
	pace       = time.Second // between two statuses, as GitHub asks for
	firstRetry = 5 * time.Second
	lastRetry  = 15 * time.Minute
	longest    = 2 * time.Hour    // that a forge is left alone, whatever it says
	idle       = 10 * time.Second // at the latest something new is looked for
)

// Reporter has a forge show how a loop gets on. It is a prometheus.Collector.
type Reporter struct {
	// Forge, and how it is told. Context begins the names of the statuses, Page is the URL of the page, or "".
	Forge         Forge
	Context, Page string
	Log           *slog.Logger

	sent   map[string]Status // by context: the last one that was taken, or refused for good
	last   string            // context of the last one
	retry  *backoff.ExponentialBackOff
	failed string // what is being logged of once

	mu      sync.Mutex
	newest  commit // of the source, whether it is in force or not
	results *prometheus.CounterVec
}

// commit is one that the source saw, and why it does not even come before the loop.
type commit struct {
	id, name string
	err      error
}

// New gives a reporter for a forge.
func New(f Forge, log *slog.Logger) *Reporter {
	r := &Reporter{Forge: f, Context: "hactl", Log: log, sent: map[string]Status{}, retry: backoff.NewExponentialBackOff(),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hactl_commit_statuses_total",
			Help: "Commit statuses, by result: sent, refused by the forge, or failed and tried again."}, []string{"result"})}
	r.retry.InitialInterval, r.retry.MaxInterval = firstRetry, lastRetry
	for _, result := range []string{"sent", "refused", "failed"} {
		r.results.WithLabelValues(result)
	}
	return r
}

// Describe implements prometheus.Collector.
func (r *Reporter) Describe(ch chan<- *prometheus.Desc) { r.results.Describe(ch) }

// Collect implements prometheus.Collector.
func (r *Reporter) Collect(ch chan<- prometheus.Metric) { r.results.Collect(ch) }

// Follow gives the source that the loop is to follow in place of src: a commit that is refused is in no State with its whole id.
func (r *Reporter) Follow(src source.Source) source.Source { return followed{src, r} }

type followed struct {
	source.Source
	r *Reporter
}

// Run implements source.Source.
func (f followed) Run(ctx context.Context, poke <-chan struct{}, found func(source.Revision), failed func(error)) error {
	return f.Source.Run(ctx, poke, func(rev source.Revision) {
		f.r.saw(commit{id: rev.ID, name: rev.Name})
		found(rev)
	}, func(err error) {
		var refused source.RefusedError
		if errors.As(err, &refused) {
			f.r.saw(commit{refused.Revision.ID, refused.Revision.Name, refused.Unwrap()})
		}
		failed(err)
	})
}

func (r *Reporter) saw(c commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.newest = c
}

// taken says of the newest commit whether it is in force.
func (r *Reporter) taken(s watch.Source) (Status, bool) {
	r.mu.Lock()
	c := r.newest
	r.mu.Unlock()
	one := Status{Commit: c.id, Context: r.Context, URL: r.Page}
	why, refused := strings.CutPrefix(s.Refused, c.name+": ")
	switch {
	case c.id == "":
		return one, false
	case c.err != nil:
		one.Outcome, one.Text = Failure, line("refused: "+c.err.Error())
	case c.id == s.Revision.ID && len(s.Broken) > 0: // also of a folder of which no cluster is known
		one.Outcome, one.Text = Failure, line("refused in part: "+s.Broken[slices.Min(slices.Collect(maps.Keys(s.Broken)))])
	case c.id == s.Revision.ID:
		one.Outcome, one.Text = Success, "in force"
	case refused:
		one.Outcome, one.Text = Failure, line("refused: "+why)
	default: // it is being loaded
		return one, false
	}
	return one, true
}

// Run tells the forge of the loop's clusters until ctx ends.
func (r *Reporter) Run(ctx context.Context, loop *watch.Loop) {
	for wait := time.Duration(0); sleep(ctx, wait); {
		changed := loop.Changed()
		s, ok := r.next(loop.State())
		if ok {
			wait = r.set(ctx, s)
			continue
		}
		wait = pace
		bell := time.NewTimer(idle) // before the loop has begun, nobody tells of changes
		select {
		case <-ctx.Done():
		case <-changed:
		case <-bell.C:
		}
		bell.Stop()
	}
}

// overtaken ends what would look as if it were still to come.
const overtaken = "overtaken by a later commit"

// next is a status that should be shown and is not. They take turns, so that one that changes all the time does not hold up the others.
func (r *Reporter) next(s watch.State) (Status, bool) {
	all := Of(s, r.Context, r.Page)
	if one, known := r.taken(s.Source); known {
		all = append([]Status{one}, all...)
	}
	var due []Status // in the order of their contexts, as State has them
	known := map[string]bool{r.Context: true}
	for _, one := range all {
		known[one.Context] = true
		had := r.sent[one.Context]
		if had.Outcome == Pending && had.Commit != one.Commit && had.Text != overtaken {
			one, had.Text = had, ""
			one.Text = overtaken
		}
		if had != one {
			due = append(due, one)
		}
	}
	maps.DeleteFunc(r.sent, func(context string, _ Status) bool { return !known[context] }) // of clusters that are gone
	for _, one := range due {
		if one.Context > r.last {
			return one, true
		}
	}
	if len(due) == 0 {
		return Status{}, false
	}
	return due[0], true
}

// set sends a status, and tells how long nothing is to be sent after it.
func (r *Reporter) set(ctx context.Context, s Status) time.Duration {
	r.last = s.Context
	err := r.Forge.Set(ctx, s)
	if err == nil {
		r.sent[s.Context] = s
		r.retry.Reset()
		r.results.WithLabelValues("sent").Inc()
		if r.failed != "" {
			r.failed = ""
			r.Log.Info("commit statuses are taken again")
		}
		return pace
	}
	if ctx.Err() != nil {
		return 0
	}
	var refused Refused
	if errors.As(err, &refused) {
		r.sent[s.Context] = s
		r.results.WithLabelValues("refused").Inc()
		r.Log.Error(fmt.Sprintf("the status %s of %.7s was refused: %v", s.Context, s.Commit, err))
		return pace
	}
	r.results.WithLabelValues("failed").Inc()
	wait := r.retry.NextBackOff()
	var later Later
	if errors.As(err, &later) {
		wait = max(wait, min(later.Wait, longest))
	}
	if r.failed != err.Error() {
		r.failed = err.Error()
		r.Log.Error(fmt.Sprintf("commit statuses are not taken: %v; the next try is in %v", err, wait.Round(time.Second)))
	}
	return wait
}

// sleep tells whether the time is over, and not ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}

package watch

import (
	"context"
	"sync"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/policy"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// target is what a cluster is to be.
type target struct {
	manifests *v1.Manifests
	digest    string // of the manifests
	revision  Revision
	dir       string
	broken    string // why its part of a newer revision is not in force
}

// worker looks after one cluster. All but assign, wakeUp and quit is its own goroutine's.
type worker struct {
	loop  *Loop
	name  string
	start time.Duration // before the first look
	wake  chan struct{}
	gone  chan struct{}
	ended chan struct{}

	mu   sync.Mutex
	want target

	session   *session
	took      time.Duration     // of the last look
	retry     int               // looks that failed in a row
	stalled   int               // applies in a row that could not begin
	moved     int               // plans in a row that were others under the lock
	journal   []reconcile.Entry // failures, as the cluster tells of them
	forgotten time.Time         // journal before this does not count any more
	recalled  bool              // the journal was read
	own       []reconcile.Entry // failures of this process
	told      map[Type]string
}

func newWorker(l *Loop, name string, start time.Duration) *worker {
	return &worker{loop: l, name: name, start: start, wake: make(chan struct{}, 1), gone: make(chan struct{}), ended: make(chan struct{}), told: map[Type]string{}}
}

func (w *worker) assign(t target) {
	w.mu.Lock()
	w.want = t
	w.mu.Unlock()
	w.wakeUp()
}

func (w *worker) target() target {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.want
}

// wakeUp has the worker look soon.
func (w *worker) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// quit ends the worker.
func (w *worker) quit() { close(w.gone) }

// set changes what is known of the cluster, unless it has left the source.
func (w *worker) set(change func(*Cluster)) {
	l := w.loop
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.workers[w.name] == w {
		change(l.known[w.name])
		l.stir()
	}
}

// The times of a worker.
const (
	settle     = 300 * time.Millisecond // after a change was heard of, for those that come with it
	firstRetry = 5 * time.Second
	lookLimit  = 5 * time.Minute
	applyLimit = 2 * time.Hour
	sessionAge = 10 * time.Minute // then secrets are read anew, which may have changed
)

// run looks after the cluster until following ends. What is being done then is finished, unless ctx ends too.
func (w *worker) run(following, ctx context.Context) {
	following, stop := context.WithCancel(following)
	defer stop()
	go func() {
		select {
		case <-w.gone:
			stop()
		case <-following.Done():
		}
	}()
	defer func() { w.session.close() }()
	if !sleep(following, w.start) {
		return
	}
	for woken := false; ; {
		select { // what woke it until now is looked at now
		case <-w.wake:
		default:
		}
		wait := w.round(following, ctx)
		ended := time.Now()
		if following.Err() != nil {
			return
		}
		w.set(func(c *Cluster) { c.Next = time.Now().UTC().Add(wait) })
		timer := time.NewTimer(wait)
		select {
		case <-following.Done():
		case <-timer.C:
			woken = false
		case <-w.wake:
			gap := settle
			if woken { // it changes all the time: half of the time is left to others
				gap = max(settle, w.took-time.Since(ended))
			}
			woken = true
			sleep(following, gap)
		}
		timer.Stop()
	}
}

// round looks once, and changes what may be changed. It gives the time until the next look.
func (w *worker) round(following, ctx context.Context) time.Duration {
	release, ok := w.loop.slot(following)
	if !ok {
		return 0
	}
	defer release()
	t := w.target()
	s, err := w.connect(following, t)
	if err != nil {
		return w.failed(following, t, err)
	}
	begun := time.Now()
	look, err := w.look(following, s)
	w.count(func(n *Counts) {
		n.Looks[Count{w.name, okOr(err)}]++
		if look != nil {
			for _, u := range look.observation.Unreachable {
				n.Away[Count{w.name, u.Host}]++
			}
		}
	})
	w.took = time.Since(begun)
	w.set(func(c *Cluster) { c.Took = w.took })
	if err != nil {
		s.close()
		return w.failed(following, t, err)
	}
	w.retry = 0
	w.tell(Event{Type: LookBack, Text: "it can be looked at again"}, LookFailed)
	wait := w.decide(following, ctx, t, s, look)
	if !s.keep || len(look.observation.Unreachable) > 0 {
		s.close() // a machine that was away is connected to anew
	}
	return wait
}

// failed tells why the cluster could not be looked at. The next look comes later each time.
func (w *worker) failed(following context.Context, t target, err error) time.Duration {
	if following.Err() != nil {
		return 0
	}
	w.retry++
	text := cut(err.Error())
	w.set(func(c *Cluster) {
		c.Phase, c.Err, c.Desired, c.Broken = Failing, text, t.revision, t.broken
	})
	w.tell(Event{Type: LookFailed, Revision: t.revision.Name, Text: text})
	w.loop.notReady(w.name) // the next one has its turn
	w.loop.callUp(w.name)
	return source.Jitter(min(firstRetry<<min(w.retry-1, 10), max(policyOf(t.manifests).Interval, firstRetry)))
}

// policyOf is the cluster's policy. Manifests that were loaded have a valid one, or none.
func policyOf(m *v1.Manifests) policy.Policy {
	p, err := policy.Of(m.Policy)
	if err != nil { // so nothing is done unattended
		p, _ = policy.Of(nil)
		p.Suspend = true
	}
	return p
}

// sleep tells whether the time is over, and not ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// tell tells what is new: an event with the text of the last one of its type is none. A return to what was before (back) is only told where something
// was told of it.
func (w *worker) tell(e Event, back ...Type) {
	if len(back) > 0 {
		was := false
		for _, t := range back {
			was = was || w.told[t] != ""
			delete(w.told, t)
		}
		if !was {
			return
		}
	} else if w.told[e.Type] == e.Digest+e.Text {
		return
	}
	if len(back) == 0 {
		w.told[e.Type] = e.Digest + e.Text
	}
	e.Cluster = w.name
	w.loop.tell(e)
}

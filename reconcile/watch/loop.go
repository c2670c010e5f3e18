package watch

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// Loop keeps the clusters of a source as their manifests say. Its fields are set before Run and not changed after that.
type Loop struct {
	Source source.Source
	// Check refuses manifests that can be loaded and are wrong all the same; nil: none are.
	Check func(*v1.Manifests) error
	// Connect connects to the machines of a cluster and resolves its secrets. An error is that of the cluster alone. prune has what left the
	// manifests deleted, dir is where relative names of secrets' files start.
	Connect func(ctx context.Context, m *v1.Manifests, dir string, prune bool) (*reconcile.Engine, io.Closer, error)
	// Apply makes changes; without it they are only told.
	Apply bool
	// Self is the resource that runs this very controller, if it is one: a change that would stop it is left to a person.
	Self string
	// Streams bounds how many clusters are listened to over connections that stay open; the others are looked at by their interval alone, over
	// connections made anew each time. 0 means DefaultStreams, less than 0 none.
	Streams int
	// AtOnce bounds how many clusters are looked at or changed at the same time; 0 means DefaultAtOnce. What takes longer than slotLimit does not count
	// any more: it waits for machines, and others must not wait for it.
	AtOnce int
	// Stagger is the time over which the first looks are spread; 0: none are.
	Stagger time.Duration
	Log     *slog.Logger
	// Now is what the clock shows, which windows and the times of others are compared with; nil: time.Now. A clock may jump; what is waited for is waited
	// for by time that passes.
	Now func() time.Time

	bus     bus
	mu      sync.Mutex
	state   State // without its Clusters
	known   map[string]*Cluster
	counts  Counts
	workers map[string]*worker
	leaving map[string]*worker // that were let go and have not ended yet
	ready   map[string]bool    // waits for its turn
	busy    map[string]bool    // is being changed
	poke    chan struct{}
	slots   chan struct{}
	streams chan struct{}
	changed chan struct{} // closed, and made anew, when the state changes
	running sync.WaitGroup
}

// The defaults of a Loop.
const (
	DefaultStreams = 100
	DefaultAtOnce  = 16
)

// slotLimit is longer than a look at machines that answer takes.
const slotLimit = 30 * time.Second

// Run follows the source until drain is closed (steps that run are finished, nothing else is begun) or ctx ends (they are cancelled, too).
func (l *Loop) Run(ctx context.Context, drain <-chan struct{}) error {
	l.begin()
	following, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-drain:
			stop()
		case <-following.Done():
		}
	}()
	err := l.Source.Run(following, l.poke, func(r source.Revision) { l.found(following, ctx, r) }, l.failed)
	stop()
	l.running.Wait()
	return err
}

func (l *Loop) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	streams := l.Streams
	if streams == 0 {
		streams = DefaultStreams
	}
	atOnce := l.AtOnce
	if atOnce <= 0 {
		atOnce = DefaultAtOnce
	}
	l.counts = newCounts()
	l.state = State{Started: time.Now().UTC(), Apply: l.Apply, Source: Source{Name: l.Source.String()}}
	l.known = map[string]*Cluster{}
	l.workers, l.leaving = map[string]*worker{}, map[string]*worker{}
	l.ready, l.busy, l.poke = map[string]bool{}, map[string]bool{}, make(chan struct{}, 1)
	l.slots, l.streams = make(chan struct{}, atOnce), make(chan struct{}, max(0, streams))
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
}

// Read has the source read soon. A revision that is new has all its clusters looked at; else they are left in peace, since a busy repository is pushed to
// all day. It does not wait.
func (l *Loop) Read() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// Poke has a cluster looked at soon. It does not wait.
func (l *Loop) Poke(cluster string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.workers[cluster]; w != nil {
		w.wakeUp()
	}
}

// slot waits for one of the slots; release gives it back, if it is not taken back before. False: ctx ended.
func (l *Loop) slot(ctx context.Context) (release func(), ok bool) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	}
	back := sync.OnceFunc(func() { <-l.slots })
	limit := time.AfterFunc(slotLimit, back)
	return func() {
		limit.Stop()
		back()
	}, true
}

// failed tells that the source cannot be read. The revision in force stays.
func (l *Loop) failed(err error) {
	l.mu.Lock()
	was := l.state.Source
	l.mu.Unlock()
	text := cut(err.Error())
	if was.Err == text {
		return
	}
	l.update(func(s *State) { s.Source.Err = text })
	if was.Revision.Name != "" {
		text += "; " + was.Revision.Name + " stays in force"
	}
	l.tell(Event{Type: SourceFailed, Text: text})
}

// State is all that is known now.
func (l *Loop) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	s.Clusters = make([]Cluster, 0, len(l.known))
	for _, name := range slices.Sorted(maps.Keys(l.known)) {
		s.Clusters = append(s.Clusters, *l.known[name])
	}
	return s
}

// Changed gives a channel that is closed when the state changes.
func (l *Loop) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil { // somebody asks before Run
		l.changed = make(chan struct{})
	}
	return l.changed
}

// Events gives what happened after the event of that id, as far as it is kept, and what will happen. A receiver that is slow loses events. end ends it.
func (l *Loop) Events(after int64) (past []Event, next <-chan Event, end func()) {
	next, end = l.bus.subscribe()
	return l.bus.since(after), next, end
}

// update changes the state.
func (l *Loop) update(change func(*State)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.state)
	l.stir()
}

// stir wakes who waits for the state to change. l.mu is held.
func (l *Loop) stir() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// tell logs an event and hands it on.
func (l *Loop) tell(e Event) {
	e = l.bus.send(e)
	var attrs []any
	for _, a := range []slog.Attr{slog.String("cluster", e.Cluster), slog.String("revision", e.Revision), slog.String("plan", e.Digest)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	log := l.Log.Info
	switch {
	case e.Bad():
		log = l.Log.Error
	case e.Type == Drift || e.Type == Waiting:
		log = l.Log.Warn
	case e.Type == ApplyStep:
		log = l.Log.Debug
	}
	log(string(e.Type)+": "+e.Text, attrs...)
}

package watch

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// session is the connections to the machines of a cluster, and the stream of its changes.
type session struct {
	engine *reconcile.Engine
	begun  time.Time
	of     target
	prune  bool
	keep   bool // for the next look
	closer io.Closer
	stop   context.CancelFunc
	ended  sync.WaitGroup
	free   func()
	once   sync.Once
	dead   bool

	ctx     context.Context // until it is closed
	hearing atomic.Bool
}

func (s *session) close() {
	if s == nil {
		return
	}
	s.once.Do(func() {
		s.dead = true
		s.stop()
		_ = s.closer.Close()
		s.ended.Wait()
		s.free()
	})
}

// connect gives the session that is there if it still fits, else a new one.
func (w *worker) connect(ctx context.Context, t target) (*session, error) {
	prune := policyOf(t.manifests).Prune
	if s := w.session; s != nil && !s.dead && s.of.manifests == t.manifests && s.prune == prune && time.Since(s.begun) < sessionAge {
		w.listen(s)
		return s, nil
	}
	w.session.close()
	w.session = nil
	e, closer, err := w.loop.Connect(ctx, t.manifests, t.dir, prune)
	if err != nil {
		return nil, err
	}
	streaming, stop := context.WithCancel(ctx)
	s := &session{engine: e, begun: time.Now(), of: t, prune: prune, closer: closer, stop: stop, free: func() {}, ctx: streaming}
	w.session = s
	select {
	case w.loop.streams <- struct{}{}:
		s.keep, s.free = true, func() { <-w.loop.streams }
		w.listen(s)
	default: // too many are listened to already
	}
	return s, nil
}

// listen has the worker look when the cluster tells of a change. Where it cannot be listened to (it does not run yet, or no more), that is tried again
// with the next look.
func (w *worker) listen(s *session) {
	if !s.keep || s.hearing.Swap(true) {
		return
	}
	s.ended.Go(func() {
		w.set(func(c *Cluster) { c.Streams = true })
		err := s.engine.Follow(s.ctx, func(what string) {
			w.loop.Log.Debug(what, "cluster", w.name)
			w.wakeUp()
		})
		s.hearing.Store(false)
		w.set(func(c *Cluster) { c.Streams = false })
		if s.ctx.Err() == nil {
			w.loop.Log.Debug(fmt.Sprintf("changes are not heard of, only found by looking: %v", err), "cluster", w.name)
		}
	})
}

package watch

import (
	"maps"
	"time"
)

// Counts are what happened since the process began; of a cluster, since it came into the source.
type Counts struct {
	Looks   map[Count]int // What is ok or failed
	Away    map[Count]int // What is the machine that could not be reached
	Applies map[Count]int // What is ok, failed or interrupted
	Steps   map[Count]int // What is ok or failed
	// Applying is the time that changes took, by cluster.
	Applying map[string]time.Duration
	Events   map[Type]int
}

// Count is what is counted for each cluster.
type Count struct{ Cluster, What string }

func newCounts() Counts {
	return Counts{map[Count]int{}, map[Count]int{}, map[Count]int{}, map[Count]int{}, map[string]time.Duration{}, nil}
}

// Counts is what was counted so far.
func (l *Loop) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts
	return Counts{maps.Clone(c.Looks), maps.Clone(c.Away), maps.Clone(c.Applies), maps.Clone(c.Steps), maps.Clone(c.Applying), l.bus.counted()}
}

// count counts, unless the cluster has left the source.
func (w *worker) count(f func(*Counts)) {
	w.loop.mu.Lock()
	defer w.loop.mu.Unlock()
	if w.loop.workers[w.name] == w {
		f(&w.loop.counts)
	}
}

// forget drops what was counted of a cluster.
func (c Counts) forget(cluster string) {
	for _, counts := range []map[Count]int{c.Looks, c.Away, c.Applies, c.Steps} {
		maps.DeleteFunc(counts, func(k Count, _ int) bool { return k.Cluster == cluster })
	}
	delete(c.Applying, cluster)
}

func okOr(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}

package source

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pulse notes when a source that is found or fails at will was looked at.
type pulse struct {
	mu            sync.Mutex
	at            []time.Time
	down          bool
	found, failed int
}

func (p *pulse) look(context.Context) (Revision, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Now())
	if p.down {
		return Revision{}, errors.New("down")
	}
	return Revision{}, nil
}

func (p *pulse) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// during gives the looks in the time to come.
func (p *pulse) during(d time.Duration) []time.Time {
	time.Sleep(d)
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at
	p.at = nil
	return at
}

// How often a source looks, on a clock of its own.
func TestFollow(t *testing.T) {
	const interval = 10 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		p := &pulse{}
		poke, wake := make(chan struct{}), make(chan struct{})
		go follower{look: p.look, interval: interval, poke: poke, wake: wake,
			found: func(Revision) { p.found++ }, failed: func(error) { p.failed++ }}.run(t.Context())

		between := func(what string, d time.Duration, least, most int) []time.Time {
			t.Helper()
			at := p.during(d)
			if n := len(at); n < least || n > most {
				t.Errorf("%s: %d looks in %v, want %d to %d: %v", what, n, d, least, most, at)
			}
			return at
		}
		between("at once", 0, 1, 1)
		at := between("then", 10*interval, 9, 11)
		for i := range at[1:] {
			if d := at[i+1].Sub(at[i]); d < interval*9/10 || d > interval*11/10 || d == interval {
				t.Errorf("%v between two looks", d)
			}
		}
		poke <- struct{}{}
		between("poked", 0, 1, 1)
		for range 1000 {
			poke <- struct{}{}
			time.Sleep(10 * time.Millisecond)
		}
		between("in a flood", 0, 9, 11)
		p.during(2 * time.Second)
		wake <- struct{}{}
		between("woken", 0, 1, 1)

		p.set(true)
		wake <- struct{}{}
		between("failing", time.Hour, 12, 36)
		between("failing for long", time.Hour, 8, 24) // the longest wait is 5 minutes, half of it more or less by chance
		p.set(false)
		wake <- struct{}{}
		between("again", 0, 1, 1)
		p.set(true)
		wake <- struct{}{}
		between("failing after a success", 30*time.Second, 2, 8)
		close(poke)
		between("with nobody to poke", time.Second, 0, 1)
		if p.found < 20 || p.failed < 12 {
			t.Errorf("%d found, %d failed were told", p.found, p.failed)
		}
	})
}

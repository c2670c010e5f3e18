package source

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	pokeGap    = time.Second // between two looks, however often it is poked
)

// follower looks again and again.
type follower struct {
	look     func(context.Context) (Revision, error)
	interval time.Duration
	poke     <-chan struct{}
	wake     <-chan struct{} // something changed; nil if nobody tells
	found    func(Revision)
	failed   func(error)
}

// run looks until ctx ends. After a failure it comes back sooner than after the interval, then ever later, so that one that is over in a moment
// costs little, and a server that is in trouble is left alone.
func (f follower) run(ctx context.Context) {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval = min(firstRetry, f.interval)
	retry.MaxInterval = min(lastRetry, 10*f.interval)
	for {
		rev, err := f.look(ctx)
		if ctx.Err() != nil {
			return
		}
		var wait time.Duration
		if err != nil {
			f.failed(err)
			wait = retry.NextBackOff()
		} else {
			f.found(rev)
			retry.Reset()
			wait = Jitter(f.interval)
		}
		if !f.wait(ctx, wait) {
			return
		}
	}
}

// wait returns when it is time for the next look; it tells whether there is to be one.
func (f *follower) wait(ctx context.Context, d time.Duration) bool {
	due, gap := time.NewTimer(d), time.NewTimer(pokeGap)
	defer due.Stop()
	defer gap.Stop()
	for poked, rested := false, false; !poked || !rested; {
		select {
		case <-ctx.Done():
			return false
		case <-due.C:
			return true
		case <-f.wake:
			return true
		case <-gap.C:
			rested = true
		case _, open := <-f.poke:
			poked = open || poked
			if !open {
				f.poke = nil
			}
		}
	}
	return true
}

// Jitter is d, up to a tenth longer or shorter, so that what was started together does not ask together for ever.
func Jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

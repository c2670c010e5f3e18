package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// busyInterval is the time between two looks at a machine on which a command of an earlier apply still runs.
const busyInterval = time.Second

// locked takes the cluster's lock. An apply that was killed frees its lock at once, but the command that it had begun goes on (see Cmd.Mutates):
// that is waited for, as long as patience says, and named. Another apply is not.
func (e *Engine) locked(ctx context.Context, opt ApplyOptions) (Lock, error) {
	over := time.After(opt.patience())
	told := ""
	for {
		lock, err := e.Locker.Lock(ctx, e.Hosts, e.Holder)
		var l *LockedError
		if err == nil || !errors.As(err, &l) || l.Busy == "" {
			return lock, err
		}
		if what := fmt.Sprintf("%s: a command of an earlier apply still runs: %s", l.Host, l.Busy); what != told {
			told = what
			e.emit(Event{At: time.Now().UTC(), Type: EventWait, Text: fmt.Sprintf("waiting up to %s: %s", opt.patience(), what)})
		}
		select {
		case <-over:
			return nil, err
		case <-opt.Drain:
			return nil, ErrInterrupted
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(busyInterval):
		}
	}
}

// patience is how long an apply waits for what ends by itself.
func (opt ApplyOptions) patience() time.Duration {
	if opt.Patience == 0 {
		return DefaultPatience
	}
	return opt.Patience
}

package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Locker takes the lock of a cluster: flock(1) on /run/hactl.lock of each machine, held by a loop there that lives from heartbeats. A client
// that vanishes frees it within Silence. The zero value is ready to use.
//
// All machines are asked at once, in one round trip. Two applies that meet cannot wait for each other for ever, and one of them wins: who
// does not get the first machine of the order gives up at once and lets the others go; who got it waits up to a second on the others, and only for
// a holder that is still taking its locks. They may both lose, within that second, only if they do not reach the same machines.
type Locker struct {
	// WaitBusy is how long to wait for a command that outlived an earlier apply. 0: not at all.
	WaitBusy time.Duration
	// Beat is the time between heartbeats, 5 s when 0.
	Beat time.Duration
	// Answer is how old the last answered heartbeat may be before the lock counts as lost, 10 s when 0. It must be well below Silence.
	Answer time.Duration
	// Silence is how long a machine keeps the lock without a heartbeat, 15 s when 0.
	Silence time.Duration
}

var _ reconcile.Locker = Locker{}

const (
	patience   = time.Second      // for a holder that is still taking its locks
	lockTries  = 10 * time.Second // for a machine's answer
	releaseMax = 5 * time.Second  // for the loops to end in good order
)

func (l Locker) withDefaults() Locker {
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{{&l.Beat, 5 * time.Second}, {&l.Answer, 10 * time.Second}, {&l.Silence, 15 * time.Second}} {
		if *d.v == 0 {
			*d.v = d.d
		}
	}
	return l
}

// holding is a Host that can run lockScript: every *Machine, and what embeds one.
type holding interface {
	reconcile.Host
	hold(ctx context.Context, args []string, stdin *beats, stdout *answers) error
}

func (m *Machine) hold(ctx context.Context, args []string, stdin *beats, stdout *answers) error {
	r, err := m.exec(ctx, call{script: lockScript, args: append([]string{m.runDir}, args...), stdin: stdin, stdout: stdout})
	if err == nil && r.code != 0 {
		err = fmt.Errorf("%s: lock: exit code %d: %s", m.name, r.code, r.stderr)
	}
	return err
}

// Lock implements reconcile.Locker. The lock does not end with ctx, only with Release.
func (l Locker) Lock(ctx context.Context, hosts reconcile.Hosts, holder reconcile.Holder) (reconcile.Lock, error) {
	l = l.withDefaults()
	who, err := json.Marshal(holder)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	k := &lock{answer: l.Answer, cancel: cancel, stop: make(chan struct{})}
	var errs []error
	for _, h := range hosts {
		hh, ok := h.(holding)
		if !ok {
			errs = append(errs, cannotHold(ctx, h))
			continue
		}
		wait := patience
		if len(k.held) == 0 {
			wait = 0
		}
		one := newHeld(h.Name())
		k.held = append(k.held, one)
		args := []string{string(who), seconds(wait), seconds(l.WaitBusy), seconds(l.Silence)}
		k.wg.Go(func() { one.finish(hh.hold(own, args, one.beats, one.answers)) })
	}
	errs = append(errs, k.collect(ctx, lockTries+patience+l.WaitBusy)...)
	if err := first(errs); err != nil {
		k.Release()
		return nil, err
	}
	for _, h := range k.held {
		h.say("hold")
	}
	k.wg.Go(func() { k.beat(l.Beat) })
	return k, nil
}

// cannotHold is nil for a machine that cannot be reached: that is left out.
func cannotHold(ctx context.Context, h reconcile.Host) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"true"}})
	var gone *reconcile.UnreachableError
	switch {
	case errors.As(err, &gone):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s: this kind of connection cannot hold a lock", h.Name())
}

// collect waits for each machine's first line. The machines that cannot be reached leave k.held.
func (k *lock) collect(ctx context.Context, limit time.Duration) []error {
	ctx, stop := context.WithTimeoutCause(ctx, limit, errors.New("no answer"))
	defer stop()
	won := k.held[:0:0]
	errs := make([]error, len(k.held))
	var wg sync.WaitGroup
	for i, h := range k.held {
		wg.Go(func() {
			if errs[i] = h.won(ctx); errs[i] != nil {
				var gone *reconcile.UnreachableError
				if !errors.As(errs[i], &gone) {
					k.letGo() // at once: the winner waits for it
				}
			}
		})
	}
	wg.Wait()
	for i, h := range k.held {
		var gone *reconcile.UnreachableError
		switch {
		case errs[i] == nil:
			won = append(won, h)
		case errors.As(errs[i], &gone):
			_ = h.beats.Close() // always nil
			errs[i] = nil
		}
	}
	k.held = won
	return errs
}

// first prefers the news that somebody else holds the lock, then the order of the machines.
func first(errs []error) error {
	for _, err := range errs {
		var locked *reconcile.LockedError
		if errors.As(err, &locked) {
			return err
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// lock implements reconcile.Lock.
type lock struct {
	answer time.Duration
	cancel context.CancelFunc
	wg     sync.WaitGroup // the sessions and the heartbeat
	stop   chan struct{}
	once   sync.Once
	held   []*held

	mu  sync.Mutex
	err error
}

// Held implements reconcile.Lock.
func (k *lock) Held() []string {
	names := make([]string, len(k.held))
	for i, h := range k.held {
		names[i] = h.name
	}
	return names
}

// Err implements reconcile.Lock. It looks at the clock itself, so that after a suspended laptop wakes up no step starts before the first
// heartbeat has failed.
func (k *lock) Err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.held {
		if k.err != nil {
			break
		}
		k.err = h.lost(k.answer)
	}
	return k.err
}

func (k *lock) beat(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-k.stop:
			return
		case <-tick.C:
		}
		for _, h := range k.held {
			h.say(strconv.Itoa(n))
		}
		_ = k.Err() // keeps what it finds
	}
}

func (k *lock) letGo() {
	for _, h := range k.held {
		_ = h.beats.Close() // always nil
	}
}

// Release implements reconcile.Lock. It waits for the loops on the machines to end, at most 5 s for those that do not answer.
func (k *lock) Release() {
	k.once.Do(func() {
		close(k.stop)
		k.letGo()
		impatient := time.AfterFunc(releaseMax, k.cancel)
		k.wg.Wait()
		impatient.Stop()
		k.cancel()
	})
}

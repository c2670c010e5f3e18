package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxPerHost bounds how many steps run on one machine at a time; sshd allows 10 sessions a connection (sshd_config(5), MaxSessions).
const maxPerHost = 4

// StepError tells which step failed, where, and in which operation.
type StepError struct {
	Step string
	Host string
	Op   string
	Err  error
}

func (e *StepError) Error() string {
	var x *ExitError
	if errors.As(e.Err, &x) { // the command is in Op already, or close to it
		return fmt.Sprintf("%s: step %q: %s: exit code %d: %s", e.Host, e.Step, x.Command(), x.Code, x.Reason())
	}
	return fmt.Sprintf("%s: step %q: %s: %v", e.Host, e.Step, e.Op, e.Err)
}

func (e *StepError) Unwrap() error { return e.Err }

// StaleError tells that an object changed between the plan and its execution. Nothing was changed; the engine looks and plans again.
type StaleError struct {
	Object Ref
	What   string
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("%s changed since it was observed: %s", e.Object, e.What)
}

// ErrInterrupted tells that an apply was asked to stop and did so between two steps.
var ErrInterrupted = errors.New("interrupted: what had begun was finished; run apply again to go on")

// run carries out the runnable steps of a plan, each as soon as what it waits for is done. After a failure, a lost lock or a drain
// request no further step starts, and those that run are waited for. It returns how many steps ended well.
func (e *Engine) run(ctx context.Context, p *Plan, round int, lock Lock, drain <-chan struct{}) (int, error) {
	type result struct {
		i   int
		err error
	}
	runnable := p.Runnable()
	index := make(map[string]int, len(p.Steps))
	for i, s := range p.Steps {
		index[s.ID] = i
	}
	started, ended := make([]bool, len(p.Steps)), make([]bool, len(p.Steps))
	perHost := map[string]int{}
	results := make(chan result)
	events := make(chan Event, 64)
	emitted := make(chan struct{})
	go func() { // the only caller of e.Events while steps run
		defer close(emitted)
		for ev := range events {
			e.emit(ev)
		}
	}()
	defer func() { close(events); <-emitted }()

	var errs []error
	done, running, stopped := 0, 0, false
	start := func() {
		for i, s := range p.Steps {
			if stopped || started[i] || !runnable[s.ID] || perHost[s.Host] >= maxPerHost {
				continue
			}
			ready := true
			for _, a := range s.After {
				ready = ready && ended[index[a]]
			}
			if !ready {
				continue
			}
			if err := lock.Err(); err != nil {
				errs, stopped = append(errs, fmt.Errorf("the lock of the cluster was lost, no further step is started: %w", err)), true
				return
			}
			h := e.Hosts.Named(s.Host)
			if h == nil {
				errs, stopped = append(errs, fmt.Errorf("step %q is for the unknown machine %q", s.ID, s.Host)), true
				return
			}
			started[i] = true
			running++
			perHost[s.Host]++
			go func() { results <- result{i, runStep(ctx, stepHost{h, e.Hosts}, s.Step, round, events)} }()
		}
	}
	for start(); running > 0; start() {
		select {
		case r := <-results:
			running--
			perHost[p.Steps[r.i].Host]--
			if r.err != nil {
				errs, stopped = append(errs, r.err), true
				continue
			}
			ended[r.i] = true
			done++
		case <-drain:
			drain = nil
			stopped = true
			errs = append(errs, ErrInterrupted)
		}
	}
	return done, errors.Join(errs...)
}

func runStep(ctx context.Context, h Host, s Step, round int, events chan<- Event) error {
	begun := time.Now()
	send := func(t EventType, text string) {
		ev := Event{At: time.Now().UTC(), Type: t, Round: round, Step: s.ID, Host: s.Host, Text: text}
		if t == EventDone || t == EventFailed {
			ev.Elapsed = time.Since(begun)
		}
		events <- ev
	}
	send(EventStart, describeStep(s))
	for _, op := range s.Ops {
		if err := op.Do(ctx, h, func(pr Progress) { send(EventProgress, pr.Text) }); err != nil {
			err = &StepError{Step: s.ID, Host: s.Host, Op: op.String(), Err: err}
			send(EventFailed, err.Error())
			return err
		}
	}
	send(EventDone, "")
	return nil
}

// describeStep says in a few words what a step is for.
func describeStep(s Step) string {
	seen := map[string]bool{}
	var parts []string
	for _, c := range s.Changes {
		t := string(c.Action) + " " + c.Object.String()
		if !seen[t] {
			seen[t] = true
			parts = append(parts, t)
		}
	}
	if len(parts) > 3 {
		parts = append(parts[:3], fmt.Sprintf("and %d more", len(parts)-3))
	}
	return strings.Join(parts, ", ")
}

func (e *Engine) emit(ev Event) {
	if e.Events != nil {
		e.Events(ev)
	}
}

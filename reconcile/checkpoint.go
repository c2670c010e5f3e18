package reconcile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// tracks are what one apply leaves behind: the checkpoint before its first change of the configuration, and its entry in the journal.
type tracks struct {
	e     *Engine
	id    string
	begun time.Time
	// steps are those that were begun, in the order of the plans.
	steps      []Step
	checkpoint string
}

func (e *Engine) newTracks() *tracks {
	now := time.Now().UTC()
	return &tracks{e: e, begun: now, id: newID(now, fmt.Sprint(e.Holder.Who, e.Holder.PID, os.Getpid()))}
}

// members are the cluster's nodes among the hosts.
func (e *Engine) members() Hosts {
	var hs Hosts
	for _, n := range e.Manifests.Cluster.Spec.Nodes {
		if h := e.Hosts.Named(n.Name); h != nil {
			hs = append(hs, h)
		}
	}
	return hs
}

// before saves the configuration, the first time that a plan's steps change it. One good copy is enough to go on; where there is none, nothing
// is changed.
func (t *tracks) before(ctx context.Context, o *Observation, p *Plan, round int) error {
	runnable := p.Runnable()
	for _, s := range p.Steps {
		if runnable[s.ID] {
			t.steps = append(t.steps, s.Step)
		}
	}
	if t.checkpoint != "" {
		return nil
	}
	for _, l := range t.e.Layers {
		if !slices.ContainsFunc(p.Steps, func(s PlannedStep) bool { return runnable[s.ID] && l.Keeps(s.Step) }) {
			continue
		}
		saved, err := l.Checkpoint(ctx, t.e.members(), o.Have[l.Name()], t.id)
		if len(saved) == 0 {
			return fmt.Errorf("the configuration could not be saved before its change, nothing was changed: %w", errors.Join(errNoCheckpoint, err))
		}
		if err != nil {
			t.e.emit(Event{At: time.Now().UTC(), Type: EventWait, Round: round, Text: fmt.Sprintf("the checkpoint %s is kept on %s only: %v", t.id, strings.Join(saved, ", "), err)})
		}
		t.checkpoint = t.id
	}
	return nil
}

var errNoCheckpoint = errors.New("no member has a checkpoint")

// keeps tells whether applies leave tracks at all.
func (e *Engine) keeps() bool {
	for _, l := range e.Layers {
		if l.Keeps(Step{}) {
			return true
		}
	}
	return false
}

// write adds the apply to the journals of all members. One that did nothing is not worth an entry.
func (t *tracks) write(ctx context.Context, res Result, err error) {
	if len(t.steps) == 0 || !t.e.keeps() {
		return
	}
	e := Entry{ID: t.id, At: time.Now().UTC(), Cluster: t.e.Manifests.Cluster.Metadata.Name, Who: t.e.Holder.Who, Command: t.e.Holder.Command,
		Manifests: ManifestsDigest(t.e.Manifests), Plan: res.First.Digest(), Steps: res.Steps, Seconds: time.Since(t.begun).Round(10 * time.Millisecond).Seconds(),
		Result: Applied, Checkpoint: t.checkpoint}
	e.Changes, e.More = journaled(t.steps)
	switch {
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		e.Result = Interrupted
	case err != nil:
		e.Result, e.Error = Broken, err.Error()
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
	defer stop()
	if err := WriteJournal(ctx, t.e.members(), e); err != nil {
		t.e.emit(Event{At: time.Now().UTC(), Type: EventWait, Round: res.Rounds, Text: err.Error()})
	}
}

// journalLimit bounds the end of an apply.
const journalLimit = 15 * time.Second

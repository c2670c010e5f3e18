package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// RolledBackError tells that a change did harm and was taken back.
type RolledBackError struct {
	ID string
	// Causes say what the change broke.
	Causes []string
	// Undone is what was taken back and what stays.
	Undone []Undone
	// Still is what is wrong even so, Elsewhere what runs on another node than before.
	Still, Elsewhere []string
	// Err is why not all could be taken back; nil: it could.
	Err error
}

func (e *RolledBackError) Error() string {
	var b strings.Builder
	n := 0
	for _, u := range e.Undone {
		if u.Became == "undone" {
			n++
		}
	}
	if e.Err == nil {
		fmt.Fprintf(&b, "the change was taken back (pieces: %d), because it did harm:", n)
	} else {
		b.WriteString("the change did harm and could not be taken back:")
	}
	for _, c := range e.Causes {
		b.WriteString("\n  " + c)
	}
	for _, u := range e.Undone {
		if strings.HasPrefix(u.Became, "stays") {
			fmt.Fprintf(&b, "\nnot taken back: %s %s", u.What, u.Became)
		}
	}
	for _, s := range e.Still {
		b.WriteString("\nstill wrong: " + s)
	}
	for _, s := range e.Elsewhere {
		b.WriteString("\nback, but not where it was: " + strings.TrimPrefix(s, "predicted: "))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "\n%v\nthe configuration before it is kept: hactl checkpoint restore %s", e.Err, e.ID)
	}
	return b.String()
}

func (e *RolledBackError) Unwrap() error { return e.Err }

// watchInterval is the time between two looks at what a change does.
const watchInterval = time.Second

// harm gives what err says that a change broke.
func harm(err error) []string {
	var h interface{ Harm() []string }
	if errors.As(err, &h) {
		return h.Harm()
	}
	return nil
}

// judge looks at what came of the changes so far.
func (t *tracks) judge(now *Observation) (j Judgement) {
	for _, l := range t.e.Layers {
		if t.first == nil || t.first.Have[l.Name()] == nil || now.Have[l.Name()] == nil {
			continue
		}
		if x, ok := l.Judge(t.first.Have[l.Name()], now.Have[l.Name()], t.prediction, nil, t.refs); ok {
			j.Verdicts = append(j.Verdicts, x.Verdicts...)
			j.Differs, j.Harm, j.Elsewhere = append(j.Differs, x.Differs...), append(j.Harm, x.Harm...), append(j.Elsewhere, x.Elsewhere...)
			j.Moving, j.Settle = j.Moving || x.Moving, max(j.Settle, x.Settle)
		}
	}
	return j
}

// watch looks for harm until the time to settle is over. Harm counts if it is seen twice: between two steps of a move everything stands still.
func (t *tracks) watch(ctx context.Context) ([]string, error) {
	settle := t.opt.Settle
	if settle == 0 {
		settle = t.judge(t.last).Settle
	}
	over := time.Now().Add(settle)
	t.tell(fmt.Sprintf("watching for %s whether the change does harm", settle.Round(time.Second)))
	var before []string
	var silent time.Time // since when no member answers
	for {
		o, err := t.e.Observe(ctx)
		if err = t.unseen(o, err); err != nil {
			var away *UnreachableError
			if silent.IsZero() {
				silent = time.Now()
			}
			if !errors.As(err, &away) || time.Since(silent) > silence {
				return nil, fmt.Errorf("nobody can see any more whether the change does harm: %w", err)
			}
			if err := pause(ctx, t.opt.Drain); err != nil {
				return nil, err
			}
			continue
		}
		silent = time.Time{}
		t.last = o
		j := t.judge(o)
		h := slices.Concat(j.Harm, j.Elsewhere)
		if len(h) > 0 && slices.Equal(h, before) {
			return h, nil
		}
		before = h
		if time.Now().After(over) && len(h) == 0 {
			return nil, nil
		}
		if err := pause(ctx, t.opt.Drain); err != nil {
			return nil, err
		}
	}
}

// silence is how long no member may answer until a change is no longer watched. What nobody saw is not taken for good.
const silence = 10 * time.Second

// unseen is the error of a look; also where no member has answered it.
func (t *tracks) unseen(o *Observation, err error) error {
	if err != nil {
		return err
	}
	members := t.e.members()
	var away []error
	for _, u := range o.Unreachable {
		if members.Named(u.Host) != nil {
			away = append(away, u)
		}
	}
	if len(away) > 0 && len(away) == len(members) {
		return errors.Join(away...)
	}
	return nil
}

// pause waits for the next look.
func pause(ctx context.Context, drain <-chan struct{}) error {
	tick := time.NewTimer(watchInterval)
	defer tick.Stop()
	select {
	case <-drain:
		return ErrInterrupted
	case <-ctx.Done():
		return ctx.Err()
	case <-tick.C:
		return nil
	}
}

// retreat takes all changes of this apply back, and waits until the cluster is as it was.
func (t *tracks) retreat(ctx context.Context, causes []string) error {
	e := &RolledBackError{ID: t.id, Causes: causes}
	t.tell("taking the change back: " + strings.Join(causes, "; "))
	for _, l := range t.e.Layers {
		r, ok := l.Retreater()
		if !ok {
			continue
		}
		id := ""
		if t.armed {
			id = t.id
		}
		undone, err := r.Retreat(ctx, t.e.members(), t.first.Have[l.Name()], t.undos, id)
		e.Undone, e.Err = append(e.Undone, undone...), errors.Join(e.Err, err)
		if err == nil && t.armed {
			if err := r.Disarm(ctx, t.e.members(), t.id); err != nil {
				t.tell(err.Error())
			}
		}
	}
	if e.Err != nil {
		return e
	}
	// What it was before is what it has to be again.
	t.prediction = Prediction{}
	over := time.Now().Add(recovery)
	for {
		o, err := t.e.Observe(ctx)
		if err != nil {
			e.Still = []string{err.Error()}
			return e
		}
		j := t.judge(o)
		e.Still = j.Harm
		if len(j.Harm) == 0 && !j.Moving || time.Now().After(over) {
			e.Elsewhere = j.Elsewhere // nothing moves back by itself
			return e
		}
		if pause(ctx, nil) != nil {
			return e
		}
	}
}

// recovery bounds the wait for what a change broke to come back.
const recovery = 90 * time.Second

func (t *tracks) tell(text string) {
	t.e.emit(Event{At: time.Now().UTC(), Type: EventWait, Round: t.round, Text: text})
}

// end closes an apply: it watches, compares with what was foretold, takes back what did harm, says how everything is, and writes the journal.
func (t *tracks) end(ctx context.Context, res *Result, err error) error {
	if len(t.steps) == 0 || !t.e.keeps() {
		return err
	}
	if t.opt.Rollback && len(t.undos) > 0 && t.lock.Err() == nil {
		causes := harm(err)
		if err == nil {
			causes, err = t.watch(ctx)
		}
		if len(causes) > 0 {
			res.Seen = t.compare(ctx, err != nil)
			err = t.retreat(ctx, causes)
		}
	}
	if res.Seen == nil && (err == nil || len(harm(err)) > 0) {
		res.Seen = t.compare(ctx, err != nil)
	}
	if err == nil {
		t.spent(ctx)
		j := t.judge(t.last)
		res.Verdicts, res.Differs = j.Verdicts, slices.Concat(j.Harm, j.Elsewhere, j.Differs)
	}
	if t.armed && err == nil {
		res.Confirm, res.Until = t.id, t.until
	}
	t.write(ctx, *res, err)
	return err
}

// staying tells before anything is done what of a plan will not be taken back: what corosync, storage, secrets and the machines are changed
// to stays as it is.
func (e *Engine) staying(p *Plan, opt ApplyOptions) []Note {
	if !opt.Rollback && opt.Confirm == 0 {
		return nil
	}
	var notes []Note
	for _, s := range p.Steps {
		if !slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Action != Check }) ||
			slices.ContainsFunc(e.Layers, func(l Layer) bool { return l.Reverses(s.Step) }) {
			continue
		}
		c := s.Changes[0]
		n := Note{Kind: NoteWarning, Object: c.Object, Source: c.Source, Text: "is never rolled back; the CIB, prepared files and alert scripts are"}
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	return notes
}

package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// WaitingError tells that an earlier change still waits for its confirmation.
type WaitingError struct{ ID string }

func (e *WaitingError) Error() string {
	return fmt.Sprintf("the change %s waits to be confirmed: keep it with hactl confirm, or wait until it is taken back", e.ID)
}

// waiting refuses to change a cluster in which an earlier change may still be taken back.
func (e *Engine) waiting(o *Observation) error {
	for _, l := range e.Layers {
		if r, ok := l.Retreater(); ok && o.Have[l.Name()] != nil {
			if id := r.Waiting(o.Have[l.Name()]); id != "" {
				return &WaitingError{id}
			}
		}
	}
	return nil
}

// arm has every member take the changes back by itself unless they are confirmed. A member that was left out is told; where none is armed, or
// one that could be reached is not, nothing is changed.
func (t *tracks) arm(ctx context.Context, o *Observation, layer string, r Retreater[State]) error {
	if t.armed && r.Waiting(o.Have[layer]) != t.id {
		return fmt.Errorf("the time to confirm %s was over before the change was complete: it was taken back", t.id)
	}
	if t.until.IsZero() {
		t.until = time.Now().UTC().Add(t.opt.Confirm).Truncate(time.Second)
	}
	e := t.entry()
	e.Result, e.Until, e.Error = RolledBack, time.Time{}, "nobody confirmed it within "+t.opt.Confirm.String()
	w := Wait{ID: t.id, Within: t.opt.Confirm, Entry: struct {
		Entry
		At string `json:"at"`
	}{e, "@NOW@"}}
	armed, err := r.Arm(ctx, t.e.members(), t.first.Have[layer], t.undos, w)
	if len(armed) == 0 || err != nil && !onlyAway(err) {
		return fmt.Errorf("the way back could not be armed, nothing was changed: %w", err)
	}
	t.armed = true
	t.tell(fmt.Sprintf("%s take the change back at %s unless it is confirmed (hactl confirm)", strings.Join(armed, ", "), t.until.Format(time.RFC3339)))
	return nil
}

// left tells beside an error how the change is left: who was cut off, or was refused half-way, must know what becomes of it.
func (t *tracks) left(err error) error {
	var back *RolledBackError
	switch {
	case err == nil || errors.As(err, &back) && back.Err == nil:
		return err
	case t.armed:
		return fmt.Errorf("%w\nunless it is confirmed (hactl confirm), the members take the change back at %s", err, t.until.Format(time.RFC3339))
	case t.opt.Rollback && t.checkpoint != "" && back == nil:
		return fmt.Errorf("%w\nnothing was taken back; the configuration before it is kept: hactl checkpoint restore %s", err, t.checkpoint)
	}
	return err
}

// onlyAway tells that every error joined in err is of a machine that could not be reached.
func onlyAway(err error) bool {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(j.Unwrap(), func(e error) bool { return !onlyAway(e) })
	}
	var away *UnreachableError
	return errors.As(err, &away)
}

// unarmed are gates for the members that will not take a change back by themselves, because they cannot be reached.
func (e *Engine) unarmed(o *Observation, opt ApplyOptions) []Gate {
	if opt.Confirm == 0 {
		return nil
	}
	var gates []Gate
	for _, u := range o.Unreachable {
		gates = append(gates, Gate{Risk: Redundancy, Object: "node/" + u.Host, Why: "cannot be told to take the change back unless it is confirmed: " + u.Err.Error()})
	}
	return gates
}

package reconcile

import (
	"context"
	"time"
)

// What an apply needs of a layer to keep, watch and take back what it does there. The engine finds these where a driver has them.
type (
	// Keeper saves the configuration before it is changed. An apply that changes a layer which has one leaves a checkpoint and an entry in
	// the journal of every member.
	Keeper[S any] interface {
		// Keeps tells whether a step changes what a checkpoint holds.
		Keeps(s Step) bool
		// Checkpoint saves it under an id on each machine that runs the cluster, and names those where it is saved. What keeps a machine
		// that can be reached from saving it is an error beside them.
		Checkpoint(ctx context.Context, hosts Hosts, have S, id string) (saved []string, err error)
	}
	// Judge tells what came of a change.
	Judge[S any] interface {
		// Expecting gives the step, waiting for what was predicted as well.
		Expecting(have S, s Step, p Prediction) Step
		// Witness asks the machines what they did between the two observations, in the order in which they did it. What it cannot find out
		// it leaves out. False: it cannot tell at all.
		Witness(ctx context.Context, hosts Hosts, before, now S) ([]Happening, bool)
		// Judge compares what was predicted with what came; before is what was observed before the first change. With nothing happened
		// (nil) it looks at the end alone.
		Judge(before, now S, p Prediction, happened []Happening, changed []Ref) Judgement
	}
	// Reverser knows the way back from what its steps do.
	Reverser[S any] interface {
		// Reverses tells whether there is one from a step, also where its Ops are not known yet.
		Reverses(s Step) bool
		// Reverse gives it for those of the steps that can be taken back; the steps follow one another.
		Reverse(have S, steps []Step) ([]Undo, error)
	}
	// Retreater goes the way back on the members.
	Retreater[S any] interface {
		// Retreat goes it now. have is what was observed before the first change, id that of an apply that waits for confirmation.
		Retreat(ctx context.Context, hosts Hosts, have S, undos []Undo, id string) ([]Undone, error)
		// Marked gives the step, telling the cluster that it waits for confirmation. False: the step cannot tell.
		Marked(have S, s Step, id string) (Step, bool)
		// Mark tells it by itself.
		Mark(ctx context.Context, hosts Hosts, have S, id string) error
		// Arm has every machine go it by itself when the time is over, and names those that will.
		Arm(ctx context.Context, hosts Hosts, have S, undos []Undo, w Wait) (armed []string, err error)
		Disarm(ctx context.Context, hosts Hosts, id string) error
		// Waiting gives the id of the apply that waits for confirmation; "" if none does.
		Waiting(have S) string
	}
)

// Undo is the way back from a step.
type Undo struct {
	Step string
	// Host and File say which file of which machine goes back.
	Host string
	File *FileUndo
	// Way is the layer's own, for the cluster as a whole.
	Way any
}

// FileUndo is the way back from a file that was written.
type FileUndo struct {
	Path string
	// Ours is the SHA-256 of what was written, in hex: a file that somebody changed since stays.
	Ours string
	// Before is the file as it was; nil: there was none.
	Before *File
}

// Undone says what became of a piece of a change that was taken back: undone, cleaned (a failure that is forgotten), or "stays: REASON".
type Undone struct {
	What   string `json:"what"`
	Became string `json:"became"`
}

// Wait is the wait for a confirmation.
type Wait struct {
	ID     string
	Within time.Duration
	// Entry is what the journal gets when nobody confirms; its time is "@NOW@".
	Entry any
}

// Guard are these parts of a Layer; those that a driver has not answer nothing.
type Guard interface {
	Keeps(s Step) bool
	Checkpoint(ctx context.Context, hosts Hosts, have State, id string) (saved []string, err error)
	Expecting(have State, s Step, p Prediction) Step
	Witness(ctx context.Context, hosts Hosts, before, now State) ([]Happening, bool)
	Judge(before, now State, p Prediction, happened []Happening, changed []Ref) (Judgement, bool)
	Reverses(s Step) bool
	Reverse(have State, steps []Step) ([]Undo, error)
	Retreater() (Retreater[State], bool)
	Consenter() (Consenter[State], bool)
}

func (l layer[S]) Keeps(s Step) bool {
	k, ok := l.d.(Keeper[S])
	return ok && k.Keeps(s)
}

func (l layer[S]) Checkpoint(ctx context.Context, hosts Hosts, have State, id string) ([]string, error) {
	if k, ok := l.d.(Keeper[S]); ok {
		return k.Checkpoint(ctx, hosts, have.(S), id)
	}
	return nil, nil
}

func (l layer[S]) Expecting(have State, s Step, p Prediction) Step {
	if j, ok := l.d.(Judge[S]); ok {
		return j.Expecting(have.(S), s, p)
	}
	return s
}

func (l layer[S]) Witness(ctx context.Context, hosts Hosts, before, now State) ([]Happening, bool) {
	if j, ok := l.d.(Judge[S]); ok {
		return j.Witness(ctx, hosts, before.(S), now.(S))
	}
	return nil, false
}

func (l layer[S]) Judge(before, now State, p Prediction, happened []Happening, changed []Ref) (Judgement, bool) {
	if j, ok := l.d.(Judge[S]); ok {
		return j.Judge(before.(S), now.(S), p, happened, changed), true
	}
	return Judgement{}, false
}

func (l layer[S]) Reverses(s Step) bool {
	r, ok := l.d.(Reverser[S])
	return ok && r.Reverses(s)
}

func (l layer[S]) Reverse(have State, steps []Step) ([]Undo, error) {
	if r, ok := l.d.(Reverser[S]); ok {
		return r.Reverse(have.(S), steps)
	}
	return nil, nil
}

func (l layer[S]) Retreater() (Retreater[State], bool) {
	r, ok := l.d.(Retreater[S])
	return retreater[S]{r}, ok
}

// retreater hides a driver's state type.
type retreater[S any] struct{ r Retreater[S] }

func (r retreater[S]) Retreat(ctx context.Context, hosts Hosts, have State, undos []Undo, id string) ([]Undone, error) {
	return r.r.Retreat(ctx, hosts, have.(S), undos, id)
}

func (r retreater[S]) Marked(have State, s Step, id string) (Step, bool) {
	return r.r.Marked(have.(S), s, id)
}

func (r retreater[S]) Mark(ctx context.Context, hosts Hosts, have State, id string) error {
	return r.r.Mark(ctx, hosts, have.(S), id)
}

func (r retreater[S]) Arm(ctx context.Context, hosts Hosts, have State, undos []Undo, w Wait) ([]string, error) {
	return r.r.Arm(ctx, hosts, have.(S), undos, w)
}

func (r retreater[S]) Disarm(ctx context.Context, hosts Hosts, id string) error {
	return r.r.Disarm(ctx, hosts, id)
}

func (r retreater[S]) Waiting(have State) string { return r.r.Waiting(have.(S)) }

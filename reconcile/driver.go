package reconcile

import (
	"context"
	"encoding/json"

	v1 "github.com/hactl/hactl/api/v1"
)

// Secrets gives the values of the secret references of one set of manifests; they were resolved before.
type Secrets interface {
	// Value gives the value that a reference of an object names. path is the field ("spec.secrets.password"). Where values were not
	// resolved (an offline plan) it gives a masked Text that is not Comparable.
	Value(o *v1.Object, path string) Text
}

// Driver reconciles one layer. Desired and observed state share the type S, which is plain data and survives JSON.
type Driver[S any] interface {
	Name() string
	// Desired does no I/O.
	Desired(m *v1.Manifests, s Secrets) (S, error)
	// Observe reads and changes nothing. Zero want means everything. hosts are all machines; one that cannot be reached gives
	// *UnreachableError from every call and must be recorded in S as not observed, never as empty.
	Observe(ctx context.Context, hosts Hosts, want S) (S, error)
	// Plan does no I/O. No step means converged. The same input gives the same steps.
	Plan(want, have S) ([]Step, error)
}

// The engine finds these where a driver has them.
type (
	// Provider tells which objects that other layers' steps may need are there already.
	Provider[S any] interface{ Provides(have S) []Ref }
	// Noter tells what a plan says besides its steps: unmanaged fields, runtime settings, warnings.
	Noter[S any] interface{ Notes(want, have S) []Note }
	// Predictor asks the cluster what the steps of this layer will cause, and checks them (an error refuses the plan).
	Predictor[S any] interface {
		Predict(ctx context.Context, hosts Hosts, want, have S, steps []Step) (Prediction, error)
	}
	// Importer writes what was observed as manifests that a person would have written, and adds them to into, whose Cluster is there. Law:
	// Plan(Desired(into), have) is empty but for taking over. What cannot be expressed is told in the objects' Comments as Lost, and never
	// left out in silence.
	Importer[S any] interface {
		Import(have S, into *v1.Manifests) ([]ImportedSecret, error)
	}
	// Renderer gives the files that the layer would write.
	Renderer[S any] interface {
		Render(want, have S) ([]Rendered, error)
	}
	// Reporter tells the layer's state for people.
	Reporter[S any] interface{ Status(have S) []Health }
	// Recorder makes a record of what was observed, and fits such a record to what is wanted later. A layer without it is recorded as its
	// State marshals, and is taken as it was recorded.
	Recorder[S any] interface {
		// Record leaves out what marshalling does not mask by itself, and sees to it that a prediction from the record is that of the cluster,
		// or says that it is not.
		Record(ctx context.Context, hosts Hosts, want, have S) (S, error)
		// Recall marks as not observed what is wanted and not in the record: unknown is never absent. It does no I/O.
		Recall(want, have S) S
	}
	// Follower calls changed whenever what it observes changes, with what did, as soon as that can be known, so that nobody has to look again and
	// again. It runs until ctx ends, or until it cannot know any longer (an error). Nothing may depend on it: it may miss changes.
	Follower[S any] interface {
		Follow(ctx context.Context, hosts Hosts, changed func(what string)) error
	}
	// Quorate tells about membership, for the engine's gates: which members have what standing in the cluster's own view.
	Quorate[S any] interface{ Standing(want, have S) Standing }
)

// Note is something that a plan says besides its steps.
type Note struct {
	Kind   NoteKind `json:"kind"`
	Object Ref      `json:"object"`
	Path   string   `json:"path,omitempty"`
	Text   string   `json:"text"`
	Source v1.Pos   `json:"source,omitzero"`
}

// NoteKind groups notes.
type NoteKind string

// The kinds of notes.
const (
	NoteAdopts    NoteKind = "adopts"    // an equal object is taken over
	NoteUnmanaged NoteKind = "unmanaged" // a field or object that no manifest tells, left alone
	NoteRuntime   NoteKind = "runtime"   // set by an operator or an agent at run time, left alone
	NoteWarning   NoteKind = "warning"
)

// Standing is what the cluster knows of its members.
type Standing struct {
	// Formed tells that a cluster runs.
	Formed bool
	// Quorate tells that the observed partition has quorum.
	Quorate bool
	// Offline lists members that the designated controller shows as cleanly offline.
	Offline []string
	// Trouble says in a sentence each why the cluster must not be written to now (several DCs, differing digests, unclean nodes); empty if
	// it may.
	Trouble []string
}

// ImportedSecret is a value that an imported object refers to.
type ImportedSecret struct {
	// File is the path that the reference names, relative to the manifests: "secrets/fence_node1.password".
	File string
	// Value is the secret. It is not Comparable where the source does not tell it.
	Value Text
}

// Rendered is a file as hactl would write it.
type Rendered struct {
	Host string `json:"host,omitempty"` // empty: the same on all members
	Path string `json:"path"`
	File File   `json:"file"`
}

// Health is a line of the status.
type Health struct {
	Object Ref    `json:"object"`
	Level  Level  `json:"level"`
	Text   string `json:"text"`
	// On says where it is, in the order of the nodes.
	On []Place `json:"on,omitempty"`
	// Condition says what of it matters to who waits for a better moment to change the cluster.
	Condition Condition `json:"condition,omitempty"`
}

// Place is a node where something is, and as what: "started", "Primary UpToDate".
type Place struct {
	Node string `json:"node"`
	As   string `json:"as"`
}

// Condition is a state of the cluster in a word. Most of what is degraded or failed needs none.
type Condition string

// The conditions.
const (
	Fencing     Condition = "fencing"     // a node is to be fenced, or is being fenced
	Syncing     Condition = "syncing"     // a copy of data is being made whole, and nothing is lost meanwhile
	Maintenance Condition = "maintenance" // somebody has taken the cluster or a node out of Pacemaker's hands
	// Lasting does not end by waiting: it is configured so, is a record of the past, or is what a plan is yet to make.
	Lasting Condition = "lasting"
)

// Level is how bad a Health is.
type Level int

// The levels, best first.
const (
	OK Level = iota
	Info
	Degraded
	Failed
)

var levelNames = [...]string{"ok", "info", "degraded", "failed"}

func (l Level) String() string { return levelNames[l] }

// MarshalText makes a level its name in JSON.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Layer is a Driver with its state type hidden, as the engine holds it. Of makes one.
type Layer interface {
	Name() string
	Desired(m *v1.Manifests, s Secrets) (State, error)
	// Zero is the state that asks Observe for everything.
	Zero() State
	Observe(ctx context.Context, hosts Hosts, want State) (State, error)
	Plan(want, have State) ([]Step, error)
	Provides(have State) []Ref
	Notes(want, have State) []Note
	Predict(ctx context.Context, hosts Hosts, want, have State, steps []Step) (Prediction, bool, error) // false: the layer predicts nothing
	Render(want, have State) ([]Rendered, error)
	Import(have State, into *v1.Manifests) ([]ImportedSecret, error)
	Status(have State) []Health
	Standing(want, have State) (Standing, bool)
	Follow(ctx context.Context, hosts Hosts, changed func(what string)) (bool, error) // false: the layer has no way to follow
	Decode(b []byte) (State, error)
	Record(ctx context.Context, hosts Hosts, want, have State) (State, error)
	Recall(want, have State) State
	Guard
}

// State is some layer's S.
type State any

// Of hides a driver's state type. A driver's optional parts that it has not answer nothing.
func Of[S any](d Driver[S]) Layer { return layer[S]{d} }

type layer[S any] struct{ d Driver[S] }

func (l layer[S]) Name() string { return l.d.Name() }

func (l layer[S]) Zero() State {
	var s S
	return s
}

func (l layer[S]) Desired(m *v1.Manifests, s Secrets) (State, error) { return l.d.Desired(m, s) }

func (l layer[S]) Observe(ctx context.Context, hosts Hosts, want State) (State, error) {
	return l.d.Observe(ctx, hosts, want.(S))
}

func (l layer[S]) Plan(want, have State) ([]Step, error) { return l.d.Plan(want.(S), have.(S)) }

func (l layer[S]) Provides(have State) []Ref {
	if p, ok := l.d.(Provider[S]); ok {
		return p.Provides(have.(S))
	}
	return nil
}

func (l layer[S]) Notes(want, have State) []Note {
	if n, ok := l.d.(Noter[S]); ok {
		return n.Notes(want.(S), have.(S))
	}
	return nil
}

func (l layer[S]) Predict(ctx context.Context, hosts Hosts, want, have State, steps []Step) (Prediction, bool, error) {
	p, ok := l.d.(Predictor[S])
	if !ok {
		return Prediction{}, false, nil
	}
	r, err := p.Predict(ctx, hosts, want.(S), have.(S), steps)
	return r, true, err
}

func (l layer[S]) Render(want, have State) ([]Rendered, error) {
	if r, ok := l.d.(Renderer[S]); ok {
		return r.Render(want.(S), have.(S))
	}
	return nil, nil
}

func (l layer[S]) Import(have State, into *v1.Manifests) ([]ImportedSecret, error) {
	if i, ok := l.d.(Importer[S]); ok {
		return i.Import(have.(S), into)
	}
	return nil, nil
}

func (l layer[S]) Status(have State) []Health {
	if r, ok := l.d.(Reporter[S]); ok {
		return r.Status(have.(S))
	}
	return nil
}

func (l layer[S]) Standing(want, have State) (Standing, bool) {
	if q, ok := l.d.(Quorate[S]); ok {
		return q.Standing(want.(S), have.(S)), true
	}
	return Standing{}, false
}

func (l layer[S]) Follow(ctx context.Context, hosts Hosts, changed func(what string)) (bool, error) {
	if f, ok := l.d.(Follower[S]); ok {
		return true, f.Follow(ctx, hosts, changed)
	}
	return false, nil
}

func (l layer[S]) Decode(b []byte) (State, error) {
	var s S
	err := json.Unmarshal(b, &s)
	return s, err
}

func (l layer[S]) Record(ctx context.Context, hosts Hosts, want, have State) (State, error) {
	if r, ok := l.d.(Recorder[S]); ok {
		return r.Record(ctx, hosts, want.(S), have.(S))
	}
	return have, nil
}

func (l layer[S]) Recall(want, have State) State {
	if r, ok := l.d.(Recorder[S]); ok {
		return r.Recall(want.(S), have.(S))
	}
	return have
}

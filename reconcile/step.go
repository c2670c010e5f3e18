package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	v1 "github.com/hactl/hactl/api/v1"
)

// Ref names an object that steps make, need or free: a kind in a layer's own words and a name. Machine-bound objects carry the machine in
// the name ("package", "node1/corosync"). A layer makes Refs by exported constructors, so that other layers can need them.
type Ref struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

func (r Ref) String() string { return r.Kind + "/" + r.Name }

// Action is what a change does to its object.
type Action string

// The actions. Adopt takes over an object made by someone else; with risk safe the object equals what is wanted and only the record of
// ownership changes.
const (
	Create  Action = "create"
	Update  Action = "update"
	Delete  Action = "delete"
	Adopt   Action = "adopt"
	Start   Action = "start"
	Stop    Action = "stop"
	Restart Action = "restart"
	Reload  Action = "reload"
	Check   Action = "check" // looks only: a probe, a wait
)

// Risk is what a change may cost, least first. Its gates stand in the table of the user guide.
type Risk int

// The risks, in rising order.
const (
	Safe       Risk = iota // no running thing notices
	ReloadRisk             // a daemon or agent rereads its configuration
	RestartRisk
	Outage     // a service that runs now will not run afterwards
	Redundancy // one more failure would lose service or the last good copy
	Quorum     // votes, membership or CIB writes without a full view
	Fence      // a node will be powered off, or fencing stops working
	AdoptRisk  // an object made by someone else, and different, is taken over
	DataLoss   // bytes on a device are overwritten or removed
)

var riskNames = [...]string{"safe", "reload", "restart", "outage", "redundancy", "quorum", "fence", "adopt", "data-loss"}

func (r Risk) String() string {
	if r < 0 || int(r) >= len(riskNames) {
		return fmt.Sprintf("risk(%d)", int(r))
	}
	return riskNames[r]
}

// ParseRisk is the inverse of Risk.String.
func ParseRisk(s string) (Risk, error) {
	for i, n := range riskNames {
		if n == s {
			return Risk(i), nil
		}
	}
	if near := v1.Closest(s, riskNames[:]); near != "" {
		return 0, fmt.Errorf("%q is no risk; did you mean %s?", s, near)
	}
	return 0, fmt.Errorf("%q is no risk; the risks are %s", s, strings.Join(riskNames[:], ", "))
}

// MarshalText makes a risk its name in JSON.
func (r Risk) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a risk's name.
func (r *Risk) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRisk(string(b))
	return err
}

// Change is one difference that a step removes: of an object as a whole (Path empty) or of one field.
type Change struct {
	Object Ref    `json:"object"`
	Action Action `json:"action"`
	Path   string `json:"path,omitempty"` // the field in the layer's words ("params.ip")
	Have   string `json:"have,omitempty"` // secrets as Mask
	Want   string `json:"want,omitempty"`
	Source v1.Pos `json:"source,omitzero"` // the manifest's field that asks for it
	Risk   Risk   `json:"risk"`
	Why    string `json:"why,omitempty"` // why the risk, where it is not plain
	// Whole is what the risk is about where that is more than the object, such as the cluster whose daemons all stop: gates name it.
	Whole Ref `json:"whole,omitzero"`
	// ByName tells that the risk must be allowed for this very object, or the whole.
	ByName bool `json:"byName,omitempty"`
	// Part tells that the step makes the object only as far as its machine goes, so that the machines need not wait for each other.
	Part bool `json:"part,omitempty"`
}

// Step is the smallest thing that is carried out as a whole, on one machine.
type Step struct {
	// ID is unique in a plan and the same for the same input: "LAYER HOST WHAT".
	ID   string `json:"id"`
	Host string `json:"host"`
	// Changes are what the step is for, at least one. Its objects, actions and risk follow from them.
	Changes []Change `json:"changes"`
	// Needs are objects that must be there first: made by another step or observed.
	Needs []Ref `json:"needs,omitempty"`
	// Frees are objects that the step stops using: whoever deletes one runs after it.
	Frees []Ref `json:"frees,omitempty"`
	// Downs names nodes whose cluster stack stops meanwhile. Steps that bring down different nodes never run at the same time.
	Downs []string `json:"downs,omitempty"`
	// Ops are carried out one after the other.
	Ops Ops `json:"ops,omitempty"`
	// Pending says why Ops are not known yet ("known after corosync runs"); Ops is then empty and a later round plans the step again.
	Pending string `json:"pending,omitempty"`
}

// Risk is the highest risk of the step's changes.
func (s Step) Risk() Risk {
	var r Risk
	for _, c := range s.Changes {
		r = max(r, c.Risk)
	}
	return r
}

// Progress is a line on how an op gets on.
type Progress struct {
	Text string `json:"text"`
	// Done of Total, where they are known (Total > 0).
	Done, Total int64 `json:"-"`
}

// Op is one action on a machine. It is a struct of data that says in one line what it will do; drivers define their own beside these.
type Op interface {
	fmt.Stringer
	Do(ctx context.Context, h Host, progress func(Progress)) error
}

// Ops marshal with what each says it will do, its type and its data.
type Ops []Op

// MarshalJSON writes [{"do": …, "op": TYPE, "data": …}].
func (ops Ops) MarshalJSON() ([]byte, error) {
	type entry struct {
		Do   string `json:"do"`
		Op   string `json:"op"`
		Data Op     `json:"data"`
	}
	entries := make([]entry, len(ops))
	for i, op := range ops {
		entries[i] = entry{op.String(), fmt.Sprintf("%T", op), op}
	}
	return json.Marshal(entries)
}

// Command runs a command that changes something.
type Command struct {
	Argv  []string      `json:"argv"`
	Stdin Text          `json:"stdin,omitzero"`
	Limit time.Duration `json:"limit,omitempty"` // 0: DefaultLimit
}

func (c Command) String() string { return shellescape.QuoteCommand(c.Argv) }

// Do runs it.
func (c Command) Do(ctx context.Context, h Host, progress func(Progress)) error {
	_, err := h.Run(ctx, Cmd{Argv: c.Argv, Stdin: c.Stdin.Bytes(), Limit: c.Limit, Mutates: true,
		Line: func(b []byte) { progress(Progress{Text: string(b)}) }})
	return err
}

// Write replaces a file.
type Write struct {
	Path string `json:"path"`
	File File   `json:"file"`
}

func (w Write) String() string {
	s := "write " + w.Path
	if w.File.Mode != 0 {
		s += fmt.Sprintf(" mode %04o", w.File.Mode)
	}
	if w.File.Owner != "" {
		s += " owner " + w.File.Owner
	}
	return s
}

// Do writes it.
func (w Write) Do(ctx context.Context, h Host, _ func(Progress)) error {
	return h.WriteFile(ctx, w.Path, w.File)
}

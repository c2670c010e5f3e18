package v1

import (
	"encoding/json"
	"fmt"
	"sort"
)

// Pos is a place in a manifest. The zero Pos is "not from a manifest".
type Pos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // from 1
	Col  int    `json:"col,omitempty"`  // from 1, in runes
}

// IsZero tells that nothing is known of the place.
func (p Pos) IsZero() bool { return p == Pos{} }

func (p Pos) String() string {
	if p.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Object is what all kinds have in common.
type Object struct {
	// APIVersion is hactl/v1.
	APIVersion string `json:"apiVersion" enum:"hactl/v1"`
	// Kind names the type of the object.
	Kind string `json:"kind"`
	// Metadata identifies the object.
	Metadata Metadata `json:"metadata"`

	// Positions maps the path of every field that the manifest set ("spec.params.ip", "spec.resources[0].agent") to its place; "" is the
	// document itself. The loader fills it.
	Positions map[string]Pos `json:"-"`
	// Comments are remarks that go with the object when it is written as YAML. Import makes them.
	Comments []Comment `json:"-"`
}

// Comment is a remark on a field.
type Comment struct {
	// Path is the field that it stands above ("spec.params.ip"); "" is above the document.
	Path string
	// Text is one or more lines, without the #.
	Text string
	// Lost tells that something of the source could not be expressed and is not in the object.
	Lost bool
}

// Pos is the place of a field, or of its nearest parent that stands in the manifest.
func (o *Object) Pos(path string) Pos {
	for {
		if p, ok := o.Positions[path]; ok {
			return p
		}
		if path == "" {
			return Pos{}
		}
		i := len(path) - 1
		for i >= 0 && path[i] != '.' && path[i] != '[' {
			i--
		}
		if i < 0 {
			i = 0
		}
		path = path[:i]
	}
}

// Base gives access to the common part of any kind.
func (o *Object) Base() *Object { return o }

// Metadata identifies an object and says how hactl may treat it.
type Metadata struct {
	// Name is the object's name; where it lives in the CIB it is the XML id. Ids share one name space over all kinds.
	Name string `json:"name"`
	// Cluster names the Cluster that the object belongs to. It may be left out where there is only one.
	Cluster string `json:"cluster,omitempty"`
	// Labels are for selection with -l.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are kept and not interpreted.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Protect makes the object undeletable.
	Protect bool `json:"protect,omitempty"`
	// RenamedFrom is the name under which the object lived before.
	RenamedFrom string `json:"renamedFrom,omitempty"`
	// Ignore silences lints for this object, each with a reason.
	Ignore []IgnoredLint `json:"ignore,omitempty"`
}

// IgnoredLint silences one lint.
type IgnoredLint struct {
	// Lint is the lint's id.
	Lint string `json:"lint"`
	// Reason says why it does not apply here. It must not be empty.
	Reason string `json:"reason"`
}

// Value is an option's value: the text that was written, or null, which removes the option from the cluster.
type Value struct {
	Text string
	Null bool
}

// MarshalJSON writes a string or null.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Null {
		return []byte("null"), nil
	}
	return json.Marshal(v.Text)
}

// UnmarshalJSON reads a string or null. The loader has turned every scalar into its text before.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = Value{Null: true}
		return nil
	}
	*v = Value{}
	return json.Unmarshal(b, &v.Text)
}

// Options are named values of an upstream tool, by its own option names.
type Options map[string]Value

// Names lists the option names in order.
func (o Options) Names() []string {
	names := make([]string, 0, len(o))
	for n := range o {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Get returns the text of an option; "" if it is absent or null.
func (o Options) Get(name string) string { return o[name].Text }

// SecretRef says where a secret value comes from: exactly one of the fields is set. The value itself never stands in a manifest in clear text.
type SecretRef struct {
	// Env is the name of an environment variable of hactl's process.
	Env string `json:"env,omitempty" check:"env"`
	// File is a path, relative to the manifest's folder. One trailing newline is dropped.
	File string `json:"file,omitempty"`
	// Command is run without a shell; its standard output, less one trailing newline, is the value.
	Command []string `json:"command,omitempty"`
	// Age is the value itself, encrypted: an age file in ASCII armor, as `hactl secret encrypt` and `age -a -r RECIPIENT` write it. It is
	// decrypted with the identities of --age-identity, $HACTL_AGE_IDENTITY or $HACTL_AGE_KEY. One trailing newline is dropped.
	Age string `json:"age,omitempty" check:"age"`
}

// setType fills in what the type says of an object that was not loaded.
func (o *Object) setType(kind string) {
	if o.APIVersion == "" {
		o.APIVersion = APIVersion
	}
	if o.Kind == "" {
		o.Kind = kind
	}
}

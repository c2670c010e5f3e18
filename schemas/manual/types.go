package manual

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Manual is everything that there is to tell, by the names of the types.
type Manual struct {
	types map[string]*Type
	texts map[string]described
}

// described is the part of a JSON Schema that is read.
type described struct {
	Description string               `json:"description"`
	Properties  map[string]described `json:"properties"`
}

// Type is a map with fixed fields: a kind, or a part of one.
type Type struct {
	Name   string
	Text   string // one line a paragraph; lines that begin with a tab are code
	Fields []*Field
}

// Field is a field of a Type.
type Field struct {
	Name     string
	Text     string
	Required bool
	// Of is the Type that the field is, lists, or maps names to; nil for text, numbers and options.
	Of *Type
	// List and Map say how many of it there are.
	List, Map bool
	// Word is the type of what is neither a Type nor options: string, boolean or integer.
	Word string
	// Options tells of a map of upstream options, Table which one of OptionTables; "" where an agent, or nobody, defines them.
	Options bool
	Table   string
	// Words are all that a text may be; Format names what it must look like (Formats).
	Words  []string
	Format string
	// CIB is the attribute in the CIB that holds it.
	CIB string
}

// New reads the texts of a JSON Schema that was made from the types (schemas.JSON).
func New(schema []byte) (*Manual, error) {
	var s struct {
		Definitions map[string]described `json:"definitions"`
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil, fmt.Errorf("the schema of the manifests: %w", err)
	}
	m := &Manual{types: map[string]*Type{}, texts: s.Definitions}
	for _, k := range v1.Kinds() {
		m.structure(reflect.TypeOf(v1.New(k)).Elem())
	}
	return m, nil
}

// Text is the description of a Type, or of Expression.
func (m *Manual) Text(name string) string { return m.texts[name].Description }

// Kind gives a kind's Type, or nil.
func (m *Manual) Kind(name string) *Type {
	if v1.New(name) == nil {
		return nil
	}
	return m.types[name]
}

var (
	valueType   = reflect.TypeFor[v1.Value]()
	optionsType = reflect.TypeFor[v1.Options]()
)

func (m *Manual) structure(t reflect.Type) *Type {
	if known := m.types[t.Name()]; known != nil {
		return known
	}
	out := &Type{Name: t.Name(), Text: m.Text(t.Name())}
	m.types[t.Name()] = out
	texts := m.texts[t.Name()].Properties
	for _, f := range reflect.VisibleFields(t) {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		x := &Field{Name: name, Text: texts[name].Description, Required: !strings.Contains(opts, "omit"), Table: f.Tag.Get("options"), Words: strings.Fields(f.Tag.Get("enum")),
			Format: f.Tag.Get("check"), CIB: f.Tag.Get("cib")}
		m.shape(x, f.Type)
		out.Fields = append(out.Fields, x)
	}
	return out
}

// shape says what a field is.
func (m *Manual) shape(x *Field, t reflect.Type) {
	switch {
	case t == optionsType:
		x.Options = true
	case t.Kind() == reflect.Pointer:
		m.shape(x, t.Elem())
	case t.Kind() == reflect.Slice:
		x.List = true
		m.shape(x, t.Elem())
	case t.Kind() == reflect.Map:
		x.Map = true
		m.shape(x, t.Elem())
	case t.Kind() == reflect.Struct && t != valueType:
		x.Of = m.structure(t)
	case t.Kind() == reflect.Bool:
		x.Word = "boolean"
	case t.Kind() == reflect.Int:
		x.Word = "integer"
	default:
		x.Word = "string"
	}
}

// Type names what a field is: string, list of Operation, map of SecretRef, options.
func (f *Field) Type() string {
	word := f.Word
	switch {
	case f.Options:
		word = "options"
	case f.Of != nil:
		word = f.Of.Name
	}
	switch {
	case f.List:
		return "list of " + word
	case f.Map:
		return "map of " + word
	}
	return word
}

// Field finds a field by its name, in any case; nil if there is none.
func (t *Type) Field(name string) *Field {
	for _, f := range t.Fields {
		if f.Name == name {
			return f
		}
	}
	for _, f := range t.Fields {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// Names lists the names of the fields.
func (t *Type) Names() []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}

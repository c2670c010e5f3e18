package manual

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Topic is what a path such as Constraint.spec.order leads to.
type Topic struct {
	// Path is the path in the spelling of the types.
	Path string
	// Field is the last field of the path; nil where it is a type.
	Field *Field
	// Owner is the Type that has Field.
	Owner *Type
	// Type is what can be named behind the path; nil for text, numbers and options.
	Type *Type
	// Option is the last name of the path where that is one of a table of options.
	Option *v1.KnownOption
}

// Find follows a path from a kind, or from any other Type: Constraint.spec.order, operation.timeout. Case does not matter; brackets of list
// elements are passed over, and so are the names in a map. The error names what is near or what there is.
func (m *Manual) Find(path string) (*Topic, error) {
	names := strings.Split(strings.TrimSuffix(path, "."), ".")
	t := m.find(names[0])
	if t == nil {
		return nil, fmt.Errorf("there is no kind %q%s", names[0], m.near(names[0]))
	}
	at := &Topic{Path: t.Name, Type: t}
	for i, name := range names[1:] {
		name, _, _ = strings.Cut(name, "[")
		switch f := at.Field; {
		case at.Type != nil && at.Type.Field(name) != nil:
			at = at.step(at.Type.Field(name))
		case f != nil && f.Map && !f.Options && i > 0:
			at.Path += "." + name // a name in a map
		case f != nil && f.Options && at.Option == nil:
			name = strings.Join(names[1+i:], ".") // option names may hold dots
			o, err := f.option(name, at.Path)
			if err != nil {
				return nil, err
			}
			return &Topic{Path: at.Path + "." + o.Name, Field: f, Owner: at.Owner, Option: o}, nil
		case at.Type == nil:
			return nil, fmt.Errorf("%s is %s: there is nothing in it to name %q", at.Path, f.Type(), name)
		default:
			return nil, fmt.Errorf("there is no field %q in %s%s", name, at.Path, at.near(name))
		}
	}
	return at, nil
}

// find finds a kind or another Type by its name in any case, kinds in the plural too.
func (m *Manual) find(name string) *Type {
	for _, suffix := range []string{"", "s"} {
		for _, t := range m.types {
			if strings.EqualFold(t.Name+suffix, name) {
				return t
			}
		}
	}
	return nil
}

func (m *Manual) near(name string) string {
	if k := v1.Closest(name, v1.Kinds()); k != "" {
		return fmt.Sprintf("; did you mean %s?", k)
	}
	return "; the kinds are " + strings.Join(v1.Kinds(), ", ")
}

func (t *Topic) step(f *Field) *Topic {
	return &Topic{Path: t.Path + "." + f.Name, Field: f, Owner: t.Type, Type: f.Of}
}

// near says which field may have been meant: one of this type, or one of its spec.
func (t *Topic) near(name string) string {
	if spec := t.Type.Field("spec"); spec != nil && spec.Of != nil && spec.Of.Field(name) != nil {
		return fmt.Sprintf("; did you mean %s.spec.%s?", t.Path, spec.Of.Field(name).Name)
	}
	fields := "; its fields are " + strings.Join(t.Type.Names(), ", ")
	if n := v1.Closest(name, t.Type.Names()); n != "" {
		return fmt.Sprintf("; did you mean %s.%s?%s", t.Path, n, fields)
	}
	return fields
}

// option finds an option of the field's table.
func (f *Field) option(name, path string) (*v1.KnownOption, error) {
	if f.Table == "" {
		return nil, fmt.Errorf("%s: hactl knows no names here%s", path, f.agentsOwn())
	}
	table := v1.LookupOptions(f.Table)
	names := make([]string, len(table.Options))
	for i := range table.Options {
		names[i] = table.Options[i].Name
	}
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		return &table.Options[i], nil
	}
	if n := v1.Closest(name, names); n != "" {
		return nil, fmt.Errorf("there is no %s %q; did you mean %s.%s?", table.Of, name, path, n)
	}
	return nil, fmt.Errorf("there is no %s %q; hactl explain %s lists those that hactl knows", table.Of, name, path)
}

func (f *Field) agentsOwn() string {
	if f.Name == "params" {
		return "; they are the agent's: see hactl explain AGENT, such as hactl explain ocf:heartbeat:IPaddr2"
	}
	return ""
}

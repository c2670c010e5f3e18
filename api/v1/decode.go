package v1

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxDepth   = 64 // levels of nesting; the deepest field of any kind is at 8
	maxList    = 100_000
	maxAliased = 10_000 // nodes that the aliases of one document stand for: a YAML bomb has millions
)

// decoder walks one document's nodes and its object's Go type together. It notes each mistake and goes on.
type decoder struct {
	file      string
	line      int // lines of the file before the document
	errs      Errors
	positions map[string]Pos
	failed    map[string]bool // paths with a mistake: what validation would say about them is no news
	types     fieldTable
	within    map[*yaml.Node]bool // targets of the aliases on the way to the current node
	aliased   int
	bombed    bool
}

// field is a field of a struct as YAML names it.
type field struct {
	name     string
	index    []int
	required bool
	tag      reflect.StructTag
}

// fieldTable holds the fields of the structs met so far: reflection is slow.
type fieldTable map[reflect.Type][]field

var (
	valueType   = reflect.TypeFor[Value]()
	optionsType = reflect.TypeFor[Options]()
)

// of lists a struct's fields by their json tags, those of embedded structs among them. A field without omitempty is required.
func (ft fieldTable) of(t reflect.Type) []field {
	if fs, ok := ft[t]; ok {
		return fs
	}
	var fs []field
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("json")
		if f.Anonymous || !ok || tag == "-" {
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		fs = append(fs, field{name: name, index: f.Index, required: !strings.Contains(opts, "omit"), tag: f.Tag})
	}
	ft[t] = fs
	return fs
}

func (d *decoder) pos(n *yaml.Node) Pos {
	return Pos{File: d.file, Line: n.Line + d.line, Col: n.Column}
}

func (d *decoder) errorf(n *yaml.Node, path, format string, args ...any) {
	d.failed[path] = true
	d.errs = append(d.errs, &Error{Pos: d.pos(n), Path: path, Message: fmt.Sprintf(format, args...)})
}

// value decodes a node into v. key is the key that it stands under, or nil.
func (d *decoder) value(n, key *yaml.Node, path string, v reflect.Value, depth int) {
	if len(d.errs) >= maxMistakes {
		return // Load gives up
	}
	at := n
	if n.Kind == yaml.AliasNode {
		target := n.Alias
		if d.within[target] {
			d.errorf(n, path, "the alias *%s stands inside what it names; remove it", n.Value)
			return
		}
		d.within[target] = true
		defer delete(d.within, target)
		n = target
	}
	if len(d.within) > 0 {
		if d.aliased++; d.aliased > maxAliased {
			d.bomb(at, path)
			return
		}
	}
	if depth > maxDepth {
		d.errorf(at, path, "nested more than %d levels deep", maxDepth)
		return
	}
	if n.Kind != yaml.ScalarNode && key != nil && at == n {
		at = key // a map's own place would be that of its first key
	}
	d.positions[path] = d.pos(at)
	if !d.tag(n, at, path) {
		return
	}
	if isNull(n) && v.Type() != valueType && v.Kind() != reflect.Interface {
		d.positions[path] = d.pos(orKey(key, at))
		what := "give it one, or leave the field out"
		if k := v.Kind(); k == reflect.Map || k == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct {
			what = "write {}, or leave the field out"
		}
		d.errorf(orKey(key, at), path, "has no value; %s", what)
		return
	}
	switch {
	case v.Type() == valueType:
		d.option(n, at, path, v)
	case v.Kind() == reflect.Interface: // of an object whose kind is not known: only its keys can be checked
		d.unknown(n, path, v, depth)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.scalarOrTree(n, at, path, v.Elem(), depth)
	default:
		d.scalarOrTree(n, at, path, v, depth)
	}
}

// bomb tells once that a document's aliases stand for too much.
func (d *decoder) bomb(n *yaml.Node, path string) {
	if !d.bombed {
		d.errorf(n, path, "the aliases of this document stand for more than %d values; write them out", maxAliased)
	}
	d.bombed, d.failed[path] = true, true
}

func (d *decoder) scalarOrTree(n, at *yaml.Node, path string, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		if d.is(n, at, path, yaml.MappingNode) {
			d.structure(n, at, path, v, depth)
		}
	case reflect.Map:
		if !d.is(n, at, path, yaml.MappingNode) {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, p := range d.pairs(n, path, depth) {
			elem := reflect.New(v.Type().Elem()).Elem()
			d.value(p.value, p.key, join(path, p.name), elem, depth+1)
			if p.name == "" {
				d.errorf(p.key, path, "has an empty name; write a name before the colon")
			}
			v.SetMapIndex(reflect.ValueOf(p.name), elem)
		}
	case reflect.Slice:
		if !d.is(n, at, path, yaml.SequenceNode) {
			return
		}
		if len(n.Content) > maxList {
			d.errorf(at, path, "the list has more than %d elements", maxList)
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, c := range n.Content {
			d.value(c, nil, fmt.Sprintf("%s[%d]", path, i), v.Index(i), depth+1)
		}
	case reflect.String:
		if d.is(n, at, path, yaml.ScalarNode) && d.text(n, at, path) {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		d.boolean(n, at, path, v)
	case reflect.Int:
		d.integer(n, at, path, v)
	default:
		panic("no decoder for " + v.Type().String()) // a new field type; every test that loads finds it
	}
}

func (d *decoder) structure(n, at *yaml.Node, path string, v reflect.Value, depth int) {
	fields := d.types.of(v.Type())
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.name)
	}
	given := map[string]bool{}
next:
	for _, p := range d.pairs(n, path, depth) {
		if len(d.errs) >= maxMistakes {
			return // Load gives up
		}
		for _, f := range fields {
			if f.name == p.name {
				given[f.name] = true
				d.value(p.value, p.key, join(path, f.name), v.FieldByIndex(f.index), depth+1)
				continue next
			}
		}
		given[closest(p.name, names)] = true // "agnet" is not also a missing agent
		d.errorf(p.key, join(path, p.name), "unknown field %q%s", p.name, hint(p.name, names))
	}
	for _, f := range fields {
		if given[f.name] && d.positions[join(path, f.name)].IsZero() {
			d.failed[join(path, f.name)] = true
		}
		if f.required && !given[f.name] {
			// The place of the parent is the best there is.
			d.failed[join(path, f.name)] = true
			d.errs = append(d.errs, &Error{Pos: d.pos(at), Path: join(path, f.name), Message: "is required"})
		}
	}
}

// unknown looks for duplicate keys only.
func (d *decoder) unknown(n *yaml.Node, path string, v reflect.Value, depth int) {
	switch n.Kind {
	case yaml.MappingNode:
		for _, p := range d.pairs(n, path, depth) {
			d.value(p.value, p.key, join(path, p.name), v, depth+1)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			d.value(c, nil, fmt.Sprintf("%s[%d]", path, i), v, depth+1)
		}
	}
}

func (d *decoder) is(n, at *yaml.Node, path string, want yaml.Kind) bool {
	if n.Kind == want {
		return true
	}
	words := map[yaml.Kind]string{
		yaml.MappingNode:  "a map (name: value)",
		yaml.SequenceNode: "a list (- value)",
		yaml.ScalarNode:   "one value",
	}
	d.errorf(at, path, "must be %s, not %s", words[want], describe(n))
	return false
}

func orKey(key, n *yaml.Node) *yaml.Node {
	if key != nil {
		return key
	}
	return n
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

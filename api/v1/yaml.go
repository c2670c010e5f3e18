package v1

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// lineWidth is how wide a line in flow style ({a: 1}, [a, b]) may be, and a comment.
const lineWidth = 100

// WriteYAML writes objects (pointers to the kinds' types, as Manifests.All lists them) as a person would have written them: one document
// each, the fields in the order of the types, what is empty left out, small maps and lists on one line, and the objects' Comments above
// the fields that they are about. Load reads the same objects again. The same objects give the same bytes.
//
// The text is made here and not by yaml.v3: its encoder knows no width at which to leave flow style, gives block text in lists a wrong
// indentation indicator, and takes ten times as long.
func WriteYAML(w io.Writer, objects []any) error {
	y := yamlWriter{types: fieldTable{}}
	var out bytes.Buffer
	for i, o := range objects {
		if i > 0 {
			out.WriteString("---\n")
		}
		if err := y.document(o); err != nil {
			return err
		}
		y.restOfNotes(&out)
		out.Write(y.buf)
		if out.Len() < 1<<16 && i+1 < len(objects) {
			continue
		}
		if _, err := out.WriteTo(w); err != nil {
			return err
		}
	}
	return nil
}

// yamlWriter writes one document after the other into buf.
type yamlWriter struct {
	buf   []byte
	types fieldTable
	notes []note
	on    map[string][]int // the notes by path
	above map[string]bool  // the paths that a note's field stands under: they cannot be in flow style
}

func (y *yamlWriter) document(o any) error {
	kind := kindName(o)
	if kind == "" {
		return fmt.Errorf("write YAML: %T is no object of %s", o, APIVersion)
	}
	v := reflect.ValueOf(o).Elem()
	base := o.(interface{ Base() *Object }).Base()
	y.buf = y.buf[:0]
	y.note(base.Comments)
	if base.APIVersion == "" || base.Kind == "" {
		typed := reflect.New(v.Type())
		typed.Elem().Set(v)
		typed.Interface().(interface{ Base() *Object }).Base().setType(kind)
		v = typed.Elem()
	}
	y.fields(v, "", 0, false)
	return nil
}

// kindName is the kind of a pointer to its type; "" for anything else.
func kindName(o any) string {
	v := reflect.ValueOf(o)
	if v.Kind() != reflect.Pointer || v.IsNil() || kinds[v.Type().Elem().Name()] == nil {
		return ""
	}
	return v.Type().Elem().Name()
}

// fields writes a struct in block style. With dash it is an element of a list: "- " stands before the first field.
func (y *yamlWriter) fields(v reflect.Value, path string, indent int, dash bool) {
	for _, f := range y.types.of(v.Type()) {
		if x := v.FieldByIndex(f.index); f.written(x) {
			y.entry(f.name, x, y.under(path, f.name), indent, dash)
			dash = false
		}
	}
}

func (y *yamlWriter) entry(name string, v reflect.Value, path string, indent int, dash bool) {
	if dash {
		y.notesOn(path, indent-2)
		y.indent(indent - 2)
		y.buf = append(y.buf, "- "...)
	} else {
		y.notesOn(path, indent)
		y.indent(indent)
	}
	if len(name) > maxKey {
		y.buf = append(y.buf, "? "...)
		y.quoted(name)
		y.buf = append(y.buf, '\n')
		y.indent(indent)
	} else {
		y.text(name, false)
	}
	y.buf = append(y.buf, ':')
	y.value(v, path, indent)
}

// maxKey is a bit less than the length of a key that YAML takes without a question mark before it.
const maxKey = 200

// value writes what stands behind a colon, with the end of the line.
func (y *yamlWriter) value(v reflect.Value, path string, indent int) {
	v = pointed(v)
	if y.onLine(v, path, indent+2) {
		return
	}
	y.buf = append(y.buf, '\n')
	switch v.Kind() {
	case reflect.Struct:
		y.fields(v, path, indent+2, false)
	case reflect.Map:
		for _, k := range names(v) {
			y.entry(k.String(), v.MapIndex(k), y.under(path, k.String()), indent+2, false)
		}
	case reflect.Slice:
		for i := range v.Len() {
			y.element(pointed(v.Index(i)), y.at(path, i), indent)
		}
	}
}

func (y *yamlWriter) element(v reflect.Value, path string, indent int) {
	y.notesOn(path, indent)
	mark := len(y.buf)
	y.indent(indent)
	y.buf = append(y.buf, '-')
	if !y.onLine(v, path, indent+2) {
		y.buf = y.buf[:mark]
		y.fields(v, path, indent+2, true)
	}
}

func (y *yamlWriter) indent(n int) {
	for range n {
		y.buf = append(y.buf, ' ')
	}
}

// column counts the characters of the last line.
func (y *yamlWriter) column() int {
	return utf8.RuneCount(y.buf[bytes.LastIndexByte(y.buf, '\n')+1:])
}

// under and at make paths, which only notes need.
func (y *yamlWriter) under(path, name string) string {
	if len(y.notes) == 0 {
		return ""
	}
	return join(path, name)
}

func (y *yamlWriter) at(path string, i int) string {
	if len(y.notes) == 0 {
		return ""
	}
	return path + "[" + strconv.Itoa(i) + "]"
}

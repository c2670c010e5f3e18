package v1

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// onLine writes what goes on the rest of the line: any scalar, and what fits in flow style. Else it writes nothing.
func (y *yamlWriter) onLine(v reflect.Value, path string, indent int) bool {
	mark := len(y.buf)
	y.buf = append(y.buf, ' ')
	switch s, plain, ok := scalarOf(v); {
	case ok && plain:
		y.buf = append(y.buf, s...)
	case ok && literal(s):
		y.literal(s, indent)
		return true // with the end of the line
	case ok:
		y.text(s, false)
	case y.filled(v) && (y.above[path] || y.long(v, indent)) || !y.flow(v, false) || y.column() > lineWidth:
		y.buf = y.buf[:mark]
		return false
	}
	y.buf = append(y.buf, '\n')
	return true
}

// long tells about what looks better in block style even where it is short: a whole spec, and a primitive in a group or bundle.
func (y *yamlWriter) long(v reflect.Value, indent int) bool {
	return indent == 2 && v.Type() != metadataType || v.Type() == memberType
}

// filled tells whether anything of a map, list or struct will be written; what has nothing can only be {} or [].
func (y *yamlWriter) filled(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return v.Len() > 0
	}
	return slices.ContainsFunc(y.types.of(v.Type()), func(f field) bool { return f.written(v.FieldByIndex(f.index)) })
}

var (
	metadataType = reflect.TypeFor[Metadata]()
	memberType   = reflect.TypeFor[GroupMember]()
)

// flow writes in flow style. It gives up, leaving a part behind, when the line gets too long or something inside would be hard to read so:
// several maps in a list, a list of maps in a map, text of several lines.
func (y *yamlWriter) flow(v reflect.Value, inside bool) bool {
	if s, plain, ok := scalarOf(v); ok {
		switch {
		case plain:
			y.buf = append(y.buf, s...)
		case literal(s):
			return false
		default:
			y.text(s, true)
		}
		return true
	}
	first := true
	next := func() bool {
		if !first {
			y.buf = append(y.buf, ", "...)
		}
		first = false
		return y.column() <= lineWidth
	}
	pair := func(name string, x reflect.Value) bool {
		if !next() {
			return false
		}
		y.text(name, true)
		y.buf = append(y.buf, ": "...)
		return y.flow(pointed(x), true)
	}
	switch v.Kind() {
	case reflect.Struct:
		y.buf = append(y.buf, '{')
		for _, f := range y.types.of(v.Type()) {
			if x := v.FieldByIndex(f.index); f.written(x) && !pair(f.name, x) {
				return false
			}
		}
		y.buf = append(y.buf, '}')
	case reflect.Map:
		y.buf = append(y.buf, '{')
		for _, k := range names(v) {
			if !pair(k.String(), v.MapIndex(k)) {
				return false
			}
		}
		y.buf = append(y.buf, '}')
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0 && (inside || v.Len() > 1 || v.Type().Elem() == memberType) {
			return false
		}
		y.buf = append(y.buf, '[')
		for i := range v.Len() {
			if !next() || !y.flow(pointed(v.Index(i)), true) {
				return false
			}
		}
		y.buf = append(y.buf, ']')
	}
	return true
}

// scalarOf gives the text of a value that is neither a map nor a list; plain tells that it needs no quotes whatever it looks like.
func scalarOf(v reflect.Value) (s string, plain, ok bool) {
	switch v.Kind() {
	case reflect.String:
		return v.String(), false, true
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), true, true
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10), true, true
	case reflect.Struct:
		if v.Type() == valueType {
			if x := v.Interface().(Value); !x.Null {
				return x.Text, false, true
			}
			return "null", true, true
		}
	}
	return "", false, false
}

// written tells whether a field is written with this value. With omitzero in its tag an empty list is one, and means something else than none.
func (f field) written(v reflect.Value) bool {
	return f.required || !empty(v) || strings.HasSuffix(f.tag.Get("json"), ",omitzero") && !v.IsZero()
}

// empty tells what omitempty leaves out, as encoding/json does.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

func pointed(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return v
}

// names are a map's keys in order.
func names(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

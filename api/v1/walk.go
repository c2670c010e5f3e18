package v1

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// spot is a value inside an object.
type spot struct {
	path  string
	value reflect.Value
	field *field       // that holds it, in a list or map perhaps
	owner reflect.Type // the struct that the field belongs to
	of    *field       // that holds the owner; nil at the top
}

// walk visits all that is set in an object's spec: each text, and each struct before its fields. It does not go into option maps.
func (ft fieldTable) walk(object any, visit func(spot)) {
	spec := reflect.ValueOf(object).Elem().FieldByName("Spec")
	ft.fields(spot{path: "spec", value: spec}, visit)
}

func (ft fieldTable) fields(in spot, visit func(spot)) {
	fields := ft.of(in.value.Type())
	for i := range fields {
		f := &fields[i]
		v := in.value.FieldByIndex(f.index)
		if !v.IsZero() && v.Type() != optionsType {
			ft.visit(spot{join(in.path, f.name), v, f, in.value.Type(), in.field}, visit)
		}
	}
}

func (ft fieldTable) visit(p spot, visit func(spot)) {
	inner := func(path string, v reflect.Value) {
		q := p
		q.path, q.value = path, v
		ft.visit(q, visit)
	}
	switch p.value.Kind() {
	case reflect.String:
		visit(p)
	case reflect.Struct:
		visit(p)
		ft.fields(p, visit)
	case reflect.Pointer:
		inner(p.path, p.value.Elem())
	case reflect.Slice:
		for i := range p.value.Len() {
			inner(fmt.Sprintf("%s[%d]", p.path, i), p.value.Index(i))
		}
	case reflect.Map:
		keys := p.value.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			inner(p.path+"."+k.String(), p.value.MapIndex(k))
		}
	}
}

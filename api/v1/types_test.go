package v1

import (
	"reflect"
	"strings"
	"testing"
)

// The tags of every type name formats and tables that exist, and each field has a json tag.
func TestTags(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[typ] || typ == valueType {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Tag.Get("json") == "-" {
				continue // the manifest does not hold it
			}
			walk(f.Type)
			if f.Anonymous {
				continue
			}
			where := typ.Name() + "." + f.Name
			if tag := f.Tag.Get("json"); tag == "" || strings.HasPrefix(tag, ",") {
				t.Errorf("%s has no name in YAML", where)
			}
			if check, ok := f.Tag.Lookup("check"); ok && formats[check].test == nil {
				t.Errorf("%s: no format %q", where, check)
			}
			if table, ok := f.Tag.Lookup("options"); ok && (optionTables[table] == nil || f.Type != optionsType && f.Type != reflect.TypeFor[[]AttributeSet]()) {
				t.Errorf("%s: no table %q, or neither Options nor AttributeSets", where, table)
			}
		}
	}
	for _, k := range Kinds() {
		walk(reflect.TypeOf(New(k)).Elem())
		var m Manifests
		if m.Add(New(k)); len(m.All()) != 1 && m.Policy == nil {
			t.Errorf("Manifests does not hold kind %s", k)
		}
	}
	for name, table := range optionTables {
		had := map[string]bool{}
		for _, o := range table.options {
			if had[o.name] {
				t.Errorf("table %s has %s twice", name, o.name)
			}
			had[o.name] = true
			if (o.typ == words || o.typ == anyCaseWord || o.typ == forbidden) == (o.words == "") {
				t.Errorf("table %s: %s: words %q do not fit its type", name, o.name, o.words)
			}
		}
	}
}

package view

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// Every field of the JSON form is told in its page. The data of operations are not part of the promise.
func TestPlanJSONPage(t *testing.T) {
	b, err := os.ReadFile("../../docs/plan-json.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	n := 0
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[typ] || typ.PkgPath() == "time" {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == "-" || !f.IsExported() {
				continue
			}
			if n++; tag != "" && !strings.Contains(string(b), "`"+tag+"`") {
				t.Errorf("docs/plan-json.md does not tell `%s` (%s.%s)", tag, typ, f.Name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[PlanForm]())
	if n < 40 {
		t.Errorf("only %d fields were looked at", n)
	}
}

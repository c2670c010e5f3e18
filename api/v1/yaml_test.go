package v1

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

// decodeAll reads objects without validating them, so that any value of the types can be tried.
func decodeAll(t interface{ Fatalf(string, ...any) }, text []byte) []any {
	l := &loader{checker: checker{types: fieldTable{}, failed: map[*Object]map[string]bool{}}}
	docs, _, errs := documents(File{"f", text})
	for _, d := range docs {
		l.document("f", d)
	}
	if errs = append(errs, l.errs...); len(errs) > 0 {
		t.Fatalf("%v\n%s", errs, text)
	}
	return l.objects
}

var ignoreLoad = cmp.Options{cmpopts.IgnoreFields(Object{}, "Positions", "Comments"), cmpopts.EquateEmpty()}

// Any objects of any kind, with every field that the types have, are read again as they were written.
func TestWriteYAMLRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []any
		for range rapid.IntRange(1, 3).Draw(t, "objects") {
			kind := rapid.SampledFrom(Kinds()).Draw(t, "kind")
			o := New(kind)
			fill(t, reflect.ValueOf(o).Elem(), 0)
			base := o.(interface{ Base() *Object }).Base()
			base.APIVersion, base.Kind = APIVersion, kind
			paths := rapid.SampledFrom(append(pathsOf(t, o), "", "spec.no.such[3].field"))
			for range rapid.IntRange(0, 3).Draw(t, "comments") {
				base.Comments = append(base.Comments, Comment{Path: paths.Draw(t, "path"), Text: genAnyText.Draw(t, "comment")})
			}
			want = append(want, o)
		}
		var text bytes.Buffer
		if err := WriteYAML(&text, want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, decodeAll(t, text.Bytes()), ignoreLoad); diff != "" {
			t.Fatalf("%s\n%s", diff, text.String())
		}
	})
}

// pathsOf lists the paths of the fields that an object has.
func pathsOf(t *rapid.T, o any) []string {
	var text bytes.Buffer
	if err := WriteYAML(&text, []any{o}); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for p := range decodeAll(t, text.Bytes())[0].(interface{ Base() *Object }).Base().Positions {
		paths = append(paths, p)
	}
	return rapid.Permutation(sorted(paths)).Draw(t, "paths")
}

func sorted(s []string) []string {
	m := map[string]Value{}
	for _, x := range s {
		m[x] = Value{}
	}
	return Options(m).Names()
}

// genAnyText is what the loader takes as text, the odd ones often.
var genAnyText = rapid.OneOf(
	rapid.SampledFrom([]string{"off", "yes", "0644", "1.10", "1e3", "null", "Null", "~", "2024-01-01", "0x1F", "-", "- a", "-1", "--- a", "---", "...",
		"... b", "a: b", "a:", "a:b", "::1", ":", "?", "? a", "a?b", "#x", "a #b", "a#b", " x ", "a\nb\n", "a\nb", "a\n\nb\n", "a\n \nb", "\na\nb", "\ta\nb",
		"a\n\tb", "a\r\nb\n", "\n", "\n\n", "a\n\n", "a\n---\nb\n", "#!/bin/sh\n# x\nexit 0\n", "'", `"`, `a\d`, `it's "so"`, "*a", "&a", "!x", "<<", "=", "\t", "a\tb",
		"é", "👍", "%x", "@x", "`", "{", "[a", "a]", "a,b", "|", ">", "\u2028", "\ufeff", "\u00a0", "\u0085", "", " ", strings.Repeat("long ", 60), strings.Repeat("é", 300)}),
	rapid.StringMatching(`[ -~äß\n\t]{0,20}`),
	rapid.StringMatching(`[a-zA-Z0-9:._/#?,{}\[\]' -]{0,12}`),
	rapid.String().Filter(func(s string) bool {
		return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f || r == 0xfffe || r == 0xffff
		})
	}),
)

// fill gives every field of a type a value.
func fill(t *rapid.T, v reflect.Value, depth int) {
	some := func() int {
		if depth > 4 || rapid.IntRange(0, 2).Draw(t, "none") == 0 {
			return 0
		}
		return rapid.IntRange(1, 3).Draw(t, "n")
	}
	switch {
	case v.Type() == valueType:
		v.Set(reflect.ValueOf(Value{Text: genAnyText.Draw(t, "value")}))
		if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			v.Set(reflect.ValueOf(Value{Null: true}))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(t, v.Field(i), depth+1)
			}
		}
	case v.Kind() == reflect.Pointer:
		if some() > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), depth+1)
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 3))
		for range some() {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e, depth+1)
			v.Set(reflect.Append(v, e))
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range some() {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e, depth+1)
			v.SetMapIndex(reflect.ValueOf(genAnyText.Filter(func(s string) bool { return s != "" }).Draw(t, "key")), e)
		}
	case v.Kind() == reflect.String:
		if some() > 0 {
			v.SetString(genAnyText.Draw(t, "text"))
		}
	case v.Kind() == reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case v.Kind() == reflect.Int:
		v.SetInt(int64(rapid.IntRange(-3, 70000).Draw(t, "int")))
	default:
		t.Fatalf("no value for %s", v.Type())
	}
}

// Manifests that a person wrote come out as they were: the archive holds both where they differ.
func TestWriteYAMLLook(t *testing.T) {
	const file = "testdata/write.txtar"
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string][]Comment{
		"WebFS": {
			{Path: "", Text: "Imported from cib.xml, element group WebGroup."},
			{Path: "spec.params.options", Text: "Two values in the CIB; Pacemaker takes the first."},
			{Path: "spec.operations[1]", Text: strings.Repeat("The interval of this operation was written in a way that nobody could read. ", 2), Lost: true},
			{Path: "spec.gone", Text: "The element <foo> could not be expressed:\n\n  <foo id=\"a\"/>", Lost: true},
		},
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		objects := decodeAll(t, a.Files[i].Data)
		for _, o := range objects {
			base := o.(interface{ Base() *Object }).Base()
			base.Comments = comments[base.Metadata.Name]
		}
		var text bytes.Buffer
		if err := WriteYAML(&text, objects); err != nil {
			t.Fatal(err)
		}
		if os.Getenv("UPDATE_GOLDEN") != "" {
			a.Files[i+1].Data = text.Bytes()
		}
		if diff := cmp.Diff(string(a.Files[i+1].Data), text.String()); diff != "" {
			t.Errorf("%s:\n%s", a.Files[i+1].Name, diff)
		}
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteYAMLRefusesOther(t *testing.T) {
	for _, o := range []any{nil, Resource{}, (*Resource)(nil), &Metadata{}, "x"} {
		if err := WriteYAML(new(bytes.Buffer), []any{o}); err == nil {
			t.Errorf("%T was written", o)
		}
	}
}

func TestWriteYAMLNamesTheKind(t *testing.T) {
	r := &Resource{Object: Object{Metadata: Metadata{Name: "a"}}, Spec: ResourceSpec{Primitive: Primitive{Agent: "systemd:a"}}}
	var text bytes.Buffer
	if err := WriteYAML(&text, []any{r}); err != nil {
		t.Fatal(err)
	}
	if want := "apiVersion: hactl/v1\nkind: Resource\nmetadata: {name: a}\nspec:\n  agent: systemd:a\n"; text.String() != want {
		t.Errorf("wrote\n%s", text.String())
	}
	if r.Kind != "" {
		t.Error("the object was changed")
	}
}

func TestSplitFiles(t *testing.T) {
	for _, k := range Kinds() {
		if kindFiles[k] == "" {
			t.Errorf("no file for kind %s", k)
		}
	}
	c, r, g, x, f := new(Cluster), new(Resource), new(ResourceGroup), new(Constraint), new(FenceDevice)
	want := []ManifestFile{{"cluster.yaml", []any{c}}, {"resources.yaml", []any{r, g}}, {"constraints.yaml", []any{x}}, {"fencing.yaml", []any{f}}}
	have := SplitFiles([]any{c, r, x, g, f})
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkWriteYAML(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		var objects []any
		for i := range n {
			objects = append(objects, &Resource{
				Object: Object{Metadata: Metadata{Name: fmt.Sprintf("vip%d", i)}},
				Spec: ResourceSpec{Primitive: Primitive{
					Agent:  "ocf:heartbeat:IPaddr2",
					Params: Options{"ip": {Text: "10.0.0.1"}, "cidr_netmask": {Text: "24"}, "nic": {Text: "eth0"}},
					Meta:   Options{"migration-threshold": {Text: "3"}},
					Operations: []Operation{{Name: "monitor", Interval: "10s", Timeout: "30s"}, {Name: "start", Timeout: "60s"},
						{Name: "stop", Timeout: "60s"}},
				}}})
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var out bytes.Buffer
				if err := WriteYAML(&out, objects); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

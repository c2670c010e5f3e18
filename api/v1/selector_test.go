package v1

import (
	"slices"
	"strings"
	"testing"
)

func TestSelector(t *testing.T) {
	web := map[string]string{"app": "web", "tier": "front", "weight": "7", "empty": "", "example.com/team": "a"}
	for text, want := range map[string]bool{
		"app=web": true, "app==web": true, "app=db": false, " app = web ": true, "app=web,tier=front": true, "app=web,tier=back": false,
		"app!=web": false, "app!=db": true, "none!=x": true, "app": true, "none": false, "!none": true, "!app": false, "! none": true,
		"app in (db, web)": true, "app in (db)": false, "none in (a)": false, "app notin (db)": true, "app notin (web,db)": false, "none notin (a)": true,
		"weight>6": true, "weight>7": false, "weight < 8": true, "weight<7": false, "app>1": false, "app<1": false, "none>1": false,
		"empty=": true, "app=": false, "empty in (,x)": true, "example.com/team=a": true, "app=web,tier,!none,weight in (7)": true,
		"in=web": false, "notin": false,
	} {
		s, err := ParseSelector(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := s.Matches(web); got != want {
			t.Errorf("%q selects: %v, want %v", text, got, want)
		}
		if s.String() != text || s.Empty() {
			t.Errorf("%q prints as %q, empty: %v", text, s, s.Empty())
		}
	}
	if s := (Selector{}); !s.Matches(nil) || !s.Empty() {
		t.Error("the zero Selector does not select everything")
	}
}

func TestSelectorMistakes(t *testing.T) {
	for text, part := range map[string]string{
		"":               "the selector is empty",
		"  ":             "the selector is empty",
		",":              "the label's name is missing before \",\"",
		"app=web,":       "the label's name is missing before the end",
		"app web":        "\"web\" stands where =, !=, in, notin, < or > should be",
		"app=web db":     "\"db\" stands where a comma or the end should be",
		"app in web":     "must stand in parentheses, not behind \"web\"",
		"app in":         "must stand in parentheses, not behind the end",
		"app in (a b)":   "end with ), not with \"b\"",
		"app in (a":      "end with ), not with the end",
		"app>x":          "wants a whole number, not \"x\"",
		"app>":           "the number for app is missing before the end",
		"!":              "the label's name is missing before the end",
		"app=ä":          "cannot stand there",
		"app=\"web\"":    "cannot stand there",
		"app=(web)":      "the value of app is missing before \"(\"",
		"(app=web)":      "the label's name is missing before \"(\"",
		"app=web;tier=b": "cannot stand there",
	} {
		if _, err := ParseSelector(text); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v, want an error with %q", text, err, part)
		}
	}
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{"a=b,c!=d,e,!f", "x in (a,b)", "y notin (,)", "z>1,z<5", "((", "!!a", "a=,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelector(text)
		if err == nil && s.Empty() {
			t.Errorf("%q is read as nothing", text)
		}
		s.Matches(map[string]string{"a": "b"})
	})
}

func TestSelect(t *testing.T) {
	ms, err := Load([]File{{Name: "m.yaml", Data: []byte(`
apiVersion: hactl/v1
kind: Cluster
metadata: {name: c}
spec: {nodes: [{name: n1, addresses: [10.0.0.1]}]}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: order, labels: {app: a}}
spec: {order: {first: A, then: B}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: A, labels: {app: a}}
spec: {agent: "ocf:pacemaker:Dummy"}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: B}
spec: {agent: "ocf:pacemaker:Dummy"}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSelector("app=a")
	if err != nil {
		t.Fatal(err)
	}
	part := ms[0].Select(s)
	var names []string
	for _, o := range part.Objects() {
		names = append(names, o.Metadata.Name)
	}
	if want := []string{"c", "order", "A"}; !slices.Equal(names, want) {
		t.Errorf("selected: %v, want %v", names, want)
	}
	if part.Whole != ms[0] || part.Cluster != ms[0].Cluster || len(part.Resources) != 1 {
		t.Errorf("the part does not know its whole: %+v", part)
	}
	if ms[0].Select(Selector{}) != ms[0] {
		t.Error("the empty selector makes another set")
	}
}

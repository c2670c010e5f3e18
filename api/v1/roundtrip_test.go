package v1_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/api/v1/v1test"
	"pgregory.net/rapid"
)

// Any valid manifests, written as YAML and loaded, are the same again.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := v1test.Manifests(t)
		want.SetDefaults()
		if err := want.Validate(); err != nil {
			t.Fatalf("not valid: %v", err)
		}
		var text bytes.Buffer
		if err := v1.WriteYAML(&text, want.All()); err != nil {
			t.Fatal(err)
		}
		sets, err := v1.Load([]v1.File{{Name: "f", Data: text.Bytes()}})
		if err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		ignore := cmp.Options{cmpopts.IgnoreFields(v1.Object{}, "Positions"), cmpopts.IgnoreFields(v1.Manifests{}, "Order"), cmpopts.EquateEmpty()}
		if diff := cmp.Diff([]*v1.Manifests{want}, sets, ignore); diff != "" {
			t.Fatalf("%s\n%s", diff, text.String())
		}
	})
}

func TestExpressionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := v1test.Expression(t)
		text := want.String()
		have, err := v1.ParseExpression(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatalf("%s: %s", text, diff)
		}
		if strings.ContainsAny(text, "\n\r") {
			t.Fatalf("%q is no single line", text)
		}
	})
}

// What is canonical is valid, stays as it is, and is made without touching the original.
func TestCanonicalIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := v1test.Manifests(t)
		m.SetDefaults()
		var before, after bytes.Buffer
		if err := v1.WriteYAML(&before, m.All()); err != nil {
			t.Fatal(err)
		}
		once := v1.Canonical(m)
		if err := v1.WriteYAML(&after, m.All()); err != nil {
			t.Fatal(err)
		}
		if before.String() != after.String() {
			t.Fatalf("the original changed: %s", cmp.Diff(before.String(), after.String()))
		}
		if err := once.Validate(); err != nil {
			t.Fatalf("not valid: %v", err)
		}
		if diff := cmp.Diff(once, v1.Canonical(once), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

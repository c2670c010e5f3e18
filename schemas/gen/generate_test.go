package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hactl/hactl/schemas/manual"
)

func TestCommittedSchemaIsCurrent(t *testing.T) {
	want, err := generate("../../api/v1")
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../hactl.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(string(want), string(have)) {
		t.Error("schemas/hactl.schema.json is not what the types give: run go generate ./schemas")
	}
}

func TestCommittedReferenceIsCurrent(t *testing.T) {
	schema, err := generate("../../api/v1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manual.New(schema)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	if m.Reference() != string(have) {
		t.Error("docs/reference.md is not what the types give: run go generate ./schemas")
	}
}

// Editors show the comments, and the reference is made from them.
func TestEveryFieldIsDescribed(t *testing.T) {
	b, err := os.ReadFile("../hactl.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	for name, d := range s.Definitions {
		if d.Description == "" {
			t.Errorf("%s has no comment", name)
		}
		for field, p := range d.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no comment", name, field)
			}
		}
	}
}

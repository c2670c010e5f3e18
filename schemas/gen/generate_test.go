package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
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

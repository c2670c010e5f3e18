package cib

import (
	"os"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
)

// BenchmarkImport imports 252 primitives with 1 750 constraints.
func BenchmarkImport(b *testing.B) {
	text, err := os.ReadFile("../../../shared/corpus/cib/pcs-cib-large.xml")
	if err != nil {
		b.Skip("NOT TESTED: import of a large CIB, because the corpus is not here")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New("default").Import(State{CIB: XML(text)}, &v1.Manifests{}); err != nil {
			b.Fatal(err)
		}
	}
}

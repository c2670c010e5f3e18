package v1

import (
	"fmt"
	"strings"
	"testing"
)

// manyObjects is a Cluster with n primitives and n/5 constraints.
func manyObjects(n int) []File {
	var text strings.Builder
	text.WriteString(cluster)
	for i := range n {
		fmt.Fprintf(&text, `---
apiVersion: hactl/v1
kind: Resource
metadata:
  name: VIP-%d
spec:
  agent: ocf:heartbeat:IPaddr2
  params: {ip: 192.168.1.%d, cidr_netmask: 24}
  operations:
  - {name: monitor, interval: 30s, timeout: 20s}
`, i, i)
	}
	for i := range n / 5 {
		fmt.Fprintf(&text, `---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: order-%d}
spec:
  order: {first: VIP-%d, then: VIP-%d}
`, i, i, i+1)
	}
	return []File{{"f", []byte(text.String())}}
}

// BenchmarkLoad loads so many primitives. The time must grow no faster than their number.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1000, 3000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := manyObjects(n)
			b.SetBytes(int64(len(files[0].Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Load(files); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkValidate checks what is loaded already, as import does.
func BenchmarkValidate(b *testing.B) {
	for _, n := range []int{1000, 3000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sets, err := Load(manyObjects(n))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := sets[0].Validate(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWrong loads manifests in which every constraint names a resource that is not there.
func BenchmarkWrong(b *testing.B) {
	for _, n := range []int{1000, 3000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := manyObjects(n)
			files[0].Data = []byte(strings.ReplaceAll(string(files[0].Data), "then: VIP", "then: VAP"))
			for b.Loop() {
				if _, err := Load(files); err == nil {
					b.Fatal("loaded")
				}
			}
		})
	}
}

// BenchmarkCanonical makes the canonical form.
func BenchmarkCanonical(b *testing.B) {
	for _, n := range []int{1000, 3000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sets, err := Load(manyObjects(n))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if Canonical(sets[0]).Cluster == nil {
					b.Fatal("no cluster")
				}
			}
		})
	}
}

package lint

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/api/v1/v1test"
)

// Whatever manifests may say, lints neither panic nor find anything without a place to silence it at.
func TestAnyManifests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := v1test.Manifests(t)
		for _, e := range Check(m) {
			if e.Object == "" || e.Path == "" || e.Lint == "" {
				t.Errorf("%#v", e)
			}
		}
	})
}

// BenchmarkCheck looks at so many primitives, each with an order and a location. The time must grow no faster than their number.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{1000, 3000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sets, err := v1.Load([]v1.File{{Name: "m", Data: many(n)}})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				Check(sets[0])
			}
		})
	}
}

func many(n int) []byte {
	var text strings.Builder
	text.WriteString("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: c}\nspec:\n  nodes:\n")
	for i := range 16 {
		fmt.Fprintf(&text, "  - {name: node%d, addresses: [10.200.0.%d]}\n", i, i+1)
	}
	for i := range 16 {
		fmt.Fprintf(&text, "---\napiVersion: hactl/v1\nkind: FenceDevice\nmetadata: {name: fence-%d}\n"+
			"spec: {agent: fence_ipmilan, targets: [node%d], avoidTargets: true, operations: [{name: monitor, interval: 60s}]}\n", i, i)
	}
	for i := range n {
		fmt.Fprintf(&text, `---
apiVersion: hactl/v1
kind: Resource
metadata: {name: vip-%d}
spec: {agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.%d.%d}, operations: [{name: monitor, interval: 30s, timeout: 20s}]}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: l-%d}
spec: {location: {resource: vip-%d, node: node1, score: 100}}
`, i, i/250, i%250+1, i, i)
		if i > 0 {
			fmt.Fprintf(&text, "---\napiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: o-%d}\nspec: {order: {first: vip-%d, then: vip-%d}}\n", i, i-1, i)
		}
	}
	return []byte(text.String())
}

package v1

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkLoad loads 1000 objects, 850 resources and 150 constraints among them.
func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString(cluster)
	for i := range 849 {
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
	for i := range 150 {
		fmt.Fprintf(&text, `---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: order-%d}
spec:
  order: {first: VIP-%d, then: VIP-%d}
`, i, i, i+1)
	}
	files := []File{{"f", []byte(text.String())}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(files); err != nil {
			b.Fatal(err)
		}
	}
}

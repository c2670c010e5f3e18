package v1

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

func fields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  a%d: 1\n", i)
	}
	return b.String()
}

// Small files that stand for much must be refused soon, in memory that is bounded by their own size: `hactl watch` loads what a repository holds.
func TestBombs(t *testing.T) {
	laughs := func(open, end, merge string) string {
		var b strings.Builder
		b.WriteString("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: x}\na0: &a0 " + open + "x: 1" + end + "\n")
		for i := 1; i < 12; i++ {
			fmt.Fprintf(&b, "a%d: &a%d ", i, i)
			b.WriteString(strings.ReplaceAll(merge, "*", fmt.Sprintf("*a%d", i-1)) + "\n")
		}
		return b.String() + "spec: *a11\n"
	}
	const cluster = "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: x}\n"
	for name, c := range map[string]struct{ text, want string }{
		"lists":        {laughs("[", "]", "[*,*,*,*,*,*,*,*,*,*]"), "unknown field"},
		"maps":         {laughs("{", "}", "{a: *, b: *, c: *, d: *, e: *, f: *, g: *, h: *, i: *}"), "unknown field"},
		"merges":       {laughs("{", "}", "{<<: [*,*,*,*,*,*,*,*,*,*]}"), "the aliases of this document stand for more than 10000 values"},
		"unknown kind": {strings.Replace(laughs("{", "}", "{a: *, b: *, c: *, d: *, e: *, f: *, g: *, h: *, i: *}"), "Cluster", "Klaster", 1), "aliases of this document"},
		"options":      {cluster + "spec:\n  nodes: &n [" + strings.Repeat("{name: a, id: 1, addresses: [a]},", 1000) + "]\n  links: [" + strings.Repeat("*n,", 1000) + "]\n", "f:"},
		"own alias":    {cluster + "spec: &s {totem: {x: &t [*t]}}\n", ""},
		"keys":         {cluster + "spec: &s {? [" + strings.Repeat("*s,", 1000) + "] : 1}\n", "f:"},
		"depth":        {cluster + "spec: " + strings.Repeat("[", 1<<20), "f:"},
		"depth, block": {cluster + "spec:\n" + strings.Repeat("- ", 1<<20), "f:"},
		"depth, map":   {cluster + "spec: " + strings.Repeat("{a: ", 9000) + strings.Repeat("}", 9000), "f:4"},
		"documents":    {cluster + strings.Repeat("---\na: 1\n", 1<<17), "f:200002:1: the file holds more than 100000 documents; split it"},
		"mistakes":     {cluster + strings.Repeat("---\na: 1\n", 15_000), "reading ended after 1000 mistakes"},
		"broken":       {cluster + strings.Repeat("---\na: [\n", 15_000), "reading ended after 1000 mistakes"},
		"fields":       {cluster + "spec:\n" + strings.Repeat("  a: 1\n", 1<<17), "reading ended after 1000 mistakes"},
		"more fields":  {cluster + "spec:\n" + fields(1<<17), "reading ended after 1000 mistakes"},
		"scalars":      {cluster + "spec: {nodes: [" + strings.Repeat("a,", 1<<20) + "]}\n", "the list has more than 100000 elements"},
		"anchors":      {cluster + "spec: {" + strings.Repeat("&a a: *a, ", 1<<15) + "}", "f:"},
		"open text":    {cluster + "spec: '" + strings.Repeat("a\n", 1<<20), "never ends"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Load([]File{{"f", []byte(c.text)}})
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d KiB: %v, %d MiB", len(c.text)>>10, took.Round(time.Millisecond), allocated>>20)
			if allocated > 16<<20+1000*uint64(len(c.text)) || took > 20*time.Second {
				t.Errorf("%d bytes took %v and %d MiB", len(c.text), took, allocated>>20)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error with %q, have %.300v", c.want, err)
			}
		})
	}
}

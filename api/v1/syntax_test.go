package v1

import (
	"fmt"
	"strings"
	"testing"
)

// Each text is wrong in the line that ends in " #!" (which the test takes away), or where nothing is marked in its last line.
func TestSyntaxErrorLine(t *testing.T) {
	for _, text := range []string{
		"spec:\n  a: 1\n b: 2 #!\nc: 3\nd: 4\n",
		"spec:\n  a: 1\n   b: 2 #!\nc: 3\nd: 4\n",
		"spec:\n  a:\n  - x\n - y #!\nc: 3\nd: 4\n",
		"spec:\n  a: [1, 2 #!\n  b: 3\nc: 3\nd: 4\n",
		"spec:\n  a: {b: 1 #!\n  c: 3\nd: 4\ne: 5\n",
		"a: [1, 2 #!\nd: 4\ne: 5\n",
		"spec:\n  a: 'x #!\n  c: 3\nd: 4\ne: 5\n",
		"a: 'x #!\nd: 4\ne: 5\n",
		"spec:\n  a: \"x\" y\n  c: 3 #!\nd: 4\ne: 5\n", // y c is one text so far
		"spec:\n  a: \"x\" y #!\nd: 4\ne: 5\n",
		"spec:\n\ta: 1 #!\n  c: 3\nd: 4\ne: 5\n",
		"spec:\n  a: @x #!\n  c: 3\nd: 4\ne: 5\n",
		"spec:\n  a: 1\n@x #!\nd: 4\n",
		"spec:\n  a: *x #!\n  c: 3\nd: 4\ne: 5\n",
		"spec:\n  a: \"\\q\" #!\n  c: 3\nd: 4\ne: 5\n",
		"spec:\n  a\n  c: 3 #!\nd: 4\ne: 5\n",
		"spec:\n  a: b: c #!\n  c: 3\nd: 4\ne: 5\n",
		"spec:\n- a\n  - b: c #!\n  c: 3\nd: 4\ne: 5\n",
		"spec:\n  c: 3\n]",
		"spec:\n  é: 3\n ü: 3",
		"a: |1x #!\n  c: 3\nd: 4\ne: 5\n",
		"a: &x\nb: !<x #!\nc: 1\n",
		"\n\n# comment\na: 1\n- b #!\nc: 1\n\n",
		"a: *x",
		"%FOO #!\n---\na: b\n",
	} {
		want := strings.Count(strings.TrimRight(text, "\n"), "\n") + 1
		if i := strings.Index(text, " #!"); i >= 0 {
			want = strings.Count(text[:i], "\n") + 1
		}
		_, _, errs := documents(File{"f", []byte(strings.ReplaceAll(text, " #!", ""))})
		if len(errs) != 1 || errs[0].Pos.Line != want {
			t.Errorf("%q: want line %d, have %s", text, want, fmt.Sprint(errs))
		}
	}
}

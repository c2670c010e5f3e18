package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// formed gives guests, two unless they are named, on which hactl has formed a cluster without resources. It is formed once and restored after that.
func formed(t *testing.T, nodes ...string) *lab.Lab {
	t.Helper()
	name := "formed" + strings.Join(nodes, ".")
	if len(nodes) == 0 {
		nodes = []string{"node1", "node2"}
	}
	return lab.FromSnapshot(t, name, lab.Options{Nodes: nodes}, func(l *lab.Lab) {
		file := manifests(t, l, "")
		for range 2 { // on a busy machine an emulated guest may exceed a time limit; the next run goes on
			if _, _, code := l.Hactl("apply", "-f", file); code == 0 {
				break
			}
		}
		apply(t, l, file)
	})
}

// manifests writes the cluster of the lab's guests and what is said beside it, and gives the file.
func manifests(t *testing.T, l *lab.Lab, more string) string {
	t.Helper()
	text := "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n  totem: {token: 5000}\n  nodes:\n"
	for i, n := range l.Nodes() {
		text += fmt.Sprintf("  - {name: %s, id: %d, addresses: [%s]}\n", n.Name, i+1, n.LAN)
	}
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(file, []byte(text+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// apply applies a file and plans it again, which must be nothing.
func apply(t *testing.T, l *lab.Lab, file string, args ...string) {
	t.Helper()
	if out, stderr, code := l.Hactl(append([]string{"apply", "-f", file}, args...)...); code != 0 {
		t.Fatalf("apply: %d\n%s%s", code, out, stderr)
	}
	if out, stderr, code := l.Hactl("plan", "-f", file); code != 0 {
		t.Errorf("the second plan is not empty: %d\n%s%s", code, out, stderr)
	}
}

// refused applies a file, which must fail with such words and change nothing.
func refused(t *testing.T, l *lab.Lab, file, words string, args ...string) {
	t.Helper()
	out, stderr, code := l.Hactl(append([]string{"apply", "-f", file}, args...)...)
	if code == 0 || !strings.Contains(out+stderr, words) {
		t.Errorf("apply: %d, want it refused with %q\n%s%s", code, words, out, stderr)
	}
}

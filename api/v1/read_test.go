package v1

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustRead(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, f := range []string{"m/b.yaml", "m/a.yml", "m/sub/c.yaml", "m/.hidden.yaml", "m/.git/x.yaml", "m/README.md", "m/..data/real.yaml", "lone.txt", "other/d.yaml", "none/x.txt"} {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"m/loop": "../m", "m/sub/up": "..", "m/link.yaml": "b.yaml", "m/more": "../other", "m/mounted.yaml": "..data/real.yaml", "m/dead": "nowhere",
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	files, err := ReadPaths([]string{"m", "-", "lone.txt", "m/b.yaml", "-"}, strings.NewReader("stdin"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name+"="+string(f.Data))
	}
	want := []string{"m/a.yml=m/a.yml", "m/b.yaml=m/b.yaml", "m/more/d.yaml=other/d.yaml", "m/mounted.yaml=m/..data/real.yaml", "m/sub/c.yaml=m/sub/c.yaml",
		"<stdin>=stdin", "lone.txt=lone.txt"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}

	if err := os.Symlink("nowhere", "m/dead.yaml"); err != nil {
		t.Fatal(err)
	}
	files, err = ReadPaths([]string{"m", "absent.yaml", "none"}, nil)
	if len(files) != 5 || err == nil {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, part := range []string{"m/dead.yaml", "absent.yaml", "none: the folder holds no *.yaml or *.yml file"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: says nothing of %s", err, part)
		}
	}
}

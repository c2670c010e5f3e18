package lint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	v1 "github.com/hactl/hactl/api/v1"
)

// Each lint has a file in testdata. A line of its manifests that ends in "# want: TEXT" is one where that lint finds something that begins with
// TEXT; it finds nothing elsewhere. At least one of the manifests must have such a line, and one must have none. What has no Cluster of its own
// gets common.yaml's.
func TestLints(t *testing.T) {
	common, err := os.ReadFile("testdata/common.yaml")
	if err != nil {
		t.Fatal(err)
	}
	paths, _ := filepath.Glob("testdata/*.txtar")
	if len(paths) < 2 {
		t.Fatal("no cases")
	}
	for _, path := range paths {
		lint := strings.TrimSuffix(filepath.Base(path), ".txtar")
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fires, silent := 0, 0
		for _, f := range ar.Files {
			files := []v1.File{{Name: "m.yaml", Data: f.Data}}
			if !strings.Contains(string(f.Data), "kind: Cluster\n") {
				files = append(files, v1.File{Name: "common.yaml", Data: common})
			}
			want := wanted(string(f.Data))
			if len(want) == 0 {
				silent++
			} else {
				fires++
			}
			t.Run(lint+"/"+f.Name, func(t *testing.T) { check(t, lint, files, want) })
		}
		if fires == 0 || silent == 0 {
			t.Errorf("%s: %d cases that fire and %d that do not; it needs both", path, fires, silent)
		}
	}
}

type finding struct {
	Line int
	Text string
}

func wanted(text string) []finding {
	var want []finding
	for i, line := range strings.Split(text, "\n") {
		if _, w, ok := strings.Cut(line, "# want: "); ok {
			for _, one := range strings.Split(w, " # and: ") {
				want = append(want, finding{i + 1, one})
			}
		}
	}
	return want
}

func check(t *testing.T, lint string, files []v1.File, want []finding) {
	sets, err := v1.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	m := sets[0]
	var have []finding
	for _, e := range Check(m) {
		if e.Pos.IsZero() {
			t.Errorf("no place: %v", e)
		}
		what, rest, ok := strings.Cut(e.Message, ": ")
		if !ok || !strings.Contains(rest, "; ") || len(what) > 80 {
			t.Errorf("not of the form WHAT: WHY; WHAT TO DO, the first part in 80 columns: %s", e.Message)
		}
		if e.Lint != lint {
			continue
		}
		if e.Pos.File != "m.yaml" {
			t.Errorf("found in common.yaml: %v", e)
		}
		f := finding{e.Pos.Line, e.Message}
		if i := len(have); i < len(want) && strings.HasPrefix(f.Text, want[i].Text) {
			f.Text = want[i].Text
		}
		have = append(have, f)
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	for _, o := range m.Objects() {
		o.Metadata.Ignore = append(o.Metadata.Ignore, v1.IgnoredLint{Lint: lint, Reason: "test"})
	}
	for _, e := range Check(m) {
		if e.Lint == lint {
			t.Errorf("ignored and found all the same: %v", e)
		}
	}
}

// Every lint that is found has an id that metadata.ignore knows, and a file of cases.
func TestEveryLintHasCases(t *testing.T) {
	for _, id := range ids {
		if !slices.ContainsFunc(v1.Lints(), func(l v1.Lint) bool { return l.ID == id }) {
			t.Errorf("v1.Lints does not know %s", id)
		}
		if _, err := os.Stat("testdata/" + id + ".txtar"); err != nil {
			t.Errorf("no cases for %s: %v", id, err)
		}
	}
}

// The examples are what people copy.
func TestExamplesAreClean(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, dir := range dirs {
		files, err := v1.ReadPaths([]string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := v1.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sets {
			for _, e := range Check(m) {
				t.Error(e)
			}
		}
	}
}

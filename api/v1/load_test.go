package v1

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files")

func load(t *testing.T, text string) *Manifests {
	t.Helper()
	sets, err := Load([]File{{"m.yaml", []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return sets[0]
}

func TestLoadGood(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.yaml")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := Load([]File{{f, b}})
		if err != nil {
			t.Errorf("%v", err)
		}
		for _, m := range sets {
			if err := m.Validate(); err != nil {
				t.Errorf("%s: valid when loaded, then not: %v", f, err)
			}
		}
		// Line ends and a byte order mark change nothing.
		crlf := append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))...)
		again, err := Load([]File{{f, crlf}})
		if err != nil || !cmp.Equal(sets, again) {
			t.Errorf("%s: differs with CRLF: %v\n%s", f, err, cmp.Diff(sets, again))
		}
	}
}

// Each archive of testdata/bad holds manifests and, under "errors", all that Load says of them.
func TestLoadBad(t *testing.T) {
	archives, _ := filepath.Glob("testdata/bad/*.txtar")
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var files, crlf []File
			want := ""
			for _, f := range a.Files {
				if f.Name == "errors" {
					want = string(f.Data)
					continue
				}
				files = append(files, File{f.Name, f.Data})
				crlf = append(crlf, File{f.Name, bytes.ReplaceAll(f.Data, []byte("\n"), []byte("\r\n"))})
			}
			sets, err := Load(files)
			if err == nil || sets != nil {
				t.Fatalf("loaded %v, %v", sets, err)
			}
			have := err.Error() + "\n"
			if _, err := Load(crlf); err == nil || err.Error()+"\n" != have {
				t.Errorf("differs with CRLF: %s", cmp.Diff(have, err.Error()+"\n"))
			}
			if *update {
				a.Files = append(a.Files[:len(files):len(files)], txtar.File{Name: "errors", Data: []byte(have)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want != have {
				t.Errorf("-want +have:\n%s", cmp.Diff(strings.Split(want, "\n"), strings.Split(have, "\n")))
			}
		})
	}
}

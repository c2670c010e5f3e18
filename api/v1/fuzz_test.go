package v1

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad: loading never panics, says the same twice, tells every mistake with a place that exists, and what it loads is valid.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.txtar"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if filepath.Ext(name) == ".yaml" {
				f.Add(b)
				continue
			}
			for _, x := range txtar.Parse(b).Files {
				if x.Name != "errors" {
					f.Add(x.Data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// A Cluster beside it, so that no mistake is one of the set as a whole, which has no place.
		files := []File{{"cluster", []byte(cluster)}, {"fuzz", data}}
		sets, err := Load(files)
		again, err2 := Load(files)
		if !cmp.Equal(sets, again) || (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("loads differently twice: %v, %v", err, err2)
		}
		if err == nil {
			for _, m := range sets {
				if err := m.Validate(); err != nil {
					t.Fatalf("loads, but is not valid: %v", err)
				}
			}
			return
		}
		var errs Errors
		if !errors.As(err, &errs) || sets != nil {
			t.Fatalf("%T, %v", err, sets)
		}
		lines := bytes.Split(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), []byte("\n"))
		for _, e := range errs {
			if e.Message == "" || e.Pos.Line < 1 || e.Pos.Col < 1 {
				t.Fatalf("%#v has no place", e)
			}
			if e.Pos.File != "fuzz" {
				continue
			}
			if e.Pos.Line > len(lines) || e.Pos.Col > utf8.RuneCount(lines[e.Pos.Line-1])+1 {
				t.Fatalf("%v is outside the file", e)
			}
		}
	})
}

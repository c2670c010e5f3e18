package web

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// axe-core finds what keeps people from reading a page: contrast, missing names, tables without headings. It comes from npm's registry, once.
const (
	axeURL    = "https://registry.npmjs.org/axe-core/-/axe-core-4.10.3.tgz"
	axeSHA512 = "Xm7bpRXnDSX2YE2YFfBk2FnF0ep6tmG7xPh8iHee8MIcrgq762Nkce856dYtJYLkuIoYZvGfTs/PbZhideTcEg=="
)

// axe is the source of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	archive, err := axeArchive()
	if err != nil {
		if os.Getenv("HACTL_E2E") == "require" {
			t.Fatal(err)
		}
		t.Skipf("NOT TESTED: %v", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(z); ; {
		f, err := files.Next()
		if err != nil {
			t.Fatalf("axe.min.js in %s: %v", axeURL, err)
		}
		if f.Name == "package/axe.min.js" {
			b, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
}

func axeArchive() ([]byte, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	path := filepath.Join(cache, "hactl-test", filepath.Base(axeURL))
	if b, err := os.ReadFile(path); err == nil && right(b) {
		return b, nil
	}
	r, err := http.Get(axeURL)
	if err != nil {
		return nil, fmt.Errorf("axe-core: %w", err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
	if err != nil {
		return nil, fmt.Errorf("axe-core: %w", err)
	}
	if !right(b) {
		return nil, fmt.Errorf("%s (%s) is not the archive with the SHA-512 %s", axeURL, r.Status, axeSHA512)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return b, os.WriteFile(path, b, 0o644)
}

func right(b []byte) bool {
	sum := sha512.Sum512(b)
	return base64.StdEncoding.EncodeToString(sum[:]) == axeSHA512
}

// accessible fails the test for each thing in the page that axe-core finds.
func (b *browser) accessible(source, what string) {
	b.t.Helper()
	b.eval(source+";0", nil)
	var r struct {
		Passes     int
		Violations []struct {
			ID, Help string
			Nodes    []struct{ HTML, FailureSummary string }
		}
	}
	b.eval("axe.run().then(r => ({passes: r.passes.length, violations: r.violations}))", &r)
	if r.Passes < 10 {
		b.t.Errorf("%s: axe-core looked at nothing: %d rules passed", what, r.Passes)
	}
	for _, v := range r.Violations {
		var at []string
		for _, n := range v.Nodes {
			at = append(at, n.HTML+"\n    "+n.FailureSummary)
		}
		b.t.Errorf("%s: %s: %s\n  %s", what, v.ID, v.Help, strings.Join(at, "\n  "))
	}
}

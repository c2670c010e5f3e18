package v1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// MaxFileSize is the size in bytes above which a manifest file is refused. The largest real ones are some hundred KiB.
const MaxFileSize = 16 << 20

// File is a file of manifests. Name is printed in positions as it stands.
type File struct {
	Name string
	Data []byte
}

// ReadPaths reads the files that a user names: files, folders and "-" for stdin. A folder stands for all its *.yaml and *.yml files,
// those of its folders included, in the order of their names; files and folders in it whose names begin with a dot are skipped. Symbolic
// links are followed; a file that is reached twice is read once. It returns what it could read together with the errors of all others.
func ReadPaths(paths []string, stdin io.Reader) ([]File, error) {
	r := reader{stdin: stdin, seen: map[string]bool{}}
	for _, p := range paths {
		r.path(p)
	}
	return r.files, errors.Join(r.errs...)
}

type reader struct {
	stdin io.Reader
	files []File
	errs  []error
	seen  map[string]bool // by real path: each file once, no loop through links
}

func (r *reader) path(p string) {
	if p == "-" {
		if r.seen["-"] {
			return
		}
		r.seen["-"] = true
		if r.stdin == nil {
			r.stdin = bytes.NewReader(nil)
		}
		r.read("<stdin>", r.stdin)
		return
	}
	info, err := os.Stat(p)
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	if !info.IsDir() {
		r.file(p)
		return
	}
	had := len(r.files) + len(r.errs)
	if fresh := r.folder(p); fresh && len(r.files)+len(r.errs) == had {
		r.errs = append(r.errs, fmt.Errorf("%s: the folder holds no *.yaml or *.yml file", p))
	}
}

// folder reads all manifests below a folder; it tells whether the folder was not read before.
func (r *reader) folder(dir string) bool {
	if !r.first(dir) {
		return false
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.errs = append(r.errs, err)
		return true
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		p := filepath.Join(dir, e.Name())
		ext := filepath.Ext(p)
		manifest := ext == ".yaml" || ext == ".yml"
		if e.Type().IsRegular() && !manifest {
			continue
		}
		info, err := os.Stat(p)
		switch {
		case err != nil && manifest: // a dangling link to a manifest is an unreadable manifest, never an absent one
			r.errs = append(r.errs, err)
		case err != nil:
		case info.IsDir():
			r.folder(p)
		case manifest && info.Mode().IsRegular():
			r.file(p)
		}
	}
	return true
}

func (r *reader) first(p string) bool {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		p = real
	}
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	if r.seen[p] {
		return false
	}
	r.seen[p] = true
	return true
}

func (r *reader) file(p string) {
	if !r.first(p) {
		return
	}
	f, err := os.Open(p)
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	defer func() { _ = f.Close() }()
	r.read(p, f)
}

func (r *reader) read(name string, from io.Reader) {
	// One byte more than allowed, so that Load can tell that the file is too long.
	data, err := io.ReadAll(io.LimitReader(from, MaxFileSize+1))
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", name, err))
		return
	}
	r.files = append(r.files, File{Name: name, Data: data})
}

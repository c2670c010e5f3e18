package v1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
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
	r := reader{stdin: stdin, seen: realPaths{}}
	for _, p := range paths {
		r.path(p)
	}
	return r.files, errors.Join(r.errs...)
}

type reader struct {
	stdin io.Reader
	files []File
	errs  []error
	seen  realPaths
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
	l := lister{seen: r.seen}
	l.folder(p)
	r.errs = append(r.errs, l.errs...)
	for _, f := range l.Manifests {
		r.open(f)
	}
	if len(l.Folders) > 0 && len(l.Manifests)+len(l.errs) == 0 {
		r.errs = append(r.errs, fmt.Errorf("%s: the folder holds no *.yaml or *.yml file", p))
	}
}

func (r *reader) file(p string) {
	if r.seen.first(p) {
		r.open(p)
	}
}

func (r *reader) open(p string) {
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

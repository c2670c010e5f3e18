package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	v1 "github.com/hactl/hactl/api/v1"
)

// scan is what a folder looks like from outside: no file was opened.
type scan struct {
	dir    string
	real   string // dir without links
	names  []string
	infos  []os.FileInfo
	places places
	err    error
}

func (f Folder) scan() scan {
	s := scan{dir: f.Dir, places: places{}}
	s.places.way(f.Dir)
	if s.real, s.err = filepath.EvalSymlinks(f.Dir); s.err != nil {
		return s
	}
	l, err := v1.List(f.Dir)
	errs := []error{err}
	for _, d := range l.Folders {
		errs = append(errs, s.inside(d))
		s.places.folder(d)
	}
	if len(l.Manifests) > MaxFiles {
		s.err = fmt.Errorf("%s holds %d manifests; at most %d are followed", f.Dir, len(l.Manifests), MaxFiles)
		return s
	}
	var total int64
	for _, m := range l.Manifests {
		info, err := os.Lstat(m)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			s.places.way(m)
			errs = append(errs, s.inside(m))
			info, err = os.Stat(m)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.names, s.infos = append(s.names, m), append(s.infos, info)
		total += info.Size()
		errs = append(errs, goodName(m), goodSize(m, info.Size(), total))
	}
	if s.err = errors.Join(errs...); s.err == nil && len(s.names) == 0 {
		s.err = fmt.Errorf("%s: the folder holds no *.yaml or *.yml file", f.Dir)
	}
	return s
}

// inside refuses what lies elsewhere once all links are followed: its changes are not seen, and it may be anything that root can read.
func (s *scan) inside(p string) error {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return err
	}
	if real == s.real || strings.HasPrefix(real, strings.TrimSuffix(s.real, "/")+"/") {
		return nil
	}
	return fmt.Errorf("%s leads out of the folder, to %s; put a copy in its place", p, real)
}

func goodName(name string) error {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("the file name %q is no text; rename the file", name)
	}
	return nil
}

// goodSize refuses a file that is too large, and the first one with which all are.
func goodSize(name string, size, total int64) error {
	if size > MaxFile {
		return fmt.Errorf("%s has %d bytes; a file of manifests has at most %d MiB: split it", name, size, MaxFile>>20)
	}
	if total > MaxTotal && total-size <= MaxTotal {
		return fmt.Errorf("%s: with this file the manifests have more than %d MiB; follow a part of them", name, MaxTotal>>20)
	}
	return nil
}

// differs names what is not as it was, or "".
func (s *scan) differs(now scan) string {
	if s.real != now.real || len(s.names) == 0 && len(now.names) > 0 {
		return s.dir
	}
	for i, name := range s.names {
		switch {
		case i == len(now.names):
			return name
		case name != now.names[i]:
			return min(name, now.names[i])
		case !same(s.infos[i], now.infos[i]):
			return name
		}
	}
	if len(now.names) > len(s.names) {
		return now.names[len(s.names)]
	}
	return ""
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}

// read reads the files that were seen; moved names one that is not as it was seen.
func (s *scan) read() (files []v1.File, moved string, err error) {
	var errs []error
	for i, name := range s.names {
		data, still, err := readSame(name, s.infos[i])
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !still:
			return nil, name, nil
		case err != nil:
			errs = append(errs, err)
			continue
		}
		rel, err := filepath.Rel(s.dir, name)
		if err != nil {
			errs = append(errs, err)
		}
		files = append(files, v1.File{Name: filepath.ToSlash(rel), Data: data})
	}
	slices.SortFunc(files, func(a, b v1.File) int { return strings.Compare(a.Name, b.Name) })
	return files, "", errors.Join(errs...)
}

// readSame reads a file if it is the one that was seen, before and after.
func readSame(name string, seen os.FileInfo) (data []byte, still bool, err error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // what is a pipe by now must not hold us up
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !same(info, seen) {
		return nil, false, err
	}
	data, err = io.ReadAll(io.LimitReader(f, seen.Size()+1))
	if err != nil {
		return nil, false, err
	}
	info, err := f.Stat()
	return data, err == nil && same(info, seen) && int64(len(data)) == seen.Size(), err
}

package v1

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Listing is what a folder holds by the rule of ReadPaths. All names begin with the folder's own.
type Listing struct {
	Manifests []string
	Folders   []string // those that were looked into, the folder itself first
}

// List names the manifests below a folder, in the order in which ReadPaths reads them. It returns what it could find together with the errors
// of all the rest.
func List(dir string) (Listing, error) {
	l := lister{seen: realPaths{}}
	l.folder(dir)
	return l.Listing, errors.Join(l.errs...)
}

// IsManifest tells whether a file of this name, in a folder, is one of manifests.
func IsManifest(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !IsHidden(name)
}

// IsHidden tells whether a file or folder of this name is left out of the folder that holds it.
func IsHidden(name string) bool { return strings.HasPrefix(filepath.Base(name), ".") }

type lister struct {
	Listing
	errs []error
	seen realPaths
}

func (l *lister) folder(dir string) {
	if !l.seen.first(dir) {
		return
	}
	l.Folders = append(l.Folders, dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.errs = append(l.errs, err)
		return
	}
	for _, e := range entries {
		manifest := IsManifest(e.Name())
		if IsHidden(e.Name()) || e.Type().IsRegular() && !manifest {
			continue
		}
		p := filepath.Join(dir, e.Name())
		info, err := os.Stat(p)
		switch {
		case err != nil && manifest: // a dangling link to a manifest is an unreadable manifest, never an absent one
			l.errs = append(l.errs, err)
		case err != nil:
		case info.IsDir():
			l.folder(p)
		case manifest && info.Mode().IsRegular() && l.seen.first(p):
			l.Manifests = append(l.Manifests, p)
		}
	}
}

// realPaths are the files and folders that were met, by their paths without links: each is read once, and links make no loop.
type realPaths map[string]bool

func (s realPaths) first(p string) bool {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		p = real
	}
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	if s[p] {
		return false
	}
	s[p] = true
	return true
}

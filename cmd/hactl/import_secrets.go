package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// secretsDir is the folder of the secrets' files beside the manifests, as the importers name it.
const secretsDir = "secrets"

// moveSecrets makes all references name files in another folder.
func (im *imported) moveSecrets(folder string) error {
	for _, s := range im.secrets {
		if path.Dir(s.File) != secretsDir {
			return fmt.Errorf("a secret is to be in %s, outside of %s", s.File, secretsDir) // no importer does that
		}
	}
	if folder == "" || filepath.Clean(folder) == secretsDir {
		return nil
	}
	move := func(file string) string { return filepath.Join(folder, filepath.Base(file)) }
	ours := map[string]bool{}
	for i := range im.secrets {
		ours[im.secrets[i].File] = true
		im.secrets[i].File = move(im.secrets[i].File)
	}
	for _, o := range im.m.All() {
		eachSecret(reflect.ValueOf(o).Elem(), func(r v1.SecretRef) v1.SecretRef {
			if ours[r.File] {
				r.File = move(r.File)
			}
			return r
		})
	}
	return nil
}

var secretRefType = reflect.TypeFor[v1.SecretRef]()

// eachSecret changes every reference within a value.
func eachSecret(v reflect.Value, change func(v1.SecretRef) v1.SecretRef) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachSecret(v.Elem(), change)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachSecret(v.Index(i), change)
		}
	case reflect.Map:
		if v.Type().Elem() == secretRefType {
			for _, k := range v.MapKeys() {
				v.SetMapIndex(k, reflect.ValueOf(change(v.MapIndex(k).Interface().(v1.SecretRef))))
			}
		}
	case reflect.Struct:
		if v.Type() == secretRefType {
			v.Set(reflect.ValueOf(change(v.Interface().(v1.SecretRef))))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachSecret(v.Field(i), change)
			}
		}
	}
}

// secretFiles are the secrets' files in a folder, which is relative to dir, and what keeps them out of git. Without a folder nothing is
// written, and each secret is warned of.
func (im *imported) secretFiles(dir, folder string) ([]outFile, error) {
	var known []reconcile.ImportedSecret
	for _, s := range im.secrets {
		switch {
		case !s.Value.Comparable():
			im.warnings = append(im.warnings, "the source does not tell the secret of "+s.File+": write the file yourself")
		case folder == "":
			im.warnings = append(im.warnings, "the secret of "+s.File+" is not written to standard output: import again with --output or --secrets, or write the file yourself")
		default:
			known = append(known, s)
		}
	}
	if len(known) == 0 {
		return nil, nil
	}
	place := folder
	if dir != "" && !filepath.IsAbs(folder) {
		place = filepath.Join(dir, folder)
	}
	var out []outFile
	for _, s := range known {
		out = append(out, outFile{path: filepath.Join(place, filepath.Base(s.File)), data: append(s.Value.Bytes(), '\n'), mode: 0o600, private: true})
	}
	ignore, line := filepath.Join(place, ".gitignore"), "*"
	if dir != "" && filepath.IsLocal(folder) {
		ignore, line = filepath.Join(dir, ".gitignore"), "/"+filepath.ToSlash(filepath.Clean(folder))+"/"
	}
	old, err := os.ReadFile(ignore)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case slices.Contains(strings.Split(string(old), "\n"), line):
		return out, nil
	case len(old) > 0 && !strings.HasSuffix(string(old), "\n"):
		old = append(old, '\n')
	}
	return append(out, outFile{path: ignore, data: append(old, line+"\n"...), mode: 0o644, private: dir == "", update: true}), nil
}

// tell says on standard error what a person should know of an import, and whether there is anything.
func (a *app) tell(im *imported) bool {
	told := map[string]bool{}
	tell := func(line string) {
		if !told[line] {
			told[line] = true
			a.progress("%s", line)
		}
	}
	for _, o := range im.m.Objects() {
		for _, c := range o.Comments {
			if c.Lost {
				tell(fmt.Sprintf("cannot be expressed: %s/%s: %s", o.Kind, o.Metadata.Name, strings.Join(strings.Fields(c.Text), " ")))
			}
		}
	}
	for _, w := range im.warnings {
		tell(w)
	}
	return len(told) > 0
}

package cib

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// maxRounds bounds how often the manifests are validated: what is taken out may be missed elsewhere, but never more often than that.
const maxRounds = 8

// settle makes the manifests such that they load: what Pacemaker takes and hactl warns of is ignored by name, and what hactl cannot hold is
// taken out and told.
func (im *importer) settle() error {
	for range maxRounds {
		im.into.SetDefaults()
		err := im.into.Validate()
		if err == nil {
			im.undefault()
			return nil
		}
		var errs v1.Errors
		if !errors.As(err, &errs) {
			return err
		}
		im.mend(errs)
	}
	im.into.SetDefaults()
	if err := im.into.Validate(); err != nil {
		return fmt.Errorf("what was imported cannot be made valid: %w", err)
	}
	im.undefault()
	return nil
}

// mend deals with each mistake: objects that have one which cannot be ignored go, fields of the Cluster one by one.
func (im *importer) mend(errs v1.Errors) {
	objects := map[string]*v1.Object{}
	for _, o := range im.into.Objects() {
		objects[o.Kind+"/"+o.Metadata.Name] = o
	}
	c := im.cluster()
	gone := map[*v1.Object]bool{}
	var fields []*v1.Error
	for _, e := range errs {
		o := objects[e.Object]
		switch {
		case o == nil || o == c.o && e.Lint == "":
			fields = append(fields, e)
		case e.Lint != "":
			l := v1.IgnoredLint{Lint: e.Lint, Reason: "imported: it was so in the cluster"}
			if !slices.ContainsFunc(o.Metadata.Ignore, func(x v1.IgnoredLint) bool { return x.Lint == e.Lint }) {
				o.Metadata.Ignore = append(o.Metadata.Ignore, l)
			}
		default:
			if !gone[o] {
				c.lost("", "%s %s: %s: %s", o.Kind, o.Metadata.Name, e.Path, e.Message)
			}
			gone[o] = true
		}
	}
	// From behind, so that what goes does not move what is still to go.
	slices.SortFunc(fields, func(a, b *v1.Error) int { return strings.Compare(b.Path, a.Path) })
	dropped := map[string]bool{}
	for _, e := range fields {
		path, ok := e.Path, false
		if i := strings.Index(path, "odes["); i >= 0 { // a node goes as a whole
			path = path[:i+strings.Index(path[i:], "]")+1]
		}
		if !dropped[path] {
			dropped[path] = true
			ok = drop(reflect.ValueOf(im.into.Cluster).Elem(), path)
		}
		if ok {
			c.lost("", "%s of the Cluster: %s", path, e.Message)
		}
	}
	if len(gone) > 0 {
		im.into.Remove(func(o *v1.Object) bool { return gone[o] })
	}
}

// drop removes the field at a path from a struct: the entry of a map or list, or the field's value.
func drop(v reflect.Value, path string) bool {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(v.Type()) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			rest, ok := strings.CutPrefix(path, name)
			if name == "" || !ok {
				continue
			}
			fv := v.FieldByIndex(f.Index)
			switch {
			case rest == "":
				fv.SetZero()
				return true
			case rest[0] == '.':
				return drop(fv, rest[1:])
			case rest[0] == '[' && fv.Kind() == reflect.Slice:
				var i int
				if _, err := fmt.Sscanf(rest, "[%d]", &i); err != nil || i >= fv.Len() {
					return false
				}
				if more := rest[strings.Index(rest, "]")+1:]; more != "" {
					return drop(fv.Index(i), strings.TrimPrefix(more, "."))
				}
				fv.Set(reflect.AppendSlice(fv.Slice(0, i), fv.Slice(i+1, fv.Len())))
				return true
			}
		}
	case reflect.Map:
		key := reflect.ValueOf(path)
		if v.MapIndex(key).IsValid() {
			v.SetMapIndex(key, reflect.Value{})
			return true
		}
	}
	return false
}

// undefault takes back the defaults that a person would not write.
func (im *importer) undefault() {
	for _, r := range im.into.Resources {
		unnamed(r.Spec.Clone, r.Metadata.Name)
	}
	for _, g := range im.into.Groups {
		unnamed(g.Spec.Clone, g.Metadata.Name)
	}
}

func unnamed(c *v1.Clone, of string) {
	if c != nil && c.Name == of+"-clone" {
		c.Name = ""
	}
}

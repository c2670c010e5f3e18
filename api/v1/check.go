package v1

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// checker collects the mistakes of validation.
type checker struct {
	errs   Errors
	types  fieldTable
	failed map[*Object]map[string]bool // what the decoder found already, by object and path
	unread []byte                      // text that could not be read as objects
}

// errorf notes a mistake at a field that cannot be silenced.
func (c *checker) errorf(o *Object, path, format string, args ...any) {
	c.add("", o, path, fmt.Sprintf(format, args...))
}

// add notes a mistake, unless the field, or one that it is a part of, could not be decoded: then it would only follow from that.
func (c *checker) add(lint string, o *Object, path, message string) {
	failed := c.failed[o]
	for p := path; p != "" && len(failed) > 0; p = parent(p) {
		if failed[p] {
			return
		}
	}
	c.errs = append(c.errs, &Error{Pos: o.Pos(path), Object: o.Kind + "/" + o.Metadata.Name, Path: path, Message: message, Lint: lint})
}

// choice is a field and whether it is given.
type choice struct {
	name  string
	given bool
}

// exactlyOne checks that of several fields one is given.
func (c *checker) exactlyOne(o *Object, path string, fields ...choice) {
	var names, given []string
	for _, f := range fields {
		names = append(names, f.name)
		if f.given {
			given = append(given, f.name)
		}
	}
	last := len(names) - 1
	want := strings.Join(names[:last], ", ") + " and " + names[last]
	switch {
	case len(given) > 1:
		c.errorf(o, path, "must have exactly one of %s; it has %s", want, strings.Join(given, ", "))
	case len(given) == 0 && c.sound(o, path):
		c.errorf(o, path, "must have exactly one of %s", want)
	}
}

// excludes checks that beside a field that is given none of others is.
func (c *checker) excludes(o *Object, path string, field choice, others ...choice) {
	for _, x := range others {
		if field.given && x.given {
			c.errorf(o, join(path, x.name), "excludes %s; remove one", field.name)
		}
	}
}

func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// sound tells that everything below a field could be decoded.
func (c *checker) sound(o *Object, path string) bool {
	for p := range c.failed[o] {
		if strings.HasPrefix(p, path) {
			return false
		}
	}
	return true
}

// mayBeUnread tells that a name occurs in text that could not be read, so that it may exist after all.
func (c *checker) mayBeUnread(name string) bool {
	return name != "" && bytes.Contains(c.unread, []byte(name))
}

// manifests checks everything that belongs to one Cluster.
func (c *checker) manifests(m *Manifests) {
	for _, o := range m.All() {
		base := o.(interface{ Base() *Object }).Base()
		c.shape(base, reflect.ValueOf(o).Elem(), "")
		c.metadata(base)
		o.(interface{ validate(c *checker) }).validate(c)
	}
	ids := m.IDs()
	byName := c.ids(ids)
	c.names(m)
	c.renames(m, byName)
	c.references(m, ids, byName)
	c.units(m)
	c.files(m)
}

// checked is a struct inside objects that has checks of its own.
type checked interface {
	check(c *checker, o *Object, path string)
}

// shape checks each field by its tags: present where omitempty is not there, `enum:"a b c"`, `check:"NAME"` for a format and
// `options:"NAME"` for a table of upstream options. On a list or map of strings the tags hold for each element.
//
// It stands in for go-playground/validator: that gives Go's field names instead of paths, stops a list at its first mistake, and has none
// of these formats, so that nothing but "required" and "oneof" would be left to it.
func (c *checker) shape(o *Object, v reflect.Value, path string) {
	if v.CanAddr() {
		if x, ok := v.Addr().Interface().(checked); ok {
			x.check(c, o, path)
		}
	}
	for _, f := range c.types.of(v.Type()) {
		p, fv := join(path, f.name), v.FieldByIndex(f.index)
		switch fv.Kind() {
		case reflect.String:
			if fv.Len() > 0 {
				c.text(o, p, fv.String(), f.tag)
			} else if f.required {
				c.errorf(o, p, "must not be empty")
			}
		case reflect.Slice, reflect.Map:
			if f.required && fv.Len() == 0 {
				c.errorf(o, p, "must not be empty")
			}
			if table := optionTables[f.tag.Get("options")]; table != nil {
				c.optionFields(o, p, fv, table)
			}
			c.elements(o, p, fv, f.tag)
		case reflect.Struct:
			c.shape(o, fv, p)
		case reflect.Pointer:
			if !fv.IsNil() && fv.Elem().Kind() == reflect.Struct {
				c.shape(o, fv.Elem(), p)
			}
		}
	}
}

func (c *checker) elements(o *Object, path string, v reflect.Value, tag reflect.StructTag) {
	one := func(p string, e reflect.Value) {
		switch {
		case e.Kind() == reflect.String:
			c.text(o, p, e.String(), tag)
		case e.Kind() == reflect.Struct && e.Type() != valueType:
			c.shape(o, e, p)
		}
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			one(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
		return
	}
	for _, k := range v.MapKeys() {
		one(path+"."+k.String(), v.MapIndex(k))
	}
}

func (c *checker) text(o *Object, path, text string, tag reflect.StructTag) {
	if words := strings.Fields(tag.Get("enum")); len(words) > 0 && !slices.Contains(words, text) {
		c.errorf(o, path, "%s", notOneOf(text, words))
	}
	if name := tag.Get("check"); name != "" {
		f := formats[name]
		switch msg := f.test(text); {
		case msg == "":
		case f.taken != nil && f.taken(text):
			c.lintf(lintFormat, o, path, "%s", msg)
		default:
			c.errorf(o, path, "%s", msg)
		}
	}
}

func notOneOf(text string, words []string) string {
	if len(words) == 1 {
		return fmt.Sprintf("%q must be %s", text, words[0])
	}
	return fmt.Sprintf("%q is not one of %s%s", text, strings.Join(words, ", "), suggestion(text, words))
}

// suggestion is hint without the list.
func suggestion(word string, candidates []string) string {
	if s := closest(word, candidates); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return ""
}

func (c *checker) metadata(o *Object) {
	md := o.Metadata
	if md.RenamedFrom != "" && md.RenamedFrom == md.Name {
		c.errorf(o, "metadata.renamedFrom", "is the name that the object has; remove it")
	}
	for i, l := range md.Ignore {
		if l.Reason != "" && strings.TrimSpace(l.Reason) == "" {
			c.errorf(o, fmt.Sprintf("metadata.ignore[%d].reason", i), "must say why the lint does not apply here")
		}
	}
	c.ignored(o)
}

package iscsitarget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// object is one of rtslib's saveconfig.json. What hactl does not know of it is kept.
type object = map[string]any

// saved is rtslib's file in memory, and what of it was changed, in words.
type saved struct {
	top     object
	changes []string
	told    map[string]bool // what changes has
	edits   int             // more than changes: some are told once for several
	// left are backstores that are to go if no LUN of anybody's leads to them.
	left []string
}

func readSaved(data []byte) (*saved, error) {
	s := &saved{top: object{}, told: map[string]bool{}}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return s, d.Decode(&s.top)
}

func (m *Machine) saved() (*saved, error) {
	if m.Saved == nil || strings.TrimSpace(m.Saved.Reveal()) == "" {
		return readSaved([]byte(`{"fabric_modules": [], "storage_objects": [], "targets": []}`))
	}
	return readSaved(m.Saved.Bytes())
}

func (s *saved) write(path string) reconcile.Write {
	b, _ := json.MarshalIndent(s.top, "", "  ") // sorted, as rtslib writes it
	return reconcile.Write{Path: path, File: reconcile.File{Content: reconcile.Secret(string(b) + "\n"), Mode: 0o600}}
}

// list is one of the file's, whose objects are found by a key. It takes the place of the plain list in its object.
type list struct {
	items []any // nil where one was dropped
	at    map[string][]int
}

// MarshalJSON writes what was not dropped.
func (l *list) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.DeleteFunc(slices.Clone(l.items), func(i any) bool { return i == nil }))
}

// within gives a list of an object, by keys that always are the same for that list.
func within(of object, name string, key func(object) string) *list {
	l, ok := of[name].(*list)
	if !ok {
		l = &list{at: map[string][]int{}}
		l.items, _ = of[name].([]any)
		for i, item := range l.items {
			if o, ok := item.(object); ok {
				l.at[key(o)] = append(l.at[key(o)], i)
			}
		}
		of[name] = l
	}
	return l
}

// find gives the object of a key, or puts in what fresh makes.
func (s *saved) find(l *list, key, what string, fresh object) object {
	if at := l.at[key]; len(at) > 0 {
		return l.items[at[0]].(object)
	}
	l.at[key] = []int{len(l.items)}
	l.items = append(l.items, fresh)
	s.note(what)
	return fresh
}

// drop removes the objects of a key.
func (s *saved) drop(l *list, key, what string) {
	for _, i := range l.at[key] {
		l.items[i] = nil
		s.note(what)
	}
	delete(l.at, key)
}

// objects are those of a list.
func objects(of object, name string) []object {
	items, _ := of[name].([]any)
	if l, ok := of[name].(*list); ok {
		items = l.items
	}
	out := make([]object, 0, len(items))
	for _, i := range items {
		if o, ok := i.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

func (s *saved) note(what string) {
	s.edits++
	if !s.told[what] {
		s.told[what] = true
		s.changes = append(s.changes, what)
	}
}

// set compares as text: rtslib writes 1, "1" and true.
func (s *saved) set(o object, name, what string, v any) {
	if have, ok := o[name]; ok && fmt.Sprint(have) == fmt.Sprint(v) {
		return
	}
	o[name] = v
	s.note(what)
}

// settings sets attributes or parameters; what is a number there is a number.
func (s *saved) settings(of object, name, what string, want map[string]string, numbers bool) {
	if len(want) == 0 {
		return
	}
	in, ok := of[name].(object)
	if !ok {
		in = object{}
		of[name] = in
	}
	for _, n := range slices.Sorted(maps.Keys(want)) {
		var v any = want[n]
		if _, err := strconv.Atoi(want[n]); err == nil && numbers {
			v = json.Number(want[n])
		}
		s.set(in, n, what, v)
	}
}

func text(o object, name string) string { v, _ := o[name].(string); return v }

func number(o object, name string) int {
	n, err := strconv.Atoi(fmt.Sprint(o[name]))
	if err != nil {
		return -1
	}
	return n
}

// The keys of the lists. Targets of other fabrics (FCoE, …) have keys of their own.
func (s *saved) backstores() *list {
	return within(s.top, "storage_objects", func(o object) string { return text(o, "plugin") + "/" + text(o, "name") })
}

func (s *saved) targets() *list {
	return within(s.top, "targets", func(o object) string { return text(o, "fabric") + " " + text(o, "wwn") })
}

func numberedBy(field string) func(object) string {
	return func(o object) string { return strconv.Itoa(number(o, field)) }
}

func portals(g object) *list {
	return within(g, "portals", func(o object) string { return strings.Trim(text(o, "ip_address"), "[]") + " " + fmt.Sprint(o["port"]) })
}

func initiators(g object) *list {
	return within(g, "node_acls", func(o object) string { return text(o, "node_wwn") })
}

// sweep drops the backstores that are left and that no LUN leads to.
func (s *saved) sweep() {
	if len(s.left) == 0 {
		return
	}
	used := map[string]bool{}
	for _, t := range objects(s.top, "targets") {
		for _, g := range objects(t, "tpgs") {
			for _, l := range objects(g, "luns") {
				used[strings.TrimPrefix(text(l, "storage_object"), "/backstores/")] = true
			}
		}
	}
	for _, id := range s.left {
		if !used[id] {
			s.drop(s.backstores(), id, id)
		}
	}
	s.left = nil
}

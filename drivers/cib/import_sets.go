package cib

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// setForm says how attribute sets of one tag stand in a manifest.
type setForm struct {
	tag         string
	plain, long string // the fields
	id          string // what hactl calls the plain set
	owner       string // the primitive or template whose parameters they are: their plain form has secrets beside it
}

// sets reads the attribute sets of one tag in an element. The first is the plain form if that can say it; the others are long.
func (s subject) sets(el *etree.Element, at string, f setForm) (plain v1.Options, secrets map[string]v1.SecretRef, long []v1.AttributeSet) {
	first := true
	for _, set := range el.ChildElements() {
		if set.Tag != f.tag {
			continue
		}
		if hactlsOwn.MatchString(attr(set, "id")) {
			s.remark(joinPath(at, f.plain), "The set %s is left out: hactl set it on its way, and takes it back.", attr(set, "id"))
			continue
		}
		if first && s.fitsPlain(set, f) {
			plain, secrets = s.plain(set, at, f)
		} else if a, err := s.longSet(set, joinPath(at, fmt.Sprintf("%s[%d]", f.long, len(long))), f); err != nil {
			s.lost(at, "%s: %v", called(set), err)
		} else {
			long = append(long, a)
		}
		first = false
	}
	return plain, secrets, long
}

// fitsPlain tells whether a map of names and values says all that a set does.
func (s subject) fitsPlain(set *etree.Element, f setForm) bool {
	if len(set.Attr) > 1 || len(set.Attr) == 1 && !has(set, "id") || !s.anew(set, f.id) {
		return false
	}
	names := map[string]bool{}
	for _, t := range set.Child {
		nv, ok := t.(*etree.Element)
		if !ok {
			if c, ok := t.(*etree.CharData); ok && !c.IsWhitespace() {
				return false
			}
			continue
		}
		name := s.optionName(f, nv)
		if f.owner == "" && secretPair(nv) { // only the long form can refer to a secret there
			return false
		}
		if nv.Tag != "nvpair" || name == "" || names[name] || !has(nv, "value") || !s.anew(nv, f.id+"-"+ncName(name)) {
			return false
		}
		names[name] = true
		for _, a := range nv.Attr {
			if k := a.FullKey(); k != "id" && k != "name" && k != "value" {
				return false
			}
		}
	}
	return true
}

// optionName is the name under which a pair stands in a manifest. The older words of promotable clones give way to today's.
func (s subject) optionName(f setForm, nv *etree.Element) string {
	name := attr(nv, "name")
	if f.tag == "meta_attributes" && (name == "master-max" || name == "master-node-max") {
		return canonicalName(name)
	}
	return name
}

func (s subject) plain(set *etree.Element, at string, f setForm) (v1.Options, map[string]v1.SecretRef) {
	options, secrets := v1.Options{}, map[string]v1.SecretRef{}
	for _, nv := range set.ChildElements() {
		name, path := s.optionName(f, nv), joinPath(at, f.plain)
		if s.passed(set, nv, path) {
			continue
		}
		if ref := s.secret(nv, f.owner, joinPath(path, name)); ref != nil {
			secrets[name] = *ref
			continue
		}
		options[name] = v1.Value{Text: attr(nv, "value")}
		s.atRunTime(f, name, joinPath(path, name))
	}
	return options, secrets
}

// passed tells whether a pair is none of the user's configuration: Pacemaker's own, hactl's, or one that an agent writes.
func (s subject) passed(set, nv *etree.Element, path string) bool {
	name := attr(nv, "name")
	switch {
	case set.Tag == "cluster_property_set" && slices.Contains(pacemakersOwn, name):
		return true
	case hactlsOwn.MatchString(attr(nv, "id")):
		s.remark(path, "%s=%s is left out: hactl set it on its way, and takes it back.", name, attr(nv, "value"))
		return true
	case (set.Tag == "cluster_property_set" || set.Parent() != nil && set.Parent().Tag == "node") && atRunTime.MatchString(name):
		s.remark(path, "%s is left out: a resource agent writes it while it runs, and a manifest would undo that.", name)
		return true
	}
	return false
}

// setAtRunTime is the remark on what stands in a manifest and may be meant for a while only. It names a command that sets it.
const setAtRunTime = "Set at run time (%s)? While it stands here, hactl holds it so."

// atRunTime remarks on settings that operators make with a command.
func (s subject) atRunTime(f setForm, name, path string) {
	switch {
	case f.plain == "attributes" && (name == "standby" || name == "maintenance"):
		s.remark(path, setAtRunTime, "pcs node "+name)
	case f.tag != "meta_attributes":
	case name == "target-role":
		s.remark(path, setAtRunTime, "pcs resource disable")
	case name == "is-managed" || name == "maintenance":
		s.remark(path, setAtRunTime, "pcs resource unmanage")
	}
}

func (s subject) longSet(set *etree.Element, path string, f setForm) (a v1.AttributeSet, err error) {
	s.attributes(set, path, &a)
	a.Score = tidyScore(a.Score)
	if a.IDRef != "" {
		if a.ID != "" || a.Score != "" || len(set.ChildElements()) > 0 {
			return a, fmt.Errorf("it refers to %s and has contents of its own", a.IDRef)
		}
		return a, nil
	}
	if rules := set.SelectElements("rule"); len(rules) == 1 {
		r, err := s.rule(rules[0], path+".rule")
		if err != nil {
			return a, err
		}
		a.Rule = &r
	} else if len(rules) > 1 {
		return a, fmt.Errorf("it has %d rules; Pacemaker knows one", len(rules))
	}
	if err := s.claim(set); err != nil {
		return a, err
	}
	s.strange(set, path, []string{"rule", "nvpair"})
	made := map[string]bool{}
	for _, nv := range set.SelectElements("nvpair") {
		if s.passed(set, nv, path) {
			continue
		}
		var v v1.NameValue
		at := fmt.Sprintf("%s.values[%d]", path, len(a.Values))
		s.attributes(nv, at, &v)
		id := a.ID + "-" + ncName(v.Name)
		if v.ID == id || s.anew(nv, id) && !made[id] {
			v.ID = ""
		}
		made[id] = true
		if v.IDRef == "" {
			if v.Secret = s.secret(nv, f.owner, at); v.Secret != nil {
				v.Value = nil
			} else if has(nv, "value") {
				s.atRunTime(f, v.Name, at)
			}
		}
		a.Values = append(a.Values, v)
	}
	return a, nil
}

// secret makes a reference of a value that is a password or stands in a file on the nodes; nil if it is neither.
func (s subject) secret(nv *etree.Element, owner, path string) *v1.SecretRef {
	value, name := attr(nv, "value"), attr(nv, "name")
	stored := value == lrm
	if !stored && !secretPair(nv) || value == "" || stored && owner == "" {
		return nil
	}
	text := reconcile.Secret(value)
	switch {
	case stored:
		text = reconcile.UnknownSecret()
		for _, rsc := range append([]string{owner}, s.users[owner]...) {
			if t, known := s.stored[[2]string{rsc, name}]; known {
				text = t
			}
		}
	case masked.MatchString(value):
		s.remark(path, "The value was hidden in what was imported; put the real one into the file.")
		text = reconcile.UnknownSecret()
	case unfit(text) != "":
		s.remark(path, "A password in clear text: %s.", unfit(text))
		return nil
	}
	if owner == "" {
		owner = s.o.Metadata.Name
	}
	file := "secrets/" + ncName(owner) + "." + ncName(name)
	for n := 2; s.files[file]; n++ {
		file = fmt.Sprintf("secrets/%s.%s-%d", ncName(owner), ncName(name), n)
	}
	s.files[file] = true
	s.secrets = append(s.secrets, reconcile.ImportedSecret{File: file, Value: text})
	return &v1.SecretRef{File: file}
}

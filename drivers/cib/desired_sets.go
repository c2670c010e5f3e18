package cib

import (
	"fmt"
	"maps"
	"slices"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// setsName gives the long form's field beside a plain one.
var setsName = map[string]string{
	"params": "paramSets", "meta": "metaSets", "utilization": "utilizationSets", "attributes": "attributeSets",
	"properties": "propertySets", "resourceDefaults": "resourceDefaultSets", "operationDefaults": "operationDefaultSets",
}

// setPath is the field of a set of the long form beside the plain one, whose path ends in one of setsName.
func setPath(group string, s *v1.AttributeSet) string {
	if s.IDRef != "" {
		return longPath(group, "@"+s.IDRef)
	}
	return longPath(group, s.ID)
}

// sets writes the plain set and those of the long form behind it. id is the plain one's; group is the path of the plain one's fields, path
// where the map stands in the manifest.
func (b *objectBuilder) sets(el *etree.Element, tag, id, group, path string, plain v1.Options, long []v1.AttributeSet) {
	b.pairs(el, tag, id, group, path, plain)
	for i := range long {
		el.InsertChildAt(rankPlace(el, tag), b.set(tag, group, fmt.Sprintf("%s[%d]", longName(path), i), &long[i]))
	}
}

// pairs adds the options as an attribute set to el, unless there are none to write. id is the set's.
func (b *objectBuilder) pairs(el *etree.Element, tag, id, group, path string, o v1.Options) {
	var set *etree.Element
	for _, n := range o.Names() {
		name := n
		if tag != "instance_attributes" && tag != "utilization" {
			name = canonicalName(n)
		}
		f := joinPath(group, name)
		b.says(f, path+"."+n)
		if o[n].Null {
			b.x.Null = append(b.x.Null, f)
			continue
		}
		if set == nil {
			set = setIn(el, tag, id)
		}
		pair(set, name, o[n].Text)
	}
}

// set writes a set of the long form; path is where it stands.
func (b *objectBuilder) set(tag, group, path string, s *v1.AttributeSet) *etree.Element {
	el := etree.NewElement(tag)
	g := setPath(group, s)
	b.says(g, path)
	b.attrs(el, s, g, path)
	if s.ID != "" {
		b.x.Named = append(b.x.Named, s.ID)
		b.ids[s.ID] = true
	}
	if s.Rule != nil {
		b.says(g+".rule", path+".rule")
		el.AddChild(b.rule(s.Rule, s.ID+"-rule", path+".rule"))
	}
	for i := range s.Values {
		v := &s.Values[i]
		at := fmt.Sprintf("%s.values[%d]", path, i)
		nv := el.CreateElement("nvpair")
		if v.IDRef != "" {
			nv.CreateAttr("id-ref", v.IDRef)
			if v.Name != "" {
				nv.CreateAttr("name", v.Name)
			}
			b.says(joinPath(g, "@"+v.IDRef), at)
			continue
		}
		b.id(nv, v.ID, s.ID+"-"+ncName(v.Name))
		nv.CreateAttr("name", v.Name)
		f := joinPath(g, v.Name)
		b.says(f, at)
		switch {
		case v.Secret != nil:
			b.secret(nv, f, v.Name, at+".secret")
		case v.Value != nil:
			nv.CreateAttr("value", *v.Value)
		}
	}
	return el
}

// secretParams adds parameters whose values come from elsewhere to the plain set.
func (b *objectBuilder) secretParams(el *etree.Element, id, group, path string, secrets map[string]v1.SecretRef) {
	for _, n := range slices.Sorted(maps.Keys(secrets)) {
		at := joinPath(path, "secrets."+n)
		b.says(joinPath(group, n), at)
		nv := pair(setIn(el, "instance_attributes", id), n, "")
		b.secret(nv, joinPath(group, n), n, at)
	}
}

// secret makes nv refer to the file that Pacemaker reads the value from, and has that file written. Where Pacemaker reads no file, the value
// is only compared.
func (b *objectBuilder) secret(nv *etree.Element, field, param, path string) {
	nv.CreateAttr("value", lrm)
	at := joinPath(b.at, path)
	value := b.builder.secrets.Value(b.o, at)
	s := Secret{Param: param, Field: field, Value: value, Object: b.x.Ref, Source: b.o.Pos(at)}
	if b.files == nil {
		b.state.Inline = append(b.state.Inline, s)
		return
	}
	if why := unfit(value); why != "" {
		b.errorf(b.o.Pos(at), at, "%s", why)
	}
	for _, rsc := range b.files {
		s.Resource = rsc
		key := rsc + "/" + param
		first, twice := b.values[key]
		switch {
		case !twice:
			b.values[key] = value
			b.state.Secrets = append(b.state.Secrets, s)
		case first.Comparable() && value.Comparable() && !first.Equal(value):
			b.errorf(b.o.Pos(at), at, "another secret is given for %s of %s, and Pacemaker keeps one file for both; give one secret", param, rsc)
		}
	}
}

// setIn gives the attribute set with that id in el, or el itself where that is the set.
func setIn(el *etree.Element, tag, id string) *etree.Element {
	if el.Tag == tag {
		return el
	}
	for _, c := range el.SelectElements(tag) {
		if attr(c, "id") == id {
			return c
		}
	}
	set := element(tag, id)
	el.InsertChildAt(rankPlace(el, tag), set)
	return set
}

// pair adds an nvpair with pcs's id.
func pair(set *etree.Element, name, value string) *etree.Element {
	nv := set.CreateElement("nvpair")
	nv.CreateAttr("id", attr(set, "id")+"-"+ncName(name))
	nv.CreateAttr("name", name)
	nv.CreateAttr("value", value)
	return nv
}

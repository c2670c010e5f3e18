package cib

import (
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

func (b *builder) aclRole(r *v1.ACLRole) {
	o := b.object(named("ACLRole", r.Metadata.Name), &r.Object, "spec", "")
	el := element("acl_role", r.Metadata.Name)
	o.attrs(el, &r.Spec, "", "")
	if len(r.Spec.Permissions) > 0 {
		o.says("permissions", "permissions")
	}
	for i := range r.Spec.Permissions {
		p := r.Spec.Permissions[i]
		c := el.CreateElement("acl_permission")
		o.id(c, p.ID, r.Metadata.Name+"-"+p.Kind)
		p.ID = ""
		encode(c, &p, nil)
	}
	o.part("", "acls", el)
	o.done()
}

func (b *builder) aclSubject(tag string, base *v1.Object, s *v1.ACLSubject) {
	kind := "ACLUser"
	if tag == "acl_group" {
		kind = "ACLGroup"
	}
	o := b.object(named(kind, base.Metadata.Name), base, "spec", "")
	el := element(tag, base.Metadata.Name)
	o.attrs(el, s, "", "")
	if len(s.Roles) > 0 {
		o.says("roles", "roles")
	}
	for _, r := range s.Roles {
		el.CreateElement("role").CreateAttr("id", r)
	}
	o.part("", "acls", el)
	o.done()
}

func (b *builder) tag(t *v1.Tag) {
	o := b.object(named("Tag", t.Metadata.Name), &t.Object, "spec", "")
	el := element("tag", t.Metadata.Name)
	o.says("objects", "objects")
	for _, id := range t.Spec.Objects {
		el.CreateElement("obj_ref").CreateAttr("id", id)
	}
	o.part("", "tags", el)
	o.done()
}

// topology makes a part for each level: they are elements of their own in the CIB.
func (b *builder) topology(t *v1.FencingTopology) {
	o := b.object(named("FencingTopology", t.Metadata.Name), &t.Object, "spec", "")
	for i := range t.Spec.Levels {
		l := &t.Spec.Levels[i]
		at := indexed("levels", i)
		el := element("fencing-level", "")
		encode(el, &t.Spec, nil)
		el.CreateAttr("index", strconv.Itoa(t.LevelIndex(i)))
		el.CreateAttr("devices", strings.Join(l.Devices, ","))
		o.id(el, l.ID, t.LevelID(i))
		prefix := "levels[" + levelKey(el) + "]"
		if _, twice := o.x.Pos[prefix]; twice {
			o.errorf(o.o.Pos("spec."+at), "spec."+at, "is a second level %d; give each an index of its own", t.LevelIndex(i))
		}
		o.says(prefix, at)
		o.says(prefix+".devices", at+".devices")
		o.part(prefix, "fencing-topology", el)
	}
	o.done()
}

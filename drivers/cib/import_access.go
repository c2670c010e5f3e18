package cib

import (
	"errors"
	"fmt"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

func (im *importer) role(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	r := &v1.ACLRole{}
	s := im.named(&r.Object, "ACLRole", attr(el, "id"))
	s.attributes(el, "spec", &r.Spec, "id")
	s.strange(el, "spec", []string{"acl_permission"})
	for _, c := range el.SelectElements("acl_permission") {
		var p v1.ACLPermission
		if unknown := decode(c, &p); len(unknown) > 0 && unknown[0] != "description" {
			// A permission with a part of it left out would permit something else.
			return fmt.Errorf("hactl does not know the attribute %s of %s", unknown[0], called(c))
		}
		p.ID = s.needed(c)
		s.strange(c, "spec.permissions", []string{})
		r.Spec.Permissions = append(r.Spec.Permissions, p)
	}
	im.into.Add(r)
	return nil
}

// account imports a user (acl_target) or a group.
func (im *importer) account(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	var spec v1.ACLSubject
	var object v1.Object
	kind := "ACLUser"
	if el.Tag == "acl_group" {
		kind = "ACLGroup"
	}
	s := im.named(&object, kind, attr(el, "id"))
	s.attributes(el, "spec", &spec, "id")
	s.strange(el, "spec", []string{"role"})
	for _, c := range el.SelectElements("role") {
		if attr(c, "id") == "" || len(c.Attr) > 1 {
			return errors.New("a role in it has no id, or more than that")
		}
		spec.Roles = append(spec.Roles, attr(c, "id"))
	}
	if kind == "ACLGroup" {
		im.into.Add(&v1.ACLGroup{Object: object, Spec: spec})
	} else {
		im.into.Add(&v1.ACLUser{Object: object, Spec: spec})
	}
	return nil
}

func (im *importer) tag(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	t := &v1.Tag{}
	s := im.named(&t.Object, "Tag", attr(el, "id"))
	s.attributes(el, "spec", &t.Spec, "id")
	s.strange(el, "spec", []string{"obj_ref"})
	for _, c := range el.SelectElements("obj_ref") {
		if attr(c, "id") == "" || len(c.Attr) > 1 {
			return errors.New("an obj_ref in it has no id, or more than that")
		}
		t.Spec.Objects = append(t.Spec.Objects, attr(c, "id"))
	}
	im.into.Add(t)
	return nil
}

func (im *importer) alert(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	a := &v1.Alert{}
	id := attr(el, "id")
	s := im.named(&a.Object, "Alert", id)
	s.attributes(el, "spec", &a.Spec, "id")
	a.Spec.Params, _, a.Spec.ParamSets = s.sets(el, "spec", paramsOf(id, ""))
	a.Spec.Meta, _, a.Spec.MetaSets = s.sets(el, "spec", metaOf(id))
	s.strange(el, "spec", []string{"instance_attributes", "meta_attributes", "select", "recipient"})
	for i, c := range el.SelectElements("select") {
		if i > 0 {
			return errors.New("it has two <select>")
		}
		var err error
		if a.Spec.Select, err = s.alertSelect(c); err != nil {
			return err
		}
	}
	for _, c := range el.SelectElements("recipient") {
		var r v1.AlertRecipient
		at := fmt.Sprintf("spec.recipients[%d]", len(a.Spec.Recipients))
		s.attributes(c, at, &r, "id")
		r.Params, _, r.ParamSets = s.sets(c, at, paramsOf(attr(c, "id"), ""))
		r.Meta, _, r.MetaSets = s.sets(c, at, metaOf(attr(c, "id")))
		s.strange(c, at, []string{"instance_attributes", "meta_attributes"})
		a.Spec.Recipients = append(a.Spec.Recipients, r)
		last := len(a.Spec.Recipients) - 1
		if attr(c, "id") != a.RecipientID(last) {
			a.Spec.Recipients[last].ID = attr(c, "id")
		}
	}
	im.into.Add(a)
	return nil
}

func (s subject) alertSelect(el *etree.Element) (*v1.AlertSelect, error) {
	a := &v1.AlertSelect{}
	for _, c := range el.ChildElements() {
		switch c.Tag {
		case "select_nodes":
			a.Nodes = true
		case "select_fencing":
			a.Fencing = true
		case "select_resources":
			a.Resources = true
		case "select_attributes":
			a.Attributes = &v1.AlertAttributes{}
			for _, x := range c.ChildElements() {
				if x.Tag != "attribute" || attr(x, "name") == "" {
					return nil, fmt.Errorf("hactl does not know %s in its <select>", called(x))
				}
				if id := s.needed(x); id != "" {
					s.lost("spec.select", "the id %s of an attribute, to which something refers", id)
				}
				a.Attributes.Names = append(a.Attributes.Names, attr(x, "name"))
			}
		default:
			return nil, fmt.Errorf("hactl does not know %s in its <select>", called(c))
		}
	}
	return a, nil
}

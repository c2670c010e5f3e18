package cib

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Import writes a CIB as manifests: plain forms where they say the same, long ones where they are needed. XML comments, which mean nothing
// to Pacemaker, and the status are not part of it.
//
// An id is written where the manifests need it: it is the name of an object, tells the sets of a long form apart, or something refers to it.
// Of two objects with one id the first is taken and the second told as lost; a repeated id of a part that hactl names itself does no harm.
func (d *Driver) Import(have State, into *v1.Manifests) ([]reconcile.ImportedSecret, error) {
	if have.CIB == "" {
		return nil, nil
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return nil, fmt.Errorf("import the CIB: %w", err)
	}
	warning, err := readable(doc)
	if err != nil {
		return nil, fmt.Errorf("import the CIB: %w", err)
	}
	im := newImporter(doc, have, into)
	if warning != "" {
		im.cluster().remark("", "%s", warning)
	}
	im.nodes(section(doc, "nodes"))
	im.options(doc)
	im.sections(doc)
	if err := im.settle(); err != nil {
		return nil, fmt.Errorf("import the CIB: %w", err)
	}
	return im.secrets, nil
}

// newestSchema is the newest one that import was written for.
const newestMajor, newestMinor = 3, 10

// readable refuses what import cannot read as a whole, and warns of what it may not understand.
func readable(doc *etree.Document) (warning string, err error) {
	root := doc.Root()
	c := root.SelectElement("configuration")
	if c == nil {
		return "", errors.New("the <cib> has no <configuration>; read it with cibadmin --query, as root")
	}
	for _, name := range []string{"crm_config", "nodes", "resources", "constraints"} {
		if c.SelectElement(name) == nil {
			return "", fmt.Errorf("the <configuration> has no <%s>, which every CIB has: was it read by a user whom an ACL hides parts from? Read it with "+
				"cibadmin --query, as root", name)
		}
	}
	switch schema := attr(root, "validate-with"); {
	case schema == "":
		return "The CIB does not name its schema (validate-with); it was read as one of Pacemaker 2.", nil
	case schema == "none" || schema == "pacemaker-next":
		return fmt.Sprintf("The CIB is not checked against a released schema (validate-with is %s); what hactl does not know is told below.", schema), nil
	case !schemaForm.MatchString(schema) || !schemaAtLeast(schema, 2, 0):
		return "", fmt.Errorf("the schema is %s, from before Pacemaker 2; upgrade the CIB first, with cibadmin --upgrade --force", schema)
	case schemaAtLeast(schema, newestMajor, newestMinor+1):
		return fmt.Sprintf("The schema %s is newer than hactl knows (pacemaker-%d.%d); what hactl does not know is told below.",
			schema, newestMajor, newestMinor), nil
	}
	return "", nil
}

// importer fills manifests from a CIB.
type importer struct {
	into *v1.Manifests
	// referred are ids that something names beyond the resources of constraints, kept those that stay as they are in any case.
	referred, kept map[string]bool
	// taken maps the ids of what was imported to what has them.
	taken map[string]string
	// avoiding are location constraints by id, for avoidTargets, and folded those that it says.
	avoiding map[string]*etree.Element
	folded   map[*etree.Element]bool
	// made are the nodes that resources make.
	made map[string]bool
	// stored are the secrets in the files of members, by resource and parameter.
	stored map[[2]string]reconcile.Text
	// users are the primitives that use a template.
	users   map[string][]string
	secrets []reconcile.ImportedSecret
	files   map[string]bool
}

func newImporter(doc *etree.Document, have State, into *v1.Manifests) *importer {
	im := &importer{into: into, referred: map[string]bool{}, kept: map[string]bool{}, taken: map[string]string{}, avoiding: map[string]*etree.Element{},
		folded: map[*etree.Element]bool{}, made: map[string]bool{}, stored: map[[2]string]reconcile.Text{}, files: map[string]bool{},
		users: map[string][]string{}}
	im.survey(doc.Root().SelectElement("configuration"))
	for _, s := range have.Secrets {
		k := [2]string{s.Resource, s.Param}
		if _, known := im.stored[k]; !known {
			im.stored[k] = s.Value
		}
	}
	if into.Cluster == nil {
		into.Cluster = &v1.Cluster{}
	}
	c := &into.Cluster.Object
	c.APIVersion, c.Kind = v1.APIVersion, "Cluster"
	if c.Metadata.Name == "" {
		c.Metadata.Name = clusterName(doc)
	}
	return im
}

// clusterName is what corosync told Pacemaker, as far as it can be a name.
func clusterName(doc *etree.Document) string {
	for _, nv := range section(doc, "crm_config").FindElements("./cluster_property_set/nvpair[@name='cluster-name']") {
		if n := ncName(attr(nv, "value")); n != "" && n[0] != '.' && n[0] != '-' {
			return n
		}
	}
	return "cluster"
}

// sections reads what follows the nodes and options, in the order in which it stands.
func (im *importer) sections(doc *etree.Document) {
	for _, sec := range doc.Root().SelectElement("configuration").ChildElements() {
		switch sec.Tag {
		case "crm_config", "rsc_defaults", "op_defaults", "nodes":
			continue
		case "fencing-topology":
			im.topologies(sec)
			continue
		case "resources", "constraints", "acls", "tags", "alerts":
		default:
			im.cluster().lost("", "the section <%s>, which hactl does not know", sec.Tag)
			continue
		}
		for _, el := range sec.ChildElements() {
			im.object(el)
		}
		im.cluster().strange(sec, "", nil)
	}
}

// object imports one element of a section.
func (im *importer) object(el *etree.Element) {
	if im.folded[el] || hactlsOwn.MatchString(attr(el, "id")) { // what hactl set on its way is no configuration
		return
	}
	var err error
	switch el.Tag {
	case "primitive":
		err = im.topPrimitive(el)
	case "clone", "master":
		err = im.clone(el)
	case "group":
		err = im.group(el, nil)
	case "template":
		err = im.template(el)
	case "bundle":
		err = im.bundle(el)
	case "rsc_location", "rsc_order", "rsc_colocation", "rsc_ticket":
		err = im.constraint(el)
	case "acl_role":
		err = im.role(el)
	case "acl_target", "acl_group":
		err = im.account(el)
	case "tag":
		err = im.tag(el)
	case "alert":
		err = im.alert(el)
	default:
		err = errors.New("hactl does not know this element")
	}
	if err != nil {
		im.cluster().lost("", "%s: %v", called(el), err)
	}
}

// claim takes the ids of objects that are about to be imported.
func (im *importer) claim(els ...*etree.Element) error {
	for _, el := range els {
		id := attr(el, "id")
		if id == "" {
			return fmt.Errorf("%s has no id", called(el))
		}
		if by, taken := im.taken[id]; taken {
			return fmt.Errorf("the id %s is taken by a %s", id, by)
		}
	}
	for _, el := range els {
		im.taken[attr(el, "id")] = el.Tag
	}
	return nil
}

// subject is the manifest object that is filled.
type subject struct {
	*importer
	o *v1.Object
}

func (im *importer) cluster() subject { return subject{im, &im.into.Cluster.Object} }

// named begins an object.
func (im *importer) named(o *v1.Object, kind, name string) subject {
	o.APIVersion, o.Kind, o.Metadata.Name = v1.APIVersion, kind, name
	return subject{im, o}
}

// remark puts a comment above a field.
func (s subject) remark(path, format string, args ...any) {
	c := v1.Comment{Path: path, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(s.o.Comments, c) {
		s.o.Comments = append(s.o.Comments, c)
	}
}

// lost tells what the object does not say. It stays in the CIB, since hactl leaves alone what no manifest tells.
func (s subject) lost(path, format string, args ...any) {
	s.o.Comments = append(s.o.Comments, v1.Comment{Path: path, Lost: true,
		Text: "Not imported, and left in the cluster as it is: " + fmt.Sprintf(format, args...)})
}

// attributes reads the attributes of an element into a struct and tells those that it has no field for. known are read elsewhere.
func (s subject) attributes(el *etree.Element, path string, spec any, known ...string) {
	for _, name := range decode(el, spec, known...) {
		if name == "description" && attr(el, name) == "" { // says nothing
			continue
		}
		s.lost(path, "the attribute %s of %s", name, called(el))
	}
}

// strange tells the text and the elements in el that hactl does not know. A nil known lets every element pass.
func (s subject) strange(el *etree.Element, path string, known []string) {
	for _, t := range el.Child {
		switch c := t.(type) {
		case *etree.CharData:
			if strings.TrimSpace(c.Data) != "" {
				s.lost(path, "the text in %s", called(el))
			}
		case *etree.Element:
			if known != nil && !slices.Contains(known, c.Tag) {
				s.lost(path, "%s in %s", called(c), called(el))
			}
		}
	}
}

// called names an element for people.
func called(el *etree.Element) string {
	for _, a := range []string{"id", "id-ref", "name"} {
		if v := attr(el, a); v != "" {
			return fmt.Sprintf("<%s %s=%q>", el.Tag, a, v)
		}
	}
	return "<" + el.Tag + ">"
}

package cib

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// nodes puts what the CIB says of nodes to those that corosync.conf told, or makes nodes of it where that is not known.
func (im *importer) nodes(sec *etree.Element) {
	s := im.cluster()
	s.strange(sec, "spec.nodes", []string{"node"})
	spec := &im.into.Cluster.Spec
	known, numbered := len(spec.Nodes) > 0, true
	for _, el := range sec.SelectElements("node") {
		if im.isMember(el) && !known {
			n, err := strconv.ParseUint(attr(el, "id"), 10, 32)
			numbered = numbered && err == nil && n > 0
		}
	}
	names, ids := map[string]bool{}, map[string]bool{}
	byName, byID := map[string]int{}, map[string]int{}
	for i, n := range spec.Nodes {
		byName[strings.ToLower(n.Name)] = i
		if n.ID > 0 {
			byID[strconv.Itoa(n.ID)] = i
		} else {
			byID[strconv.Itoa(i+1)] = i
		}
	}
	for _, el := range sec.SelectElements("node") {
		id, name := attr(el, "id"), attr(el, "uname")
		switch {
		case id == "" || name == "":
			s.lost("spec.nodes", "%s, which has no id or no uname", called(el))
			continue
		case names[strings.ToLower(name)] || ids[id]:
			s.lost("spec.nodes", "a second node with the name %s or the id %s", name, id)
			continue
		}
		names[strings.ToLower(name)], ids[id] = true, true
		if i, ok := byName[strings.ToLower(name)]; ok && known && im.isMember(el) {
			im.known(el, i)
		} else if i, ok := byID[id]; ok && known && im.isMember(el) {
			s.remark(fmt.Sprintf("spec.nodes[%d]", i), "The CIB calls this node %s.", name)
			im.known(el, i)
		} else if !known && im.isMember(el) {
			im.newNode(el, numbered)
		} else {
			im.remoteNode(el, known)
		}
	}
	if !known && len(spec.Nodes) > 0 {
		s.remark("spec.nodes", "The CIB does not tell the nodes' addresses: their names stand here. Write the address of each corosync link.")
	}
}

// isMember tells whether a node is one of corosync's, as far as the CIB says.
func (im *importer) isMember(el *etree.Element) bool {
	t := attr(el, "type")
	return (t == "" || t == "member" || t == "normal") && !im.made[attr(el, "uname")]
}

func (im *importer) known(el *etree.Element, i int) {
	n := &im.into.Cluster.Spec.Nodes[i]
	number := n.ID
	if number == 0 {
		number = i + 1
	}
	if id := attr(el, "id"); id != strconv.Itoa(number) {
		n.CIBID = id
	}
	n.NodeOptions = im.nodeOptions(el, fmt.Sprintf("spec.nodes[%d]", i))
}

func (im *importer) newNode(el *etree.Element, numbered bool) {
	spec := &im.into.Cluster.Spec
	n := v1.Node{Name: attr(el, "uname"), Addresses: []string{attr(el, "uname")}}
	if id, err := strconv.Atoi(attr(el, "id")); numbered && err == nil {
		n.ID = id
	}
	spec.Nodes = append(spec.Nodes, n)
	im.known(el, len(spec.Nodes)-1)
}

// remoteNode imports a node that corosync does not know.
func (im *importer) remoteNode(el *etree.Element, known bool) {
	spec := &im.into.Cluster.Spec
	path := fmt.Sprintf("spec.remoteNodes[%d]", len(spec.RemoteNodes))
	n := v1.RemoteNode{Name: attr(el, "uname"), Type: attr(el, "type")}
	switch n.Type {
	case "remote":
		n.Type = ""
	case "", "normal":
		n.Type = "member"
	}
	if id := attr(el, "id"); id != n.Name {
		n.CIBID = id
	}
	if n.Type == "member" && known && !im.made[n.Name] {
		im.cluster().remark(path, "The CIB calls %s a member; corosync.conf does not know it.", n.Name)
	}
	n.NodeOptions = im.nodeOptions(el, path)
	spec.RemoteNodes = append(spec.RemoteNodes, n)
}

func (im *importer) nodeOptions(el *etree.Element, at string) (o v1.NodeOptions) {
	s, id := im.cluster(), attr(el, "id")
	s.attributes(el, at, &o, "id", "uname", "type")
	o.Score = tidyScore(o.Score)
	o.Attributes, _, o.AttributeSets = s.sets(el, at, setForm{tag: "instance_attributes", plain: "attributes", long: "attributeSets", id: "nodes-" + ncName(id)})
	o.Utilization, _, o.UtilizationSets = s.sets(el, at, setForm{tag: "utilization", plain: "utilization", long: "utilizationSets",
		id: "nodes-" + ncName(id) + "-utilization"})
	s.strange(el, at, []string{"instance_attributes", "utilization"})
	return o
}

// options imports cluster properties and defaults.
func (im *importer) options(doc *etree.Document) {
	s, spec := im.cluster(), &im.into.Cluster.Spec
	im.properties(section(doc, "crm_config"))
	for _, d := range []struct {
		section string
		form    setForm
		plain   *v1.Options
		long    *[]v1.AttributeSet
	}{
		{"rsc_defaults", setForm{plain: "resourceDefaults", long: "resourceDefaultSets"}, &spec.ResourceDefaults, &spec.ResourceDefaultSets},
		{"op_defaults", setForm{plain: "operationDefaults", long: "operationDefaultSets"}, &spec.OperationDefaults, &spec.OperationDefaultSets},
	} {
		for i, sec := range doc.Root().SelectElement("configuration").SelectElements(d.section) {
			if i > 0 {
				s.lost("spec", "a second <%s>", d.section)
				continue
			}
			d.form.tag, d.form.id = "meta_attributes", d.section+"-meta_attributes"
			s.strange(sec, "spec", []string{"meta_attributes"})
			*d.plain, _, *d.long = s.sets(sec, "spec", d.form)
		}
	}
}

const bootstrapID = "cib-bootstrap-options"

// properties imports the cluster options. cib-bootstrap-options is the plain form wherever it stands, since Pacemaker reads it first
// whatever its place and score; without it, a set that is alone takes its place. What no map can say makes even this one a long form.
func (im *importer) properties(sec *etree.Element) {
	s, spec := im.cluster(), &im.into.Cluster.Spec
	form := setForm{tag: "cluster_property_set", plain: "properties", long: "propertySets", id: bootstrapID}
	s.strange(sec, "spec.properties", []string{form.tag})
	var sets []*etree.Element
	for _, set := range sec.SelectElements(form.tag) {
		switch id := attr(set, "id"); {
		case id == "hactl": // the inventory
		case atRunTime.MatchString(id):
			s.remark("spec.properties", "The property set %s is left out: a resource agent writes it while it runs, and a manifest would undo that.", id)
		case len(set.ChildElements()) > 0 || has(set, "id-ref") || im.needed(set) != "":
			sets = append(sets, set)
		}
	}
	i := slices.IndexFunc(sets, func(el *etree.Element) bool { return attr(el, "id") == bootstrapID })
	if i < 0 && len(sets) == 1 {
		i = 0
	}
	for j, set := range sets {
		if j == i {
			set = set.Copy()
			if attr(set, "id") == bootstrapID {
				set.RemoveAttr("score") // without meaning here
			}
			if s.fitsPlain(set, form) {
				spec.Properties, _ = s.plain(set, "spec", form)
				continue
			}
		}
		path := fmt.Sprintf("spec.propertySets[%d]", len(spec.PropertySets))
		if a, err := s.longSet(set, path, form); err != nil {
			s.lost("spec.propertySets", "%s: %v", called(set), err)
		} else {
			spec.PropertySets = append(spec.PropertySets, a)
		}
	}
}

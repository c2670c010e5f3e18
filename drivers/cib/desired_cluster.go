package cib

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// cluster makes the object of the cluster's options and one for each node of which the manifest says something.
func (b *builder) cluster(c *v1.Cluster) {
	o := b.object(Options(c.Metadata.Name), &c.Object, "spec", "spec")
	o.sharedSets("crm_config", "cluster_property_set", "cib-bootstrap-options", "properties", c.Spec.Properties, c.Spec.PropertySets)
	o.sharedSets("rsc_defaults", "meta_attributes", "rsc_defaults-meta_attributes", "resourceDefaults", c.Spec.ResourceDefaults, c.Spec.ResourceDefaultSets)
	o.sharedSets("op_defaults", "meta_attributes", "op_defaults-meta_attributes", "operationDefaults", c.Spec.OperationDefaults, c.Spec.OperationDefaultSets)
	o.done()
	for i := range c.Spec.Nodes {
		n := &c.Spec.Nodes[i]
		number := n.ID
		if number == 0 {
			number = i + 1
		}
		b.state.Members = append(b.state.Members, Member{Name: n.Name, ID: number})
		id := n.CIBID
		if id == "" {
			id = strconv.Itoa(number)
		}
		b.node(c, fmt.Sprintf("spec.nodes[%d]", i), id, n.Name, "", &n.NodeOptions)
	}
	for i := range c.Spec.RemoteNodes {
		n := &c.Spec.RemoteNodes[i]
		id, typ := n.CIBID, n.Type
		if id == "" {
			id = n.Name
		}
		if typ == "" {
			typ = "remote"
		}
		b.node(c, fmt.Sprintf("spec.remoteNodes[%d]", i), id, n.Name, typ, &n.NodeOptions)
	}
}

// sharedSets makes a part for each set of a section that holds everybody's options: the plain one, which is always there for cluster
// options, and those of the long form.
func (b *objectBuilder) sharedSets(section, tag, id, group string, plain v1.Options, long []v1.AttributeSet) {
	set := element(tag, id)
	b.pairs(set, tag, id, group, group, plain)
	own := slices.ContainsFunc(long, func(s v1.AttributeSet) bool { return s.ID == id }) // cib-bootstrap-options in the long form
	if len(plain) > 0 || section == "crm_config" && !own {
		b.part(group, section, set)
	}
	for i := range long {
		prefix := setPath(group, &long[i])
		b.part(prefix, section, b.set(tag, group, fmt.Sprintf("%s[%d]", setsName[group], i), &long[i]))
	}
}

func (b *builder) node(c *v1.Cluster, at, id, name, typ string, n *v1.NodeOptions) {
	b.state.Nodes = append(b.state.Nodes, Node{ID: id, Name: name, Type: typ})
	o := b.object(NodeOptions(name), &c.Object, at, at)
	el := element("node", id)
	el.CreateAttr("uname", name)
	if typ != "" {
		el.CreateAttr("type", typ)
		o.says("type", "type")
	}
	o.attrs(el, n, "", "")
	o.sets(el, "instance_attributes", "nodes-"+ncName(id), "attributes", "attributes", n.Attributes, n.AttributeSets)
	o.sets(el, "utilization", "nodes-"+ncName(id)+"-utilization", "utilization", "utilization", n.Utilization, n.UtilizationSets)
	if len(fieldsOf("", el, view{})) == 0 && len(o.x.Null) == 0 {
		return // corosync knows the member, and Pacemaker makes the element
	}
	o.part("", "nodes", el)
	o.done()
}

// nodeElement is a node of which no more is known.
func (n Node) element() *etree.Element {
	el := element("node", n.ID)
	el.CreateAttr("uname", n.Name)
	if n.Type != "" {
		el.CreateAttr("type", n.Type)
	}
	return el
}

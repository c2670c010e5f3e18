package v1test

import (
	"fmt"

	v1 "github.com/hactl/hactl/api/v1"
	"pgregory.net/rapid"
)

// Manifests makes any valid manifests, their defaults not set: up to 4 nodes and a handful of objects of each kind.
func Manifests(t *rapid.T) *v1.Manifests { return manifests(t, false) }

// CIB makes valid manifests that say nothing but what the CIB holds: no labels and such, no null, no secrets, no corosync options and no
// scripts. Import can give them back.
func CIB(t *rapid.T) *v1.Manifests { return manifests(t, true) }

func manifests(t *rapid.T, onlyCIB bool) *v1.Manifests {
	g := &generator{T: t, onlyCIB: onlyCIB, used: map[string]bool{}, pools: map[string][]string{}}
	m := &v1.Manifests{Cluster: g.cluster()}
	upTo := func(n int, what string, add func(i int)) {
		for i := range rapid.IntRange(0, n).Draw(t, what) {
			add(i)
		}
	}
	upTo(2, "templates", func(int) { m.Templates = append(m.Templates, g.template()) })
	upTo(3, "resources", func(int) { m.Resources = append(m.Resources, g.resource()) })
	upTo(2, "groups", func(int) { m.Groups = append(m.Groups, g.group()) })
	upTo(1, "bundles", func(int) { m.Bundles = append(m.Bundles, g.bundle()) })
	var devices []string
	upTo(2, "fences", func(int) {
		f := g.fence()
		m.FenceDevices, devices = append(m.FenceDevices, f), append(devices, fencingName(f)...)
	})
	if len(devices) > 0 {
		upTo(3, "topologies", func(i int) { m.Topologies = append(m.Topologies, g.topology(i, devices)) })
	}
	if len(g.ids) > 0 {
		upTo(2, "tags", func(int) {
			x := &v1.Tag{Object: g.object(g.fresh())}
			x.Spec.Objects = rapid.SliceOfNDistinct(rapid.SampledFrom(g.ids), 1, 3, rapid.ID).Draw(t, "objects")
			m.Tags = append(m.Tags, x)
			g.name(x.Metadata.Name, nil)
		})
	}
	if len(g.names) > 0 {
		upTo(3, "constraints", func(int) { m.Constraints = append(m.Constraints, g.constraint()) })
	}
	upTo(2, "roles", func(int) { m.ACLRoles = append(m.ACLRoles, g.role()) })
	upTo(2, "users", func(i int) {
		m.ACLUsers = append(m.ACLUsers, &v1.ACLUser{Object: g.object(fmt.Sprintf("%d-user", i)), Spec: g.subject(m.ACLRoles)})
	})
	upTo(1, "ACL groups", func(int) {
		m.ACLGroups = append(m.ACLGroups, &v1.ACLGroup{Object: g.object(g.fresh()), Spec: g.subject(m.ACLRoles)})
	})
	upTo(2, "alerts", func(i int) { m.Alerts = append(m.Alerts, g.alert(i)) })
	return m
}

// fencingName is the device's name if fencing-2.4.rng takes it in a level.
func fencingName(f *v1.FenceDevice) []string {
	for _, r := range f.Metadata.Name {
		if r > 0x7f {
			return nil
		}
	}
	return []string{f.Metadata.Name}
}

func (g *generator) cluster() *v1.Cluster {
	c := &v1.Cluster{Object: g.object(rapid.StringMatching(`[a-z0-9_]{1,8}`).Draw(g.T, "cluster"))}
	s := &c.Spec
	links := rapid.IntRange(1, 3).Draw(g.T, "links")
	for i, id := range rapid.SliceOfNDistinct(rapid.IntRange(1, 1<<32-1), 1, 4, rapid.ID).Draw(g.T, "ids") {
		n := v1.Node{Name: fmt.Sprintf("n%d", i), ID: id, NodeOptions: g.nodeOptions()}
		for l := range links {
			n.Addresses = append(n.Addresses, fmt.Sprintf("10.%d.0.%d", l, i))
		}
		if g.some("cibID?", 4) {
			n.CIBID = fmt.Sprintf("old%d", i)
		}
		s.Nodes = append(s.Nodes, n)
	}
	for i := range rapid.IntRange(0, 2).Draw(g.T, "remote nodes") {
		s.RemoteNodes = append(s.RemoteNodes, v1.RemoteNode{Name: fmt.Sprintf("r%d", i), CIBID: g.maybe("cibID", rapid.Just(fmt.Sprintf("remote%d", i))),
			Type: g.maybe("type", rapid.SampledFrom([]string{"remote", "member", "ping"})), NodeOptions: g.nodeOptions()})
	}
	if !g.onlyCIB {
		s.Totem = v1.Options{"token": {Text: "5000"}, "keyfile": {Text: "/a b"}, "hold": {Null: true}}
	}
	s.Properties = v1.Options{"stonith-enabled": {Text: "off"}, "my-own": {Text: Text.Draw(g.T, "own")}}
	s.PropertySets = g.sets("cluster_property_set", ownOption, Text)
	s.ResourceDefaults = g.options("resourceDefaults", ownOption, Text)
	s.ResourceDefaultSets = g.sets("meta_attributes", ownOption, Text)
	s.OperationDefaults = g.options("operationDefaults", ownOption, Text)
	s.OperationDefaultSets = g.sets("meta_attributes", ownOption, Text)
	return c
}

func (g *generator) nodeOptions() v1.NodeOptions {
	return v1.NodeOptions{Description: g.maybe("description", Text), Score: g.maybe("score", score),
		Attributes: g.options("attributes", Name, Text), AttributeSets: g.sets("instance_attributes", Name, Text),
		Utilization: g.options("utilization", Name, whole), UtilizationSets: g.sets("utilization", Name, whole)}
}

func (g *generator) role() *v1.ACLRole {
	r := &v1.ACLRole{Object: g.object(g.fresh()), Spec: v1.ACLRoleSpec{Description: g.maybe("description", Text)}}
	for range rapid.IntRange(0, 3).Draw(g.T, "permissions") {
		p := v1.ACLPermission{Kind: rapid.SampledFrom([]string{"read", "write", "deny"}).Draw(g.T, "kind"), Description: g.maybe("description", Text),
			ID: g.own("acl_permission", false)}
		switch rapid.IntRange(0, 2).Draw(g.T, "what") {
		case 0:
			p.XPath = nonEmpty.Draw(g.T, "xpath")
		case 1:
			p.Reference = rapid.SampledFrom(g.ids).Draw(g.T, "reference")
		case 2:
			p.ObjectType, p.Attribute = Name.Draw(g.T, "type"), g.maybe("attribute", nonEmpty)
		}
		r.Spec.Permissions = append(r.Spec.Permissions, p)
	}
	return r
}

func (g *generator) subject(roles []*v1.ACLRole) v1.ACLSubject {
	s := v1.ACLSubject{Account: g.maybe("account", nonEmpty)}
	for _, r := range roles {
		if g.some("role?", 2) {
			s.Roles = append(s.Roles, r.Metadata.Name)
		}
	}
	return s
}

func (g *generator) alert(i int) *v1.Alert {
	a := &v1.Alert{Object: g.object(g.fresh()), Spec: v1.AlertSpec{Path: fmt.Sprintf("/a b/alert%d.sh", i), Description: g.maybe("description", Text),
		Params: g.options("params", paramName, Text), ParamSets: g.sets("instance_attributes", paramName, Text),
		Meta: g.options("meta", ownOption, Text), MetaSets: g.sets("meta_attributes", ownOption, Text)}}
	if !g.onlyCIB && g.some("script?", 2) {
		a.Spec.Script = &v1.Script{Content: nonEmpty.Draw(g.T, "content"), Mode: g.maybe("mode", rapid.Just("0700"))}
	}
	if g.some("select?", 2) {
		s := &v1.AlertSelect{Nodes: rapid.Bool().Draw(g.T, "nodes"), Fencing: rapid.Bool().Draw(g.T, "fencing"), Resources: rapid.Bool().Draw(g.T, "resources")}
		if g.some("attributes?", 2) {
			s.Attributes = &v1.AlertAttributes{Names: rapid.SliceOfN(nonEmpty, 0, 2).Draw(g.T, "names")}
		}
		a.Spec.Select = s
	}
	for range rapid.IntRange(0, 3).Draw(g.T, "recipients") {
		a.Spec.Recipients = append(a.Spec.Recipients, v1.AlertRecipient{Value: nonEmpty.Draw(g.T, "value"), ID: g.own("recipient", false),
			Description: g.maybe("description", Text), Params: g.options("params", paramName, Text), ParamSets: g.sets("instance_attributes", paramName, Text),
			Meta: g.options("meta", ownOption, Text), MetaSets: g.sets("meta_attributes", ownOption, Text)})
	}
	return a
}

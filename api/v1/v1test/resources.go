package v1test

import (
	"fmt"

	v1 "github.com/hactl/hactl/api/v1"
	"pgregory.net/rapid"
)

// primitive makes what can stand in a Resource, a group, a bundle or a template.
func (g *generator) primitive(template bool) v1.Primitive {
	p := v1.Primitive{
		Description:     Text.Draw(g.T, "description"),
		Params:          g.options("params", paramName, Text),
		ParamSets:       g.sets("instance_attributes", paramName, Text),
		Meta:            g.options("meta", ownOption, Text),
		MetaSets:        g.sets("meta_attributes", ownOption, Text),
		Utilization:     g.options("utilization", Name, whole),
		UtilizationSets: g.sets("utilization", Name, whole),
	}
	if templates := g.pools["template"]; template || len(templates) == 0 || !g.some("template?", 3) {
		p.Agent = agent.Draw(g.T, "agent")
	} else {
		p.Template = rapid.SampledFrom(templates).Draw(g.T, "template")
	}
	if !g.onlyCIB {
		for _, n := range rapid.SliceOfNDistinct(Name, 0, 2, rapid.ID).Draw(g.T, "secrets") {
			if _, ok := p.Params[n]; ok {
				continue
			}
			if p.Secrets == nil {
				p.Secrets = map[string]v1.SecretRef{}
			}
			p.Secrets[n] = secret.Draw(g.T, "ref")
		}
	}
	p.Operations = g.operations()
	if g.some("operationsFrom?", 4) {
		p.OperationsFrom = g.idRef("operations")
	}
	if len(p.Operations) > 0 {
		p.OperationsID = g.own("operations", false)
	}
	return p
}

func (g *generator) operations() []v1.Operation {
	var ops []v1.Operation
	for _, n := range rapid.SliceOfNDistinct(Name, 0, 3, rapid.ID).Draw(g.T, "operations") {
		o := v1.Operation{Name: n, Interval: interval.Draw(g.T, "interval"), Timeout: interval.Draw(g.T, "timeout"), Role: role.Draw(g.T, "role"),
			OnFail:  g.maybe("on-fail", rapid.SampledFrom([]string{"ignore", "block", "stop", "restart", "standby", "fence", "demote", "restart-container"})),
			Enabled: truth.Draw(g.T, "enabled"), RecordPending: truth.Draw(g.T, "record-pending"), Description: g.maybe("description", Text)}
		switch rapid.IntRange(0, 4).Draw(g.T, "from") {
		case 0:
			o.StartDelay = interval.Draw(g.T, "start-delay")
		case 1:
			o.IntervalOrigin = "2024-01-01"
		}
		if g.some("more?", 3) {
			o.Params, o.ParamSets = g.options("params", paramName, Text), g.sets("instance_attributes", paramName, Text)
			o.Meta, o.MetaSets = g.options("meta", ownOption, Text), g.sets("meta_attributes", ownOption, Text)
		}
		o.ID = g.own("op", false)
		ops = append(ops, o)
	}
	return ops
}

func (g *generator) clone() *v1.Clone {
	if !g.some("clone?", 3) {
		return nil
	}
	c := &v1.Clone{Description: g.maybe("description", Text), Meta: v1.Options{"clone-max": {Text: "2"}}, MetaSets: g.sets("meta_attributes", ownOption, Text),
		Params: g.options("params", paramName, Text), ParamSets: g.sets("instance_attributes", paramName, Text)}
	if g.some("promotable?", 2) {
		promotable := rapid.Bool().Draw(g.T, "promotable")
		c.Promotable = &promotable
	}
	if g.some("name?", 2) {
		c.Name = g.fresh()
	}
	return c
}

// name notes what constraints may name: what is cloned, by the clone's name alone.
func (g *generator) name(name string, c *v1.Clone) {
	switch {
	case c == nil:
	case c.Name == "":
		name += "-clone"
	default:
		name = c.Name
	}
	g.names = append(g.names, name)
}

func (g *generator) resource() *v1.Resource {
	r := &v1.Resource{Object: g.object(g.fresh()), Spec: v1.ResourceSpec{Primitive: g.primitive(false), Clone: g.clone()}}
	g.name(r.Metadata.Name, r.Spec.Clone)
	return r
}

func (g *generator) group() *v1.ResourceGroup {
	x := &v1.ResourceGroup{Object: g.object(g.fresh()), Spec: v1.ResourceGroupSpec{Description: g.maybe("description", Text),
		Meta: g.options("meta", ownOption, Text), MetaSets: g.sets("meta_attributes", ownOption, Text),
		Params: g.options("params", paramName, Text), ParamSets: g.sets("instance_attributes", paramName, Text), Clone: g.clone()}}
	for range rapid.IntRange(1, 3).Draw(g.T, "members") {
		x.Spec.Resources = append(x.Spec.Resources, v1.GroupMember{Name: g.fresh(), Primitive: g.primitive(false)})
		if x.Spec.Clone == nil {
			g.name(x.Spec.Resources[len(x.Spec.Resources)-1].Name, nil)
		}
	}
	g.name(x.Metadata.Name, x.Spec.Clone)
	return x
}

func (g *generator) bundle() *v1.Bundle {
	b := &v1.Bundle{Object: g.object(g.fresh()), Spec: v1.BundleSpec{Description: g.maybe("description", Text),
		Meta: g.options("meta", ownOption, Text), MetaSets: g.sets("meta_attributes", ownOption, Text),
		Params: g.options("params", paramName, Text), ParamSets: g.sets("instance_attributes", paramName, Text)}}
	c := &v1.Container{Image: nonEmpty.Draw(g.T, "image"), Replicas: g.maybe("replicas", natural), ReplicasPerHost: g.maybe("replicasPerHost", natural),
		PromotedMax: g.maybe("promotedMax", natural), RunCommand: g.maybe("runCommand", Text), Network: g.maybe("network", Text), Options: g.maybe("options", Text)}
	switch rapid.IntRange(0, 2).Draw(g.T, "tool") {
	case 0:
		b.Spec.Docker = c
	case 1:
		b.Spec.Podman = c
	case 2:
		b.Spec.Rkt = c
	}
	if g.some("network?", 2) {
		n := &v1.BundleNetwork{IPRangeStart: g.maybe("ip", rapid.Just("192.0.2.10")), ControlPort: g.maybe("control", natural),
			HostInterface: g.maybe("interface", Name), HostNetmask: g.maybe("netmask", natural), AddHost: truth.Draw(g.T, "addHost")}
		for range rapid.IntRange(0, 2).Draw(g.T, "ports") {
			port := v1.PortMapping{Range: "20000-20100", ID: g.own("port-mapping", false)}
			if g.some("port?", 2) {
				port.Port, port.Range, port.InternalPort = natural.Draw(g.T, "port"), "", g.maybe("internal", natural)
			}
			n.Ports = append(n.Ports, port)
		}
		b.Spec.Network = n
	}
	for range rapid.IntRange(0, 2).Draw(g.T, "storage") {
		s := v1.StorageMapping{SourceDir: "/a b", TargetDir: nonEmpty.Draw(g.T, "target"), Options: g.maybe("options", Text), ID: g.own("storage-mapping", false)}
		if g.some("root?", 2) {
			s.SourceDir, s.SourceDirRoot = "", "/root"
		}
		b.Spec.Storage = append(b.Spec.Storage, s)
	}
	if g.some("inside?", 2) {
		if b.Spec.Network == nil {
			b.Spec.Network = &v1.BundleNetwork{}
		}
		b.Spec.Network.ControlPort = "3121"
		b.Spec.Resource = &v1.GroupMember{Name: g.fresh(), Primitive: g.primitive(false)}
	}
	g.name(b.Metadata.Name, nil)
	return b
}

func (g *generator) template() *v1.ResourceTemplate {
	t := &v1.ResourceTemplate{Object: g.object(g.own("template", true))}
	t.Spec.Primitive = g.primitive(true)
	g.name(t.Metadata.Name, nil)
	return t
}

func (g *generator) fence() *v1.FenceDevice {
	f := &v1.FenceDevice{Object: g.object(g.fresh()), Spec: v1.FenceDeviceSpec{Agent: "fence_x", Description: g.maybe("description", Text),
		Params: g.options("params", rapid.Map(Name, func(s string) string { return "own_" + s }), Text),
		Meta:   g.options("meta", ownOption, Text), MetaSets: g.sets("meta_attributes", ownOption, Text),
		ParamSets: g.sets("instance_attributes", paramName, Text), Operations: g.operations()}}
	if g.some("targets?", 2) {
		f.Spec.Targets = []string{"n0"}
		f.Spec.AvoidTargets = g.some("avoid?", 2)
	}
	if g.some("plugs?", 2) {
		f.Spec.TargetPlugs = map[string]string{"n0": rapid.SampledFrom([]string{"1", "a:1", "1,2"}).Draw(g.T, "plug")}
	}
	if !g.onlyCIB && g.some("secrets?", 2) {
		f.Spec.Secrets = map[string]v1.SecretRef{"password": secret.Draw(g.T, "password")}
	}
	g.name(f.Metadata.Name, nil)
	return f
}

func (g *generator) topology(i int, devices []string) *v1.FencingTopology {
	x := &v1.FencingTopology{Object: g.object(fmt.Sprintf("levels%d", i))}
	switch i {
	case 0:
		x.Spec.Target = "n0"
	case 1:
		x.Spec.TargetPattern = "^n[0-9]+$"
	default:
		x.Spec.TargetAttribute, x.Spec.TargetValue = nonEmpty.Draw(g.T, "attribute"), nonEmpty.Draw(g.T, "value")
	}
	first := rapid.IntRange(0, 3).Draw(g.T, "first level")
	for n := range rapid.IntRange(1, 3).Draw(g.T, "levels") {
		l := v1.FencingLevel{Devices: rapid.SliceOfNDistinct(rapid.SampledFrom(devices), 1, len(devices), rapid.ID).Draw(g.T, "devices"), ID: g.own("fencing-level", false)}
		if first > 0 {
			l.Index = first + 2*n
		}
		x.Spec.Levels = append(x.Spec.Levels, l)
	}
	return x
}

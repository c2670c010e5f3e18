package lint

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/schemas/agents"
)

// cluster is what the lints ask: the manifests with the objects found by name, templates merged in.
type cluster struct {
	*v1.Manifests
	found       v1.Errors
	primitives  []*primitive
	units       map[string][]*unit // by all names that constraints may use
	orders      []order
	colocations []colocation
	agents      map[string]*agents.Agent // found so far; nil for those of whom nothing is known
	locations   map[string]bool          // what location constraints name; see located
	patterns    []*v1.Location
	tags        map[string][]string
}

// primitive is a resource, a member of a group or what runs in a bundle.
type primitive struct {
	*v1.Primitive
	object   *v1.Object
	path     string // within the object: spec, spec.resources[2]
	name     string
	agent    string               // the template's where that gives it
	template *v1.ResourceTemplate // nil: none
	group    *v1.ResourceGroup    // nil: stands alone
	clone    *v1.Clone            // its own or its group's; nil: none
	bundle   *v1.Bundle           // nil: none
	unit     *unit

	ops      []operation // see operations; nil: not asked for yet
	opsKnown bool
}

func newCluster(m *v1.Manifests) *cluster {
	c := &cluster{Manifests: m, agents: map[string]*agents.Agent{}}
	templates := make(map[string]*v1.ResourceTemplate, len(m.Templates))
	for _, t := range m.Templates {
		templates[t.Metadata.Name] = t
	}
	add := func(p *primitive) {
		p.agent = p.Agent
		if p.template = templates[p.Template]; p.template != nil {
			p.agent = p.template.Spec.Agent
		}
		c.primitives = append(c.primitives, p)
	}
	for _, r := range m.Resources {
		add(&primitive{Primitive: &r.Spec.Primitive, object: &r.Object, path: "spec", name: r.Metadata.Name, clone: r.Spec.Clone})
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			r := &g.Spec.Resources[i]
			add(&primitive{Primitive: &r.Primitive, object: &g.Object, path: fmt.Sprintf("spec.resources[%d]", i), name: r.Name, group: g, clone: g.Spec.Clone})
		}
	}
	for _, b := range m.Bundles {
		if r := b.Spec.Resource; r != nil {
			add(&primitive{Primitive: &r.Primitive, object: &b.Object, path: "spec.resource", name: r.Name, bundle: b})
		}
	}
	c.relate()
	return c
}

// param finds a parameter: what the primitive says itself, its template, then what its group or clone hands on.
func (p *primitive) param(name string) setting {
	s := lookup(name, p.path+".params", p.Params, p.path+".paramSets", p.ParamSets)
	if _, secret := p.Secrets[name]; secret {
		s.unsure = true
	}
	elsewhere := func(params v1.Options, sets []v1.AttributeSet) {
		if t := lookup(name, "", params, "", sets); !s.given && (t.given || t.unsure) {
			s.text, s.path, s.given, s.unsure = t.text, p.path, t.given, s.unsure || t.unsure
		}
	}
	if p.template != nil {
		elsewhere(p.template.Spec.Params, p.template.Spec.ParamSets)
	}
	if p.group != nil {
		elsewhere(p.group.Spec.Params, p.group.Spec.ParamSets)
	}
	if p.clone != nil {
		elsewhere(p.clone.Params, p.clone.ParamSets)
	}
	return s
}

// agent gives what Debian 12's agents tell of themselves; nil where nothing is known.
func (c *cluster) agent(name string) *agents.Agent {
	a, ok := c.agents[name]
	if !ok {
		a, _ = agents.Find(name)
		c.agents[name] = a
	}
	return a
}

// setting is an option's value with the field that gives it. unsure tells that a rule, a score or a reference to what is not at hand decides.
type setting struct {
	text   string
	path   string
	given  bool
	unsure bool
}

// lookup finds an option in the plain form or else in the sets behind it.
func lookup(name, path string, plain v1.Options, setsPath string, sets []v1.AttributeSet) setting {
	if v, ok := plain[name]; ok && !v.Null {
		return setting{text: v.Text, path: path + "." + name, given: true}
	}
	var s setting
	for i, set := range sets {
		if set.IDRef != "" {
			s.unsure = true
		}
		for j, v := range set.Values {
			switch {
			case v.IDRef != "" && (v.Name == "" || v.Name == name), v.Name == name && (set.Rule != nil || set.Score != "" || v.Secret != nil):
				s.unsure = true
			case v.Name == name && v.Value != nil && !s.given:
				s.text, s.path, s.given = *v.Value, fmt.Sprintf("%s[%d].values[%d].value", setsPath, i, j), true
			}
		}
	}
	return s
}

// property finds a cluster option by the first of its names that is given.
func (c *cluster) property(names ...string) setting {
	s := &c.Cluster.Spec
	var last setting
	for _, n := range names {
		last = lookup(n, "spec.properties", s.Properties, "spec.propertySets", s.PropertySets)
		if last.given || last.unsure {
			break
		}
	}
	return last
}

// isTrue follows Pacemaker's crm_str_to_boolean. What is no boolean is not true.
func isTrue(s string) bool {
	return slices.Contains([]string{"true", "on", "yes", "y", "1"}, strings.ToLower(s))
}

// isFalse tells about the words of the opposite.
func isFalse(s string) bool {
	return slices.Contains([]string{"false", "off", "no", "n", "0"}, strings.ToLower(s))
}

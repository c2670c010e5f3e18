package agents

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Check compares the agents and parameters of primitives, group members, templates and fence devices with the metadata of Debian 12's
// agents. What the agents would refuse or pass over is an error; a deprecated parameter, which still works, a warning. Both are sorted by
// place, and each can be silenced by metadata.ignore. Classes without metadata (systemd, service, lsb, …) and providers of whom Debian 12 has
// no agent are not judged.
func Check(m *v1.Manifests) (errs, warnings v1.Errors) {
	c := checker{found: map[string]found{}, templates: map[string]*v1.ResourceTemplate{}}
	for _, t := range m.Templates {
		c.templates[t.Metadata.Name] = t
		c.primitive(user{object: &t.Object, path: "spec", abstract: true}, &t.Spec.Primitive)
	}
	for _, r := range m.Resources {
		u := user{object: &r.Object, path: "spec"}
		u.inherits(cloned(r.Spec.Clone))
		c.primitive(u, &r.Spec.Primitive)
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			u := user{object: &g.Object, path: fmt.Sprintf("spec.resources[%d]", i)}
			u.inherits(g.Spec.Params, g.Spec.ParamSets)
			u.inherits(cloned(g.Spec.Clone))
			c.primitive(u, &g.Spec.Resources[i].Primitive)
		}
	}
	for _, b := range m.Bundles {
		if b.Spec.Resource != nil {
			u := user{object: &b.Object, path: "spec.resource"}
			u.inherits(b.Spec.Params, b.Spec.ParamSets)
			c.primitive(u, &b.Spec.Resource.Primitive)
		}
	}
	for _, f := range m.FenceDevices {
		s := &f.Spec
		c.params(user{object: &f.Object, path: "spec", agent: s.Agent, fence: true}, s.Params, s.ParamSets, s.Secrets)
	}
	return c.errs.Sorted(), c.warnings.Sorted()
}

func cloned(c *v1.Clone) (v1.Options, []v1.AttributeSet) {
	if c == nil {
		return nil, nil
	}
	return c.Params, c.ParamSets
}

type checker struct {
	errs, warnings v1.Errors
	found          map[string]found // by the agents' names
	templates      map[string]*v1.ResourceTemplate
}

// found is what is known of an agent: nothing, or that it is there, or that it is not.
type found struct {
	agent   *Agent
	unknown bool
	hint    string
}

// user is a place where an agent is used.
type user struct {
	object    *v1.Object
	path      string // of the primitive within the object
	agent     string
	fence     bool
	abstract  bool            // a template: what is missing may come from those that use it
	templated bool            // the agent is the template's
	given     map[string]bool // names given elsewhere: by a template, a group, a clone
	shared    bool            // some names stand in a set that is not at hand (idRef)
}

// inherits notes what is given elsewhere.
func (u *user) inherits(params v1.Options, sets []v1.AttributeSet) {
	if u.given == nil {
		u.given = map[string]bool{}
	}
	for n, v := range params {
		if !v.Null {
			u.given[n] = true
		}
	}
	for _, s := range sets {
		u.shared = u.shared || s.IDRef != ""
		for _, v := range s.Values {
			u.shared = u.shared || v.IDRef != "" && v.Name == ""
			u.given[v.Name] = true
		}
	}
}

func (c *checker) primitive(u user, p *v1.Primitive) {
	u.agent = p.Agent
	if p.Template != "" {
		t := c.templates[p.Template]
		if t == nil {
			return
		}
		u.agent, u.templated = t.Spec.Agent, true
		u.inherits(t.Spec.Params, t.Spec.ParamSets)
		for n := range t.Spec.Secrets {
			u.given[n] = true
		}
	}
	u.agent, u.fence = strings.CutPrefix(u.agent, "stonith:")
	c.params(u, p.Params, p.ParamSets, p.Secrets)
}

// params checks what is given to an agent.
func (c *checker) params(u user, params v1.Options, sets []v1.AttributeSet, secrets map[string]v1.SecretRef) {
	a := c.agent(u)
	if a == nil {
		return
	}
	u.inherits(params, sets)
	for _, n := range params.Names() {
		if v := params[n]; !v.Null { // null takes an option away, whatever its name is
			c.param(u, a, n, u.path+".params."+n, u.path+".params."+n, &v.Text)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(secrets)) {
		c.param(u, a, n, u.path+".secrets."+n, "", nil)
	}
	for i, s := range sets {
		for j, v := range s.Values {
			if p := fmt.Sprintf("%s.paramSets[%d].values[%d]", u.path, i, j); v.Name != "" {
				c.param(u, a, v.Name, p+".name", p+".value", v.Value)
			}
		}
	}
	if u.abstract || u.shared {
		return
	}
	for _, n := range a.Missing(func(n string) bool { _, ok := secrets[n]; return ok || u.given[n] }, u.fence) {
		what := ""
		if d := a.Param(n).Description; d != "" && !strings.EqualFold(d, n) {
			what = " (" + d + ")"
		}
		c.errorf(u, v1.LintMissingParameter, u.path+".params", "%s requires the parameter %s%s; add it", u.agent, n, what)
	}
}

// agent finds the user's agent, and tells if there is none: once, where the agent is named.
func (c *checker) agent(u user) *Agent {
	f, ok := c.found[u.agent]
	if !ok {
		if f.agent, ok = Find(u.agent); !ok {
			f.hint, f.unknown = unknown(u.agent, u.fence)
		}
		c.found[u.agent] = f
	}
	if f.unknown && !u.templated {
		c.errorf(u, v1.LintUnknownAgent, u.path+".agent", "Debian 12 has no agent %s%s", u.agent, f.hint)
	}
	return f.agent
}

// param checks one parameter; value is nil where it is not known.
func (c *checker) param(u user, a *Agent, name, path, valuePath string, value *string) {
	p := a.Param(name)
	if p == nil && u.fence {
		p = fencerAgent().Param(name)
	}
	switch {
	case p == nil && !a.Takes(name, u.fence):
		near := a.Near(name, u.fence)
		u.given[near] = true // "ipp" is not also a missing ip
		c.errorf(u, v1.LintUnknownParameter, path, "%s has no parameter %q%s", u.agent, name, a.hint(name, near, u.fence))
	case p == nil:
	case p.Deprecated:
		do := "remove it"
		if p.ReplacedBy != "" {
			do = "write " + p.ReplacedBy
		}
		c.warnf(u, v1.LintDeprecatedParameter, path, "%s is deprecated in %s; %s", name, u.agent, do)
	}
	if p != nil && value != nil {
		if wrong := p.Wrong(*value); wrong != "" {
			c.errorf(u, v1.LintParameterType, valuePath, "%s", wrong)
		}
	}
}

// hint continues a message about an unknown parameter.
func (a *Agent) hint(name, near string, fence bool) string {
	if option := strings.ReplaceAll(name, "_", "-"); slices.Contains(resourceOptions(), option) {
		return fmt.Sprintf("; %s is an option of the resource: write it under meta", option)
	}
	if near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	var names []string
	for _, p := range a.Params {
		if !p.Deprecated {
			names = append(names, p.Name)
		}
	}
	switch n := len(names); {
	case n == 0:
		return "; it has none"
	case n > 15:
		return "; see its parameters on a node with: crm_resource --show-metadata " + a.full(fence)
	}
	return "; it has " + strings.Join(names, ", ")
}

func resourceOptions() []string {
	names, _ := v1.OptionNames("meta")
	return names
}

func (a *Agent) full(fence bool) string {
	if fence {
		return "stonith:" + a.Name
	}
	return a.Name
}

func (c *checker) errorf(u user, lint, path, format string, args ...any) {
	c.errs = add(c.errs, u, lint, path, fmt.Sprintf(format, args...))
}

func (c *checker) warnf(u user, lint, path, format string, args ...any) {
	c.warnings = add(c.warnings, u, lint, path, fmt.Sprintf(format, args...))
}

func add(to v1.Errors, u user, lint, path, message string) v1.Errors {
	o := u.object
	if slices.ContainsFunc(o.Metadata.Ignore, func(l v1.IgnoredLint) bool { return l.Lint == lint }) {
		return to
	}
	return append(to, &v1.Error{Pos: o.Pos(path), Object: o.Kind + "/" + o.Metadata.Name, Path: path, Message: message, Lint: lint})
}

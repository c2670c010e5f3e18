package lint

import (
	"fmt"

	v1 "github.com/hactl/hactl/api/v1"
)

// option is one that is given somewhere, in the plain form or in a set: at is the path of its name, path that of its value.
type option struct {
	object     *v1.Object
	at, path   string
	name, text string
}

// options lists what is given in the plain form and in the sets.
func options(o *v1.Object, path string, plain v1.Options, setsPath string, sets []v1.AttributeSet) []option {
	var all []option
	for _, n := range plain.Names() {
		if v := plain[n]; !v.Null {
			all = append(all, option{o, path + "." + n, path + "." + n, n, v.Text})
		}
	}
	for i, s := range sets {
		for j, v := range s.Values {
			if v.Value != nil {
				at := fmt.Sprintf("%s[%d].values[%d]", setsPath, i, j)
				all = append(all, option{o, at + ".name", at + ".value", v.Name, *v.Value})
			}
		}
	}
	return all
}

// metas lists every meta attribute of a resource, wherever it may stand.
func (c *cluster) metas() []option {
	s := &c.Cluster.Spec
	all := options(&c.Cluster.Object, "spec.resourceDefaults", s.ResourceDefaults, "spec.resourceDefaultSets", s.ResourceDefaultSets)
	add := func(o *v1.Object, path string, plain v1.Options, sets []v1.AttributeSet) {
		all = append(all, options(o, path+".meta", plain, path+".metaSets", sets)...)
	}
	clone := func(o *v1.Object, x *v1.Clone) {
		if x != nil {
			add(o, "spec.clone", x.Meta, x.MetaSets)
		}
	}
	c.everyPrimitive(func(o *v1.Object, path string, p *v1.Primitive) { add(o, path, p.Meta, p.MetaSets) })
	for _, r := range c.Resources {
		clone(&r.Object, r.Spec.Clone)
	}
	for _, g := range c.Groups {
		add(&g.Object, "spec", g.Spec.Meta, g.Spec.MetaSets)
		clone(&g.Object, g.Spec.Clone)
	}
	for _, b := range c.Bundles {
		add(&b.Object, "spec", b.Spec.Meta, b.Spec.MetaSets)
	}
	for _, f := range c.FenceDevices {
		add(&f.Object, "spec", f.Spec.Meta, f.Spec.MetaSets)
	}
	return all
}

// everyPrimitive calls f for each primitive, those of templates included.
func (c *cluster) everyPrimitive(f func(o *v1.Object, path string, p *v1.Primitive)) {
	for _, t := range c.Templates {
		f(&t.Object, "spec", &t.Spec.Primitive)
	}
	for _, p := range c.primitives {
		f(p.object, p.path, p.Primitive)
	}
}

// everyOperation calls f for each operation, those of templates and fence devices included.
func (c *cluster) everyOperation(f func(o *v1.Object, op operation)) {
	c.everyPrimitive(func(o *v1.Object, path string, p *v1.Primitive) {
		for _, op := range operations(p.Operations, path+".operations") {
			f(o, op)
		}
	})
	for _, d := range c.FenceDevices {
		for _, op := range operations(d.Spec.Operations, "spec.operations") {
			f(&d.Object, op)
		}
	}
}

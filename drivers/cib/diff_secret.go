package cib

import "github.com/hactl/hactl/reconcile"

// clearText compares a wanted secret with a value that stands in the CIB in clear text. told is false where the field has no secret.
func (c *comparison) clearText(f, live field) (equal, told bool) {
	s := c.secretOf(f)
	if s == nil {
		return false, false
	}
	switch {
	case !s.Value.Comparable():
		c.uncompared(f, "is not compared: the secret's value is not known here, and the cluster has one in clear text")
	case s.Value.Reveal() == live.value:
		c.uncompared(f, "stands in clear text in the cluster, where everyone who reads the CIB reads it")
	default:
		return false, true
	}
	c.clear[secretKey{c.o.Ref, f.path()}] = true
	return true, true
}

type secretKey struct {
	object reconcile.Ref
	field  string
}

// secretOf is the secret of a wanted field, or nil.
func (c *comparison) secretOf(f field) *Secret {
	if c.secretsOf == nil {
		c.secretsOf = map[secretKey]*Secret{}
		for _, list := range [][]Secret{c.planner.want.Secrets, c.planner.want.Inline} {
			for i := range list {
				c.secretsOf[secretKey{list[i].Object, list[i].Field}] = &list[i]
			}
		}
	}
	return c.secretsOf[secretKey{c.o.Ref, f.path()}]
}

// inline refuses to write a secret where Pacemaker reads none from a file.
func (c *comparison) inline(f field) {
	if s := c.secretOf(f); f.value == lrm && s != nil && s.Resource == "" && !c.planner.offline {
		c.errorf(f.path(), "%s: Pacemaker reads secrets from files for the parameters of primitives only; here the text itself must stand in the CIB, "+
			"and hactl writes no secret there: give it as a value, or let the script read a file", f.path())
	}
}

// withoutClear leaves out the secrets that stand in the CIB in clear text and stay there: no file is written for them.
func (p *planner) withoutClear() {
	var files []Secret
	for _, s := range p.want.Secrets {
		if !p.clear[secretKey{s.Object, s.Field}] {
			files = append(files, s)
		}
	}
	p.want.Secrets = files
}

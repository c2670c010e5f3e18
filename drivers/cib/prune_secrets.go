package cib

import (
	"path"
	"slices"

	"github.com/hactl/hactl/reconcile"
)

// planSecretRemovals makes a step for each member that has files of secrets that nothing refers to any more: of parameters that left the
// manifest of a resource of ours, and of resources that are gone, if hactl wrote the files. They go after the CIB refers to them no longer.
func (p *planner) planSecretRemovals() []reconcile.Step {
	if p.have.Recorded || !p.have.formed() {
		return nil
	}
	wanted := map[[2]string]bool{}
	for _, s := range p.want.Secrets {
		wanted[[2]string{s.Resource, s.Param}] = true
	}
	for k := range p.clear { // an operator's doing, whose file may be needed again
		if o := p.byRef[k.object]; o != nil {
			if _, name, ok := cutLast(k.field); ok {
				wanted[[2]string{k.object.Name, name}] = true
			}
		}
	}
	var steps []reconcile.Step
	for _, m := range p.have.Members {
		var st *reconcile.Step
		argv := []string{"rm", "-f", "--"}
		dirs := []string{"rmdir", "--ignore-fail-on-non-empty", "--"}
		for _, s := range p.have.Secrets {
			if s.Node != m.Name || wanted[[2]string{s.Resource, s.Param}] || !p.ours(s) || p.refersToSecret(s) {
				continue
			}
			if st == nil {
				st = &reconcile.Step{ID: "cib " + m.Name + " unused secrets", Host: m.Name}
			}
			st.Changes = append(st.Changes, reconcile.Change{Object: secretRef(m.Name, s.Resource, s.Param), Action: reconcile.Delete, Source: p.want.Source,
				Why: "nothing refers to it any more"})
			at := secretPath(s.Resource, s.Param)
			argv = append(argv, at, at+".sign", at+registrationSuffix)
			if d := path.Dir(at); !slices.Contains(dirs, d) {
				dirs = append(dirs, d)
			}
		}
		if st != nil {
			st.Ops = []reconcile.Op{reconcile.Command{Argv: argv}, reconcile.Command{Argv: dirs}}
			steps = append(steps, *st)
		}
	}
	return steps
}

func cutLast(s string) (head, last string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// ours tells whether a stored secret is one that hactl may remove: the resource is ours, or it is gone and hactl wrote the file. In a part of the
// manifests only what they tell is.
func (p *planner) ours(s Secret) bool {
	for _, ref := range []reconcile.Ref{Resource(s.Resource), FenceDevice(s.Resource)} {
		if e := p.inv[ref]; e.el != nil {
			return e.owner == p.want.Owner && (p.byRef[ref] != nil || !p.want.Part)
		}
	}
	if p.byRef[Resource(s.Resource)] != nil || p.byRef[FenceDevice(s.Resource)] != nil {
		return s.Owner == p.want.Owner // this plan makes it: an earlier run died before its change of the CIB
	}
	return !p.want.Part && s.Owner == p.want.Owner && p.work.find(s.Resource) == nil
}

// refersToSecret tells whether the final CIB refers to a stored secret.
func (p *planner) refersToSecret(s Secret) bool {
	el := p.work.findIn("resources", s.Resource)
	if el == nil {
		return false
	}
	refers := el.SelectAttr("template") != nil // what the template says is the resource's too
	for _, nv := range el.FindElements("./instance_attributes/nvpair") {
		refers = refers || attr(nv, "name") == s.Param && attr(nv, "value") == lrm
	}
	return refers
}

package iscsitarget

import (
	"cmp"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Service is a target that Pacemaker starts and stops, by the agents iSCSITarget and iSCSILogicalUnit. hactl leaves its kernel side alone.
type Service struct {
	// Resources are the target's and those of its LUNs.
	Resources []reconcile.Ref
	LUNs      []int
	// Initiators may log in; none: all may.
	Initiators []string
}

// Services are the targets that the manifests' resources serve, by IQN.
func Services(m *v1.Manifests) map[string]*Service {
	templates := map[string]*v1.Primitive{}
	for _, t := range m.Templates {
		templates[t.Metadata.Name] = &t.Spec.Primitive
	}
	served := map[string]*Service{}
	see := func(name string, p *v1.Primitive) {
		agent, t := p.Agent, templates[p.Template]
		if t != nil {
			agent = t.Agent
		}
		param := func(name string) string {
			if t == nil {
				return p.Params[name].Text
			}
			return cmp.Or(p.Params[name].Text, t.Params[name].Text)
		}
		of := func(iqn string) *Service {
			if served[iqn] == nil {
				served[iqn] = &Service{}
			}
			served[iqn].Resources = append(served[iqn].Resources, reconcile.Ref{Kind: "Resource", Name: name})
			return served[iqn]
		}
		switch agent {
		case "ocf:heartbeat:iSCSITarget":
			of(param("iqn")).Initiators = strings.Fields(param("allowed_initiators"))
		case "ocf:heartbeat:iSCSILogicalUnit":
			s := of(param("target_iqn"))
			if n, err := strconv.Atoi(param("lun")); err == nil {
				s.LUNs = append(s.LUNs, n)
			}
		}
	}
	for _, r := range m.Resources {
		see(r.Metadata.Name, &r.Spec.Primitive)
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			see(g.Spec.Resources[i].Name, &g.Spec.Resources[i].Primitive)
		}
	}
	return served
}

package v1

import (
	"fmt"
	"reflect"
	"slices"
)

// policies takes the WatchPolicies out of the objects and checks each by itself.
func (l *loader) policies() []*WatchPolicy {
	var policies []*WatchPolicy
	names := map[string]*WatchPolicy{}
	l.objects = slices.DeleteFunc(l.objects, func(o any) bool {
		p, ok := o.(*WatchPolicy)
		if ok {
			policies = append(policies, p)
		}
		return ok
	})
	for _, p := range policies {
		p.SetDefaults()
		l.shape(&p.Object, reflect.ValueOf(p).Elem(), "")
		l.metadata(&p.Object)
		p.validate(&l.checker)
		name := p.Metadata.Name
		if name == "" {
			continue
		}
		if msg := checkWord(name); msg != "" {
			l.errorf(&p.Object, "metadata.name", "%s", msg)
		}
		if first := names[name]; first != nil {
			l.errorf(&p.Object, "metadata.name", "the name is that of another WatchPolicy%s; give one another name", place(first.Pos("metadata.name")))
			continue
		}
		names[name] = p
	}
	return policies
}

// govern finds each Cluster its policy: the one that names it, else the one that names none. Two that claim the same cluster are a mistake, and so is a
// name that no Cluster has, where there are Clusters to compare with.
func (l *loader) govern(policies []*WatchPolicy, sets []*Manifests) {
	var clusters []string
	byName := map[string]*Manifests{}
	for _, m := range sets {
		if m.Cluster != nil {
			clusters = append(clusters, m.Cluster.Metadata.Name)
			byName[m.Cluster.Metadata.Name] = m
		}
	}
	var rest *WatchPolicy
	claimed := map[string]*WatchPolicy{}
	for _, p := range policies {
		if p.Spec.Rollout != nil {
			l.clusters(p, "spec.rollout.canary", p.Spec.Rollout.Canary, clusters)
		}
		l.clusters(p, "spec.clusters", p.Spec.Clusters, clusters)
		for i, name := range p.Spec.Clusters {
			first := claimed[name]
			switch m := byName[name]; {
			case first != nil && first != p:
				l.errorf(&p.Object, fmt.Sprintf("spec.clusters[%d]", i), "%q is named by the WatchPolicy %s, too%s; remove it from one of the two",
					name, first.Metadata.Name, place(first.Pos("spec.clusters")))
			case m != nil:
				m.Policy = p
			}
			claimed[name] = p
		}
		switch {
		case len(p.Spec.Clusters) > 0 || l.failed[&p.Object]["spec.clusters"]:
		case rest != nil:
			l.errorf(&p.Object, "", "names no clusters, and so does the WatchPolicy %s%s; name those that it is for in spec.clusters of one of the two",
				rest.Metadata.Name, place(rest.Pos("")))
		default:
			rest = p
		}
	}
	for _, m := range sets {
		if m.Policy == nil {
			m.Policy = rest
		}
	}
}

// clusters checks a list of names of clusters.
func (l *loader) clusters(p *WatchPolicy, path string, names, known []string) {
	for i, name := range names {
		if len(known) > 0 && name != "" && !slices.Contains(known, name) && !l.mayBeUnread(name) {
			l.errorf(&p.Object, fmt.Sprintf("%s[%d]", path, i), "there is no Cluster %q%s", name, hint(name, known))
		}
	}
}

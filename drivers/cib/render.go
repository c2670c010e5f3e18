package cib

import (
	"github.com/hactl/hactl/reconcile"
)

// Render gives the CIB as a new cluster would have it, for `cibadmin --empty` of Pacemaker 2.1.5.
func (d *Driver) Render(want, _ State) ([]reconcile.Rendered, error) {
	if want.Cluster == "" {
		return nil, nil
	}
	p, err := newPlanner(want, State{})
	if err != nil {
		return nil, err
	}
	doc := p.work.Copy()
	mask(doc.Root())
	doc.Indent(2)
	text, err := doc.WriteToString()
	if err != nil {
		return nil, err
	}
	return []reconcile.Rendered{{Path: "cib.xml", File: reconcile.File{Content: reconcile.Plain(text)}}}, nil
}

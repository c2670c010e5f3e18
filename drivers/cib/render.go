package cib

import (
	"fmt"

	"github.com/hactl/hactl/reconcile"
)

// Render gives the CIB as a new cluster would have it, for `cibadmin --empty` of Pacemaker 2.1.5. Where there is a CIB already (render
// --base), it gives that one with the changes in it and everything else as it is, byte for byte.
func (d *Driver) Render(want, have State) ([]reconcile.Rendered, error) {
	if want.Cluster == "" {
		return nil, nil
	}
	p, err := compare(want, have, true)
	if err != nil {
		return nil, err
	}
	var text string
	if have.formed() {
		text, err = spliced(string(have.CIB), p.work.Document)
	} else {
		p.addNodes()
		doc := p.work.Copy()
		mask(doc.Root())
		doc.Indent(2)
		text, err = doc.WriteToString()
	}
	if err != nil {
		return nil, fmt.Errorf("write the CIB: %w", err)
	}
	return []reconcile.Rendered{{Path: "cib.xml", File: reconcile.File{Content: reconcile.Plain(text)}}}, nil
}

// addNodes completes <nodes>, in the order of the manifest.
func (p *planner) addNodes() {
	nodes := section(p.work.Document, "nodes")
	there := homesOf(p.work.Document).nodes
	for i, n := range p.want.Nodes {
		el := there[n.Name]
		if el == nil {
			el = n.element()
		} else {
			nodes.RemoveChild(el)
		}
		nodes.InsertChildAt(i, el)
	}
}

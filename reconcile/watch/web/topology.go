package web

import (
	"cmp"
	"slices"

	"github.com/hactl/hactl/reconcile"
)

// topology is a table of the nodes and of what is where.
type topology struct {
	Nodes []node
	Rows  []row
}

// node is a node of the cluster, and how it is.
type node struct{ Name, Text string }

// row is a thing, and as what it is on each node; "" where it is not.
type row struct {
	reconcile.Health
	Cells []string
}

// nodeKinds are those of the objects that are nodes: the name of such an object is the node's.
var nodeKinds = []string{"Node", "cluster-node"}

// arrange puts what is known of a cluster in its places: what is wrong, the worst first; what is somewhere; and what is nowhere in particular.
func arrange(hs []reconcile.Health) (troubles []reconcile.Health, t topology, rest []reconcile.Health) {
	text := map[string]string{}
	for _, h := range hs {
		if slices.Contains(nodeKinds, h.Object.Kind) {
			text[h.Object.Name] = cmp.Or(text[h.Object.Name], h.Text)
		}
		for _, p := range h.On {
			text[p.Node] = cmp.Or(text[p.Node], "")
		}
	}
	column := map[string]int{}
	for name := range text {
		t.Nodes = append(t.Nodes, node{name, text[name]})
	}
	slices.SortFunc(t.Nodes, func(a, b node) int { return cmp.Compare(a.Name, b.Name) })
	for i, n := range t.Nodes {
		column[n.Name] = i
	}
	for _, h := range hs {
		if h.Level >= reconcile.Degraded {
			troubles = append(troubles, h)
		}
		switch {
		case len(h.On) > 0:
			r := row{h, make([]string, len(t.Nodes))}
			for _, p := range h.On {
				r.Cells[column[p.Node]] = p.As
			}
			t.Rows = append(t.Rows, r)
		case h.Level < reconcile.Degraded && !slices.Contains(nodeKinds, h.Object.Kind):
			rest = append(rest, h)
		}
	}
	slices.SortStableFunc(troubles, func(a, b reconcile.Health) int { return cmp.Compare(b.Level, a.Level) })
	return troubles, t, rest
}

package manual

import (
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/schemas/agents"
)

// Complete lists what a beginning can become: kinds and agents, or the fields of what stands before the last dot.
func (m *Manual) Complete(beginning string) []string {
	var all []string
	if i := strings.LastIndexByte(beginning, '.'); i < 0 {
		all = append(v1.Kinds(), "expression", "lints")
		if beginning != "" {
			all = append(all, agents.Names()...)
		}
	} else if t, err := m.Find(beginning[:i]); err == nil {
		for _, n := range t.inside() {
			all = append(all, beginning[:i]+"."+n)
		}
	}
	var paths []string
	for _, p := range all {
		if len(p) >= len(beginning) && strings.EqualFold(p[:len(beginning)], beginning) {
			paths = append(paths, p)
		}
	}
	return paths
}

// inside lists the names that can follow a path.
func (t *Topic) inside() []string {
	switch {
	case t.Type != nil:
		return t.Type.Names()
	case t.Field != nil && t.Option == nil && t.Field.Table != "":
		var names []string
		for _, o := range v1.LookupOptions(t.Field.Table).Options {
			names = append(names, o.Name)
		}
		return names
	}
	return nil
}

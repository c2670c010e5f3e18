package conf

import (
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Change is one difference in meaning.
type Change struct {
	// Path says what: "r0/net/protocol", "r0/on alice/volume 0/disk", "r0/connection alice -- bob/path 0/alice". What is the same for all
	// connections or all volumes of a resource has the short path.
	Path string
	// Have and Want are the values; "" is absent. Values are shown as they are, shared-secret too: whoever prints them masks them.
	Have, Want string
	// Pos is where the wanted value stands, or where the one does that goes.
	Pos v1.Pos
}

// Equal tells whether two configurations come to the same for DRBD.
func Equal(have, want *Config, d Dialect) bool { return len(Diff(have, want, d)) == 0 }

// Diff compares what two configurations come to, with everything inherited and all defaults of drbdadm (not those of the kernel), and gives the
// differences sorted by their paths. Order, quotes, units, host names' order and who says it (common, resource or connection) do not count.
func Diff(have, want *Config, d Dialect) []Change {
	a, b := factsOf(have, d), factsOf(want, d)
	changes := map[string]*change{}
	for key, f := range b {
		if old, ok := a[key]; !ok || old.value != f.value {
			changes[key] = &change{path: f.path, have: old.value, want: f.value, pos: f.pos}
		}
	}
	for key, f := range a {
		if _, ok := b[key]; !ok {
			changes[key] = &change{path: f.path, have: f.value, pos: f.pos}
		}
	}
	out := shorten(changes, a)
	slices.SortFunc(out, func(x, y Change) int { return strings.Compare(x.Path, y.Path) })
	return out
}

type change struct {
	path       []string
	have, want string
	pos        v1.Pos
}

func factsOf(c *Config, d Dialect) map[string]fact {
	e := effective{d: d}
	if c != nil {
		e.config(c)
	}
	m := make(map[string]fact, len(e.facts))
	for _, f := range e.facts {
		m[strings.Join(f.path, "/")] = f
	}
	return m
}

// general gives the short path of an option that a resource usually says once for all connections, or hosts and volumes; "" if there is none.
func general(path []string) string {
	n := len(path)
	switch {
	case n == 4 && strings.HasPrefix(path[1], "connection ") && path[2] == "net":
		return path[0] + "/net/" + path[3]
	case n == 5 && path[3] == "disk-options":
		return path[0] + "/disk/" + path[4]
	}
	return ""
}

// shorten tells once what changes in the same way everywhere in a resource.
func shorten(changes map[string]*change, have map[string]fact) []Change {
	type group struct {
		change
		mixed   bool
		changed int
	}
	groups := map[string]*group{}
	for _, c := range changes {
		short := general(c.path)
		if short == "" {
			continue
		}
		g := groups[short]
		if g == nil {
			g = &group{change: *c}
			groups[short] = g
		}
		g.changed++
		g.mixed = g.mixed || g.have != c.have || g.want != c.want
		if c.pos.Line < g.pos.Line {
			g.pos = c.pos
		}
	}
	same := map[string]int{} // facts under the short path that do not change
	for key, f := range have {
		if short := general(f.path); short != "" && changes[key] == nil {
			same[short]++
		}
	}
	out := make([]Change, 0, len(changes))
	for key, c := range changes {
		short := general(c.path)
		if g := groups[short]; g == nil || g.mixed || same[short] > 0 {
			out = append(out, Change{Path: key, Have: c.have, Want: c.want, Pos: c.pos})
		}
	}
	for short, g := range groups {
		if !g.mixed && same[short] == 0 {
			out = append(out, Change{Path: short, Have: g.have, Want: g.want, Pos: g.pos})
		}
	}
	return out
}

package conf

import (
	"cmp"
	"maps"
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
	a, b := newEffective(have, d), newEffective(want, d)
	old, facts := a.index(), b.index()
	changes := map[string]*change{}
	for key, f := range facts {
		if o, ok := old[key]; !ok || o.value != f.value {
			changes[key] = &change{path: f.path, have: o.value, want: f.value, pos: f.pos}
		}
	}
	for key, f := range old {
		if _, ok := facts[key]; !ok {
			changes[key] = &change{path: f.path, have: f.value, pos: f.pos}
		}
	}
	for short, places := range b.places {
		if a.places[short] == nil {
			a.places[short] = places
		}
		maps.Copy(a.places[short], places)
	}
	out := shorten(changes, a.places)
	slices.SortFunc(out, func(x, y Change) int { return strings.Compare(x.Path, y.Path) })
	return out
}

type change struct {
	path       []string
	have, want string
	pos        v1.Pos
}

// general gives the short path of an option that a resource usually says once for all connections, or hosts and volumes, and in which places
// it then applies: "r0/net", "r0/disk", or "r0/peer", whose options are said in the disk section as well. Both are "" for other facts.
func general(path []string) (short, places string) {
	n := len(path)
	switch {
	case n == 4 && strings.HasPrefix(path[1], "connection ") && path[2] == "net":
		return path[0] + "/net/" + path[3], path[0] + "/net"
	case n == 5 && path[3] == "disk-options" && strings.HasPrefix(path[1], "connection "):
		return path[0] + "/disk/" + path[4], path[0] + "/peer"
	case n == 5 && path[3] == "disk-options":
		return path[0] + "/disk/" + path[4], path[0] + "/disk"
	}
	return "", ""
}

// shorten tells once what changes in the same way in all places of a resource.
func shorten(changes map[string]*change, places map[string]map[string]bool) []Change {
	type group struct {
		change
		mixed bool
		count int
	}
	groups := map[string]*group{}
	for _, c := range changes {
		short, _ := general(c.path)
		if short == "" {
			continue
		}
		g := groups[short]
		if g == nil {
			g = &group{change: *c}
			groups[short] = g
		}
		g.count++
		g.mixed = g.mixed || g.have != c.have || g.want != c.want
		if before(c.pos, g.pos) {
			g.pos = c.pos
		}
	}
	everywhere := func(short string, path []string) bool {
		_, where := general(path)
		g := groups[short]
		return g != nil && !g.mixed && g.count == len(places[where])
	}
	out := make([]Change, 0, len(changes))
	for key, c := range changes {
		if short, _ := general(c.path); !everywhere(short, c.path) {
			out = append(out, Change{Path: key, Have: c.have, Want: c.want, Pos: c.pos})
		}
	}
	for short, g := range groups {
		if everywhere(short, g.path) {
			out = append(out, Change{Path: short, Have: g.have, Want: g.want, Pos: g.pos})
		}
	}
	return out
}

func before(a, b v1.Pos) bool {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col)) < 0
}

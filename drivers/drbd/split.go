package drbd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// split is what two nodes know of a volume of which each has data that the other has not.
type split [2]side

// side is what a node knows of a volume: its own generation, and all that it has heard of.
type side struct {
	node, current string
	known         []string
}

// hasData tells that there was a generation at all: new metadata has 4 for one (UUID_JUST_CREATED in drbd_meta_data.h).
func (s side) hasData() bool {
	return strings.Trim(s.current, "0") != "" && s.current != "0000000000000004"
}

// findSplit compares what the nodes know of each volume. Each has a current generation that the other does not know: split brain. Nil if it is
// not.
func findSplit(have State, name string) *split {
	volumes := map[string][]side{}
	for _, n := range have.Nodes {
		for key, ids := range n.Metadata {
			if r, _, _ := strings.Cut(key, "/"); r != name {
				continue
			}
			s := side{node: n.Name}
			f := strings.Split(ids, ":")
			for _, id := range f[:min(4, len(f))] {
				s.known = append(s.known, even(id))
			}
			s.current = s.known[0]
			volumes[key] = append(volumes[key], s)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(volumes)) {
		sides := volumes[key]
		for i, a := range sides {
			for _, b := range sides[i+1:] {
				if a.hasData() && b.hasData() && !slices.Contains(a.known, b.current) && !slices.Contains(b.known, a.current) {
					return &split{a, b}
				}
			}
		}
	}
	return nil
}

func (s *split) String() string {
	return fmt.Sprintf("split brain: %s has the generation %s and %s has %s, and neither knows the other's", s[0].node, s[0].current, s[1].node, s[1].current)
}

// other is the node on the other side.
func (s *split) other(node string) string {
	if s[0].node == node {
		return s[1].node
	}
	return s[0].node
}

// current is a node's generation.
func (s *split) current(node string) string {
	if s[0].node == node {
		return s[0].current
	}
	return s[1].current
}

// even clears the last bit of a generation id, which only tells that the node was primary.
func even(id string) string {
	if id == "" {
		return id
	}
	const hex = "0123456789ABCDEF"
	if i := strings.IndexByte(hex, id[len(id)-1]); i >= 0 {
		return id[:len(id)-1] + string(hex[i&^1])
	}
	return id
}

// refusals notes why a connection was refused: the last line of the kernel's log on authentication, unless that went well.
func (n *NodeState) refusals(resource, log string) {
	l := n.Live[resource]
	if l == nil || log == "" || strings.Contains(log, "Peer authenticated") {
		return
	}
	if i := strings.Index(log, "drbd "+resource); i >= 0 {
		log = log[i:]
	}
	for i := range l.Peers {
		if l.Peers[i].Connection != "Connected" {
			l.Peers[i].Refused = log
		}
	}
}

// refusedBy is what the kernel of a node says about an authentication that failed, and the node; "" if none did.
func refusedBy(have State, name string) (node, log string) {
	for _, n := range have.Nodes {
		if l := n.Live[name]; l != nil {
			for _, p := range l.Peers {
				if p.Refused != "" {
					return n.Name, p.Refused
				}
			}
		}
	}
	return "", ""
}

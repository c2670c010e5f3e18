package corosync

import (
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// merged is the configuration that all members shall have, made from one that is there and the manifest.
type merged struct {
	conf      *Conf
	fields    map[string]string // of conf
	declared  map[string]bool   // fields that the manifest declares, or that follow from it
	sources   map[string]v1.Pos
	unmanaged []string // fields that no manifest ever declared
}

// merge puts the wanted fields into base, which may be nil, and takes out those that hactl applied before and the manifest no longer has.
// Nodes that the manifest does not name stay.
func merge(want State, base *Conf) (*merged, error) {
	m := &merged{declared: map[string]bool{}, sources: map[string]v1.Pos{}}
	if base == nil {
		m.conf = &Conf{}
	} else {
		m.conf = base.clone()
	}
	before := base.fields()
	ours, _ := base.inventory(want.Owner)
	if err := sameIDs(want, m.conf); err != nil {
		return nil, err
	}
	declare := func(f Field) {
		m.sources[f.Path] = f.Source
		if f.Remove {
			m.conf.removeField(f.Path)
			return
		}
		m.declared[f.Path] = true
		if v, ok := before[f.Path]; !ok || !sameValue(f.Path, v, f.Value) {
			m.conf.setField(f.Path, f.Value)
		}
	}
	for _, f := range want.Fields {
		v, there := before[f.Path]
		// A default is for files that hactl makes. In a file that someone else made it could turn encryption on or change the transport, also
		// after hactl has taken the file over; only where it says the same is it taken over with it.
		same := there && sameValue(f.Path, v, f.Value)
		if f.Default && base != nil && !same && !ours[f.Path] || !there && numbered(f.Path, before) {
			continue
		}
		declare(f)
	}
	// What hactl applied before and the manifest no longer says. A node that left the manifest is another matter than an option: taking a
	// node out of a cluster is never done on the way.
	named := map[string]bool{}
	for _, n := range want.Nodes {
		named[fmt.Sprintf("nodelist.node[%d]", n.ID)] = true
	}
	for _, p := range sortedKeys(ours) {
		if m.declared[p] || p == twoNode || strings.HasPrefix(p, "nodelist.") && !named[p[:strings.LastIndex(p, ".")]] {
			continue
		}
		m.conf.removeField(p)
	}
	m.twoNode(want, before, ours)
	m.fields = m.conf.fields()
	for _, p := range sortedKeys(m.fields) {
		if !m.declared[p] {
			m.unmanaged = append(m.unmanaged, p)
		}
	}
	return m, nil
}

// numbered tells that a path is the linknumber of an interface that is there and has its number from elsewhere (see sectionName).
func numbered(path string, before map[string]string) bool {
	section, is := strings.CutSuffix(path, "linknumber")
	if !is {
		return false
	}
	for p := range before {
		if strings.HasPrefix(p, section) {
			return true
		}
	}
	return false
}

const twoNode = "quorum.two_node"

// twoNode lets two_node follow the number of nodes in the list: 1 for exactly two without a quorum device and without auto_tie_breaker,
// which exclude it (votequorum(5)); else none. What the manifest says itself counts.
func (m *merged) twoNode(want State, before map[string]string, ours map[string]bool) {
	if _, said := want.field(twoNode); said {
		return
	}
	fields := m.conf.fields()
	atb := fields["quorum.auto_tie_breaker"]
	can := len(m.conf.nodeIDs()) == 2 && len(m.conf.device()) == 0 && (atb == "" || atb == "0")
	_, there := before[twoNode]
	pos := want.Source
	if len(want.Nodes) > 0 {
		if f, ok := want.field(fmt.Sprintf("nodelist.node[%d].name", want.Nodes[len(want.Nodes)-1].ID)); ok {
			pos = f.Source
		}
	}
	switch {
	case can:
		m.declared[twoNode] = true
		m.sources[twoNode] = pos
		if before[twoNode] != "1" {
			m.conf.setField(twoNode, "1")
		}
	case there && (ours[twoNode] || before[twoNode] == "1"):
		m.sources[twoNode] = pos
		m.conf.removeField(twoNode)
	}
}

func (c *Conf) device() []*Section {
	var out []*Section
	for _, q := range c.Root.sections("quorum") {
		out = append(out, q.sections("device")...)
	}
	return out
}

// nodeIDs lists the nodes of the file in order.
func (c *Conf) nodeIDs() []int {
	var ids []int
	if c == nil {
		return nil
	}
	for _, l := range c.Root.sections("nodelist") {
		for _, n := range l.sections("node") {
			id, _ := strconv.Atoi(n.first("nodeid"))
			ids = append(ids, id)
		}
	}
	sort.Ints(ids)
	return ids
}

// sameIDs refuses a manifest that numbers a node otherwise than the file: to corosync and the CIB it would be another node.
func sameIDs(want State, c *Conf) error {
	for _, l := range c.Root.sections("nodelist") {
		for _, n := range l.sections("node") {
			id, err := strconv.Atoi(n.first("nodeid"))
			if err != nil {
				continue
			}
			for _, w := range want.Nodes {
				name := n.first("name")
				same := name == w.Name || name == "" && len(w.Addresses) > 0 && n.first("ring0_addr") == w.Addresses[0]
				switch {
				case same && id != w.ID:
					f, _ := want.field(fmt.Sprintf("nodelist.node[%d].name", w.ID))
					return fmt.Errorf("%snode %s has the id %d in the corosync.conf that is there, the manifest gives it %d; write `id: %d` (another id would be another node)",
						at(f.Source), w.Name, id, w.ID, id)
				case !same && name != "" && id == w.ID:
					f, _ := want.field(fmt.Sprintf("nodelist.node[%d].name", w.ID))
					return fmt.Errorf("%sthe id %d of node %s belongs to node %s in the corosync.conf that is there; give %s another id",
						at(f.Source), w.ID, w.Name, name, w.Name)
				}
			}
		}
	}
	return nil
}

// example tells whether a file is the one that the distribution's package brings: a list of nodes with nothing but loopback addresses.
func (c *Conf) example() bool {
	n := 0
	for _, l := range c.Root.sections("nodelist") {
		for _, node := range l.sections("node") {
			for _, x := range node.Lines {
				if strings.HasSuffix(x.Key, "_addr") {
					n++
					if a, err := netip.ParseAddr(x.Value); err != nil || !a.IsLoopback() {
						return false
					}
				}
			}
		}
	}
	return n > 0
}

// difference lists the fields in which two configurations differ, in order.
func difference(a, b map[string]string) []string {
	seen := map[string]bool{}
	for p, v := range a {
		if w, ok := b[p]; !ok || !sameValue(p, v, w) {
			seen[p] = true
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok {
			seen[p] = true
		}
	}
	return sortedKeys(seen)
}

// at is the beginning of a message about a place in a manifest.
func at(p v1.Pos) string {
	if p.IsZero() {
		return ""
	}
	return p.String() + ": "
}

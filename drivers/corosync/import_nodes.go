package corosync

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// nodes reads the nodelist. A file without one, where the membership is found by multicast, leaves the nodes to who knows them.
func (im *importer) nodes() {
	for _, list := range im.conf.Root.sections("nodelist") {
		for _, l := range list.Lines {
			switch {
			case l.Section != nil && l.Section.Name == "node":
				im.node(l.Section)
			case l.Section != nil:
				im.lost("the section %s in nodelist", l.Section.Name)
			case l.Key != "":
				im.lost("nodelist.%s: %s", l.Key, l.Value)
			}
		}
	}
	nodes := im.c.Spec.Nodes
	if len(nodes) == 0 {
		how := "it has no nodelist"
		if a := im.fields["totem.interface[0].bindnetaddr"]; a != "" {
			how += ", the nodes find each other in the network " + a
		}
		im.lost("the nodes: %s. hactl needs them by name and address: complete spec.nodes", how)
		return
	}
	numbered := 0
	for _, n := range nodes {
		if n.ID != 0 {
			numbered++
		}
	}
	if numbered < len(nodes) {
		for i := range nodes { // all or none
			nodes[i].ID = 0
		}
		im.remark("spec.nodes", "corosync.conf gives the nodes no nodeid. Give each its id, as corosync-quorumtool -l tells it: with another it would be another node.")
	}
}

func (im *importer) node(s *Section) {
	n := v1.Node{Name: s.first("name")}
	byLink := map[int]string{}
	highest := -1
	for _, l := range s.Lines {
		ring, isRing := strings.CutPrefix(l.Key, "ring")
		ring, isAddress := strings.CutSuffix(ring, "_addr")
		link, err := strconv.Atoi(ring)
		switch {
		case l.Section != nil:
			im.lost("the section %s in a node of nodelist", l.Section.Name)
		case l.Key == "" || l.Key == "name":
		case l.Key == "nodeid":
			id, err := parseInt(l.Value)
			if err != nil || id < 1 || id > 1<<32-1 {
				im.lost("nodeid: %s, which is no id", l.Value)
				continue
			}
			n.ID = int(id)
		case isRing && isAddress && err == nil && link >= 0:
			byLink[link] = l.Value
			highest = max(highest, link)
		default:
			im.lost("%s: %s of a node in nodelist", l.Key, l.Value)
		}
	}
	if len(byLink) != highest+1 {
		im.lost("the numbers of the links of node %s: they are not 0, 1, …, and become so here", s.first("name", "nodeid", "ring0_addr"))
	}
	for link := 0; link <= min(highest, maxRing); link++ {
		if a, ok := byLink[link]; ok {
			n.Addresses = append(n.Addresses, a)
		}
	}
	im.identify(&n)
	im.c.Spec.Nodes = append(im.c.Spec.Nodes, n)
}

// maxRing bounds the numbers of links that are looked at: corosync has links 0 to 7.
const maxRing = 31

// identify finds a node's name and id where the file leaves them to corosync and Pacemaker.
func (im *importer) identify(n *v1.Node) {
	first := ""
	if len(n.Addresses) > 0 {
		first = n.Addresses[0]
	}
	ip, err := netip.ParseAddr(first)
	if n.ID == 0 && err == nil && ip.Is4() {
		// totemconfig.c: without a nodeid it is the IPv4 address as a number, for some clusters without its highest bit.
		id := binary.BigEndian.Uint32(ip.AsSlice())
		if im.fields["totem.clear_node_high_bit"] == "yes" {
			id &^= 1 << 31
		}
		n.ID = int(id)
		im.remark(fmt.Sprintf("spec.nodes[%d].id", len(im.c.Spec.Nodes)), "Not in corosync.conf; corosync makes it from the address.")
	}
	if n.Name != "" {
		return
	}
	n.Name = first
	if err == nil || first == "" { // Pacemaker takes uname -n then
		n.Name = fmt.Sprintf("node%d", len(im.c.Spec.Nodes)+1)
		im.remark(fmt.Sprintf("spec.nodes[%d].name", len(im.c.Spec.Nodes)), "corosync.conf does not name this node. Write what uname -n says there.")
	}
}

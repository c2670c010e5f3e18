package v1

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// bootstrapID is the id of the set that holds the cluster's properties. Pacemaker reads it first, whatever its place and score.
const bootstrapID = "cib-bootstrap-options"

// maxLinks is KNET_MAX_LINK.
const maxLinks = 8

// SetDefaults numbers the nodes from 1 in the order of the list if none has an id.
func (x *Cluster) SetDefaults() {
	x.setType("Cluster")
	for _, n := range x.Spec.Nodes {
		if n.ID != 0 {
			return
		}
	}
	for i := range x.Spec.Nodes {
		x.Spec.Nodes[i].ID = i + 1
	}
}

func (x *Cluster) validate(c *checker) {
	o, s := &x.Object, &x.Spec
	// The name is written into corosync.conf and lvmlockd's and GFS2's lock names, so it is kept plain.
	if n := o.Metadata.Name; n != "" && (strings.ContainsFunc(n, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.')
	})) {
		c.errorf(o, "metadata.name", "%q cannot be a cluster's name: it must hold only letters, digits, _, - and .", n)
	}
	if n := o.Metadata.Cluster; n != "" && n != o.Metadata.Name {
		c.errorf(o, "metadata.cluster", "a Cluster belongs to no other; remove it")
	}
	if len(s.Nodes) == 0 && c.sound(o, "spec.nodes") {
		c.lintf(lintNoNodes, o, "spec.nodes", "has no nodes; list the members")
	}
	c.nodes(o, s)
	c.sshs(o, s)
	c.totem(o, s)
	c.quorum(o, s)
	c.oneLine(o, "spec.logging", s.Logging)
	if to := s.Logging.Get("to_logfile"); (to == "yes" || to == "on") && s.Logging.Get("logfile") == "" {
		c.errorf(o, "spec.logging.to_logfile", "needs logfile, the path of the file")
	}
	for i, set := range s.PropertySets {
		if set.ID == bootstrapID && len(s.Properties) > 0 {
			c.errorf(o, fmt.Sprintf("spec.propertySets[%d].id", i), "%s is the set that spec.properties is; write all of it in one of them", bootstrapID)
		}
	}
	for name := range s.Properties {
		if strings.HasPrefix(name, "hactl") {
			c.errorf(o, "spec.properties."+name, "is reserved: properties that begin with hactl are hactl's own")
		}
	}
	c.prepare(o, s.Prepare)
}

func (c *checker) nodes(o *Object, s *ClusterSpec) {
	names, ids, addresses := map[string]string{}, map[int]string{}, map[string]string{}
	// Pacemaker compares node names without regard to case.
	unique := func(path, name string) {
		if first := names[strings.ToLower(name)]; first != "" && name != "" {
			c.errorf(o, path, "the name %q is taken by %s; give each machine its own", name, first)
			return
		}
		names[strings.ToLower(name)] = path
	}
	withID := 0
	for _, n := range s.Nodes {
		if n.ID != 0 {
			withID++
		}
	}
	for i, n := range s.Nodes {
		p := fmt.Sprintf("spec.nodes[%d]", i)
		unique(p+".name", n.Name)
		switch {
		case n.ID < 0 || n.ID > 1<<32-1 || n.ID == 0 && o.Positions[p+".id"] != Pos{}:
			c.errorf(o, p+".id", "%d is no node id; write a number from 1 to %d", n.ID, uint32(1<<32-1))
		case n.ID == 0 && withID > 0:
			c.errorf(o, p+".id", "node %q has no id, others have; give all of them one, or none", n.Name)
		case ids[n.ID] != "" && n.ID != 0:
			c.errorf(o, p+".id", "the id %d is taken by %s; give each node its own", n.ID, ids[n.ID])
		default:
			ids[n.ID] = p
		}
		for j, a := range n.Addresses {
			ap := fmt.Sprintf("%s.addresses[%d]", p, j)
			key := strings.ToLower(a)
			if ip, err := netip.ParseAddr(a); err == nil {
				key = ip.Unmap().String()
			}
			if first := addresses[key]; first != "" {
				c.errorf(o, ap, "the address %s is taken by %s; each link of each node needs its own", a, first)
				continue
			}
			addresses[key] = ap
		}
		if k := len(n.Addresses); k > maxLinks {
			c.errorf(o, p+".addresses", "has %d addresses; corosync has at most %d links", k, maxLinks)
		}
		if first := len(s.Nodes[0].Addresses); len(n.Addresses) != first && len(n.Addresses) > 0 && first > 0 {
			c.errorf(o, p+".addresses", "has %d and the first node %d: every node needs one address per link", len(n.Addresses), first)
		}
	}
	for i, n := range s.RemoteNodes {
		unique(fmt.Sprintf("spec.remoteNodes[%d].name", i), n.Name)
	}
	for i, h := range s.Hosts {
		unique(fmt.Sprintf("spec.hosts[%d].name", i), h.Name)
		if h.Prepare != nil {
			for unit := range h.Prepare.Units {
				c.unit(o, fmt.Sprintf("spec.hosts[%d].prepare.units.%s", i, unit), unit)
			}
		}
	}
}

func (c *checker) sshs(o *Object, s *ClusterSpec) {
	one := func(path string, x *SSH) {
		if x != nil && (x.Port < 0 || x.Port > 65535 || x.Port == 0 && o.Positions[path+".port"] != Pos{}) {
			c.errorf(o, path+".port", "%d is no port; write a number from 1 to 65535", x.Port)
		}
	}
	one("spec.ssh", s.SSH)
	if s.SSH != nil && s.SSH.Address != "" {
		c.errorf(o, "spec.ssh.address", "cannot be the same for every machine; write it under the node")
	}
	for i, n := range s.Nodes {
		one(fmt.Sprintf("spec.nodes[%d].ssh", i), n.SSH)
	}
	for i, h := range s.Hosts {
		one(fmt.Sprintf("spec.hosts[%d].ssh", i), h.SSH)
	}
}

func (c *checker) totem(o *Object, s *ClusterSpec) {
	c.oneLine(o, "spec.totem", s.Totem)
	cipher, hash, knet := s.Totem.Get("crypto_cipher"), s.Totem.Get("crypto_hash"), true
	if t := s.Totem.Get("transport"); t == "udp" || t == "udpu" {
		knet = false
		const only = "needs transport knet; transport %s has no encryption: write none, or remove it"
		if cipher != "" && cipher != "none" {
			c.errorf(o, "spec.totem.crypto_cipher", only, t)
		}
		if hash != "" && hash != "none" {
			c.errorf(o, "spec.totem.crypto_hash", only, t)
		}
		if s.Totem.Get("secauth") == "on" {
			c.errorf(o, "spec.totem.secauth", "needs transport knet; transport %s has no encryption: write off, or remove it", t)
		}
		for i, n := range s.Nodes {
			if len(n.Addresses) > 1 {
				c.errorf(o, fmt.Sprintf("spec.nodes[%d].addresses", i), "transport %s has one link; leave one address, or write transport: knet", t)
			}
		}
	} else if hash == "none" && cipher != "none" {
		// corosync: "crypto_cipher requires crypto_hash with value other than none". A cipher left out is aes256.
		c.errorf(o, "spec.totem.crypto_hash", "encryption needs a hash; write sha256, or crypto_cipher: none as well")
	}
	numbers := map[int]int{}
	for i, l := range s.Links {
		p := fmt.Sprintf("spec.links[%d]", i)
		c.oneLine(o, p+".options", l.Options)
		first, taken := numbers[l.Number]
		switch {
		case l.Number < 0 || l.Number >= maxLinks:
			c.errorf(o, p+".number", "%d is no link; write a number from 0 to %d", l.Number, maxLinks-1)
		case taken:
			c.errorf(o, p+".number", "link %d is at spec.links[%d] already; put all its options there", l.Number, first)
		case !knet && l.Number > 0:
			c.errorf(o, p+".number", "transport %s has only link 0", s.Totem.Get("transport"))
		case len(s.Nodes) > 0 && len(s.Nodes[0].Addresses) > 0 && l.Number >= len(s.Nodes[0].Addresses):
			c.errorf(o, p+".number", "the nodes have no address for link %d; add one to each, or remove the link", l.Number)
		}
		if !taken {
			numbers[l.Number] = i
		}
	}
}

// oneLine refuses values that corosync.conf cannot hold: it has one option a line, and braces are its sections.
func (c *checker) oneLine(o *Object, path string, opts Options) {
	for name, v := range opts {
		if strings.ContainsAny(v.Text, "\r\n{}") {
			c.errorf(o, path+"."+name, "corosync.conf can hold neither line breaks nor braces in a value")
		}
	}
}

func (c *checker) quorum(o *Object, s *ClusterSpec) {
	if s.Quorum == nil {
		return
	}
	const path = "spec.quorum.options"
	q := s.Quorum.Options
	c.oneLine(o, path, q)
	if q.Get("two_node") == "1" {
		if q.Get("auto_tie_breaker") == "1" {
			c.errorf(o, path+".auto_tie_breaker", "excludes two_node (votequorum(5)); remove one")
		}
		if len(s.Nodes) != 2 && c.sound(o, "spec.nodes") {
			c.errorf(o, path+".two_node", "is for exactly two nodes, here are %d; remove it: it follows from the number of nodes", len(s.Nodes))
		}
	}
	if v := q.Get("auto_tie_breaker_node"); v != "" && v != "lowest" && v != "highest" {
		for _, w := range strings.Fields(v) {
			id, err := strconv.Atoi(w)
			if err != nil {
				c.errorf(o, path+".auto_tie_breaker_node", "%q must be lowest, highest or node ids with blanks between", v)
			} else if !slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.ID == id }) {
				c.errorf(o, path+".auto_tie_breaker_node", "no node has the id %d", id)
			}
		}
	}
}

func (c *checker) prepare(o *Object, p *Prepare) {
	if p == nil {
		return
	}
	for unit := range p.Units {
		name := strings.TrimSuffix(unit, ".service")
		if name == "corosync" || name == "pacemaker" {
			c.errorf(o, "spec.prepare.units."+unit, "is told by spec.prepare.startAtBoot; remove it here")
		} else {
			c.unit(o, "spec.prepare.units."+unit, unit)
		}
	}
}

func (c *checker) unit(o *Object, path, unit string) {
	if msg := checkWord(unit); msg != "" || strings.Contains(unit, "/") {
		c.errorf(o, path, "%q is no name of a unit", unit)
	}
}

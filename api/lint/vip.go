package lint

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// duplicateVIP looks for addresses that two resources bring up, or that are a node's own.
func duplicateVIP(c *cluster) {
	taken := map[netip.Addr]string{}
	for _, n := range c.Cluster.Spec.Nodes {
		for _, a := range n.Addresses {
			if ip, err := netip.ParseAddr(a); err == nil {
				taken[ip.Unmap()] = n.Name + "'s own address"
			}
		}
	}
	for _, p := range c.primitives {
		s, ip, ok := p.vip()
		if !ok {
			continue
		}
		if whose := taken[ip]; whose != "" {
			c.warnf(v1.LintDuplicateVIP, p.object, s.path, "%s is %s: two that bring up one address take it from each other, or bring it up on two nodes; write "+
				"another, or remove one resource", ip, whose)
			continue
		}
		taken[ip] = "the address of " + p.name + " already"
	}
}

// vip is the address that a resource brings up.
func (p *primitive) vip() (setting, netip.Addr, bool) {
	if !p.address() || p.agent == "ocf:heartbeat:IPsrcaddr" {
		return setting{}, netip.Addr{}, false
	}
	name := "ip"
	if p.agent == "ocf:heartbeat:IPv6addr" {
		name = "ipv6addr"
	}
	s := p.param(name)
	ip, err := netip.ParseAddr(s.text)
	return s, ip.Unmap(), err == nil && s.given && !s.unsure
}

// vipOutsideNetworks looks for addresses with a prefix length and no interface, of whose network no node has an address. IPaddr2 takes the
// interface from the node's routes (findif.sh) and gives up where none fits. Manifests do not tell all addresses of the nodes: who has
// networks without corosync says nic, or silences the lint.
func vipOutsideNetworks(c *cluster) {
	var nodes []netip.Addr
	for _, n := range c.Cluster.Spec.Nodes {
		for _, a := range n.Addresses {
			ip, err := netip.ParseAddr(a)
			if err != nil {
				return // a name: its address is not known
			}
			nodes = append(nodes, ip.Unmap())
		}
	}
	for _, p := range c.primitives {
		s, ip, ok := p.vip()
		mask, nic := p.param("cidr_netmask"), p.param("nic")
		if !ok || p.agent != "ocf:heartbeat:IPaddr2" || mask.unsure || nic.unsure || nic.given {
			continue
		}
		bits, err := strconv.Atoi(mask.text)
		if err != nil || bits >= ip.BitLen() {
			continue // none, a mask in dots, or a host address
		}
		network, err := ip.Prefix(bits)
		if err != nil || len(nodes) == 0 || slices.ContainsFunc(nodes, network.Contains) {
			continue
		}
		c.warnf(v1.LintVIPOutsideNetworks, p.object, s.path, "no node has an address in %s: IPaddr2 finds its interface by the networks of the node, and fails "+
			"where none fits; correct ip or cidr_netmask, or name the interface by nic (the nodes' addresses: %s)", network, list(nodes))
	}
}

func list(addrs []netip.Addr) string {
	var texts []string
	for i, a := range addrs {
		if i == 4 {
			texts = append(texts, "…")
			break
		}
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}

package corosync

import (
	"fmt"
	"sort"
	"strconv"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Desired reads the Cluster's nodes, totem, links, quorum and logging.
func (d Driver) Desired(m *v1.Manifests, _ reconcile.Secrets) (State, error) {
	if m == nil || m.Cluster == nil {
		return State{}, nil
	}
	c := m.Cluster
	s := State{Cluster: c.Metadata.Name, Owner: d.owner, Source: c.Pos("")}
	add := func(path, value string, pos v1.Pos) {
		s.Fields = append(s.Fields, Field{Path: path, Value: value, Source: pos})
	}
	options := func(prefix, at string, o v1.Options) {
		for _, n := range o.Names() {
			s.Fields = append(s.Fields, Field{Path: prefix + n, Value: o[n].Text, Remove: o[n].Null, Source: c.Pos(at + "." + n)})
		}
	}
	add("totem.version", "2", c.Pos("metadata.name"))
	add("totem.cluster_name", c.Metadata.Name, c.Pos("metadata.name"))
	options("totem.", "spec.totem", c.Spec.Totem)
	for _, x := range []struct{ name, value string }{{"transport", "knet"}, {"crypto_cipher", "aes256"}, {"crypto_hash", "sha256"}} {
		if _, said := c.Spec.Totem[x.name]; said {
			continue
		}
		if x.name != "transport" && !encrypts(c.Spec.Totem) {
			continue
		}
		s.Fields = append(s.Fields, Field{Path: "totem." + x.name, Value: x.value, Default: true, Source: c.Pos("spec.totem")})
	}
	for i, l := range c.Spec.Links {
		at := fmt.Sprintf("spec.links[%d]", i)
		prefix := fmt.Sprintf("totem.interface[%d].", l.Number)
		add(prefix+"linknumber", strconv.Itoa(l.Number), c.Pos(at+".number"))
		options(prefix, at+".options", l.Options)
	}
	add("quorum.provider", "corosync_votequorum", c.Pos("spec.quorum"))
	if q := c.Spec.Quorum; q != nil {
		options("quorum.", "spec.quorum.options", q.Options)
	}
	if len(c.Spec.Logging) > 0 {
		options("logging.", "spec.logging", c.Spec.Logging)
	} else {
		for _, x := range []struct{ name, value string }{{"to_syslog", "yes"}, {"to_logfile", "yes"},
			{"logfile", "/var/log/corosync/corosync.log"}, {"timestamp", "on"}} {
			s.Fields = append(s.Fields, Field{Path: "logging." + x.name, Value: x.value, Default: true, Source: c.Pos("spec.logging")})
		}
	}
	s.nodes(c)
	for _, n := range s.Nodes {
		at := c.Pos("spec.nodes")
		for i, x := range c.Spec.Nodes {
			if x.Name == n.Name {
				at = c.Pos(fmt.Sprintf("spec.nodes[%d]", i))
			}
		}
		prefix := fmt.Sprintf("nodelist.node[%d].", n.ID)
		add(prefix+"name", n.Name, at)
		add(prefix+"nodeid", strconv.Itoa(n.ID), at)
		for l, a := range n.Addresses {
			add(fmt.Sprintf("%sring%d_addr", prefix, l), a, at)
		}
	}
	return s, nil
}

// nodes lists the members by id. Without any ids the manifest's order numbers them.
func (s *State) nodes(c *v1.Cluster) {
	numbered := false
	for _, n := range c.Spec.Nodes {
		numbered = numbered || n.ID != 0
	}
	for i, n := range c.Spec.Nodes {
		id := n.ID
		if !numbered {
			id = i + 1
		}
		s.Nodes = append(s.Nodes, NodeState{Name: n.Name, ID: id, Addresses: n.Addresses})
	}
	sort.SliceStable(s.Nodes, func(i, j int) bool { return s.Nodes[i].ID < s.Nodes[j].ID })
}

// encrypts tells whether crypto goes with the transport: only knet can (corosync.conf(5)).
func encrypts(totem v1.Options) bool {
	t, said := totem["transport"]
	return !said || t.Null || t.Text == "knet"
}

func (s State) field(path string) (Field, bool) {
	for _, f := range s.Fields {
		if f.Path == path {
			return f, true
		}
	}
	return Field{}, false
}

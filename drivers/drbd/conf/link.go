package conf

import (
	"slices"
	"strconv"
	"strings"
)

// A link is a connection between two hosts, however it was written: a connection, a pair of a mesh, or that of a resource with just two hosts.
type link struct {
	hosts    [2]int // indexes into Resource.Hosts, in the order of the ends
	conn     *Connection
	net      Options // own options, before what is inherited
	implicit bool
}

// links gives the connections that drbdadm makes. What refers to hosts that are not there is left out: Check tells of it.
func (r *Resource) links(d Dialect, c *Config) []*link {
	byName := r.hostIndex(c)
	var out []*link
	for _, c := range r.Connections {
		l := &link{conn: c, net: c.Net}
		if len(c.Paths) == 0 || len(c.Paths[0].Ends) != 2 {
			continue
		}
		ok := true
		for i, e := range c.Paths[0].Ends {
			if l.hosts[i] = byName.find(e); l.hosts[i] < 0 {
				ok = false
			}
		}
		if ok {
			out = append(out, l)
		}
	}
	for _, m := range r.Meshes {
		for i, a := range m.Hosts {
			for _, b := range m.Hosts[i+1:] {
				x, y := byName.find(&End{Host: a}), byName.find(&End{Host: b})
				if x >= 0 && y >= 0 && x != y {
					out = append(out, &link{hosts: [2]int{x, y}, net: m.Net, implicit: true})
				}
			}
		}
	}
	if len(out) == 0 && len(r.Connections) == 0 && len(r.Hosts) == 2 && (d == V84 || !r.Hosts[0].Address.IsZero() && !r.Hosts[1].Address.IsZero()) {
		out = append(out, &link{hosts: [2]int{0, 1}, implicit: true})
	}
	return out
}

// hostIndex finds hosts by name and address.
type hostIndex struct {
	names   map[string]int // in lower case, as far as the first dot, too
	full    map[string]int
	address map[Address]int
}

// hostIndex makes the index; the hosts of a resource below are names of the stacked section, too.
func (r *Resource) hostIndex(c *Config) *hostIndex {
	x := &hostIndex{names: map[string]int{}, full: map[string]int{}, address: map[Address]int{}}
	put := func(m map[string]int, name string, i int) {
		if _, ok := m[name]; !ok {
			m[name] = i
		}
	}
	for i, h := range r.Hosts {
		for _, name := range h.names(c) {
			name = strings.ToLower(name)
			short, _, _ := strings.Cut(name, ".")
			put(x.full, name, i)
			put(x.names, short, i)
		}
		if h.Kind == This || h.Kind == Remote {
			put(x.full, string(h.Kind), i)
		}
		if _, ok := x.address[h.Address]; !ok {
			x.address[h.Address] = i
		}
	}
	return x
}

// names are the hosts that a section speaks for.
func (h *Host) names(c *Config) []string {
	lower := c.Resource(h.Lower)
	if h.Kind != Stacked || lower == nil {
		return h.Names
	}
	var out []string
	for _, on := range lower.Hosts {
		out = append(out, on.Names...)
	}
	return out
}

// find gives the index of an end's host, or -1. A name with a domain also finds a host without one, and the other way round.
func (x *hostIndex) find(e *End) int {
	if e.Host == "" {
		if i, ok := x.address[e.Address]; ok {
			return i
		}
		return -1
	}
	name := strings.ToLower(e.Host)
	if i, ok := x.full[name]; ok {
		return i
	}
	short, _, dotted := strings.Cut(name, ".")
	if dotted { // a host with another domain is another host
		if i, ok := x.full[short]; ok {
			return i
		}
		return -1
	}
	if i, ok := x.names[short]; ok {
		return i
	}
	return -1
}

// link adds the facts of a connection.
func (e *effective) link(r *Resource, l *link, own Sections, names []string, key string) {
	at := func(path ...string) []string { return append([]string{r.Name, key}, path...) }
	e.options("net", inherit(l.net, own["net"]), at("net")...)
	e.place(r.Name, "net", key)
	c := l.conn
	if c == nil {
		c = &Connection{Pos: r.Pos}
	}
	paths := c.Paths
	if len(paths) == 0 {
		paths = []*Path{{Ends: []*End{{}, {}}, Pos: c.Pos}}
	}
	index := r.hostIndex(e.cfg)
	for n, path := range paths {
		for i, end := range path.Ends {
			host := l.hosts[i]
			if l.conn != nil {
				host = index.find(end)
			}
			if host < 0 {
				continue
			}
			h := r.Hosts[host]
			a, proxy := end.Address, end.Proxy
			if a.IsZero() {
				a = h.Address
			}
			if end.Port != 0 {
				a.Port = end.Port
			}
			if l.implicit && l.conn == nil && len(r.Meshes) == 0 {
				proxy = h.Proxy
			}
			where := at("path "+strconv.Itoa(n), names[host])
			value := a.normal().String()
			if h.Kind == Stacked && end.Host != "" {
				value = end.Host + " " + value
			}
			e.add(path.Pos, value, where...)
			if proxy != nil {
				e.proxy(proxy, own, append(where, "proxy")...)
			}
		}
	}
	e.peerDevices(r, l, c, own, at)
}

// peerDevices adds the options that DRBD 9 keeps for each volume of a connection.
func (e *effective) peerDevices(r *Resource, l *link, c *Connection, own Sections, at func(...string) []string) {
	if e.d != V9 {
		return
	}
	_, common := e.split(own["disk"])
	a, b := r.volumesOf(r.Hosts[l.hosts[0]]), r.volumesOf(r.Hosts[l.hosts[1]])
	for _, v := range a {
		var lists []Options
		for _, pv := range c.Volumes {
			if pv.Number == v.Number {
				lists = append(lists, pv.Disk)
			}
		}
		lists = append(lists, c.Disk)
		_, peer := e.split(v.Options)
		lists = append(lists, peer)
		if i, ok := slices.BinarySearchFunc(b, v.Number, func(w *Volume, n int) int { return w.Number - n }); ok {
			_, peer := e.split(b[i].Options)
			lists = append(lists, peer)
		}
		path := at("volume "+strconv.Itoa(v.Number), "disk-options")
		e.options("peer", inherit(append(lists, common)...), path...)
		e.place(r.Name, "peer", path[1:]...)
	}
}

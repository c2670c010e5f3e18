package conf

import (
	"fmt"
	"net/netip"
	"slices"
)

// proxies checks that all hosts of a resource have a proxy, or none.
func (k *checker) proxies(where string, r *Resource) {
	with := 0
	for _, h := range r.Hosts {
		if h.Proxy != nil {
			with++
		}
	}
	if with != 0 && with != len(r.Hosts) {
		k.fail(r.Pos, "%s: either all hosts have a proxy, or none", where)
	}
}

func (k *checker) connection(where string, r *Resource, c *Connection, x *hostIndex) {
	where += ": connection"
	k.options(where, "net", c.Net)
	k.options(where, "peer", c.Disk)
	if len(c.Paths) == 0 {
		k.fail(c.Pos, "%s: it joins nothing: host NAME is missing", where)
	}
	for _, path := range c.Paths {
		if len(path.Ends) != 2 {
			k.fail(path.Pos, "%s: it has %d ends, and needs two", where, len(path.Ends))
			continue
		}
		if (path.Ends[0].Proxy == nil) != (path.Ends[1].Proxy == nil) {
			k.fail(path.Pos, "%s: either both ends have a proxy, or none", where)
		}
		for _, e := range path.Ends {
			k.end(where, r, e, x)
		}
	}
	for _, v := range c.Volumes {
		k.options(fmt.Sprintf("%s: volume %d", where, v.Number), "peer", v.Disk)
		for _, h := range endsOf(r, c, x) {
			if !slices.ContainsFunc(r.volumesOf(h), func(w *Volume) bool { return w.Number == v.Number }) {
				k.fail(v.Pos, "%s: there is no volume %d on %s", where, v.Number, h.Name())
			}
		}
	}
}

// endsOf are the hosts of a connection that are known.
func endsOf(r *Resource, c *Connection, x *hostIndex) (hosts []*Host) {
	if len(c.Paths) == 0 {
		return nil
	}
	for _, e := range c.Paths[0].Ends {
		if i := x.find(e); i >= 0 {
			hosts = append(hosts, r.Hosts[i])
		}
	}
	return hosts
}

func (k *checker) end(where string, r *Resource, e *End, x *hostIndex) {
	if e.Proxy != nil {
		k.options(where+": proxy", "proxy", e.Proxy.Options)
	}
	i := x.find(e)
	switch {
	case e.Host == string(This) || e.Host == string(Remote):
	case i < 0 && e.Host == "":
		k.fail(e.Pos, "%s: no host has the address %s", where, e.Address)
	case i < 0:
		k.fail(e.Pos, "%s: there is no section for the host %q", where, e.Host)
	case e.Address.IsZero() && r.Hosts[i].Address.IsZero():
		k.fail(e.Pos, "%s: the host %q has no address, neither here nor in its section", where, e.Host)
	}
}

// isLocal tells whether an address means the host itself.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// addresses checks that no address is used by two resources of DRBD 9, or for both ends.
func (k *checker) addresses(where string, r *Resource, links []*link, x *hostIndex) {
	seen := map[Address]bool{}
	for _, l := range links {
		for _, ends := range l.addresses(r, x) {
			if ends[0] == ends[1] && !isLocal(ends[0].Host) {
				k.fail(r.Pos, "%s: %s is used for both ends of a connection", where, ends[0])
			}
			for _, a := range ends {
				if !isLocal(a.Host) && !a.IsZero() && !seen[a] {
					seen[a] = true
					k.once("address "+a.String(), a.String(), use{where, r.Pos})
				}
			}
		}
	}
}

// addresses gives the two addresses of each path.
func (l *link) addresses(r *Resource, x *hostIndex) (out [][2]Address) {
	if l.conn == nil {
		return [][2]Address{{r.Hosts[l.hosts[0]].Address.normal(), r.Hosts[l.hosts[1]].Address.normal()}}
	}
	for _, path := range l.conn.Paths {
		if len(path.Ends) != 2 {
			continue
		}
		var two [2]Address
		for i, e := range path.Ends {
			if two[i] = e.Address; two[i].IsZero() {
				if h := x.find(e); h >= 0 {
					two[i] = r.Hosts[h].Address
				}
				if e.Port != 0 {
					two[i].Port = e.Port
				}
			}
			two[i] = two[i].normal()
		}
		out = append(out, two)
	}
	return out
}

// address84 checks that an address is used once; 8.4 looks at each where it stands, also at those of proxies.
func (k *checker) address84(where string, h *Host) {
	check := func(names []string, a Address) {
		if a.IsZero() {
			return
		}
		keys := []string{fmt.Sprintf("address %s:%d", a.Host, a.Port)}
		if isLocal(a.Host) && h.Kind != Floating {
			keys = keys[:0]
			for _, name := range names {
				keys = append(keys, fmt.Sprintf("address %s %s:%d", name, a.Host, a.Port))
			}
		}
		for _, key := range keys {
			k.once(key, a.String(), use{where, h.Pos})
		}
	}
	check(h.Names, h.Address)
	check(h.Names, h.Alternate)
	if h.Proxy != nil {
		check(h.Proxy.Hosts, h.Proxy.Inside)
		check(h.Proxy.Hosts, h.Proxy.Outside)
	}
}

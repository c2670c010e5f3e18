package drbd

import (
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd/conf"
)

// connections leaves out what is said anyway: each node with each other, by the nodes' addresses, without options of its own.
func connections(r *conf.Resource, spec *v1.DRBDResourceSpec) (why string) {
	for _, c := range r.Connections {
		x, why := connection(r, c)
		if why != "" {
			return why
		}
		if len(r.Hosts) > 2 || len(x.Addresses)+len(x.Paths)+len(x.Net)+len(x.Disk) > 0 {
			spec.Connections = append(spec.Connections, x)
		}
	}
	for _, m := range r.Meshes {
		if len(m.Net) == 0 && len(r.Connections) == 0 {
			continue
		}
		for i, a := range m.Hosts {
			for _, b := range m.Hosts[i+1:] {
				spec.Connections = append(spec.Connections, v1.DRBDConnection{Nodes: []string{a, b}, Net: values(m.Net)})
			}
		}
	}
	return ""
}

func values(opts conf.Options) v1.Options {
	var out v1.Options
	for _, o := range opts {
		if out == nil {
			out = v1.Options{}
		}
		out[o.Name] = v1.Value{Text: o.Value}
	}
	return out
}

func connection(r *conf.Resource, c *conf.Connection) (x v1.DRBDConnection, why string) {
	if len(c.Volumes) > 0 {
		return x, "a connection has options of single volumes"
	}
	x.Net, x.Disk = values(c.Net), values(c.Disk)
	for _, p := range c.Paths {
		way := map[string]string{}
		var ends []string
		for _, e := range p.Ends {
			i := slices.IndexFunc(r.Hosts, func(h *conf.Host) bool {
				return slices.Contains(h.Names, e.Host) || e.Host == "" && h.Address == e.Address
			})
			if i < 0 || e.Proxy != nil {
				return x, "a connection has an end that is none of its hosts, or uses DRBD Proxy"
			}
			h := r.Hosts[i]
			a := h.Address
			if !e.Address.IsZero() {
				a = e.Address
			}
			if e.Port != 0 {
				a.Port = e.Port
			}
			ends = append(ends, h.Names[0])
			if a != h.Address {
				way[h.Names[0]] = addressPort(a)
			}
		}
		x.Nodes = ends
		switch {
		case len(c.Paths) > 1 || !p.Implicit:
			x.Paths = append(x.Paths, way)
		case len(way) > 0:
			x.Addresses = way
		}
	}
	if len(x.Nodes) != 2 {
		return x, "a connection has not two ends"
	}
	return x, ""
}

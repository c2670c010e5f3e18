package drbd

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// config gives the resource as drbd.conf says it, with the given text as its shared secret. 8.4 has neither node ids nor connections;
// where the manifest has them all the same, it says so.
func (r *Resource) config(d conf.Dialect, secret string) (*conf.Resource, error) {
	c := &conf.Resource{Name: r.Name, Pos: r.source(""), Sections: conf.Sections{}}
	s := &r.Spec
	for name, o := range map[string]v1.Options{"net": s.Net, "disk": s.Disk, "options": s.Options, "startup": s.Startup, "handlers": s.Handlers} {
		if opts := r.options("spec."+name, o); len(opts) > 0 {
			c.Sections[name] = opts
		}
	}
	if s.SharedSecret != nil {
		c.Sections["net"] = append(c.Sections["net"], conf.Option{Name: "shared-secret", Value: secret, Pos: r.source("spec.sharedSecret")})
	}
	single := len(s.Volumes) == 0
	volumes := r.volumes()
	for i, v := range volumes {
		at := fmt.Sprintf("spec.volumes[%d]", i)
		if single {
			at = "spec.device"
		}
		c.Volumes = append(c.Volumes, &conf.Volume{Number: v.Number, Implicit: single, Device: v.Device, Options: r.options(at+".disk", v.Disk), Pos: r.source(at)})
	}
	for i, n := range s.Nodes {
		at := fmt.Sprintf("spec.nodes[%d]", i)
		a, err := address(n.Address)
		if err != nil {
			return nil, fmt.Errorf("%s: DRBDResource %s: %s.address: %w", r.source(at+".address"), r.Name, at, err)
		}
		h := &conf.Host{Kind: conf.On, Names: []string{n.Name}, Address: a, Options: r.options(at+".options", n.Options), Pos: r.source(at)}
		if d == conf.V9 {
			id := i
			if n.NodeID != "" {
				id, _ = strconv.Atoi(n.NodeID) // validated
			}
			h.NodeID = &id
		}
		for _, v := range volumes {
			h.Volumes = append(h.Volumes, v.backing(n.Name, single, r.source(at)))
		}
		c.Hosts = append(c.Hosts, h)
	}
	if d == conf.V84 {
		if len(s.Connections) > 0 || len(s.Nodes) > 2 {
			return nil, fmt.Errorf("%s: DRBDResource %s: the nodes' kernels have DRBD 8.4, which joins two nodes by one connection; more of them, and connections, need DRBD 9",
				r.source("spec.nodes"), r.Name)
		}
		return c, nil
	}
	return c, r.connections(c)
}

func (v volume) backing(node string, implicit bool, pos v1.Pos) *conf.Volume {
	b := v.Nodes[node]
	x := &conf.Volume{Number: v.Number, Implicit: implicit, Disk: b.Disk, Pos: pos}
	switch {
	case !v.hasDisk(node):
	case internal(b.MetaDisk):
		x.MetaDisk = "internal"
	default:
		x.MetaDisk, x.MetaIndex = metaDisk(b.MetaDisk)
	}
	return x
}

// options gives what is set, in the order of the names.
func (r *Resource) options(at string, o v1.Options) (out conf.Options) {
	for _, n := range o.Names() {
		if v := o[n]; !v.Null {
			out = append(out, conf.Option{Name: n, Value: v.Text, Pos: r.source(at + "." + n)})
		}
	}
	return out
}

// connections joins each node with each other: two by themselves as drbdadm does, more by a mesh, and where the manifest tells of connections,
// each pair by one of its own.
func (r *Resource) connections(c *conf.Resource) error {
	s := &r.Spec
	var names []string
	for _, n := range s.Nodes {
		names = append(names, n.Name)
	}
	if len(s.Connections) == 0 {
		if len(names) > 2 {
			c.Meshes = []*conf.Mesh{{Hosts: names}}
		}
		return nil
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			x := &conf.Connection{Paths: []*conf.Path{{Implicit: true, Ends: []*conf.End{{Host: a}, {Host: b}}}}}
			for j, said := range s.Connections {
				if !slices.Contains(said.Nodes, a) || !slices.Contains(said.Nodes, b) {
					continue
				}
				at := fmt.Sprintf("spec.connections[%d]", j)
				x.Net, x.Disk = r.options(at+".net", said.Net), r.options(at+".disk", said.Disk)
				if err := paths(x, said, a, b); err != nil {
					return fmt.Errorf("%s: DRBDResource %s: %s: %w", r.source(at), r.Name, at, err)
				}
			}
			c.Connections = append(c.Connections, x)
		}
	}
	return nil
}

func paths(x *conf.Connection, said v1.DRBDConnection, a, b string) error {
	ways := said.Paths
	if len(said.Addresses) > 0 {
		ways = []map[string]string{said.Addresses}
	}
	if len(ways) == 0 {
		return nil
	}
	x.Paths = nil
	for _, way := range ways {
		p := &conf.Path{Implicit: len(said.Paths) == 0}
		for _, n := range []string{a, b} {
			end := &conf.End{Host: n}
			if way[n] != "" {
				addr, err := address(way[n])
				if err != nil {
					return err
				}
				end.Address = addr
			}
			p.Ends = append(p.Ends, end)
		}
		x.Paths = append(x.Paths, p)
	}
	return nil
}

func address(s string) (conf.Address, error) {
	if s == "" {
		return conf.Address{}, nil // the connections say it
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return conf.Address{}, fmt.Errorf("%q must be an IP address and a port", s)
	}
	family := "ipv4"
	if a.Addr().Is6() {
		family = "ipv6"
	}
	return conf.Address{Family: family, Host: a.Addr().String(), Port: int(a.Port())}, nil
}

// The header of a file that hactl made.
const (
	headMark = "# Made by hactl (owner "
	headTail = "); changes are overwritten."
	diskMark = "# hactl-disk: " // NODE PATH IDENTITY
)

// secretSpot stands for the shared secret in a text until it is cut in as a secret. It needs quotes, so that the place around it is theirs.
const secretSpot = "the shared secret"

// file gives the content of the resource's file.
func (r *Resource) file(d conf.Dialect, owner string, disks []string) (reconcile.Text, error) {
	c, err := r.config(d, secretSpot)
	if err != nil {
		return reconcile.Text{}, err
	}
	text, err := c.Write(d)
	if err != nil {
		return reconcile.Text{}, fmt.Errorf("DRBDResource %s: %w", r.Name, err)
	}
	head := headMark + owner + headTail + "\n"
	for _, l := range disks {
		head += diskMark + l + "\n"
	}
	before, after, found := strings.Cut(text, `"`+secretSpot+`"`)
	if !found {
		return reconcile.Plain(head + text), nil
	}
	secret := reconcile.UnknownSecret()
	if r.Secret.Comparable() {
		secret = reconcile.Secret(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(r.Secret.Reveal()))
	}
	return reconcile.Join(reconcile.Plain(head+before+`"`), secret, reconcile.Plain(`"`+after)), nil
}

// ownerOf reads the header; "" if the file is not hactl's.
func ownerOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if s, ok := strings.CutPrefix(line, headMark); ok {
		return strings.TrimSuffix(s, headTail)
	}
	return ""
}

// disksOf reads the identities of disks from the header, by node and path.
func disksOf(text string) map[[2]string]string {
	out := map[[2]string]string{}
	for line := range strings.Lines(text) {
		if s, ok := strings.CutPrefix(strings.TrimSpace(line), diskMark); ok {
			if f := strings.Fields(s); len(f) >= 3 {
				out[[2]string{f[0], f[1]}] = strings.Join(f[2:], " ")
			}
		} else if !strings.HasPrefix(line, "#") {
			break
		}
	}
	return out
}

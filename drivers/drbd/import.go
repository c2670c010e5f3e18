package drbd

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Importer[State] = Driver{}

// FromFiles is the state of a machine of which nothing is known but its configuration: a drbd.conf with a drbd.d beside it, the content of
// a drbd.d, or one file. Names are relative. What is common to all resources is taken into each of them.
func FromFiles(files map[string][]byte) State {
	n := NodeState{Files: map[string]reconcile.File{}}
	put := func(p, text string) { n.Files[p] = reconcile.File{Content: secretMarked(text)} }
	main := ""
	for _, name := range slices.Sorted(maps.Keys(files)) {
		p := path.Join(confDir, name)
		if name == path.Base(mainConf) || strings.Contains(name, "/") {
			p = path.Join(path.Dir(mainConf), name)
		} else {
			main += "include " + strconv.Quote(p) + ";\n"
		}
		put(p, string(files[name]))
	}
	if _, whole := n.Files[mainConf]; !whole {
		put(mainConf, main)
	}
	return State{Nodes: []NodeState{n}}
}

// Import writes the resources of the machines' configurations. One of which a manifest cannot say all (stacked, floating, behind a proxy, with
// its own common section) is left out as a whole and told: hactl leaves alone what no manifest tells.
func (d Driver) Import(have State, into *v1.Manifests) ([]reconcile.ImportedSecret, error) {
	im := importer{into: into, found: map[string]*source{}, bare: into.Cluster != nil && len(into.Cluster.Spec.Nodes) == 0}
	if into.Cluster == nil {
		into.Cluster, im.bare = &v1.Cluster{}, true
	}
	for i := range have.Nodes {
		if n := &have.Nodes[i]; n.Unobserved == "" && len(n.Files) > 0 {
			if err := im.read(n); err != nil {
				return nil, err
			}
		}
	}
	if c := into.Cluster; len(im.order) > 0 && c.Kind == "" {
		c.APIVersion, c.Kind = v1.APIVersion, "Cluster"
	}
	for _, name := range im.order {
		s := im.found[name]
		if why := im.resource(s); why != "" {
			im.lost("the DRBD resource %s (%s): %s", name, s.r.Pos, why)
		}
	}
	return im.secrets, nil
}

type importer struct {
	into    *v1.Manifests
	found   map[string]*source
	order   []string
	secrets []reconcile.ImportedSecret
	// bare tells that nothing else told of the cluster's nodes.
	bare bool
}

// source is a resource with what it inherits, as one machine has it.
type source struct {
	n      *NodeState
	common conf.Sections
	r      *conf.Resource
}

func (im *importer) lost(format string, args ...any) {
	im.into.Cluster.Comments = append(im.into.Cluster.Comments, v1.Comment{Lost: true, Text: "Not imported, and left as it is: " + fmt.Sprintf(format, args...) + "."})
}

// read takes the resources of a machine. On a live one only those that are its own: drbdadm ignores the others.
func (im *importer) read(n *NodeState) error {
	c, err := n.parsed()
	if err != nil {
		if n.Name != "" {
			err = fmt.Errorf("%s: %w", n.Name, err)
		}
		return err
	}
	for _, r := range c.Resources {
		was := im.found[r.Name]
		switch {
		case was == nil:
			im.found[r.Name] = &source{n, c.Common, r}
			im.order = append(im.order, r.Name)
		case len(conf.Diff(one(was.common, was.r), one(c.Common, r), n.dialect())) > 0:
			im.into.Cluster.Comments = append(im.into.Cluster.Comments, v1.Comment{Lost: true,
				Text: fmt.Sprintf("The DRBD resource %s says on %s something else than on %s, which was imported.", r.Name, n.Name, was.n.Name)})
		}
	}
	return nil
}

func one(common conf.Sections, r *conf.Resource) *conf.Config {
	return &conf.Config{Common: common, Resources: []*conf.Resource{r}}
}

// resource adds one, or says why it cannot be expressed. Whatever the reason: what was made must come to the same, or it is not added.
func (im *importer) resource(s *source) string {
	files := s.n.Name == ""
	x := &v1.DRBDResource{}
	x.SetDefaults()
	x.Metadata.Name = s.r.Name
	secret, why := im.spec(s, files, &x.Spec)
	if why != "" {
		return why
	}
	dialects := []conf.Dialect{s.n.dialect()}
	if files {
		dialects = []conf.Dialect{conf.V84, conf.V9}
	}
	for _, d := range dialects {
		if why = s.same(d, &x.Spec, secret, files); why == "" {
			break
		}
	}
	if why != "" {
		return why
	}
	if x.Spec.SharedSecret != nil {
		im.secrets = append(im.secrets, reconcile.ImportedSecret{File: x.Spec.SharedSecret.File, Value: reconcile.Secret(secret)})
	}
	if files {
		im.machines(s.r)
	}
	im.into.Add(x)
	return ""
}

// same says where a manifest does not come to the same as what it was made from; "" if it does. DRBD 9 gives two nodes without node ids
// some by itself, which are written down.
func (s *source) same(d conf.Dialect, spec *v1.DRBDResourceSpec, secret string, files bool) string {
	have := one(s.common, s.r)
	if err := have.Check(d); err != nil {
		return err.Error()
	}
	inherited := s.common
	if files {
		inherited = nil
	}
	for {
		r := Resource{Name: s.r.Name, Spec: *spec}
		c, err := r.config(d, secret)
		if err != nil {
			return strings.TrimPrefix(err.Error(), ": ")
		}
		diff := conf.Diff(have, one(inherited, c), d)
		named := false
		for i, n := range spec.Nodes {
			for _, x := range diff {
				if n.NodeID == "" && x.Have != "" && x.Path == s.r.Name+"/on "+n.Name+"/node-id" {
					spec.Nodes[i].NodeID, named = x.Have, true
				}
			}
		}
		switch {
		case len(diff) == 0:
			return ""
		case !named:
			return "a manifest cannot say " + words(diff)
		}
		for i, h := range c.Hosts {
			if spec.Nodes[i].NodeID == "" {
				spec.Nodes[i].NodeID = strconv.Itoa(*h.NodeID)
			}
		}
	}
}

func (im *importer) spec(s *source, files bool, spec *v1.DRBDResourceSpec) (secret, why string) {
	r := s.r
	if r.TemplateFile != "" {
		return "", "its common section is in " + r.TemplateFile
	}
	for _, name := range slices.Sorted(maps.Keys(r.Sections)) {
		options := v1.Options{}
		for _, o := range r.Sections[name] {
			options[o.Name] = v1.Value{Text: o.Value}
		}
		switch name {
		case "net":
			spec.Net = options
		case "disk":
			spec.Disk = options
		case "options":
			spec.Options = options
		case "startup":
			spec.Startup = options
		case "handlers":
			spec.Handlers = options
		default:
			return "", "it has a section " + name
		}
	}
	if files {
		for name, o := range map[string]*v1.Options{"net": &spec.Net, "disk": &spec.Disk, "options": &spec.Options, "startup": &spec.Startup, "handlers": &spec.Handlers} {
			fold(o, s.common[name])
		}
	}
	if v, ok := spec.Net["shared-secret"]; ok {
		delete(spec.Net, "shared-secret")
		secret = v.Text
		spec.SharedSecret = &v1.SecretRef{File: "secrets/drbd-" + strings.ReplaceAll(r.Name, "/", "_") + ".shared-secret"}
	}
	if why := nodes(r, spec); why != "" {
		return "", why
	}
	if why := volumes(r, spec); why != "" {
		return "", why
	}
	return secret, connections(r, spec)
}

// fold takes over what is common, unless the resource says it itself.
func fold(o *v1.Options, common conf.Options) {
	own := maps.Clone(*o)
	for _, c := range common {
		if _, said := own[c.Name]; said {
			continue
		}
		if *o == nil {
			*o = v1.Options{}
		}
		(*o)[c.Name] = v1.Value{Text: c.Value}
	}
}

func nodes(r *conf.Resource, spec *v1.DRBDResourceSpec) (why string) {
	if len(r.Hosts) < 2 {
		return fmt.Sprintf("it has %d hosts", len(r.Hosts))
	}
	for _, h := range r.Hosts {
		switch {
		case h.Kind != conf.On:
			return "it has a section " + string(h.Kind)
		case len(h.Names) != 1:
			return "a section on is for several hosts: " + h.Name()
		case !h.Alternate.IsZero():
			return "it has an alternate-link-address"
		case h.Proxy != nil:
			return "it uses DRBD Proxy"
		case len(h.Options) > 0:
			return "it has options of one host alone: " + h.Name()
		}
		n := v1.DRBDNode{Name: h.Names[0], Address: addressPort(h.Address)}
		if h.NodeID != nil {
			n.NodeID = strconv.Itoa(*h.NodeID)
		}
		spec.Nodes = append(spec.Nodes, n)
	}
	return ""
}

func addressPort(a conf.Address) string {
	if ip, err := netip.ParseAddr(a.Host); err == nil && a.Port > 0 {
		return netip.AddrPortFrom(ip, uint16(a.Port)).String() //nolint:gosec // the parser has checked its range
	}
	return "" // DRBD 9: the connections say it
}

// volumes brings what is said for all hosts and for each together.
func volumes(r *conf.Resource, spec *v1.DRBDResourceSpec) (why string) {
	byNumber := map[int]*v1.DRBDVolume{}
	numbers := []int{}
	implicit := true
	take := func(v *conf.Volume, hosts ...string) string {
		x := byNumber[v.Number]
		if x == nil {
			x = &v1.DRBDVolume{Number: v.Number, Nodes: map[string]v1.DRBDBacking{}}
			byNumber[v.Number] = x
			numbers = append(numbers, v.Number)
		}
		implicit = implicit && v.Implicit
		device := v.Device
		if device == "" && v.Minor != nil {
			device = fmt.Sprintf("/dev/drbd%d", *v.Minor)
		}
		switch {
		case device == "":
		case x.Device != "" && x.Device != device:
			return fmt.Sprintf("volume %d has another device on each host", v.Number)
		default:
			x.Device = device
		}
		if len(v.Options) > 0 && len(hosts) == 1 {
			return fmt.Sprintf("volume %d has disk options on %s alone", v.Number, hosts[0])
		}
		for _, o := range v.Options {
			if x.Disk == nil {
				x.Disk = v1.Options{}
			}
			x.Disk[o.Name] = v1.Value{Text: o.Value}
		}
		for _, h := range hosts {
			b := x.Nodes[h]
			if v.Disk != "" {
				b.Disk = v.Disk
			}
			if v.MetaDisk != "" {
				b.MetaDisk = v.MetaDisk
				if v.MetaIndex != nil {
					b.MetaDisk += fmt.Sprintf("[%d]", *v.MetaIndex)
				}
			}
			if b.MetaDisk == "internal" {
				b.MetaDisk = ""
			}
			x.Nodes[h] = b
		}
		return ""
	}
	var all []string
	for _, n := range spec.Nodes {
		all = append(all, n.Name)
	}
	for _, v := range r.Volumes {
		if why := take(v, all...); why != "" {
			return why
		}
	}
	for _, h := range r.Hosts {
		for _, v := range h.Volumes {
			if why := take(v, h.Names[0]); why != "" {
				return why
			}
		}
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		x := byNumber[number]
		for _, n := range all {
			if b := x.Nodes[n]; b.Disk == "" {
				x.Nodes[n] = v1.DRBDBacking{Disk: "none"}
			}
		}
		spec.Volumes = append(spec.Volumes, *x)
	}
	if len(spec.Volumes) == 1 && numbers[0] == 0 && len(spec.Volumes[0].Disk) == 0 && (implicit || !reserved(spec.Volumes[0])) {
		x := spec.Volumes[0]
		spec.Device, spec.Volumes = x.Device, nil
		for i := range spec.Nodes {
			b := x.Nodes[spec.Nodes[i].Name]
			spec.Nodes[i].Disk, spec.Nodes[i].MetaDisk = b.Disk, b.MetaDisk
		}
	}
	return ""
}

// reserved tells of what the short form cannot say.
func reserved(v v1.DRBDVolume) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(v.Nodes)), func(b v1.DRBDBacking) bool { return b.Disk == "none" })
}

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

// machines adds those that the files name and the Cluster does not: files alone do not tell how they are reached, so the replication's address
// stands for that.
func (im *importer) machines(r *conf.Resource) {
	s := &im.into.Cluster.Spec
	for _, h := range r.Hosts {
		name := h.Names[0]
		if slices.ContainsFunc(s.Nodes, func(n v1.Node) bool { return n.Name == name }) || slices.ContainsFunc(s.Hosts, func(m v1.Machine) bool { return m.Name == name }) {
			continue
		}
		at := cmp.Or(h.Address.Host, name)
		if im.bare {
			s.Nodes = append(s.Nodes, v1.Node{Name: name, Addresses: []string{at}})
		} else {
			s.Hosts = append(s.Hosts, v1.Machine{Name: name, Address: at})
		}
	}
}

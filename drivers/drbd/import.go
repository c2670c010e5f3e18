package drbd

import (
	"cmp"
	"fmt"
	"maps"
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

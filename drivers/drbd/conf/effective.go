package conf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// A fact is one thing that a configuration comes to once everything is inherited: the same facts, the same meaning.
type fact struct {
	path  []string
	value string
	pos   v1.Pos
}

// effective collects facts.
type effective struct {
	d     Dialect
	cfg   *Config
	facts []fact
	// places says where the options of net, disk and peer devices apply in a resource, by its name and one of these words.
	places map[string]map[string]bool
}

func newEffective(c *Config, d Dialect) *effective {
	e := &effective{d: d, cfg: c, places: map[string]map[string]bool{}}
	if c != nil {
		e.config(c)
	}
	return e
}

// index gives the facts by their paths.
func (e *effective) index() map[string]fact {
	m := make(map[string]fact, len(e.facts))
	for _, f := range e.facts {
		m[strings.Join(f.path, "/")] = f
	}
	return m
}

func (e *effective) place(resource, options string, path ...string) {
	key := resource + "/" + options
	if e.places[key] == nil {
		e.places[key] = map[string]bool{}
	}
	e.places[key][strings.Join(path, "/")] = true
}

func (e *effective) add(pos v1.Pos, value string, path ...string) {
	if value != "" {
		e.facts = append(e.facts, fact{path: path, value: value, pos: pos})
	}
}

// config gives all facts of a configuration. What is common counts where it is inherited; alone only if there is nothing to inherit it.
func (e *effective) config(c *Config) {
	e.options("global", c.Global, "global")
	for _, r := range c.Requires {
		e.add(r.Pos, r.Value, "require-drbd-module-version", r.Name)
	}
	if len(c.Resources) == 0 {
		for _, name := range sortedKeys(c.Common) {
			e.options(name, c.Common[name], "common", name)
		}
	}
	for _, r := range c.Resources {
		e.resource(r, c.Common)
	}
}

// options adds options of which the first of several lists that has one counts, and in a list the last of its name.
func (e *effective) options(section string, opts Options, path ...string) {
	for _, o := range opts {
		if o.Name == "become-primary-on" && e.d == V9 {
			continue // without effect since 9
		}
		value := normalValue(section, o)
		if value == "" {
			value = "yes"
		}
		e.add(o.Pos, value, append(slices.Clip(path), o.Name)...)
	}
}

// inherit gives the options that are in force where the lists have been given from the nearest to the farthest. resync-after may stand more than
// once; of all others the last of a list counts.
func inherit(lists ...Options) Options {
	var out Options
	have := map[string]bool{}
	for _, list := range lists {
		own := map[string]int{}
		for _, o := range list {
			switch at, again := own[o.Name]; {
			case have[o.Name]:
			case again && o.Name == "resync-after":
				out[at].Value += " " + o.Value
			case again:
				out[at] = o
			default:
				own[o.Name] = len(out)
				out = append(out, o)
			}
		}
		for name := range own {
			have[name] = true
		}
	}
	return out
}

// split parts the options of a disk section into those of the disk and those of the peer device, which DRBD 9 keeps per connection.
func (e *effective) split(opts Options) (disk, peer Options) {
	for _, o := range opts {
		if e.d == V9 && lookup(V9, "peer", o.Name) != nil {
			peer = append(peer, o)
		} else {
			disk = append(disk, o)
		}
	}
	return disk, peer
}

func (e *effective) resource(r *Resource, common Sections) {
	e.add(r.Pos, "present", r.Name)
	if r.TemplateFile != "" {
		common = r.Template
	}
	own := Sections{}
	for _, name := range []string{"options", "net", "disk", "startup", "handlers", "proxy", "plugin"} {
		own[name] = inherit(r.Sections[name], common[name])
	}
	for _, name := range []string{"options", "startup", "handlers"} {
		e.options(name, own[name], r.Name, name)
	}
	links := r.links(e.d, e.cfg)
	if len(links) == 0 {
		e.options("net", own["net"], r.Name, "net")
		e.proxyOptions(own["proxy"], own["plugin"], r.Name, "proxy")
	}
	names := make([]string, len(r.Hosts))
	ids := r.nodeIDs(links, e.d)
	for i, h := range r.Hosts {
		names[i] = h.key()
		e.host(r, h, own, ids[i], len(links) == 0)
	}
	count := map[string]int{}
	for _, l := range links {
		ends := []string{names[l.hosts[0]], names[l.hosts[1]]}
		slices.Sort(ends)
		key := "connection " + strings.Join(ends, " -- ")
		if count[key]++; count[key] > 1 {
			key += fmt.Sprintf(" (%d)", count[key])
		}
		e.link(r, l, own, names, key)
	}
}

// key is a name that does not depend on how a host's section was written.
func (h *Host) key() string {
	switch h.Kind {
	case On:
		names := slices.Clone(h.Names)
		slices.Sort(names)
		return strings.Join(names, " ")
	case Floating:
		return h.Address.normal().String()
	}
	return h.Name()
}

func (e *effective) host(r *Resource, h *Host, own Sections, id *int, proxies bool) {
	at := []string{r.Name, "on " + h.key()}
	put := func(value string, path ...string) { e.add(h.Pos, value, append(slices.Clip(at), path...)...) }
	put(string(h.Kind), "kind")
	put(h.Address.normal().String(), "address")
	put(h.Alternate.normal().String(), "alternate-link-address")
	if id != nil {
		put(strconv.Itoa(*id), "node-id")
	}
	e.options("options", h.Options, append(slices.Clip(at), "options")...)
	if h.Proxy != nil && proxies {
		e.proxy(h.Proxy, own, append(slices.Clip(at), "proxy")...)
	}
	for _, v := range r.volumesOf(h) {
		e.volume(h, v, own, append(slices.Clip(at), "volume "+strconv.Itoa(v.Number))...)
	}
}

// volumesOf gives a host's volumes with what they inherit from the resource's, in the order of their numbers.
func (r *Resource) volumesOf(h *Host) []*Volume {
	if len(r.Volumes) == 0 {
		return h.Volumes
	}
	byNumber := map[int]*Volume{}
	var out []*Volume
	for _, v := range h.Volumes {
		merged := *v
		byNumber[v.Number] = &merged
		out = append(out, &merged)
	}
	for _, from := range r.Volumes {
		v := byNumber[from.Number]
		if v == nil {
			v = &Volume{Number: from.Number, Implicit: from.Implicit, Pos: from.Pos}
			out = append(out, v)
		}
		if v.Disk == "" {
			v.Disk = from.Disk
		}
		if _, ok := v.minorOf(); !ok && v.Device == "" {
			v.Device, v.Minor = from.Device, from.Minor
		}
		if v.MetaDisk == "" {
			v.MetaDisk, v.MetaIndex = from.MetaDisk, from.MetaIndex
		}
		v.Options = inherit(v.Options, from.Options)
	}
	slices.SortFunc(out, func(a, b *Volume) int { return a.Number - b.Number })
	return out
}

func (e *effective) volume(h *Host, v *Volume, own Sections, path ...string) {
	put := func(value, name string) { e.add(v.Pos, value, append(slices.Clip(path), name)...) }
	minor, ok := v.minorOf()
	if ok {
		put(strconv.Itoa(minor), "minor")
	}
	if device := v.Device; device != "" || ok {
		if device == "" {
			device = "/dev/drbd" + strconv.Itoa(minor)
		}
		put(device, "device")
	}
	disk, meta := v.Disk, v.MetaDisk
	switch {
	case h.Kind == Stacked:
		disk, meta = "", ""
	case e.d == V9 && (disk == "" || disk == "none"):
		disk, meta = "none", ""
	case e.d == V9 && meta == "":
		meta = "internal"
	}
	if meta != "" && v.MetaIndex != nil {
		meta += fmt.Sprintf("[%d]", *v.MetaIndex)
	}
	put(disk, "disk")
	put(meta, "meta-disk")
	opts, _ := e.split(inherit(v.Options, own["disk"]))
	e.place(path[0], "disk", path[1:]...)
	e.options("disk", opts, append(slices.Clip(path), "disk-options")...)
}

func (e *effective) proxyOptions(opts, plugin Options, path ...string) {
	e.options("proxy", opts, path...)
	for _, l := range plugin {
		e.add(l.Pos, "yes", append(slices.Clip(path), "plugin "+l.Name)...)
	}
}

func (e *effective) proxy(x *Proxy, own Sections, path ...string) {
	hosts := slices.Clone(x.Hosts)
	slices.Sort(hosts)
	e.add(x.Pos, strings.Join(hosts, " "), append(slices.Clip(path), "on")...)
	e.add(x.Pos, x.Inside.normal().String(), append(slices.Clip(path), "inside")...)
	e.add(x.Pos, x.Outside.normal().String(), append(slices.Clip(path), "outside")...)
	e.proxyOptions(inherit(x.Options, own["proxy"]), inherit(x.Plugin, own["plugin"]), path...)
}

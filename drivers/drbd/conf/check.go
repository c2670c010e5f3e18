package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Check says what drbdadm would refuse in a configuration for the dialect, all at once, each an *Error with its place. It is stricter than
// drbdadm where that only finds out when the resource is brought up: option values of 8.4 that drbdsetup knows to be wrong.
func (c *Config) Check(d Dialect) error {
	k := &checker{d: d, cfg: c, used: map[string]use{}}
	for _, r := range c.Requires {
		if d == V84 {
			k.fail(r.Pos, "require-drbd-module-version-%s: %s does not know it", r.Name, d)
		}
	}
	for _, o := range c.Global {
		if def := lookup(d, "global", o.Name); def != nil {
			k.value("global", o, def)
		}
	}
	k.sections("common", c.Common)
	for _, r := range c.Resources {
		k.resource(r)
	}
	return errors.Join(k.errs...)
}

type checker struct {
	d    Dialect
	cfg  *Config
	used map[string]use // what may be used once
	errs []error
}

type use struct {
	by  string
	pos v1.Pos
}

func (k *checker) fail(pos v1.Pos, format string, args ...any) {
	k.errs = append(k.errs, errAt(pos, format, args...))
}

// once notes that something is used, which only one may.
func (k *checker) once(key, what string, u use) {
	old, ok := k.used[key]
	if !ok {
		k.used[key] = u
		return
	}
	k.fail(u.pos, "%s: %s is also used by %s (%s)", u.by, what, old.by, old.pos)
}

func (k *checker) sections(where string, s Sections) {
	for _, name := range sortedKeys(s) {
		if name != "plugin" {
			k.options(where, name, s[name])
		}
	}
}

func (k *checker) options(where, section string, opts Options) {
	for _, o := range opts {
		def := lookup(k.d, section, o.Name)
		if section == "peer" && k.d == V9 {
			def = table()["9peer "+o.Name]
		}
		if def == nil {
			if k.d == V84 && deprecated84[o.Name] {
				continue
			}
			k.fail(o.Pos, "%s: %s: unknown option %q%s", where, section, o.Name, k.hint(section, o.Name))
			continue
		}
		k.value(where+": "+section, o, def)
	}
}

// deprecated84 are options that 8.4 reads and forgets.
var deprecated84 = set("delay-probe-volume delay-probe-interval throttle-threshold hold-off-threshold")

// hint tells where an option would be known.
func (k *checker) hint(section, name string) string {
	for _, other := range []string{"net", "disk", "options", "startup", "handlers"} {
		if lookup(k.d, other, name) != nil {
			return fmt.Sprintf(": it belongs into the section %s", other)
		}
	}
	for _, d := range []Dialect{V84, V9} {
		if lookup(d, section, name) != nil {
			return fmt.Sprintf(": only %s knows it", d)
		}
	}
	return ""
}

func (k *checker) value(where string, o Option, def *optionDef) {
	if k.d == V84 && o.Name == "after-sb-0pri" && strings.HasPrefix(o.Value, "discard-node-") {
		return // drbdadm turns the node's name into local or remote
	}
	if o.Name == "become-primary-on" {
		return
	}
	if o.Name == "protocol" {
		o.Value = strings.ToUpper(o.Value) // the only one that may be written small
	}
	if bad := def.bad(o.Value); bad != "" {
		k.fail(o.Pos, "%s: %s %s: it %s", where, o.Name, o.Value, bad)
	}
}

func (k *checker) resource(r *Resource) {
	where := "resource " + r.Name
	k.errs = append(k.errs, r.foreign(k.d)...)
	k.sections(where, r.Sections)
	for _, v := range r.Volumes {
		k.options(where, "disk", v.Options)
	}
	if len(r.Hosts) == 0 && k.d == V9 {
		k.fail(r.Pos, "%s: it has no host: on NAME { … } is missing", where)
	}
	x := r.hostIndex(k.cfg)
	links := r.links(k.d, k.cfg)
	ids := r.nodeIDs(links, k.d)
	for i, h := range r.Hosts {
		k.host(r, h)
		if k.d != V9 {
			continue
		}
		if ids[i] == nil && h.Kind != This {
			k.fail(h.Pos, "%s: %s: node-id is missing", where, h.Name())
		} else if h.NodeID != nil {
			k.once(fmt.Sprintf("id %s %d", r.Name, *h.NodeID), fmt.Sprintf("node-id %d", *h.NodeID), use{where + ": " + h.Name(), h.Pos})
		}
	}
	k.volumes(r)
	k.proxies(where, r)
	if k.d == V84 {
		return
	}
	for _, c := range r.Connections {
		k.connection(where, r, c, x)
	}
	for _, m := range r.Meshes {
		k.options(where+": connection-mesh", "net", m.Net)
		for _, name := range m.Hosts {
			switch i := x.find(&End{Host: name}); {
			case i < 0:
				k.fail(m.Pos, "%s: connection-mesh: there is no section for the host %q", where, name)
			case r.Hosts[i].Address.IsZero():
				k.fail(m.Pos, "%s: connection-mesh: the host %q has no address", where, name)
			case r.Hosts[i].Proxy != nil:
				k.fail(m.Pos, "%s: connection-mesh: the host %q has a proxy: write a connection for it", where, name)
			}
		}
	}
	k.addresses(where, r, links, x)
}

func (k *checker) host(r *Resource, h *Host) {
	where := "resource " + r.Name + ": " + h.Name()
	k.options(where, "options", h.Options)
	if h.Proxy != nil {
		k.options(where+": proxy", "proxy", h.Proxy.Options)
	}
	if k.d == V84 {
		if h.Address.IsZero() && h.Kind != This && h.Kind != Remote {
			k.fail(h.Pos, "%s: address is missing", where)
		}
		k.address84(where, h)
	}
	names := h.names(k.cfg)
	if h.Kind == Floating {
		names = []string{h.Address.String()}
	}
	if h.Kind == Stacked {
		if k.cfg.Resource(h.Lower) == nil {
			k.fail(h.Pos, "%s: there is no resource %q", where, h.Lower)
			return
		}
		k.once("stacked "+h.Lower, "the resource "+h.Lower, use{where, h.Pos})
	}
	for _, v := range r.volumesOf(h) {
		k.volume(where, h, v, names)
	}
}

func (k *checker) volume(where string, h *Host, v *Volume, names []string) {
	if !v.Implicit {
		where += fmt.Sprintf(": volume %d", v.Number)
	}
	k.options(where, "disk", v.Options)
	minor, ok := v.minorOf()
	none := k.d == V9 && (v.Disk == "none" || v.Disk == "" && v.MetaDisk == "")
	switch {
	case h.Kind == This || h.Kind == Remote || h.Kind == Stacked && !ok: // drbdadm does not look
	case !ok:
		k.fail(v.Pos, "%s: device is missing", where)
	case h.Kind == Stacked || none:
	case v.Disk == "":
		k.fail(v.Pos, "%s: disk is missing", where)
	case v.MetaDisk == "" && k.d == V84:
		k.fail(v.Pos, "%s: meta-disk is missing", where)
	}
	u := use{where, v.Pos}
	for _, name := range names {
		if ok {
			k.once(fmt.Sprintf("minor %s %d", name, minor), fmt.Sprintf("minor %d on %s", minor, name), u)
		}
		if strings.HasPrefix(v.Device, "/dev/drbd_") {
			k.once("device "+name+" "+v.Device, v.Device+" on "+name, u)
		}
		if h.Kind == Stacked || none {
			continue
		}
		if v.Disk != "" && !slices.ContainsFunc(h.Volumes, func(w *Volume) bool { return w.Number == v.Number && w.Disk != "" }) {
			// Only where the host inherits it: resources that share a disk in turns are written so.
			k.once("disk "+name+" "+v.Disk, v.Disk+" on "+name, u)
		}
		if v.MetaDisk != "" && v.MetaDisk != "internal" {
			slot := v.MetaDisk
			if v.MetaIndex != nil {
				slot += fmt.Sprintf("[%d]", *v.MetaIndex)
			}
			k.once("meta "+name+" "+slot, slot+" on "+name, u)
		}
	}
}

// volumes checks that all hosts have the same volumes.
func (k *checker) volumes(r *Resource) {
	var first []*Volume
	implicit, numbered := false, false
	for i, h := range r.Hosts {
		vs := r.volumesOf(h)
		for _, v := range vs {
			implicit = implicit || v.Implicit
			numbered = numbered || v.Number != 0
		}
		if i == 0 {
			first = vs
			continue
		}
		same := slices.EqualFunc(first, vs, func(a, b *Volume) bool { return a.Number == b.Number && a.Implicit == b.Implicit })
		if !same {
			k.fail(h.Pos, "resource %s: %s has %s, but %s has %s: all hosts must have the same volumes, written in the same way",
				r.Name, h.Name(), describe(vs), r.Hosts[0].Name(), describe(first))
		}
	}
	if implicit && numbered {
		k.fail(r.Pos, "resource %s: it has volume sections, and statements outside of them that mean volume 0", r.Name)
	}
	for _, h := range r.Hosts {
		lower := k.cfg.Resource(h.Lower)
		if h.Kind != Stacked || lower == nil || len(lower.Hosts) == 0 {
			continue
		}
		for _, v := range r.volumesOf(h) {
			below := lower.volumesOf(lower.Hosts[0])
			if !slices.ContainsFunc(below, func(w *Volume) bool { return w.Number == v.Number && w.Implicit == v.Implicit }) {
				k.fail(v.Pos, "resource %s: volume %d stands on resource %s, which has %s", r.Name, v.Number, h.Lower, describe(below))
			}
		}
	}
}

func describe(vs []*Volume) string {
	if len(vs) == 0 {
		return "no volume"
	}
	out := make([]string, len(vs))
	for i, v := range vs {
		if out[i] = fmt.Sprintf("volume %d", v.Number); v.Implicit {
			out[i] = "volume 0 without a volume section"
		}
	}
	return strings.Join(out, ", ")
}

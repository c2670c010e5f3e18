package conf

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Write gives the resource as drbdadm dump prints it, without its comments: the same text for the same resource. An error says what the dialect
// cannot express.
func (r *Resource) Write(d Dialect) (string, error) {
	p := &printer{d: d}
	p.errs = append(p.errs, r.foreign(d)...)
	p.resource(r)
	return p.text()
}

// Write gives the whole configuration in one text; what was included is in it.
func (c *Config) Write(d Dialect) (string, error) {
	p := &printer{d: d}
	for _, r := range c.Requires {
		if d == V84 {
			p.errs = append(p.errs, errAt(r.Pos, "require-drbd-module-version-%s: %s does not know it", r.Name, d))
		}
		p.line("require-drbd-module-version-%s %s;", r.Name, r.Value)
	}
	if len(c.Global) > 0 {
		p.open("global")
		for _, o := range c.Global {
			p.statement(o.Name, o.Value)
		}
		p.close()
	}
	if c.Common != nil {
		p.open("common")
		p.sections(c.Common)
		p.close()
	}
	for _, r := range c.Resources {
		p.errs = append(p.errs, r.foreign(d)...)
		p.resource(r)
	}
	return p.text()
}

type printer struct {
	d      Dialect
	b      strings.Builder
	indent int
	errs   []error
}

func (p *printer) text() (string, error) {
	if err := errors.Join(p.errs...); err != nil {
		return "", err
	}
	return p.b.String(), nil
}

func (p *printer) line(format string, args ...any) {
	for range p.indent {
		p.b.WriteString("    ")
	}
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

func (p *printer) open(format string, args ...any) {
	p.line(format+" {", args...)
	p.indent++
}

func (p *printer) close() {
	p.indent--
	p.line("}")
}

// statement prints "name value;" in the columns of drbdadm dump; the value is ready.
func (p *printer) statement(name, value string) {
	if value == "" {
		p.line("%s;", name)
		return
	}
	p.line("%-*s %3s;", 24-4*p.indent, name, value)
}

// reserved84 are the words that 8.4's scanner takes for its own besides keywords: the names of all options.
var reserved84 = sync.OnceValue(func() map[string]bool {
	m := set("ignore-on alternate-link-address rate after use-bmbv delay-probe-volume delay-probe-interval throttle-threshold hold-off-threshold " +
		"discard-my-data no-disk-barrier no-disk-flushes no-disk-drain no-md-flushes no-tcp-cork plugin outdate-peer")
	for key := range table() {
		if f := strings.Fields(key); strings.HasPrefix(f[0], "84") {
			m[f[1]] = true
		}
	}
	return m
})

// name gives a name or path, in quotes where a bare word would be something else.
func (p *printer) name(s string) string {
	if !isBareWord(s) || kindOf(s) != kString {
		return p.quoted(s)
	}
	if p.d == V84 && reserved84()[s] || p.d != V84 && keywords9[s] {
		return p.quoted(s)
	}
	return s
}

func isBareWord(s string) bool {
	return s != "" && len(s) <= maxBare && strings.IndexFunc(s, func(r rune) bool { return r > 127 || !isBare(byte(r)) }) < 0
}

func (p *printer) names(ss []string) string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = p.name(s)
	}
	return strings.Join(out, " ")
}

func (p *printer) quoted(s string) string {
	if strings.ContainsRune(s, '\n') || len(s) > maxQuoted {
		p.errs = append(p.errs, errAt(zero, "a value of %d characters: drbd.conf has none of more than %d, and none of several lines", len(s), maxQuoted))
	}
	return quote(s)
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// value gives an option's value: numbers and booleans stand bare, since 8.4 does not take booleans in quotes.
func (p *printer) value(section string, o Option) string {
	if (o.Value == "yes" || o.Value == "no") && !p.isText(section, o.Name) || o.Value != "" && kindOf(o.Value) == kInteger {
		return o.Value
	}
	return p.name(o.Value)
}

func (p *printer) isText(section, option string) bool {
	def := lookup(p.d, section, option)
	return def != nil && def.typ == "string"
}

func (p *printer) options(section string, opts Options) {
	for _, o := range opts {
		name := o.Name
		if strings.HasPrefix(name, "no-") {
			name = "no-" + name // one no- is taken off when it is read
		}
		if name == "plugin" || !isBareWord(name) {
			name = p.quoted(name)
		}
		switch {
		case o.Name == "become-primary-on":
			p.statement(name, p.names(strings.Fields(o.Value)))
		case o.Value == "" && o.Name == "stacked-timeouts":
			p.statement(name, "")
		default:
			p.statement(name, p.value(section, o))
		}
	}
}

// section prints a section of options, if there are any.
func (p *printer) section(title, section string, opts, plugin Options) {
	if len(opts) == 0 && len(plugin) == 0 {
		return
	}
	p.open("%s", title)
	p.options(section, opts)
	if len(plugin) > 0 {
		p.open("plugin")
		for _, l := range plugin {
			p.line("%s;", l.Name)
		}
		p.close()
	}
	p.close()
}

func (p *printer) sections(s Sections) {
	for _, name := range []string{"options", "net", "disk", "startup"} {
		p.section(name, name, s[name], nil)
	}
	p.section("proxy", "proxy", s["proxy"], s["plugin"])
	p.section("handlers", "handlers", s["handlers"], nil)
}

func (p *printer) resource(r *Resource) {
	p.open("resource %s", p.name(r.Name))
	if r.TemplateFile != "" {
		p.line("template-file %s;", p.name(r.TemplateFile))
	}
	for _, v := range r.Volumes {
		p.volume(v)
	}
	for _, h := range r.Hosts {
		p.host(h)
	}
	for _, c := range r.Connections {
		p.connection(c)
	}
	for _, m := range r.Meshes {
		p.open("connection-mesh")
		if len(m.Hosts) > 0 {
			p.line("hosts %s;", p.names(m.Hosts))
		}
		p.section("net", "net", m.Net, nil)
		p.close()
	}
	p.sections(r.Sections)
	p.close()
}

func (p *printer) volume(v *Volume) {
	if !v.Implicit {
		p.open("volume %d", v.Number)
		defer p.close()
	}
	p.section("disk", "disk", v.Options, nil)
	switch {
	case v.Minor == nil && v.Device != "":
		p.statement("device", p.name(v.Device))
	case v.Minor != nil:
		device := ""
		if v.Device != "" {
			device = p.name(v.Device) + " "
		}
		p.statement("device", fmt.Sprintf("%sminor %d", device, *v.Minor))
	}
	if v.Disk != "" {
		p.statement("disk", p.name(v.Disk))
	}
	switch {
	case v.MetaDisk == "":
	case v.MetaIndex != nil:
		p.statement("meta-disk", fmt.Sprintf("%s[%d]", p.name(v.MetaDisk), *v.MetaIndex))
	default:
		p.statement("meta-disk", p.name(v.MetaDisk))
	}
}

func (p *printer) host(h *Host) {
	switch h.Kind {
	case On:
		p.open("on %s", p.names(h.Names))
	case Floating:
		p.open("floating %s", h.Address)
	case Stacked:
		p.open("stacked-on-top-of %s", p.name(h.Lower))
	default:
		p.open("%s", h.Kind)
	}
	if h.NodeID != nil {
		p.line("node-id %d;", *h.NodeID)
	}
	p.section("options", "options", h.Options, nil)
	for _, v := range h.Volumes {
		p.volume(v)
	}
	if h.Kind != Floating && !h.Address.IsZero() {
		p.statement("address", h.Address.String())
	}
	if !h.Alternate.IsZero() {
		p.statement("alternate-link-address", h.Alternate.String())
	}
	p.proxy("", h.Proxy)
	p.close()
}

package conf

import (
	"strings"
)

// resource reads the statements of a resource or common section.
func (p *parser) resource(r *Resource, n *node) {
	for _, n := range n.body {
		p.fail(p.resourceStatement(r, n))
	}
}

func (p *parser) resourceStatement(r *Resource, n *node) error {
	c := n.cursor()
	switch keyword := n.words[0].text; {
	case n.words[0].quoted:
		return n.unknown("a keyword")
	case keyword == "skip":
		return nil
	case keyword == "protocol":
		o, err := c.option()
		if err == nil && p.first(r.Name+": protocol", n) {
			r.add("net", o)
		}
		return err
	case keyword == "disk" && !n.block || keyword == "device" || keyword == "meta-disk" || keyword == "flexible-meta-disk":
		p.first(r.Name+": "+strings.TrimPrefix(keyword, "flexible-"), n) // 8.4 and 9 read a second one differently
		v, err := implicitVolume(&r.Volumes, n)
		if err == nil {
			err = p.volumeStatement(v, n)
		}
		return err
	case keyword == "volume":
		return p.volume(&r.Volumes, c, p.volumeStatement)
	case keyword == "on":
		return p.on(r, c)
	case keyword == "floating":
		return p.floating(r, c)
	case keyword == "stacked-on-top-of":
		w, err := c.name("the resource below")
		if err == nil {
			err = c.open()
		}
		if err != nil {
			return err
		}
		return p.host(r, &Host{Kind: Stacked, Lower: w.text, Pos: n.pos()}, n)
	case keyword == "_this_host" || keyword == "_remote_host":
		if err := c.open(); err != nil {
			return err
		}
		return p.host(r, &Host{Kind: HostKind(keyword), Pos: n.pos()}, n)
	case keyword == "connection":
		return p.connection(r, c)
	case keyword == "connection-mesh":
		return p.mesh(r, c)
	case keyword == "template-file":
		w, err := c.name("the file's name")
		if err == nil {
			err = c.close()
		}
		if err != nil {
			return err
		}
		r.TemplateFile = w.text
		p.template(r, w)
		return nil
	case keyword == "ignore-on": // of 8.4, without effect
		if _, err := c.name("a host's name"); err != nil {
			return err
		}
		return c.close()
	}
	return p.section(r, n)
}

// section reads the sections that hold options only.
func (p *parser) section(r *Resource, n *node) error {
	name := n.words[0].text
	switch name {
	case "net", "disk", "syncer", "startup", "handlers", "options", "proxy":
	default:
		return n.unknown("protocol, on, volume, device, disk, meta-disk, net, syncer, startup, handlers, options, proxy, connection, " +
			"connection-mesh, floating, stacked-on-top-of, template-file or skip")
	}
	if err := n.cursor().open(); err != nil {
		return err
	}
	p.first(r.Name+": section "+name, n)
	opts, plugin := p.options(n, name == "proxy")
	for _, o := range plugin {
		r.add("plugin", o)
	}
	for _, o := range opts {
		to := name
		switch {
		case name == "syncer":
			o, to = fromSyncer(o)
		case name == "disk":
			o = renamed(o)
		case name == "handlers" && o.Name == "outdate-peer":
			o.Name = "fence-peer"
		}
		r.add(to, o)
	}
	if r.Sections == nil {
		r.Sections = Sections{}
	}
	return nil
}

func (r *Resource) add(section string, o Option) {
	if r.Sections == nil {
		r.Sections = Sections{}
	}
	r.Sections[section] = append(r.Sections[section], o)
}

// renamed gives options of 8.3 the name that 8.4 gave them.
func renamed(o Option) Option {
	switch o.Name {
	case "rate":
		o.Name = "resync-rate"
	case "after":
		o.Name = "resync-after"
	}
	return o
}

// fromSyncer finds the section where an option of the old syncer section belongs.
func fromSyncer(o Option) (Option, string) {
	o = renamed(o)
	switch o.Name {
	case "verify-alg", "csums-alg", "use-rle":
		return o, "net"
	case "cpu-mask", "on-no-data-accessible":
		return o, "options"
	}
	for _, section := range []string{"net", "disk", "options"} {
		if lookup(V9, section, o.Name) != nil {
			return o, section
		}
	}
	return o, "disk"
}

// options reads the options of a section, and with plugin those of the plugin section inside.
func (p *parser) options(n *node, plugin bool) (opts, lines Options) {
	for _, n := range n.body {
		switch {
		case plugin && n.is("plugin"):
			if err := n.cursor().open(); err != nil {
				p.fail(err)
				continue
			}
			lines = append(lines, p.pluginLines(n)...)
		case n.block:
			p.fail(errAt(n.pos(), "%q: an option is expected, not a section", n.words[0].text))
		default:
			o, err := n.option()
			if err != nil {
				p.fail(err)
				continue
			}
			opts = append(opts, o)
		}
	}
	return opts, lines
}

func (p *parser) pluginLines(n *node) (lines Options) {
	for _, n := range n.body {
		if n.block {
			p.fail(errAt(n.pos(), "plugin: a line that ends with ; is expected, not a section"))
			continue
		}
		words := make([]string, len(n.words))
		for i, w := range n.words {
			if words[i] = w.text; w.quoted {
				words[i] = quote(w.text)
			}
		}
		lines = append(lines, Option{Name: strings.Join(words, " "), Pos: n.pos()})
	}
	return lines
}

func (n *node) option() (Option, error) { return n.cursor().option() }

// option reads "NAME ;", "no-NAME ;" or "NAME VALUE ;".
func (c *cursor) option() (Option, error) {
	n := c.n
	o := Option{Name: n.words[0].text, Pos: n.pos()}
	if o.Name == "become-primary-on" { // a list of hosts
		words := make([]string, 0, len(n.words))
		for c.more() {
			words = append(words, c.next().text)
		}
		o.Value = strings.Join(words, " ")
		return o, c.close()
	}
	bare, negated := strings.CutPrefix(o.Name, "no-")
	if !c.more() {
		switch {
		case n.block:
			return o, c.expected("a value or ;", c.next())
		case o.Name == "stacked-timeouts":
		case negated:
			o.Name, o.Value = bare, "no"
		default:
			o.Value = "yes"
		}
		return o, nil
	}
	w := c.next()
	if w.kind == kSign || w.kind == kElse {
		return o, c.expected("a value", w)
	}
	if negated { // drbdadm looks at the value alone
		o.Name = bare
	}
	o.Value = w.text
	if end := c.next(); !end.sign(";") { // which may be part of a secret, so it is not shown
		return o, errAt(end.pos, "%s: ; is expected after the value; a value with other characters than letters, digits and / . _ - stands in quotes", o.Name)
	}
	return o, nil
}

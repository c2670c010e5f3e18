package conf

import "cmp"

// on reads "on NAME… { … }".
func (p *parser) on(r *Resource, c *cursor) error {
	h := &Host{Kind: On, Pos: c.n.pos()}
	for first := true; first || c.more(); first = false {
		w, err := c.name("a host's name")
		if err != nil {
			return err
		}
		h.Names = append(h.Names, w.text)
		p.first(r.Name+": on "+w.text, c.n)
	}
	if err := c.open(); err != nil {
		return err
	}
	return p.host(r, h, c.n)
}

// floating reads "floating ADDRESS { … }" or "floating ADDRESS ;".
func (p *parser) floating(r *Resource, c *cursor) error {
	a, err := c.address()
	if err != nil {
		return err
	}
	if w := c.next(); !w.sign("{") && !w.sign(";") {
		return c.expected("{ or ;", w)
	}
	p.first(r.Name+": floating "+a.String(), c.n)
	return p.host(r, &Host{Kind: Floating, Address: a, Pos: c.n.pos()}, c.n)
}

// host reads the statements of a section for a host.
func (p *parser) host(r *Resource, h *Host, n *node) error {
	r.Hosts = append(r.Hosts, h)
	seen := map[string]bool{}
	for _, n := range n.body {
		keyword := n.words[0].text
		once := keyword
		if once == "flexible-meta-disk" {
			once = "meta-disk"
		}
		if seen[once] && keyword != "volume" && keyword != "skip" {
			p.fail(errAt(n.pos(), "%s is given twice for %s", keyword, h.Name()))
			continue
		}
		seen[once] = true
		p.fail(p.hostStatement(h, n))
	}
	return nil
}

func (p *parser) hostStatement(h *Host, n *node) (err error) {
	c := n.cursor()
	statement := p.volumeStatement
	if h.Kind == Stacked {
		statement = p.stackedVolumeStatement
	}
	switch keyword := n.words[0].text; {
	case n.words[0].quoted:
		return n.unknown("a keyword")
	case keyword == "device" || h.Kind != Stacked && (keyword == "disk" || keyword == "meta-disk" || keyword == "flexible-meta-disk"):
		v, err := implicitVolume(&h.Volumes, n)
		if err != nil {
			return err
		}
		return statement(v, n)
	case keyword == "volume":
		return p.volume(&h.Volumes, c, statement)
	case keyword == "address" && h.Kind == Floating:
		return errAt(n.pos(), "a floating section has its address in its first line: address must not stand inside of it")
	case keyword == "address":
		h.Address, err = c.address()
		return cmp.Or(err, c.close())
	case keyword == "alternate-link-address" && h.Kind != Floating:
		h.Alternate, err = c.address()
		return cmp.Or(err, c.close())
	case keyword == "node-id":
		id, err := c.number("the node id", 0, maxNodeID)
		h.NodeID = &id
		return cmp.Or(err, c.close())
	case keyword == "proxy":
		h.Proxy, err = p.proxy(c)
		return err
	case keyword == "options" && h.Kind != Stacked:
		if err := c.open(); err != nil {
			return err
		}
		h.Options, _ = p.options(n, false)
		return nil
	case keyword == "skip" && h.Kind != Stacked:
		return nil
	case h.Kind == Stacked:
		return n.unknown("device, address, proxy, volume or node-id")
	}
	return n.unknown("volume, device, disk, meta-disk, flexible-meta-disk, address, node-id, options, proxy or skip")
}

// proxy reads "proxy on NAME… { … }"; the cursor stands behind proxy.
func (p *parser) proxy(c *cursor) (*Proxy, error) {
	x := &Proxy{Pos: c.n.pos()}
	if !c.take("on") {
		return nil, c.expected("on", c.next())
	}
	for first := true; first || c.more(); first = false {
		w, err := c.name("a host's name")
		if err != nil {
			return nil, err
		}
		x.Hosts = append(x.Hosts, w.text)
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	for _, n := range c.n.body {
		p.fail(p.proxyStatement(x, n))
	}
	if x.Inside.IsZero() || x.Outside.IsZero() {
		return nil, errAt(x.Pos, "a proxy needs inside and outside addresses")
	}
	return x, nil
}

func (p *parser) proxyStatement(x *Proxy, n *node) (err error) {
	c := n.cursor()
	switch {
	case n.is("inside"):
		x.Inside, err = c.address()
	case n.is("outside"):
		x.Outside, err = c.address()
	case n.is("options"):
		if err := c.open(); err != nil {
			return err
		}
		x.Options, x.Plugin = p.options(n, true)
		return nil
	default:
		return n.unknown("inside, outside or options")
	}
	return cmp.Or(err, c.close())
}

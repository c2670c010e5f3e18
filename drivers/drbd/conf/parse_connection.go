package conf

import (
	"cmp"
)

// connection reads "connection [NAME] { … }".
func (p *parser) connection(r *Resource, c *cursor) error {
	conn := &Connection{Pos: c.n.pos()}
	if c.more() {
		w, err := c.name("a name or {")
		if err != nil {
			return err
		}
		conn.Name = w.text
	}
	if err := c.open(); err != nil {
		return err
	}
	r.Connections = append(r.Connections, conn)
	for _, n := range c.n.body {
		p.fail(p.connectionStatement(conn, n))
	}
	return nil
}

func (p *parser) connectionStatement(conn *Connection, n *node) error {
	c := n.cursor()
	switch {
	case n.isEnd():
		if len(conn.Paths) == 0 {
			conn.Paths = []*Path{{Implicit: true, Pos: n.pos()}}
		}
		if !conn.Paths[0].Implicit {
			return errAt(n.pos(), "%s stands beside path sections: put it into one of them", n.words[0].text)
		}
		return p.end(conn.Paths[0], c)
	case n.is("path"):
		if err := c.open(); err != nil {
			return err
		}
		path := &Path{Pos: n.pos()}
		conn.Paths = append(conn.Paths, path)
		for _, n := range n.body {
			if !n.isEnd() {
				p.fail(n.unknown("host or address"))
				continue
			}
			p.fail(p.end(path, n.cursor()))
		}
		return nil
	case n.is("net"):
		if err := c.open(); err != nil {
			return err
		}
		if len(conn.Net) > 0 {
			return errAt(n.pos(), "the connection has two net sections")
		}
		conn.Net, _ = p.options(n, false)
		return nil
	case n.is("disk"):
		if err := c.open(); err != nil {
			return err
		}
		conn.Disk, _ = p.options(n, false)
		return nil
	case n.is("volume"):
		return p.peerVolume(conn, c)
	case n.is("skip"):
		return nil
	case n.is("_peer_node_id"):
		id, err := c.number("the node id", 0, maxNodeID)
		conn.PeerNodeID = &id
		return cmp.Or(err, c.close())
	case n.is("_is_standalone"):
		conn.Standalone = true
		return c.close()
	}
	return n.unknown("host, address, path, net, disk, volume or skip")
}

// peerVolume reads "volume N { disk { … } }", which must have just that.
func (p *parser) peerVolume(conn *Connection, c *cursor) error {
	number, err := c.number("the volume's number", 0, maxVolume)
	if err = cmp.Or(err, c.open()); err != nil {
		return err
	}
	if len(c.n.body) != 1 || !c.n.body[0].is("disk") {
		return errAt(c.n.pos(), "a volume of a connection holds just one disk section")
	}
	disk := c.n.body[0]
	if err := disk.cursor().open(); err != nil {
		return err
	}
	v := &PeerVolume{Number: number, Pos: c.n.pos()}
	v.Disk, _ = p.options(disk, false)
	conn.Volumes = append(conn.Volumes, v)
	return nil
}

// isEnd tells whether the statement names an end of a path.
func (n *node) isEnd() bool {
	return n.is("host") || n.is("address") || n.is("_this_host") || n.is("_remote_host")
}

// end reads "host NAME [address A | port N] [via proxy on … { … }]", "address A" and the words of drbdsetup show.
func (p *parser) end(path *Path, c *cursor) error {
	e := &End{Pos: c.n.pos()}
	var err error
	switch {
	case !c.n.is("host"):
		if !c.n.is("address") {
			e.Host = c.n.words[0].text
		}
		if e.Address, err = c.address(); err != nil {
			return err
		}
	default:
		w, err := c.name("a host's name")
		if err != nil {
			return err
		}
		e.Host = w.text
		switch {
		case c.take("address"):
			e.Address, err = c.address()
		case c.take("port"):
			e.Port, err = c.number("the port", 1, maxPort)
		}
		if err != nil {
			return err
		}
	}
	if c.take("via") {
		if !c.take("proxy") {
			return c.expected("proxy", c.next())
		}
		if e.Proxy, err = p.proxy(c); err != nil {
			return err
		}
	} else if err := c.close(); err != nil {
		return err
	}
	if len(path.Ends) == 2 {
		return errAt(e.Pos, "a third host: a path joins two")
	}
	path.Ends = append(path.Ends, e)
	return nil
}

// mesh reads "connection-mesh { hosts NAME… ; net { … } }".
func (p *parser) mesh(r *Resource, c *cursor) error {
	if err := c.open(); err != nil {
		return err
	}
	m := &Mesh{Pos: c.n.pos()}
	r.Meshes = append(r.Meshes, m)
	for _, n := range c.n.body {
		p.fail(p.meshStatement(m, n))
	}
	return nil
}

func (p *parser) meshStatement(m *Mesh, n *node) error {
	c := n.cursor()
	switch {
	case n.is("hosts"):
		for first := true; first || c.more(); first = false {
			w, err := c.name("a host's name")
			if err != nil {
				return err
			}
			m.Hosts = append(m.Hosts, w.text)
		}
		return c.close()
	case n.is("net"):
		if err := c.open(); err != nil {
			return err
		}
		if len(m.Net) > 0 {
			return errAt(n.pos(), "the mesh has two net sections")
		}
		m.Net, _ = p.options(n, false)
		return nil
	}
	return n.unknown("hosts or net")
}

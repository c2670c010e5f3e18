package conf

import "fmt"

func (p *printer) proxy(before string, x *Proxy) {
	if x == nil {
		return
	}
	p.open("%sproxy on %s", before, p.names(x.Hosts))
	p.statement("inside", x.Inside.String())
	p.statement("outside", x.Outside.String())
	p.section("options", "proxy", x.Options, x.Plugin)
	p.close()
}

func (p *printer) connection(c *Connection) {
	p.open("connection")
	if c.PeerNodeID != nil {
		p.line("_peer_node_id %d;", *c.PeerNodeID)
	}
	for _, path := range c.Paths {
		if !path.Implicit {
			p.open("path")
		}
		for _, e := range path.Ends {
			p.end(e)
		}
		if !path.Implicit {
			p.close()
		}
	}
	if c.Standalone {
		p.line("_is_standalone;")
	}
	p.section("net", "net", c.Net, nil)
	p.section("disk", "peer", c.Disk, nil)
	for _, v := range c.Volumes {
		p.open("volume %d", v.Number)
		p.open("disk") // must be there, even without options
		p.options("peer", v.Disk)
		p.close()
		p.close()
	}
	p.close()
}

func (p *printer) end(e *End) {
	text := "host " + p.name(e.Host)
	switch {
	case e.Host == string(This) || e.Host == string(Remote):
		text = e.Host + " " + e.Address.String()
	case e.Host == "":
		text = "address " + e.Address.String()
	case !e.Address.IsZero():
		text += " address " + e.Address.String()
	case e.Port != 0:
		text += fmt.Sprintf(" port %d", e.Port)
	}
	if e.Proxy == nil {
		p.line("%s;", text)
		return
	}
	p.proxy(text+" via ", e.Proxy)
}

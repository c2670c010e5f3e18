package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

const (
	cibDir  = "/var/lib/pacemaker/cib"
	cibPath = cibDir + "/cib.xml"
	seedID  = "hactl-seed-dc-deadtime"
	// What Debian 12's Pacemaker writes.
	featureSet = "3.16.1"
	version    = "2.1.5-sim"
)

// emptyCIB is what cibadmin --empty prints.
const emptyCIB = `<cib crm_feature_set="` + featureSet + `" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config/>
    <nodes/>
    <resources/>
    <constraints/>
  </configuration>
  <status/>
</cib>
`

// pacemaker is what the running members share. There is one partition: sim does not split clusters.
type pacemaker struct {
	doc  *etree.Document // nil: it runs nowhere
	text string          // doc as text; empty: to be made anew
	dc   *Node
	// active says where primitives run and in which role, by their ids; what left the configuration is in it until it stopped.
	active map[string]map[string]string
	agents map[string][3]string // class, provider and type of what was ever active
	due    time.Time            // when the status follows the configuration; zero: it does
}

func newPacemaker() pacemaker {
	return pacemaker{active: map[string]map[string]string{}, agents: map[string][3]string{}}
}

func parse(text string) (*etree.Document, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		return nil, err
	}
	if doc.Root() == nil || doc.Root().Tag != "cib" {
		return nil, errors.New("it is no cib")
	}
	strip(doc.Root())
	return doc, nil
}

// strip drops the blanks between elements, as Pacemaker does: positions in a patch count nodes.
func strip(el *etree.Element) {
	el.Child = slices.DeleteFunc(el.Child, func(t etree.Token) bool {
		c, ok := t.(*etree.CharData)
		return ok && strings.TrimSpace(c.Data) == ""
	})
	el.ReindexChildren()
	for _, c := range el.ChildElements() {
		strip(c)
	}
}

func attr(el *etree.Element, name string) string {
	if el == nil {
		return ""
	}
	return el.SelectAttrValue(name, "")
}

// section is a part of the configuration.
func (p *pacemaker) section(name string) *etree.Element {
	return p.doc.Root().SelectElement("configuration").SelectElement(name)
}

// String is the CIB as cibadmin --query prints it.
func (p *pacemaker) String() string {
	if p.text == "" {
		doc := p.doc.Copy()
		doc.Indent(2)
		p.text, _ = doc.WriteToString() // to memory
	}
	return p.text
}

func (p *pacemaker) number(name string) int {
	n, _ := strconv.Atoi(attr(p.doc.Root(), name))
	return n
}

// raise counts a change of the configuration, or of the status alone.
func (p *pacemaker) raise(configuration bool) {
	root := p.doc.Root()
	if configuration {
		root.CreateAttr("epoch", strconv.Itoa(p.number("epoch")+1))
		root.CreateAttr("num_updates", "0")
	} else {
		root.CreateAttr("num_updates", strconv.Itoa(p.number("num_updates")+1))
	}
	p.text = ""
}

// touch is a change of the status that means nothing, as there are many.
func (p *pacemaker) touch() {
	if p.doc != nil {
		p.raise(false)
	}
}

// startPacemaker joins the running members, with whatever lies on the disk: the newer configuration wins.
func (n *Node) startPacemaker() error {
	u := n.units["pacemaker.service"]
	switch {
	case u == nil:
		return errors.New("there is no unit pacemaker.service")
	case u.active:
		return nil
	}
	p := &n.c.pacemaker
	text := emptyCIB
	if f, ok := n.files[cibPath]; ok {
		text = f.Content.Reveal()
	}
	own, err := parse(text)
	if err != nil {
		return fmt.Errorf("cannot use %s: %w", cibPath, err)
	}
	if p.doc == nil || newer(own, p.doc) {
		*p = newPacemaker()
		p.doc = own
		if own.Root().SelectElement("status") == nil {
			own.Root().CreateElement("status")
		}
		own.Root().CreateAttr("cib-last-written", time.Now().UTC().Format(time.ANSIC))
	}
	u.active = true
	n.store()
	n.c.elect()
	return nil
}

func newer(a, b *etree.Document) bool {
	for _, name := range []string{"admin_epoch", "epoch", "num_updates"} {
		x, _ := strconv.Atoi(attr(a.Root(), name))
		y, _ := strconv.Atoi(attr(b.Root(), name))
		if x != y {
			return x > y
		}
	}
	return false
}

// store writes the node's copy to its disk, without the status.
func (n *Node) store() {
	doc := n.c.pacemaker.doc.Copy()
	if st := doc.Root().SelectElement("status"); st != nil {
		doc.Root().RemoveChild(st)
	}
	doc.Indent(2)
	text, _ := doc.WriteToString() // to memory
	n.files[cibPath] = reconcile.File{Content: reconcile.Plain(text), Mode: 0o600, Owner: "hacluster:haclient"}
	n.files[cibPath+".sig"] = reconcile.File{Content: reconcile.Plain("signed"), Mode: 0o600, Owner: "hacluster:haclient"}
}

// stopPacemaker stops what runs on the node, and then Pacemaker.
func (n *Node) stopPacemaker() {
	u := n.units["pacemaker.service"]
	if u == nil || !u.active {
		return
	}
	u.active = false
	n.store()
	p := &n.c.pacemaker
	for rsc := range p.active {
		delete(p.active[rsc], n.name)
	}
	n.c.elect()
}

// working are the members that run Pacemaker, by id.
func (c *Cluster) working() []*Node {
	var out []*Node
	for _, n := range c.nodes {
		if n.ring != nil && n.runsPacemaker() {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *Node) int { return a.ring.id - b.ring.id })
	return out
}

// elect settles who is the designated controller after members came or went, and has it write what it writes.
func (c *Cluster) elect() {
	p := &c.pacemaker
	members := c.working()
	switch {
	case len(members) == 0:
		*p = newPacemaker()
		return
	case !slices.Contains(members, p.dc):
		p.dc = members[0]
	}
	root := p.doc.Root()
	quorum := "0"
	if p.dc.quorate() {
		quorum = "1"
	}
	root.CreateAttr("have-quorum", quorum)
	root.CreateAttr("dc-uuid", strconv.Itoa(p.dc.ring.id))
	changed := false
	set := func(parent *etree.Element, tag, id string, attrs ...string) *etree.Element {
		for _, el := range parent.SelectElements(tag) {
			if attr(el, "id") == id {
				return el
			}
		}
		changed = true
		el := parent.CreateElement(tag)
		el.CreateAttr("id", id)
		for i := 0; i < len(attrs); i += 2 {
			el.CreateAttr(attrs[i], attrs[i+1])
		}
		return el
	}
	nodes := p.section("nodes")
	for _, m := range members {
		set(nodes, "node", strconv.Itoa(m.ring.id), "uname", m.name)
	}
	const options = "cib-bootstrap-options"
	own := set(p.section("crm_config"), "cluster_property_set", options)
	for _, o := range [][2]string{{"have-watchdog", "false"}, {"dc-version", version}, {"cluster-infrastructure", "corosync"},
		{"cluster-name", p.dc.ring.conf["totem.cluster_name"]}} {
		set(own, "nvpair", options+"-"+o[0], "name", o[0], "value", o[1])
	}
	p.raise(changed)
	c.settle()
}

// settle has the status follow after the lag.
func (c *Cluster) settle() {
	c.pacemaker.due = time.Now().Add(c.Lag)
	c.follow()
}

// expire does what time has brought.
func (c *Cluster) expire() {
	for _, n := range c.nodes {
		n.expire()
	}
	c.follow()
}

// follow makes the status what the configuration wants, if it is time.
func (c *Cluster) follow() {
	p := &c.pacemaker
	if p.doc != nil && !p.due.IsZero() && !time.Now().Before(p.due) {
		p.due = time.Time{}
		p.active = c.schedule()
		c.writeStatus()
		p.raise(false)
	}
}

func firstStart(x *call) answer {
	n := x.n
	if n.runsPacemaker() {
		return failed(1, "pacemaker runs already")
	}
	for p, f := range n.match([]string{cibDir + "/*"}) {
		name := strings.TrimPrefix(p, cibDir+"/")
		_, signed := n.files[cibPath+".sig"]
		if name == "cib.xml" && !signed && strings.Contains(f.Content.Reveal(), seedID) || name == "cib.xml.hactl" {
			continue
		}
		return failed(1, "%s holds %s: the configuration of some earlier cluster, which would replace this one's", cibDir, name)
	}
	x.changes(cibPath)
	delete(n.files, cibPath)
	if seed := x.args()[0]; seed != "" {
		n.files[cibPath] = reconcile.File{Mode: 0o600, Owner: "hacluster:haclient", Content: reconcile.Plain(strings.Replace(emptyCIB, "<crm_config/>",
			`<crm_config><cluster_property_set id="cib-bootstrap-options">`+seed+`</cluster_property_set></crm_config>`, 1))}
	}
	return x.unit("start", "pacemaker", n.units["pacemaker.service"])
}

func moveAside(x *call) answer {
	if x.n.runsPacemaker() {
		return failed(1, "pacemaker runs; its configuration is in use")
	}
	old := cibDir + ".before-hactl-" + time.Now().UTC().Format("20060102T150405")
	for p, f := range x.n.match([]string{cibDir + "/*"}) {
		x.changes(p)
		delete(x.n.files, p)
		x.n.files[old+strings.TrimPrefix(p, cibDir)] = f
	}
	return answer{out: "moved to " + old + "\n"}
}

// CIB is the configuration and the status as a member gives them; empty where Pacemaker runs nowhere.
func (c *Cluster) CIB() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	if c.pacemaker.doc == nil {
		return ""
	}
	return c.pacemaker.String()
}

// SetCIB replaces the configuration by another one, as an operator may do. It raises the epoch.
func (c *Cluster) SetCIB(change func(configuration *etree.Element)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.pacemaker
	change(p.doc.Root().SelectElement("configuration"))
	p.raise(true)
	c.settle()
}

// Active are the nodes where a primitive runs, with its role there.
func (c *Cluster) Active(primitive string) map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	out := map[string]string{}
	for n, role := range c.pacemaker.active[primitive] {
		out[n] = role
	}
	return out
}

package sim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

func result(request string) *etree.Element {
	root := etree.NewElement("pacemaker-result")
	root.CreateAttr("api-version", "2.25")
	root.CreateAttr("request", request)
	return root
}

func finished(root *etree.Element) answer {
	st := root.CreateElement("status")
	st.CreateAttr("code", "0")
	st.CreateAttr("message", "OK")
	doc := etree.NewDocument()
	doc.SetRoot(root)
	doc.Indent(2)
	text, _ := doc.WriteToString() // to memory
	return answer{out: text}
}

func crmMon(x *call) answer {
	if !x.n.packages["pacemaker"] {
		return failed(127, "crm_mon: command not found")
	}
	if !x.n.runsPacemaker() {
		return disconnected("crm_mon")
	}
	root := result(strings.Join(x.argv, " "))
	x.c.summary(root)
	x.c.status(root, x.c.pacemaker.active)
	return finished(root)
}

func (c *Cluster) summary(root *etree.Element) {
	p := &c.pacemaker
	s := root.CreateElement("summary")
	add(s, "stack", "type", "corosync")
	add(s, "current_dc", "present", "true", "version", version, "name", p.dc.name, "id", strconv.Itoa(p.dc.ring.id), "with_quorum", strconv.FormatBool(p.dc.quorate()),
		"mixed_version", "false")
	add(s, "last_update", "time", time.Now().UTC().Format(time.ANSIC))
	add(s, "last_change", "time", attr(p.doc.Root(), "cib-last-written"), "user", "root", "client", "cibadmin", "origin", attr(p.doc.Root(), "update-origin"))
	add(s, "nodes_configured", "number", strconv.Itoa(len(p.section("nodes").ChildElements())))
	add(s, "resources_configured", "number", strconv.Itoa(len(p.section("resources").FindElements(".//primitive"))), "disabled", "0", "blocked", "0")
}

func add(parent *etree.Element, tag string, attrs ...string) *etree.Element {
	el := parent.CreateElement(tag)
	for i := 0; i < len(attrs); i += 2 {
		el.CreateAttr(attrs[i], attrs[i+1])
	}
	return el
}

// status adds <nodes> and <resources> with what runs where.
func (c *Cluster) status(root *etree.Element, active map[string]map[string]string) {
	p := &c.pacemaker
	s := newScheduler(c)
	nodes := root.CreateElement("nodes")
	for _, n := range p.section("nodes").ChildElements() {
		name, running := attr(n, "uname"), 0
		for _, on := range active {
			if _, ok := on[name]; ok {
				running++
			}
		}
		node := c.Node(name)
		up := node != nil && node.ring != nil && node.runsPacemaker()
		el := add(nodes, "node", "name", name, "id", attr(n, "id"), "online", strconv.FormatBool(up), "standby", strconv.FormatBool(s.nodeSays(name, "standby")),
			"standby_onfail", "false", "maintenance", strconv.FormatBool(s.nodeSays(name, "maintenance")), "pending", "false", "unclean", "false", "health", "green")
		if up {
			el.CreateAttr("feature_set", featureSet)
		}
		for _, a := range [][2]string{{"shutdown", "false"}, {"expected_up", strconv.FormatBool(up)}, {"is_dc", strconv.FormatBool(node == p.dc)},
			{"resources_running", strconv.Itoa(running)}, {"type", "member"}} {
			el.CreateAttr(a[0], a[1])
		}
	}
	resources := root.CreateElement("resources")
	for _, top := range s.tops {
		c.show(resources, top, s, active)
	}
	for _, id := range p.orphans() {
		for _, n := range slices.Sorted(maps.Keys(active[id])) {
			instance(resources, id, p.agents[id], "Started", "", n, c, true, true)
		}
	}
}

// show adds a resource as crm_mon nests it: what is in a group or a clone stands in it.
func (c *Cluster) show(to, el *etree.Element, s *scheduler, active map[string]map[string]string) {
	id := attr(el, "id")
	managed := strconv.FormatBool(s.managed(el))
	switch el.Tag {
	case "primitive":
		on := slices.Sorted(maps.Keys(active[id]))
		if len(on) == 0 {
			on = []string{""}
		}
		for _, n := range on {
			role := active[id][n]
			instance(to, id, agentOf(el, c.pacemaker.doc), role, meta(el, "target-role"), n, c, false, s.managed(el))
		}
	case "group":
		g := add(to, "group", "id", id, "number_resources", strconv.Itoa(len(el.SelectElements("primitive"))), "maintenance", "false", "managed", managed, "disabled", "false")
		for _, m := range el.SelectElements("primitive") {
			c.show(g, m, s, active)
		}
	case "clone", "master":
		cl := add(to, "clone", "id", id, "multi_state", strconv.FormatBool(el.Tag == "master" || yes(meta(el, "promotable"))), "unique", "false", "maintenance", "false",
			"managed", managed, "disabled", "false", "failed", "false", "failure_ignored", "false")
		for _, m := range el.ChildElements() {
			switch m.Tag {
			case "primitive":
				c.show(cl, m, s, active)
			case "group":
				c.showGroups(cl, m, s, active)
			}
		}
	}
}

// showGroups adds the instances of a cloned group, each with what runs on one node.
func (c *Cluster) showGroups(to, el *etree.Element, s *scheduler, active map[string]map[string]string) {
	nodes := map[string]bool{}
	for _, m := range el.SelectElements("primitive") {
		for n := range active[attr(m, "id")] {
			nodes[n] = true
		}
	}
	if len(nodes) == 0 {
		nodes[""] = true
	}
	for i, n := range slices.Sorted(maps.Keys(nodes)) {
		here := map[string]map[string]string{}
		for _, m := range el.SelectElements("primitive") {
			if role, ok := active[attr(m, "id")][n]; ok {
				here[attr(m, "id")] = map[string]string{n: role}
			}
		}
		g := el.Copy()
		g.CreateAttr("id", attr(el, "id")+":"+strconv.Itoa(i))
		in := etree.NewElement(el.Parent().Tag) // meta attributes are inherited
		for _, set := range el.Parent().SelectElements("meta_attributes") {
			in.AddChild(set.Copy())
		}
		in.AddChild(g)
		c.show(to, g, s, here)
	}
}

func instance(to *etree.Element, id string, agent [3]string, role, target, node string, c *Cluster, orphan, managed bool) {
	name := agent[0] + ":" + agent[1] + ":" + agent[2]
	if agent[1] == "" {
		name = agent[0] + ":" + agent[2]
	}
	if node == "" {
		role = "Stopped"
	}
	el := add(to, "resource", "id", id, "resource_agent", name, "role", role)
	if target != "" {
		el.CreateAttr("target_role", target)
	}
	on := "0"
	if node != "" {
		on = "1"
	}
	for _, a := range [][2]string{{"active", strconv.FormatBool(node != "")}, {"orphaned", strconv.FormatBool(orphan)}, {"blocked", "false"}, {"maintenance", "false"},
		{"managed", strconv.FormatBool(managed)}, {"failed", "false"}, {"failure_ignored", "false"}, {"nodes_running_on", on}} {
		el.CreateAttr(a[0], a[1])
	}
	if n := c.Node(node); n != nil && n.ring != nil {
		add(el, "node", "name", node, "id", strconv.Itoa(n.ring.id), "cached", "true")
	}
}

// crmSimulate knows --live-check --simulate: what is, what the scheduler would do now, and what would come of it.
func crmSimulate(x *call) answer {
	if !x.n.runsPacemaker() {
		return disconnected("crm_simulate")
	}
	if !slices.Contains(x.argv, "--live-check") {
		x.c.problem("%s: %v is not known here", x.n.name, x.argv)
		return failed(64, "usage")
	}
	root := result(strings.Join(x.argv, " "))
	p := &x.c.pacemaker
	then := x.c.schedule()
	x.c.status(root.CreateElement("cluster_status"), p.active)
	actions := root.CreateElement("actions")
	for _, id := range slices.Sorted(maps.Keys(then)) {
		for _, n := range slices.Sorted(maps.Keys(then[id])) {
			if _, on := p.active[id][n]; !on {
				add(actions, "rsc_action", "action", "Start", "resource", id, "node", n)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.active)) {
		for _, n := range slices.Sorted(maps.Keys(p.active[id])) {
			if _, on := then[id][n]; !on {
				add(actions, "rsc_action", "action", "Stop", "resource", id, "node", n)
			}
		}
	}
	root.CreateElement("transition")
	x.c.status(root.CreateElement("revised_cluster_status"), then)
	return finished(root)
}

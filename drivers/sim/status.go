package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// writeStatus makes the status section anew: the state of each node, and the history of the operations of each primitive on it.
func (c *Cluster) writeStatus() {
	p := &c.pacemaker
	old := p.doc.Root().SelectElement("status")
	if old != nil {
		p.doc.Root().RemoveChild(old)
	}
	status := p.doc.Root().CreateElement("status")
	all := p.section("resources").FindElements(".//primitive")
	for _, el := range all {
		p.agents[attr(el, "id")] = agentOf(el, p.doc)
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	for _, n := range p.section("nodes").ChildElements() {
		name := attr(n, "uname")
		node := c.Node(name)
		up := node != nil && node.ring != nil && node.runsPacemaker()
		st := status.CreateElement("node_state")
		st.CreateAttr("id", attr(n, "id"))
		st.CreateAttr("uname", name)
		for _, a := range [][3]string{{"in_ccm", "true", "false"}, {"crmd", "online", "offline"}, {"crm-debug-origin", "sim", "sim"},
			{"join", "member", "down"}, {"expected", "member", "down"}} {
			v := a[2]
			if up {
				v = a[1]
			}
			st.CreateAttr(a[0], v)
		}
		if !up {
			continue
		}
		lrm := st.CreateElement("lrm")
		lrm.CreateAttr("id", attr(n, "id"))
		list := lrm.CreateElement("lrm_resources")
		call := 0
		for _, el := range all {
			id := attr(el, "id")
			agent := p.agents[id]
			if agent[0] == "" {
				continue
			}
			r := list.CreateElement("lrm_resource")
			r.CreateAttr("id", id)
			r.CreateAttr("class", agent[0])
			if agent[1] != "" {
				r.CreateAttr("provider", agent[1])
			}
			r.CreateAttr("type", agent[2])
			role, runs := p.active[id][name]
			call++
			if !runs {
				history(r, id, "last", "monitor", "0", "7", name, now, call)
				continue
			}
			last := "start"
			if role == "Promoted" {
				last = "promote"
			}
			history(r, id, "last", last, "0", "0", name, now, call)
			for _, op := range el.FindElements("operations/op") {
				if ms := milliseconds(attr(op, "interval")); attr(op, "name") == "monitor" && ms != "0" {
					rc := "0"
					if role == "Promoted" {
						rc = "8"
					}
					if want := attr(op, "role"); (want == "Promoted" || want == "Master") == (role == "Promoted") {
						history(r, id, "monitor_"+ms, "monitor", ms, rc, name, now, call)
					}
				}
			}
		}
	}
}

// agentOf is the class, the provider and the type, of the template where the primitive has one.
func agentOf(el *etree.Element, doc *etree.Document) [3]string {
	if t := attr(el, "template"); t != "" {
		for _, x := range doc.FindElements("/cib/configuration/resources/template") {
			if attr(x, "id") == t {
				el = x
			}
		}
	}
	return [3]string{attr(el, "class"), attr(el, "provider"), attr(el, "type")}
}

// history adds an operation that ended as expected. There are no digests: they are those of agents' metadata.
func history(r *etree.Element, id, key, op, interval, rc, node, now string, call int) {
	el := r.CreateElement("lrm_rsc_op")
	transition := fmt.Sprintf("%d:1:%s:00000000-0000-0000-0000-000000000000", call, rc)
	for _, a := range [][2]string{{"id", id + "_" + key}, {"operation_key", id + "_" + op + "_" + interval}, {"operation", op}, {"crm-debug-origin", "sim"},
		{"crm_feature_set", featureSet}, {"transition-key", transition}, {"transition-magic", "0:" + rc + ";" + transition}, {"exit-reason", ""}, {"on_node", node},
		{"call-id", strconv.Itoa(call)}, {"rc-code", rc}, {"op-status", "0"}, {"interval", interval}, {"last-rc-change", now}, {"exec-time", "0"},
		{"queue-time", "0"}} {
		el.CreateAttr(a[0], a[1])
	}
}

// milliseconds reads 10, 10s, 500ms, 1min and 1h.
func milliseconds(s string) string {
	s = strings.TrimSpace(s)
	unit := strings.TrimLeft(s, "0123456789.")
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, unit), 64)
	if err != nil {
		return "0"
	}
	scale := map[string]float64{"": 1000, "s": 1000, "sec": 1000, "ms": 1, "msec": 1, "m": 60000, "min": 60000, "h": 3600000, "hr": 3600000}[unit]
	return strconv.FormatFloat(n*scale, 'f', -1, 64)
}

// orphans are what runs and is not in the configuration any more.
func (p *pacemaker) orphans() []string {
	left := map[string]bool{}
	for _, el := range p.section("resources").FindElements(".//primitive") {
		left[attr(el, "id")] = true
	}
	var out []string
	for _, rsc := range slices.Sorted(maps.Keys(p.active)) {
		if !left[rsc] && len(p.active[rsc]) > 0 {
			out = append(out, rsc)
		}
	}
	return out
}

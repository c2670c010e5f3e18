package cib

import (
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// fencingOff gives the option that switches fencing off and its value, "" where it is on. The first set of cluster options counts; another
// one counts where that says nothing. Whether a rule holds nobody knows beforehand: ruled takes that it does.
func fencingOff(doc *etree.Document, ruled bool) (option, value string) {
	for _, name := range []string{"stonith-enabled", "fencing-enabled"} {
		if v := clusterOption(doc, name, ruled); v != "" {
			if on, ok := boolean(v); ok && !on {
				return name, v
			}
		}
	}
	return "", ""
}

// clusterOption is the value of a cluster option as the scheduler reads it, "" where it is not set.
func clusterOption(doc *etree.Document, name string, ruled bool) string {
	crm := section(doc, "crm_config")
	if crm == nil {
		return ""
	}
	plain := (view{}).plainProperties(crm)
	if nv := pairNamed(plain, name); nv != nil {
		return attr(nv, "value")
	}
	for _, set := range crm.SelectElements("cluster_property_set") {
		if nv := pairNamed(set, name); nv != nil && (ruled || set.SelectElement("rule") == nil) {
			return attr(nv, "value")
		}
	}
	return ""
}

// watchdogFencing tells whether a node that is lost may be taken to fence itself by SBD's watchdog: any time but 0 (pacemaker-controld(7)).
func watchdogFencing(doc *etree.Document) bool {
	if on, _ := boolean(clusterOption(doc, "have-watchdog", false)); !on {
		return false
	}
	for _, name := range []string{"stonith-watchdog-timeout", "fencing-watchdog-timeout"} {
		if v := clusterOption(doc, name, false); v != "" {
			d, err := v1.Interval(v)
			return err != nil || d != 0
		}
	}
	return false
}

// fenceTarget is a device and the nodes that its parameters name; all of them where it is asked itself (pcmk_host_check).
type fenceTarget struct {
	id      string
	nodes   []string
	all     bool
	stopped bool // by its target-role: the fencer then does not know it
}

// covers compares names of nodes as Pacemaker does, without regard to case.
func (f fenceTarget) covers(node string) bool {
	return f.all || slices.ContainsFunc(f.nodes, func(n string) bool { return strings.EqualFold(n, node) })
}

func fenceDevices(doc *etree.Document) []fenceTarget {
	var out []fenceTarget
	s := section(doc, "resources")
	if s == nil {
		return nil
	}
	walk(s, func(el *etree.Element) {
		if el.Tag == "primitive" && attr(el, "class") == "stonith" {
			out = append(out, fenceTargetOf(el))
		}
	})
	return out
}

func fenceTargetOf(el *etree.Element) fenceTarget {
	f := fenceTarget{id: attr(el, "id")}
	listed, check := false, ""
	for _, nv := range el.FindElements("./instance_attributes/nvpair") {
		switch attr(nv, "name") {
		case "pcmk_host_list":
			listed = true
			f.nodes = append(f.nodes, splitHosts(attr(nv, "value"))...)
		case "pcmk_host_map":
			listed = true
			for _, e := range splitHosts(attr(nv, "value")) {
				n, _, _ := strings.Cut(strings.ReplaceAll(e, "=", ":"), ":")
				f.nodes = append(f.nodes, n)
			}
		case "pcmk_host_check":
			check = attr(nv, "value")
		}
	}
	f.all = !listed || check != "" && check != "static-list"
	for e := el; e != nil && e.Tag != "resources"; e = e.Parent() {
		role := attr(pairNamed((view{}).plainSet(e, "meta_attributes"), "target-role"), "value")
		f.stopped = f.stopped || canonicalRole(role) == "Stopped"
	}
	return f
}

// fenceable gives, for each node that can be fenced, the devices that can do it. A node with levels is fenced by these alone: all devices of
// one level together.
func fenceable(doc *etree.Document) map[string][]string {
	out := map[string][]string{}
	nodes := section(doc, "nodes")
	if off, _ := fencingOff(doc, true); off != "" || nodes == nil {
		return out
	}
	devices := map[string]fenceTarget{}
	for _, f := range fenceDevices(doc) {
		if !f.stopped {
			devices[f.id] = f
		}
	}
	watchdog := watchdogFencing(doc)
	for _, n := range nodes.SelectElements("node") {
		name := attr(n, "uname")
		by := fencedBy(name, levelsOf(doc, n), devices)
		if by != nil || watchdog {
			out[name] = by
		}
	}
	return out
}

func fencedBy(node string, levels [][]string, devices map[string]fenceTarget) []string {
	var by []string
	if levels == nil {
		for id, f := range devices {
			if f.covers(node) {
				by = append(by, id)
			}
		}
	}
	for _, level := range levels {
		if !slices.ContainsFunc(level, func(id string) bool { return devices[id].id == "" || !devices[id].covers(node) }) {
			by = append(by, level...)
		}
	}
	slices.Sort(by)
	return slices.Compact(by)
}

// levelsOf are the devices of each fencing level of a node.
func levelsOf(doc *etree.Document, node *etree.Element) [][]string {
	top := section(doc, "fencing-topology")
	if top == nil {
		return nil
	}
	var levels [][]string
	for _, l := range top.SelectElements("fencing-level") {
		if levelFor(l, node) {
			levels = append(levels, splitHosts(attr(l, "devices")))
		}
	}
	return levels
}

func levelFor(level, node *etree.Element) bool {
	name := attr(node, "uname")
	switch {
	case has(level, "target-pattern"):
		re, err := regexp.Compile("(?i)" + attr(level, "target-pattern"))
		return err != nil || re.MatchString(name)
	case has(level, "target-attribute"):
		for _, set := range node.SelectElements("instance_attributes") {
			if nv := pairNamed(set, attr(level, "target-attribute")); nv != nil {
				return attr(nv, "value") == attr(level, "target-value")
			}
		}
		return false
	}
	return strings.EqualFold(attr(level, "target"), name)
}

package sim

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// scheduler decides where resources run, by a few of the rules of Pacemaker's.
type scheduler struct {
	c           *Cluster
	before      map[string]map[string]string // node and role by primitive
	online      []string
	tops        []*etree.Element
	topOf       map[string]*etree.Element // by the id of a primitive, a group or a clone
	constraints []*etree.Element
	options     map[string]string
	canStart    bool
	after       map[string]map[string]string
	decided     map[string]bool // tops
	load        map[string]int
}

// schedule gives where everything is to run now.
func (c *Cluster) schedule() map[string]map[string]string {
	s := newScheduler(c)
	if !c.pacemaker.dc.quorate() && s.options["no-quorum-policy"] != "ignore" {
		if s.options["no-quorum-policy"] == "freeze" {
			return s.before
		}
		return map[string]map[string]string{}
	}
	for _, top := range s.tops {
		s.decide(top)
	}
	return s.after
}

func newScheduler(c *Cluster) *scheduler {
	p := &c.pacemaker
	s := &scheduler{c: c, before: p.active, topOf: map[string]*etree.Element{}, options: map[string]string{}, after: map[string]map[string]string{},
		decided: map[string]bool{}, load: map[string]int{}}
	for _, set := range p.section("crm_config").ChildElements() {
		for _, nv := range set.SelectElements("nvpair") {
			if _, said := s.options[attr(nv, "name")]; !said {
				s.options[attr(nv, "name")] = attr(nv, "value")
			}
		}
	}
	devices := 0
	for _, top := range p.section("resources").ChildElements() {
		if top.Tag == "template" {
			continue
		}
		s.tops = append(s.tops, top)
		for _, el := range append(top.FindElements(".//*[@id]"), top) {
			switch el.Tag {
			case "primitive", "group", "clone", "master", "bundle":
				s.topOf[attr(el, "id")] = top
			}
			if el.Tag == "primitive" && attr(el, "class") == "stonith" {
				devices++
			}
		}
	}
	s.canStart = devices > 0 || off(s.options["stonith-enabled"])
	s.constraints = p.section("constraints").ChildElements()
	for _, n := range c.working() {
		if !s.nodeSays(n.name, "standby") {
			s.online = append(s.online, n.name)
		}
	}
	return s
}

func off(v string) bool {
	switch strings.ToLower(v) {
	case "false", "no", "off", "n", "0":
		return true
	}
	return false
}

func yes(v string) bool { return v != "" && !off(v) }

func (s *scheduler) nodeSays(node, attribute string) bool {
	for _, n := range s.c.pacemaker.section("nodes").ChildElements() {
		if attr(n, "uname") == node {
			for _, nv := range n.FindElements("instance_attributes/nvpair") {
				if attr(nv, "name") == attribute {
					return yes(attr(nv, "value"))
				}
			}
		}
	}
	return false
}

// meta is the value of a resource's meta attribute: of the set with the highest score, of its own before those of what holds it.
func meta(el *etree.Element, name string) string {
	for ; el != nil && el.Tag != "resources"; el = el.Parent() {
		best, value, found := 0, "", false
		for _, set := range el.SelectElements("meta_attributes") {
			if set.SelectElement("rule") != nil {
				continue
			}
			for _, nv := range set.SelectElements("nvpair") {
				if n := score(attr(set, "score")); attr(nv, "name") == name && (!found || n > best) {
					best, value, found = n, attr(nv, "value"), true
				}
			}
		}
		if found {
			return value
		}
	}
	return ""
}

const infinity = 1000000

func score(v string) int {
	switch strings.TrimPrefix(v, "+") {
	case "INFINITY":
		return infinity
	case "-INFINITY":
		return -infinity
	}
	n, _ := strconv.Atoi(v)
	return max(-infinity, min(n, infinity))
}

// primitives are those in a top-level resource, in order; the ones in bundles do not run.
func primitives(top *etree.Element) []*etree.Element {
	switch top.Tag {
	case "primitive":
		return []*etree.Element{top}
	case "bundle":
		return nil
	}
	return top.FindElements(".//primitive")
}

func (s *scheduler) managed(el *etree.Element) bool {
	return !yes(s.options["maintenance-mode"]) && !off(meta(el, "is-managed")) && !yes(meta(el, "maintenance"))
}

// decide places a top-level resource, after those that it depends on.
func (s *scheduler) decide(top *etree.Element) {
	id := attr(top, "id")
	if s.decided[id] {
		return
	}
	s.decided[id] = true
	nodes := s.candidates(top)
	single := top.Tag == "primitive" || top.Tag == "group"
	if single && len(nodes) > 1 {
		nodes = nodes[:1]
	}
	if n := meta(top, "clone-max"); n != "" && !single {
		limit, _ := strconv.Atoi(n)
		nodes = nodes[:min(len(nodes), limit)]
	}
	promoted := map[string]bool{}
	if top.Tag == "master" || yes(meta(top, "promotable")) {
		limit := 1
		for _, name := range []string{"promoted-max", "master-max"} {
			if v := meta(top, name); v != "" {
				limit, _ = strconv.Atoi(v)
			}
		}
		for _, n := range s.nodesOf(id, "Promoted") {
			if slices.Contains(nodes, n) && len(promoted) < limit {
				promoted[n] = true
			}
		}
		for _, n := range nodes {
			if len(promoted) < limit {
				promoted[n] = true
			}
		}
	}
	up := true // all before it in the group run
	for _, el := range primitives(top) {
		rsc := attr(el, "id")
		if !s.managed(el) {
			if s.after[rsc] = s.before[rsc]; len(s.before[rsc]) == 0 {
				up = false
			}
			continue
		}
		target := meta(el, "target-role")
		start := up && target != "Stopped" && !yes(s.options["stop-all-resources"]) && (s.canStart || len(s.before[rsc]) > 0)
		on := map[string]string{}
		for _, n := range nodes {
			role := "Started"
			if top.Tag == "master" || yes(meta(top, "promotable")) {
				role = "Unpromoted"
				if promoted[n] && target != "Unpromoted" && target != "Slave" {
					role = "Promoted"
				}
			}
			if start {
				on[n] = role
				s.load[n]++
			}
		}
		s.after[rsc] = on
		if attr(el.Parent(), "id") != "" && el.Parent().Tag == "group" {
			up = up && len(on) > 0
		}
	}
}

// nodesOf are the nodes where something of a top-level resource ran before.
func (s *scheduler) nodesOf(id, role string) []string {
	on := map[string]bool{}
	for _, el := range primitives(s.topOf[id]) {
		for n, r := range s.before[attr(el, "id")] {
			if role == "" || r == role {
				on[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(on))
}

// candidates are the nodes that may run a resource, the best first.
func (s *scheduler) candidates(top *etree.Element) []string {
	weight := map[string]int{}
	for _, n := range s.online {
		weight[n] = 0
	}
	ban := func(ok func(node string) bool) {
		maps.DeleteFunc(weight, func(n string, _ int) bool { return !ok(n) })
	}
	for _, c := range s.constraints {
		switch c.Tag {
		case "rsc_location":
			if s.topOf[attr(c, "rsc")] == top {
				locate(c, weight)
			}
		case "rsc_colocation":
			with := s.topOf[attr(c, "with-rsc")]
			if s.topOf[attr(c, "rsc")] != top || with == nil || with == top {
				continue
			}
			s.decide(with)
			role := attr(c, "with-rsc-role")
			there := func(n string) bool { return s.runs(attr(c, "with-rsc"), n, role) }
			if v := c.SelectAttrValue("score", "INFINITY"); score(v) == infinity {
				ban(there)
			} else if score(v) == -infinity {
				ban(func(n string) bool { return !there(n) })
			}
		case "rsc_order":
			first := s.topOf[attr(c, "first")]
			mandatory := attr(c, "kind") == "Mandatory" || attr(c, "kind") == "" && c.SelectAttrValue("score", "INFINITY") != "0"
			if s.topOf[attr(c, "then")] != top || first == nil || first == top || !mandatory {
				continue
			}
			s.decide(first)
			role := ""
			if attr(c, "first-action") == "promote" {
				role = "Promoted"
			}
			if action := attr(c, "first-action"); (action == "" || action == "start" || action == "promote") &&
				!slices.ContainsFunc(s.online, func(n string) bool { return s.runs(attr(c, "first"), n, role) }) {
				ban(func(string) bool { return false })
			}
		}
	}
	maps.DeleteFunc(weight, func(_ string, w int) bool { return w <= -infinity })
	for _, n := range s.nodesOf(attr(top, "id"), "") { // nothing moves without a reason
		if _, ok := weight[n]; ok {
			weight[n] += 1000
		}
	}
	nodes := slices.Sorted(maps.Keys(weight))
	sort.SliceStable(nodes, func(i, j int) bool {
		a, b := nodes[i], nodes[j]
		if weight[a] != weight[b] {
			return weight[a] > weight[b]
		}
		return s.load[a] < s.load[b]
	})
	return nodes
}

// runs tells whether a resource will run on a node: all of a group, any of the instances of a clone.
func (s *scheduler) runs(id, node, role string) bool {
	top := s.topOf[id]
	for _, el := range primitives(top) {
		inside := attr(el, "id") == id
		for p := el.Parent(); p != nil && !inside; p = p.Parent() {
			inside = attr(p, "id") == id
		}
		r, on := s.after[attr(el, "id")][node]
		if inside && (!on || (role == "Promoted" || role == "Master") && r != "Promoted") {
			return false
		}
	}
	return len(primitives(top)) > 0
}

// locate weighs nodes by a location constraint: one with a node, or with rules on #uname.
func locate(c *etree.Element, weight map[string]int) {
	for n := range weight {
		if attr(c, "node") == n {
			weight[n] += score(attr(c, "score"))
		}
		for _, rule := range c.SelectElements("rule") {
			for _, e := range rule.SelectElements("expression") {
				is := attr(e, "value") == n
				if attr(e, "attribute") == "#uname" && (attr(e, "operation") == "eq" && is || attr(e, "operation") == "ne" && !is) {
					weight[n] += score(attr(rule, "score"))
				}
			}
		}
	}
}

package corosync

import (
	"net/netip"
	"sort"
	"strconv"
	"strings"
)

// A field is an option of corosync.conf by its path: "totem.token", "totem.interface[1].knet_link_priority", "quorum.device.net.host",
// "nodelist.node[2].ring0_addr". Sections that may stand more than once carry what tells them apart: an interface its linknumber, a node
// its nodeid, a logger_subsys its subsys; any other its place among those of its name, from 0, if there are several.

// fields gives every option of the file with its value.
func (c *Conf) fields() map[string]string {
	m := map[string]string{}
	if c != nil {
		c.walk(func(path string, s *Section, key, value string) { m[path] = value })
	}
	return m
}

func (c *Conf) walk(f func(path string, s *Section, key, value string)) {
	walk(&c.Root, "", f)
}

func walk(s *Section, prefix string, f func(string, *Section, string, string)) {
	seen := map[string]int{}
	for _, l := range s.Lines {
		switch {
		case l.Section != nil:
			i := seen[l.Section.Name]
			seen[l.Section.Name]++
			walk(l.Section, prefix+sectionName(s, l.Section, i)+".", f)
		case l.Key != "":
			f(prefix+l.Key, s, l.Key, l.Value)
		}
	}
}

// sectionName is the section's part of a path.
func sectionName(parent, s *Section, i int) string {
	id := ""
	switch {
	case parent.Name == "totem" && s.Name == "interface":
		id = s.first("linknumber", "ringnumber")
		if id == "" {
			id = strconv.Itoa(i) // totemconfig.c numbers interfaces without a linknumber from 0
		}
	case parent.Name == "nodelist" && s.Name == "node":
		id = s.first("nodeid", "name", "ring0_addr")
	case s.Name == "logger_subsys":
		id = s.first("subsys")
	case len(parent.sections(s.Name)) > 1 && i > 0:
		id = strconv.Itoa(i)
	}
	if id == "" {
		return s.Name
	}
	return s.Name + "[" + id + "]"
}

func (s *Section) first(keys ...string) string {
	for _, k := range keys {
		if v, ok := s.get(k); ok {
			return v
		}
	}
	return ""
}

// setField sets an option by its path, making the sections that it needs.
func (c *Conf) setField(path, value string) {
	parts := splitPath(path)
	s := &c.Root
	for _, p := range parts[:len(parts)-1] {
		s = s.descend(p)
	}
	s.set(parts[len(parts)-1], value)
}

// removeField drops an option, and sections that are empty without it.
func (c *Conf) removeField(path string) {
	parts := splitPath(path)
	chain := []*Section{&c.Root}
	for _, p := range parts[:len(parts)-1] {
		n := chain[len(chain)-1].find(p)
		if n == nil {
			return
		}
		chain = append(chain, n)
	}
	chain[len(chain)-1].remove(parts[len(parts)-1])
	for i := len(chain) - 1; i > 1; i-- { // top sections stay
		if !chain[i].empty() {
			return
		}
		up := chain[i-1]
		out := up.Lines[:0]
		for _, l := range up.Lines {
			if l.Section != chain[i] {
				out = append(out, l)
			}
		}
		up.Lines = out
	}
}

// empty tells that a section holds nothing but what names it.
func (s *Section) empty() bool {
	for _, l := range s.Lines {
		if l.Section != nil || l.Key != "" && l.Key != "linknumber" && l.Key != "ringnumber" && l.Key != "nodeid" && l.Key != "subsys" {
			return false
		}
	}
	return true
}

func (s *Section) find(part string) *Section {
	seen := map[string]int{}
	for _, l := range s.Lines {
		if l.Section == nil {
			continue
		}
		i := seen[l.Section.Name]
		seen[l.Section.Name]++
		if sectionName(s, l.Section, i) == part {
			return l.Section
		}
	}
	return nil
}

func (s *Section) descend(part string) *Section {
	if n := s.find(part); n != nil {
		return n
	}
	name, id, _ := strings.Cut(strings.TrimSuffix(part, "]"), "[")
	n := s.add(name)
	if id != "" {
		switch name {
		case "interface":
			n.set("linknumber", id)
		case "node":
			n.set("nodeid", id)
		case "logger_subsys":
			n.set("subsys", id)
		}
	}
	return n
}

// splitPath splits at the dots outside of brackets: an id may be an address.
func splitPath(path string) []string {
	var out []string
	depth, start := 0, 0
	for i, r := range path {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case r == '.' && depth == 0:
			out = append(out, path[start:i])
			start = i + 1
		}
	}
	return append(out, path[start:])
}

func lastKey(path string) string {
	p := splitPath(path)
	return p[len(p)-1]
}

// sameValue compares two values of an option as corosync does.
func sameValue(path, a, b string) bool {
	if a == b {
		return true
	}
	key := lastKey(path)
	switch {
	case strings.HasPrefix(path, "logging.") && strings.HasPrefix(key, "to_"):
		// logconfig.c: yes and on are one, no and off are one.
		return onOff[a] != 0 && onOff[a] == onOff[b]
	case strings.HasSuffix(key, "_addr"), key == "bindnetaddr", key == "mcastaddr":
		x, err1 := netip.ParseAddr(a)
		y, err2 := netip.ParseAddr(b)
		return err1 == nil && err2 == nil && x == y
	case textOptions[key], strings.HasPrefix(path, "logging."):
		return false
	}
	x, err1 := strconv.ParseInt(a, 0, 64) // coroparse.c: strtoll with base 0
	y, err2 := strconv.ParseInt(b, 0, 64)
	return err1 == nil && err2 == nil && x == y
}

var onOff = map[string]int{"yes": 1, "on": 1, "no": 2, "off": 2}

// textOptions are those whose value is a text even when it looks like a number.
var textOptions = map[string]bool{"cluster_name": true, "name": true, "keyfile": true, "key": true, "host": true, "logfile": true}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

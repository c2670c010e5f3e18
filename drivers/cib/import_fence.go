package cib

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

var (
	fenceAgent = regexp.MustCompile(`^fence_[A-Za-z0-9_.-]+$`)
	nodeWord   = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)
)

// isFenceDevice tells whether the kind FenceDevice can say a primitive: agents of cluster-glue, templates and an action given by hand are
// things that only a Resource has.
func (im *importer) isFenceDevice(el *etree.Element) bool {
	if attr(el, "class") != "stonith" || !fenceAgent.MatchString(attr(el, "type")) || has(el, "template") || has(el, "provider") {
		return false
	}
	for _, c := range el.ChildElements() {
		switch c.Tag {
		case "utilization":
			return false
		case "operations":
			if has(c, "id-ref") || im.needed(c) != "" {
				return false
			}
		case "instance_attributes":
			for _, nv := range c.SelectElements("nvpair") {
				if attr(nv, "name") == "action" {
					return false
				}
			}
		}
	}
	return true
}

func (im *importer) fenceDevice(el *etree.Element) error {
	f := &v1.FenceDevice{}
	s := im.named(&f.Object, "FenceDevice", attr(el, "id"))
	p, err := s.primitive(el, "spec")
	if err != nil {
		return err
	}
	f.Spec = v1.FenceDeviceSpec{Agent: attr(el, "type"), Description: p.Description, Params: p.Params, ParamSets: p.ParamSets, Secrets: p.Secrets,
		Meta: p.Meta, MetaSets: p.MetaSets, Operations: p.Operations}
	if targets := hostList(p.Params.Get("pcmk_host_list")); targets != nil {
		f.Spec.Targets = targets
		delete(p.Params, "pcmk_host_list")
	}
	if plugs := hostMap(p.Params.Get("pcmk_host_map")); plugs != nil {
		f.Spec.TargetPlugs = plugs
		delete(p.Params, "pcmk_host_map")
	}
	im.avoidTargets(f)
	im.into.Add(f)
	return nil
}

// hostList reads a pcmk_host_list that is plainly a list of nodes; nil if it is not, or is not written as hactl writes it: to Pacemaker a
// parameter with another text is a changed one.
func hostList(s string) []string {
	hosts := splitHosts(s)
	if strings.Join(hosts, ",") != s {
		return nil
	}
	for i, h := range hosts {
		if !nodeWord.MatchString(h) || slices.Contains(hosts[:i], h) {
			return nil
		}
	}
	return hosts
}

// hostMap reads a pcmk_host_map that gives each node one plug; nil if it does not, or is not written as hactl writes it.
func hostMap(s string) map[string]string {
	plugs := map[string]string{}
	entries := splitMap(s)
	if !slices.IsSorted(entries) || strings.Join(entries, ";") != s {
		return nil
	}
	for _, e := range entries {
		node, plug, ok := strings.Cut(e, ":")
		if _, twice := plugs[node]; !ok || twice || plug == "" || !nodeWord.MatchString(node) {
			return nil
		}
		plugs[node] = plug
	}
	if len(plugs) == 0 {
		return nil
	}
	return plugs
}

// avoidTargets takes the location constraints that keep a device off its targets for what they are, if they are there for each of them.
func (im *importer) avoidTargets(f *v1.FenceDevice) {
	id := f.Metadata.Name
	var found []*etree.Element
	for _, n := range f.Nodes() {
		el := im.avoiding[id+"-avoids-"+n]
		if el == nil || len(el.Attr) != 4 || len(el.Child) > 0 || attr(el, "rsc") != id || attr(el, "node") != n || tidyScore(attr(el, "score")) != "-INFINITY" ||
			im.claimed(el) {
			return
		}
		found = append(found, el)
	}
	for _, el := range found {
		im.taken[attr(el, "id")] = el.Tag
		im.folded[el] = true
		f.Spec.AvoidTargets = true
	}
}

func (im *importer) claimed(el *etree.Element) bool { return im.taken[attr(el, "id")] != "" }

// topologies puts the levels for one target together.
func (im *importer) topologies(sec *etree.Element) {
	im.cluster().strange(sec, "", []string{"fencing-level"})
	groups, indexes := map[string]*v1.FencingTopology{}, map[string]bool{}
	for _, el := range sec.SelectElements("fencing-level") {
		level, err := fencingLevel(el)
		if err != nil {
			im.cluster().lost("", "%s: %v", called(el), err)
			continue
		}
		key := strings.Join([]string{attr(el, "target"), attr(el, "target-pattern"), attr(el, "target-attribute"), attr(el, "target-value")}, "\x00")
		t := groups[key]
		if t == nil {
			t = &v1.FencingTopology{}
			groups[key] = t
			im.named(&t.Object, "FencingTopology", im.topologyName(el))
			im.into.Add(t)
		}
		s := subject{im, &t.Object}
		s.attributes(el, "spec.levels", &t.Spec, "id", "index", "devices")
		s.strange(el, "spec.levels", []string{})
		if indexes[key+"\x00"+attr(el, "index")] {
			s.lost("spec.levels", "%s, a second level %d for the same nodes", called(el), level.Index)
			continue
		}
		indexes[key+"\x00"+attr(el, "index")] = true
		if level.Index == len(t.Spec.Levels)+1 {
			level.Index = 0
		}
		t.Spec.Levels = append(t.Spec.Levels, level)
		last := len(t.Spec.Levels) - 1
		if id := attr(el, "id"); id != t.LevelID(last) {
			t.Spec.Levels[last].ID = id
		}
	}
}

func fencingLevel(el *etree.Element) (l v1.FencingLevel, err error) {
	if l.Index, err = strconv.Atoi(attr(el, "index")); err != nil {
		return l, fmt.Errorf("its index %q is no number", attr(el, "index"))
	}
	l.Devices = strings.Split(attr(el, "devices"), ",")
	for _, d := range l.Devices {
		if d == "" || strings.ContainsAny(d, " \t\r\n") {
			return l, fmt.Errorf("its devices are no list of names: %q", attr(el, "devices"))
		}
	}
	return l, nil
}

// topologyName makes a name of what the levels are for. The CIB has none.
func (im *importer) topologyName(el *etree.Element) string {
	of := attr(el, "target")
	for _, a := range []string{"target-value", "target-pattern"} {
		if of == "" {
			of = attr(el, a)
		}
	}
	base := "fencing-" + strings.Trim(plainWord.ReplaceAllString(of, "-"), "-")
	name := base
	for n := 2; im.taken[name] != "" || im.kept[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	im.taken[name] = "fencing topology"
	return name
}

var plainWord = regexp.MustCompile(`[^A-Za-z0-9_.]+`)

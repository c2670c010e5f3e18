package cib

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// removed looks at the fields that are there and not wanted: what the manifest says is null, what the inventory records as ours and what
// cannot stand beside a wanted field goes; the rest stays and is told.
func (c *comparison) removed() {
	ours := c.inv.el != nil && c.inv.owner == c.planner.want.Owner
	gone := map[string]bool{}
	for _, path := range c.order {
		f := c.live[path]
		if c.want[path] || f.ref || under(gone, f.group, path) {
			continue
		}
		part := c.partOf(path)
		other := c.excludedBy(path)
		why := ""
		switch {
		case other != "":
			why = "it excludes " + other
		case slices.Contains(c.o.Null, path):
		case ours && c.inv.fields[path] && c.removable(f):
			why = "it left the manifest"
		default:
			if f.whole() {
				if part.Section == "constraints" && f.el.Parent().Tag == "constraints" {
					continue
				}
				gone[path] = true // its own fields need no note each
			}
			c.unmanaged(part, f)
			continue
		}
		gone[path] = true
		c.pinField(part, f)
		switch {
		case f.kind == block:
			c.do(Edit{Do: replace, At: address(f.el), Attr: f.tag})
		case f.group == "clone" && f.name == "":
			c.unwrap(f)
		case f.whole() || f.el.Tag == "nvpair" && f.attr != "id":
			c.do(Edit{Do: remove, At: address(f.el)})
		default:
			c.do(Edit{Do: unset, At: address(f.el), Attr: f.attr})
		}
		c.diff(path, shown(f), "", c.risk(path), why)
	}
	// What a fence device, a topology or a cluster had as parts of their own and no longer wants is no field of a part that is there.
	if ours {
		c.removedParts(gone)
	}
}

// unmanaged tells of a field that is there and in no manifest.
func (c *comparison) unmanaged(part Part, f field) {
	if part.Section == "crm_config" && slices.Contains(pacemakersOwn, f.name) {
		return
	}
	path := f.path()
	kind := reconcile.NoteUnmanaged
	if runtimeField(path) {
		kind = reconcile.NoteRuntime
	}
	text := "is in the cluster and in no manifest"
	if v := shown(f); v != "" && !f.whole() {
		text = "is " + v + " in the cluster and in no manifest"
	}
	if kind == reconcile.NoteRuntime {
		text += c.since(f)
	}
	c.note(reconcile.Note{Kind: kind, Object: c.o.Ref, Path: path, Text: text, Source: c.o.Pos[""]})
}

// exclusive are fields that cannot stand beside each other: the schema takes one of each line.
var exclusive = [][]string{
	{"agent", "template"}, {"resource.agent", "resource.template"}, {"docker", "podman", "rkt"},
	{"location.resource", "location.pattern", "location.sets"}, {"location.node", "location.rules"}, {"location.score", "location.rules"},
	{"location.role", "location.sets"},
	{"order.first", "order.sets"}, {"order.then", "order.sets"}, {"order.firstAction", "order.sets"}, {"order.thenAction", "order.sets"},
	{"order.kind", "order.score"},
	{"colocation.resource", "colocation.sets"}, {"colocation.with", "colocation.sets"}, {"colocation.role", "colocation.sets"},
	{"colocation.withRole", "colocation.sets"}, {"colocation.nodeAttribute", "colocation.sets"},
	{"ticket.resource", "ticket.sets"}, {"ticket.role", "ticket.sets"},
}

// excludedBy names the wanted field beside which a live one cannot stand, "" where it can.
func (c *comparison) excludedBy(path string) string {
	if g, ok := strings.CutSuffix(path, "].start-delay"); ok && c.want[g+"].interval-origin"] {
		return g + "].interval-origin"
	}
	if g, ok := strings.CutSuffix(path, "].interval-origin"); ok && c.want[g+"].start-delay"] {
		return g + "].start-delay"
	}
	for _, line := range exclusive {
		if !slices.Contains(line, path) {
			continue
		}
		for _, other := range line {
			if other != path && c.want[other] {
				return other
			}
		}
	}
	return ""
}

// under tells whether a field belongs to one that is gone.
func under(gone map[string]bool, group, path string) bool {
	for g := range gone {
		if g != path && (group == g || strings.HasPrefix(group, g+".") || strings.HasPrefix(group, g+"[")) {
			return true
		}
	}
	return false
}

// removable says no for what an element cannot be without.
func (c *comparison) removable(f field) bool {
	return f.attr != agentAttr && f.attr != masterAttr && !(f.whole() && f.el.Parent() != nil && f.el.Parent().Tag == "constraints") &&
		!(f.group == "resource" && f.name == "name")
}

func (c *comparison) partOf(path string) Part {
	for _, p := range c.o.Parts {
		if p.Prefix != "" && (path == p.Prefix || strings.HasPrefix(path, p.Prefix+".") || strings.HasPrefix(path, p.Prefix+"[")) {
			return p
		}
	}
	return c.o.Parts[0]
}

// removedParts deletes the parts that are recorded and not wanted: the location constraints of avoidTargets, fencing levels, sets of cluster
// options.
func (c *comparison) removedParts(gone map[string]bool) {
	for _, path := range sortedKeys(c.inv.fields) {
		key, ok := strings.CutSuffix(path, "]")
		if !ok || c.want[path] || gone[path] {
			continue
		}
		kind, key, _ := strings.Cut(key, "[")
		el, risk := c.recordedPart(kind, key)
		if el == nil {
			continue
		}
		c.pin(el)
		c.do(Edit{Do: remove, At: address(el)})
		c.diff(path, attr(el, "score")+attr(el, "devices"), "", risk, "it left the manifest")
	}
	for _, s := range []struct{ prefix, section string }{{"resourceDefaults", "rsc_defaults"}, {"operationDefaults", "op_defaults"}} {
		if c.o.Ref.Kind != "Cluster" || slices.ContainsFunc(c.o.Parts, func(p Part) bool { return p.Prefix == s.prefix }) {
			continue
		}
		sec := section(c.planner.live.Document, s.section)
		if sec == nil {
			continue
		}
		for _, f := range fieldsOf(s.prefix, c.o.plainSet(sec, "meta_attributes"), c.o.view) {
			if c.inv.fields[f.path()] && f.attr != "" {
				c.pinPair(f.el.Parent(), attr(f.el, "name"), c.o.Ref)
				c.do(Edit{Do: remove, At: address(f.el)})
				c.diff(f.path(), shown(f), "", c.risk(f.path()), "it left the manifest")
			}
		}
	}
}

// recordedPart finds a part by its path KIND[KEY] in the live CIB, or nil.
func (c *comparison) recordedPart(kind, key string) (*etree.Element, reconcile.Risk) {
	t := c.planner.live
	switch {
	case kind == "avoidTargets" && c.o.Ref.Kind == "FenceDevice":
		return t.findIn("constraints", c.o.Ref.Name+"-avoids-"+key), reconcile.RestartRisk
	case kind == "levels" && c.o.Ref.Kind == "FencingTopology":
		return c.homes.levels[key], reconcile.Safe
	case c.o.Ref.Kind != "Cluster":
		return nil, 0
	}
	name := map[string]string{"propertySets": "crm_config", "resourceDefaultSets": "rsc_defaults", "operationDefaultSets": "op_defaults"}[kind]
	s := section(t.Document, name)
	if s == nil || key == inventoryID {
		return nil, 0
	}
	for _, el := range s.ChildElements() {
		if ref, ok := strings.CutPrefix(key, "@"); ok && attr(el, "id-ref") == ref || !ok && attr(el, "id") == key {
			return el, reconcile.Safe
		}
	}
	return nil, 0
}

// runtimeField tells the fields that operators and tools set while the cluster runs.
func runtimeField(path string) bool {
	switch path {
	case "meta.target-role", "meta.is-managed", "meta.maintenance", "clone.meta.target-role", "clone.meta.is-managed", "clone.meta.maintenance",
		"attributes.standby", "attributes.maintenance", "properties.maintenance-mode":
		return true
	}
	return strings.HasPrefix(path, "operations[") && strings.HasSuffix(path, "].enabled")
}

// runtimeConstraint tells the constraints that tools and agents make for a time.
func runtimeConstraint(id string) bool {
	for _, p := range []string{"cli-prefer-", "cli-ban-", "cli-standby-", "pcs-relocate-", "drbd-fence-by-handler-"} {
		if strings.HasPrefix(id, p) {
			return true
		}
	}
	return false
}

// Notes tells what is in the cluster and left alone.
func (d *Driver) Notes(want, have State) []reconcile.Note {
	if want.Cluster == "" || !have.formed() {
		return nil
	}
	p, err := newPlanner(want, have)
	if err != nil {
		return nil // Plan tells it
	}
	p.planSecrets()
	return p.notes
}

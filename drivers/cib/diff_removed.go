package cib

import (
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// removed looks at the fields that are there and not wanted: what the manifest says is null or what the inventory records as ours goes,
// the rest stays and is told.
func (c *comparison) removed() {
	ours := c.inv.el != nil && c.inv.owner == c.planner.want.Owner
	gone := map[string]bool{}
	for _, path := range c.order {
		f := c.live[path]
		if c.want[path] || under(gone, f.group, path) {
			continue
		}
		part := c.partOf(path)
		switch {
		case slices.Contains(c.o.Null, path), ours && c.inv.fields[path] && c.removable(f):
			gone[path] = true
			c.pinField(part, f)
			if !isSet(part.Section) && part.Section != "nodes" {
				c.pin(c.topOf(f))
			}
			switch {
			case f.group == "clone" && f.name == "":
				c.unwrap(f)
			case f.attr == "" || f.el.Tag == "nvpair":
				c.do(Edit{Do: remove, At: address(f.el)})
			default:
				c.do(Edit{Do: unset, At: address(f.el), Attr: f.attr})
			}
			why := ""
			if !slices.Contains(c.o.Null, path) {
				why = "it left the manifest"
			}
			c.diff(path, shown(f), "", c.risk(path), why)
		default:
			if !has(f.el, "id") && f.attr == "" || c.silent(part, f) {
				continue
			}
			if f.attr == "" {
				gone[path] = true // its own fields need no note each
			}
			kind := reconcile.NoteUnmanaged
			if runtimeField(path) {
				kind = reconcile.NoteRuntime
			}
			text := "is in the cluster and in no manifest"
			if v := shown(f); v != "" {
				text = "is " + v + " in the cluster and in no manifest"
			}
			c.note(reconcile.Note{Kind: kind, Object: c.o.Ref, Path: path, Text: text, Source: c.o.Pos[""]})
		}
	}
	// Constraints that a fence device had and no longer wants are parts of it, not fields of a part.
	if ours {
		c.removedParts(gone)
	}
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
	return f.attr != agentAttr && !(f.name == "" && f.attr == "" && f.el.Parent() != nil && f.el.Parent().Tag == "constraints")
}

// silent fields need no note: Pacemaker's own, and those of sets that hold everybody's options.
func (c *comparison) silent(part Part, f field) bool {
	return part.Section == "crm_config" && slices.Contains(pacemakersOwn, f.name) ||
		strings.HasPrefix(part.Section, "constraints") && f.attr == "" && f.el.Parent().Tag == "constraints"
}

func (c *comparison) partOf(path string) Part {
	for _, p := range c.o.Parts {
		if p.Prefix != "" && (path == p.Prefix || strings.HasPrefix(path, p.Prefix+".") || strings.HasPrefix(path, p.Prefix+"[")) {
			return p
		}
	}
	return c.o.Parts[0]
}

// removedParts deletes the location constraints of avoidTargets that are recorded and not wanted.
func (c *comparison) removedParts(gone map[string]bool) {
	for _, path := range sortedKeys(c.inv.fields) {
		node, ok := strings.CutPrefix(path, "avoidTargets[")
		if !ok || c.want[path] || gone[path] || !strings.HasSuffix(node, "]") {
			continue
		}
		node = strings.TrimSuffix(node, "]")
		el := findID(c.planner.live, c.o.Ref.Name+"-avoids-"+node)
		if el == nil || el.Tag != "rsc_location" {
			continue
		}
		c.pin(el)
		c.do(Edit{Do: remove, At: address(el)})
		c.diff(path, "-INFINITY", "", reconcile.RestartRisk, "it left the manifest")
	}
	// Whole sets of defaults.
	for _, s := range []struct{ prefix, section string }{{"resourceDefaults", "rsc_defaults"}, {"operationDefaults", "op_defaults"}} {
		if c.o.Ref.Kind != "Cluster" || slices.ContainsFunc(c.o.Parts, func(p Part) bool { return p.Prefix == s.prefix }) {
			continue
		}
		sec := section(c.planner.live, s.section)
		if sec == nil {
			continue
		}
		for _, f := range fieldsOf(s.prefix, plainSet(sec, "meta_attributes")) {
			if c.inv.fields[f.path()] && f.attr != "" {
				c.pinPair(f.el.Parent(), attr(f.el, "name"), c.o.Ref)
				c.do(Edit{Do: remove, At: address(f.el)})
				c.diff(f.path(), shown(f), "", c.risk(f.path()), "it left the manifest")
			}
		}
	}
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

// leftovers tells of objects that no manifest tells, and of records without an object.
func (p *planner) leftovers() {
	wanted, ids := map[reconcile.Ref]bool{}, map[string]bool{}
	for _, o := range p.want.Objects {
		wanted[o.Ref] = true
		for _, part := range o.Parts {
			if el, err := fragment(part.XML); err == nil {
				ids[attr(el, "id")], ids[attr(inner(el), "id")] = true, true
			}
		}
	}
	recorded := map[string]bool{}
	for _, ref := range sortedRefs(p.inv) {
		e := p.inv[ref]
		recorded[ref.Name] = true
		if wanted[ref] || e.owner != p.want.Owner || ref.Kind == "Node" || ref.Kind == "Cluster" {
			continue
		}
		if findID(p.live, ref.Name) == nil {
			p.pinPair(inventorySet(p.live), attr(e.el, "name"), ref)
			p.do(Edit{Do: remove, At: address(e.el)})
			p.changes = append(p.changes, reconcile.Change{Object: ref, Action: reconcile.Delete, Path: "record",
				Source: p.want.Source, Why: "the object is gone from the cluster"})
			continue
		}
		p.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: ref, Text: "is no longer in the manifests and stays; delete it with --prune"})
	}
	for _, name := range []string{"resources", "constraints"} {
		s := section(p.live, name)
		if s == nil {
			continue
		}
		for _, el := range s.ChildElements() {
			id := attr(el, "id")
			if ids[id] || ids[attr(inner(el), "id")] || recorded[id] || recorded[attr(inner(el), "id")] || p.avoidsOf(id, recorded) {
				continue
			}
			kind := reconcile.NoteUnmanaged
			if runtimeConstraint(id) {
				kind = reconcile.NoteRuntime
			}
			p.note(reconcile.Note{Kind: kind, Object: reconcile.Ref{Kind: el.Tag, Name: id}, Text: "is in the cluster and in no manifest"})
		}
	}
	p.foreignSets()
}

// avoidsOf tells whether a constraint is part of a fence device of the inventory.
func (p *planner) avoidsOf(id string, recorded map[string]bool) bool {
	i := strings.LastIndex(id, "-avoids-")
	return i > 0 && recorded[id[:i]]
}

// foreignSets tells of property sets that are not ours, and of foreign names in the inventory.
func (p *planner) foreignSets() {
	crm := section(p.live, "crm_config")
	if crm == nil {
		return
	}
	home := plainProperties(crm)
	for _, s := range crm.ChildElements() {
		if s == home {
			continue
		}
		if attr(s, "id") != inventoryID {
			p.note(reconcile.Note{Kind: reconcile.NoteRuntime, Object: reconcile.Ref{Kind: s.Tag, Name: attr(s, "id")}, Text: "is a property set of an agent or a tool, left alone"})
			continue
		}
		for _, nv := range s.ChildElements() {
			if !strings.HasPrefix(attr(nv, "name"), inventoryID+"-") {
				p.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: Options(p.want.Cluster), Path: "properties." + attr(nv, "name"),
					Text: "stands in hactl's inventory, where it does not belong: declare it in the manifest and remove it there (cibadmin --delete --xpath \"//nvpair[@id='" + attr(nv, "id") + "']\")"})
			}
		}
	}
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

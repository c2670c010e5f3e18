package cib

import (
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// inventoryID is the id of the property set that records what hactl manages; "hactl-" begins the names in it.
const inventoryID = "hactl"

// entry is an object's record in the inventory.
type entry struct {
	ref    reconcile.Ref
	owner  string
	fields map[string]bool // by path
	// protected tells that it must not be deleted, also after it left the manifests.
	protected bool
	el        *etree.Element // the nvpair; nil: not there
	value     string
}

// entryName is the name and the id of an object's nvpair. Kinds have no dot.
func entryName(r reconcile.Ref) string { return inventoryID + "-" + r.Kind + "." + r.Name }

// inventory reads the records of a CIB. A record that cannot be read records nothing: nothing of it may be removed.
func inventory(doc *etree.Document) map[reconcile.Ref]entry {
	found := map[reconcile.Ref]entry{}
	set := inventorySet(doc)
	if set == nil {
		return found
	}
	for _, nv := range set.ChildElements() {
		kindName, ok := strings.CutPrefix(attr(nv, "name"), inventoryID+"-")
		k, n, ok2 := strings.Cut(kindName, ".")
		if nv.Tag != "nvpair" || !ok || !ok2 || k == "" || n == "" {
			continue
		}
		e := entry{ref: reconcile.Ref{Kind: k, Name: n}, el: nv, value: attr(nv, "value")}
		e.owner, e.protected, e.fields = decodeEntry(e.value)
		found[e.ref] = e
	}
	return found
}

func inventorySet(doc *etree.Document) *etree.Element {
	crm := section(doc, "crm_config")
	if crm == nil {
		return nil
	}
	for _, s := range crm.ChildElements() {
		if attr(s, "id") == inventoryID {
			return s
		}
	}
	return nil
}

// inventoryHome makes the inventory where there is none: never the first set, because pcs writes into that.
func inventoryHome(doc *etree.Document) (edits []Edit) {
	if inventorySet(doc) != nil {
		return nil
	}
	crm := section(doc, "crm_config")
	if crm == nil {
		edits = append(edits, Edit{Do: create, At: "configuration", After: inPlace, XML: "<crm_config/>"})
	}
	if crm == nil || (view{}).plainProperties(crm) == nil && byID(crm, bootstrapID) == nil {
		edits = append(edits, Edit{Do: create, At: "crm_config", After: "^", XML: `<cluster_property_set id="cib-bootstrap-options"/>`})
	}
	return append(edits, Edit{Do: create, At: "crm_config", XML: Fragment(`<cluster_property_set id="` + inventoryID + `"/>`)})
}

// ofInventory tells of an edit that makes the inventory, or changes a record or an approval in it.
func ofInventory(e Edit) bool {
	if e.Do == create && slices.Contains([]Fragment{"<crm_config/>", `<cluster_property_set id="cib-bootstrap-options"/>`, `<cluster_property_set id="hactl"/>`}, e.XML) {
		return true
	}
	if e.At == "cluster_property_set#"+inventoryID || e.At == "nvpair#"+consentID || e.At == "nvpair#"+markID {
		return true
	}
	record, ok := strings.CutPrefix(e.At, "nvpair#"+inventoryID+"-") // hactl's own ids elsewhere go on in small letters
	return ok && record != "" && record[0] >= 'A' && record[0] <= 'Z'
}

// formerName takes the record of a cluster that has another name now for its own: there is one cluster in a CIB.
func (p *planner) formerName() {
	ref := Options(p.want.Cluster)
	if p.inv[ref].el != nil {
		return
	}
	for _, r := range sortedRefs(p.inv) {
		if e := p.inv[r]; r.Kind == ref.Kind && e.owner == p.want.Owner {
			p.inv[ref] = e
			return
		}
	}
}

// encodeEntry writes a record; doc.go tells its form.
func encodeEntry(owner string, protect bool, fields []field) string {
	var groups []string
	names := map[string][]string{}
	for _, f := range fields {
		if f.ref {
			continue
		}
		g := f.group
		if g == "" {
			g = "."
		}
		if _, ok := names[g]; !ok {
			groups = append(groups, g)
		}
		names[g] = append(names[g], f.name)
	}
	sort.Strings(groups)
	words := []string{"owner=" + escape(owner)}
	if protect {
		words = append(words, protected)
	}
	for _, g := range groups {
		ns := names[g]
		sort.Strings(ns)
		for i := range ns {
			ns[i] = escape(ns[i])
		}
		words = append(words, escape(g)+"="+strings.Join(ns, ","))
	}
	return strings.Join(words, " ")
}

// protected stands behind the owner of an object that must not be deleted. No group of fields has that name.
const protected = "protect=true"

func decodeEntry(s string) (owner string, protect bool, fields map[string]bool) {
	fields = map[string]bool{}
	for i, w := range strings.Fields(s) {
		g, ns, ok := strings.Cut(w, "=")
		if !ok {
			continue
		}
		if i == 0 && g == "owner" {
			owner = unescape(ns)
			continue
		}
		if w == protected {
			protect = true
			continue
		}
		g = unescape(g)
		if g == "." {
			g = ""
		}
		for _, n := range strings.Split(ns, ",") {
			fields[joinPath(g, unescape(n))] = true
		}
	}
	return owner, protect, fields
}

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-./#:@[]~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func unescape(s string) string {
	u, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return u
}

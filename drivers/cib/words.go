package cib

import (
	"regexp"
	"strconv"

	"github.com/beevik/etree"
)

// roleWord writes a role in the words that the schema takes: Promoted and Unpromoted came with pacemaker-3.7.
func roleWord(s, validateWith string) string {
	old := !schemaAtLeast(validateWith, 3, 7)
	switch c := canonicalRole(s); {
	case c == "Promoted" && old:
		return "Master"
	case c == "Unpromoted" && old:
		return "Slave"
	case (s == "Master" || s == "Slave") && !old:
		return c
	}
	return s
}

var schemaForm = regexp.MustCompile(`^pacemaker-(\d+)\.(\d+)$`)

// schemaAtLeast compares the value of validate-with. Unknown words ("none", "pacemaker-next") count as newest.
func schemaAtLeast(validateWith string, major, minor int) bool {
	m := schemaForm.FindStringSubmatch(validateWith)
	if m == nil {
		return true
	}
	x, _ := strconv.Atoi(m[1])
	y, _ := strconv.Atoi(m[2])
	return x > major || x == major && y >= minor
}

// dialect is the words that a live CIB takes.
type dialect struct {
	// schema is the value of validate-with.
	schema string
	// fencing tells that the CIB calls the options of fencing fencing-…, as Pacemaker 3 does, and not stonith-….
	fencing bool
}

// dialectOf reads the words from a CIB.
func dialectOf(doc *etree.Document) dialect {
	d := dialect{schema: attr(doc.Root(), "validate-with")}
	if crm := section(doc, "crm_config"); crm != nil {
		for _, set := range crm.ChildElements() {
			for _, nv := range set.ChildElements() {
				_, newer := fencingNames[attr(nv, "name")]
				d.fencing = d.fencing || newer
			}
		}
	}
	return d
}

// inWords rewrites an element for the live CIB: roles and options in its words, and the scores without which its schema takes no rule.
func (d dialect) inWords(el *etree.Element) {
	for i := range el.Attr {
		switch el.Attr[i].Key {
		case "role", "rsc-role", "with-rsc-role":
			el.Attr[i].Value = roleWord(el.Attr[i].Value, d.schema)
		case "name":
			if d.fencing && el.Tag == "nvpair" && el.Parent() != nil && el.Parent().Tag == "cluster_property_set" {
				el.Attr[i].Value = fencingWord(el.Attr[i].Value)
			}
		}
	}
	// rule-2.9.rng, rule-3.4.rng and rule-3.5.rng demand a score of every rule; as pcs does, one that has no meaning is INFINITY, or 0 inside
	// another rule.
	if el.Tag == "rule" && !has(el, "score") && !has(el, "score-attribute") && !has(el, "id-ref") && !schemaAtLeast(d.schema, 3, 9) {
		score := "INFINITY"
		if p := el.Parent(); p != nil && p.Tag == "rule" {
			score = "0"
		}
		el.CreateAttr("score", score)
	}
	for _, t := range el.Child {
		if c, ok := t.(*etree.Element); ok {
			d.inWords(c)
		}
	}
}

// fencingWord gives the name of Pacemaker 3.
func fencingWord(name string) string {
	for word, old := range fencingNames {
		if old == name {
			return word
		}
	}
	return name
}

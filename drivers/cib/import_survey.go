package cib

import (
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// survey walks the configuration once and notes which ids are referred to, which stay whatever the manifests look like, which nodes
// resources make, and which constraints may be a fence device's avoidTargets.
func (im *importer) survey(el *etree.Element) {
	switch el.Tag {
	case "acl_permission":
		if id := attr(el, "reference"); id != "" {
			im.referred[id] = true
		}
		for _, m := range literals.FindAllStringSubmatch(attr(el, "xpath"), -1) {
			im.referred[m[1]+m[2]] = true
		}
	case "obj_ref":
		im.referred[attr(el, "id")] = true
	case "primitive":
		if agentOf(el) == remoteAgent {
			im.made[attr(el, "id")] = true
		}
		if t := attr(el, "template"); t != "" {
			im.users[t] = append(im.users[t], attr(el, "id"))
		}
	case "rsc_location":
		im.avoiding[attr(el, "id")] = el
	case "nvpair":
		if attr(el, "name") == "remote-node" {
			im.made[attr(el, "value")] = true
		}
	}
	if id := attr(el, "id-ref"); id != "" {
		im.referred[id] = true
	}
	if id := attr(el, "id"); id != "" && !slices.Contains(namedByHactl, el.Tag) {
		im.kept[id] = true
	}
	var seen map[string]bool
	for _, c := range el.ChildElements() {
		// A set that is not the first of its tag, or has a rule or a score, is told by its id.
		if slices.Contains(setTags, c.Tag) {
			if seen[c.Tag] || has(c, "score") || c.SelectElement("rule") != nil {
				im.kept[attr(c, "id")] = true
			}
			if seen == nil {
				seen = map[string]bool{}
			}
			seen[c.Tag] = true
		}
		im.survey(c)
	}
}

const remoteAgent = "ocf:pacemaker:remote"

// literals matches the texts that an XPath compares with: ids, mostly.
var literals = regexp.MustCompile(`'([^']*)'|"([^"]*)"`)

// namedByHactl are elements whose ids are made anew unless something refers to them.
var namedByHactl = []string{"nvpair", "op", "rule", "expression", "date_expression", "date_spec", "duration", "rsc_expression", "op_expression",
	"resource_set", "resource_ref", "obj_ref", "role", "acl_permission", "fencing-level", "port-mapping", "storage-mapping", "attribute", "operations",
	"instance_attributes", "meta_attributes", "utilization", "recipient"}

// anew tells whether an element may get the id that hactl makes up: nothing refers to the one that it has, and nothing has the other.
func (im *importer) anew(el *etree.Element, made string) bool {
	id := attr(el, "id")
	if id == made {
		return true
	}
	return !im.referred[id] && !im.kept[made] && !im.referred[made]
}

// needed gives the id of an element if something refers to it.
func (im *importer) needed(el *etree.Element) string {
	if id := attr(el, "id"); im.referred[id] {
		return id
	}
	return ""
}

// atRunTime matches names of cluster properties, node attributes and sets of them that resource agents write while they run: redis, mysql,
// pgsql, and SAPHanaSR. A manifest that told them would undo what the agent does.
var atRunTime = regexp.MustCompile(`^(redis_replication|mysql_replication|SAPHanaSR.*|hana_.*|lpa_.*_lpt|.*_REPL_INFO|.*-data-status)$`)

// madeAtRunTime says who made a constraint at run time, "" if nobody did.
func madeAtRunTime(id string) string {
	for _, c := range []struct{ prefix, who string }{
		{"cli-prefer-", "crm_resource --move"}, {"cli-ban-", "crm_resource --ban"}, {"pcs-relocate-", "pcs resource relocate"},
		{"cli-standby-", "crm_resource --ban"}, {"drbd-fence-by-handler-", "DRBD's fence handler"},
	} {
		if strings.HasPrefix(id, c.prefix) {
			return c.who
		}
	}
	return ""
}

package cib

import (
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// The alias table: what means the same to Pacemaker is no difference, and what does not is one. Each row is an element as it is wanted and as
// it stands in a CIB.
func TestEqualInMeaning(t *testing.T) {
	prim := func(inside string) string {
		return `<primitive id="A" class="ocf" provider="p" type="t">` + inside + `</primitive>`
	}
	op := func(attrs string) string {
		return prim(`<operations><op id="o" name="monitor" ` + attrs + `/></operations>`)
	}
	meta := func(name, value string) string {
		return prim(`<meta_attributes id="m"><nvpair id="n" name="` + name + `" value="` + value + `"/></meta_attributes>`)
	}
	param := func(name, value string) string {
		return prim(`<instance_attributes id="i"><nvpair id="n" name="` + name + `" value="` + value + `"/></instance_attributes>`)
	}
	capacity := func(value string) string {
		return prim(`<utilization id="u"><nvpair id="n" name="memory" value="` + value + `"/></utilization>`)
	}
	prop := func(name, value string) string {
		return `<cluster_property_set id="cib-bootstrap-options"><nvpair id="n" name="` + name + `" value="` + value + `"/></cluster_property_set>`
	}
	noProp := prop("dc-deadtime", "1min")
	withProp := func(name, value string) string {
		return strings.Replace(noProp, "</", `<nvpair id="n2" name="`+name+`" value="`+value+`"/></`, 1)
	}
	location := func(inside string) string { return `<rsc_location id="L" rsc="A">` + inside + `</rsc_location>` }
	colocation := func(attrs string) string { return `<rsc_colocation id="L" rsc="A" with-rsc="B" ` + attrs + `/>` }
	order := func(attrs string) string { return `<rsc_order id="L" first="A" then="B" ` + attrs + `/>` }
	set := func(attrs, members string) string {
		refs := ""
		for _, m := range strings.Fields(members) {
			refs += `<resource_ref id="` + m + `"/>`
		}
		return `<rsc_colocation id="L" score="1"><resource_set id="s" ` + attrs + `>` + refs + `</resource_set></rsc_colocation>`
	}
	rule := func(attrs, tests string) string {
		return location(`<rule id="r" score="1" ` + attrs + `>` + tests + `</rule>`)
	}
	x, y := `<expression id="x" attribute="x" operation="defined"/>`, `<expression id="y" attribute="y" operation="eq" value="1"/>`
	setRule := func(score string) string {
		return prim(`<instance_attributes id="long"><rule id="r" score="` + score + `">` + x + `</rule><nvpair id="n" name="a" value="b"/></instance_attributes>`)
	}
	clone := func(tag, promotable string) string {
		m := ""
		if promotable != "" {
			m = `<meta_attributes id="cm"><nvpair id="cn" name="promotable" value="` + promotable + `"/></meta_attributes>`
		}
		return `<` + tag + ` id="C">` + m + prim("") + `</` + tag + `>`
	}
	node := func(attrs, inside string) string {
		return `<node id="1" uname="n1" ` + attrs + `>` + inside + `</node>`
	}
	nodeAttr := func(name, value string) string {
		return node("", `<instance_attributes id="i"><nvpair id="n" name="`+name+`" value="`+value+`"/></instance_attributes>`)
	}

	same, differ := true, false
	for _, c := range []struct {
		why        string
		equal      bool
		want, have string
	}{
		{"Promoted is Master", same, op(`interval="1s" role="Promoted"`), op(`interval="1s" role="Master"`)},
		{"Unpromoted is Slave", same, op(`interval="1s" role="Unpromoted"`), op(`interval="1s" role="Slave"`)},
		{"Master as a target-role", same, meta("target-role", "Promoted"), meta("target-role", "Master")},
		{"the role of a colocation", same, colocation(`score="1" with-rsc-role="Promoted"`), colocation(`score="1" with-rsc-role="Master"`)},
		{"the role of a set", same, set(`role="Promoted"`, "A B"), set(`role="Master"`, "A B")},
		{"the role of a rule", same, rule(`role="Promoted"`, x), rule(`role="master"`, x)},
		{"Started is the role of all instances, Stopped another", differ, op(`interval="1s" role="Started"`), op(`interval="1s" role="Stopped"`)},
		{"Started is an operation's role without one", same, op(`interval="1s" role="Started"`), op(`interval="1s"`)},

		{"fencing-enabled is stonith-enabled", same, prop("stonith-enabled", "false"), prop("fencing-enabled", "false")},
		{"fencing-timeout is stonith-timeout", same, prop("fencing-timeout", "70s"), prop("stonith-timeout", "70s")},
		{"fencing-reaction is fence-reaction", same, prop("fencing-reaction", "panic"), prop("fence-reaction", "panic")},
		{"fencing-action is stonith-action", same, prop("stonith-action", "off"), prop("fencing-action", "off")},
		{"fencing-delay is no option that stonith- knows", differ, prop("fencing-delay", "1"), prop("stonith-delay", "1")},
		{"promoted-max is master-max", same, meta("promoted-max", "2"), meta("master-max", "2")},

		{"seconds without a unit", same, op(`interval="10s" timeout="30"`), op(`interval="10s" timeout="30s"`)},
		{"s is sec", same, op(`interval="10s" timeout="30s"`), op(`interval="10s" timeout="30sec"`)},
		{"milliseconds", same, op(`interval="10s" timeout="30s"`), op(`interval="10s" timeout="30000ms"`)},
		{"msec", same, op(`interval="10s" timeout="30s"`), op(`interval="10s" timeout="30000msec"`)},
		{"microseconds", same, op(`interval="10s" timeout="3ms"`), op(`interval="10s" timeout="3000us"`)},
		{"usec", same, op(`interval="10s" timeout="3ms"`), op(`interval="10s" timeout="3000usec"`)},
		{"m is min", same, op(`interval="10s" timeout="2m"`), op(`interval="10s" timeout="2min"`)},
		{"minutes are seconds", same, op(`interval="10s" timeout="2min"`), op(`interval="10s" timeout="120"`)},
		{"h is hr", same, op(`interval="1h" timeout="1h"`), op(`interval="1hr" timeout="60min"`)},
		{"units in any case", same, op(`interval="10s" timeout="2min"`), op(`interval="10s" timeout="2MIN"`)},
		{"ISO 8601 seconds", same, op(`interval="PT10S"`), op(`interval="10s"`)},
		{"ISO 8601 minutes", same, op(`interval="90s"`), op(`interval="PT1M30S"`)},
		{"ISO 8601 hours and days", same, op(`interval="P1DT1H"`), op(`interval="25h"`)},
		{"ISO 8601 weeks", same, op(`interval="P1W"`), op(`interval="P7D"`)},
		{"no interval is none", same, op(`interval="0"`), op(`interval="0s"`)},
		{"the interval tells operations apart", differ, op(`interval="10s"`), op(`interval="11s"`)},
		{"other times", differ, op(`interval="10s" timeout="30s"`), op(`interval="10s" timeout="30ms"`)},
		{"a cluster option", same, prop("cluster-recheck-interval", "2min"), prop("cluster-recheck-interval", "PT120S")},
		{"a resource option", same, meta("failure-timeout", "60"), meta("failure-timeout", "1min")},
		{"an agent's parameter is for the agent to read", differ, param("timeout", "60"), param("timeout", "60s")},
		{"Pacemaker's parameter of a fence device", same, param("pcmk_off_timeout", "60"), param("pcmk_off_timeout", "60s")},

		{"+INFINITY", same, meta("resource-stickiness", "INFINITY"), meta("resource-stickiness", "+INFINITY")},
		{"infinity in small letters", same, meta("resource-stickiness", "INFINITY"), meta("resource-stickiness", "infinity")},
		{"a million is INFINITY", same, meta("migration-threshold", "INFINITY"), meta("migration-threshold", "1000000")},
		{"scores end at INFINITY", same, colocation(`score="INFINITY"`), colocation(`score="2000000"`)},
		{"and at -INFINITY", same, colocation(`score="-INFINITY"`), colocation(`score="-1000001"`)},
		{"the score of a rule", same, location(`<rule id="r" score="INFINITY">` + x + `</rule>`), location(`<rule id="q" score="+1000000">` + x + `</rule>`)},
		{"one less is less", differ, colocation(`score="INFINITY"`), colocation(`score="999999"`)},
		{"the sign", differ, colocation(`score="INFINITY"`), colocation(`score="-INFINITY"`)},
		{"a plus sign", same, colocation(`score="5"`), colocation(`score="+5"`)},
		{"a capacity ends nowhere", differ, capacity("2000000"), capacity("3000000")},
		{"a capacity is a number", same, capacity("100"), capacity("0100")},
		{"a capacity of 1 is not true", differ, capacity("1"), capacity("true")},

		{"true is yes", same, prop("maintenance-mode", "true"), prop("maintenance-mode", "yes")},
		{"true is on", same, prop("maintenance-mode", "true"), prop("maintenance-mode", "ON")},
		{"true is 1", same, meta("is-managed", "true"), meta("is-managed", "1")},
		{"true is y", same, meta("is-managed", "true"), meta("is-managed", "Y")},
		{"false is no", same, prop("symmetric-cluster", "false"), prop("symmetric-cluster", "no")},
		{"false is off", same, op(`interval="1s" enabled="false"`), op(`interval="1s" enabled="off"`)},
		{"false is 0", same, order(`symmetrical="false"`), order(`symmetrical="0"`)},
		{"false is n", same, meta("is-managed", "false"), meta("is-managed", "n")},
		{"an agent's truth value is its own", differ, param("daemon", "true"), param("daemon", "yes")},
		{"1 and 0 are numbers, too", differ, meta("clone-max", "1"), meta("clone-max", "2")},
		{"off is an action, not false", differ, prop("stonith-action", "off"), prop("stonith-action", "false")},
		{"standby of a node", same, nodeAttr("standby", "true"), nodeAttr("standby", "on")},
		{"an attribute of one's own is text", differ, nodeAttr("rack", "true"), nodeAttr("rack", "on")},

		{"a colocation without a score has 0", same, colocation(`score="0"`), colocation("")},
		{"a colocation of INFINITY has not", differ, colocation(`score="INFINITY"`), colocation("")},
		{"an order of score 0 is optional, one without mandatory", differ, order(`score="0"`), order("")},
		{"a set of score 0 does not take the constraint's", differ, set(`score="0"`, "A B"), set("", "A B")},
		{"stickiness 0 overrides what defaults say", differ, meta("resource-stickiness", "0"), prim("")},
		{"score 0 of a set of parameters", same,
			prim(`<instance_attributes id="long" score="0"><nvpair id="n" name="a" value="b"/></instance_attributes>`),
			prim(`<instance_attributes id="long"><nvpair id="n" name="a" value="b"/></instance_attributes>`)},
		{"score 0 of a node", same, node(`score="0" description="d"`, ""), node(`description="d"`, "")},

		{"an explicit default of a cluster option", same, withProp("stonith-enabled", "true"), noProp},
		{"in other words", same, withProp("cluster-delay", "1min"), noProp},
		{"another value", differ, withProp("stonith-enabled", "false"), noProp},
		{"an option without a default", differ, withProp("some-option", "true"), noProp},
		{"the default of a constraint's attribute", same, order(`require-all="true"`), order("")},
		{"the default of a set's attribute", same, set(`sequential="true" require-all="1"`, "A B"), set("", "A B")},
		{"not the default", differ, set(`sequential="false"`, "A B"), set("", "A B")},
		{"a resource option's default: defaults of the cluster might say otherwise", differ, meta("is-managed", "true"), prim("")},

		{"a node of type member", same, node(`type="member"`, ""), node("", "")},
		{"a remote node", differ, node(`type="remote"`, ""), node("", "")},

		{"boolean-op of one expression", same, rule(`boolean-op="or"`, x), rule("", x)},
		{"and where nothing is said", same, rule(`boolean-op="and"`, x+y), rule("", x+y)},
		{"boolean-op of two", differ, rule(`boolean-op="or"`, x+y), rule("", x+y)},
		{"ids of rules and expressions", same, rule("", x), location(`<rule id="q" score="1"><expression id="z" attribute="x" operation="defined"/></rule>`)},
		{"the score of a rule in a rule", same, rule("", `<rule id="i" score="7">`+x+`</rule>`+y), rule("", `<rule id="i" score="0">`+x+`</rule>`+y)},
		{"the score of a rule of parameters", same, setRule("INFINITY"), setRule("0")},
		{"a literal value", same, rule("", `<expression id="y" attribute="y" operation="eq" value="1" value-source="literal"/>`), rule("", y)},
		{"the type of a comparison", differ, rule("", `<expression id="y" attribute="y" operation="eq" value="1" type="number"/>`), rule("", y)},
		{"an empty value is a value", differ, rule("", `<expression id="y" attribute="y" operation="eq" value=""/>`), rule("", `<expression id="y" attribute="y" operation="eq"/>`)},
		{"the order of expressions", differ, rule("", x+y), rule("", y+x)},
		{"brackets", differ, rule("", x+`<rule id="i" score="0">`+y+y+`</rule>`), rule("", x+y+y)},

		{"an empty set", same, prim(""), prim(`<meta_attributes id="m"/>`)},
		{"an empty set before the plain one", same, param("a", "b"),
			prim(`<instance_attributes id="e"/><instance_attributes id="i"><nvpair id="n" name="a" value="b"/></instance_attributes>`)},
		{"ids of sets and pairs", same, param("a", "b"), prim(`<instance_attributes id="z"><nvpair id="zz" name="a" value="b"/></instance_attributes>`)},
		{"no value is not an empty one", differ, param("a", ""), prim(`<instance_attributes id="i"><nvpair id="n" name="a"/></instance_attributes>`)},
		{"a set with a rule is not the plain one", differ, param("a", "b"), setRule("0")},
		{"one with a score neither", differ, param("a", "b"), prim(`<instance_attributes id="i" score="5"><nvpair id="n" name="a" value="b"/></instance_attributes>`)},

		{"a <master> is promotable", same, clone("clone", "true"), clone("master", "")},
		{"whatever it says", same, clone("clone", "true"), clone("master", "false")},
		{"a clone is not", differ, clone("clone", "true"), clone("clone", "")},
		{"promotable is false where nothing is said", same, clone("clone", "false"), clone("clone", "")},

		{"the order of attributes", same, `<rsc_order id="L" first="A" then="B" kind="Optional"/>`, `<rsc_order kind="Optional" then="B" id="L" first="A"/>`},
		{"the id of a set", same, set("", "A B"), strings.ReplaceAll(set("", "A B"), `id="s"`, `id="other"`)},
		{"the order in a set", differ, set("", "A B"), set("", "B A")},
		{"the order of sets", differ,
			`<rsc_order id="L"><resource_set id="s"><resource_ref id="A"/></resource_set><resource_set id="s2"><resource_ref id="B"/></resource_set></rsc_order>`,
			`<rsc_order id="L"><resource_set id="s2"><resource_ref id="B"/></resource_set><resource_set id="s"><resource_ref id="A"/></resource_set></rsc_order>`},
		{"two sets are not one", differ, `<rsc_order id="L"><resource_set id="s"><resource_ref id="A"/><resource_ref id="B"/></resource_set></rsc_order>`,
			`<rsc_order id="L"><resource_set id="s"><resource_ref id="A"/></resource_set><resource_set id="s2"><resource_ref id="B"/></resource_set></rsc_order>`},
		{"names that look like truth values", differ, location(`<rule id="r" score="1"><expression id="e" attribute="a" operation="eq" value="true"/></rule>`),
			location(`<rule id="r" score="1"><expression id="e" attribute="a" operation="eq" value="1"/></rule>`)},
		{"names that look alike", differ, colocation(`score="1" node-attribute="rack"`), colocation(`score="1" node-attribute="Rack"`)},
		{"the separators of a host list", same, param("pcmk_host_list", "n1,n2"), param("pcmk_host_list", "n1 n2")},
		{"the order of a host list", differ, param("pcmk_host_list", "n1,n2"), param("pcmk_host_list", "n2,n1")},
		{"the separators of a host map", same, param("pcmk_host_map", "n1:1;n2:2,3"), param("pcmk_host_map", "n1:1; n2:2,3")},
		{"levels of two devices", differ, `<fencing-level id="f" target="n1" index="1" devices="A,B"/>`, `<fencing-level id="f" target="n1" index="1" devices="B,A"/>`},
		{"the id of a level", same, `<fencing-level id="f" target="n1" index="1" devices="A,B"/>`, `<fencing-level id="g" target="n1" index="1" devices="A,B"/>`},
		{"the order of an alert's events", same, `<alert id="L" path="/p"><select><select_nodes/><select_fencing/></select></alert>`,
			`<alert id="L" path="/p"><select><select_fencing/><select_nodes/></select></alert>`},
		{"bundles before promoted-max", same, `<bundle id="L"><docker image="i" promoted-max="2"/></bundle>`, `<bundle id="L"><docker image="i" masters="2"/></bundle>`},
		{"the default port of a bundle", same, `<bundle id="L"><docker image="i"/><network control-port="3121"/></bundle>`, `<bundle id="L"><docker image="i"/><network/></bundle>`},
	} {
		p := compared(t, c.want, c.have)
		var edits []string
		for _, e := range p.edits {
			if s := e.String(); !strings.Contains(s, "hactl") {
				edits = append(edits, s)
			}
		}
		if equal := len(edits) == 0; equal != c.equal {
			t.Errorf("%s: equal is %v:\nwant %s\nhave %s\nedits %v", c.why, equal, c.want, c.have, edits)
		}
		if out, err := applyAll(p.live.Document, p.edits); err != nil {
			t.Errorf("%s: %v", c.why, err)
		} else if again := compared(t, c.want, source(section(out, sectionOfTag(c.want)).ChildElements()[0])); len(again.diffs()) > 0 {
			t.Errorf("%s: not over: %v", c.why, again.diffs())
		}
	}
}

// diffs are the changes beside the record.
func (p *planner) diffs() []reconcile.Change {
	var out []reconcile.Change
	for _, c := range p.changes {
		if c.Action != reconcile.Adopt || c.Path != "" {
			out = append(out, c)
		}
	}
	return out
}

func sectionOfTag(xml string) string {
	el, _ := fragment(xml)
	switch el.Tag {
	case "cluster_property_set":
		return "crm_config"
	case "node":
		return "nodes"
	case "fencing-level":
		return "fencing-topology"
	case "alert":
		return "alerts"
	case "primitive", "clone", "master", "bundle":
		return "resources"
	}
	return "constraints"
}

// compared plans one element against a CIB that has another.
func compared(t *testing.T, want, have string) *planner {
	t.Helper()
	el, err := fragment(want)
	if err != nil {
		t.Fatal(err)
	}
	name, prefix := sectionOfTag(want), ""
	ref := named(map[string]string{"resources": "Resource", "nodes": "Node", "alerts": "Alert", "fencing-topology": "FencingTopology"}[name], attr(inner(el), "id"))
	switch name {
	case "crm_config":
		ref, prefix = Options("lab"), "properties"
		for _, nv := range el.ChildElements() { // as Desired does
			nv.CreateAttr("name", canonicalName(attr(nv, "name")))
		}
	case "constraints":
		ref.Kind = "Constraint"
	case "fencing-topology":
		prefix = "levels[" + levelKey(el) + "]"
	}
	var long []string
	for _, s := range el.FindElements("//instance_attributes[@id='long']") {
		long = append(long, attr(s, "id"))
	}
	sections := ""
	for _, s := range childOrder["configuration"] {
		in := ""
		switch s {
		case name:
			in = have
		case "crm_config":
			in = `<cluster_property_set id="cib-bootstrap-options"/>`
		}
		sections += "<" + s + ">" + in + "</" + s + ">"
	}
	w := State{Cluster: "lab", Owner: "default", Members: []Member{{Name: "n1"}},
		Objects: []Object{{Ref: ref, Named: long, Pos: map[string]v1.Pos{}, Parts: []Part{{Prefix: prefix, Section: name, XML: source(el)}}}}}
	p, err := newPlanner(w, State{CIB: XML(`<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration>` + sections + `</configuration></cib>`)})
	if err != nil {
		t.Fatalf("%s over %s: %v", want, have, err)
	}
	return p
}

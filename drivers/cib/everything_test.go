package cib

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything has every kind and, between them, every field.
func everything(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// freshUnder gives a new cluster's CIB of an older schema.
func freshUnder(schema string) string { return strings.ReplaceAll(fresh, "pacemaker-3.9", schema) }

// forSchema leaves out what a schema does not know yet.
func forSchema(text, schema string) string {
	drop := func(s ...string) {
		for _, x := range s {
			if !strings.Contains(text, x) {
				panic("the manifests have no " + x)
			}
			text = strings.ReplaceAll(text, x, "")
		}
	}
	if !schemaAtLeast(schema, 3, 9) {
		drop(", description: often", "  description: an alert\n", ", description: me")
	}
	if !schemaAtLeast(schema, 3, 6) {
		drop(", influence: \"true\"")
	}
	if !schemaAtLeast(schema, 3, 2) { // podman
		text = strings.ReplaceAll(text, "podman:", "docker:")
	}
	return text
}

// Everything is made under every schema, Pacemaker finds it valid, and a second plan has nothing to do.
func TestEverything(t *testing.T) {
	for _, schema := range []string{"pacemaker-3.0", "pacemaker-3.3", "pacemaker-3.5", "pacemaker-3.7", "pacemaker-3.8", "pacemaker-3.9"} {
		t.Run(schema, func(t *testing.T) {
			want := desired(t, forSchema(everything(t), schema))
			have := observed(want, freshUnder(schema))
			cib := carriedOut(t, have, steps(t, want, have))
			verifyOffline(t, cib)
			p, err := newPlanner(want, observed(want, cib))
			if err != nil || len(p.changes) > 0 || len(p.notes) > 0 {
				t.Errorf("the second plan is not empty: %v %+v %+v", err, p.changes, p.notes)
			}
			before, _ := parse(freshUnder(schema))
			after, _ := parse(cib)
			patchAgrees(t, before, after)
		})
	}
}

// A state of every kind survives JSON: what was decoded plans the same.
func TestEverythingSurvivesJSON(t *testing.T) {
	want := desired(t, everything(t))
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var again State
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(renderedCIB(t, want), renderedCIB(t, again)); diff != "" {
		t.Error(diff)
	}
}

// Every field of the types is said somewhere in everything.yaml, so that no field is left out of these tests.
func TestEverythingSaysAllFields(t *testing.T) {
	m := load(t, everything(t))
	var text strings.Builder
	for _, o := range m.All() {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	skip := []string{"account", "rkt", "idRef", "cibID", "interval-origin", "ordering", "type", "secret"} // alone, or elsewhere
	for tag, typ := range specs {
		for _, a := range attributesOf(typ) {
			if !slices.Contains(skip, a.json) && !strings.Contains(text.String(), `"`+a.json+`":`) {
				t.Errorf("no %s in everything.yaml says %s", tag, a.json)
			}
		}
	}
}

// What is changed in the manifests is changed in the cluster, and what leaves them leaves it; nothing else moves.
func TestChangeEverything(t *testing.T) {
	all := everything(t)
	for _, c := range []struct{ old, replacement, edits string }{
		{"description: the first", "description: one", `set node#1 description="one"`},
		{"    score: 5\n    attr", "    score: 6\n    attr", `set node#1 score="6"`},
		{"{name: night, value: \"1\"}", "{name: night, value: \"2\"}", `set nvpair#n1-nights-night value="2"`},
		{"{id: n1-more, values: [{name: memory, value: \"4000000\"}]}", "", "delete utilization#n1-more"},
		{"{name: remote1, attributes: {kind: remote}}", "{name: remote1, attributes: {kind: other}}", `set nvpair#nodes-remote1-kind value="other"`},
		{"{id: nightly, score: 5,", "{id: nightly, score: 6,", `set cluster_property_set#nightly score="6"`},
		{"hours=0-6\"}, values: [{name: batch-limit", "hours=1-6\"}, values: [{name: batch-limit",
			`replace rule in cluster_property_set#nightly: <rule id="nightly-rule"><date_expression id="nightly-rule-expr" operation="date_spec"><date_spec id="nightly-rule-expr-datespec" hours="1-6"/></date_expression></rule>`},
		{"  resourceDefaultSets:\n  - {id: weekend, rule: {expression: \"date-spec weekdays=6-7\"}, values: [{name: resource-stickiness, value: \"0\"}]}\n", "", "delete meta_attributes#weekend"},
		{"[{name: record-pending, value: \"true\"}]", "[{name: record-pending, value: \"true\"}, {name: enabled, value: \"true\"}]",
			`create in meta_attributes#slow: <nvpair id="slow-enabled" name="enabled" value="true"/>`},
		{"  description: a template\n", "", "unset template#dummy description"},
		{"params: {fake: t}", "params: {fake: u}", `set nvpair#dummy-instance_attributes-fake value="u"`},
		{"{name: fake, value: n}, ", "", "delete nvpair#A-by-night-fake"},
		{"{id: A-by-night, score: 10,", "{id: A-by-night,", "unset instance_attributes#A-by-night score"},
		{"name: op_sleep, value: \"1\", id: A-sleep", "name: op_sleep, id: A-sleep", "unset nvpair#A-sleep value"},
		{"on-fail: restart", "on-fail: block", `set op#A-watch on-fail="block"`},
		{"params: {depth: \"1\"}, ", "params: {depth: \"2\"}, ", `set nvpair#A-watch-instance_attributes-depth value="2"`},
		{"meta: {some: \"1\"}", "meta: {some: \"1\", more: \"2\"}", `create in meta_attributes#A-watch-meta_attributes: <nvpair id="A-watch-meta_attributes-more" name="more" value="2"/>`},
		{"  - {name: start, interval: 0s, timeout: 1min}\n", "", "delete op#A-start-interval-0s"},
		{"  operationsFrom: dummy-ops\n", "", "unset primitive#A2/operations@dummy-ops id-ref"},
		{"paramSets: [{idRef: A-more}]", "paramSets: []", "delete primitive#A2/instance_attributes@A-more"},
		{"    description: a clone\n", "", "unset clone#stateful description"},
		{"{promoted-max: 1, interleave: true}", "{promoted-max: 2, interleave: true}", `set nvpair#stateful-meta_attributes-promoted-max value="2"`},
		{"date lt 2040-01-01\"}, values: [{name: notify", "date lt 2041-01-01\"}, values: [{name: notify",
			`replace rule in meta_attributes#clone-long: <rule id="clone-long-rule"><date_expression id="clone-long-rule-expr" operation="lt" end="2041-01-01"/></rule>`},
		{"    paramSets: [{id: clone-params, score: 3, values: [{name: x, value: \"1\"}]}]\n", "", "delete instance_attributes#clone-params"},
		{"  params: {fake: g}", "  params: {fake: h}", `set nvpair#G-instance_attributes-fake value="h"`},
		{"agent: \"systemd:haproxy\"", "agent: \"systemd:nginx\"", `set primitive#G2 class:provider:type="systemd:nginx"`},
		{"image: \"pcmk:http\"", "image: \"pcmk:web\"", `set bundle#B/podman image="pcmk:web"`},
		{"docker: {image: \"empty\"}", "podman: {image: \"empty\"}", "create in bundle#B2: <podman image=\"empty\"/>\ndelete bundle#B2/docker"},
		{"controlPort: 3122", "controlPort: 3123", `set bundle#B/network control-port="3123"`},
		{", {range: 2000-2010}", "", `replace port-mapping in bundle#B/network: <port-mapping id="B-port-map-80" port="80"/><port-mapping id="B-https" port="443" internal-port="8443"/>`},
		{"targetDir: /var/www/html, options: ro", "targetDir: /var/www/html, options: rw",
			`replace storage in bundle#B: <storage><storage-mapping id="B-storage-map" source-dir="/srv/html" target-dir="/var/www/html" options="rw"/>` +
				`<storage-mapping id="B-logs" source-dir-root="/var/log/pacemaker/bundles" target-dir="/etc/httpd/logs"/></storage>`},
		{"statusurl: \"http://localhost/\"", "statusurl: \"http://localhost/x\"", `set nvpair#web-instance_attributes-statusurl value="http://localhost/x"`},
		{"node: n1, score: 100, resourceDiscovery: exclusive", "node: n2, score: 100", "set rsc_location#A-likes-n1 node=\"n2\"\nunset rsc_location#A-likes-n1 resource-discovery"},
		{"node: n1, score: 100, resourceDiscovery: exclusive", "score: 100, expression: defined x",
			"replace rule in rsc_location#A-likes-n1: <rule id=\"A-likes-n1-rule\" score=\"100\"><expression id=\"A-likes-n1-rule-expr\" attribute=\"x\" operation=\"defined\"/></rule>\n" +
				"unset rsc_location#A-likes-n1 node\nunset rsc_location#A-likes-n1 score\nunset rsc_location#A-likes-n1 resource-discovery"},
		{"pingd lt number 100", "pingd lt number 50",
			`replace rule in rsc_location#connected: <rule id="connected-rule" score="-INFINITY" boolean-op="or"><expression id="connected-rule-expr" attribute="pingd" operation="not_defined"/>` +
				`<expression id="connected-rule-expr-1" attribute="pingd" operation="lt" value="50" type="number"/></rule>`},
		{"    lifetime: [{expression: \"date lt 2040-01-01\"}]\n", "", "delete lifetime in rsc_location#by-rules"},
		{"{resources: [A, A2], requireAll: \"false\", sequential: \"false\", action: start}, {resources: [B]}", "{resources: [A, A2]}, {resources: [B]}",
			`replace resource_set in rsc_order#in-sets: <resource_set id="in-sets_set"><resource_ref id="A"/><resource_ref id="A2"/></resource_set><resource_set id="in-sets_set-1"><resource_ref id="B"/></resource_set>`},
		{"lossPolicy: demote", "lossPolicy: fence", `set rsc_ticket#with-ticket loss-policy="fence"`},
		{"levels: [{devices: [f1]}, {devices: [f2, f1]}]", "levels: [{devices: [f1]}]", "delete fencing-level#fl-n1-2"},
		{"levels: [{devices: [f1]}, {devices: [f2, f1]}]", "levels: [{devices: [f2]}, {devices: [f2, f1]}]", `set fencing-level#fl-n1-1 devices="f2"`},
		{"target: n1, levels", "target: n2, levels",
			"create in fencing-topology: <fencing-level id=\"fl-n2-1\" target=\"n2\" index=\"1\" devices=\"f1\"/>\ncreate in fencing-topology: <fencing-level id=\"fl-n2-2\" target=\"n2\" index=\"2\" devices=\"f2,f1\"/>\n" +
				"delete fencing-level#fl-n1-1\ndelete fencing-level#fl-n1-2"},
		{"  - {kind: deny, reference: A}\n", "",
			`replace acl_permission in acl_role#reader: <acl_permission id="reader-read" kind="read" xpath="/cib"/><acl_permission id="may-describe" kind="write" object-type="primitive" attribute="description" description="notes"/>`},
		{"metadata: {name: alice}\nspec: {roles: [reader]}", "metadata: {name: alice}\nspec: {}", "delete role in acl_target#alice"},
		{"objects: [A, G, A-likes-n1]", "objects: [A, G]", `replace obj_ref in tag#important: <obj_ref id="A"/><obj_ref id="G"/>`},
		{"path: /usr/local/bin/alert", "path: /usr/local/bin/alarm", `set alert#mail path="/usr/local/bin/alarm"`},
		{"fencing: true, attributes", "attributes", `replace select in alert#mail: <select><select_nodes/><select_attributes><attribute id="mail-select_attributes-pingd" name="pingd"/><attribute id="mail-select_attributes-night" name="night"/></select_attributes></select>`},
		{"meta: {timeout: 15s}", "meta: {timeout: 16s}", `set nvpair#mail-meta_attributes-timeout value="16s"`},
		{"params: {subject: \"x\"}", "params: {subject: \"y\"}", `set nvpair#mail-recipient-instance_attributes-subject value="y"`},
		{"  - {value: /var/log/alert, id: to-file}\n", "", "delete recipient#to-file"},
		{"{value: /var/log/alert, id: to-file}", "{value: /var/log/other, id: to-other}", "create in alert#mail: <recipient id=\"to-other\" value=\"/var/log/other\"/>\ndelete recipient#to-file"},
	} {
		if strings.Count(all, c.old) != 1 {
			t.Fatalf("%q is %d times in everything.yaml", c.old, strings.Count(all, c.old))
		}
		want := desired(t, all)
		have := observed(want, fresh)
		base := carriedOut(t, have, steps(t, want, have))
		changed := desired(t, strings.Replace(all, c.old, c.replacement, 1))
		p, err := newPlanner(changed, observed(changed, base))
		if err != nil {
			t.Errorf("%s: %v", c.replacement, err)
			continue
		}
		var edits []string
		for _, e := range p.edits {
			if s := e.String(); !strings.Contains(s, "nvpair#hactl-") {
				edits = append(edits, s)
			}
		}
		if diff := cmp.Diff(strings.Split(c.edits, "\n"), edits); diff != "" {
			t.Errorf("%q: %s", c.replacement, diff)
		}
		after := carriedOut(t, observed(changed, base), steps(t, changed, observed(changed, base)))
		if again := steps(t, changed, observed(changed, after)); len(again) > 0 {
			t.Errorf("%q: the second plan is not empty: %+v", c.replacement, again)
		}
		was, _ := parse(base)
		is, _ := parse(after)
		patchAgrees(t, was, is)
	}
}

package cib

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

// An object under a new name takes the place of the old one: at once where nothing runs, else the old one stops before the new one starts.
func TestRename(t *testing.T) {
	order := "kind: Constraint\nmetadata: {name: o2, renamedFrom: o}\nspec: {order: {first: %s, then: B}}\n---\napiVersion: hactl/v1\n"
	for _, c := range []struct{ name, want, live, runs, edits, changes string }{
		{"a constraint", strings.Replace(order, "%s", "A", 1) + keepB + "---\napiVersion: hactl/v1\n" + strings.Replace(keepB, "name: B", "name: A", 1),
			live("pacemaker-3.9", prim("A")+prim("B"), `<rsc_order id="o" first="A" then="B"/>`, records("Resource.A .=agent", "Resource.B .=agent", "Constraint.o order=,first,then")), "A@n1 B@n1",
			"-- cib n1 change\ndelete rsc_order#o\ncreate in constraints: <rsc_order id=\"o2\" first=\"A\" then=\"B\"/>",
			"-- cib n1 change\ncreate Constraint/o2 safe\ncreate Constraint/o2 order safe\ncreate Constraint/o2 order.first safe\ncreate Constraint/o2 order.then safe\ndelete Constraint/o safe"},
		{"a constraint among resources that are renamed too", "kind: Constraint\nmetadata: {name: o2, renamedFrom: o}\nspec: {location: {resource: New, node: n1, score: 1}}\n---\napiVersion: hactl/v1\n" +
			"kind: Resource\nmetadata: {name: New, renamedFrom: Old}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", prim("Old"), `<rsc_location id="o" rsc="Old" node="n1" score="1"/>`, records("Resource.Old .=agent", "Constraint.o location=,resource,node,score")), "Old@n1",
			"-- cib n1 change\ndelete rsc_location#o\ncreate in constraints: <rsc_location id=\"o2\" rsc=\"New\" node=\"n1\" score=\"1\"/>\n" +
				"create in resources: <primitive id=\"New\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>\n" + stopping("Old") + "\n" + stopping("New") +
				"\n-- cib n1 removal\nwait until the status shows Old inactive on every node\ndelete primitive#Old\ndelete meta_attributes#hactl-stopping-New\n" +
				"wait until the status shows what Pacemaker means to do with New",
			"-- cib n1 change\ncreate Constraint/o2 safe\ncreate Constraint/o2 location safe\ncreate Constraint/o2 location.resource safe\ncreate Constraint/o2 location.node safe\n" +
				"create Constraint/o2 location.score safe\ncreate Resource/New safe\ncreate Resource/New agent safe\nstop Resource/Old safe\ndelete Constraint/o safe\n" +
				"-- cib n1 removal\ndelete Resource/Old restart"},
		{"an alert, whose sets keep their ids", "kind: Alert\nmetadata: {name: b, renamedFrom: a}\nspec: {path: /a, paramSets: [{id: s, score: 1, values: [{name: x, value: y}]}]}\n",
			strings.Replace(live("pacemaker-3.9", "", "", records("Alert.a .=path paramSets[s]=,score,x")), "</configuration>",
				`<alerts><alert id="a" path="/a"><instance_attributes id="s" score="1"><nvpair id="sx" name="x" value="y"/></instance_attributes></alert></alerts></configuration>`, 1), "",
			"-- cib n1 change\ndelete alert#a\ncreate in alerts: <alert id=\"b\" path=\"/a\"><instance_attributes id=\"s\" score=\"1\"><nvpair id=\"s-x\" name=\"x\" value=\"y\"/></instance_attributes></alert>",
			"-- cib n1 change\ncreate Alert/b safe\ncreate Alert/b path safe\ncreate Alert/b paramSets[s] safe\ncreate Alert/b paramSets[s].score safe\ncreate Alert/b paramSets[s].x safe\ndelete Alert/a safe"},
		{"a resource that another needs", "kind: Constraint\nmetadata: {name: o}\nspec: {order: {first: New, then: B}}\n---\napiVersion: hactl/v1\n" + keepB +
			"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: New, renamedFrom: Old}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", prim("Old")+prim("B"), `<rsc_order id="o" first="Old" then="B"/><rsc_location id="cli-ban-Old-on-n2" rsc="Old" node="n2" score="-INFINITY"/>`,
				records("Resource.Old .=agent", "Resource.B .=agent", "Constraint.o order=,first,then")), "Old@n1 B@n1",
			"-- cib n1 change\nset rsc_order#o first=\"New\"\ncreate in resources: <primitive id=\"New\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>\n" +
				stopping("Old") + "\n" + stopping("New") + "\ncreate in constraints: <rsc_order id=\"hactl-order-1\" first=\"Old\" then=\"B\"/>\n" +
				"create in constraints: <rsc_location id=\"cli-ban-New-on-n2\" rsc=\"New\" node=\"n2\" score=\"-INFINITY\"/>\n" +
				"-- cib n1 removal\nwait until the status shows Old inactive on every node\ndelete primitive#Old\ndelete rsc_order#hactl-order-1\ndelete rsc_location#cli-ban-Old-on-n2\n" +
				"delete meta_attributes#hactl-stopping-New\nwait until the status shows what Pacemaker means to do with New",
			"-- cib n1 change\nupdate Constraint/o order.first safe\ncreate Resource/New safe\ncreate Resource/New agent safe\nstop Resource/Old safe\n" +
				"-- cib n1 removal\ndelete Resource/Old restart\ndelete rsc_location/cli-ban-Old-on-n2 safe"},
		{"a resource that an operator stopped", "kind: Resource\nmetadata: {name: New, renamedFrom: Old}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", `<primitive id="Old" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></primitive>`, "",
				records("Resource.Old .=agent")), "B@n1",
			"-- cib n1 change\ncreate in resources: <primitive id=\"New\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>\ndelete primitive#Old\n" +
				"create in primitive#New: <meta_attributes id=\"New-meta_attributes\"/>\ncreate in meta_attributes#New-meta_attributes: <nvpair id=\"New-meta_attributes-target-role\" name=\"target-role\" value=\"Stopped\"/>\n" +
				"wait until the status shows what Pacemaker means to do with New",
			"-- cib n1 change\ncreate Resource/New safe\ncreate Resource/New agent safe\ndelete Resource/Old safe"},
		{"a template in use, whose sets keep their ids", "kind: ResourceTemplate\nmetadata: {name: T2, renamedFrom: T}\nspec: {agent: \"ocf:pacemaker:Dummy\", paramSets: [{id: s, score: 1, values: [{name: fake, value: y}]}]}\n" +
			"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: A}\nspec: {template: T2}\n",
			live("pacemaker-3.9", `<template id="T" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="s" score="1"><nvpair id="s-fake" name="fake" value="y"/></instance_attributes></template><primitive id="A" template="T"/>`, "",
				records("ResourceTemplate.T .=agent paramSets[s]=,score,fake", "Resource.A .=template")), "A@n1",
			"-- cib n1 change\ndelete template#T\ncreate in resources: <template id=\"T2\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"><instance_attributes id=\"s\" score=\"1\">" +
				"<nvpair id=\"s-fake\" name=\"fake\" value=\"y\"/></instance_attributes></template>\nset primitive#A template=\"T2\"\nwait until the status shows what Pacemaker means to do with A",
			"-- cib n1 change\ncreate ResourceTemplate/T2 safe\ncreate ResourceTemplate/T2 agent safe\ncreate ResourceTemplate/T2 paramSets[s] safe\ncreate ResourceTemplate/T2 paramSets[s].score safe\n" +
				"create ResourceTemplate/T2 paramSets[s].fake safe\nupdate Resource/A template restart\ndelete ResourceTemplate/T safe"},
		{"a group around the same members", "kind: ResourceGroup\nmetadata: {name: H, renamedFrom: G}\nspec: {resources: [{name: a, agent: \"ocf:pacemaker:Dummy\"}, {name: b, agent: \"ocf:pacemaker:Dummy\"}]}\n",
			live("pacemaker-3.9", `<group id="G">`+prim("a")+prim("b")+`</group>`, "", records("ResourceGroup.G", "Resource.a .=agent", "Resource.b .=agent")), "a@n1 b@n1",
			"-- cib n1 change\ncreate in resources: <group id=\"H\"/>\nmove primitive#a to group#H\nmove primitive#b to group#H after a\ndelete group#G\nwait until the status shows what Pacemaker means to do with H, a, b",
			"-- cib n1 change\ncreate ResourceGroup/H safe\ncreate ResourceGroup/H resources safe\nupdate Resource/a group restart\nupdate Resource/b group restart\ndelete ResourceGroup/G safe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := desired(t, head+c.want)
			have := observed(want, c.live)
			have.Monitor = runsAs(strings.Fields(c.runs)...)
			edits, changes := twoParts(steps(t, want, have))
			if edits != c.edits {
				t.Errorf("edits:\n%s", cmp.Diff(strings.Split(c.edits, "\n"), strings.Split(edits, "\n")))
			}
			for _, s := range steps(t, want, have) { // what was predicted to come of both is waited for behind the second
				start := reconcile.Prediction{Reactions: []reconcile.Reaction{{Action: "start", Resource: "New", To: "n1"}}}
				if w := New("default").Expecting(have, s, start); firstOfTwo(s) && len(w.Ops) != len(s.Ops) {
					t.Errorf("%s waits for what comes later: %v", s.ID, w.Ops)
				}
			}
			if changes != c.changes {
				t.Errorf("changes:\n%s", cmp.Diff(strings.Split(c.changes, "\n"), strings.Split(changes, "\n")))
			}
			converges(t, want, have)
		})
	}
}

// The cluster under another name keeps the record of its fields.
func TestRenamedCluster(t *testing.T) {
	want := desired(t, head+keepB)
	cib := live("pacemaker-3.9", prim("B"), "", records("Resource.B .=agent", "Cluster.before properties=cluster-delay"))
	cib = strings.Replace(cib, `<nvpair id="p"`, `<nvpair id="cd" name="cluster-delay" value="9s"/><nvpair id="p"`, 1)
	have := observed(want, cib)
	after := carriedOut(t, have, steps(t, want, have))
	if strings.Contains(after, "Cluster.before") || strings.Contains(after, "cluster-delay\" value") || !strings.Contains(after, "hactl-Resource.B") {
		t.Error(after)
	}
	if again := steps(t, want, observed(want, after)); len(again) > 0 {
		t.Errorf("%+v", again)
	}
}

// Files of secrets go once nothing refers to them: those of a parameter that left the manifest, and those that hactl wrote for what is gone.
func TestUnusedSecrets(t *testing.T) {
	device := "kind: FenceDevice\nmetadata: {name: F}\nspec: {agent: fence_x, targets: [n1]}\n"
	el := strings.Replace(fence("F", "n1"), "</instance_attributes>", `<nvpair id="F-p" name="passwd" value="lrm://"/></instance_attributes>`, 1)
	want := desired(t, head+device)
	have := observed(want, live("pacemaker-3.9", el+prim("Theirs"), "", records("FenceDevice.F .=agent params=passwd,pcmk_host_list", "Resource.Theirs owner=other .=agent")))
	for _, s := range []Secret{{Resource: "F", Param: "passwd"}, {Resource: "Gone", Param: "p", Owner: "default"}, {Resource: "Foreign", Param: "p"}, {Resource: "Theirs", Param: "p", Owner: "default"},
		{Resource: "Other", Param: "p", Owner: "other"}} {
		s.Node, s.Value, s.Signed, s.Private = "n2", reconcile.Secret("hush"), true, true
		have.Secrets = append(have.Secrets, s)
	}
	ss := steps(t, want, have)
	last := ss[len(ss)-1]
	if last.ID != "cib n2 unused secrets" || !strings.Contains(last.Ops[0].String(), "/F/passwd") || !strings.Contains(last.Ops[0].String(), "/Gone/p.sign") ||
		strings.Contains(last.Ops[0].String(), "Foreign") || strings.Contains(last.Ops[0].String(), "Theirs") || strings.Contains(last.Ops[0].String(), "Other") {
		t.Errorf("%s: %v", last.ID, last.Ops)
	}
	for _, s := range ss {
		if s.ID == "cib n1 change" && !slices.Contains(s.Frees, secretRef("n2", "F", "passwd")) {
			t.Errorf("the files could go before the CIB refers to them no longer: %+v", s.Frees)
		}
	}
	have.CIB = XML(carriedOut(t, have, ss)) // killed before the files went
	ss = steps(t, want, have)
	if len(ss) != 1 || ss[0].ID != "cib n2 unused secrets" {
		t.Errorf("after a crash: %+v", ss)
	}
}

// A run that died between the files of a secret and the CIB left them to a resource that is made without the secret now: the first plan says so.
func TestSecretsOfAnEarlierRun(t *testing.T) {
	want := desired(t, head+keepB)
	have := observed(want, live("pacemaker-3.9", "", "", ""))
	have.Secrets = []Secret{{Node: "n2", Resource: "B", Param: "p", Owner: "default", Value: reconcile.Secret("hush"), Signed: true, Private: true}}
	ss := steps(t, want, have)
	if last := ss[len(ss)-1]; last.ID != "cib n2 unused secrets" {
		t.Errorf("the files stay: %+v", ss)
	}
	have.CIB = XML(carriedOut(t, have, ss))
	if ss = steps(t, want, have); len(ss) != 1 || ss[0].ID != "cib n2 unused secrets" {
		t.Errorf("and then: %+v", ss)
	}
}

// What is set at run time is told with its age where the cluster knows it.
func TestAge(t *testing.T) {
	want := desired(t, head+keepB)
	cib := live("pacemaker-3.9", `<primitive id="B" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></primitive>`,
		`<rsc_location id="cli-ban-B-on-n1" rsc="B" role="Started" node="n1" score="-INFINITY"/>`+
			`<rsc_location id="cli-prefer-B" rsc="B" role="Started"><rule id="r" score="INFINITY" boolean-op="and"><expression id="e" attribute="#uname" operation="eq" value="n1"/><date_expression id="d" operation="lt" end="2026-11-20 12:00:00Z"/></rule></rsc_location>`,
		records("Resource.B .=agent"))
	cib = strings.Replace(cib, "<status/>", `<status><node_state id="1" uname="n1"><lrm id="1"><lrm_resources><lrm_resource id="B" class="ocf" provider="pacemaker" type="Dummy">`+
		`<lrm_rsc_op id="B_last_0" operation="stop" call-id="9" rc-code="0" last-rc-change="1700000000"/><lrm_rsc_op id="B_monitor_10000" operation="monitor" call-id="8" rc-code="0" last-rc-change="1600000000"/>`+
		`</lrm_resource></lrm_resources></lrm></node_state></status>`, 1)
	var got []string
	for _, n := range New("default").Notes(want, observed(want, cib)) {
		got = append(got, n.Object.Name+": "+n.Text)
	}
	all := strings.Join(got, "\n")
	for _, part := range []string{"B: is Stopped in the cluster and in no manifest, stopped since 2023-11-14 22:13:20 UTC",
		"cli-ban-B-on-n1: is in the cluster and in no manifest\n", "cli-prefer-B: is in the cluster and in no manifest, until 2026-11-20 12:00:00Z"} {
		if !strings.Contains(all+"\n", part) {
			t.Errorf("no %q in\n%s", part, all)
		}
	}
}

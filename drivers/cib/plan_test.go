package cib

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

const head = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: lab}
spec:
  nodes: [{name: n1, addresses: [10.77.0.1]}, {name: n2, addresses: [10.77.0.2]}]
---
apiVersion: hactl/v1
`

// live makes a CIB with these resources, constraints and records, under a schema.
func live(schema, resources, constraints, records string) string {
	return `<cib crm_feature_set="3.16.1" validate-with="` + schema + `" epoch="6" num_updates="7" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration>` +
		`<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="p" name="dc-version" value="2"/></cluster_property_set>` + records + `</crm_config>` +
		`<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources>` + resources + `</resources><constraints>` + constraints + `</constraints></configuration><status/></cib>`
}

func record(name, value string) string {
	return `<cluster_property_set id="hactl"><nvpair id="hactl-` + name + `" name="hactl-` + name + `" value="owner=default ` + value + `"/></cluster_property_set>`
}

const dummyA = `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="x"><nvpair id="y" name="fake" value="a"/></instance_attributes></primitive>`

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name, want, live string
		edits, changes   string // without the inventory's edits
		notes            string
	}{
		{"equal is taken over", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: a}}\n", live("pacemaker-3.9", dummyA, "", ""),
			"", "adopt Resource/A  safe", "adopts Resource/A"},
		{"different is taken over with a risk; ids stay", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: b}}\n", live("pacemaker-3.9", dummyA, "", ""),
			`set nvpair#y value="b"`, "adopt Resource/A params.fake a>b adopt", ""},
		{"ours is updated", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: b}}\n",
			live("pacemaker-3.9", dummyA, "", record("Resource.A", ".=agent params=fake")),
			`set nvpair#y value="b"`, "update Resource/A params.fake a>b restart", ""},
		{"what was never ours stays", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", dummyA, "", record("Resource.A", ".=agent")), "", "", "unmanaged Resource/A params.fake"},
		{"what left the manifest goes", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", dummyA, "", record("Resource.A", ".=agent params=fake")), "delete nvpair#y", "update Resource/A params.fake a> restart", ""},
		{"another owner's stays", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", dummyA, "", strings.ReplaceAll(record("Resource.A", ".=agent params=fake"), "default", "other")), "", "adopt Resource/A owner other>default adopt", "unmanaged Resource/A params.fake"},
		{"null goes", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: null}}\n",
			live("pacemaker-3.9", dummyA, "", record("Resource.A", ".=agent")), "delete nvpair#y", "update Resource/A params.fake a> restart", ""},
		{"run time settings stay", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></primitive>`,
				`<rsc_location id="cli-ban-A-on-n1" rsc="A" node="n1" score="-INFINITY"/>`, record("Resource.A", ".=agent")), "", "", "runtime Resource/A meta.target-role\nruntime rsc_location/cli-ban-A-on-n1"},
		{"run time settings that are declared are managed", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", meta: {target-role: Started}}\n",
			live("pacemaker-3.9", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></primitive>`,
				``, record("Resource.A", ".=agent meta=target-role")), `set nvpair#t value="Started"`, "update Resource/A meta.target-role Stopped>Started safe", ""},
		{"operations by name, interval and role", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", operations: [{name: monitor, interval: 10000ms, timeout: 30, role: Promoted}, {name: start, timeout: 5s}]}\n",
			live("pacemaker-3.0", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="o" name="monitor" interval="10s" timeout="20s" role="Master"/></operations></primitive>`,
				"", record("Resource.A", ".=agent operations[monitor/10s/Promoted]=,timeout")),
			"set op#o timeout=\"30\"\ncreate in primitive#A/operations: <op id=\"A-start-interval-0s\" name=\"start\" interval=\"0s\" timeout=\"5s\"/>",
			"update Resource/A operations[monitor/10s/Promoted].timeout 20s>30 safe\nupdate Resource/A operations[start/0s]  safe\nupdate Resource/A operations[start/0s].timeout >5s safe", ""},
		{"words of the schema", "kind: Constraint\nmetadata: {name: C}\nspec: {colocation: {resource: A, with: B, withRole: Promoted}}\n---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: B}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.0", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="B" class="ocf" provider="pacemaker" type="Dummy"/>`, "",
				`<cluster_property_set id="hactl"><nvpair id="hactl-Resource.A" name="hactl-Resource.A" value="owner=default .=agent"/><nvpair id="hactl-Resource.B" name="hactl-Resource.B" value="owner=default .=agent"/></cluster_property_set>`),
			`create in constraints: <rsc_colocation id="C" rsc="A" with-rsc="B" score="INFINITY" with-rsc-role="Master"/>`,
			"create Constraint/C  safe\ncreate Constraint/C colocation  safe\ncreate Constraint/C colocation.resource >A safe\ncreate Constraint/C colocation.with >B safe\ncreate Constraint/C colocation.score >INFINITY safe\ncreate Constraint/C colocation.withRole >Master safe", ""},
		{"a clone around what runs", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", clone: {meta: {interleave: true}}}\n",
			live("pacemaker-3.9", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>`, "", record("Resource.A", ".=agent")),
			"create in resources after A: <clone id=\"A-clone\"><meta_attributes id=\"A-clone-meta_attributes\"><nvpair id=\"A-clone-meta_attributes-interleave\" name=\"interleave\" value=\"true\"/></meta_attributes></clone>\nmove primitive#A to clone#A-clone",
			"update Resource/A clone.meta.interleave >true restart\nupdate Resource/A clone  restart", ""},
		{"a clone that left the manifest", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", `<clone id="A-clone"><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/></clone>`, "", record("Resource.A", ".=agent clone=")),
			"move primitive#A to resources after A-clone\ndelete clone#A-clone", "update Resource/A clone  restart", ""},
		{"a member in the middle, foreign members stay", "kind: ResourceGroup\nmetadata: {name: G}\nspec:\n  resources:\n  - {name: a, agent: \"ocf:pacemaker:Dummy\"}\n  - {name: b, agent: \"ocf:pacemaker:Dummy\"}\n  - {name: c, agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", `<group id="G"><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="foreign" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="c" class="ocf" provider="pacemaker" type="Dummy"/></group>`, "",
				`<cluster_property_set id="hactl"><nvpair id="hactl-ResourceGroup.G" name="hactl-ResourceGroup.G" value="owner=default"/><nvpair id="hactl-Resource.a" name="hactl-Resource.a" value="owner=default .=agent"/><nvpair id="hactl-Resource.c" name="hactl-Resource.c" value="owner=default .=agent"/></cluster_property_set>`),
			`create in group#G after a: <primitive id="b" class="ocf" provider="pacemaker" type="Dummy"/>`, "create Resource/b  safe\ncreate Resource/b agent >ocf:pacemaker:Dummy safe", ""},
		{"members change places", "kind: ResourceGroup\nmetadata: {name: G}\nspec:\n  resources:\n  - {name: b, agent: \"ocf:pacemaker:Dummy\"}\n  - {name: a, agent: \"ocf:pacemaker:Dummy\"}\n",
			live("pacemaker-3.9", `<group id="G"><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="b" class="ocf" provider="pacemaker" type="Dummy"/></group>`, "",
				`<cluster_property_set id="hactl"><nvpair id="hactl-ResourceGroup.G" name="hactl-ResourceGroup.G" value="owner=default"/><nvpair id="hactl-Resource.a" name="hactl-Resource.a" value="owner=default .=agent"/><nvpair id="hactl-Resource.b" name="hactl-Resource.b" value="owner=default .=agent"/></cluster_property_set>`),
			"move primitive#a to group#G after b", "update Resource/a group before b>after b restart", ""},
		{"the plain set is the one without a rule", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: a}}\n",
			live("pacemaker-3.9", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="r" score="2"><rule id="rr" score="0"><expression id="e" attribute="#uname" operation="eq" value="n1"/></rule><nvpair id="rf" name="fake" value="z"/></instance_attributes></primitive>`, "", record("Resource.A", ".=agent")),
			"create in primitive#A: <instance_attributes id=\"A-instance_attributes\"/>\ncreate in instance_attributes#A-instance_attributes: <nvpair id=\"A-instance_attributes-fake\" name=\"fake\" value=\"a\"/>",
			"update Resource/A params.fake >a restart", "unmanaged Resource/A paramSets[r]"},
		{"a password in clear text is replaced and not shown", "kind: FenceDevice\nmetadata: {name: F}\nspec: {agent: fence_x, targets: [n1], secrets: {passwd: {env: X}}}\n",
			live("pacemaker-3.9", `<primitive id="F" class="stonith" type="fence_x"><instance_attributes id="i"><nvpair id="h" name="pcmk_host_list" value="n1"/><nvpair id="w" name="passwd" value="topsecret"/></instance_attributes></primitive>`, "", record("FenceDevice.F", ".=agent params=passwd,pcmk_host_list")),
			`set nvpair#w value="lrm://"`, "update FenceDevice/F params.passwd (secret)>(secret) reload", ""},
		{"avoidTargets of a node that left", "kind: FenceDevice\nmetadata: {name: F}\nspec: {agent: fence_x, targets: [n1], avoidTargets: true}\n",
			live("pacemaker-3.9", `<primitive id="F" class="stonith" type="fence_x"><instance_attributes id="i"><nvpair id="h" name="pcmk_host_list" value="n1,n2"/></instance_attributes></primitive>`,
				`<rsc_location id="F-avoids-n1" rsc="F" node="n1" score="-INFINITY"/><rsc_location id="F-avoids-n2" rsc="F" node="n2" score="-INFINITY"/>`,
				record("FenceDevice.F", ".=agent avoidTargets[n1]=,node,resource,score avoidTargets[n2]=,node,resource,score params=pcmk_host_list")),
			"set nvpair#h value=\"n1\"\ndelete rsc_location#F-avoids-n2", "update FenceDevice/F params.pcmk_host_list n1,n2>n1 fence\nupdate FenceDevice/F avoidTargets[n2] -INFINITY> restart", ""},
		{"gone from the manifests stays and is told", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: a}}\n",
			live("pacemaker-3.9", dummyA+`<primitive id="Old" class="ocf" provider="pacemaker" type="Dummy"/>`, "", `<cluster_property_set id="hactl"><nvpair id="hactl-Resource.A" name="hactl-Resource.A" value="owner=default .=agent params=fake"/><nvpair id="hactl-Resource.Old" name="hactl-Resource.Old" value="owner=default .=agent"/></cluster_property_set>`),
			"", "", "warning Resource/Old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := desired(t, head+c.want)
			have := observed(want, c.live)
			p, err := newPlanner(want, have)
			if err != nil {
				t.Fatal(err)
			}
			var edits, changes, notes []string
			for _, e := range p.edits {
				if s := e.String(); !strings.Contains(s, "hactl") {
					edits = append(edits, s)
				}
			}
			for _, x := range p.changes {
				v := ""
				if x.Have+x.Want != "" {
					v = x.Have + ">" + x.Want
				}
				changes = append(changes, strings.TrimRight(fmt.Sprintf("%s %s %s %s %s", x.Action, x.Object, x.Path, v, x.Risk), " "))
			}
			for _, n := range p.notes {
				notes = append(notes, strings.TrimSpace(fmt.Sprintf("%s %s %s", n.Kind, n.Object, n.Path)))
			}
			squeeze := func(ss []string) string {
				for i := range ss {
					ss[i] = strings.Join(strings.Fields(ss[i]), " ")
				}
				return strings.Join(ss, "\n")
			}
			for _, x := range []struct{ what, got, want string }{{"edits", strings.Join(edits, "\n"), c.edits},
				{"changes", squeeze(changes), squeeze(strings.Split(c.changes, "\n"))}, {"notes", squeeze(notes), c.notes}} {
				if x.got != x.want {
					t.Errorf("%s:\n%s", x.what, cmp.Diff(strings.Split(x.want, "\n"), strings.Split(x.got, "\n")))
				}
			}
			if len(p.edits) == 0 {
				return
			}
			ss := steps(t, want, have)
			cib := carriedOut(t, have, ss)
			if again := steps(t, want, observed(want, cib)); len(again) > 0 {
				t.Errorf("the second plan is not empty: %+v\n%s", again, cib)
			}
			for _, s := range ss {
				if b := fmt.Sprintf("%+v", s); strings.Contains(b, "topsecret") || strings.Contains(b, "hush") {
					t.Errorf("a secret is printed: %s", b)
				}
			}
		})
	}
}

func TestPending(t *testing.T) {
	want := desired(t, web)
	ss := steps(t, want, State{Members: []Member{{Name: "n1", Runs: NotInstalled}, {Name: "n2", Runs: Stopped}, {Name: "n3", Runs: Stopped}}})
	for _, s := range ss {
		if s.Pending == "" || len(s.Ops) > 0 {
			t.Errorf("%s is not pending", s.ID)
		}
	}
	// What is planned when the cluster runs must have been in the plan that was approved.
	seen := map[string]reconcile.Risk{}
	for _, s := range ss {
		for _, c := range s.Changes {
			seen[string(c.Action)+c.Object.String()] = max(seen[string(c.Action)+c.Object.String()], c.Risk)
		}
	}
	have := observed(want, fresh)
	have.Secrets = nil
	for _, s := range steps(t, want, have) {
		for _, c := range s.Changes {
			if r, ok := seen[string(c.Action)+c.Object.String()]; !ok || c.Risk > r {
				t.Errorf("%s %s (%s) was not in the pending plan", c.Action, c.Object, c.Risk)
			}
		}
	}
}

// A changed password of a fence device is written, probed and made known to pacemaker-fenced.
func TestRotatedSecret(t *testing.T) {
	want := desired(t, web)
	cib := carriedOut(t, observed(want, fresh), steps(t, want, observed(want, fresh)))
	have := observed(want, cib)
	for i := range have.Secrets {
		have.Secrets[i].Value = reconcile.Secret("before")
	}
	ss := steps(t, want, have)
	var ids []string
	for _, s := range ss {
		ids = append(ids, s.ID)
	}
	if got, want := strings.Join(ids, ", "), "cib n2 probe f1, cib n3 probe f1, cib n1 secrets, cib n2 secrets, cib n3 secrets, cib n1 change"; got != want {
		t.Errorf("steps %s, want %s", got, want)
	}
	for _, s := range ss[2:] {
		if !slices.Contains(s.Needs, fenceProbe("f1")) {
			t.Errorf("%s does not wait for the device's answer", s.ID)
		}
	}
	// A crash after the files were written and before the CIB was changed: the next run registers the device anew.
	crashed := observed(want, cib)
	crashed.Secrets[0].ID = "f1-instance_attributes-password-1"
	ss2 := steps(t, want, crashed)
	if last := ss2[len(ss2)-1]; last.ID != "cib n1 change" || !strings.Contains(carriedOut(t, crashed, ss2), crashed.Secrets[0].ID) {
		t.Errorf("the device is not registered anew: %v", ss2)
	}
	after := carriedOut(t, have, ss)
	if !strings.Contains(after, `id="f1-instance_attributes-password-1" name="password" value="lrm://"`) || strings.Contains(after, `id="f1-instance_attributes-password"`) {
		t.Error(after)
	}
	if again := steps(t, want, observed(want, after)); len(again) > 0 {
		t.Errorf("not over: %v", again)
	}
}

// Files that resources may read are put on the members before the change that starts them; a member that does not run needs none.
func TestFilesComeFirst(t *testing.T) {
	manifest := strings.Replace(web, "spec:\n", "spec:\n  prepare: {files: [{path: /etc/app.conf, content: x}]}\n", 1)
	want := desired(t, manifest)
	have := observed(want, fresh)
	ss := steps(t, want, have)
	needs := ss[len(ss)-1].Needs
	for _, m := range have.Members {
		if got := slices.Contains(needs, system.Machine(m.Name)); got != (m.Runs == Running) {
			t.Errorf("the change needs machine/%s: %t, which is %s", m.Name, got, m.Runs)
		}
	}
	if !slices.ContainsFunc(have.Members, func(m Member) bool { return m.Runs == Running }) {
		t.Error("no member runs: nothing was tested")
	}
	if ss := steps(t, desired(t, web), have); slices.Contains(ss[len(ss)-1].Needs, system.Machine(have.Members[0].Name)) {
		t.Error("without files the machines are needed, too")
	}
}

package cib

import (
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// editsOf are the edits of a plan without those of the record.
func editsOf(p *planner) string {
	var out []string
	for _, e := range p.edits {
		if s := e.String(); !strings.Contains(s, "hactl") {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

const deviceF = "kind: FenceDevice\nmetadata: {name: F}\nspec: {agent: fence_x, targets: [n1], secrets: {passwd: {env: X}}}\n"

func clearF(password string) string {
	return live("pacemaker-3.9", `<primitive id="F" class="stonith" type="fence_x"><instance_attributes id="i"><nvpair id="h" name="pcmk_host_list" value="n1"/>`+
		`<nvpair id="w" name="passwd" value="`+password+`"/></instance_attributes></primitive>`, "", "")
}

// A password in clear text that is the wanted one stays, is told, and no file is written for it.
func TestClearText(t *testing.T) {
	for _, c := range []struct {
		name    string
		secrets reconcile.Text
		note    string
	}{
		{"the same", reconcile.Secret("hush"), "stands in clear text"},
		{"not known here", reconcile.UnknownSecret(), "is not compared"},
	} {
		want := desired(t, head+deviceF)
		want.Secrets[0].Value = c.secrets
		have := observed(want, clearF("hush"))
		have.Secrets = nil
		p, err := newPlanner(want, have)
		if err != nil {
			t.Fatal(err)
		}
		if e := editsOf(p); e != "" {
			t.Errorf("%s: edits %s", c.name, e)
		}
		found := false
		for _, n := range p.notes {
			found = found || n.Kind == reconcile.NoteWarning && n.Path == "params.passwd" && strings.Contains(n.Text, c.note)
		}
		if !found {
			t.Errorf("%s: no note says that it %s: %+v", c.name, c.note, p.notes)
		}
		for _, s := range steps(t, want, have) {
			if s.ID != "cib n1 change" || s.Pending != "" {
				t.Errorf("%s: step %s %s", c.name, s.ID, s.Pending)
			}
		}
	}
	want := desired(t, head+deviceF)
	p, err := newPlanner(want, observed(want, clearF("other")))
	if err != nil || editsOf(p) != `set nvpair#w value="lrm://"` {
		t.Errorf("another password: %v %s", err, editsOf(p))
	}
}

// Where Pacemaker reads no file, a secret is compared and never written.
func TestInlineSecret(t *testing.T) {
	const alert = "kind: Alert\nmetadata: {name: M}\nspec: {path: /m, paramSets: [{id: s, values: [{name: smtp_password, secret: {env: X}}]}]}\n"
	cib := func(password string) string {
		return strings.Replace(live("pacemaker-3.9", "", "", ""), "</configuration>",
			`<alerts><alert id="M" path="/m"><instance_attributes id="s"><nvpair id="s-smtp_password" name="smtp_password" value="`+password+`"/></instance_attributes></alert></alerts></configuration>`, 1)
	}
	want := desired(t, head+alert)
	if p, err := newPlanner(want, observed(want, cib("hush"))); err != nil || editsOf(p) != "" {
		t.Errorf("the same: %v %s", err, editsOf(p))
	}
	for _, have := range []string{cib("other"), live("pacemaker-3.9", "", "", "")} {
		_, err := newPlanner(want, observed(want, have))
		if err == nil || !strings.Contains(err.Error(), "Alert/M: paramSets[s].smtp_password: Pacemaker reads secrets from files for the parameters of primitives only") {
			t.Errorf("%v", err)
		}
	}
}

// The secret of a template is a file of each primitive that uses it.
func TestTemplateSecret(t *testing.T) {
	want := desired(t, head+"kind: ResourceTemplate\nmetadata: {name: T}\nspec: {agent: \"ocf:heartbeat:mysql\", secrets: {test_passwd: {env: X}}}\n"+
		"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: A}\nspec: {template: T}\n---\napiVersion: hactl/v1\nkind: ResourceGroup\nmetadata: {name: G}\nspec: {resources: [{name: B, template: T}]}\n")
	var files []string
	for _, s := range want.Secrets {
		files = append(files, secretPath(s.Resource, s.Param))
	}
	if got := strings.Join(files, " "); got != secretsDir+"/A/test_passwd "+secretsDir+"/B/test_passwd" {
		t.Error(got)
	}
}

// An id that is in the CIB twice is never taken for the other; only an edit of it is refused.
func TestDuplicateIDs(t *testing.T) {
	twice := `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="i"><nvpair id="d" name="fake" value="a"/></instance_attributes></primitive>` +
		`<primitive id="B" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="j"><nvpair id="d" name="fake" value="b"/></instance_attributes></primitive>`
	a := func(value string) State {
		return desired(t, head+"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: "+value+"}}\n")
	}
	want := a("a")
	if p, err := newPlanner(want, observed(want, live("pacemaker-3.9", twice, "", ""))); err != nil || editsOf(p) != "" {
		t.Errorf("nothing to edit: %v %s", err, editsOf(p))
	}
	want = a("x")
	_, err := newPlanner(want, observed(want, live("pacemaker-3.9", twice, "", "")))
	if err == nil || !strings.Contains(err.Error(), `the id "d" is in the cluster 2 times: resources/primitive#A/instance_attributes#i/nvpair and resources/primitive#B/instance_attributes#j/nvpair`) {
		t.Errorf("%v", err)
	}
	// A node may have the name of a resource.
	shared := strings.Replace(live("pacemaker-3.9", `<primitive id="A" class="ocf" provider="pacemaker" type="remote"/>`, "", ""), "</nodes>", `<node id="A" uname="A" type="remote"/></nodes>`, 1)
	want = desired(t, head+"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:remote\", params: {server: s}}\n")
	p, err := newPlanner(want, observed(want, shared))
	if err != nil || !strings.HasPrefix(editsOf(p), "create in primitive#A: <instance_attributes") {
		t.Errorf("%v %s", err, editsOf(p))
	}
}

// The CIB's own spelling stays, and no second one is written beside it.
func TestOneSpelling(t *testing.T) {
	want := desired(t, strings.Replace(head, "spec:\n", "spec:\n  properties: {stonith-enabled: false, stonith-timeout: 90s}\n", 1)+
		"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n")
	for have, edits := range map[string]string{
		`<nvpair id="x" name="fencing-enabled" value="true"/>`: "set nvpair#x value=\"false\"\n" +
			`create in cluster_property_set#cib-bootstrap-options: <nvpair id="cib-bootstrap-options-stonith-timeout" name="fencing-timeout" value="90s"/>`,
		`<nvpair id="x" name="stonith-enabled" value="true"/>`: "set nvpair#x value=\"false\"\n" +
			`create in cluster_property_set#cib-bootstrap-options: <nvpair id="cib-bootstrap-options-stonith-timeout" name="stonith-timeout" value="90s"/>`,
	} {
		cib := strings.Replace(live("pacemaker-3.9", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>`, "", ""), `<nvpair id="p"`, have+`<nvpair id="p"`, 1)
		p, err := newPlanner(want, observed(want, cib))
		if err != nil || editsOf(p) != edits {
			t.Errorf("%v\n%s\nwant\n%s", err, editsOf(p), edits)
		}
	}
}

// Ids to which something refers are kept, and those that the manifest names are not given to anything else.
func TestReferencesAreKept(t *testing.T) {
	rule := `<rsc_location id="L" rsc="A"><rule id="mine" score="1"><expression id="e" attribute="x" operation="defined"/></rule></rsc_location>`
	cib := strings.Replace(live("pacemaker-3.9", dummyA, rule, ""), "</configuration>",
		`<acls><acl_role id="r"><acl_permission id="p1" kind="deny" reference="mine"/></acl_role></acls></configuration>`, 1)
	want := desired(t, head+"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n---\napiVersion: hactl/v1\n"+
		"kind: Constraint\nmetadata: {name: L}\nspec: {location: {resource: A, score: 2, expression: defined x}}\n")
	p, err := newPlanner(want, observed(want, cib))
	if e := editsOf(p); err != nil || !strings.Contains(e, `<rule id="mine" score="2">`) {
		t.Errorf("%v %s", err, e)
	}
	want = desired(t, head+"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", paramSets: [{id: L, values: [{name: a, value: b}]}]}\n")
	_, err = newPlanner(want, observed(want, cib))
	if err == nil || !strings.Contains(err.Error(), `the id "L" is taken by a <rsc_location> in the cluster`) {
		t.Errorf("%v", err)
	}
}

// Manifests that hold everything over several kinds are written in their order.
func TestOrderOverKinds(t *testing.T) {
	want := desired(t, everything(t))
	doc, err := parse(renderedCIB(t, want))
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, el := range section(doc, "resources").ChildElements() {
		order = append(order, attr(inner(el), "id"))
	}
	if got := strings.Join(order, " "); got != "dummy A A2 f1 f2 S G B B2" {
		t.Error(got)
	}
	for _, id := range []string{"rsc_defaults-meta_attributes", "op_defaults-meta_attributes", "cib-bootstrap-options", "nodes-1", "A-watch", "by-rules-rule", "by-rules-rule-1"} {
		if newTree(doc).find(id) == nil {
			t.Errorf("nothing has the id %s, which pcs would give", id)
		}
	}
	var sections []string
	for _, el := range doc.Root().SelectElement("configuration").ChildElements() {
		sections = append(sections, el.Tag)
	}
	if got, want := strings.Join(sections, " "), strings.Join(childOrder["configuration"], " "); got != want {
		t.Errorf("sections %s, want %s", got, want)
	}
}

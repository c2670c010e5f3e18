package cib

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// imported imports a CIB that must be readable.
func imported(t testing.TB, cib string) (*v1.Manifests, []reconcile.ImportedSecret) {
	t.Helper()
	m := &v1.Manifests{}
	secrets, err := New("default").Import(State{CIB: XML(cib)}, m)
	if err != nil {
		t.Fatal(err)
	}
	return m, secrets
}

// cibWith is a CIB with these elements in its sections.
func cibWith(nodes, resources, constraints, more string) string {
	return `<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes>` + nodes + `</nodes><resources>` + resources +
		`</resources><constraints>` + constraints + `</constraints>` + more + `</configuration><status/></cib>`
}

// losses are what an import tells as lost, in one text.
func losses(m *v1.Manifests) string {
	var b strings.Builder
	for _, o := range m.Objects() {
		for _, c := range o.Comments {
			if c.Lost {
				fmt.Fprintf(&b, "%s/%s %s: %s\n", o.Kind, o.Metadata.Name, c.Path, c.Text)
			}
		}
	}
	return b.String()
}

// What people read: the YAML of a CIB with something of everything.
func TestImportLook(t *testing.T) {
	in, err := os.ReadFile("testdata/import/everything.xml")
	if err != nil {
		t.Fatal(err)
	}
	m, secrets := imported(t, string(in))
	var got strings.Builder
	if err := v1.WriteYAML(&got, m.All()); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("testdata/import/everything.yaml", []byte(got.String()), 0o644); err != nil { //nolint:gosec // test data
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("testdata/import/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("UPDATE=1 writes it anew; now it is:\n%s", got.String())
	}
	if len(secrets) != 1 || secrets[0].File != "secrets/f1.password" || secrets[0].Value.Reveal() != "hush" {
		t.Errorf("%v", secrets)
	}
}

func TestImportErrors(t *testing.T) {
	for _, c := range []struct{ cib, want string }{
		{"<cib", "line 1"},
		{"", ""},
		{"<crm_mon/>", "not a <cib>"},
		{"<cib/>", "no <configuration>"},
		{`<cib><configuration><crm_config/><nodes/><resources/></configuration></cib>`, "no <constraints>"},
		{`<cib validate-with="pacemaker-1.2"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>`, "upgrade the CIB first"},
		{`<cib validate-with="transitional-0.6"><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>`, "upgrade the CIB first"},
		{"<cib>" + strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300) + "</cib>", "nested deeper"},
	} {
		_, err := New("default").Import(State{CIB: XML(c.cib)}, &v1.Manifests{})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, want %q", c.cib, err, c.want)
		}
	}
}

// What hactl does not know is told by name, and what it knows of the same object is imported.
func TestImportLost(t *testing.T) {
	const dummy = ` class="ocf" provider="pacemaker" type="Dummy"`
	for _, c := range []struct{ name, cib, lost string }{
		{"attribute", cibWith("", `<primitive id="A"`+dummy+` frob="1"/>`, "", ""), `Resource/A spec: Not imported, and left in the cluster as it is: the attribute frob of <primitive id="A">`},
		{"element", cibWith("", `<primitive id="A"`+dummy+`><frob id="x"/></primitive>`, "", ""), `<frob id="x"> in <primitive id="A">`},
		{"text", cibWith("", `<primitive id="A"`+dummy+`>hello</primitive>`, "", ""), `the text in <primitive id="A">`},
		{"second id", cibWith("", `<primitive id="A"`+dummy+`/><primitive id="A"`+dummy+`/>`, "", ""), `<primitive id="A">: the id A is taken by a primitive`},
		{"no id", cibWith("", `<primitive`+dummy+`/>`, "", ""), `<primitive> has no id`},
		{"class", cibWith("", `<primitive id="A" class="bsd" type="x"/>`, "", ""), `Resource A`},
		{"provider", cibWith("", `<primitive id="A" class="lsb" provider="p" type="x"/>`, "", ""), `class lsb has no provider`},
		{"nested clone", cibWith("", `<clone id="C"><clone id="D"/></clone>`, "", ""), `<clone id="C">: hactl does not know <clone id="D"> in it`},
		{"two in a clone", cibWith("", `<clone id="C"><primitive id="A"`+dummy+`/><primitive id="B"`+dummy+`/></clone>`, "", ""), `it holds 2 resources`},
		{"set", cibWith("", "", `<rsc_order id="o"><resource_set id="s"><frob/></resource_set></rsc_order>`, ""), `<rsc_order id="o">: hactl does not know <frob>`},
		{"rule", cibWith("", "", `<rsc_location id="l" rsc="x"><rule id="r" score="1"><frob/></rule></rsc_location>`, ""), `hactl does not know <frob> in a rule`},
		{"empty rule", cibWith("", "", `<rsc_location id="l" rsc="x"><rule id="r" score="1"/></rsc_location>`, ""), `has no expression`},
		{"section", cibWith("", "", "", "<frobs/>"), `the section <frobs>`},
		{"enum", cibWith("", "", `<rsc_ticket id="t" rsc="x" ticket="t" loss-policy="weep"/>`, ""), `Constraint t: spec.ticket.lossPolicy`},
		{"node name", cibWith(`<node id="1" uname="no such name"/><node id="2" uname="n2"/>`, "", "", ""), ``},
		{"second node", cibWith(`<node id="1" uname="n1"/><node id="2" uname="N1"/>`, "", "", ""), `a second node with the name N1`},
	} {
		m, _ := imported(t, c.cib)
		if lost := losses(m); !strings.Contains(lost, c.lost) {
			t.Errorf("%s: %q, want %q", c.name, lost, c.lost)
		}
		if _, err := throughYAML(m); err != nil {
			t.Errorf("%s: what was imported does not load: %v", c.name, err)
		}
	}
}

func TestImportNewerSchema(t *testing.T) {
	cib := strings.Replace(cibWith("", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>`, "", ""), "pacemaker-3.9", "pacemaker-4.0", 1)
	m, _ := imported(t, cib)
	if len(m.Resources) != 1 || !strings.Contains(m.Cluster.Comments[0].Text, "pacemaker-4.0 is newer") {
		t.Errorf("%v %v", m.Resources, m.Cluster.Comments)
	}
}

// Nodes that corosync.conf told get what the CIB says of them, by name or by number.
func TestImportIntoNodes(t *testing.T) {
	m := &v1.Manifests{Cluster: &v1.Cluster{Spec: v1.ClusterSpec{Nodes: []v1.Node{
		{Name: "n1", ID: 1, Addresses: []string{"10.0.0.1"}}, {Name: "n2", ID: 2, Addresses: []string{"10.0.0.2"}}, {Name: "n3", ID: 3, Addresses: []string{"10.0.0.3"}}}}}}
	m.Cluster.Metadata.Name = "lab"
	cib := cibWith(`<node id="abc" uname="n1" score="5"/><node id="2" uname="two.example"/><node id="7" uname="gone"/>
		<node id="r" uname="r" type="remote"/>`, `<primitive id="r" class="ocf" provider="pacemaker" type="remote"/>`, "", "")
	if _, err := New("default").Import(State{CIB: XML(cib)}, m); err != nil {
		t.Fatal(err)
	}
	n := m.Cluster.Spec.Nodes
	if len(n) != 3 || n[0].CIBID != "abc" || n[0].Score != "5" || n[1].Name != "n2" || n[1].CIBID != "" || n[2].CIBID != "" || n[0].Addresses[0] != "10.0.0.1" {
		t.Errorf("%+v", n)
	}
	r := m.Cluster.Spec.RemoteNodes
	if len(r) != 2 || r[0].Name != "gone" || r[0].CIBID != "7" || r[0].Type != "member" || r[1].Name != "r" || r[1].CIBID != "" || r[1].Type != "" {
		t.Errorf("%+v", r)
	}
}

// Values in files are known where a member showed them; hidden ones are not.
func TestImportSecrets(t *testing.T) {
	param := func(id, name, value string) string {
		return fmt.Sprintf(`<primitive id=%q class="ocf" provider="x" type="y"><instance_attributes id="%s-i"><nvpair id="%s-p" name=%q value=%q/></instance_attributes></primitive>`,
			id, id, id, name, value)
	}
	m := &v1.Manifests{}
	have := State{CIB: XML(cibWith("", param("A", "password", "hush")+param("B", "token", lrm)+param("C", "token", lrm)+param("D", "password", "******")+
		param("E", "password", "")+param("F", "password", "blank "), "", "")), Secrets: []Secret{{Resource: "B", Param: "token", Value: reconcile.Secret("file")}}}
	secrets, err := New("default").Import(have, m)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range secrets {
		got[s.File] = "unknown"
		if s.Value.Comparable() {
			got[s.File] = s.Value.Reveal()
		}
	}
	want := map[string]string{"secrets/A.password": "hush", "secrets/B.token": "file", "secrets/C.token": "unknown", "secrets/D.password": "unknown"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if v := m.Resources[4].Spec.Params["password"]; v.Null || v.Text != "" || len(m.Resources[5].Comments) == 0 {
		t.Errorf("%+v %+v", v, m.Resources[5].Comments)
	}
}

// Ten times the resources take about ten times as long.
func TestImportLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: growth, because of -short")
	}
	measure := func(n int) time.Duration {
		cib := bigCIB(n)
		best := time.Hour
		for range 3 {
			start := time.Now()
			imported(t, cib)
			best = min(best, time.Since(start))
		}
		return best
	}
	small, large := measure(1000), measure(10000)
	t.Logf("1 000 primitives with constraints: %v, 10 000: %v", small, large)
	if large > 25*small {
		t.Errorf("10 000 take %v and 1 000 take %v: more than linear", large, small)
	}
}

// bigCIB has n primitives, each with parameters, operations and constraints, one of which names nothing that is there.
func bigCIB(n int) string {
	var rs, cs strings.Builder
	for i := range n {
		fmt.Fprintf(&rs, `<primitive id="r%d" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="i%d"><nvpair id="v%d" name="fake" value="%d"/>`+
			`</instance_attributes><operations><op id="m%d" name="monitor" interval="10s"/><op id="s%d" name="start" interval="0" timeout="1min"/></operations></primitive>`,
			i, i, i, i, i, i)
		fmt.Fprintf(&cs, `<rsc_location id="l%d" rsc="r%d" node="n1" score="7"/><rsc_order id="o%d" first="r%d" then="gone%d"/>`, i, i, i, i, i%10)
	}
	return cibWith(`<node id="1" uname="n1"/>`, rs.String(), cs.String(), "")
}

func FuzzImport(f *testing.F) {
	f.Add(fresh)
	f.Add(cibWith("", strings.Repeat(`<clone id="c">`, 20)+strings.Repeat(`</clone>`, 20), "", ""))
	f.Add(cibWith("", `<primitive id="A" template="A"/><template id="A" class="ocf" provider="x" type="y"><operations id-ref="nope"/></template>`, "", ""))
	if b, err := os.ReadFile("testdata/import/everything.xml"); err == nil {
		f.Add(string(b))
	}
	for i, file := range seedFiles() {
		if b, err := os.ReadFile(file); err == nil && i%20 == 0 && len(b) < 20000 {
			f.Add(string(b))
		}
	}
	d := New("default")
	f.Fuzz(func(t *testing.T, cib string) {
		m := &v1.Manifests{}
		secrets, err := d.Import(State{CIB: XML(cib)}, m)
		if err != nil || cib == "" {
			return
		}
		loaded, err := throughYAML(m)
		if err != nil {
			var errs v1.Errors
			t.Fatalf("what was imported does not load (%t): %v", errors.As(err, &errs), err)
		}
		if want, err := d.Desired(loaded, secretsOf(loaded, secrets)); err == nil && want.Cluster == "" {
			t.Fatal("no Cluster")
		}
	})
}

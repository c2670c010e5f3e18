package cib

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

const rollbackCIB = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="7" num_updates="3" admin_epoch="0" have-quorum="1" dc-uuid="1">
<configuration>
 <crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="o1" name="cluster-delay" value="60s"/></cluster_property_set></crm_config>
 <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
 <resources>
  <primitive id="A" class="ocf" provider="pacemaker" type="Dummy">
   <instance_attributes id="A-p"><nvpair id="A-p-fake" name="fake" value="a b  c"/><nvpair id="A-p-env" name="envfile" value="/x"/></instance_attributes>
   <operations><op id="A-m" name="monitor" interval="10s"/></operations>
  </primitive>
  <group id="G"><primitive id="G1" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="G2" class="ocf" provider="pacemaker" type="Dummy"/></group>
 </resources>
 <constraints><rsc_location id="l" rsc="A" node="n1" score="100"/></constraints>
</configuration><status/></cib>`

// rollbackEdits touch everything that a piece can be.
func rollbackEdits() []Edit {
	return []Edit{
		{Do: set, At: "nvpair#A-p-fake", Attr: "value", Value: reconcile.Plain(`it's "quoted" <&> é`)},
		{Do: remove, At: "nvpair#A-p-env"},
		{Do: set, At: "rsc_location#l", Attr: "score", Value: reconcile.Plain("5")},
		{Do: move, At: "primitive#G1", To: "group#G", After: ""},
		{Do: create, At: "resources", XML: `<primitive id="B" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="B-m" name="monitor" interval="10s"/></operations></primitive>`},
		{Do: create, At: "constraints", XML: `<rsc_colocation id="c" rsc="B" with-rsc="A" score="1"/>`},
		{Do: create, At: "crm_config", XML: `<cluster_property_set id="hactl"/>`},
		{Do: create, At: "cluster_property_set#hactl", XML: `<nvpair id="hactl-Resource.B" name="hactl-Resource.B" value="owner=default"/>`},
	}
}

// retreat runs the program on a CIB in a file, as a member does on its own, and gives what it says and the CIB that comes of it.
func retreat(t *testing.T, p program, live *etree.Document, mode string) (string, *etree.Document) {
	t.Helper()
	for _, tool := range []string{"cibadmin", "awk"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT TESTED: the way back on a node needs %s", tool)
		}
	}
	file := filepath.Join(t.TempDir(), "cib.xml")
	text, err := live.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "timeout", "30", "sh", "-c", runScript, "x", mode)
	c.Env = append(os.Environ(), "CIB_file="+file)
	c.Stdin = strings.NewReader(p.String())
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, func() []byte { e, _ := err.(*exec.ExitError); return e.Stderr }())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := parse(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return string(out), doc
}

func TestWayBack(t *testing.T) {
	before, err := parse(rollbackCIB)
	if err != nil {
		t.Fatal(err)
	}
	parts, left, err := wayBack(before, rollbackEdits())
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 2 || !slices.Equal(parts[1].stopped, []string{"B"}) {
		t.Fatalf("a resource that was made stops before it is deleted: %+v", parts)
	}
	p := programOf("", []reconcile.Undo{{Way: parts}}, nil)
	p.limit = 3e9
	config := func(d *etree.Document) string {
		c := d.Copy().Root().SelectElement("configuration")
		if s := byID(c.SelectElement("crm_config"), inventoryID); s != nil && len(s.ChildElements()) == 0 {
			c.SelectElement("crm_config").RemoveChild(s) // an empty inventory says nothing
		}
		box := etree.NewDocument()
		box.SetRoot(c)
		box.Indent(1)
		s, _ := box.WriteToString()
		return s
	}

	t.Run("all of it", func(t *testing.T) {
		_, after := retreat(t, p, left, "cib")
		if d := cmp.Diff(config(before), config(after)); d != "" {
			t.Errorf("not as before:\n%s", d)
		}
		said, again := retreat(t, p, after, "cib")
		if attr(again.Root(), "epoch") != attr(after.Root(), "epoch") || strings.Contains(said, "undone") {
			t.Errorf("what is back is taken back again:\n%s", said)
		}
	})
	t.Run("what somebody changed since stays", func(t *testing.T) {
		theirs, err := applyAll(left, []Edit{
			{Do: set, At: "nvpair#A-p-fake", Attr: "value", Value: reconcile.Plain("theirs")},
			{Do: create, At: "primitive#A", XML: `<meta_attributes id="A-meta"><nvpair id="A-meta-r" name="target-role" value="Stopped"/></meta_attributes>`},
			{Do: create, At: "nodes", XML: `<node id="3" uname="n3"/>`},
		})
		if err != nil {
			t.Fatal(err)
		}
		said, after := retreat(t, p, theirs, "cib")
		tr := newTree(after)
		for id, want := range map[string]string{"A-p-fake": "theirs", "A-meta-r": "Stopped", "A-p-env": "/x"} {
			if got := attr(tr.find(id), "value"); got != want {
				t.Errorf("%s = %q, want %q\n%s", id, got, want, said)
			}
		}
		if tr.find("B") != nil || attr(tr.find("l"), "score") != "100" || byID(section(after, "nodes"), "3") == nil {
			t.Errorf("not as it should be:\n%s\n%s", said, config(after))
		}
		if !strings.Contains(said, "stays: it was changed since\tResource/A fake") {
			t.Errorf("what stays is not told:\n%s", said)
		}
	})
	t.Run("piece by piece where Pacemaker refuses the whole", func(t *testing.T) {
		// Somebody refers to what was made: it cannot go.
		theirs, err := applyAll(left, []Edit{{Do: create, At: "constraints", XML: `<rsc_location id="t" rsc="B" node="n1" score="1"/>`}})
		if err != nil {
			t.Fatal(err)
		}
		said, after := retreat(t, p, theirs, "cib")
		tr := newTree(after)
		if tr.find("B") == nil || tr.find("t") == nil || attr(tr.find("l"), "score") != "100" {
			t.Errorf("not as it should be:\n%s\n%s", said, config(after))
		}
		if !strings.Contains(said, "stays: Pacemaker refuses it") {
			t.Errorf("what is refused is not told:\n%s", said)
		}
	})
	t.Run("only an unconfirmed change", func(t *testing.T) {
		q := p
		q.id, q.mark, q.journal = "7", "7", `{"id":"7","at":"@NOW@"}`
		mark := func(value string) *etree.Document {
			d, err := applyAll(left, []Edit{{Do: create, At: "cluster_property_set#hactl",
				XML: Fragment(`<nvpair id="hactl-confirm" name="hactl-confirm" value="` + value + `"/>`)}})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		_, after := retreat(t, q, mark("pending 7"), "cib")
		if tr := newTree(after); attr(tr.find(markID), "value") != "undone 7" || tr.find("B") != nil {
			t.Errorf("a change that nobody confirmed is not taken back:\n%s", config(after))
		}
		for _, value := range []string{"pending 8", "undone 7", "confirmed 7", "confirmed 6"} {
			d := mark(value)
			_, after := retreatRefused(t, q, d)
			if config(after) != config(d) {
				t.Errorf("%s: taken back:\n%s", value, config(after))
			}
		}
	})
}

// retreatRefused is retreat where the program ends with an error, as it does where the mark is another.
func retreatRefused(t *testing.T, p program, live *etree.Document) (string, *etree.Document) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cib.xml")
	text, _ := live.WriteToString()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(context.Background(), "timeout", "30", "sh", "-c", runScript, "x", "cib")
	c.Env = append(os.Environ(), "CIB_file="+file)
	c.Stdin = strings.NewReader(p.String())
	out, err := c.CombinedOutput()
	if err == nil {
		t.Errorf("no error:\n%s", out)
	}
	b, _ := os.ReadFile(file)
	doc, err := parse(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return string(out), doc
}

package cib

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
)

// rendered gives what render --base makes of a CIB.
func rendered(t testing.TB, want State, base string) string {
	t.Helper()
	r, err := New("default").Render(want, State{Cluster: want.Cluster, CIB: XML(base)})
	if err != nil {
		t.Fatal(err)
	}
	return r[0].File.Content.Reveal()
}

// withoutInventory drops hactl's records again.
func withoutInventory(s string) string {
	return regexp.MustCompile(`(?s)\n[ \t]*<cluster_property_set id="hactl">.*?</cluster_property_set>`).ReplaceAllString(s, "")
}

// Every byte of real CIBs stays where nothing is wanted but the record, and only one line differs where one value is.
func TestRenderBaseIsByteForByte(t *testing.T) {
	files := corpus(t)
	more, _ := filepath.Glob("../../../shared/corpus/cib/*.xml")
	changed := 0
	for _, file := range append(files, more...) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := parse(string(b))
		if err != nil || section(doc, "crm_config") == nil {
			continue
		}
		base := string(b)
		cluster := "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n  nodes: [{name: not-there, addresses: [10.0.0.1]}]\n"
		if got := rendered(t, desired(t, cluster), base); got != base {
			t.Errorf("%s: a manifest that wants nothing changes it:\n%s", file, cmp.Diff(base, got))
		}
		set := view{}.plainProperties(section(doc, "crm_config"))
		if set == nil {
			continue
		}
		nv := pairNamed(set, "no-quorum-policy")
		if nv == nil || attr(nv, "value") == "demote" {
			continue
		}
		changed++
		got := rendered(t, desired(t, cluster+"  properties: {no-quorum-policy: demote}\n"), base)
		if !strings.Contains(got, `<cluster_property_set id="hactl">`) {
			t.Errorf("%s: no record", file)
		}
		was, is := strings.Split(base, "\n"), strings.Split(withoutInventory(got), "\n")
		var lines []int
		for i := range was {
			if i < len(is) && was[i] != is[i] {
				lines = append(lines, i)
			}
		}
		if len(was) != len(is) || len(lines) != 1 || !strings.Contains(is[lines[0]], "demote") {
			t.Errorf("%s: %d lines instead of one differ:\n%s", file, len(lines), cmp.Diff(was, is))
		}
	}
	if changed < 100 {
		t.Errorf("only %d CIBs were changed", changed)
	}
}

// What is odd in the spelling of a CIB stays; what comes new is indented as what is around it.
func TestSplice(t *testing.T) {
	const base = "<?xml version='1.0'?>\n<!-- mine -->\n<cib epoch='1'\n  validate-with=\"pacemaker-3.9\"><configuration>\n" +
		"  <crm_config><!-- two --><cluster_property_set id='a' ></cluster_property_set>\n  </crm_config>\n  <nodes/>\n" +
		"  <resources>\n\t<primitive id=\"A\" description=\"x &gt; y &amp; 'type=9'\"   class=\"ocf\" provider='p' type=\"t\"/>\n" +
		"\t<primitive id=\"B\" class=\"lsb\" type=\"b\">\n\t  <meta_attributes id=\"m\"/>\n\t</primitive>\n  </resources>\n  <constraints />\n</configuration>\n<status/></cib>\n<!-- end -->\n"
	for _, c := range []struct {
		name   string
		change func(*tree)
		old    string
		want   string
	}{
		{"nothing", func(*tree) {}, "", ""},
		{"an attribute", func(x *tree) { x.find("A").CreateAttr("provider", `q"`) }, `provider='p'`, `provider="q&quot;"`},
		{"an attribute more", func(x *tree) { x.find("A").CreateAttr("z", "1") }, `type="t"/>`, `type="t" z="1"/>`},
		{"an attribute less", func(x *tree) { x.find("A").RemoveAttr("provider") }, ` provider='p'`, ``},
		{"an attribute whose name is in another's value", func(x *tree) { x.find("A").CreateAttr("type", "u") }, ` type="t"`, ` type="u"`},
		{"an element more", func(x *tree) { section(x.Document, "resources").AddChild(element("primitive", "C")) }, "</primitive>\n", "</primitive>\n\t<primitive id=\"C\"/>\n"},
		{"an element less", func(x *tree) { section(x.Document, "resources").RemoveChild(x.find("B")) },
			"\n\t<primitive id=\"B\" class=\"lsb\" type=\"b\">\n\t  <meta_attributes id=\"m\"/>\n\t</primitive>", ""},
		{"the first child", func(x *tree) { section(x.Document, "constraints").AddChild(element("rsc_location", "l")) }, "<constraints />", "<constraints>\n    <rsc_location id=\"l\"/>\n  </constraints>"},
		{"a password of a manifest", func(x *tree) { pair(x.find("m"), "password", "geheim") }, `<meta_attributes id="m"/>`,
			"<meta_attributes id=\"m\">\n\t    <nvpair id=\"m-password\" name=\"password\" value=\"(secret)\"/>\n\t  </meta_attributes>"},
	} {
		doc, err := parse(base)
		if err != nil {
			t.Fatal(err)
		}
		x := newTree(doc)
		c.change(x)
		got, err := spliced(base, x.Document)
		want := strings.Replace(base, c.old, c.want, 1)
		if err != nil || got != want {
			t.Errorf("%s: %v\n%s", c.name, err, cmp.Diff(want, got))
		}
	}
}

// Whatever is done to a real CIB, what is written is what was made.
func FuzzSplice(f *testing.F) {
	f.Add(fresh, uint(3), uint(7))
	f.Fuzz(func(t *testing.T, base string, from, to uint) {
		doc, err := parse(base)
		if err != nil || doc.Root().SelectElement("configuration") == nil {
			return
		}
		var all []*etree.Element
		var walk func(*etree.Element)
		walk = func(el *etree.Element) {
			all = append(all, el)
			for _, c := range el.ChildElements() {
				walk(c)
			}
		}
		walk(doc.Root())
		a, b := all[from%uint(len(all))], all[to%uint(len(all))]
		b.AddChild(element("primitive", fmt.Sprint("new", from)))
		if a != doc.Root() {
			a.CreateAttr("x", "y")
		}
		want, _ := doc.WriteToString()
		text, err := spliced(base, doc)
		if err != nil {
			return // told
		}
		again, err := parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, d := range []*etree.Document{doc, again} { // text among the elements means nothing
			for _, el := range append(d.FindElements("//*"), d.Root()) {
				for _, x := range slices.Clone(el.Child) {
					if _, text := x.(*etree.CharData); text {
						el.RemoveChild(x)
					}
				}
			}
		}
		if got, _ := again.WriteToString(); digest(again.Root(), nil) != digest(doc.Root(), nil) {
			t.Fatalf("got %s\nwant %s\nbase %s", got, want, base)
		}
	})
}

package cib

import (
	"os"
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
)

// Whatever is wrong with a CIB, an import of it says so and gives manifests that load.
func TestImportMutated(t *testing.T) {
	text, err := os.ReadFile("testdata/import/everything.xml")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(text)}
	for i, f := range seedFiles() {
		if b, err := os.ReadFile(f); err == nil && i%10 == 0 && len(b) < 100_000 {
			texts = append(texts, string(b))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		doc, err := parse(rapid.SampledFrom(texts).Draw(t, "cib"))
		if err != nil {
			t.Fatal(err)
		}
		if s := doc.Root().SelectElement("status"); s != nil {
			doc.Root().RemoveChild(s)
		}
		for range rapid.IntRange(1, 12).Draw(t, "mutations") {
			mutate(t, doc)
		}
		mutated, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		m := &v1.Manifests{}
		secrets, err := New("default").Import(State{CIB: XML(mutated)}, m)
		if err != nil {
			return
		}
		loaded, err := throughYAML(m)
		if err != nil {
			t.Fatalf("what was imported does not load: %v\n%s", err, mutated)
		}
		if _, err := New("default").Desired(loaded, secretsOf(loaded, secrets)); err != nil {
			t.Fatalf("what was imported cannot be wanted: %v\n%s", err, mutated)
		}
	})
}

// mutate changes something below the configuration.
func mutate(t *rapid.T, doc *etree.Document) {
	els := doc.Root().FindElements("./configuration/*//*")
	if len(els) == 0 {
		return
	}
	one := rapid.SampledFrom(els)
	el, other := one.Draw(t, "element"), one.Draw(t, "other")
	switch rapid.IntRange(0, 7).Draw(t, "mutation") {
	case 0: // gone
		el.Parent().RemoveChild(el)
	case 1: // twice
		el.Parent().AddChild(el.Copy())
	case 2: // where it does not belong
		other.AddChild(el.Copy())
	case 3: // an attribute of another
		if len(other.Attr) > 0 {
			a := rapid.SampledFrom(other.Attr).Draw(t, "attribute")
			el.CreateAttr(a.Key, a.Value)
		}
	case 4: // one attribute less
		if len(el.Attr) > 0 {
			el.RemoveAttr(rapid.SampledFrom(el.Attr).Draw(t, "attribute").Key)
		}
	case 5: // another value
		if len(el.Attr) > 0 {
			a := rapid.SampledFrom(el.Attr).Draw(t, "attribute")
			el.CreateAttr(a.Key, rapid.SampledFrom([]string{"", "0", "-1", "x", "true", "INFINITY", "99999999999", "a b", "é", "a:b", "hactl-x", "Master", `"`, attr(other, "id")}).Draw(t, "value"))
		}
	case 6:
		el.CreateAttr("id-ref", attr(other, "id"))
	case 7:
		el.Tag = other.Tag
	}
}

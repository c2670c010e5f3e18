package cib

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
)

// Whatever is wrong with a CIB, an import of it says so and gives manifests that load. Of one that crm_verify takes, nothing is lost, a plan
// only takes over, and what is rendered says the same.
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
		for range rapid.SampledFrom([]int{1, 2, 3, 10}).Draw(t, "mutations") {
			mutate(t, doc)
		}
		mutated, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New("default").Import(State{CIB: XML(mutated)}, &v1.Manifests{}); err != nil {
			return // a section is missing
		}
		p, _, _ := proveOffline(mutated)
		p.lost = slices.DeleteFunc(p.lost, told.MatchString)
		if !verifies(mutated) { // Pacemaker would hold no such CIB
			p.lost = nil
			p.failed = slices.DeleteFunc(p.failed, func(f string) bool { return !strings.HasPrefix(f, "(d)") && !strings.HasPrefix(f, "desired") })
		}
		if len(p.failed) > 0 || len(p.lost) > 0 {
			t.Fatalf("%s\nlost: %s\n%s", strings.Join(p.failed, "\n"), p.lost, mutated)
		}
	})
}

// told matches what no manifest can say though crm_verify takes it: nodes of one name or id, or with a name that no machine can have, and ids
// that begin with hactl.
var told = regexp.MustCompile("a second node|no host name|no uname|no valid IPv4 address|is reserved")

// verifies tells whether crm_verify takes a CIB.
func verifies(cib string) bool {
	cmd := exec.Command("crm_verify", "--xml-pipe")
	cmd.Stdin = strings.NewReader(cib)
	return cmd.Run() == nil
}

// mutate changes something below the configuration.
func mutate(t *rapid.T, doc *etree.Document) {
	els := doc.Root().FindElements("./configuration/*//*")
	if len(els) == 0 {
		return
	}
	one := rapid.SampledFrom(els)
	el, other := one.Draw(t, "element"), one.Draw(t, "other")
	switch rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 9, 9}).Draw(t, "mutation") {
	case 0: // gone
		el.Parent().RemoveChild(el)
	case 1: // twice
		el.Parent().AddChild(el.Copy())
	case 8: // twice, under another name
		c := el.Copy()
		n := 0
		for _, part := range append(c.FindElements(".//*"), c) {
			if id := attr(part, "id"); id != "" && part.Tag != "resource_ref" && part.Tag != "obj_ref" && part.Tag != "role" {
				part.CreateAttr("id", fmt.Sprintf("%s-%d", id, n))
				n++
			}
		}
		el.Parent().InsertChildAt(rapid.IntRange(0, len(el.Parent().Child)).Draw(t, "place"), c)
	case 9: // at another place
		p := el.Parent()
		p.RemoveChild(el)
		p.InsertChildAt(rapid.IntRange(0, len(p.Child)).Draw(t, "place"), el)
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
			el.CreateAttr(a.Key, rapid.SampledFrom([]string{"0", "-1", "x", "true", "INFINITY", "99999999999", "a b", "é", "a:b", "hactl-x", "Master", `"`, attr(other, "id")}).Draw(t, "value"))
		}
	case 6:
		el.CreateAttr("id-ref", attr(other, "id"))
	case 7:
		el.Tag = other.Tag
	}
}

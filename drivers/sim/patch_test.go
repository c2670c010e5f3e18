package sim_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// A patch is applied as Pacemaker's own crm_diff applies it, and by the version that it was made for only.
func TestPatchConforms(t *testing.T) {
	diff := tool(t, "crm_diff")
	var base string
	err := bubble(t, func(ctx context.Context) error {
		c, err := running(ctx)
		if err == nil {
			base = c.CIB()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		doc := etree.NewDocument()
		if err := doc.ReadFromString(base); err != nil {
			rt.Fatal(err)
		}
		mutate(rt, doc)
		was, is := filepath.Join(dir, "was.xml"), filepath.Join(dir, "is.xml")
		if err := errors.Join(os.WriteFile(was, []byte(base), 0o600), doc.WriteToFile(is)); err != nil {
			rt.Fatal(err)
		}
		patch, err := exec.Command(diff, "--original", was, "--new", is).Output()
		if len(patch) == 0 {
			rt.Skip("nothing was changed: ", err)
		}
		cmd := exec.Command(diff, "--original", was, "--patch=/dev/stdin")
		cmd.Stdin = strings.NewReader(string(patch))
		want, err := cmd.Output()
		if err != nil {
			rt.Fatalf("crm_diff does not take its own patch: %v\n%s", err, patch)
		}
		got, err := sim.Patched(base, string(patch))
		if err != nil {
			rt.Fatalf("%v\n%s", err, patch)
		}
		if d := cmp.Diff(configuration(rt, string(want)), configuration(rt, got)); d != "" {
			rt.Fatalf("crm_diff makes (-) and sim makes (+):\n%s\nof %s", d, patch)
		}
	})
}

// mutate deletes, makes and changes elements.
func mutate(rt *rapid.T, doc *etree.Document) {
	resources := doc.FindElement("/cib/configuration/resources")
	doc.Root().CreateAttr("epoch", "99")
	for i := range rapid.IntRange(1, 6).Draw(rt, "changes") {
		els := resources.FindElements(".//*[@id]")
		if len(els) == 0 {
			return
		}
		el := rapid.SampledFrom(els).Draw(rt, "element")
		switch parent := el.Parent(); rapid.IntRange(0, 3).Draw(rt, "change") {
		case 0:
			parent.RemoveChildAt(el.Index())
		case 1:
			el.CreateAttr("description", rapid.SampledFrom([]string{"a", "<&>\"'", ""}).Draw(rt, "text"))
		case 2:
			made := el.CreateElement("meta_attributes")
			made.CreateAttr("id", fmt.Sprintf("made-%d", i))
		case 3: // in another place under another name: a place alone would be a move
			made := el.Copy()
			made.CreateAttr("id", fmt.Sprintf("copy-%d", i))
			made.Child = nil
			parent.InsertChildAt(rapid.IntRange(0, len(parent.Child)).Draw(rt, "to"), made)
		}
	}
}

func configuration(rt *rapid.T, text string) string {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		rt.Fatal(err)
	}
	conf := doc.Root().SelectElement("configuration").Copy()
	doc.SetRoot(conf)
	doc.Indent(1)
	out, _ := doc.WriteToString() // to memory
	return out
}

// What moved since the patch was made is not overwritten.
func TestPatchOfAnOldCIB(t *testing.T) {
	err := bubble(t, func(ctx context.Context) error {
		c, err := running(ctx)
		if err != nil {
			return err
		}
		client := c.Client()
		lock, err := client.Lock(ctx, client.Hosts(), reconcile.Holder{})
		if err != nil {
			return err
		}
		defer lock.Release()
		before := c.CIB()
		_, err = client.Hosts()[0].Run(ctx, reconcile.Cmd{Argv: []string{"cibadmin", "--patch", "--xml-pipe"}, Mutates: true,
			Stdin: []byte(`<diff format="2"><version><source admin_epoch="0" epoch="1" num_updates="0"/><target admin_epoch="0" epoch="2" num_updates="0"/></version></diff>`)})
		var exit *reconcile.ExitError
		if !errors.As(err, &exit) || exit.Code != 103 || c.CIB() != before {
			return fmt.Errorf("an old patch: %w", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

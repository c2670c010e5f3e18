package sim_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// What was there before hactl and is in no manifest.
const (
	theirFile  = "/etc/theirs.conf"
	theirLine  = "192.0.2.1\ttheirs\n"
	theirRsc   = `<primitive id="Theirs" class="ocf" provider="pacemaker" type="Dummy"><operations><op id="Theirs-m" name="monitor" interval="10s"/></operations></primitive>`
	theirSet   = `<cluster_property_set id="redis_replication"><nvpair id="redis_replication-x" name="redis_REPL_INFO" value="n1"/></cluster_property_set>`
	theirRule  = `<rsc_location id="theirs-on-n1" rsc="Theirs" node="n1" score="50"/>`
	theirValue = "their content"
)

func foreignFiles(n *sim.Node) {
	n.Put(theirFile, reconcile.File{Content: reconcile.Plain(theirValue), Mode: 0o640, Owner: "root:root"})
	n.Put("/etc/hosts", reconcile.File{Content: reconcile.Plain("127.0.0.1\tlocalhost\n" + theirLine), Mode: 0o644, Owner: "root:root"})
}

func foreignObjects(c *sim.Cluster) {
	c.SetCIB(func(conf *etree.Element) {
		for section, text := range map[string]string{"resources": theirRsc, "crm_config": theirSet, "constraints": theirRule} {
			doc := etree.NewDocument()
			if err := doc.ReadFromString(text); err != nil {
				panic(err)
			}
			conf.SelectElement(section).AddChild(doc.Root())
		}
	})
}

// foreign tells what of it is lost or changed.
func foreign(c *sim.Cluster, objects bool) error {
	var errs []error
	for _, h := range c.Hosts() {
		files := c.Node(h.Name()).Files()
		if f := files[theirFile]; f.Content.Reveal() != theirValue || f.Mode != 0o640 {
			errs = append(errs, fmt.Errorf("%s of %s was changed: %q %o", theirFile, h.Name(), f.Content.Reveal(), f.Mode))
		}
		if !strings.Contains(files["/etc/hosts"].Content.Reveal(), theirLine) {
			errs = append(errs, fmt.Errorf("/etc/hosts of %s lost a line", h.Name()))
		}
	}
	if !objects {
		return errors.Join(errs...)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString(c.CIB()); err != nil {
		return err
	}
	for _, text := range []string{theirRsc, theirSet, theirRule} {
		want := etree.NewDocument()
		if err := want.ReadFromString(text); err != nil {
			return err
		}
		id := want.Root().SelectAttrValue("id", "")
		el := doc.FindElement("/cib/configuration//*[@id='" + id + "']")
		if el == nil || flat(el) != flat(want.Root()) {
			errs = append(errs, fmt.Errorf("%s, which no manifest tells, was changed or deleted", id))
		}
	}
	time.Sleep(2 * c.Lag) // it may have moved
	if len(c.Active("Theirs")) != 1 {
		errs = append(errs, fmt.Errorf("Theirs does not run any more: %v", c.Active("Theirs")))
	}
	return errors.Join(errs...)
}

func flat(el *etree.Element) string {
	doc := etree.NewDocument()
	doc.SetRoot(el.Copy())
	doc.Unindent()
	text, _ := doc.WriteToString() // to memory
	return text
}

func fileText(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no manifests: %v", dir, err)
	}
	var texts []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	return strings.Join(texts, "\n---\n")
}

package drbd

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/reconcile"
)

// imported are manifests made from one file, loaded again as a user would.
func imported(t *testing.T, have State) (*v1.Manifests, map[string]reconcile.Text) {
	t.Helper()
	m := &v1.Manifests{Cluster: &v1.Cluster{}}
	m.Cluster.Metadata.Name = "web"
	secrets, err := New("").Import(have, m)
	if err != nil {
		t.Fatal(err)
	}
	m.SetDefaults()
	if err := m.Validate(); err != nil && len(m.DRBDResources) > 0 {
		t.Errorf("what was imported is not valid: %v", err)
	}
	found := map[string]reconcile.Text{}
	for _, s := range secrets {
		found[s.File] = s.Value
	}
	return m, found
}

type files map[string]reconcile.Text

func (f files) Value(o *v1.Object, _ string) reconcile.Text {
	return f["secrets/drbd-"+o.Metadata.Name+".shared-secret"]
}

// dump is what drbdadm reads from a text, and for which dialects.
func dump(t *testing.T, d conf.Dialect, text string) (string, bool) {
	t.Helper()
	adm, err := exec.LookPath("drbdadm")
	if err != nil {
		t.Skip("NOT TESTED: drbdadm is not here (apt-get install --no-install-recommends drbd-utils)")
	}
	file := filepath.Join(t.TempDir(), "x.res")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(adm, "-c", file, "dump")
	c.Env = append(os.Environ(), "__DRBD_NODE__=nobody", "DRBD_DRIVER_VERSION_OVERRIDE="+map[conf.Dialect]string{conf.V84: "8.4.11", conf.V9: "9.1.13"}[d])
	out, err := c.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), err == nil
}

// Import, render: drbdadm reads the same from it as from the original.
func TestCorpus(t *testing.T) {
	var names []string
	for _, glob := range []string{"../../../shared/corpus/drbd/*.res", "conf/testdata/*.res", "/usr/share/doc/drbd-utils/examples/*"} {
		found, _ := filepath.Glob(glob)
		if len(found) == 0 {
			t.Logf("NOT TESTED: there is nothing at %s", glob)
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		t.Skip("NOT TESTED: no configurations")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			m, secrets := imported(t, FromFiles(map[string][]byte{filepath.Base(name): text}))
			for _, c := range m.Cluster.Comments {
				t.Log(c.Text)
			}
			original, err := conf.Parse(name, text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.DRBDResources)+len(m.Cluster.Comments) != len(original.Resources) {
				t.Errorf("%d resources, %d of them imported, and %d told as lost", len(original.Resources), len(m.DRBDResources), len(m.Cluster.Comments))
			}
			if len(m.DRBDResources) == 0 {
				return
			}
			want, err := New("").Desired(m, files(secrets))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []conf.Dialect{conf.V84, conf.V9} {
				before, ok := dump(t, d, string(text))
				if !ok {
					continue
				}
				if _, ok := dump(t, d, before); !ok {
					t.Logf("%s: NOT TESTED: drbdadm does not read its own dump (of floating hosts, which it ends with two semicolons)", d)
					continue
				}
				a, err := conf.Parse("dump", []byte(before), nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want.Resources {
					r := &want.Resources[i]
					made, err := r.file(r.dialectOf(State{}), "default", nil)
					if err != nil {
						t.Errorf("%s: %v", d, err)
						continue
					}
					after, ok := dump(t, d, made.Reveal())
					if !ok {
						if r.dialectOf(State{}) == d {
							t.Errorf("%s: drbdadm refuses\n%s", d, made.Reveal())
						}
						continue
					}
					b, err := conf.Parse("dump", []byte(after), nil)
					if err != nil {
						t.Fatal(err)
					}
					old := &conf.Config{Common: a.Common, Resources: []*conf.Resource{a.Resource(r.Name)}}
					if diff := conf.Diff(old, b, d); len(diff) > 0 {
						t.Errorf("%s: %v\n%s", d, diff, made.Reveal())
					}
				}
			}
		})
	}
}

// The plan after an import from a live pair is empty, and the file stays as it is.
func TestImportLive(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "uptodate", "node1", "node2")
	text := `resource r0 { device /dev/drbd0; disk /dev/vg0/r0; meta-disk internal; net { protocol C; cram-hmac-alg sha1; shared-secret "s3cret"; }
 on node1 { address 192.168.91.1:7788; } on node2 { address 192.168.91.2:7788; } }
resource stacked-r1 { stacked-on-top-of r0 { device /dev/drbd10; address 192.168.91.9:7789; } on node3 { device /dev/drbd10; disk /dev/vg0/x; meta-disk internal; address 192.168.91.3:7789; } }
`
	for i := range have.Nodes {
		have.Nodes[i].takeFiles(map[string]reconcile.File{mainConf: have.Nodes[i].Files[mainConf], confDir + "/mine.res": {Content: reconcile.Plain(text)},
			confDir + "/global_common.conf": {Content: reconcile.Plain("common { disk { on-io-error detach; } }")}})
	}
	m := load(t, cluster)
	secrets, err := New("").Import(have, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.DRBDResources) != 1 || len(secrets) != 1 || secrets[0].Value.Reveal() != "s3cret" {
		t.Fatalf("%d resources, secrets %v", len(m.DRBDResources), secrets)
	}
	if c := m.Cluster.Comments; len(c) != 1 || !strings.Contains(c[0].Text, "stacked-r1") || !strings.Contains(c[0].Text, "stacked-on-top-of") {
		t.Errorf("the stacked resource is not told: %+v", c)
	}
	now, err := New("").Desired(m, files{"secrets/drbd-r0.shared-secret": secrets[0].Value})
	if err != nil {
		t.Fatal(err)
	}
	if got := printed(t, now, have); got != "" {
		t.Errorf("the plan after the import is not empty:\n%s", got)
	}
	notes := (Driver{}).Notes(now, have)
	if len(notes) != 2 || notes[0].Kind != reconcile.NoteAdopts {
		t.Errorf("notes: %+v", notes)
	}
}

// What holds on one host alone is imported with it, and rendered as it was.
func TestImportOptionsOfAHost(t *testing.T) {
	const text = `resource r0 { device minor 0; disk /dev/vg0/r0; meta-disk internal; options { on-no-quorum io-error; }
on a { node-id 0; address 10.0.0.1:7788; options { cpu-mask 3; } } on b { node-id 1; address 10.0.0.2:7788; } }
`
	m := load(t, strings.ReplaceAll(strings.ReplaceAll(cluster, "node1", "a"), "node2", "b"))
	if _, err := New("").Import(FromFiles(map[string][]byte{"r0.res": []byte(text)}), m); err != nil {
		t.Fatal(err)
	}
	if len(m.DRBDResources) != 1 || m.DRBDResources[0].Spec.Nodes[0].Options.Get("cpu-mask") != "3" {
		t.Fatalf("%+v, %+v", m.DRBDResources, m.Cluster.Comments)
	}
	want, err := New("").Desired(m, secret(""))
	if err != nil {
		t.Fatal(err)
	}
	made, err := want.Resources[0].file(conf.V9, "default", nil)
	if err != nil || !strings.Contains(made.Reveal(), "cpu-mask") {
		t.Errorf("%v\n%s", err, made.Reveal())
	}
	if _, err := want.Resources[0].file(conf.V84, "default", nil); err != nil {
		t.Logf("8.4: %v", err)
	}
}

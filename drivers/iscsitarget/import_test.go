package iscsitarget

import (
	"os"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

type imported map[string]reconcile.Text

func (i imported) Value(o *v1.Object, field string) reconcile.Text { return i[field] }

// What is imported, live or from rtslib's file, is what is there: a plan of it only saves and records.
func TestImport(t *testing.T) {
	for _, folder := range []string{"one-target", "session", "mutual-two-portals", "no-auth"} {
		live := recorded(t, folder)
		live.Unit, live.Boot, live.SavedPath = "rtslib-fb-targetctl.service", "enabled", "/etc/rtslib-fb-target/saveconfig.json"
		b, err := os.ReadFile("testdata/recorded/" + folder + "/node2/saveconfig.out")
		if err != nil {
			t.Fatal(err)
		}
		secret := reconcile.Secret(string(b))
		live.Saved = &secret
		file, err := FromSaved("node2", b)
		if err != nil {
			t.Fatal(err)
		}
		for source, have := range map[string]State{"live": {Machines: []Machine{*live}}, "file": file} {
			m := &v1.Manifests{Cluster: &v1.Cluster{}}
			secrets, err := New("").Import(have, m)
			if err != nil || len(m.ISCSITargets) != 1 {
				t.Fatalf("%s %s: %v", folder, source, err)
			}
			x := m.ISCSITargets[0]
			if len(x.Spec.Backstores) < 3 || len(x.Spec.Attributes)+len(x.Spec.Parameters) > 2 || len(x.Comments) > 0 {
				t.Errorf("%s %s: it says %+v %+v", folder, source, x.Spec, x.Comments)
			}
			values := imported{}
			for _, s := range secrets {
				field := "spec.acls[0].auth.password"
				if strings.HasSuffix(s.File, ".mutualPassword") {
					field = "spec.acls[0].auth.mutualPassword"
				}
				values[field] = s.Value
			}
			want, err := New("").Desired(m, values)
			if err != nil {
				t.Fatalf("%s %s: %v", folder, source, err)
			}
			steps, err := New("").Plan(want, State{Machines: []Machine{*live}})
			if err != nil || len(steps) > 0 {
				t.Errorf("%s %s: a plan of it is not empty: %v\n%v", folder, source, err, steps)
			}
		}
	}
	if _, err := FromSaved("node2", []byte(`{"x": 1}`)); err == nil {
		t.Error("any JSON is taken for rtslib's file")
	}
}

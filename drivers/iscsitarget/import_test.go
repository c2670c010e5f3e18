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

// A target made by hand on a guest, with what no manifest of the lab has: a device, a cache, attributes and parameters, both passwords. Each is
// imported, and a plan of it is empty.
// What hactl itself made is imported with nothing that follows from the rest.
func TestImportOwn(t *testing.T) {
	live := recorded(t, "one-target")
	for id := range live.Backstores {
		live.Backstores[id].Attributes["emulate_model_alias"] = "0" // targetcli writes 1
	}
	for _, f := range live.Targets {
		f.Attributes["authentication"], f.Parameters["AuthMethod"] = "1", "CHAP"
	}
	m := &v1.Manifests{Cluster: &v1.Cluster{}}
	if _, err := New("").Import(State{Machines: []Machine{*live}}, m); err != nil {
		t.Fatal(err)
	}
	x := m.ISCSITargets[0].Spec
	if _, told := x.Parameters["AuthMethod"]; told {
		t.Errorf("it says %v", x.Parameters)
	}
	for _, b := range x.Backstores {
		if len(b.Attributes) > 0 {
			t.Errorf("%s says %v", b.Name, b.Attributes)
		}
	}
}

func TestImportByHand(t *testing.T) {
	b, err := os.ReadFile("testdata/by-hand.json")
	if err != nil {
		t.Fatal(err)
	}
	have, err := FromSaved("node1", b)
	if err != nil {
		t.Fatal(err)
	}
	m := &v1.Manifests{Cluster: &v1.Cluster{}}
	secrets, err := New("").Import(have, m)
	if err != nil || len(m.ISCSITargets) != 1 || len(secrets) != 2 {
		t.Fatalf("%d targets, %d secrets: %v", len(m.ISCSITargets), len(secrets), err)
	}
	x := m.ISCSITargets[0]
	if len(x.Comments) > 0 {
		t.Errorf("something is lost: %+v", x.Comments)
	}
	text := func(o v1.Options, name string) string { return o[name].Text }
	disk, file, acl := x.Spec.Backstores[0], x.Spec.Backstores[1], x.Spec.ACLs[0]
	for what, ok := range map[string]bool{
		"the device":         disk.Block != nil && disk.Block.Device == "/dev/disk/by-id/wwn-0x5000c50077010002" && text(disk.Attributes, "is_nonrot") == "1",
		"the file":           file.FileIO != nil && file.FileIO.Path == "/srv/hand.img" && file.FileIO.Size == "64M" && file.FileIO.WriteBack,
		"the initiator":      acl.Initiator == "iqn.2023-02.com.example:node2.init" && text(acl.Attributes, "dataout_timeout") == "5",
		"CHAP":               acl.Auth != nil && acl.Auth.User == "hand" && acl.Auth.MutualUser == "back" && acl.Auth.MutualPassword != nil,
		"the group's values": text(x.Spec.Attributes, "default_cmdsn_depth") == "32" && text(x.Spec.Parameters, "DefaultTime2Wait") == "3",
	} {
		if !ok {
			t.Errorf("%s is not imported as it is: %+v", what, x.Spec)
		}
	}
	live, saved := &have.Machines[0], reconcile.Secret(string(b))
	live.Unit, live.Boot, live.SavedPath, live.Saved = "rtslib-fb-targetctl.service", "enabled", "/etc/rtslib-fb-target/saveconfig.json", &saved
	values := imported{}
	for _, s := range secrets {
		values["spec.acls[0].auth."+s.File[strings.LastIndexByte(s.File, '.')+1:]] = s.Value
	}
	want, err := New("").Desired(m, values)
	if err != nil {
		t.Fatal(err)
	}
	if steps, err := New("").Plan(want, have); err != nil || len(steps) > 0 {
		t.Errorf("a plan of it is not empty: %v\n%+v", err, steps)
	}
}

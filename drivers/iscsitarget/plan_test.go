package iscsitarget

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drivertest"
	"github.com/hactl/hactl/reconcile"
)

const iqn = "iqn.2023-02.com.example:blocks"

type passwords map[string]string

func (p passwords) Value(o *v1.Object, field string) reconcile.Text {
	if s, ok := p[field]; ok {
		return reconcile.Secret(s)
	}
	return reconcile.Secret("password of " + field)
}

func acl(node string) v1.ISCSIACL {
	return v1.ISCSIACL{Initiator: "iqn.2023-02.com.example:" + node + ".init", Auth: &v1.CHAP{User: node}}
}

// example is S6.
func example(edit func(s *v1.ISCSITargetSpec)) *v1.Manifests {
	t := &v1.ISCSITarget{Spec: v1.ISCSITargetSpec{Host: "node2", IQN: iqn, ACLs: []v1.ISCSIACL{acl("node1"), acl("node2")}}}
	t.Metadata.Name = "blocks"
	t.SetDefaults()
	for _, n := range []string{"sdb", "sdc", "sdd"} {
		t.Spec.Backstores = append(t.Spec.Backstores, v1.ISCSIBackstore{Name: n, FileIO: &v1.ISCSIFile{Path: "/var/lib/iscsi_disks/" + n + ".img", Size: "2G"}})
	}
	if edit != nil {
		edit(&t.Spec)
	}
	return &v1.Manifests{Cluster: &v1.Cluster{}, ISCSITargets: []*v1.ISCSITarget{t}}
}

// plan observes and plans.
func plan(t *testing.T, d Driver, k *kernel, m *v1.Manifests, p passwords) ([]reconcile.Step, error) {
	t.Helper()
	want, err := d.Desired(m, p)
	if err != nil {
		return nil, err
	}
	have, err := d.Observe(t.Context(), reconcile.Hosts{k}, want)
	if err != nil {
		t.Fatal(err)
	}
	return d.Plan(want, have)
}

// apply carries out a plan. It returns the operations in words and the highest risk.
func apply(t *testing.T, d Driver, k *kernel, m *v1.Manifests, p passwords) (did string, risk reconcile.Risk, err error) {
	t.Helper()
	steps, err := plan(t, d, k, m, p)
	if err != nil {
		return "", 0, err
	}
	for _, s := range steps {
		risk = max(risk, s.Risk())
		for _, op := range s.Ops {
			did += op.String() + "\n"
			if err := op.Do(t.Context(), k, func(reconcile.Progress) {}); err != nil {
				return did, risk, err
			}
		}
	}
	return did, risk, nil
}

func applied(t *testing.T, d Driver, k *kernel, m *v1.Manifests, p passwords) (string, reconcile.Risk) {
	t.Helper()
	did, risk, err := apply(t, d, k, m, p)
	if err != nil {
		t.Fatalf("%v\nafter\n%s", err, did)
	}
	if again, _, err := apply(t, d, k, m, p); again != "" || err != nil {
		t.Errorf("the second plan is not empty: %v\n%s", err, again)
	}
	return did, risk
}

func TestLaws(t *testing.T) {
	m := example(func(s *v1.ISCSITargetSpec) {
		s.Backstores = append(s.Backstores, v1.ISCSIBackstore{Name: "b", Block: &v1.ISCSIBlock{Device: "/dev/vg/b"}})
	})
	m.Cluster.Spec.Nodes = []v1.Node{{Name: "node1"}, {Name: "node2"}}
	drivertest.Run(t, reconcile.Of(New("")), m)
}

func TestFromNothing(t *testing.T) {
	k := newKernel(t)
	did, risk := applied(t, New(""), k, example(nil), nil)
	if risk != reconcile.Safe {
		t.Errorf("a new target has the risk %s", risk)
	}
	for p, v := range map[string]string{"/enable": "1", "/attrib/authentication": "1", "/acls/iqn.2023-02.com.example:node1.init/auth/password": "password of spec.acls[0].auth.password"} {
		if have := k.values["iscsi/"+iqn+"/tpgt_1"+p]; have != v {
			t.Errorf("%s is %q, want %q", p, have, v)
		}
	}
	if n := len(k.links); n != 3+2*3 {
		t.Errorf("there are %d links, want 3 LUNs and 3 for each of 2 initiators", n)
	}
	if s := strings.Join(k.argv, "\n") + did; strings.Contains(s, "password of") {
		t.Errorf("a password stands in a command or in the plan:\n%s", s)
	}
	if k.boot != "enabled" {
		t.Error("the service that restores targets is not enabled")
	}
}

// An apply that dies after any operation is gone on with by the next.
func TestKilled(t *testing.T) {
	whole := newKernel(t)
	applied(t, New(""), whole, example(nil), nil)
	for n := 1; n < whole.done; n++ {
		k := newKernel(t)
		k.dies = n
		if _, _, err := apply(t, New(""), k, example(nil), nil); err == nil {
			t.Fatalf("after %d operations: it was not killed", n)
		}
		k.dies = 0
		applied(t, New(""), k, example(nil), nil)
		if !maps.Equal(k.values, whole.values) || !maps.Equal(k.links, whole.links) {
			t.Errorf("after %d operations: the kernel has %v, want %v", n, k.values, whole.values)
		}
	}
}

func TestRunning(t *testing.T) {
	session := "Session State: TARG_SESS_STATE_LOGGED_IN\n   Address 192.168.91.1 TCP  StatSN: 0x4b96e9f0"
	for name, c := range map[string]struct {
		edit      func(s *v1.ISCSITargetSpec)
		secrets   passwords
		risk      reconcile.Risk
		has, lack string
		oneWay    bool // no disk is made smaller, and what an attribute was is not known
	}{
		"a fourth disk": {edit: func(s *v1.ISCSITargetSpec) {
			s.Backstores = append(s.Backstores, v1.ISCSIBackstore{Name: "sde", FileIO: &v1.ISCSIFile{Path: "/x", Size: "1G"}})
		}, has: "lun/lun_3/hactl -> core/fileio_3/sde", lack: "sdb"},
		"a disk that grows": {edit: func(s *v1.ISCSITargetSpec) { s.Backstores[0].FileIO.Size = "3G" }, has: "core/fileio_0/sdb/control=fd_dev_size=3221225472", lack: "lun_", oneWay: true},
		"an initiator gone": {edit: func(s *v1.ISCSITargetSpec) { s.ACLs = s.ACLs[:1] }, risk: reconcile.Outage, has: "rmdir iscsi/" + iqn + "/tpgt_1/acls/iqn.2023-02.com.example:node2.init", lack: "node1"},
		"a password":        {secrets: passwords{"spec.acls[0].auth.password": "another"}, has: "auth/password=(secret)", lack: "mkdir"},
		"another portal":    {edit: func(s *v1.ISCSITargetSpec) { s.Portals = []string{"[fd00::1]:3260"} }, risk: reconcile.ReloadRisk, has: "mkdir iscsi/" + iqn + "/tpgt_1/np/[fd00::1]:3260", lack: "acls"},
		"a disk gone":       {edit: func(s *v1.ISCSITargetSpec) { s.Backstores = s.Backstores[:2] }, risk: reconcile.Outage, has: "rmdir core/fileio_2/sdd", lack: "rm -"},
		"no password":       {edit: func(s *v1.ISCSITargetSpec) { s.ACLs[1].Auth = nil }, has: "node2.init/auth/password=NULL", lack: "node1"},
		"an attribute":      {edit: func(s *v1.ISCSITargetSpec) { s.Backstores[1].Attributes = v1.Options{"emulate_tpu": {Text: "1"}} }, has: "core/fileio_1/sdc/attrib/emulate_tpu=1", lack: "acls", oneWay: true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t)
			applied(t, New(""), k, example(nil), nil)
			for _, n := range []string{"node1", "node2"} {
				k.values[base(iqn)+"/acls/iqn.2023-02.com.example:"+n+".init/info"] = session
			}
			did, risk := applied(t, New(""), k, example(c.edit), c.secrets)
			if risk != c.risk || !strings.Contains(did, c.has) || strings.Contains(did, c.lack) {
				t.Errorf("risk %s, want %s; with %q and without %q:\n%s", risk, c.risk, c.has, c.lack, did)
			}
			if c.oneWay {
				return
			}
			if back, _ := applied(t, New(""), k, example(nil), nil); back == "" {
				t.Error("the way back is nothing")
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(s *v1.ISCSITargetSpec)
		want string
	}{
		"smaller":      {func(s *v1.ISCSITargetSpec) { s.Backstores[0].FileIO.Size = "1G" }, "never made smaller"},
		"another path": {func(s *v1.ISCSITargetSpec) { s.Backstores[0].FileIO.Path = "/other" }, "serves /var/lib/iscsi_disks/sdb.img, not /other"},
		"another LUN":  {func(s *v1.ISCSITargetSpec) { s.LUNs = []v1.ISCSILUN{{Number: 0, Backstore: "sdc"}} }, "LUN 0 of " + iqn + " is fileio/sdb"},
		"no device": {func(s *v1.ISCSITargetSpec) {
			s.Backstores = []v1.ISCSIBackstore{{Name: "x", FileIO: &v1.ISCSIFile{Path: "/dev/sdq", Size: "1G"}}}
		}, "serve it as block"},
		"another name": {func(s *v1.ISCSITargetSpec) { s.IQN = "iqn.2023-02.com.example:other" }, "another metadata.name"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t)
			applied(t, New(""), k, example(nil), nil)
			if did, _, err := apply(t, New(""), k, example(c.edit), nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q; did %s", err, c.want, did)
			}
		})
	}
}

// A device is served only if it holds nothing or is allowed by name, and only while its name leads to the same disk.
func TestDevice(t *testing.T) {
	m := example(func(s *v1.ISCSITargetSpec) {
		s.Backstores = []v1.ISCSIBackstore{{Name: "b", Block: &v1.ISCSIBlock{Device: "/dev/sdx"}}}
	})
	want, err := New("").Desired(m, passwords{})
	if err != nil {
		t.Fatal(err)
	}
	on := func(d block.Device, r map[string]Record) ([]reconcile.Step, error) {
		d.Path = "/dev/sdx"
		return New("").Plan(want, State{Machines: []Machine{{Name: "node2", Tools: true, Unit: "x", Boot: "enabled", Records: r, Devices: block.Devices{"/dev/sdx": d}}}})
	}
	for _, c := range []struct {
		device block.Device
		err    string
		risk   reconcile.Risk
	}{
		{block.Device{}, "is not there", 0},
		{block.Device{Real: "/dev/sdx", Links: []string{"/dev/disk/by-id/wwn-1"}}, "name it /dev/disk/by-id/wwn-1", 0},
		{block.Device{Real: "/dev/sdx", Unreadable: "I/O error"}, "cannot be read", 0},
		{block.Device{Real: "/dev/sdx", Mounts: []string{"/srv"}}, "is in use (mounted on /srv)", 0},
		{block.Device{Real: "/dev/sdx", Signatures: []block.Signature{{Offset: "0x438", Type: "ext4"}}}, "", reconcile.DataLoss},
		{block.Device{Real: "/dev/sdx", Identity: "wwn:1"}, "", reconcile.Safe},
	} {
		steps, err := on(c.device, nil)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v, want %q", c.device, err, c.err)
			}
			continue
		}
		if err != nil || steps[0].Risk() != c.risk || steps[0].Changes[0].ByName != (c.risk == reconcile.DataLoss) {
			t.Errorf("%+v: %v %v, want the risk %s", c.device, steps, err, c.risk)
		}
	}
	records := map[string]Record{"blocks": {Owner: "default", IQN: iqn, Disks: map[string]string{"/dev/sdx": "wwn:1"}}}
	if _, err := on(block.Device{Real: "/dev/sdx", Identity: "wwn:2"}, records); err == nil || !strings.Contains(err.Error(), "wwn:1") || !strings.Contains(err.Error(), "wwn:2") {
		t.Errorf("another disk under the same name: %v", err)
	}
}

// While the machine boots, half of what was saved is there: nothing is missing yet.
func TestRestoring(t *testing.T) {
	want, err := New("").Pruning().Desired(example(nil), passwords{})
	if err != nil {
		t.Fatal(err)
	}
	m := Machine{Name: "node2", Tools: true, Unit: "x", Restoring: "x", Records: map[string]Record{"old": {Owner: "default", IQN: "iqn.2001-01.org.other:x"}}}
	if steps, err := New("").Plan(want, State{Machines: []Machine{m}}); err != nil || len(steps) != 1 || steps[0].Pending == "" {
		t.Errorf("%v %v", steps, err)
	}
}

// A target of somebody else stays, in the kernel and in what is restored; so does all of one's own that hactl did not make.
func TestForeign(t *testing.T) {
	k := newKernel(t)
	applied(t, New("other"), k, renamed(), nil)
	before, saved := maps.Clone(k.values), k.files["/etc/rtslib-fb-target/saveconfig.json"].Content.Reveal()
	applied(t, New(""), k, example(nil), nil)
	applied(t, New("").Pruning(), k, &v1.Manifests{Cluster: &v1.Cluster{}}, nil)
	if !maps.Equal(before, k.values) {
		t.Errorf("after target and prune the kernel has %v, and had %v", k.values, before)
	}
	var a, b any
	_ = json.Unmarshal([]byte(saved), &a)
	_ = json.Unmarshal(k.files["/etc/rtslib-fb-target/saveconfig.json"].Content.Bytes(), &b)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("restored would be %v, and was %v", b, a)
	}
}

func renamed() *v1.Manifests {
	m := example(func(s *v1.ISCSITargetSpec) {
		s.IQN = "iqn.2001-01.org.other:x"
		for i := range s.Backstores {
			s.Backstores[i].Name += "-other"
			s.Backstores[i].FileIO.Path += ".other"
		}
	})
	m.ISCSITargets[0].Metadata.Name = "other"
	return m
}

func TestPrune(t *testing.T) {
	k := newKernel(t)
	applied(t, New(""), k, example(nil), nil)
	steps, err := plan(t, New("").Pruning(), k, &v1.Manifests{Cluster: &v1.Cluster{}}, nil)
	if err != nil || len(steps) != 1 || steps[0].Risk() != reconcile.DataLoss || !steps[0].Changes[0].ByName {
		t.Fatalf("%v %v", steps, err)
	}
	applied(t, New("").Pruning(), k, &v1.Manifests{Cluster: &v1.Cluster{}}, nil)
	if len(k.values)+len(k.links) > 0 || len(k.sizes) != 3 {
		t.Errorf("left are %v %v, files %v", k.values, k.links, k.sizes)
	}
}

// The serial number is what /dev/disk/by-id is made of: it must never change.
func TestSerial(t *testing.T) {
	if s := Serial(iqn, "sdb"); s != "42e3f510-d34b-5f79-af5c-acaa2e3a67f2" {
		t.Errorf("the serial number is %s", s)
	}
}

// recorded gives what Observe would have read on the machine of a recording.
func recorded(t *testing.T, folder string) *Machine {
	t.Helper()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata/recorded", folder, "node2", name+".out"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var b strings.Builder
	b.WriteString("\n==hactl tools\n/usr/bin/targetctl\n\n==hactl values\n")
	at := ""
	for l := range strings.Lines(read("configfs")) {
		if rest, ok := strings.CutPrefix(l, "./"); ok {
			at, l, _ = strings.Cut(rest, "=")
		}
		b.WriteString(at + "\x00" + l)
	}
	b.WriteString("\n==hactl links\n")
	for l := range strings.Lines(read("links")) {
		b.WriteString(strings.Replace(strings.TrimPrefix(l, "./"), " -> ", " ", 1))
	}
	b.WriteString("\n==hactl end\n")
	m := &Machine{Name: "node2"}
	if err := m.parse([]byte(b.String())); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRecorded(t *testing.T) {
	if m := recorded(t, "blank"); len(m.Targets)+len(m.Backstores) > 0 {
		t.Errorf("a machine without targets has %v", m)
	}
	m := recorded(t, "session")
	f := m.Targets[iqn]
	if f == nil || !f.Enabled || !slices.Equal(f.Portals, []string{"0.0.0.0:3260"}) || f.Attributes["generate_node_acls"] != "0" || f.Parameters["MaxBurstLength"] != "262144" {
		t.Fatalf("the target is %+v", f)
	}
	if !maps.Equal(f.LUNs, map[int]string{0: "fileio/sdb", 1: "fileio/sdc", 2: "block/blk"}) {
		t.Errorf("the LUNs are %v", f.LUNs)
	}
	a := f.ACLs["iqn.2023-02.com.example:node1.init"]
	if a == nil || a.User != "user1" || a.Password.Reveal() != "labpass-one" || fmt.Sprint(a.Password) != reconcile.Mask || !strings.HasPrefix(a.Session, "192.168.9") || len(a.LUNs) != 3 {
		t.Errorf("the ACL is %+v", a)
	}
	if b := m.Backstores["fileio/sdb"]; b.Dir != "fileio_0/sdb" || b.Size != 64<<20 || !b.WriteBack || !b.Enabled || len(b.Serial) != 36 || b.Path != "/var/lib/iscsi_disks/sdb.img" {
		t.Errorf("the backstore is %+v", b)
	}
	if a := recorded(t, "mutual-two-portals").Targets[iqn].ACLs["iqn.2023-02.com.example:node1.init"]; a.MutualUser != "back" || a.MutualPassword.Reveal() != "labpass-two" {
		t.Errorf("mutual: %+v", a)
	}
}

// A plan from a record says what is not in it, and does not take it for missing.
func TestSnapshot(t *testing.T) {
	d, k := New(""), newKernel(t)
	applied(t, d, k, example(nil), nil)
	m := example(func(s *v1.ISCSITargetSpec) {
		s.Backstores = append(s.Backstores, v1.ISCSIBackstore{Name: "b", Block: &v1.ISCSIBlock{Device: "/dev/vg/b"}})
	})
	want, err := d.Desired(example(nil), passwords{})
	if err != nil {
		t.Fatal(err)
	}
	have, err := d.Observe(t.Context(), reconcile.Hosts{k}, want)
	if err != nil {
		t.Fatal(err)
	}
	if have, err = d.Record(t.Context(), nil, want, have); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(have)
	if err != nil || strings.Contains(string(b), "password of") {
		t.Fatalf("%v; a password stands in %s", err, b)
	}
	have = State{}
	if err := json.Unmarshal(b, &have); err != nil {
		t.Fatal(err)
	}
	if steps, err := d.Plan(want, d.Recall(want, have)); err != nil || len(steps) > 0 {
		t.Errorf("what was recorded is not what is wanted: %v %v", err, steps)
	}
	if want, err = d.Desired(m, passwords{}); err != nil {
		t.Fatal(err)
	}
	if steps, err := d.Plan(want, d.Recall(want, have)); err != nil || len(steps) == 0 || !strings.Contains(steps[0].Pending, reconcile.NotInSnapshot) {
		t.Errorf("a device that nobody looked at: %v %v", err, steps)
	}
	if steps, err := d.Plan(want, d.Recall(want, State{})); err != nil || len(steps) != 1 || steps[0].Pending != reconcile.NotInSnapshot {
		t.Errorf("a machine that is not in the record: %v %v", err, steps)
	}
}

package iscsiinitiator

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drivertest"
	"github.com/hactl/hactl/reconcile"
)

const (
	iqn    = "iqn.2023-02.com.example:blocks"
	portal = "192.168.91.2"
)

// machine has open-iscsi in memory: it interprets what the operations run and answers what Observe asks.
type machine struct {
	t     *testing.T
	files map[string]reconcile.File
	// luns are what the target shows, in bytes; seen is what the session has of them, nil without a session.
	luns, seen map[int]int64
	password   string // that the target wants
	boot       string
	argv       []string
	dies, done int
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, files: map[string]reconcile.File{}, luns: map[int]int64{0: 2 << 30, 1: 2 << 30, 2: 2 << 30}, password: "password", boot: "disabled"}
	m.files[nameFile] = reconcile.File{Content: reconcile.Plain("## a comment\nInitiatorName=iqn.1993-08.org.debian:01:791ca1f644ae\n"), Mode: 0o600}
	m.files[daemon] = reconcile.File{Content: reconcile.Plain("iscsid.startup = x\n#node.leading_login = Yes\nnode.startup = manual\nnode.session.timeo.replacement_timeout = 120\n")}
	return m
}

func (m *machine) Name() string { return "node1" }

func (m *machine) change() error {
	if m.done++; m.dies > 0 && m.done > m.dies {
		return fmt.Errorf("killed")
	}
	return nil
}

func (m *machine) ReadFiles(_ context.Context, globs ...string) (map[string]reconcile.File, error) {
	out := map[string]reconcile.File{}
	for p, f := range m.files {
		if slices.ContainsFunc(globs, func(g string) bool { ok, _ := path.Match(g, p); return ok }) {
			out[p] = f
		}
	}
	return out, nil
}

func (m *machine) WriteFile(_ context.Context, p string, f reconcile.File) error {
	if err := m.change(); err != nil {
		return err
	}
	m.files[p] = f
	return nil
}

func (m *machine) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	m.argv = append(m.argv, strings.Join(c.Argv, " "))
	script := ""
	if c.Argv[0] == "sh" {
		script = c.Argv[2]
	}
	if script == lookScript {
		return m.look(), nil
	}
	if err := m.change(); err != nil {
		return nil, err
	}
	switch {
	case script == see:
		return nil, m.see(c)
	case script == leave:
		m.seen = nil
		for _, f := range c.Argv[7:] {
			delete(m.files, f)
		}
	case c.Argv[0] == "env" && c.Argv[2] == "systemctl" && c.Argv[3] == "enable": // without init scripts
		m.boot = "enabled"
	case c.Argv[0] == "systemctl" && c.Argv[1] == "try-restart":
	case c.Argv[0] == "rm":
		delete(m.files, c.Argv[len(c.Argv)-1])
	default:
		m.t.Errorf("nobody taught the machine %q", c.Argv)
	}
	return nil, nil
}

func (m *machine) see(c reconcile.Cmd) error {
	for p, f := range m.files {
		if strings.Contains(p, "/nodes/") && !strings.Contains(f.Content.Reveal(), "node.session.auth.password = "+m.password+"\n") && m.password != "" && m.seen == nil {
			return &reconcile.ExitError{Host: "node1", Argv: c.Argv, Code: authFailed}
		}
	}
	m.seen = map[int]int64{}
	for n, s := range m.luns {
		m.seen[n] = s
	}
	return nil
}

func (m *machine) look() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "\n==hactl tools\n/sbin/iscsiadm\n\n==hactl dir\n/etc/iscsi\n\n==hactl units\nId=open-iscsi.service\nLoadState=loaded\nUnitFileState=%s\n\n==hactl values\n", m.boot)
	if m.seen != nil {
		fmt.Fprintf(&b, "session3/targetname\x00%s\nsession3/state\x00LOGGED_IN\nconnection3:0/persistent_address\x00%s\nconnection3:0/persistent_port\x003260\n", iqn, portal)
		for n, s := range m.seen {
			fmt.Fprintf(&b, "session3/device/target1:0:0/1:0:0:%d/block/sd%c/size\x00%d\n", n, 'e'+n, s/512)
		}
	}
	b.WriteString("\n==hactl links\n/dev/disk/by-id/wwn-0x600140542e3f510 ../../sde\n\n==hactl end\n")
	return []byte(b.String())
}

type password string

func (p password) Value(*v1.Object, string) reconcile.Text { return reconcile.Secret(string(p)) }

// example is S6 as node1 sees it.
func example(edit func(i *v1.ISCSIInitiatorSpec, t *v1.ISCSITargetSpec)) *v1.Manifests {
	name := "iqn.2023-02.com.example:node1.init"
	i := &v1.ISCSIInitiator{Spec: v1.ISCSIInitiatorSpec{Target: iqn, Portals: []string{portal + ":3260"}, Record: v1.Options{"node.session.timeo.replacement_timeout": {Text: "15"}},
		Nodes: []v1.ISCSINode{{Name: "node1", InitiatorName: name, Auth: &v1.CHAP{User: "node1"}}}}}
	i.Metadata.Name = "sessions"
	x := &v1.ISCSITarget{Spec: v1.ISCSITargetSpec{Host: "node2", IQN: iqn, ACLs: []v1.ISCSIACL{{Initiator: name}}}}
	x.Metadata.Name = "blocks"
	for _, n := range []string{"sdb", "sdc", "sdd"} {
		x.Spec.Backstores = append(x.Spec.Backstores, v1.ISCSIBackstore{Name: n, FileIO: &v1.ISCSIFile{Path: "/" + n, Size: "2G"}})
	}
	if edit != nil {
		edit(&i.Spec, &x.Spec)
	}
	i.SetDefaults()
	x.SetDefaults()
	return &v1.Manifests{Cluster: &v1.Cluster{}, ISCSIInitiators: []*v1.ISCSIInitiator{i}, ISCSITargets: []*v1.ISCSITarget{x}}
}

func plan(t *testing.T, d Driver, m *machine, x *v1.Manifests, p password) ([]reconcile.Step, error) {
	t.Helper()
	want, err := d.Desired(x, p)
	if err != nil {
		return nil, err
	}
	have, err := d.Observe(t.Context(), reconcile.Hosts{m}, want)
	if err != nil {
		t.Fatal(err)
	}
	return d.Plan(want, have)
}

func apply(t *testing.T, d Driver, m *machine, x *v1.Manifests, p password) (did string, risk reconcile.Risk, err error) {
	t.Helper()
	steps, err := plan(t, d, m, x, p)
	if err != nil {
		return "", 0, err
	}
	for _, s := range steps {
		risk = max(risk, s.Risk())
		for _, op := range s.Ops {
			did += op.String() + "\n"
			if err := op.Do(t.Context(), m, func(reconcile.Progress) {}); err != nil {
				return did, risk, err
			}
		}
	}
	return did, risk, nil
}

func applied(t *testing.T, d Driver, m *machine, x *v1.Manifests, p password) (string, reconcile.Risk) {
	t.Helper()
	did, risk, err := apply(t, d, m, x, p)
	if err != nil {
		t.Fatalf("%v\nafter\n%s", err, did)
	}
	if again, _, err := apply(t, d, m, x, p); again != "" || err != nil {
		t.Errorf("the second plan is not empty: %v\n%s", err, again)
	}
	return did, risk
}

const nodeFile = "/etc/iscsi/nodes/" + iqn + "/" + portal + ",3260"

func TestLaws(t *testing.T) {
	m := example(nil)
	m.Cluster.Spec.Nodes = []v1.Node{{Name: "node1"}}
	drivertest.Run(t, reconcile.Of(New("")), m)
}

func TestFromNothing(t *testing.T) {
	m := newMachine(t)
	did, risk := applied(t, New(""), m, example(nil), "password")
	if risk != reconcile.Safe || m.boot != "enabled" {
		t.Errorf("risk %s, at boot %s", risk, m.boot)
	}
	want := "# BEGIN RECORD\nnode.name = " + iqn + "\niface.iscsi_ifacename = default\niface.transport_name = tcp\nnode.conn[0].address = 192.168.91.2\nnode.conn[0].port = 3260\n" +
		"node.startup = automatic\nnode.session.timeo.replacement_timeout = 15\nnode.conn[0].startup = automatic\nnode.session.auth.authmethod = CHAP\n" +
		"node.session.auth.username = node1\nnode.session.auth.password = password\n# END RECORD\n"
	if f := m.files[nodeFile]; f.Content.Reveal() != want || f.Mode != 0o600 || strings.Contains(f.Content.String(), "password = password") {
		t.Errorf("the node record is %04o %s", f.Mode, f.Content.Reveal())
	}
	if s := m.files[nameFile].Content.Reveal(); s != "## a comment\nInitiatorName=iqn.2023-02.com.example:node1.init\n" {
		t.Errorf("the name's file is %q", s)
	}
	if s := strings.Join(m.argv, "\n") + did; strings.Contains(s, "password = ") || strings.Contains(s, " password") {
		t.Errorf("a password stands in a command or in the plan:\n%s", s)
	}
}

// An apply that dies after any operation is gone on with by the next.
func TestKilled(t *testing.T) {
	whole := newMachine(t)
	applied(t, New(""), whole, example(nil), "password")
	for n := 1; n < whole.done; n++ {
		m := newMachine(t)
		m.dies = n
		if _, _, err := apply(t, New(""), m, example(nil), "password"); err == nil {
			t.Fatalf("after %d operations: it was not killed", n)
		}
		m.dies = 0
		applied(t, New(""), m, example(nil), "password")
		if len(m.seen) != 3 {
			t.Errorf("after %d operations: the machine sees %v", n, m.seen)
		}
	}
}

func TestRunning(t *testing.T) {
	type (
		ini = v1.ISCSIInitiatorSpec
		tgt = v1.ISCSITargetSpec
	)
	for name, c := range map[string]struct {
		edit      func(i *ini, t *tgt)
		password  password
		before    func(m *machine)
		has, lack string
	}{
		"a fourth disk": {edit: func(_ *ini, t *tgt) {
			t.Backstores = append(t.Backstores, v1.ISCSIBackstore{Name: "sde", FileIO: &v1.ISCSIFile{Path: "/x", Size: "1G"}})
		}, before: func(m *machine) { m.luns[3] = 1 << 30 }, has: "--rescan; wait for 4 disks", lack: "login"},
		"a disk that grows": {edit: func(_ *ini, t *tgt) { t.Backstores[0].FileIO.Size = "3G" }, before: func(m *machine) { m.luns[0] = 3 << 30 }, has: "--rescan", lack: "write"},
		"a password":        {password: "another", has: "write " + nodeFile, lack: "login"},
		"by hand":           {edit: func(i *ini, _ *tgt) { i.Startup = "manual" }, has: "write " + nodeFile, lack: "systemctl"},
		"no password":       {edit: func(i *ini, _ *tgt) { i.Nodes[0].Auth = nil }, has: "write " + nodeFile, lack: "login"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			applied(t, New(""), m, example(nil), "password")
			if c.before != nil {
				c.before(m)
			}
			p := c.password
			if p == "" {
				p = "password"
			}
			did, risk := applied(t, New(""), m, example(c.edit), p)
			if risk != reconcile.Safe || !strings.Contains(did, c.has) || strings.Contains(did, c.lack) {
				t.Errorf("risk %s; with %q and without %q:\n%s", risk, c.has, c.lack, did)
			}
			if s := m.files[nodeFile].Content.Reveal(); name == "no password" && (strings.Contains(s, ".password") || !strings.Contains(s, "authmethod = None")) {
				t.Errorf("the record is %s", s)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	m := newMachine(t)
	if _, _, err := apply(t, New(""), m, example(nil), "wrong"); err == nil || !strings.Contains(err.Error(), "authorization failure") || !strings.Contains(err.Error(), "node1.init") {
		t.Errorf("a wrong password: %v", err)
	}
	applied(t, New(""), m, example(nil), "password") // mended by the next apply
	other := example(func(i *v1.ISCSIInitiatorSpec, _ *v1.ISCSITargetSpec) {
		i.Nodes[0].InitiatorName = "iqn.2023-02.com.example:other"
	})
	if _, err := plan(t, New(""), m, other, "password"); err == nil || !strings.Contains(err.Error(), "log out first") {
		t.Errorf("another name under a session: %v", err)
	}
	if _, err := plan(t, New("other"), m, example(nil), "password"); err == nil || !strings.Contains(err.Error(), `owner "default"`) {
		t.Errorf("another owner: %v", err)
	}
}

func TestPrune(t *testing.T) {
	m := newMachine(t)
	none := &v1.Manifests{Cluster: &v1.Cluster{}}
	if did, _ := applied(t, New("").Pruning(), m, none, ""); did != "" {
		t.Errorf("pruned without a record: %s", did)
	}
	applied(t, New(""), m, example(nil), "password")
	if did, risk := applied(t, New("").Pruning(), m, none, ""); risk != reconcile.Outage || m.seen != nil {
		t.Errorf("risk %s: %s", risk, did)
	}
	if _, there := m.files[nodeFile]; there {
		t.Error("the node record is still there")
	}
}

// A record that iscsiadm made keeps what it says beside the manifest, and is taken over only if somebody allows it.
func TestAdopt(t *testing.T) {
	b, err := os.ReadFile("testdata/recorded/discovered/node1/record.out")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t)
	at := filepath.Join("/etc/iscsi/nodes", iqn, portal+",3260,1", "default")
	m.files[at] = reconcile.File{Content: reconcile.Plain(string(b)), Mode: 0o600}
	_, risk := applied(t, New(""), m, example(nil), "password")
	s := m.files[at].Content.Reveal()
	if risk != reconcile.AdoptRisk || len(strings.Split(s, "\n")) != len(strings.Split(string(b), "\n"))+2 || !strings.Contains(s, "node.session.auth.password = password\n") {
		t.Errorf("risk %s, the record is\n%s", risk, s)
	}
	if _, there := m.files[nodeFile]; there {
		t.Error("there are two records of one portal")
	}
}

// What is imported is what is there: a plan of it changes nothing.
func TestImport(t *testing.T) {
	m := newMachine(t)
	applied(t, New(""), m, example(func(i *v1.ISCSIInitiatorSpec, _ *v1.ISCSITargetSpec) { i.Startup = "manual" }), "password")
	have, err := New("").Observe(t.Context(), reconcile.Hosts{m}, State{})
	if err != nil {
		t.Fatal(err)
	}
	x := &v1.Manifests{Cluster: &v1.Cluster{}}
	secrets, err := New("").Import(have, x)
	if err != nil || len(x.ISCSIInitiators) != 1 || len(secrets) != 1 || secrets[0].Value.Reveal() != "password" {
		t.Fatalf("%v %v %v", x.ISCSIInitiators, secrets, err)
	}
	x.ISCSIInitiators[0].Metadata.Name = "sessions" // as it was recorded
	if did, _ := applied(t, New(""), m, x, "password"); did != "" {
		t.Errorf("a plan of it is not empty:\n%s", did)
	}
}

// The layers above wait for an initiator that is complete where it could be asked, and for no other.
func TestProvides(t *testing.T) {
	m := newMachine(t)
	x := example(nil)
	x.ISCSIInitiators[0].Spec.Nodes = append(x.ISCSIInitiators[0].Spec.Nodes, v1.ISCSINode{Name: "node2"})
	provides := func() bool {
		want, err := New("").Desired(x, password("password"))
		if err != nil {
			t.Fatal(err)
		}
		have, err := New("").Observe(t.Context(), reconcile.Hosts{m}, want)
		if err != nil {
			t.Fatal(err)
		}
		have.Machines = append(have.Machines, Machine{Name: "node2", Unobserved: "no answer"})
		refs := New("").Provides(have)
		if m.seen != nil && !slices.Contains(refs, block.Ref("node1", "/dev/disk/by-id/wwn-0x600140542e3f510")) {
			t.Errorf("the disk is not among %v", refs)
		}
		return slices.Contains(refs, Ref("sessions"))
	}
	if provides() {
		t.Error("there is no session, and it is complete")
	}
	applied(t, New(""), m, example(nil), "password")
	if !provides() {
		t.Error("a node that is away speaks against it")
	}
}

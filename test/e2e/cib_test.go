package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/drivers/transport/ssh"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/e2e/lab"
)

// cibBase is a cluster of three nodes with a fence device for each, whose password is in a file beside it.
func cibBase(l *lab.Lab) string {
	var b strings.Builder
	b.WriteString("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: cibtest}\nspec:\n  nodes:\n")
	for i, n := range l.Nodes() {
		fmt.Fprintf(&b, "  - {name: %s, id: %d, addresses: [%s, %s]}\n", n.Name, i+1, n.Ring, n.LAN)
	}
	b.WriteString("  prepare: {hostsFile: true, startAtBoot: true}\n  properties: {stonith-enabled: true}\n")
	for _, n := range l.Nodes() {
		fmt.Fprintf(&b, "---\napiVersion: hactl/v1\nkind: FenceDevice\nmetadata: {name: fence-%s}\nspec:\n  agent: fence_ipmilan\n  targets: [%s]\n  avoidTargets: true\n"+
			"  params: {ip: %s, username: %s, lanplus: 1, cipher: 3}\n  secrets: {password: {file: bmc}}\n  operations: [{name: monitor, interval: 60s}]\n",
			n.Name, n.Name, n.BMC.Address, n.BMC.User)
	}
	return b.String()
}

const cibDummy = `---
apiVersion: hactl/v1
kind: Resource
metadata: {name: A}
spec:
  agent: ocf:pacemaker:Dummy
  params: {fake: a}
  operations: [{name: monitor, interval: 10s}]
`

// cibFiles writes a manifest and the password of the BMCs.
func cibFiles(t *testing.T, text, password string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"cluster.yaml": text, "bmc": password + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cluster.yaml")
}

type cibPassword string

func (p cibPassword) Value(*v1.Object, string) reconcile.Text { return reconcile.Secret(string(p)) }

// cibLayer is the driver alone, on the real transport.
type cibLayer struct {
	t     *testing.T
	d     *cib.Driver
	hosts reconcile.Hosts
	pass  string
}

func newCIBLayer(t *testing.T, l *lab.Lab) *cibLayer {
	t.Helper()
	var targets []ssh.Target
	for _, n := range l.Nodes() {
		targets = append(targets, ssh.Target{Name: n.Name, User: "root"})
	}
	hosts, closer := ssh.Open(t.Context(), targets, ssh.Config{File: l.SSHConfig})
	t.Cleanup(func() { _ = closer.Close() })
	return &cibLayer{t, cib.New("default"), hosts, l.Nodes()[0].BMC.Password}
}

// plan observes and plans; the times of both go to the log.
func (c *cibLayer) plan(text string) []reconcile.Step {
	c.t.Helper()
	ms, err := v1.Load([]v1.File{{Name: "cluster.yaml", Data: []byte(text)}})
	if err != nil {
		c.t.Fatal(err)
	}
	want, err := c.d.Desired(ms[0], cibPassword(c.pass))
	if err != nil {
		c.t.Fatal(err)
	}
	begun := time.Now()
	have, err := c.d.Observe(c.t.Context(), c.hosts, want)
	if err != nil {
		c.t.Fatal(err)
	}
	observed := time.Since(begun)
	ss, err := c.d.Plan(want, have)
	if err != nil {
		c.t.Fatal(err)
	}
	planned := time.Since(begun) - observed
	p, err := c.d.Predict(c.t.Context(), c.hosts, want, have, ss)
	if err != nil || p.Unavailable != "" {
		c.t.Fatal(p.Unavailable, err)
	}
	c.t.Logf("observe %s, plan %s, predict %s (%d reactions)", observed.Round(time.Millisecond), planned.Round(time.Microsecond), (time.Since(begun) - observed - planned).Round(time.Millisecond), len(p.Reactions))
	return ss
}

// patch runs only the operation that changes the CIB.
func (c *cibLayer) patch(ss []reconcile.Step) error {
	c.t.Helper()
	for _, s := range ss {
		for _, op := range s.Ops {
			if p, ok := op.(cib.Patch); ok {
				begun := time.Now()
				tries := 1
				err := p.Do(context.WithoutCancel(c.t.Context()), c.hosts.Named(s.Host), func(reconcile.Progress) { tries++ })
				c.t.Logf("patch of %d edits: %s, %d tries", len(p.Edits), time.Since(begun).Round(time.Millisecond), tries)
				return err
			}
		}
	}
	c.t.Fatalf("no patch in %+v", ss)
	return nil
}

// The CIB's layer on real daemons: creation from nothing, and then all that may go wrong with a running cluster.
func TestCIB(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	base := cibBase(l) + cibDummy
	pass := l.Nodes()[0].BMC.Password
	file := cibFiles(t, base, pass)
	_, stderr := apply(t, l, "-f", file)
	t.Log(stderr)
	converged(t, l, "-f", file)
	node := l.Nodes()[0].Name
	live := func() string { return l.MustExec(node, "cibadmin", "-Q") }
	if s := live(); strings.Contains(s, "dc-deadtime") || strings.Contains(s, `"`+pass+`"`) {
		t.Errorf("the seed or the password is in the CIB:\n%s", s)
	}

	t.Run("status churn", func(t *testing.T) {
		c := newCIBLayer(t, l)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ctx.Err() == nil; i++ {
				_, _ = l.Exec(l.Nodes()[1].Name, "crm_attribute", "--type", "status", "--node", l.Nodes()[1].Name, "--name", "churn", "--update", fmt.Sprint(i))
			}
		}()
		for i := range 5 {
			ss := c.plan(strings.ReplaceAll(base, "fake: a", fmt.Sprintf("fake: c%d", i)))
			if err := c.patch(ss); err != nil {
				t.Error(err)
			}
		}
		stop()
		<-done
	})

	t.Run("conflict", func(t *testing.T) {
		c := newCIBLayer(t, l)
		ss := c.plan(strings.ReplaceAll(base, "fake: a", "fake: mine"))
		l.MustExec(node, "crm_resource", "--resource", "A", "--set-parameter", "fake", "--parameter-value", "theirs")
		var stale *reconcile.StaleError
		if err := c.patch(ss); !errors.As(err, &stale) {
			t.Errorf("want a stale error, got %v", err)
		} else {
			t.Log(err)
		}
		if !strings.Contains(live(), `value="theirs"`) {
			t.Error("the other's change is lost")
		}
		ss = c.plan(base)
		// Something unrelated is no conflict.
		l.MustExec(node, "crm_attribute", "--type", "crm_config", "--name", "cluster-delay", "--update", "61s")
		if err := c.patch(ss); err != nil {
			t.Error(err)
		}
		if s := live(); !strings.Contains(s, `value="61s"`) || strings.Contains(s, "theirs") {
			t.Error("one of the two changes is lost")
		}
	})

	t.Run("settings of pcs stay", func(t *testing.T) {
		l.MustExec(node, "pcs", "resource", "create", "P", "ocf:pacemaker:Dummy", "fake=p", "op", "monitor", "interval=33s", "meta", "priority=4")
		l.MustExec(node, "pcs", "resource", "update", "A", "op_sleep=0")
		l.MustExec(node, "pcs", "constraint", "location", "P", "prefers", node+"=50")
		l.MustExec(node, "pcs", "property", "set", "cluster-recheck-interval=7min")
		text := strings.ReplaceAll(base, "fake: a", "fake: b") + strings.ReplaceAll(strings.ReplaceAll(cibDummy, "name: A", "name: P"), "fake: a", "fake: p")
		stdout, stderr, code := l.Hactl("apply", "--yes", "--allow", "adopt", "-f", cibFiles(t, text, pass))
		if code != 0 {
			t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
		}
		s := live()
		for _, part := range []string{`name="op_sleep" value="0"`, `interval="33s"`, `name="priority" value="4"`, `score="50"`, `name="cluster-recheck-interval" value="7min"`, `value="b"`, `hactl-Resource.P`} {
			if !strings.Contains(s, part) {
				t.Errorf("lost: %s", part)
			}
		}
		l.MustExec(node, "pcs", "property", "set", "cluster-delay=62s")
		if s := live(); strings.Index(s, `value="62s"`) > strings.Index(s, `id="hactl"`) {
			t.Error("pcs wrote into the inventory")
		}
	})

	t.Run("failing resource", func(t *testing.T) {
		text := base + "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: FS}\nspec: {agent: \"ocf:heartbeat:Filesystem\", params: {device: /dev/nothing, directory: /mnt, fstype: ext4}}\n"
		stdout, stderr, code := l.Hactl("apply", "--yes", "-f", cibFiles(t, text, pass))
		t.Log(stderr)
		if code == 0 || !strings.Contains(stderr, "FS") || !strings.Contains(stderr, "/dev/nothing") || !strings.Contains(stderr, "not installed") {
			t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
		}
		l.MustExec(node, "pcs", "resource", "delete", "FS", "--force")
	})

	t.Run("wrong password", func(t *testing.T) {
		before := live()
		stdout, stderr, code := l.Hactl("apply", "--yes", "-f", cibFiles(t, strings.ReplaceAll(base, "username: "+l.Nodes()[0].BMC.User, "username: nobody"), pass))
		t.Log(stderr)
		if code == 0 || !strings.Contains(stderr, "fence-") || strings.Contains(stdout+stderr, `"`+pass+`"`) {
			t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
		}
		if strings.Contains(live(), "nobody") || strings.Count(before, "<primitive") != strings.Count(live(), "<primitive") {
			t.Error("the CIB was changed")
		}
	})

	t.Run("secrets fence", func(t *testing.T) {
		target := l.Nodes()[2].Name
		l.MustExec(node, "stonith_admin", "--reboot", target)
		out := l.MustExec(node, "stonith_admin", "--history", target)
		if !strings.Contains(out, "reboot") {
			t.Error(out)
		}
		l.WaitSSH(target)
		eventually(t, 90*time.Second, "the node is back", func() string {
			// A lab node boots so fast that it hears of its own fencing, on which Pacemaker stops for good.
			_, _ = l.Exec(target, "systemctl", "start", "--no-block", "corosync", "pacemaker")
			if out, _ := l.Exec(node, "crm_mon", "--output-as=xml"); strings.Count(out, `online="true"`) == 3 {
				return ""
			}
			return "not online"
		})
	})
}

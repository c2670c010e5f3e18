package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// three is the demo's cluster without packages to install.
const three = `
apiVersion: hactl/v1
kind: Cluster
metadata: {name: faults}
spec:
  nodes:
  - {name: node1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: node2, addresses: [10.77.0.2, 10.78.0.2]}
  - {name: node3, addresses: [10.77.0.3, 10.78.0.3]}
  prepare: {hostsFile: true, startAtBoot: true}
  properties: {stonith-enabled: false}
`

func dummy(name, params string) string {
	return fmt.Sprintf(`---
apiVersion: hactl/v1
kind: Resource
metadata: {name: %s}
spec:
  agent: ocf:pacemaker:Dummy
  params: {%s}
  operations: [{name: monitor, interval: 10s}]
`, name, params)
}

// refused runs hactl and fails the test unless it ends with exit code 1 and says all of parts.
func refused(t *testing.T, c *exec.Cmd, parts ...string) {
	t.Helper()
	out, err := run(c)
	if c.ProcessState.ExitCode() != 1 {
		t.Errorf("exit code %d (%v), want 1\n%s", c.ProcessState.ExitCode(), err, out)
	}
	flat := strings.Join(strings.Fields(out), " ")
	for _, p := range parts {
		if !strings.Contains(flat, p) {
			t.Errorf("the answer does not say %q:\n%s", p, out)
		}
	}
	if strings.Contains(out, "panic") || strings.Contains(out, "goroutine ") {
		t.Errorf("a crash is no answer:\n%s", out)
	}
}

// The faults on the way from bare machines to a cluster, each told and each survived by the next run.
func TestFaultsWhileForming(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	f := manifest(t, three+dummy("d1", "fake: x"))

	t.Run("no machine is known", func(t *testing.T) {
		c := l.HactlCmd("apply", "-f", f)
		home := t.TempDir()
		copyHome(t, l.Home, home)
		if err := os.WriteFile(filepath.Join(home, ".ssh", "known_hosts"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		setHome(c, home)
		refused(t, c, "node1: unreachable", "known_hosts", "SHA256:")
	})
	t.Run("the wrong key", func(t *testing.T) {
		home := t.TempDir()
		copyHome(t, l.Home, home)
		key := filepath.Join(home, ".ssh", "id_ed25519")
		_ = os.Remove(key)
		_ = os.Remove(key + ".pub")
		if out, err := run(exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)); err != nil {
			t.Fatal(out)
		}
		c := l.HactlCmd("apply", "-f", f)
		setHome(c, home)
		refused(t, c, "node1: unreachable", key)
	})
	t.Run("a user without sudo", func(t *testing.T) {
		m := manifest(t, strings.Replace(three, "  prepare:", "  ssh: {user: admin}\n  prepare:", 1))
		refused(t, l.HactlCmd("apply", "-f", m), "node1", "sudo")
	})
	t.Run("sudo that asks for a password", func(t *testing.T) {
		m := manifest(t, strings.Replace(three, "  prepare:", "  ssh: {user: deputy}\n  prepare:", 1))
		refused(t, l.HactlCmd("apply", "-f", m), "node1", "sudo", "NOPASSWD")
	})
	t.Run("nothing was changed by any of these", func(t *testing.T) {
		for _, n := range l.Nodes() {
			if _, err := l.Exec(n.Name, "test", "!", "-e", "/etc/corosync/corosync.conf"); err != nil {
				t.Errorf("%s: corosync.conf was written", n.Name)
			}
		}
	})
	t.Run("a full disk on one node", func(t *testing.T) {
		l.MustExec("node2", "mount", "-t", "tmpfs", "-o", "size=8k,mode=755", "tmpfs", "/etc/corosync")
		_, _ = l.Exec("node2", "sh", "-c", "head -c 100000 /dev/zero > /etc/corosync/filler")
		refused(t, l.HactlCmd("apply", "-f", f), "node2", "No space left on device")
		if out := l.MustExec("node2", "ls", "/etc/corosync"); strings.TrimSpace(out) != "filler" {
			t.Errorf("half a file was left: %q", out)
		}
		for _, n := range l.Nodes() {
			if out, _ := l.Exec(n.Name, "systemctl", "is-active", "corosync"); strings.TrimSpace(out) == "active" {
				t.Errorf("%s: corosync was started though node2 has no configuration", n.Name)
			}
		}
		l.MustExec("node2", "umount", "/etc/corosync")
	})
	t.Run("killed half-way, again and again", func(t *testing.T) {
		for _, after := range []time.Duration{300 * time.Millisecond, 800 * time.Millisecond, 1500 * time.Millisecond, 4 * time.Second} {
			c := l.HactlCmd("apply", "-f", f)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after)
			_ = c.Process.Kill()
			_ = c.Wait()
			t.Logf("killed after %s", after)
			// Its lock is free after 15 s of silence.
			eventually(t, 30*time.Second, "the lock is free", func() string {
				out, err := run(l.HactlCmd("plan", "-f", f, "-o", "json"))
				if err == nil || strings.Contains(out, `"steps"`) {
					return lockedBy(t, l)
				}
				return out
			})
		}
		apply(t, l, "-f", f)
		converged(t, l, "-f", f)
		if on := runsOn(t, l, "node1", "d1"); on == "" {
			t.Error("d1 does not run")
		}
	})
}

// lockedBy says "" when no client holds the lock of node1 any more.
func lockedBy(t *testing.T, l *lab.Lab) string {
	t.Helper()
	if out, err := l.Exec("node1", "flock", "-n", "/run/hactl.lock", "true"); err != nil {
		return "locked " + out
	}
	return ""
}

func copyHome(t *testing.T, from, to string) {
	t.Helper()
	if out, err := run(exec.Command("cp", "-a", from+"/.ssh", to)); err != nil {
		t.Fatal(out)
	}
	// The configuration names the files of the lab's own home.
	for _, name := range []string{"config"} {
		p := filepath.Join(to, ".ssh", name)
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		b = bytes.ReplaceAll(b, []byte(from), []byte(to))
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func setHome(c *exec.Cmd, home string) {
	for i, v := range c.Env {
		if strings.HasPrefix(v, "HOME=") {
			c.Env[i] = "HOME=" + home
		}
	}
}

// The faults of a running cluster.
func TestFaultsWhileRunning(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	f := manifest(t, three+dummy("d1", "fake: x"))
	apply(t, l, "-f", f)
	before := l.MustExec("node1", "cibadmin", "-Q", "-o", "configuration")
	unchanged := func(t *testing.T) {
		t.Helper()
		if after := l.MustExec("node1", "cibadmin", "-Q", "-o", "configuration"); after != before {
			t.Errorf("the configuration changed:\n%s", after)
		}
	}

	t.Run("an unknown agent", func(t *testing.T) {
		m := manifest(t, three+strings.ReplaceAll(dummy("d2", "fake: x"), "pacemaker:Dummy", "heartbeat:Dumy"))
		refused(t, l.HactlCmd("apply", "-f", m), m+":", "ocf:heartbeat:Dumy")
		unchanged(t)
	})
	t.Run("an unknown parameter", func(t *testing.T) {
		m := manifest(t, three+dummy("d1", "fake: x")+dummy("d2", "op_slep: 1"))
		refused(t, l.HactlCmd("apply", "-f", m), m+":", "op_slep", "op_sleep")
		unchanged(t)
	})
	t.Run("a typo in a field", func(t *testing.T) {
		m := manifest(t, strings.Replace(three, "properties:", "propertys:", 1))
		refused(t, l.HactlCmd("apply", "-f", m), m+":11:3", "propertys", "did you mean")
		unchanged(t)
	})
	t.Run("another cluster's name", func(t *testing.T) {
		m := manifest(t, strings.Replace(three, "name: faults", "name: other", 1))
		refused(t, l.HactlCmd("apply", "-f", m), "faults", "other")
		unchanged(t)
	})
	t.Run("two applies at once", func(t *testing.T) {
		m := manifest(t, three+dummy("d1", "fake: x")+dummy("slow", "op_sleep: 4"))
		first := l.HactlCmd("apply", "-f", m)
		var out bytes.Buffer
		first.Stdout, first.Stderr = &out, &out
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "the first holds the lock", func() string {
			if lockedBy(t, l) == "" {
				return "not locked"
			}
			return ""
		})
		refused(t, l.HactlCmd("apply", "-f", f), "locked by", fmt.Sprint(first.Process.Pid), "apply -f "+m)
		if err := first.Wait(); err != nil {
			t.Errorf("the first apply failed: %v\n%s", err, out.String())
		}
		converged(t, l, "-f", m)
	})
	t.Run("Ctrl-C finishes what runs", func(t *testing.T) {
		m := manifest(t, three+dummy("d1", "fake: x")+dummy("slow", "op_sleep: 4")+dummy("slow2", "op_sleep: 4"))
		c := l.HactlCmd("apply", "-f", m)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "it is at work", func() string {
			if x, _ := l.Exec("node1", "cibadmin", "-Q"); strings.Contains(x, `id="slow2"`) {
				return ""
			}
			return "slow2 is not there yet"
		})
		_ = c.Process.Signal(syscall.SIGINT)
		_ = c.Wait()
		if code := c.ProcessState.ExitCode(); code != 0 && code != 130 {
			t.Errorf("exit code %d, want 130 (or 0, if nothing was left to do)\n%s", code, out.String())
		}
		if !strings.Contains(out.String(), "finishing what runs") {
			t.Errorf("Ctrl-C was not acknowledged:\n%s", out.String())
		}
		if x := lockedBy(t, l); x != "" {
			t.Errorf("the lock was not released: %s", x)
		}
		apply(t, l, "-f", m)
		converged(t, l, "-f", m)
	})
	t.Run("a resource that fails to start", func(t *testing.T) {
		m := manifest(t, three+dummy("d1", "fake: x")+`---
apiVersion: hactl/v1
kind: Resource
metadata: {name: web}
spec:
  agent: systemd:nginx
  operations: [{name: monitor, interval: 10s}]
`)
		for _, n := range l.Nodes() {
			put(t, l, n.Name, "/etc/nginx/nginx.conf", "this is no configuration\n")
		}
		refused(t, l.HactlCmd("apply", "-f", m), "web", "start")
	})
	t.Run("a node that is down", func(t *testing.T) {
		l.Kill("node3")
		m := manifest(t, strings.Replace(three, "{stonith-enabled: false}", "{stonith-enabled: false, cluster-delay: 70s}", 1)+dummy("d1", "fake: x"))
		out, err := run(l.HactlCmd("plan", "-f", m))
		if err == nil || !strings.Contains(out, "node3: unreachable") {
			t.Errorf("the plan does not say that node3 is missing: %v\n%s", err, out)
		}
		l.Power("node3", "on")
		l.WaitSSH("node3")
	})
}

// A cluster that others made keeps all that no manifest tells.
func TestExistingClusterLosesNothing(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	f := manifest(t, three)
	apply(t, l, "-f", f)
	// As an operator would have made it, without hactl's inventory.
	l.MustExec("node1", "cibadmin", "-D", "--xpath", "//cluster_property_set[@id='hactl']")
	for _, c := range [][]string{
		{"crm_attribute", "-t", "crm_config", "-n", "cluster-recheck-interval", "-v", "7min"},
		{"crm_attribute", "-t", "rsc_defaults", "-n", "resource-stickiness", "-v", "33"},
		{"cibadmin", "-C", "-o", "resources", "-X", `<primitive id="foreign" class="ocf" provider="pacemaker" type="Dummy">
			<instance_attributes id="foreign-params"><nvpair id="foreign-params-fake" name="fake" value="theirs"/><nvpair id="foreign-params-op_sleep" name="op_sleep" value="0"/></instance_attributes>
			<operations><op id="foreign-monitor" name="monitor" interval="30s"/></operations></primitive>`},
		{"cibadmin", "-C", "-o", "constraints", "-X", `<rsc_location id="foreign-loc" rsc="foreign" node="node2" score="50"/>`},
	} {
		l.MustExec("node1", c...)
	}
	eventually(t, 15*time.Second, "the foreign resource runs", func() string {
		if runsOn(t, l, "node1", "foreign") == "" {
			return "stopped"
		}
		return ""
	})

	m := manifest(t, three+dummy("mine", "fake: y"))
	apply(t, l, "-f", m)
	after := l.MustExec("node1", "cibadmin", "-Q")
	for _, part := range []string{`"foreign-params-fake" name="fake" value="theirs"`, `name="cluster-recheck-interval" value="7min"`,
		`name="resource-stickiness" value="33"`, `id="foreign-loc"`, `id="foreign-monitor"`} {
		if !strings.Contains(after, part) {
			t.Errorf("lost: %s", part)
		}
	}

	// Taking it over as another wants it asks first.
	m = manifest(t, three+dummy("mine", "fake: y")+dummy("foreign", "fake: ours"))
	refused(t, l.HactlCmd("apply", "-f", m), "--allow adopt", "Resource/foreign")
	if out := l.MustExec("node1", "crm_resource", "-r", "foreign", "-g", "fake"); strings.TrimSpace(out) != "theirs" {
		t.Errorf("a refused adopt changed the parameter to %q", out)
	}
	apply(t, l, "-f", m, "--yes", "--allow", "adopt")
	after = l.MustExec("node1", "cibadmin", "-Q")
	for _, part := range []string{`id="foreign-params-fake" name="fake" value="ours"`, `"foreign-params-op_sleep" name="op_sleep" value="0"`, `id="foreign-loc"`} {
		if !strings.Contains(after, part) {
			t.Errorf("not as adopted: %s", part)
		}
	}
	converged(t, l, "-f", m)
	conflicts(t, l, three+dummy("mine", "fake: y"))
}

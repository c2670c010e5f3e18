package e2e

import (
	"encoding/json"
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

// ops is a repository on a Git server, and the working copy of somebody who may push to it.
type ops struct {
	t    *testing.T
	l    *lab.Lab
	dir  string // of the working copy
	url  string
	key  string // that signs
	sign bool
}

// repository makes an empty one on a node, which serves it over SSH.
func repository(t *testing.T, l *lab.Lab, node string) *ops {
	t.Helper()
	l.MustExec(node, "git", "init", "-q", "--bare", "-b", "main", "/srv/ops.git")
	o := &ops{t: t, l: l, dir: filepath.Join(t.TempDir(), "ops"), url: "ssh://root@" + l.Node(node).LAN + "/srv/ops.git", sign: true}
	o.key = filepath.Join(t.TempDir(), "signer")
	for _, argv := range [][]string{
		{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "admin@example.com", "-f", o.key},
		{"git", "init", "-q", "-b", "main", o.dir},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", argv, err, out)
		}
	}
	pub, err := os.ReadFile(o.key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	o.write(filepath.Join(filepath.Dir(o.key), "allowed"), "admin@example.com "+string(pub))
	return o
}

func (o *ops) write(path, text string) {
	o.t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(o.dir, path)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// push commits everything and pushes it, and gives the commit's id.
func (o *ops) push(message string) string {
	o.t.Helper()
	git := func(argv ...string) string {
		c := o.l.Hub(append([]string{"git", "-C", o.dir, "-c", "user.name=admin", "-c", "user.email=admin@example.com",
			"-c", "gpg.format=ssh", "-c", "user.signingkey=" + o.key, "-c", fmt.Sprintf("commit.gpgsign=%t", o.sign),
			"-c", "core.sshCommand=ssh -F " + o.l.Home + "/.ssh/config"}, argv...)...)
		c.Env = append(os.Environ(), "HOME="+o.l.Home)
		out, err := c.CombinedOutput()
		if err != nil {
			o.t.Fatalf("git %v: %v\n%s", argv, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("add", "-A")
	git("commit", "-q", "--allow-empty", "-m", message)
	git("push", "-q", "--force", o.url, "main")
	return git("rev-parse", "HEAD")
}

// watcher is a running `hactl watch`.
type watcher struct {
	t   *testing.T
	l   *lab.Lab
	cmd *exec.Cmd
	log string
}

// watching starts one, and ends it with the test.
func watching(t *testing.T, l *lab.Lab, args ...string) *watcher {
	t.Helper()
	w := &watcher{t: t, l: l, cmd: l.HactlCmd(append([]string{"watch", "--listen", "127.0.0.1:9440", "--log", "json", "-v"}, args...)...)}
	w.log = filepath.Join(t.TempDir(), "log")
	f, err := os.Create(w.log)
	if err != nil {
		t.Fatal(err)
	}
	w.cmd.Stdout, w.cmd.Stderr = f, f
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = f.Close() // the command has it
	t.Cleanup(func() {
		w.signal(syscall.SIGKILL)
		if t.Failed() {
			b, _ := os.ReadFile(w.log)
			t.Logf("its log:\n%s", b)
		}
	})
	return w
}

// signal sends one to hactl, and waits until it has ended.
func (w *watcher) signal(s syscall.Signal) {
	if w.cmd.ProcessState == nil {
		_ = syscall.Kill(-w.cmd.Process.Pid, s) // it may have ended
		_ = w.cmd.Wait()
	}
}

// watched is what a watch knows.
type watched struct {
	Source struct {
		Revision     struct{ ID string }
		Refused, Err string
	}
	Clusters []struct {
		Name, Phase, Err  string
		Desired, Observed struct{ ID string }
		Verdict           struct{ Why string }
		Streams           bool
		Applies           []struct{ Err string }
	}
}

func (w *watcher) state() (p watched) {
	_, body, err := w.l.HTTPGet("http://127.0.0.1:9440/api/v1/state")
	if err == nil {
		err = json.Unmarshal([]byte(body), &p)
	}
	if err != nil {
		w.t.Logf("state: %v", err)
	}
	return p
}

// reaches waits until the cluster is in a phase with that revision.
func (w *watcher) reaches(phase, commit string, limit time.Duration) {
	w.t.Helper()
	eventually(w.t, limit, phase+" as "+commit[:7], func() string {
		p := w.state()
		if len(p.Clusters) != 1 || p.Clusters[0].Phase != phase || p.Clusters[0].Desired.ID != commit {
			return fmt.Sprintf("%+v", p)
		}
		return ""
	})
}

func (w *watcher) count(event string) int {
	b, err := os.ReadFile(w.log)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Count(string(b), `"msg":"`+event+": ")
}

const watchedCluster = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: watched}
spec:
  nodes:
  - {name: node1, id: 1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: node2, id: 2, addresses: [10.77.0.2, 10.78.0.2]}
  - {name: node3, id: 3, addresses: [10.77.0.3, 10.78.0.3]}
  properties: {stonith-enabled: false, no-quorum-policy: stop}
  resourceDefaults: {resource-stickiness: 100}
`

func fakeService(name, fake string) string {
	return fmt.Sprintf("---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: %s}\n"+
		"spec: {agent: \"ocf:heartbeat:Dummy\", params: {fake: %q}, operations: [{name: monitor, interval: 10s}]}\n", name, fake)
}

func policyText(spec string) string {
	return "apiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: all}\nspec: {" + spec + "}\n"
}

// TestWatch follows a Git repository over SSH with signed commits, and keeps a cluster as it says. The parts run in order.
func TestWatch(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 4)
	o := repository(t, l, "node4")
	o.write("cluster.yaml", watchedCluster+fakeService("A", "one"))
	o.write("policy.yaml", policyText("interval: 10s"))
	apply(t, l, "-f", o.dir)
	first := o.push("the first")
	args := []string{"--git", o.url, "--ssh-key", filepath.Join(l.Home, ".ssh/id_ed25519"), "--known-hosts", filepath.Join(l.Home, ".ssh/known_hosts"),
		"--allowed-signers", filepath.Join(filepath.Dir(o.key), "allowed"), "--interval", "1s", "--state-dir", t.TempDir(), "--mode", "apply"}
	whole := t // what a part starts goes on behind it
	w := watching(whole, l, args...)
	w.reaches("in-sync", first, 30*time.Second)

	cib := func() string { return l.MustExec("node1", "cibadmin", "--query", "--scope", "configuration") }
	t.Run("a commit changes the cluster", func(t *testing.T) {
		o.write("more.yaml", unmonitored("B", "one"))
		w.reaches("in-sync", o.push("a second resource"), time.Minute)
		if runsOn(t, l, "node1", "B") == "" {
			t.Error("B does not run")
		}
	})
	t.Run("a broken one is refused", func(t *testing.T) {
		good := w.state().Source.Revision.ID
		o.write("more.yaml", strings.Replace(unmonitored("B", "two"), "agent", "agnet", 1))
		o.push("a typo")
		eventually(t, 20*time.Second, "it is refused", func() string { return missing(w.state().Source.Refused, "agnet") })
		if p := w.state(); p.Source.Revision.ID != good || p.Clusters[0].Phase != "in-sync" {
			t.Errorf("%+v", p)
		}
		o.write("more.yaml", unmonitored("B", "one"))
		w.reaches("in-sync", o.push("mended"), 30*time.Second)
	})
	t.Run("an unsigned one is refused", func(t *testing.T) {
		good := w.state().Source.Revision.ID
		o.sign = false
		o.write("more.yaml", unmonitored("B", "stolen"))
		o.push("not signed")
		eventually(t, 20*time.Second, "it is refused", func() string { p := w.state().Source; return missing(p.Refused+p.Err, "sign") })
		if p := w.state(); p.Source.Revision.ID != good || strings.Contains(cib(), "stolen") {
			t.Errorf("%+v", p)
		}
		o.sign = true
		o.write("more.yaml", unmonitored("B", "one"))
		w.reaches("in-sync", o.push("signed"), 30*time.Second)
	})
	t.Run("drift is undone", func(t *testing.T) {
		before := w.count("apply")
		l.MustExec("node2", "crm_attribute", "--type", "rsc_defaults", "--name", "resource-stickiness", "--update", "7")
		eventually(t, 5*time.Second, "it is heard of", func() string {
			if w.count("apply") == before {
				return "nothing is told"
			}
			return ""
		})
		eventually(t, 20*time.Second, "it is undone", func() string { return missing(cib(), `name="resource-stickiness" value="100"`) })
	})
	t.Run("what an operator does is left alone", func(t *testing.T) {
		eventually(t, 30*time.Second, "in sync", func() string { return missing(w.state().Clusters[0].Phase, "in-sync") })
		before := w.count("apply")
		on := runsOn(t, l, "node1", "A")
		l.MustExec("node1", "crm_resource", "--move", "--resource", "A")
		l.MustExec("node1", "crm_standby", "--node", on, "--update", "on")
		time.Sleep(15 * time.Second) // an interval and more
		if w.count("apply") != before || !strings.Contains(cib(), "cli-ban-A") || !strings.Contains(cib(), `name="standby" value="on"`) {
			t.Errorf("it was fought: %d applies\n%s", w.count("apply")-before, cib())
		}
		l.MustExec("node1", "crm_standby", "--node", on, "--delete")
		l.MustExec("node1", "crm_resource", "--clear", "--resource", "A")
	})
	t.Run("what disturbs waits for a window", func(t *testing.T) {
		o.write("more.yaml", unmonitored("B", "restarted"))
		w.reaches("pending", o.push("a restart"), 30*time.Second)
		if p := w.state(); !strings.Contains(p.Clusters[0].Verdict.Why, "approv") || strings.Contains(cib(), "restarted") {
			t.Errorf("%+v", p)
		}
		o.write("policy.yaml", policyText(`interval: 10s, windows: [{schedule: "* * * * *", duration: 40s, unattended: restart}]`))
		w.reaches("in-sync", o.push("a window, every minute"), 90*time.Second)
		if !strings.Contains(cib(), "restarted") {
			t.Error("the window was not used")
		}
	})
	t.Run("or for an approval", func(t *testing.T) {
		o.write("policy.yaml", policyText("interval: 10s"))
		o.write("more.yaml", unmonitored("B", "approved"))
		commit := o.push("another restart")
		w.reaches("pending", commit, 30*time.Second)
		if out, stderr, code := l.Hactl("approve", "-f", o.dir, "--yes"); code != 0 {
			t.Fatalf("approve: %d\n%s%s", code, out, stderr)
		}
		w.reaches("in-sync", commit, time.Minute)
		if !strings.Contains(cib(), `value="approved"`) {
			t.Error("it was not applied")
		}
	})
	t.Run("killed in the middle", func(t *testing.T) {
		var many strings.Builder
		for i := range 8 {
			many.WriteString(unmonitored(fmt.Sprintf("K%d", i), "one"))
		}
		o.write("many.yaml", many.String())
		before := w.count("apply")
		commit := o.push("eight more")
		eventually(t, 20*time.Second, "it begins", func() string {
			if w.count("apply") == before {
				return "nothing yet"
			}
			return ""
		})
		w.signal(syscall.SIGKILL)
		w = watching(whole, l, args...)
		w.reaches("in-sync", commit, 90*time.Second)
	})
	t.Run("a polite end", func(t *testing.T) {
		begun := time.Now()
		w.signal(syscall.SIGTERM)
		if code := w.cmd.ProcessState.ExitCode(); code != 0 || time.Since(begun) > 10*time.Second {
			t.Errorf("exit code %d after %v", code, time.Since(begun))
		}
		converged(t, l, "-f", o.dir)
	})
	t.Run("over HTTP", func(t *testing.T) { watchHTTP(t, l, o) })
}

// missing says what a text should hold, "" if it does.
func missing(text, want string) string {
	if strings.Contains(text, want) {
		return ""
	}
	return fmt.Sprintf("%q is not in %s", want, text)
}

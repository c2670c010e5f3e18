package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestWatchUnit runs examples/watch/hactl-watch.service under systemd, installed as its head says, with all that it takes away from itself.
func TestWatchUnit(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 2)
	o := repository(t, l, "node2")
	if err := os.Mkdir(filepath.Join(o.dir, "prod"), 0o755); err != nil {
		t.Fatal(err)
	}
	o.write("prod/cluster.yaml", "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: bare}\nspec:\n  nodes: [{name: node2, id: 1, addresses: [10.78.0.2]}]\n")
	first := o.push("a node that is bare")

	bin, err := os.ReadFile(lab.Program(t))
	if err != nil {
		t.Fatal(err)
	}
	unit := read(t, filepath.Join(example(t, "watch"), "hactl-watch.service"))
	const url = "git@git.example.com:ops/clusters.git"
	if !strings.Contains(unit, url) {
		t.Fatalf("the unit does not follow %s", url)
	}
	put(t, l, "node1", "/root/hactl", string(bin))
	put(t, l, "node1", "/root/hactl-watch.service", strings.Replace(unit, url, o.url, 1))
	for _, command := range regexp.MustCompile(`(?m)^#   (.+)$`).FindAllStringSubmatch(unit, -1) {
		l.MustExec("node1", "sh", "-ec", "cd /root; "+strings.Replace(command[1], "&& systemctl enable --now hactl-watch", "", 1))
	}
	key, hosts := read(t, filepath.Join(l.Home, ".ssh/id_ed25519")), read(t, filepath.Join(l.Home, ".ssh/known_hosts"))
	for path, text := range map[string]string{
		"git": key, "known_hosts": hosts, "allowed_signers": read(t, filepath.Join(filepath.Dir(o.key), "allowed")), "hook-secret": "h00k\n",
		".ssh/id_ed25519": key, ".ssh/known_hosts": hosts, ".ssh/config": "Host node2\n  HostName 10.77.0.2\nHost *\n  User root\n",
	} {
		l.MustExec("node1", "mkdir", "-p", "/etc/hactl-watch/.ssh", "/etc/hactl-watch/secrets")
		put(t, l, "node1", "/etc/hactl-watch/"+path, text)
	}
	// What is the user's; the folder itself is not.
	l.MustExec("node1", "sh", "-ec", "chown -R hactl-watch: /etc/hactl-watch/* /etc/hactl-watch/.ssh; chmod -R go= /etc/hactl-watch/* /etc/hactl-watch/.ssh; touch /run/before")
	show := func(property string) string {
		return strings.TrimSpace(l.MustExec("node1", "systemctl", "show", "--value", "-p", property, "hactl-watch"))
	}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := l.Exec("node1", "journalctl", "--no-pager", "-o", "short", "-u", "hactl-watch")
			t.Logf("its journal:\n%s", out)
		}
	})
	ready := func() string {
		out, err := l.Exec("node1", "curl", "-sS", "--max-time", "5", "http://127.0.0.1:9440/readyz")
		if err != nil {
			return err.Error()
		}
		return missing(out, "ok")
	}
	state := func() string {
		return l.MustExec("node1", "curl", "-sS", "--max-time", "5", "http://127.0.0.1:9440/api/v1/state")
	}

	l.MustExec("node1", "systemctl", "enable", "--now", "hactl-watch")
	eventually(t, time.Minute, "it is ready", ready)
	eventually(t, 30*time.Second, "it has looked at the cluster", func() string { // it is ready once it has a revision
		s := state()
		if strings.Contains(s, first) && strings.Contains(s, `"phase":"drifted"`) && strings.Contains(s, `"signer":"admin@example.com"`) && !strings.Contains(s, `"err"`) {
			return ""
		}
		return "its state: " + s
	})
	t.Run("what it may not", func(t *testing.T) {
		pid := show("MainPID")
		status := l.MustExec("node1", "cat", "/proc/"+pid+"/status")
		uid := strings.TrimSpace(l.MustExec("node1", "id", "-u", "hactl-watch"))
		for _, want := range []string{"Uid:\t" + uid + "\t" + uid, "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
			if !strings.Contains(status, want) {
				t.Errorf("%q is not in\n%s", want, status)
			}
		}
		inside := func(command string) error {
			_, err := l.Exec("node1", "nsenter", "-t", pid, "-m", "--", "sh", "-c", command)
			return err
		}
		for _, dir := range []string{"/usr", "/etc", "/var", "/etc/hactl-watch", "/srv"} {
			if err := inside("touch " + dir + "/written"); err == nil || !strings.Contains(err.Error(), "Read-only") {
				t.Errorf("%s can be written to: %v", dir, err)
			}
		}
		if err := inside("touch /var/lib/hactl-watch/written && rm /var/lib/hactl-watch/written"); err != nil {
			t.Error(err)
		}
		for what, command := range map[string]string{"/root is seen": "test -e /root/hactl", "/tmp is the machine's": "test -e /tmp/mark",
			"other things of the kernel are seen": "test -e /proc/meminfo"} {
			l.MustExec("node1", "touch", "/tmp/mark")
			if err := inside(command); err == nil {
				t.Error(what)
			}
		}
	})
	t.Run("a hook", func(t *testing.T) {
		o.write("prod/cluster.yaml", "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: bare}\nspec:\n  nodes: [{name: node2, id: 2, addresses: [10.78.0.2]}]\n")
		second := o.push("another id")
		l.MustExec("node1", "curl", "-sSf", "--max-time", "5", "-X", "POST", "-H", "Authorization: Bearer h00k", "http://127.0.0.1:9440/hook")
		eventually(t, 20*time.Second, "the commit is seen", func() string { return missing(state(), second) })
	})
	t.Run("killed", func(t *testing.T) {
		l.MustExec("node1", "systemctl", "kill", "-s", "KILL", "hactl-watch")
		eventually(t, 40*time.Second, "it was started again", func() string {
			if n := show("NRestarts"); n != "1" || show("ActiveState") != "active" {
				return n + " restarts, " + show("ActiveState")
			}
			return ready()
		})
	})
	t.Run("a polite end", func(t *testing.T) {
		begun := time.Now()
		l.MustExec("node1", "systemctl", "stop", "hactl-watch")
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if got, want := fmt.Sprint(show("ActiveState"), show("Result"), show("ExecMainStatus")), fmt.Sprint("inactive", "success", "0"); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	})
	t.Run("what it leaves", func(t *testing.T) {
		const elsewhere = "find / ( -path /usr -o -path /proc -o -path /sys -o -path /var/lib/hactl-watch -o -path /etc/hactl-watch ) -prune -o ( -user hactl-watch -o -group hactl-watch ) -print"
		if out := l.MustExec("node1", strings.Fields(elsewhere)...); out != "" {
			t.Errorf("files outside of its folder:\n%s", out)
		}
		if out := l.MustExec("node1", "find", "/etc/hactl-watch", "-newer", "/run/before"); out != "" {
			t.Errorf("what it was given was changed:\n%s", out)
		}
		if out := l.MustExec("node1", "find", "/var/lib/hactl-watch", "-perm", "/077"); out != "" {
			t.Errorf("others may read:\n%s", out)
		}
	})
	if out, _ := l.Exec("node1", "journalctl", "-u", "hactl-watch", "-o", "cat", "--no-pager"); strings.Contains(out, "h00k") || strings.Contains(out, "PRIVATE KEY") {
		t.Errorf("a secret is in the journal:\n%s", out)
	}
}

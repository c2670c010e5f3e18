package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestWatchAsResource has the cluster itself keep one controller alive: the node that it runs on loses its power in the middle of an apply, the node is
// fenced, and the controller that starts elsewhere finishes it. It does not carry out what would stop itself.
func TestWatchAsResource(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 4)
	o := repository(t, l, "node4")
	bin, err := os.ReadFile(lab.Program(t))
	if err != nil {
		t.Fatal(err)
	}
	key := read(t, filepath.Join(l.Home, ".ssh/id_ed25519"))
	hosts := read(t, filepath.Join(l.Home, ".ssh/known_hosts"))
	unit := read(t, filepath.Join(example(t, "watch"), "hactl-watch-resource.service"))
	for _, n := range []string{"node1", "node2", "node3"} {
		l.MustExec(n, "mkdir", "-p", "/etc/hactl", "/root/.ssh")
		put(t, l, n, "/usr/local/bin/hactl", string(bin))
		put(t, l, n, "/root/.ssh/id_ed25519", key)
		put(t, l, n, "/root/.ssh/known_hosts", hosts)
		put(t, l, n, "/etc/hactl/watch.env", fmt.Sprintf("IPMI_PASSWORD=secret\nHACTL_WATCH=--git %s --mode apply --interval 2s --self controller -v\n", o.url))
		put(t, l, n, "/etc/systemd/system/hactl-watch.service", unit)
		l.MustExec(n, "sh", "-c", "chmod 755 /usr/local/bin/hactl; chmod 600 /root/.ssh/id_ed25519 /etc/hactl/watch.env; systemctl daemon-reload")
	}
	var fencing strings.Builder
	for i := 1; i <= 3; i++ {
		fmt.Fprintf(&fencing, "---\napiVersion: hactl/v1\nkind: FenceDevice\nmetadata: {name: fence-node%d}\nspec:\n  agent: fence_ipmilan\n  targets: [node%d]\n  avoidTargets: true\n"+
			"  params: {ip: 10.79.0.%d, username: admin, lanplus: 1, cipher: 3}\n  secrets: {password: {env: IPMI_PASSWORD}}\n", i, i, i)
	}
	controller := "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: controller}\nspec: {agent: \"systemd:hactl-watch\", operations: [" +
		"{name: start, timeout: 60s}, {name: stop, timeout: 10m}, {name: monitor, interval: 10s, timeout: 60s}]}\n"
	o.write("cluster.yaml", strings.Replace(watchedCluster, "stonith-enabled: false", "stonith-enabled: true", 1)+fencing.String())
	o.write("controller.yaml", controller)
	o.write("policy.yaml", policyText("interval: 10s, unattended: redundancy, hold: [fencing]"))
	o.push("the first")
	apply(t, l, "-f", o.dir)
	on := func(via string) string { return runsOn(t, l, via, "controller") }
	eventually(t, time.Minute, "the controller runs", func() string {
		if on("node1") == "" {
			return "nowhere"
		}
		return ""
	})
	journal := func(node string) string {
		out, _ := l.Exec(node, "journalctl", "-u", "hactl-watch", "-o", "cat", "--no-pager")
		return out
	}

	t.Run("it does not stop itself", func(t *testing.T) {
		first := on("node1")
		o.write("controller.yaml", strings.Replace(controller, "spec: {", "spec: {meta: {target-role: Stopped}, ", 1))
		o.push("stop the controller")
		eventually(t, 30*time.Second, "it is left to a person", func() string { return missing(journal(first), "which runs this controller") })
		if now := on("node1"); now != first {
			t.Errorf("the controller ran on %s and runs on %q", first, now)
		}
		o.write("controller.yaml", controller)
		o.push("let it run")
	})
	t.Run("its node is lost in the middle", func(t *testing.T) {
		first := on("node1")
		var many strings.Builder
		for i := range 12 {
			many.WriteString(fakeService(fmt.Sprintf("K%02d", i), "one"))
		}
		o.write("many.yaml", many.String())
		o.push("twelve services")
		eventually(t, 30*time.Second, "it begins", func() string { return missing(journal(first), `"msg":"apply: 12 to do: create Resource/K00`) })
		l.Kill(first)
		other := map[string]string{"node1": "node2", "node2": "node3", "node3": "node1"}[first]
		eventually(t, 2*time.Minute, "another controller runs", func() string {
			if now := on(other); now == "" || now == first {
				return "on " + now
			}
			return ""
		})
		eventually(t, 2*time.Minute, "all services run", func() string {
			for i := range 12 {
				if name := fmt.Sprintf("K%02d", i); runsOn(t, l, other, name) == "" {
					return name + " does not run; the controller says\n" + journal(on(other))
				}
			}
			return ""
		})
		l.WaitSSH(first)
		eventually(t, 2*time.Minute, "nothing is left to do", func() string {
			out, stderr, code := l.Hactl("plan", "-f", o.dir)
			if code != 0 {
				return out + stderr
			}
			return ""
		})
	})
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

const withSecrets = `
apiVersion: hactl/v1
kind: Cluster
metadata: {name: secrets}
spec:
  nodes:
  - {name: node1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: node2, addresses: [10.77.0.2, 10.78.0.2]}
  - {name: node3, addresses: [10.77.0.3, 10.78.0.3]}
  prepare: {startAtBoot: true}
  properties: {stonith-enabled: true}
---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: fence-node1}
spec:
  agent: fence_ipmilan
  targets: [node1]
  avoidTargets: true
  params: {ip: 10.79.0.1, username: admin, lanplus: 1, cipher: 3}
  secrets: {password: {file: bmc}}
  operations: [{name: monitor, interval: 60s}]
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: d1}
spec:
  agent: ocf:pacemaker:Dummy
  params: {envfile: /run/d1.env}
  secrets: {passwd: {file: app}}
  operations: [{name: monitor, interval: 10s}]
`

// Secrets reach their agents, stand nowhere in clear text, and a rotated one is used; a wrong one takes the place of nothing.
func TestSecrets(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	f := manifest(t, withSecrets)
	secret := func(name, value string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(filepath.Dir(f), name), []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored := func() string {
		t.Helper()
		var b strings.Builder
		for _, n := range l.Nodes() {
			b.WriteString(l.MustExec(n.Name, "sh", "-c", "cd /var/lib/pacemaker/lrm/secrets && md5sum */*"))
			b.WriteString(l.MustExec(n.Name, "cibadmin", "-Q", "-o", "resources"))
		}
		return b.String()
	}
	secret("bmc", "secret")
	secret("app", "sesame-in-clear")
	stdout, stderr := apply(t, l, "-f", f, "--steps")
	converged(t, l, "-f", f)
	if env := l.MustExec(runsOn(t, l, "node1", "d1"), "cat", "/run/d1.env"); !strings.Contains(env, "OCF_RESKEY_passwd=sesame-in-clear") {
		t.Errorf("the agent did not get its secret:\n%s", env)
	}
	for what, text := range map[string]string{"stdout": stdout, "stderr": stderr, "CIB and pacemaker's log": l.MustExec("node1", "sh", "-c",
		"cibadmin -Q; cat /var/lib/pacemaker/cib/*; journalctl -u pacemaker -u corosync --no-pager; cat /var/log/pacemaker/*.log")} {
		if strings.Contains(text, "sesame-in-clear") {
			t.Errorf("the secret stands in the %s", what)
		}
	}

	before := stored()
	secret("bmc", "wrong")
	refused(t, l.HactlCmd("apply", "-f", f), "fence-node1", "node2")
	if after := stored(); after != before {
		t.Errorf("a wrong password took the place of the right one:\n%s", after)
	}

	l.BMCPassword("node1", "rotated")
	secret("bmc", "rotated")
	apply(t, l, "-f", f)
	converged(t, l, "-f", f)
	l.MustExec("node2", "stonith_admin", "--reboot", "node1")
	l.WaitSSH("node1")
	eventually(t, 60*time.Second, "node1 is back", func() string {
		out, _ := l.Exec("node2", "crm_mon", "-1")
		if strings.Contains(out, "Online: [ node1 node2 node3 ]") {
			return ""
		}
		return out
	})
	converged(t, l, "-f", f)
}

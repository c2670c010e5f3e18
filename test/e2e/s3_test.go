package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// S3: the levels of a topology are used in their order. The first level of node3 has a device that refuses at the time of fencing
// (fence_heuristics_ping, whose target does not answer), the second its BMC.
func TestS3Levels(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	var b strings.Builder
	b.WriteString("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: levels}\nspec:\n  nodes:\n")
	for i, n := range l.Nodes() {
		fmt.Fprintf(&b, "  - {name: %s, id: %d, addresses: [%s, %s]}\n", n.Name, i+1, n.Ring, n.LAN)
	}
	b.WriteString("  prepare: {hostsFile: true, startAtBoot: true}\n  properties: {stonith-enabled: true}\n")
	for _, n := range l.Nodes() {
		fmt.Fprintf(&b, `---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: ipmi-%[1]s}
spec:
  agent: fence_ipmilan
  targets: [%[1]s]
  avoidTargets: true
  params: {ip: %[2]s, username: admin, lanplus: 1, cipher: 3}
  secrets: {password: {env: IPMI_PASSWORD}}
  operations: [{name: monitor, interval: 60s}]
`, n.Name, n.BMC.Address)
	}
	b.WriteString(`---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: ask}
spec:
  agent: fence_heuristics_ping
  targets: [node3]
  params: {ping_targets: 10.77.0.250, ping_count: 1, ping_timeout: 1, ping_good_count: 1}
---
apiVersion: hactl/v1
kind: FencingTopology
metadata: {name: node3}
spec:
  target: node3
  levels:
  - devices: [ask, ipmi-node3]
  - devices: [ipmi-node3]
`)
	f := manifest(t, b.String())
	apply(t, l, "-f", f)
	converged(t, l, "-f", f)
	if out := l.MustExec("node1", "cibadmin", "--query", "--scope", "fencing-topology"); strings.Count(out, "<fencing-level") != 2 {
		t.Fatalf("the levels are not there:\n%s", out)
	}
	l.MustExec("node1", "stonith_admin", "--reboot", "node3", "--timeout", "90")
	history := l.MustExec("node1", "stonith_admin", "--history", "node3", "--verbose")
	if !strings.Contains(history, "reboot") {
		t.Errorf("no reboot in the history:\n%s", history)
	}
	// node1, which was asked, leads: it asks for the first level's device, that one refuses, and only then for the second level's.
	led := l.MustExec("node1", "cat", "/var/log/pacemaker/pacemaker.log")
	var asked []string
	for _, m := range regexp.MustCompile(`Requesting that \S+ perform '\S+' action targeting node3 using (\S+)`).FindAllStringSubmatch(led, -1) {
		asked = append(asked, m[1])
	}
	if got := slices.Compact(asked); !slices.Equal(got, []string{"ask", "ipmi-node3"}) {
		t.Errorf("the devices were used in the order %v", got)
	}
	if log := led + l.MustExec("node2", "cat", "/var/log/pacemaker/pacemaker.log"); !regexp.MustCompile(`targeting node3 using ask returned 1`).MatchString(log) {
		t.Error("the first level's device did not refuse")
	}
	l.WaitSSH("node3")
	eventually(t, 60*time.Second, "node3 is a member again", func() string {
		out, _ := l.Exec("node1", "crm_node", "--partition")
		if !strings.Contains(out, "node3") {
			return out
		}
		return ""
	})
	// The order of levels, changed on the running cluster.
	g := manifest(t, strings.Replace(b.String(), "  - devices: [ask, ipmi-node3]\n  - devices: [ipmi-node3]\n", "  - devices: [ipmi-node3]\n", 1))
	apply(t, l, "-f", g, "--yes", "--allow", "fence")
	converged(t, l, "-f", g)
	if out := l.MustExec("node1", "stonith_admin", "--list-registered"); !strings.Contains(out, "ask") {
		t.Errorf("the device that no level names is gone:\n%s", out)
	}
	if out := l.MustExec("node1", "cibadmin", "--query", "--scope", "fencing-topology"); strings.Count(out, "<fencing-level") != 1 {
		t.Errorf("the level that left the manifest is still there:\n%s", out)
	}
}

// S3: all five fence agents and the levels are rendered, and Pacemaker takes what is rendered.
func TestS3Rendered(t *testing.T) {
	t.Parallel()
	lab.Peer(t, "crm_verify")
	out, err := exec.Command(lab.Program(t), "render", "--only", "cib", "-f", example(t, "s3-fencing")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`type="fence_virsh"`, `type="fence_ipmilan"`, `type="fence_aws"`, `type="fence_gce"`, `type="fence_scsi"`,
		`name="pcmk_host_map" value="node1:i-0a1b2c3d4e5f60001;node2:i-0a1b2c3d4e5f60002"`, `name="provides" value="unfencing"`,
		`index="1" devices="ipmi-node1"`, `index="2" devices="virsh-node1,scsi"`, `target-pattern="node[34]"`} {
		if !strings.Contains(string(out), part) {
			t.Errorf("%s is not rendered", part)
		}
	}
	f := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(f, out, 0o600); err != nil {
		t.Fatal(err)
	}
	// It warns of nodes that nobody has seen yet: it judges the status, too, and there is none.
	if said, _ := exec.Command("crm_verify", "--xml-file", f, "-VVV").CombinedOutput(); strings.Contains(string(said), "error:") || !strings.Contains(string(said), "node4") {
		t.Errorf("crm_verify:\n%s", said)
	}
}

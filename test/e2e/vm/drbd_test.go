package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// pair is a cluster of two with a DRBD resource that Pacemaker runs, and a file system on it.
const pair = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: pair}
spec:
  nodes:
  - {name: node1, addresses: [%[1]s]}
  - {name: node2, addresses: [%[2]s]}
  totem: {token: 10000}
  properties: {stonith-enabled: false}
---
apiVersion: hactl/v1
kind: DRBDResource
metadata: {name: r0}
spec:
  device: /dev/drbd0
  nodes:
  - {name: node1, disk: %[5]s, address: "%[3]s:7788"}
  - {name: node2, disk: %[6]s, address: "%[4]s:7788"}
  net: {protocol: C, cram-hmac-alg: sha1}
  sharedSecret: {env: R0_SECRET}
  disk: {on-io-error: detach, resync-rate: 200M, c-plan-ahead: 0}
  initialSync: {from: node1}
  filesystem: {type: ext4}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: DRBD}
spec:
  agent: ocf:linbit:drbd
  params: {drbd_resource: r0}
  operations:
  - {name: monitor, interval: 29s, role: Promoted, timeout: 120s}
  - {name: monitor, interval: 31s, role: Unpromoted, timeout: 120s}
  - {name: start, timeout: 240s}
  - {name: promote, timeout: 120s}
  - {name: demote, timeout: 120s}
  - {name: stop, timeout: 120s}
  clone: {promotable: true, meta: {promoted-max: 1, clone-max: 2, notify: true}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: WebFS}
spec:
  agent: ocf:heartbeat:Filesystem
  params: {device: /dev/drbd0, directory: /mnt, fstype: ext4}
  operations: [{name: monitor, interval: 30s, timeout: 120s}, {name: start, timeout: 120s}, {name: stop, timeout: 120s}]
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: fs-with-drbd}
spec: {colocation: {resource: WebFS, with: DRBD-clone, withRole: Promoted, score: INFINITY}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: drbd-before-fs}
spec: {order: {first: DRBD-clone, firstAction: promote, then: WebFS, thenAction: start}}
`

// TestDRBD makes a pair from blank disks through kills, and then changes it while it is in use. The parts run in order on one lab.
func TestDRBD(t *testing.T) {
	l := lab.UpVM(t, 2)
	a, b := l.Node("node1"), l.Node("node2")
	p := &drbdPair{l: l, file: filepath.Join(t.TempDir(), "pair.yaml")}
	p.text = fmt.Sprintf(pair, a.LAN, b.LAN, a.Ring, b.Ring, l.Disk("node1", 1), l.Disk("node2", 1))
	p.write(t, p.text)
	t.Run("what is on a disk stays", p.refused)
	t.Run("blank disks, killed at each step", p.killed)
	t.Run("options and size while in use", p.changed)
	t.Run("split brain is told and left", p.split)
}

type drbdPair struct {
	l          *lab.Lab
	file, text string
}

func (p *drbdPair) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hactl runs it with the secret in its environment.
func (p *drbdPair) hactl(args ...string) *exec.Cmd {
	c := p.l.HactlCmd(append(args, "-f", p.file)...)
	c.Env = append(c.Env, "R0_SECRET=a \"quoted\" secret")
	return c
}

// run is hactl's output and error. Guests that starve on a busy machine let commands run into their limits; hactl says so, and is asked again.
func (p *drbdPair) run(args ...string) (string, error) {
	for try := 1; ; try++ {
		out, err := p.hactl(args...).CombinedOutput()
		if err == nil || try == 5 || !strings.Contains(string(out), "time limit reached") {
			return string(out), err
		}
	}
}

func (p *drbdPair) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.run(args...)
	if err != nil {
		t.Fatalf("hactl %v: %v\n%s", args, err, out)
	}
	if strings.Contains(out, "quoted") {
		t.Errorf("hactl %v shows the secret:\n%s", args, out)
	}
	return out
}

func (p *drbdPair) converged(t *testing.T) {
	t.Helper()
	if out := p.must(t, "plan"); !strings.Contains(out, "nothing to do") {
		t.Fatalf("the plan is not empty:\n%s", out)
	}
}

func (p *drbdPair) refused(t *testing.T) {
	p.l.MustExec("node2", "mkfs.ext4", "-q", p.l.Disk("node2", 1))
	seen := p.l.MustExec("node2", "sh", "-c", "head -c 1M "+p.l.Disk("node2", 1)+" | md5sum")
	out, err := p.run("apply", "--yes")
	if err == nil || !strings.Contains(out, "data-loss") || !strings.Contains(out, "ext4") {
		t.Errorf("a disk with ext4: %v\n%s", err, out)
	}
	if now := p.l.MustExec("node2", "sh", "-c", "head -c 1M "+p.l.Disk("node2", 1)+" | md5sum"); now != seen {
		t.Errorf("the disk was written to: %q, was %q", now, seen)
	}
	p.l.MustExec("node2", "wipefs", "-aq", p.l.Disk("node2", 1))
}

// step is a line of the events: "node1    create drbd-sync/r0".
var step = regexp.MustCompile(`^node[12] +(create|start) .*(drbd|DRBDResource)`)

// killed makes the resource by applies that are killed, and one that goes through.
func (p *drbdPair) killed(t *testing.T) {
	killedAtEachStep(t, func() *exec.Cmd { return p.hactl("apply", "--yes") }, step, 3, 5)
	p.must(t, "apply", "--yes")
	p.converged(t)
	if got := p.l.MustExec("node1", "sh", "-c", "drbdadm dstate r0; ls /var/lib/hactl/drbd"); !strings.HasPrefix(got, "UpToDate/") || strings.Contains(got, "r0.new") {
		t.Errorf("after the kills: %q", got)
	}
	if got := p.l.MustExec("node1", "stat", "-c", "%a %U", "/etc/drbd.d/r0.res"); got != "600 root\n" {
		t.Errorf("the file with the secret is %q", got)
	}
}

// active is the node where the file system is mounted.
func (p *drbdPair) active(t *testing.T) string {
	t.Helper()
	for _, n := range []string{"node1", "node2"} {
		if out, _ := p.l.Exec(n, "findmnt", "-n", "-o", "SOURCE", "/mnt"); strings.HasPrefix(out, "/dev/drbd0") {
			return n
		}
	}
	t.Fatal("the file system is mounted nowhere")
	return ""
}

func (p *drbdPair) changed(t *testing.T) {
	n := p.active(t)
	p.l.MustExec(n, "sh", "-c", "dd if=/dev/urandom of=/mnt/data bs=1M count=10 2>/dev/null; sync; dmesg -C")
	before := p.l.MustExec(n, "md5sum", "/mnt/data")
	p.write(t, strings.Replace(p.text, "on-io-error: detach", "on-io-error: pass_on", 1))
	p.l.Grow("node1", 1, "700M")
	p.l.Grow("node2", 1, "700M")
	p.must(t, "apply", "--yes")
	p.converged(t)
	if now := p.l.MustExec(n, "md5sum", "/mnt/data"); now != before {
		t.Errorf("the data has changed: %q, was %q", now, before)
	}
	if log := p.l.MustExec(n, "sh", "-c", "dmesg | grep -i 'drbd r0.*conn(' || true"); log != "" {
		t.Errorf("the connection was touched: %s", log)
	}
	if got := p.l.MustExec(n, "sh", "-c", "drbdsetup show r0 | grep -c pass_on; df -m --output=size /mnt | tail -n 1"); !strings.HasPrefix(got, "1\n") || strings.TrimSpace(strings.TrimPrefix(got, "1\n")) < "600" {
		t.Errorf("option and size: %q", got)
	}
}

func (p *drbdPair) split(t *testing.T) {
	n := p.active(t)
	other := map[string]string{"node1": "node2", "node2": "node1"}[n]
	p.l.MustExec(n, "crm_attribute", "-t", "crm_config", "-n", "maintenance-mode", "-v", "true")
	p.l.MustExec(other, "sh", "-c", "drbdadm disconnect r0; drbdadm primary --force r0; dd if=/dev/zero of=/dev/drbd0 bs=4k count=1 seek=20000 oflag=direct 2>/dev/null; drbdadm secondary r0")
	p.l.MustExec(n, "sh", "-c", "echo more >/mnt/more; sync")
	p.l.MustExec(other, "sh", "-c", "drbdadm connect r0; sleep 5")
	out, err := p.run("status")
	if err == nil || !strings.Contains(out, "split brain") {
		t.Errorf("status: %v\n%s", err, out)
	}
	plan, _ := p.run("plan")
	if !strings.Contains(plan, "--discard-my-data") || strings.Contains(plan, "adjust") {
		t.Errorf("plan:\n%s", plan)
	}
}

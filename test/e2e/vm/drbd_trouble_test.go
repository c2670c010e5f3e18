package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// alone is a resource that nobody but DRBD runs, with one volume or two. What mkfs discards is in sync at once, so it must not where the first sync is to
// take its time.
const alone = `---
apiVersion: hactl/v1
kind: DRBDResource
metadata: {name: r0}
spec:
  nodes:
  - {name: node1, address: "%[1]s:7788"}
  - {name: node2, address: "%[2]s:7788"}
  net: {protocol: C, cram-hmac-alg: sha1}
  sharedSecret: {env: R0_SECRET}
  disk: {on-io-error: detach, resync-rate: 200M, c-plan-ahead: 0}
  initialSync: {from: node1}
  volumes:
  - {number: 0, device: /dev/drbd0, nodes: {node1: {disk: %[3]s}, node2: {disk: %[4]s}}, filesystem: {type: ext4, options: [-E, nodiscard]}}
`

const another = `  - {number: 1, device: /dev/drbd1, nodes: {node1: {disk: %s}, node2: {disk: %s}}, filesystem: {type: ext4}}
`

// TestDRBDTrouble has peers lose each other: in the middle of the first sync, by another secret, and in split brain. TestDRBDVolumes changes what the
// resource consists of. What was written to the mounted volume stays through all of it.
func TestDRBDTrouble(t *testing.T) {
	p := newAlone(t)
	t.Run("a peer that vanishes during the first sync", p.vanished)
	t.Run("another secret on one node", p.secret)
	t.Run("split brain ends with the victim named", p.discarded)
}

func TestDRBDVolumes(t *testing.T) {
	p := newAlone(t)
	p.must(t, "apply", "--yes")
	p.mount(t)
	t.Run("a volume is added in use, and removed", p.volumes)
	t.Run("import gives an empty plan", p.imported)
	t.Run("prune takes what hactl made, by name", p.pruned)
}

func newAlone(t *testing.T, nodes ...string) *drbdPair {
	t.Helper()
	l := formed(t, nodes...)
	p := &drbdPair{l: l, file: filepath.Join(t.TempDir(), "alone.yaml")}
	p.text = manifestText(t, l) + fmt.Sprintf(alone, l.Node("node1").Ring, l.Node("node2").Ring, l.Disk("node1", 1), l.Disk("node2", 1))
	p.write(t, p.text)
	return p
}

// mount makes node1 the one that uses volume 0.
func (p *drbdPair) mount(t *testing.T) {
	t.Helper()
	p.l.MustExec("node1", "sh", "-ec", "drbdadm primary r0/0; mount /dev/drbd0 /mnt; echo precious >/mnt/data; sync")
}

// kept tells that volume 0 is mounted as before, with what was written.
func (p *drbdPair) kept(t *testing.T) {
	t.Helper()
	if got := p.l.MustExec("node1", "cat", "/mnt/data"); got != "precious\n" {
		t.Errorf("the data is %q", got)
	}
}

// whole waits until both copies are UpToDate.
func (p *drbdPair) whole(t *testing.T) {
	t.Helper()
	got := ""
	for begun := time.Now(); time.Since(begun) < 3*time.Minute; time.Sleep(time.Second) {
		if got, _ = p.l.Exec("node1", "drbdadm", "dstate", "r0"); strings.ReplaceAll(got, "UpToDate/UpToDate\n", "") == "" && got != "" {
			return
		}
	}
	t.Fatalf("the copies are %q", got)
}

func (p *drbdPair) vanished(t *testing.T) {
	p.write(t, strings.Replace(p.text, "resync-rate: 200M", "resync-rate: 500K", 1))
	p.must(t, "apply", "--yes")
	if out, _ := p.run("status"); !strings.Contains(out, "% done") || !strings.Contains(out, " left") {
		t.Errorf("status does not tell how long the copy takes:\n%s", out)
	}
	p.mount(t)
	p.l.MustExec("node2", "sync")
	p.l.Kill("node2") // the target
	out, err := p.run("plan")
	if err == nil || !strings.Contains(out, "node2") {
		t.Errorf("without the target: %v\n%s", err, out)
	}
	p.kept(t)
	p.l.Power("node2", "on")
	p.l.WaitSSH("node2")
	p.must(t, "apply", "--yes")
	if got := p.l.MustExec("node2", "drbdadm", "dstate", "r0"); got != "Inconsistent/UpToDate\n" {
		t.Errorf("the target is back: %q", got)
	}
	p.l.Kill("node1") // the source: the other half of a copy is no copy
	p.l.Power("node1", "on")
	p.l.WaitSSH("node1")
	if out, err := p.l.Exec("node2", "drbdadm", "primary", "r0"); err == nil {
		t.Errorf("half a copy is primary: %s", out)
	}
	p.write(t, p.text)
	p.must(t, "apply", "--yes")
	p.whole(t)
	p.converged(t)
	p.l.MustExec("node1", "sh", "-ec", "drbdadm primary r0; mount /dev/drbd0 /mnt")
	p.kept(t)
}

func (p *drbdPair) secret(t *testing.T) {
	p.l.MustExec("node2", "sh", "-c", `sed -i 's/shared-secret .*/shared-secret "wrong";/' /etc/drbd.d/r0.res; drbdadm disconnect r0; drbdadm connect r0; sleep 5`)
	p.l.MustExec("node1", "sh", "-c", "echo apart >/mnt/apart; sync")
	if out, err := p.run("status"); err == nil || !strings.Contains(out, "authenticate") || strings.Contains(out, "split brain") {
		t.Errorf("status: %v\n%s", err, out)
	}
	p.must(t, "apply", "--yes")
	p.whole(t)
	p.converged(t)
	p.kept(t)
}

func (p *drbdPair) discarded(t *testing.T) {
	if out, err := p.run("apply", "--yes", "--discard", "DRBDResource/r0=node2"); err == nil || !strings.Contains(out, "not in split brain") {
		t.Errorf("without a split brain: %v\n%s", err, out)
	}
	p.l.MustExec("node2", "sh", "-c", "drbdadm disconnect r0; drbdadm primary --force r0; dd if=/dev/zero of=/dev/drbd0 bs=4k count=1 seek=20000 oflag=direct 2>/dev/null; drbdadm secondary r0")
	p.l.MustExec("node1", "sh", "-c", "echo more >/mnt/more; sync")
	p.l.MustExec("node2", "sh", "-c", "drbdadm connect r0; sleep 5")
	plan, _ := p.run("plan")
	if !strings.Contains(strings.Join(strings.Fields(plan), " "), "hactl apply --discard DRBDResource/r0=node1 throws away what node1 has written") {
		t.Errorf("plan:\n%s", plan)
	}
	for args, want := range map[string]string{
		"--discard DRBDResource/r0=node1":       "hactl demotes nothing",
		"--allow data-loss=DRBDResource/r0":     "",
		"--discard DRBDResource/r0=node3":       "none of its nodes",
		"--discard DRBDResource/nothing=node2":  "no DRBDResource nothing",
		"--allow data-loss=DRBDResource/r0=abc": "",
	} {
		if out, _ := p.run(append([]string{"apply", "--yes"}, strings.Fields(args)...)...); !strings.Contains(out, want) {
			t.Errorf("%s: want %q\n%s", args, want, out)
		}
	}
	if got := p.l.MustExec("node2", "drbdadm", "cstate", "r0"); got != "StandAlone\n" {
		t.Errorf("node2 is %q", got)
	}
	p.must(t, "apply", "--yes", "--discard", "DRBDResource/r0=node2")
	p.whole(t)
	p.converged(t)
	p.kept(t)
	if got := p.l.MustExec("node1", "cat", "/mnt/more"); got != "more\n" {
		t.Errorf("what the survivor wrote is %q", got)
	}
}

func (p *drbdPair) volumes(t *testing.T) {
	p.write(t, p.text+fmt.Sprintf(another, p.l.Disk("node1", 2), p.l.Disk("node2", 2)))
	if out := p.must(t, "apply", "--yes"); strings.Contains(out, "data-loss") {
		t.Errorf("a new volume is a risk:\n%s", out)
	}
	p.kept(t)
	p.whole(t)
	p.converged(t)
	p.l.MustExec("node1", "sh", "-ec", "mkdir -p /mnt2; mount /dev/drbd1 /mnt2; echo second >/mnt2/data; sync")
	if log := p.l.MustExec("node1", "sh", "-c", "dmesg | grep -c 'block drbd0: Began resync' || true"); log != "1\n" {
		t.Errorf("volume 0 was copied %s times", log)
	}
	p.write(t, p.text)
	if out, err := p.run("apply", "--yes", "--allow", "outage"); err == nil || !strings.Contains(out, "/dev/drbd1 is in use (/mnt2)") {
		t.Errorf("a mounted volume goes: %v\n%s", err, out)
	}
	if got := p.l.MustExec("node2", "drbdadm", "role", "r0"); !strings.HasPrefix(got, "Secondary/Primary") {
		t.Errorf("roles: %q", got)
	}
	p.l.MustExec("node1", "umount", "/mnt2")
	p.must(t, "apply", "--yes", "--allow", "outage")
	p.converged(t)
	p.kept(t)
}

func (p *drbdPair) imported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "imported")
	c := p.l.HactlCmd("import", "-f", p.file, "--output", dir)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	if out, stderr, code := p.l.Hactl("plan", "-f", dir); code != 0 || !strings.Contains(out, "nothing to do") && !strings.Contains(out, "adopt") {
		t.Errorf("the plan after the import: %d\n%s%s", code, out, stderr)
	}
}

func (p *drbdPair) pruned(t *testing.T) {
	p.write(t, manifestText(t, p.l))
	if out, _ := p.run("apply", "--yes", "--prune", "--allow", "data-loss=DRBDResource/r0"); !strings.Contains(out, "r0 is in use nowhere") {
		t.Errorf("in use:\n%s", out)
	}
	p.kept(t)
	p.l.MustExec("node1", "sh", "-ec", "umount /mnt; drbdadm secondary r0")
	if out, err := p.run("apply", "--yes", "--prune"); err == nil || !strings.Contains(out, "--allow data-loss=DRBDResource/r0") {
		t.Errorf("without its name: %v\n%s", err, out)
	}
	p.must(t, "apply", "--yes", "--prune", "--allow", "data-loss=DRBDResource/r0")
	if got := p.l.MustExec("node1", "sh", "-c", "ls /etc/drbd.d /var/lib/hactl/drbd; drbdadm status; wipefs --noheadings --output TYPE "+p.l.Disk("node1", 1)); strings.Contains(got, "r0") || strings.Contains(got, "drbd\n") {
		t.Errorf("left: %s", got)
	}
	p.converged(t)
}

// manifestText is the cluster of the lab's guests.
func manifestText(t *testing.T, l *lab.Lab) string {
	t.Helper()
	return read(t, manifests(t, l, ""))
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

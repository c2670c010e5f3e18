package vm

import (
	"fmt"
	"strings"
	"testing"
)

// TestDRBDPeer replaces the peer of a resource that is mounted: node2 leaves, node3 joins and is filled. DRBD 8.4 has two nodes, so this is one change.
func TestDRBDPeer(t *testing.T) {
	p := newAlone(t, "node1", "node2", "node3")
	p.must(t, "apply", "--yes")
	p.whole(t)
	p.mount(t)
	first := p.text
	p.text = manifestText(t, p.l) + strings.ReplaceAll(fmt.Sprintf(alone, p.l.Node("node1").Ring, p.l.Node("node3").Ring, p.l.Disk("node1", 1), p.l.Disk("node3", 1)), "node2", "node3")

	t.Run("not while its copy is the only good one", func(t *testing.T) {
		p.l.MustExec("node1", "umount", "/mnt")
		p.l.MustExec("node1", "sh", "-ec", "drbdadm secondary r0; drbdadm invalidate r0; drbdadm disconnect r0")
		p.write(t, p.text)
		if out, err := p.run("apply", "--yes", "--allow", "redundancy"); err == nil || !strings.Contains(out, "node2") {
			t.Errorf("the only good copy leaves: %v\n%s", err, out)
		}
		if got := p.l.MustExec("node2", "drbdadm", "dstate", "r0"); !strings.HasPrefix(got, "UpToDate/") {
			t.Errorf("node2 has %q", got)
		}
		p.write(t, first)
		p.l.MustExec("node1", "drbdadm", "connect", "r0")
		p.whole(t)
		p.l.MustExec("node1", "sh", "-ec", "drbdadm primary r0; mount /dev/drbd0 /mnt")
		p.kept(t)
	})
	t.Run("replaced while it is mounted", func(t *testing.T) {
		p.write(t, p.text)
		if out, err := p.run("apply", "--yes"); err == nil || !strings.Contains(out, "redundancy") {
			t.Errorf("without the allowance: %v\n%s", err, out)
		}
		p.must(t, "apply", "--yes", "--allow", "redundancy")
		p.kept(t)
		p.whole(t)
		p.converged(t)
		if got := p.l.MustExec("node3", "drbdadm", "role", "r0"); got != "Secondary/Primary\n" {
			t.Errorf("node3 is %q", got)
		}
		if got, err := p.l.Exec("node2", "drbdsetup", "status", "r0"); err == nil {
			t.Errorf("node2 still has it up: %s", got)
		}
	})
	t.Run("the new copy is the data", func(t *testing.T) {
		p.l.MustExec("node1", "sh", "-ec", "umount /mnt; drbdadm secondary r0")
		p.l.MustExec("node3", "sh", "-ec", "drbdadm primary r0; mount /dev/drbd0 /mnt")
		if got := p.l.MustExec("node3", "cat", "/mnt/data"); got != "precious\n" {
			t.Errorf("node3 has %q", got)
		}
		p.l.MustExec("node3", "sh", "-ec", "umount /mnt; drbdadm secondary r0")
	})
}

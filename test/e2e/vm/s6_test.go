package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestS6 is a target on one of four nodes and all of them logged in, from bare guests, and what its scenario changes later. TestISCSI breaks it.
func TestS6(t *testing.T) {
	l := lab.UpVM(t, 4)
	dir := applied(t, l, "s6-iscsi")
	disks := func(want int) {
		t.Helper()
		for _, n := range l.Nodes() {
			for lun := range want {
				disk := fmt.Sprintf("/dev/disk/by-path/ip-%s:3260-iscsi-%s-lun-%d", l.Node("node4").LAN, iqn, lun)
				if size, err := l.Exec(n.Name, "blockdev", "--getsize64", disk); err != nil || strings.TrimSpace(size) != "2147483648" {
					t.Errorf("%s: %s has %q bytes (%v)", n.Name, disk, size, err)
				}
			}
		}
	}
	sessions := func(node string) string { return l.MustExec(node, "sh", "-c", "ls /sys/class/iscsi_session") }
	disks(3)
	const zero = "/dev/disk/by-path/ip-192.168.90.4:3260-iscsi-" + iqn + "-lun-0"
	sum := l.MustExec("node1", "sh", "-c", `dd if=/dev/urandom of="$0" bs=1M count=8 oflag=direct status=none; head -c 8M "$0" | sha256sum`, zero)
	before := sessions("node1")

	// A fourth disk on the running target, an initiator less and a password that is another, in one change.
	b, err := os.ReadFile(filepath.Join(dir, "cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CHAP_NODE2_NEW", "labpass-two-new")
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(string(b), "CHAP_NODE2", "CHAP_NODE2_NEW")) {
		if strings.Contains(line, "node3.init") {
			continue
		}
		if lines = append(lines, line); strings.Contains(line, "name: sdd") {
			lines = append(lines, strings.ReplaceAll(line, "sdd", "sde"))
		}
	}
	file := filepath.Join(t.TempDir(), "changed.yaml")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, l, file, "loses its disks") // node3 is logged in
	// The session that nobody asks for any more ends first, on its own node.
	l.MustExec("node3", "iscsiadm", "-m", "node", "--logout")
	apply(t, l, file, "--prune")
	if now := sessions("node1"); now != before {
		t.Errorf("the session was %s and is %s", before, now)
	}
	for _, n := range []string{"node1", "node2", "node4"} {
		if s := l.MustExec(n, "lsblk", "-bdno", "SIZE", "/dev/disk/by-path/ip-192.168.90.4:3260-iscsi-"+iqn+"-lun-3"); strings.TrimSpace(s) != "2147483648" {
			t.Errorf("%s: the fourth disk has %s bytes", n, s)
		}
	}
	if out := l.MustExec("node4", "ls", "/sys/kernel/config/target/iscsi/"+iqn+"/tpgt_1/acls"); strings.Contains(out, "node3") || !strings.Contains(out, "node2") {
		t.Errorf("there is %s", out)
	}

	l.MustExec("node4", "sync")
	l.Power("node4", "reset")
	l.WaitSSH("node4")
	within(t, "the target is back after the reboot", func() string {
		now, err := l.Exec("node1", "sh", "-c", `echo 3 >/proc/sys/vm/drop_caches; head -c 8M "$0" | sha256sum`, zero)
		if err != nil || now != sum {
			return fmt.Sprintf("the disk held %s and holds %s (%v)", sum, now, err)
		}
		return ""
	})
}

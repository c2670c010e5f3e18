package vm

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestS8 is a file system on a volume group that one node at a time may use, on a disk from a third machine.
func TestS8(t *testing.T) {
	l := blank3(t, "192.168.90")
	dir, err := filepath.Abs("../../../examples/s8-ha-lvm")
	if err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := l.Hactl("plan", "-f", dir); code != 2 || !strings.Contains(out, "known after shared-sessions logs in") {
		t.Errorf("the plan does not say what the disk is known after: exit code %d\n%s%s", code, out, stderr)
	}
	applied(t, l, "s8-ha-lvm")

	// active tells whether the kernel has the volume.
	active := func(node string) bool {
		return strings.Contains(l.MustExec(node, "dmsetup", "ls"), "vg_ha_lvm-lv_ha_lvm")
	}
	owner := func(t *testing.T, node string) {
		t.Helper()
		for _, n := range []string{"node1", "node2"} {
			if id := strings.TrimSpace(l.MustExec(n, "vgs", "--foreign", "--noheadings", "-o", "systemid", "vg_ha_lvm")); id != node {
				t.Errorf("%s sees the system ID %q, want %s", n, id, node)
			}
			if active(n) != (n == node) {
				t.Errorf("%s runs the group; is the volume active on %s: %t", node, n, active(n))
			}
		}
	}
	s := service{lab: l, dir: dir, last: "ha_lvm_fs", mount: "/home/lvm_directory"}
	s.returned = func(t *testing.T, node, by string) {
		if out := l.MustExec(node, "sh", "-c", "systemctl is-active open-iscsi; ls /sys/class/iscsi_session"); !strings.HasPrefix(out, "active\nsession") {
			t.Errorf("%s is not logged in after its boot: %s", node, out)
		}
		owner(t, by)
	}
	s.failsOver(t)

	// Even the owner leaves the group alone at boot: -aay is what LVM does then.
	t.Run("nobody activates it at boot", func(t *testing.T) {
		on := where(t, l, "node1", s.last)
		owner(t, on)
		l.MustExec(on, "crm_resource", "--resource", "ha_lvm_group", "--meta", "--set-parameter", "target-role", "--parameter-value", "Stopped")
		within(t, "the group is stopped", func() string { return elsewhere(t, l, on, s.last, "") })
		within(t, "the volume is inactive", func() string {
			if active(on) {
				return "it is active"
			}
			return ""
		})
		if _, err := l.Exec(on, "vgchange", "-aay"); err != nil {
			t.Error(err)
		}
		if active(on) {
			t.Errorf("%s has activated it by itself", on)
		}
		l.MustExec(on, "crm_resource", "--resource", "ha_lvm_group", "--meta", "--delete-parameter", "target-role")
		within(t, "the group runs again", func() string { return elsewhere(t, l, on, s.last, on) })
		s.converged(t)
	})
}

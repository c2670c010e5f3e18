package vm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestVolumeGroups makes a group on blank disks of two guests, lets it grow under a mounted file system, and tries to have disks overwritten.
func TestVolumeGroups(t *testing.T) {
	l := formed(t)
	group := func(data string) string {
		return fmt.Sprintf(`---
apiVersion: hactl/v1
kind: VolumeGroup
metadata: {name: vg0}
spec:
  physicalVolumes:
  - devices: {node1: %s, node2: %s}
  - {devices: {node1: %s, node2: %s}, partition: true}
  volumes:
  - {name: data, size: %s, filesystem: {type: ext4}}
  - {name: x, size: %s, filesystem: {type: xfs}}
  - {name: pool, size: 100M, type: thin-pool}
  - {name: thin, size: 1G, type: thin, thinPool: pool}
`, l.Disk("node1", 1), l.Disk("node2", 1), l.Disk("node1", 2), l.Disk("node2", 2), data, map[bool]string{true: "320M", false: "340M"}[data == "100M"])
	}
	apply(t, l, manifests(t, l, group("100M")))
	sum := `sha256sum /mnt/data/f /mnt/x/f`
	before := l.MustExec("node1", "sh", "-c", "mkdir -p /mnt/data /mnt/x; mount /dev/vg0/data /mnt/data; mount /dev/vg0/x /mnt/x; "+
		"for d in data x; do dd if=/dev/urandom of=/mnt/$d/f bs=1M count=20 status=none; done; sync; "+sum)

	t.Run("grows online", func(t *testing.T) {
		apply(t, l, manifests(t, l, group("150M")))
		if after := l.MustExec("node1", "sh", "-c", "echo 3 > /proc/sys/vm/drop_caches; "+sum); after != before {
			t.Errorf("the data was %s and is %s", before, after)
		}
		if size := l.MustExec("node1", "sh", "-c", "df --output=size -m /mnt/x | tail -n 1"); strings.TrimSpace(size) < "260" {
			t.Errorf("the xfs has %s MiB", size)
		}
	})
	t.Run("import", func(t *testing.T) {
		out, stderr, code := l.Hactl("import", "--host", "node1")
		if code != 0 || !strings.Contains(out, "kind: VolumeGroup") || !strings.Contains(out, "{name: thin, size: 1G, type: thin, thinPool: pool}") {
			t.Errorf("%d %s%s", code, out, stderr)
		}
	})
	t.Run("a disk that holds something", func(t *testing.T) { testSignature(t, l, l.Disk("node2", 3)) })
	t.Run("a disk that returns errors", func(t *testing.T) {
		l.MustExec("node2", "dmsetup", "create", "bad", "--table", "0 204800 error")
		refused(t, l, manifests(t, l, single("/dev/mapper/bad")), "/dev/mapper/bad cannot be read")
	})
}

func single(disk string) string {
	return "---\napiVersion: hactl/v1\nkind: VolumeGroup\nmetadata: {name: vg1}\nspec:\n  nodes: [node2]\n  physicalVolumes: [{device: " + disk + "}]\n" +
		"  volumes: [{name: v, size: 100%FREE, filesystem: {type: ext4}}]\n"
}

// What is on a disk stays there unless the group's name is allowed, whatever it is.
func testSignature(t *testing.T, l *lab.Lab, disk string) {
	file := manifests(t, l, single(disk))
	for _, c := range []struct{ what, make string }{
		{"ext4", "mkfs.ext4 -q"}, {"swap", "mkswap"}, {"crypto_LUKS", "echo secret | cryptsetup luksFormat --pbkdf-force-iterations 1000 --pbkdf pbkdf2 -q"},
		{"linux_raid_member", "mdadm --create /dev/md9 -q --run --level=1 --force --raid-devices=1"}, {"LVM2_member", "pvcreate -q"}, {"gpt", "sgdisk -o"},
		{"drbd", "drbdmeta --force 9 v08 $0 internal create-md #"},
	} {
		l.MustExec("node2", "sh", "-c", "mdadm --stop --scan 2>/dev/null; wipefs -qa $0; eval \"$1 $0\" >/dev/null 2>&1; mdadm --stop --scan 2>/dev/null; udevadm settle", disk, c.make)
		before := l.MustExec("node2", "sha256sum", disk)
		refused(t, l, file, c.what)
		if after := l.MustExec("node2", "sha256sum", disk); after != before {
			t.Errorf("%s: the disk is not what it was", c.what)
		}
	}
	apply(t, l, file, "--allow", "data-loss=VolumeGroup/vg1")
}

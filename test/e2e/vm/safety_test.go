package vm

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestDataSafety breaks disks, file systems and hactl itself under volume groups with data. Nothing may be lost, and hactl goes on where it stopped
// once the cause is gone. All of it is on node2; the parts run in order.
func TestDataSafety(t *testing.T) {
	s := safety{formed(t)}
	t.Run("a name that leads to another disk", s.renamed)
	t.Run("a disk that stops to take writes", s.failing)
	t.Run("no room", s.full)
	t.Run("killed between any two steps", s.killed)
	t.Run("prune", s.pruned)
}

type safety struct{ *lab.Lab }

func (s safety) sh(script string, args ...string) string {
	return s.MustExec("node2", append([]string{"sh", "-ec", script, "sh"}, args...)...)
}

// group is the manifest of a volume group on node2; the lines are the rest of its spec.
func group(name, disk string, lines ...string) string {
	return fmt.Sprintf("---\napiVersion: hactl/v1\nkind: VolumeGroup\nmetadata: {name: %s}\nspec:\n  nodes: [node2]\n  physicalVolumes: [{device: %s}]\n  %s\n", name, disk, strings.Join(lines, "\n  "))
}

// The kernel gives the names of two disks the other way round, as it may at any boot.
func (s safety) renamed(t *testing.T) {
	id := s.Disk("node2", 3)
	name := strings.TrimSpace(s.sh(`readlink -f "$1"`, id))
	file := manifests(t, s.Lab, group("vgname", name, "volumes: [{name: v, size: 64M}]"))
	apply(t, s.Lab, file)
	other := s.Disk("node2", 4)
	// The kernel sees the first disk before the second, and names them so.
	order := func(first, second string) {
		s.sh(`vgchange -qq -an vgname; at() { readlink -f "/sys/block/$(basename "$(readlink -f "$1")")/device"; }
a=$(at "$1"); b=$(at "$2")
for d in "$a" "$b"; do echo 1 >"$d/delete"; done
udevadm settle
for d in "$a" "$b"; do h=${d##*/}; IFS=:; set -- $h; unset IFS; echo "$2 $3 $4" >"/sys/class/scsi_host/host$1/scan"; udevadm settle; done`, first, second)
	}
	was := s.sh(`[ "$(readlink -f "$1")" \< "$(readlink -f "$2")" ] && echo first || echo second`, id, other) == "first\n"
	swap := func(back bool) {
		if was == back {
			order(id, other)
		} else {
			order(other, id)
		}
	}
	swap(false)
	if now := strings.TrimSpace(s.sh(`readlink -f "$1"`, id)); now == name {
		t.Fatalf("the disk is still %s", name)
	}
	sums := func() string { return s.sh(`for d; do head -c 32M "$d" | md5sum; done`, id, other) }
	before := sums()
	refused(t, s.Lab, file, fmt.Sprintf("%s was the disk wwn:0x5000c50077020003 when hactl put it into the group, and is wwn:0x5000c50077020004 now", name))
	if after := sums(); after != before {
		t.Errorf("something was written: %s, before: %s", after, before)
	}
	swap(true)
	apply(t, s.Lab, file)
	s.sh("vgremove -qq -y vgname; pvremove -qq \"$1\"", id)
}

// flaky maps a device over all but the beginning of a disk, so that nobody takes the disk for the same physical volume. From a sector on writes fail.
func (s safety) flaky(good string) {
	s.sh(`n=$(($(blockdev --getsz "$1") - 2048)); good=$2; [ "$good" != all ] || good=$n
{ [ "$good" = 0 ] || echo "0 $good linear $1 2048"; [ "$good" = $n ] || echo "$good $((n - good)) flakey $1 $((2048 + good)) 0 3600 1 error_writes"; } >/run/flaky
if [ -e /dev/mapper/flaky ]; then dmsetup suspend --nolockfs flaky; dmsetup load flaky </run/flaky; dmsetup resume flaky; else dmsetup create flaky </run/flaky; fi; udevadm settle`,
		s.Disk("node2", 1), good)
}

func (s safety) failing(t *testing.T) {
	of := func(size string) string {
		return manifests(t, s.Lab, group("vgbad", "/dev/mapper/flaky", "volumes: [{name: data, size: "+size+", filesystem: {type: ext4}}]"))
	}
	s.flaky("all")
	apply(t, s.Lab, of("64M"))
	s.data("vgbad")
	sum := s.sum("vgbad")
	for _, c := range []struct{ good, size, words string }{
		{"2048", "96M", "grow ext4 on /dev/vgbad/data"}, // LVM's own first MiB is well, so the volume grows and its file system cannot
		{"0", "128M", "lvextend"},
	} {
		s.flaky(c.good)
		refused(t, s.Lab, of(c.size), c.words)
		s.flaky("all")
		apply(t, s.Lab, of(c.size))
		if now := s.sum("vgbad"); now != sum {
			t.Errorf("%s: the data was %s and is %s", c.words, sum, now)
		}
	}
	s.sh("vgremove -qq -y vgbad; dmsetup remove flaky")
}

// data puts 16 MiB on the volume data of a group, whose checksum sum gives. It is mounted only meanwhile.
func (s safety) data(vg string) {
	s.sh(`mkdir -p /mnt/safe; mount "/dev/$1/data" /mnt/safe; dd if=/dev/urandom of=/mnt/safe/f bs=1M count=16 conv=fsync status=none; umount /mnt/safe`, vg)
}

func (s safety) sum(vg string) string {
	return s.sh(`mkdir -p /mnt/safe; mount -o ro "/dev/$1/data" /mnt/safe; sha256sum /mnt/safe/f; umount /mnt/safe`, vg)
}

func (s safety) full(t *testing.T) {
	disk := s.Disk("node2", 2)
	of := func(size string, more ...string) string {
		return manifests(t, s.Lab, group("vgfull", disk, append(more, "volumes:", "- {name: data, size: "+size+", filesystem: {type: ext4}}")...))
	}
	// room leaves no byte in a folder; what is in it stays to be seen.
	fill := func(dir string) func() {
		s.sh(`mkdir -p "$1" /run/full; rm -rf /run/full/*; cp -a "$1/." /run/full/; mount -t tmpfs -o size=1m full "$1"; cp -a /run/full/. "$1/"; dd if=/dev/zero of="$1/fill" bs=1k status=none 2>/dev/null || true`, dir)
		return func() { s.sh(`rm -f "$1/fill"; cp -a "$1/." /run/full/; umount "$1"; cp -a /run/full/. "$1/"`, dir) }
	}
	apply(t, s.Lab, of("64M"))
	s.data("vgfull")
	sum := s.sum("vgfull")

	// LVM keeps a copy of the group's metadata there before it changes them, and hactl writes LVM's settings there.
	free := fill("/etc/lvm")
	ls := func() string { return s.sh("cd /etc/lvm; find . -type f ! -name fill -exec sha256sum {} + | sort") }
	before := ls()
	refused(t, s.Lab, of("64M", "shared: true", "systemIDSource: uname"), "No space left on device", "--allow", "adopt")
	if after := ls(); after != before {
		t.Errorf("/etc/lvm held\n%s\nand holds\n%s", before, after)
	}
	free()
	free = fill("/etc/lvm")
	refused(t, s.Lab, of("96M"), "No space left on device")
	free()
	apply(t, s.Lab, of("96M"))
	refused(t, s.Lab, of("4G"), "data needs 4000M more, and the group has 412M left")
	refused(t, s.Lab, of("32M"), "vgfull/data has 96M and the manifest says 32M; hactl makes no volume smaller")
	if now := s.sum("vgfull"); now != sum {
		t.Errorf("the data was %s and is %s", sum, now)
	}

	pool := func(name, size string) string {
		return manifests(t, s.Lab, group("vgfull", disk, "volumes:", "- {name: data, size: 96M, filesystem: {type: ext4}}", "- {name: pool, size: "+size+", type: thin-pool}",
			"- {name: thin, size: 1G, type: thin, thinPool: pool}", name))
	}
	apply(t, s.Lab, pool("", "32M"))
	s.sh("dd if=/dev/urandom of=/dev/vgfull/thin bs=1M count=32 oflag=direct status=none")
	refused(t, s.Lab, pool("- {name: more, size: 64M, type: thin, thinPool: pool, filesystem: {type: ext4}}", "32M"), "its pool pool (32M) is full to 100 %")
	apply(t, s.Lab, pool("- {name: more, size: 64M, type: thin, thinPool: pool, filesystem: {type: ext4}}", "64M"))
}

// growth is a line of the events of what is done with the group.
var growth = regexp.MustCompile(`^node2 +(create|update|start) .*(BlockDevice|VolumeGroup)`)

// killed kills applies while the group gets a disk and everything in it grows.
func (s safety) killed(t *testing.T) {
	sum := s.sum("vgfull")
	text := group("vgfull", s.Disk("node2", 2), "volumes:", "- {name: data, size: 160M, filesystem: {type: ext4}}", "- {name: pool, size: 96M, type: thin-pool}",
		"- {name: thin, size: 1G, type: thin, thinPool: pool}", "- {name: more, size: 128M, type: thin, thinPool: pool, filesystem: {type: ext4}}",
		"- {name: new, size: 320M, filesystem: {type: xfs}}")
	file := manifests(t, s.Lab, strings.Replace(text, "physicalVolumes: [", "physicalVolumes: [{device: "+s.Disk("node2", 4)+"}, ", 1))
	killedAtEachStep(t, func() *exec.Cmd { return s.HactlCmd("apply", "--yes", "-f", file) }, growth, 2, 6)
	apply(t, s.Lab, file)
	if now := s.sum("vgfull"); now != sum {
		t.Errorf("the data was %s and is %s", sum, now)
	}
	if out := s.sh("lsblk -nbo SIZE /dev/vgfull/data /dev/vgfull/more /dev/vgfull/new; blkid -o value -s TYPE /dev/vgfull/new"); strings.Join(strings.Fields(out), " ") !=
		fmt.Sprintf("%d %d %d xfs", 160<<20, 128<<20, 320<<20) {
		t.Errorf("the volumes are %s", out)
	}
}

func (s safety) pruned(t *testing.T) {
	without := manifests(t, s.Lab, strings.Replace(group("vgfull", s.Disk("node2", 2), "volumes: [{name: new, size: 320M, filesystem: {type: xfs}}]"),
		"physicalVolumes: [", "physicalVolumes: [{device: "+s.Disk("node2", 4)+"}, ", 1))
	s.sh("lvcreate -qq -y -n theirs -L 16M vgfull; head -c 16M /dev/urandom >/dev/vgfull/theirs; mount /dev/vgfull/data /mnt/safe; sync")
	before := s.sh("sha256sum /dev/vgfull/theirs /mnt/safe/f")
	all := []string{"--prune", "--allow", "data-loss=VolumeGroup/vgfull"}
	prune := func(file, words string, args ...string) {
		t.Helper()
		out, stderr, code := s.Hactl(append([]string{"apply", "-f", file}, args...)...)
		if code == 0 || !strings.Contains(out+stderr, words) {
			t.Errorf("%v: %d, want it refused with %q\n%s%s", args, code, words, out, stderr)
		}
	}
	prune(without, "vgfull/data is in use on node2", all...)
	s.sh("umount /mnt/safe")
	prune(without, "data-loss=VolumeGroup/vgfull", "--prune", "--allow", "data-loss=VolumeGroup/other")
	s.sh("mount /dev/vgfull/data /mnt/safe")
	if now := s.sh("sha256sum /dev/vgfull/theirs /mnt/safe/f"); now != before {
		t.Errorf("there was %s and is %s", before, now)
	}
	s.sh("umount /mnt/safe")
	volumes := func() string { return strings.Join(strings.Fields(s.sh("lvs --noheadings -o lv_name vgfull")), " ") }
	apply(t, s.Lab, without, all...)
	if left := volumes(); left != "new theirs" {
		t.Errorf("left: %s", left)
	}
	apply(t, s.Lab, manifests(t, s.Lab, ""), all...) // the group as a whole, which stays for what somebody else has in it
	if left := volumes(); left != "theirs" {
		t.Errorf("left: %s", left)
	}
	if now := s.sh("sha256sum /dev/vgfull/theirs"); !strings.HasPrefix(before, now) {
		t.Errorf("there was %s and is %s", before, now)
	}
	s.sh("lvremove -qq -y vgfull/theirs")
}

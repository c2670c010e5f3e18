package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

const iqn = "iqn.2023-02.com.example:blocks"

// blocks is S6: a target on node2 with fileio disks, and both nodes logged in to it. disks are NAME=SIZE.
func blocks(l *lab.Lab, initiators []string, disks ...string) string {
	var backstores, acls, nodes strings.Builder
	for _, d := range disks {
		name, size, _ := strings.Cut(d, "=")
		fmt.Fprintf(&backstores, "  - {name: %s, fileio: {path: /var/lib/iscsi_disks/%s.img, size: %s}}\n", name, name, size)
	}
	for _, n := range initiators {
		auth := fmt.Sprintf("auth: {user: %s, password: {file: %s.chap}}", n, n)
		fmt.Fprintf(&acls, "  - {initiator: \"iqn.2023-02.com.example:%s.init\", %s}\n", n, auth)
		fmt.Fprintf(&nodes, "  - {name: %s, initiatorName: \"iqn.2023-02.com.example:%s.init\", %s}\n", n, n, auth)
	}
	return fmt.Sprintf(`---
apiVersion: hactl/v1
kind: ISCSITarget
metadata: {name: blocks}
spec:
  host: node2
  iqn: %s
  backstores:
%s  acls:
%s---
apiVersion: hactl/v1
kind: ISCSIInitiator
metadata: {name: blocks-sessions}
spec:
  target: %s
  portals: ["%s:3260"]
  record: {node.session.timeo.replacement_timeout: 15}
  nodes:
%s`, iqn, &backstores, &acls, iqn, l.Nodes()[1].LAN, &nodes)
}

// TestISCSI is S6: three disks with CHAP, a fourth on the running target, a password changed, an initiator removed, a wrong password, a reboot.
func TestISCSI(t *testing.T) {
	l := formed(t)
	both := []string{"node1", "node2"}
	write := func(passwords map[string]string, more string) string {
		file := manifests(t, l, more)
		for n, p := range passwords {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), n+".chap"), []byte(p), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return file
	}
	first := map[string]string{"node1": "labpass-one-1", "node2": "labpass-two-2"}
	apply(t, l, write(first, blocks(l, both, "sdb=2G", "sdc=2G", "sdd=2G")))
	disk := func(lun int) string {
		return fmt.Sprintf("/dev/disk/by-path/ip-%s:3260-iscsi-%s-lun-%d", l.Nodes()[1].LAN, iqn, lun)
	}
	size := func(node string, lun int) string {
		return strings.TrimSpace(l.MustExec(node, "blockdev", "--getsize64", disk(lun)))
	}
	session := func() string { return l.MustExec("node1", "sh", "-c", "ls /sys/class/iscsi_session") }
	for _, n := range both {
		for lun := range 3 {
			if s := size(n, lun); s != "2147483648" {
				t.Errorf("%s: LUN %d has %s bytes", n, lun, s)
			}
		}
	}
	for lun, file := range []string{"sdb", "sdc", "sdd"} { // in the order of the manifest
		l.MustExec("node1", "sh", "-c", `printf '%s' "$1" | dd of="$0" bs=512 seek=1 conv=sync,fsync,notrunc status=none`, disk(lun), file)
		if is := l.MustExec("node2", "sh", "-c", `dd if="/var/lib/iscsi_disks/$0.img" bs=1 skip=512 count=3 status=none`, file); is != file {
			t.Errorf("LUN %d is not %s.img, which holds %q", lun, file, is)
		}
	}
	if out := l.MustExec("node1", "sh", "-c", "find /etc/iscsi/nodes -type f -perm /077"); out != "" {
		t.Errorf("others can read %s", out)
	}

	// A loop writes and syncs to a disk while the target changes under it.
	l.MustExec("node1", "sh", "-c", `rm -f /tmp/stop; (i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); dd if=/dev/urandom of=$0 bs=64k count=1 seek=$((i % 100)) conv=fsync,notrunc status=none || echo failed; done >/tmp/loop 2>&1; echo ended >>/tmp/loop) >/dev/null 2>&1 &`, disk(0))
	before := session()
	apply(t, l, write(first, blocks(l, both, "sdb=2G", "sdc=2G", "sdd=2560M", "sde=1G")))
	if s := size("node1", 3); s != "1073741824" {
		t.Errorf("the fourth disk has %s bytes", s)
	}
	if s := size("node1", 2); s != "2684354560" {
		t.Errorf("the disk that grew has %s bytes", s)
	}
	second := map[string]string{"node1": "labpass-three-3", "node2": "labpass-two-2"}
	after := write(second, blocks(l, both, "sdb=2G", "sdc=2G", "sdd=2560M", "sde=1G"))
	apply(t, l, after)
	out := l.MustExec("node1", "sh", "-c", "cat /tmp/loop; touch /tmp/stop; while ! grep -q ended /tmp/loop; do sleep 0.2; done; cat /tmp/loop")
	if strings.TrimSpace(out) != "ended" {
		t.Errorf("the loop was disturbed: %s", out)
	}
	if now := session(); now != before {
		t.Errorf("the session was %s and is %s", before, now)
	}

	t.Run("a wrong password", func(t *testing.T) {
		l.MustExec("node1", "iscsiadm", "-m", "node", "--logout")
		wrong := write(second, strings.Replace(blocks(l, both, "sdb=2G", "sdc=2G", "sdd=2560M", "sde=1G"),
			`node1.init", auth: {user: node1, password: {file: node1.chap}}}`+"\n  - {name: node2", `node1.init", auth: {user: node1, password: {file: node2.chap}}}`+"\n  - {name: node2", 1))
		refused(t, l, wrong, "authorization failure")
		apply(t, l, after) // the right one logs in with the new password
	})
	t.Run("a reboot", func(t *testing.T) {
		sum := l.MustExec("node1", "sh", "-c", "head -c 6553600 $0 | sha256sum", disk(0))
		l.MustExec("node1", "sh", "-c", "systemctl enable corosync pacemaker; sync")
		l.MustExec("node2", "sh", "-c", "systemctl enable corosync pacemaker; sync")
		l.Power("node2", "reset")
		l.WaitSSH("node2")
		apply(t, l, after)
		if now := l.MustExec("node1", "sh", "-c", "echo 3 > /proc/sys/vm/drop_caches; head -c 6553600 $0 | sha256sum", disk(0)); now != sum {
			t.Errorf("the disk held %s and holds %s", sum, now)
		}
	})
	t.Run("mutual CHAP", func(t *testing.T) {
		mutual := write(map[string]string{"node1": "labpass-three-3", "node2": "labpass-two-2", "back": "labpass-back-4"},
			strings.ReplaceAll(blocks(l, both, "sdb=2G", "sdc=2G", "sdd=2560M", "sde=1G"), "{user: node1,", "{mutualUser: back, mutualPassword: {file: back.chap}, user: node1,"))
		before := session()
		apply(t, l, mutual)
		if now := session(); now != before {
			t.Errorf("the session was %s and is %s", before, now)
		}
		l.MustExec("node1", "iscsiadm", "-m", "node", "--logout")
		apply(t, l, mutual) // both sides show their passwords now
		out, _, _ := l.Hactl("status", "-f", mutual)
		for _, words := range []string{"logged in at", "LUN 3 /var/lib/iscsi_disks/sde.img 1G", "iqn.2023-02.com.example:node2.init"} {
			if !strings.Contains(strings.Join(strings.Fields(out), " "), words) {
				t.Errorf("the status does not tell %q:\n%s", words, out)
			}
		}
		apply(t, l, after)
	})
	t.Run("import", func(t *testing.T) { testImportISCSI(t, l) })
	t.Run("an initiator removed", func(t *testing.T) {
		file := write(second, blocks(l, both[:1], "sdb=2G", "sdc=2G", "sdd=2560M", "sde=1G"))
		if out, stderr, code := l.Hactl("apply", "-f", file); code == 0 || !strings.Contains(out+stderr, "loses its disks") {
			t.Errorf("an initiator that is logged in was removed without a word: %d %s%s", code, out, stderr)
		}
		apply(t, l, file, "--prune", "--allow", "outage")
		if out := l.MustExec("node2", "sh", "-c", "ls /sys/class/iscsi_session; ls /sys/kernel/config/target/iscsi/"+iqn+"/tpgt_1/acls"); strings.TrimSpace(out) != "iqn.2023-02.com.example:node1.init" {
			t.Errorf("there is still %s", out)
		}
	})
}

// testImportISCSI imports what hactl made on the guests, and beside it a target made with targetcli and a session made with iscsiadm. A plan of it is empty.
func testImportISCSI(t *testing.T, l *lab.Lab) {
	const (
		hand   = "iqn.2024-01.org.example:hand"
		script = `/backstores/block create name=hand dev=%[1]s
/backstores/block/hand set attribute is_nonrot=1
/iscsi create %[2]s
/iscsi/%[2]s/tpg1/luns create /backstores/block/hand
/iscsi/%[2]s/tpg1 set attribute authentication=1 default_cmdsn_depth=32
/iscsi/%[2]s/tpg1 set parameter DefaultTime2Wait=3
/iscsi/%[2]s/tpg1/acls create iqn.2023-02.com.example:node2.init
/iscsi/%[2]s/tpg1/acls/iqn.2023-02.com.example:node2.init set auth userid=hand password=handpass-1 mutual_userid=back mutual_password=backpass-2
saveconfig
`
	)
	c := l.Command("node1", "targetcli")
	c.Stdin = strings.NewReader(fmt.Sprintf(script, l.Disk("node1", 2), hand))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("targetcli: %v\n%s", err, out)
	}
	l.MustExec("node2", "sh", "-ec", `n="iscsiadm -m node -T $0"; iscsiadm -m discovery -t st -p "$1"
for kv in authmethod=CHAP username=hand password=handpass-1 username_in=back password_in=backpass-2; do $n -o update -n "node.session.auth.${kv%%=*}" -v "${kv#*=}"; done
$n --login`, hand, l.Nodes()[0].LAN)
	dir := filepath.Join(t.TempDir(), "imported")
	if out, stderr, code := l.Hactl("import", "--host", "node1", "--output", dir); code != 0 {
		t.Fatalf("import: %d\n%s%s", code, out, stderr)
	}
	files, _ := filepath.Glob(dir + "/*.yaml")
	var all string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	for _, words := range []string{hand, iqn, "is_nonrot: 1", "default_cmdsn_depth: 32", "DefaultTime2Wait: 3", "mutualUser: back", l.Disk("node1", 2)} {
		if !strings.Contains(all, words) {
			t.Errorf("%q is not imported:\n%s", words, all)
		}
	}
	if strings.Contains(all, "handpass") || strings.Contains(all, "labpass") {
		t.Errorf("a password stands in a manifest:\n%s", all)
	}
	if out, stderr, code := l.Hactl("plan", "-f", dir); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("a plan of what was imported is not empty: %d\n%s%s", code, out, stderr)
	}
	l.MustExec("node2", "sh", "-ec", `iscsiadm -m node -T "$0" --logout; iscsiadm -m node -T "$0" -o delete`, hand)
	l.MustExec("node1", "targetcli", "/iscsi delete "+hand)
}

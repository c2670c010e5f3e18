package vm

import (
	"strings"
	"testing"
)

// holder opens a file ($1) once, locks it, and appends numbered lines with fsync through that one handle for ever; each number that is on the
// server's disk is noted in $2. An error (ESTALE, EIO where the lock was lost) ends it.
const holder = `
import fcntl, os, sys, time
f = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
fcntl.lockf(f, fcntl.LOCK_EX)
n = 0
with open(sys.argv[2], "w", buffering=1) as noted:
    while True:
        n += 1
        os.write(f, b"line %d\n" % n)
        os.fsync(f)
        noted.write("line %d\n" % n)
        time.sleep(0.2)
`

// TestS9 is S9 from bare guests to an NFS server. A client holds a file open by NFSv4, and one by NFSv3, and goes on writing to them through
// standby and power loss of the server's node.
func TestS9(t *testing.T) {
	l := blank3(t, "192.168.90")
	for _, n := range []string{"node1", "node2"} { // in place of a name server
		l.MustExec(n, "sh", "-c", "echo 192.168.90.250 nfs-share >>/etc/hosts")
	}
	dir := applied(t, l, "s9-nfs")
	l.MustExec("storage", "sh", "-c", `mkdir -p /mnt/v3 /mnt/v4
mount -t nfs -o vers=4.2,hard 192.168.90.250:/data /mnt/v4
mount -t nfs -o vers=3,hard 192.168.90.250:/nfs-share/exports/data /mnt/v3
printf '%s' "$0" >/tmp/holder.py
for v in 3 4; do setsid python3 /tmp/holder.py /mnt/v$v/held$v /tmp/noted$v </dev/null >/tmp/holder$v.log 2>&1 & done`, holder)
	said := ""
	service{lab: l, dir: dir, last: "nfs_notify", mount: "/nfs-share",
		write: func(_ *testing.T, _, text string) {
			said += text + "\n"
			l.MustExec("storage", "sh", "-c", `echo "$0" >>/mnt/v4/said; sync /mnt/v4/said`, text)
		},
		read: func(t *testing.T, node, _ string) {
			t.Helper()
			if have := l.MustExec("storage", "cat", "/mnt/v4/said"); have != said {
				t.Errorf("the client wrote %q and reads %q", said, have)
			}
			for _, v := range []string{"3", "4"} {
				before := l.MustExec("storage", "sh", "-c", "wc -l </tmp/noted"+v)
				within(t, "NFSv"+v+": the open file is written to after "+strings.TrimSpace(before)+" lines", func() string {
					if now := l.MustExec("storage", "sh", "-c", "wc -l </tmp/noted"+v); now == before {
						return "nothing is written: " + l.MustExec("storage", "cat", "/tmp/holder"+v+".log")
					}
					return ""
				})
				// The first lines on the server's disk are those that the client has noted.
				noted := l.MustExec("storage", "sh", "-c", "wc -l </tmp/noted"+v+"; head -n "+strings.TrimSpace(before)+" /tmp/noted"+v+" | sha256sum")
				if there := l.MustExec(node, "sh", "-c", "head -n "+strings.TrimSpace(before)+" /nfs-share/exports/data/held"+v+" | sha256sum"); !strings.HasSuffix(noted, "\n"+there) {
					t.Errorf("NFSv%s: the client has noted %q, and the server has %q", v, noted, there)
				}
				if log := l.MustExec("storage", "cat", "/tmp/holder"+v+".log"); log != "" {
					t.Errorf("NFSv%s: %s", v, log)
				}
			}
		},
	}.failsOver(t)
	if out := l.MustExec("storage", "sh", "-c", "dmesg | grep -i 'lock reclaim failed\\|lost [0-9]* locks' || true"); out != "" {
		t.Errorf("locks were lost: %s", out)
	}
}

package vm

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestISCSIAgents is S6 under Pacemaker: a disk on DRBD that moves between two nodes, and a machine outside the cluster that goes on writing to it
// by iSCSI while the active node goes to standby and while it loses its power. The parts run in order on one lab.
func TestISCSIAgents(t *testing.T) {
	l := lab.UpVMNamed(t, lab.Options{LAN: "192.168.1.0/24", Nodes: []string{"node1=192.168.1.11,192.168.91.1,10.79.0.1",
		"node2=192.168.1.12,192.168.91.2,10.79.0.2", "client=192.168.1.13,192.168.91.3,10.79.0.3"}})
	dir := applied(t, l, "s6-iscsi-agents")
	const disk = "/dev/disk/by-path/ip-192.168.1.100:3260-iscsi-iqn.2023-02.com.example:store-lun-0"
	run := func(script string, args ...string) string {
		return l.MustExec("client", append([]string{"sh", "-c", script, disk}, args...)...)
	}
	// 8 MiB far behind, and a loop that writes one block after the other with its number in it, and counts those that were acknowledged.
	const sum = `echo 3 >/proc/sys/vm/drop_caches; dd if="$0" bs=1M skip=64 count=8 status=none | sha256sum`
	run(`dd if=/dev/urandom of="$0" bs=1M seek=64 count=8 conv=fsync status=none`)
	written, session := run(sum), run("ls /sys/class/iscsi_session")
	run(`rm -f /tmp/stop; echo 0 >/tmp/last; (i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); printf '%08d' $i | dd of="$0" bs=4k seek=$i conv=sync,fsync,notrunc status=none || echo "failed at $i"
echo $i >/tmp/last; sleep 0.2; done; echo ended) >/tmp/loop 2>&1 </dev/null &`)
	last := func() int {
		n, err := strconv.Atoi(strings.TrimSpace(run("cat /tmp/last")))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	goesOn := func(t *testing.T) {
		t.Helper()
		from := last()
		within(t, "the writes go on", func() string {
			if n := last(); n < from+5 {
				return fmt.Sprintf("%d blocks were written, now %d", from, n)
			}
			return ""
		})
		if out := run("cat /tmp/loop"); out != "" {
			t.Errorf("the loop was disturbed: %s", out)
		}
		if now := run(sum); now != written {
			t.Errorf("the data was %s and is %s", written, now)
		}
		if now := run("ls /sys/class/iscsi_session"); now != session {
			t.Errorf("the session was %s and is %s", session, now)
		}
	}
	goesOn(t)
	const address = "address" // the group's last resource
	active := where(t, l, "node1", address)
	if active == "" {
		t.Fatal("the group runs nowhere")
	}
	t.Run("standby", func(t *testing.T) {
		l.MustExec(active, "crm_standby", "--update", "on")
		other := peer(active)
		within(t, "the group runs on "+other, func() string { return elsewhere(t, l, other, address, other) })
		goesOn(t)
		l.MustExec(active, "crm_standby", "--delete")
		active = other
	})
	t.Run("power loss", func(t *testing.T) {
		within(t, "both copies are UpToDate", func() string { return upToDate(l, active) })
		lost, other := active, peer(active)
		l.Kill(lost)
		within(t, "the group runs on "+other, func() string { return elsewhere(t, l, other, address, other) })
		goesOn(t)
		if out := l.MustExec(other, "stonith_admin", "--history", lost); !strings.Contains(out, "reboot") {
			t.Errorf("no fencing in the history:\n%s", out)
		}
		l.WaitSSH(lost)
		within(t, "both copies are UpToDate again", func() string { return upToDate(l, other) })
	})
	out := run(`touch /tmp/stop; while ! grep -q ended /tmp/loop; do sleep 0.2; done; cat /tmp/loop; echo 3 >/proc/sys/vm/drop_caches
n=$(cat /tmp/last); i=0; while [ $i -lt $n ]; do i=$((i+1)); [ "$(dd if="$0" bs=4k skip=$i count=1 status=none | head -c 8)" = "$(printf '%08d' $i)" ] || echo "block $i is lost"; done`)
	if strings.TrimSpace(out) != "ended" {
		t.Errorf("of %d blocks: %s", last(), out)
	}
	if out, stderr, code := l.Hactl("plan", "-f", dir); code != 0 {
		t.Errorf("the plan after it is not empty: exit code %d\n%s%s", code, out, stderr)
	}
}

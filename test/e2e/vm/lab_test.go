package vm

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestLab proves on two guests what all scenarios stand on: a real cluster, real disks, DRBD in the kernel, snapshots that a running
// cluster does not notice, and a power switch that fences. The parts run in order on one lab.
func TestLab(t *testing.T) {
	begun := time.Now()
	l := lab.UpVM(t, 2)
	boot := time.Since(begun)
	t.Logf("two guests answer on ssh after %s", since(begun))
	t.Run("bare", func(t *testing.T) { testBare(t, l) })
	t.Run("disks", func(t *testing.T) { testDisks(t, l) })
	t.Run("drbd", func(t *testing.T) {
		l.MustExec("node1", "modprobe", "drbd")
		if v := l.MustExec("node1", "cat", "/sys/module/drbd/version"); !strings.HasPrefix(v, "8.4.") {
			t.Errorf("the kernel's DRBD is %q, want 8.4", v)
		}
	})
	t.Run("cluster", func(t *testing.T) { testCluster(t, l) })
	t.Run("snapshot", func(t *testing.T) { testSnapshot(t, l, boot) })
	t.Run("power", func(t *testing.T) { testPower(t, l) })
}

func testBare(t *testing.T, l *lab.Lab) {
	for _, n := range l.Nodes() {
		if got, want := l.MustExec(n.Name, "cat", "/etc/hosts"), fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", n.LAN, n.Name); got != want {
			t.Errorf("%s: /etc/hosts is %q, want %q", n.Name, got, want)
		}
		for _, unit := range []string{"corosync", "pacemaker", "drbd", "nginx", "apache2", "nfs-server", "postgresql@15-main"} {
			if active, _ := l.Exec(n.Name, "systemctl", "is-active", unit); active != "inactive\n" {
				t.Errorf("%s: unit %s is %q, want inactive", n.Name, unit, active)
			}
		}
		if out, err := l.SSH(n.Name, "hostname").Output(); err != nil || string(out) != n.Name+"\n" {
			t.Errorf("%s over ssh: %v, %q", n.Name, err, out)
		}
	}
	// another account, and an argument that a shell would take apart
	if out, err := exec.Command("ssh", "-F", l.SSHConfig, "-l", "operator", "node1", "sudo -n id -u").Output(); err != nil || string(out) != "0\n" {
		t.Errorf("operator's sudo: %v, %q", err, out)
	}
	if got := l.MustExec("node1", "printf", "%s|", "it's", "$HOME  *"); got != "it's|$HOME  *|" {
		t.Errorf("arguments arrive as %q", got)
	}
}

func testDisks(t *testing.T, l *lab.Lab) {
	for n := 1; n <= 4; n++ {
		out, err := l.Exec("node1", "lsblk", "--nodeps", "--noheadings", "-o", "SERIAL,FSTYPE,TYPE", l.Disk("node1", n))
		if want := fmt.Sprintf("node1-disk%d disk", n); err != nil || strings.Join(strings.Fields(out), " ") != want {
			t.Errorf("disk %d is %q (%v), want %q and blank", n, out, err, want)
		}
	}
	l.Grow("node1", 1, "600M")
	if got := l.MustExec("node1", "blockdev", "--getsize64", l.Disk("node1", 1)); got != fmt.Sprintln(600<<20) {
		t.Errorf("the disk has %q bytes after it grew", got)
	}
}

func testCluster(t *testing.T, l *lab.Lab) {
	conf := "totem {\n version: 2\n cluster_name: lab\n transport: knet\n token: 5000\n}\n" +
		"quorum {\n provider: corosync_votequorum\n two_node: 1\n}\nlogging {\n to_syslog: yes\n}\nnodelist {\n"
	for i, n := range l.Nodes() {
		conf += fmt.Sprintf(" node {\n  name: %s\n  nodeid: %d\n  ring0_addr: %s\n  ring1_addr: %s\n }\n", n.Name, i+1, n.LAN, n.Ring)
	}
	conf += "}\n"
	begun := time.Now()
	for _, n := range l.Nodes() {
		c := l.Command(n.Name, "tee", "/etc/corosync/corosync.conf")
		c.Stdin = strings.NewReader(conf)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", n.Name, err, out)
		}
		l.MustExec(n.Name, "systemctl", "start", "--no-block", "corosync", "pacemaker")
	}
	online(t, l, "node1", 2)
	t.Logf("two nodes online with a DC after %s", since(begun))
}

// The cluster of the snapshot goes on as if nothing had been.
func testSnapshot(t *testing.T, l *lab.Lab, boot time.Duration) {
	name := fmt.Sprintf("short-%d", os.Getpid())
	t.Cleanup(func() { l.Drop(name) })
	began := l.MustExec("node1", "sh", "-c", "cat /proc/sys/kernel/random/boot_id; pgrep -x corosync")
	begun := time.Now()
	l.Save(name)
	t.Logf("saved after %s", since(begun))
	l.MustExec("node1", "sh", "-c", "echo later > /root/later; echo junk > "+l.Disk("node1", 2))
	begun = time.Now()
	l.Restore(name)
	took := time.Since(begun)
	t.Logf("restored after %s", since(begun))
	if took > boot {
		t.Errorf("restoring took %s, which is no better than a boot (%s)", took, boot)
	}
	if now := l.MustExec("node1", "sh", "-c", "cat /proc/sys/kernel/random/boot_id; pgrep -x corosync"); now != began {
		t.Errorf("before the snapshot boot id and corosync's pid were %q, now they are %q", began, now)
	}
	if out := l.MustExec("node1", "sh", "-c", "ls /root; head -c 5 "+l.Disk("node1", 2)+" | tr -d '\\0'"); out != "" {
		t.Errorf("what was written after the snapshot is still there: %q", out)
	}
	online(t, l, "node1", 2)
}

// The agent that Pacemaker uses, from where it uses it; then the guest joins again.
func testPower(t *testing.T, l *lab.Lab) {
	bmc := l.BMC("node2")
	bootID := func() string { out, _ := l.Exec("node2", "cat", "/proc/sys/kernel/random/boot_id"); return out }
	before := bootID()
	begun := time.Now()
	l.MustExec("node1", "fence_ipmilan", "--ip="+bmc.Address, "--username="+bmc.User, "--password="+bmc.Password, "--lanplus",
		fmt.Sprintf("--cipher=%d", bmc.Cipher), "--action=reboot")
	t.Logf("fence_ipmilan took %s", since(begun))
	l.WaitSSH("node2")
	if now := bootID(); now == "" || now == before {
		t.Errorf("the boot id was %q and is %q", before, now)
	}
	t.Logf("node2 is back after %s", since(begun))
	// a node that the lab itself cannot reach over the network can still be looked at
	l.Partition("node2", "all")
	if got := l.MustExec("node2", "hostname"); got != "node2\n" {
		t.Errorf("a guest that is cut off says %q", got)
	}
	l.Heal("node2")
	l.Kill("node2")
	if got := l.Power("node2", "status"); got != "off" {
		t.Errorf("a guest without power is %s", got)
	}
}

// online waits until the named node sees so many members, and a DC.
func online(t *testing.T, l *lab.Lab, node string, members int) {
	t.Helper()
	limit := time.Now().Add(4 * time.Minute) // half a minute on a machine with nothing else to do
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		out, err := l.Exec(node, "crm_mon", "--output-as=xml")
		if err == nil && strings.Contains(out, `with_quorum="true"`) && strings.Count(out, `online="true"`) == members {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s does not see %d members online: %v\n%s", node, members, err, out)
		}
		<-tick.C
	}
}

func since(begun time.Time) time.Duration { return time.Since(begun).Round(100 * time.Millisecond) }

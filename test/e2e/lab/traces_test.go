package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// traces lists what is left of a lab on the machine.
func traces(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	if _, err := os.Lstat(filepath.Join(stateRoot(), name)); err == nil {
		found = append(found, "files in "+filepath.Join(stateRoot(), name))
	}
	for _, pattern := range []string{"/sys/fs/cgroup/hactl-lab-" + name, "/sys/fs/cgroup/*/hactl-lab-" + name} {
		dirs, _ := filepath.Glob(pattern)
		found = append(found, dirs...)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, name) {
			found = append(found, "mount "+strings.TrimSpace(line))
		}
	}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		for _, f := range []string{"cgroup", "cmdline", "environ"} {
			b, err := os.ReadFile(filepath.Join(p, f))
			if err == nil && bytes.Contains(b, []byte(name)) && p != "/proc/"+strconv.Itoa(os.Getpid()) {
				cmd, _ := os.ReadFile(filepath.Join(p, "cmdline"))
				found = append(found, fmt.Sprintf("process %s (%s) by its %s", p, bytes.ReplaceAll(cmd, []byte{0}, []byte{' '}), f))
				break
			}
		}
	}
	return found
}

func interfaces(t *testing.T) []string {
	t.Helper()
	links, err := filepath.Glob("/sys/class/net/*")
	if err != nil {
		t.Fatal(err)
	}
	return links
}

func mountCount(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}

func TestDownLeavesNothing(t *testing.T) {
	require(t, namespaces)
	links, mounts := interfaces(t), mountCount(t)
	l := Up(t, 2)
	l.Backend(8080)
	l.Partition("node1", "all")
	l.Kill("node2")
	if got := interfaces(t); !slices.Equal(got, links) {
		t.Errorf("the lab changed the machine's interfaces from %v to %v", links, got)
	}
	if got := mountCount(t); got != mounts {
		t.Errorf("the lab changed the machine's mounts from %d to %d", mounts, got)
	}
	if len(traces(t, l.Name)) < 3 {
		t.Fatalf("a running lab has traces, but found only %v", traces(t, l.Name))
	}
	l.Down()
	if left := traces(t, l.Name); len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
	if got := interfaces(t); !slices.Equal(got, links) {
		t.Errorf("interfaces were %v, are %v", links, got)
	}
}

func TestTwoLabsSideBySide(t *testing.T) {
	a, b := Up(t, 1), Up(t, 1) // the same node names and addresses
	a.MustExec("node1", "sh", "-c", "echo a > /etc/whose")
	b.MustExec("node1", "sh", "-c", "echo b > /etc/whose")
	for l, want := range map[*Lab]string{a: "a\n", b: "b\n"} {
		out, err := l.SSH("node1", "cat", "/etc/whose").Output()
		if err != nil || string(out) != want {
			t.Errorf("lab %s: %v, %q, want %q", l.Name, err, out, want)
		}
	}
	a.Kill("node1")
	if got := b.Power("node1", "status"); got != "on" {
		t.Errorf("killing one lab's node1 turned the other's %s", got)
	}
	a.Down()
	if out, err := b.SSH("node1", "cat", "/etc/whose").Output(); err != nil || string(out) != "b\n" {
		t.Errorf("after the other lab went down: %v, %q", err, out)
	}
}

// The process that asked for the lab dies without a word.
func TestOwnerDies(t *testing.T) {
	require(t, namespaces)
	owner := exec.Command("sleep", "600")
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	l := &Lab{t: t, kind: namespaces, Name: fmt.Sprintf("owner-%d", os.Getpid())}
	t.Cleanup(l.Down)
	up := l.script("up", "1")
	up.Env = append(up.Env, "LAB_OWNER="+strconv.Itoa(owner.Process.Pid))
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(traces(t, l.Name)) == 0 {
		t.Fatal("the lab is not up")
	}
	_ = owner.Process.Kill()
	_ = owner.Wait()
	var left []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if left = traces(t, l.Name); len(left) == 0 {
			return
		}
	}
	t.Errorf("the lab outlived its owner:\n%s", strings.Join(left, "\n"))
}

// Names longer than an interface's, and a documented address plan.
func TestNamesAndAddresses(t *testing.T) {
	pair := UpNamed(t, Options{Nodes: []string{"haproxy-master", "haproxy-slave"}})
	if out, err := pair.SSH("haproxy-slave", "hostname").Output(); err != nil || string(out) != "haproxy-slave\n" {
		t.Errorf("haproxy-slave: %v, %q", err, out)
	}
	pair.Partition("haproxy-slave", "ring")
	if reaches(pair, "haproxy-master", pair.Node("haproxy-slave").Ring) || !reaches(pair, "haproxy-master", pair.Node("haproxy-slave").LAN) {
		t.Error("a partition of a node with a long name does not hold")
	}

	four := UpNamed(t, Options{
		LAN: "192.168.90.0/24", Ring: "192.168.91.0/24",
		Nodes: []string{"node1=192.168.90.110,192.168.91.110", "node2=192.168.90.120,192.168.91.120",
			"node3=192.168.90.130", "node4=192.168.90.140,,10.0.0.104"},
	})
	n4 := four.Node("node4")
	if n4.LAN != "192.168.90.140" || n4.Ring != "192.168.91.4" || n4.BMC.Address != "10.0.0.104" {
		t.Errorf("node4 is %+v", n4)
	}
	if out := four.MustExec("node4", "ip", "-o", "-4", "addr", "show", "dev", "eth0"); !strings.Contains(out, " 192.168.90.140/24 brd 192.168.90.255 ") {
		t.Errorf("node4's eth0: %s", out)
	}
	if !reaches(four, "node1", n4.LAN) || !reaches(four, "node1", n4.Ring) {
		t.Error("node1 does not reach node4")
	}
	if out, err := four.Exec("node1", "fence_ipmilan", "-a", "10.0.0.104", "-l", "admin", "-p", "secret", "-P", "-C", "3", "-o", "status"); err != nil {
		t.Errorf("node4's BMC from node1: %v, %s", err, out)
	}
}

func TestRefusals(t *testing.T) {
	require(t, namespaces)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"up", "17"}, "1 to 16 nodes"},
		{[]string{"up", "0"}, "1 to 16 nodes"},
		{[]string{"up", "a_b"}, "not a host name"},
		{[]string{"up", "n1=10.1.1.1"}, "not in LAB_LAN"},
		{[]string{"up", "n1=10.77.0.9", "n2=10.77.0.9"}, "is taken"},
		{[]string{"up", "n1=10.77.300.9"}, "not all IPv4"},
		{[]string{"power", "node9", "off"}, "no node 'node9'"},
	} {
		l := &Lab{t: t, kind: namespaces, Name: fmt.Sprintf("refuse-%d", os.Getpid())}
		out, err := l.script(tc.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), tc.want) {
			t.Errorf("%v: %v, %s; want an error with %q", tc.args, err, out, tc.want)
		}
		if left := traces(t, l.Name); len(left) > 0 {
			t.Errorf("%v left behind %v", tc.args, left)
		}
		l.Down()
	}
}

func TestSixteenNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: 16 nodes, because of -short")
	}
	start := time.Now()
	l := Up(t, 16)
	t.Logf("16 nodes with ssh and BMCs after %v", time.Since(start).Round(10*time.Millisecond))
	for _, n := range l.Nodes() {
		if out, err := l.SSH(n.Name, "hostname").Output(); err != nil || string(out) != n.Name+"\n" {
			t.Errorf("%s: %v, %q", n.Name, err, out)
		}
	}
	start = time.Now()
	l.Down()
	t.Logf("down after %v", time.Since(start).Round(10*time.Millisecond))
}

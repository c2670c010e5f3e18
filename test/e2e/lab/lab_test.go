package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestThreeNodes shares one lab: the parts run in order and leave it as it was.
func TestThreeNodes(t *testing.T) {
	l := Up(t, 3)
	t.Run("bare", func(t *testing.T) { testBare(t, l) })
	t.Run("ssh", func(t *testing.T) { testSSH(t, l) })
	t.Run("accounts", func(t *testing.T) { testAccounts(t, l) })
	t.Run("machine", func(t *testing.T) { testMachineIsSafe(t, l) })
	t.Run("partition", func(t *testing.T) { testPartition(t, l) })
	t.Run("power", func(t *testing.T) { testPower(t, l) })
	t.Run("reboot", func(t *testing.T) { testReboot(t, l) })
	t.Run("backend", func(t *testing.T) { testBackend(t, l) })
}

func testBare(t *testing.T, l *Lab) {
	for _, n := range l.Nodes() {
		if got, want := l.MustExec(n.Name, "cat", "/etc/hosts"), fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", n.LAN, n.Name); got != want {
			t.Errorf("%s: /etc/hosts is %q, want %q", n.Name, got, want)
		}
		found := l.MustExec(n.Name, "find", "/etc/corosync", "/etc/pacemaker", "/etc/booth", "/var/lib/pacemaker", "/var/lib/corosync",
			"/var/log/pacemaker", "/var/log/corosync", "-path", "/etc/corosync/qnetd", "-prune", "-o", "-type", "f", "-print")
		if found != "" {
			t.Errorf("%s is not bare, it has\n%s", n.Name, found)
		}
		for _, unit := range []string{"corosync", "pacemaker", "haproxy", "nginx", "memcached", "postgresql"} {
			// both exit non-zero for "no"; what they print is what counts
			enabled, _ := l.Exec(n.Name, "systemctl", "is-enabled", unit)
			active, _ := l.Exec(n.Name, "systemctl", "is-active", unit)
			if enabled != "disabled\n" || active != "inactive\n" {
				t.Errorf("%s: unit %s is %q and %q, want disabled and inactive", n.Name, unit, enabled, active)
			}
		}
		if state := l.MustExec(n.Name, "systemctl", "is-system-running", "--wait"); state != "running\n" {
			t.Errorf("%s: systemd is %q", n.Name, state)
		}
	}
	// What a package sets up when it is installed is there: these can be started.
	for _, unit := range []string{"corosync-qnetd", "postgresql@15-main", "nginx", "haproxy", "memcached"} {
		l.MustExec("node3", "systemctl", "start", unit)
		if active, err := l.Exec("node3", "systemctl", "is-active", unit); err != nil {
			t.Errorf("%s started is %q", unit, active)
		}
		l.MustExec("node3", "systemctl", "stop", unit)
	}
}

func testSSH(t *testing.T, l *Lab) {
	hubConfig := filepath.Join(l.Home, ".ssh", "config")
	for _, n := range l.Nodes() {
		for how, c := range map[string]*exec.Cmd{
			"from the machine by name":    l.SSH(n.Name, "hostname"),
			"from the machine by address": l.SSH(n.Ring, "hostname"),
			"from the hub by name":        l.Hub("ssh", "-F", hubConfig, n.Name, "hostname"),
			"from the hub with a proxy":   l.Hub("ssh", "-F", l.SSHConfig, n.Name, "hostname"),
		} {
			out, err := c.CombinedOutput()
			if err != nil || string(out) != n.Name+"\n" {
				t.Errorf("%s %s: %v, %q", n.Name, how, err, out)
			}
		}
	}
	// The checking is strict: node2's key under node1's name is refused.
	known, err := os.ReadFile(l.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(known), "\n")
	key := func(line string) string { return line[strings.Index(line, " "):] }
	names := strings.Fields(lines[0])[0]
	wrong := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(wrong, []byte(names+key(lines[1])+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh", "-F", l.SSHConfig, "-o", "UserKnownHostsFile="+wrong, "node1", "hostname").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Host key verification failed") {
		t.Errorf("a wrong host key was not refused: %v, %s", err, out)
	}
}

func testAccounts(t *testing.T, l *Lab) {
	for _, tc := range []struct{ user, wantOut, wantErr string }{
		{"operator", "0\n", ""},
		{"admin", "", "a password is required"},
		{"deputy", "", "a password is required"},
	} {
		c := exec.Command("ssh", "-F", l.SSHConfig, "-l", tc.user, "node1", "sudo -n id -u")
		var stderr strings.Builder
		c.Stderr = &stderr
		out, err := c.Output()
		if string(out) != tc.wantOut || !strings.Contains(stderr.String(), tc.wantErr) || (err != nil) != (tc.wantErr != "") {
			t.Errorf("%s: sudo -n: %v, %q, %q", tc.user, err, out, stderr.String())
		}
	}
	for user, want := range map[string]string{"deputy": "0\n", "admin": ""} {
		c := exec.Command("ssh", "-F", l.SSHConfig, "-l", user, "node1", "sudo -S -p '' id -u")
		c.Stdin = strings.NewReader("secret\n")
		if out, err := c.Output(); string(out) != want {
			t.Errorf("%s: sudo with the password: %v, %q, want %q", user, err, out, want)
		}
	}
	// clients have to live with sshd's default
	if out := l.MustExec("node1", "sshd", "-T"); !regexp.MustCompile(`(?m)^maxsessions 10$`).MatchString(out) {
		t.Errorf("sshd's MaxSessions is not its default")
	}
}

// testMachineIsSafe tries only what does no harm if the lab failed to stop it.
func testMachineIsSafe(t *testing.T, l *Lab) {
	ways := map[string]func(argv ...string) *exec.Cmd{
		"exec": func(argv ...string) *exec.Cmd { return l.Command("node1", argv...) },
		"ssh":  func(argv ...string) *exec.Cmd { return l.SSH("node1", argv...) },
	}
	for way, run := range ways {
		// to the time that it is: a clock that obeys stays right
		out, err := run("date", "-s", "@"+fmt.Sprint(time.Now().Unix())).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Operation not permitted") {
			t.Errorf("%s: a node may set the machine's clock: %v, %s", way, err, out)
		}
		const knob = "/proc/sys/kernel/panic"
		have, err := os.ReadFile(knob)
		if err != nil {
			t.Fatal(err)
		}
		out, err = run("sh", "-c", "'cat "+knob+" > "+knob+"'").CombinedOutput()
		if way == "exec" {
			out, err = run("sh", "-c", "echo "+strings.TrimSpace(string(have))+" > "+knob).CombinedOutput()
		}
		if err == nil || !strings.Contains(string(out), "Read-only file system") {
			t.Errorf("%s: a node may write %s: %v, %s", way, knob, err, out)
		}
	}
	masked := 0
	for _, f := range []string{"/proc/sysrq-trigger", "/proc/kcore", "/proc/kmsg"} {
		if _, err := os.Stat(f); err != nil {
			t.Logf("NOT TESTED: this kernel has no %s that could be masked", f)
			continue
		}
		masked++
		if dev := l.MustExec("node1", "stat", "-c", "%t:%T", f); dev != "1:3\n" {
			t.Errorf("%s is device %q in a node, want /dev/null's 1:3", f, dev)
		}
	}
	if masked == 0 {
		t.Error("no masked file could be tested")
	}
	if out := l.MustExec("node1", "find", "/dev", "-type", "b"); out != "" {
		t.Errorf("a node sees the machine's disks:\n%s", out)
	}
	if out := l.MustExec("node1", "sh", "-c", "ls -A /var/lib/hactl-lab /dev/watchdog 2>/dev/null || true"); out != "" {
		t.Errorf("a node sees the machine's %s", out)
	}
}

// reaches tells whether a node gets a TCP connection to another's sshd.
func reaches(l *Lab, from, address string) bool {
	_, err := l.Exec(from, "timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/"+address+"/22")
	return err == nil
}

func testPartition(t *testing.T, l *Lab) {
	n2 := l.Node("node2")
	check := func(when string, lan, ring bool) {
		t.Helper()
		if got := reaches(l, "node1", n2.LAN); got != lan {
			t.Errorf("%s: node1 reaches node2 over lan: %v, want %v", when, got, lan)
		}
		if got := reaches(l, "node1", n2.Ring); got != ring {
			t.Errorf("%s: node1 reaches node2 over ring: %v, want %v", when, got, ring)
		}
	}
	check("before", true, true)
	l.Partition("node2", "ring")
	check("ring cut", true, false)
	l.Partition("node2", "lan")
	check("all cut", false, false)
	l.Heal("node2")
	check("healed", true, true)
	l.must("partition", "node2", "ring", "link")
	check("cable pulled", true, false)
	if got := l.MustExec("node2", "cat", "/sys/class/net/eth1/operstate"); got == "up\n" {
		t.Error("the cable is pulled, but node2's eth1 is up")
	}
	l.Heal("node2")
	check("healed again", true, true)
}

func testPower(t *testing.T, l *Lab) {
	ipmi := func(args ...string) string {
		t.Helper()
		b := l.BMC("node2")
		argv := append([]string{"ipmitool", "-I", "lanplus", "-C", fmt.Sprint(b.Cipher), "-H", b.Address, "-U", b.User, "-P", b.Password}, args...)
		out, err := l.Hub(argv...).CombinedOutput()
		if err != nil {
			t.Fatalf("ipmitool %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	// what is enabled in a node, and what was written there, is there after a power cut
	l.MustExec("node2", "systemctl", "enable", "memcached")
	l.MustExec("node2", "sh", "-c", "echo kept > /etc/kept")
	l.Partition("node2", "ring")

	if got := ipmi("power", "status"); got != "Chassis Power is on" {
		t.Errorf("power status: %q", got)
	}
	ipmi("power", "off")
	if got := l.Power("node2", "status"); got != "off" {
		t.Errorf("after ipmitool power off the node is %s", got)
	}
	if got := ipmi("power", "status"); got != "Chassis Power is off" {
		t.Errorf("power status after off: %q", got)
	}
	if out, err := l.Exec("node2", "true"); err == nil {
		t.Errorf("a node without power ran a command: %q", out)
	}
	if reaches(l, "node1", l.Node("node2").LAN) {
		t.Error("a node without power answers on ssh")
	}
	ipmi("power", "on")
	l.WaitSSH("node2")
	if got := ipmi("power", "status"); got != "Chassis Power is on" {
		t.Errorf("power status after on: %q", got)
	}
	if got := l.MustExec("node2", "cat", "/etc/kept"); got != "kept\n" {
		t.Errorf("the disk was lost: %q", got)
	}
	l.MustExec("node2", "systemctl", "is-system-running", "--wait")
	if got, _ := l.Exec("node2", "systemctl", "is-active", "memcached"); got != "active\n" {
		t.Errorf("an enabled unit is %q after the power cut", got)
	}
	if reaches(l, "node1", l.Node("node2").Ring) {
		t.Error("the power cut healed the partition")
	}
	l.Heal("node2")
	// the agent that Pacemaker will use, from where it will use it
	if out, err := l.Exec("node1", "fence_ipmilan", "-a", l.BMC("node2").Address, "-l", "admin", "-p", "secret", "-P", "-C", "3", "-o", "status"); err != nil || !strings.Contains(out, "ON") {
		t.Errorf("fence_ipmilan from node1: %v, %q", err, out)
	}
}

func testReboot(t *testing.T, l *Lab) {
	id := func() string {
		out, err := l.Exec("node3", "cat", "/proc/sys/kernel/random/boot_id")
		if err != nil {
			return ""
		}
		return out
	}
	before := id()
	_, _ = l.Exec("node3", "systemctl", "reboot") // its connection to systemd may break on the way
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now := id(); now != "" && now != before {
			l.WaitSSH("node3")
			return
		}
	}
	t.Error("node3 did not come back from a reboot with a new boot id")
}

// A stand-in for hactl tells where it runs.
func TestHactlRunsInTheHub(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "hactl")
	script := "#!/bin/sh\necho \"$HOME $*\"; ls /sys/fs/cgroup >/dev/null && ip -o -4 addr show dev lan\necho told >&2; exit 2\n"
	if err := os.WriteFile(bin, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HACTL_BIN", bin)
	l := Up(t, 1)
	stdout, stderr, code := l.Hactl("plan", "-f", "x.yaml")
	if code != 2 || stderr != "told\n" || !strings.HasPrefix(stdout, l.Home+" plan -f x.yaml\n") || !strings.Contains(stdout, " "+l.HubAddress+"/16 ") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func testBackend(t *testing.T, l *Lab) {
	l.Backend(8080, 8081)
	for _, port := range []int{8080, 8081} {
		status, body, err := l.HTTPGet(fmt.Sprintf("http://%s:%d/", l.HubAddress, port))
		if err != nil || status != 200 || body != fmt.Sprintf("backend %d\n", port) {
			t.Errorf("port %d: %v, %d, %q", port, err, status, body)
		}
	}
}

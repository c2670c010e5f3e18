package vm

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

	"github.com/hactl/hactl/test/e2e/lab"
)

// s1Blank gives the guests of S1 as they are after their boot, always the same.
func s1Blank(b *testing.B) *lab.Lab {
	return lab.FromSnapshot(b, "s1-blank", lab.Options{LAN: "192.168.1.0/24",
		Nodes: []string{"node1=192.168.1.11,192.168.91.1,10.79.0.1", "node2=192.168.1.12,192.168.91.2,10.79.0.2"}}, func(*lab.Lab) {})
}

// effort is what something took: on the clock, and of processor time in the guests, which does not depend on what else this machine does.
type effort struct{ wall, busy time.Duration }

func (e effort) String() string {
	return fmt.Sprintf("%s (the guests' processors %s)", e.wall.Round(time.Second/10), e.busy.Round(time.Second/10))
}

// busy is the processor time of the lab's guests so far.
func busy(b *testing.B, l *lab.Lab) (sum time.Duration) {
	b.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	for _, p := range procs {
		cmdline, _ := os.ReadFile(p)
		if !bytes.HasPrefix(cmdline, []byte("qemu-system")) || !bytes.Contains(cmdline, []byte("\x00"+l.Name+"-")) {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(p), "stat"))
		if err != nil {
			b.Fatal(err)
		}
		f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // proc(5): utime and stime are the 12th and 13th after the name
		for _, ticks := range f[11:13] {
			n, _ := strconv.Atoi(ticks)
			sum += time.Duration(n) * 10 * time.Millisecond
		}
		found++
	}
	if found != len(l.Nodes()) {
		b.Fatalf("found %d processes of qemu for %d guests", found, len(l.Nodes()))
	}
	return sum
}

// measure gives what f took.
func measure(b *testing.B, l *lab.Lab, f func()) effort {
	b.Helper()
	before, begun := busy(b, l), time.Now()
	f()
	return effort{time.Since(begun), busy(b, l) - before}
}

func loaded() string {
	s, _ := os.ReadFile("/proc/loadavg")
	f := strings.Fields(string(s))
	return "load " + strings.Join(f[:min(3, len(f))], " ")
}

// firstPage starts a command and waits until the web server answers through the cluster's address; what it answers, an empty disk does not say.
func firstPage(b *testing.B, l *lab.Lab, c *exec.Cmd) effort {
	b.Helper()
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	return measure(b, l, func() {
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		limit := time.After(20 * time.Minute)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		done := false
		for page := false; !page || !done; {
			select {
			case err := <-ended:
				if err != nil {
					b.Fatalf("%s: %v\n%s", c, err, said.String())
				}
				done = true
			case <-limit:
				b.Fatalf("%s: no page within 20 minutes", c)
			case <-tick.C:
				if !page {
					_, _, err := l.HTTPGet("http://192.168.1.100/")
					page = err == nil
				}
			}
		}
	})
}

// S1 from blank guests to the first page: hactl apply against the same steps typed over ssh. Both sides begin with the same snapshot, in turns; each
// ends when the page is there and the last command has ended. Then, on what hactl made: a plan with nothing to do, and what it starts.
func BenchmarkS1(b *testing.B) {
	dir, err := filepath.Abs("../../../examples/s1-drbd-web")
	if err != nil {
		b.Fatal(err)
	}
	script, err := filepath.Abs("testdata/s1-by-hand.sh")
	if err != nil {
		b.Fatal(err)
	}
	s1Blank(b).Down() // makes the snapshot where there is none
	round := 0
	for b.Loop() {
		var ours, hand effort
		var l *lab.Lab
		byHand := func() {
			l := s1Blank(b)
			hand = firstPage(b, l, l.Hub(script, filepath.Join(l.Home, ".ssh", "config")))
			fmt.Printf("S1 from blank guests to the first page, typed over ssh: %s, %s\n", hand, loaded())
			l.Down()
		}
		if round%2 == 0 {
			byHand()
		}
		l = s1Blank(b)
		ours = firstPage(b, l, l.HactlCmd("apply", "-f", dir, "--yes"))
		fmt.Printf("S1 from blank guests to the first page, hactl apply:    %s, %s\n", ours, loaded())
		nothingToDo(b, l, dir)
		processes(b, l, dir)
		l.Down()
		if round%2 == 1 {
			byHand()
		}
		round++
		wall, cpu := float64(ours.wall)/float64(hand.wall), float64(ours.busy)/float64(hand.busy)
		fmt.Printf("S1: hactl takes %.2f times as long as the commands by hand (goal: at most 1.1), and %.2f times the processor time\n", wall, cpu)
		b.ReportMetric(wall, "times-by-hand")
		b.ReportMetric(cpu, "times-cpu")
	}
}

// reads are what an administrator looks at on a node to know that all is as it should be, in one session.
const reads = `cibadmin -Q; crm_mon -1 --output-as=xml; corosync-cmapctl; corosync-quorumtool -s; cat /etc/corosync/corosync.conf /etc/hosts /etc/drbd.d/*
systemctl show corosync pacemaker nginx drbd; dpkg-query -W nginx drbd-utils lvm2 corosync pacemaker
lvm fullreport --reportformat json; drbdsetup events2 --now --statistics; drbdadm -d adjust r0; drbdadm get-gi r0; lsblk -J
wipefs -n /dev/vg0/r0 /dev/drbd0 /dev/disk/by-id/wwn-*`

// nothingToDo times a plan against the slowest node's own reads, each over a fresh connection of OpenSSH.
func nothingToDo(b *testing.B, l *lab.Lab, dir string) {
	b.Helper()
	const rounds = 5
	var plans []time.Duration
	for range rounds {
		plans = append(plans, measure(b, l, func() { noPlan(b, l, dir) }).wall)
	}
	load := loaded()
	slowest := time.Duration(0)
	for _, n := range l.Nodes() {
		var took []time.Duration
		for range rounds {
			c := l.Hub("ssh", "-F", filepath.Join(l.Home, ".ssh", "config"), n.Name, reads)
			took = append(took, measure(b, l, func() { _, _ = c.Output() }).wall) // a Secondary cannot be read, which is an exit code
		}
		slices.Sort(took)
		slowest = max(slowest, took[rounds/2])
	}
	slices.Sort(plans)
	ratio := float64(plans[rounds/2]) / float64(slowest)
	fmt.Printf("a plan with nothing to do: %s, the slowest node's own reads in one fresh ssh: %s: %.2f times as long (goal: at most 3), %s, then %s\n",
		plans[rounds/2].Round(time.Millisecond), slowest.Round(time.Millisecond), ratio, load, loaded())
	b.ReportMetric(ratio, "times-reads")
}

func noPlan(b *testing.B, l *lab.Lab, args ...string) {
	b.Helper()
	argv := []string{"plan"}
	for _, f := range args {
		argv = append(argv, "-f", f)
	}
	if out, stderr, code := l.Hactl(argv...); code != 0 {
		b.Fatalf("the plan is not empty: %d\n%s%s", code, out, stderr)
	}
}

// processes counts what a plan starts on each node, with S1's one volume and with twelve more. What sshd logs as the start of a session is counted,
// which is each command that anybody starts over ssh; the lab's own way in is another sshd.
func processes(b *testing.B, l *lab.Lab, dir string) {
	b.Helper()
	for _, n := range l.Nodes() {
		l.MustExec(n.Name, "sh", "-c", "echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/0bench.conf; systemctl reload ssh")
	}
	count(b, l, "1 volume", dir)
	more := "apiVersion: hactl/v1\nkind: VolumeGroup\nmetadata: {name: many}\nspec:\n  physicalVolumes:\n  - devices: {node1: " + l.Disk("node1", 4) +
		", node2: " + l.Disk("node2", 4) + "}\n  volumes:\n"
	for i := range 12 {
		more += fmt.Sprintf("  - {name: v%d, size: 16M}\n", i)
	}
	file := filepath.Join(b.TempDir(), "many.yaml")
	if err := os.WriteFile(file, []byte(more), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, stderr, code := l.Hactl("apply", "-f", dir, "-f", file, "--yes"); code != 0 {
		b.Fatalf("apply: %d\n%s%s", code, out, stderr)
	}
	count(b, l, "13 volumes", dir, file)
}

// most is the goal for processes on a node.
const most = 12

func count(b *testing.B, l *lab.Lab, what string, files ...string) {
	b.Helper()
	forks := func(node string) int {
		var n int
		_, _ = fmt.Sscan(l.MustExec(node, "sh", "-c", `while read a b; do case $a in processes) echo "$b";; esac; done </proc/stat`), &n)
		return n
	}
	since, before := map[string]string{}, map[string]int{}
	for _, n := range l.Nodes() {
		since[n.Name] = strings.TrimSpace(l.MustExec(n.Name, "sh", "-c", "journalctl -q -n 0 --show-cursor | sed 's/^-- cursor: //'"))
		before[n.Name] = forks(n.Name)
	}
	noPlan(b, l, files...)
	for _, n := range l.Nodes() {
		forked := forks(n.Name) - before[n.Name]
		out := l.MustExec(n.Name, "journalctl", "-q", "-o", "cat", "-u", "ssh", "--after-cursor", since[n.Name])
		started := strings.Count(out, "Starting session: command")
		fmt.Printf("a plan with nothing to do, %s: %d processes started on %s (goal: at most %d), which fork %d, with what the cluster itself forks meanwhile\n",
			what, started, n.Name, most, forked)
		if started == 0 || started > most {
			b.Errorf("%s: %d processes started on %s, want 1 to %d:\n%s", what, started, n.Name, most, out)
		}
	}
}

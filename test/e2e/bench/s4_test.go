package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// s4Lab is the bare pair of S4 with a configured HAProxy in front of a backend.
func s4Lab(b *testing.B) *lab.Lab {
	l := lab.UpNamed(b, lab.Options{Nodes: []string{"haproxy-master", "haproxy-slave"}})
	l.Backend(8080)
	for _, n := range l.Nodes() {
		c := l.Command(n.Name, "tee", "/etc/haproxy/haproxy.cfg")
		c.Stdin = strings.NewReader(fmt.Sprintf("defaults\n  mode http\n  timeout connect 2s\n  timeout client 5s\n  timeout server 5s\n"+
			"frontend public\n  bind *:80\n  default_backend web\nbackend web\n  server b1 %s:8080\n", l.HubAddress))
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", n.Name, err, out)
		}
	}
	return l
}

// formed is s4Lab with a running, empty cluster.
func formed(b *testing.B) *lab.Lab {
	l := s4Lab(b)
	hactl(b, l, "apply", "-f", example(b, "s4-haproxy", "cluster.yaml"))
	time.Sleep(2 * time.Second)
	return l
}

// s4Commands is S4's configuration as an operator types it.
var s4Commands = []string{
	"pcs resource create PU-VIP ocf:heartbeat:IPaddr2 ip=10.77.100.1 cidr_netmask=32 nic=eth0 op monitor interval=10s timeout=30s on-fail=standby",
	"pcs resource create PR-VIP ocf:heartbeat:IPaddr2 ip=10.78.100.1 cidr_netmask=32 nic=eth1 op monitor interval=10s timeout=30s on-fail=standby",
	"pcs resource create HAPROXY systemd:haproxy op monitor interval=10s timeout=30s",
	"pcs resource create MEMCACHED systemd:memcached op monitor interval=10s timeout=30s",
	"pcs constraint order PU-VIP then PR-VIP",
	"pcs constraint order PR-VIP then HAPROXY",
	"pcs constraint order HAPROXY then MEMCACHED",
	"pcs constraint colocation add PU-VIP with PR-VIP INFINITY",
	"pcs constraint colocation add PR-VIP with HAPROXY INFINITY",
	"pcs constraint colocation add HAPROXY with MEMCACHED INFINITY",
}

// s4Crm is the same as one file for crmsh.
const s4Crm = `primitive PU-VIP ocf:heartbeat:IPaddr2 params ip=10.77.100.1 cidr_netmask=32 nic=eth0 op monitor interval=10s timeout=30s on-fail=standby
primitive PR-VIP ocf:heartbeat:IPaddr2 params ip=10.78.100.1 cidr_netmask=32 nic=eth1 op monitor interval=10s timeout=30s on-fail=standby
primitive HAPROXY systemd:haproxy op monitor interval=10s timeout=30s
primitive MEMCACHED systemd:memcached op monitor interval=10s timeout=30s
order o1 Mandatory: PU-VIP PR-VIP
order o2 Mandatory: PR-VIP HAPROXY
order o3 Mandatory: HAPROXY MEMCACHED
colocation c1 inf: PU-VIP PR-VIP
colocation c2 inf: PR-VIP HAPROXY
colocation c3 inf: HAPROXY MEMCACHED
`

// running waits until all four run and returns when.
func running(b *testing.B, l *lab.Lab) time.Time {
	b.Helper()
	limit := time.Now().Add(90 * time.Second)
	for time.Now().Before(limit) {
		out, _ := l.Exec("haproxy-master", "crm_mon", "-1")
		if strings.Count(out, "Started") == 4 {
			return time.Now()
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatal("S4 does not run within 90 s")
	return time.Time{}
}

// hactlS4 applies and says when the CIB was changed, and when all ran.
func hactlS4(b *testing.B, l *lab.Lab) (changed, ran time.Duration) {
	b.Helper()
	c := l.HactlCmd("apply", "-f", example(b, "s4-haproxy"), "-o", "json", "--yes")
	pipe, err := c.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		var ev struct{ Type, Text string }
		if json.Unmarshal(lines.Bytes(), &ev) == nil && ev.Type == "progress" && ev.Text == "CIB changed" {
			changed = time.Since(begun)
			break
		}
	}
	if changed == 0 {
		b.Fatalf("no event says when the CIB was changed:\n%s", said.String())
	}
	ran = running(b, l).Sub(begun)
	_, _ = io.Copy(&said, pipe)
	if err := c.Wait(); err != nil {
		b.Fatalf("hactl: %v\n%s", err, said.String())
	}
	return changed, ran
}

// S4 on a formed cluster: hactl over SSH with its checks, against pcs and crmsh on a node.
func BenchmarkConfigureS4(b *testing.B) {
	for b.Loop() {
		l := formed(b)
		changed, ran := hactlS4(b, l)
		l.Down()

		l = formed(b)
		begun := time.Now()
		for _, c := range s4Commands {
			timed(b, l.Command("haproxy-master", strings.Fields(c)...))
		}
		pcs := time.Since(begun)
		pcsRan := running(b, l).Sub(begun)
		l.Down()

		l = formed(b)
		c := l.Command("haproxy-master", "tee", "/root/s4.crm")
		c.Stdin = strings.NewReader(s4Crm)
		timed(b, c)
		begun = time.Now()
		timed(b, l.Command("haproxy-master", "crm", "configure", "load", "update", "/root/s4.crm"))
		crm := time.Since(begun)
		crmRan := running(b, l).Sub(begun)
		l.Down()

		report(b, "S4 on a formed cluster, CIB changed, against pcs", changed, pcs, ">= 15")
		report(b, "S4 on a formed cluster, CIB changed, against crmsh", changed, crm, ">= 1.5")
		report(b, "S4 on a formed cluster, all running, against pcs", ran, pcsRan, "none")
		report(b, "S4 on a formed cluster, all running, against crmsh", ran, crmRan, "none")
	}
}

// S4 from bare nodes: hactl against `pcs cluster setup --start --wait` and the same commands.
func BenchmarkBareToConfigured(b *testing.B) {
	for b.Loop() {
		l := s4Lab(b)
		_, ran := hactlS4(b, l)
		l.Down()

		l = s4Lab(b)
		for _, n := range l.Nodes() { // what pcs asks for and a package's installation would have brought
			c := l.Command(n.Name, "chpasswd")
			c.Stdin = strings.NewReader("hacluster:secret\n")
			timed(b, c)
			for _, p := range l.Nodes() {
				timed(b, l.Command(n.Name, "sh", "-c", fmt.Sprintf("echo %s %s >> /etc/hosts", p.LAN, p.Name)))
			}
			timed(b, l.Command(n.Name, "systemctl", "start", "pcsd"))
		}
		begun := time.Now()
		for _, c := range append([]string{
			"pcs host auth haproxy-master haproxy-slave -u hacluster -p secret",
			"pcs cluster setup L4 haproxy-master haproxy-slave --start --wait=120",
			"pcs property set stonith-enabled=false no-quorum-policy=ignore",
		}, s4Commands...) {
			timed(b, l.Command("haproxy-master", strings.Fields(c)...))
		}
		pcsRan := running(b, l).Sub(begun)
		l.Down()
		report(b, "S4 from bare nodes to all running, against pcs", ran, pcsRan, ">= 2")
	}
}

// Package bench measures hactl against the tools that it replaces, both sides in one run on the same machine, and prints the ratios.
//
//	make bench
package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

func TestMain(m *testing.M) {
	_ = os.Setenv("IPMI_PASSWORD", "secret")
	os.Exit(m.Run())
}

// rounds is how often a short thing is timed; the median counts.
const rounds = 11

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

// timed runs a command to its end and returns how long that took. codes are the exit codes that are no failure, besides 0.
func timed(b *testing.B, c *exec.Cmd, codes ...int) time.Duration {
	b.Helper()
	begun := time.Now()
	out, err := c.CombinedOutput()
	d := time.Since(begun)
	if err != nil && !slices.Contains(codes, c.ProcessState.ExitCode()) {
		b.Fatalf("%s: %v\n%s", strings.Join(c.Args, " "), err, out)
	}
	return d
}

func report(b *testing.B, what string, ours, theirs time.Duration, goal string) {
	b.Helper()
	ratio := float64(theirs) / float64(ours)
	fmt.Printf("%-58s hactl %8s   other %8s   %5.1f times faster (goal %s)\n", what, short(ours), short(theirs), ratio, goal)
	b.ReportMetric(ratio, "times-faster")
}

func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func write(b *testing.B, name, content string) string {
	b.Helper()
	p := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
	return p
}

func example(b *testing.B, parts ...string) string {
	b.Helper()
	p, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "..", "examples"}, parts...)...))
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func hactl(b *testing.B, l *lab.Lab, args ...string) {
	b.Helper()
	out, errs, code := l.Hactl(args...)
	if code != 0 {
		b.Fatalf("hactl %v: exit code %d\n%s\n%s", args, code, out, errs)
	}
}

// rawSSH is a fresh connection of OpenSSH in the hub's network, without a proxy.
func rawSSH(l *lab.Lab, node string, argv ...string) *exec.Cmd {
	return l.Hub(append([]string{"ssh", "-F", filepath.Join(l.Home, ".ssh", "config"), node}, argv...)...)
}

// A plan with nothing to do, against the slowest single fresh `ssh node cibadmin -Q`.
func BenchmarkPlanNothingToDo(b *testing.B) {
	for _, n := range []int{3, 16} {
		b.Run(fmt.Sprintf("%d-nodes", n), func(b *testing.B) {
			l := lab.Up(b, n)
			var y strings.Builder
			y.WriteString("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: bench}\nspec:\n  nodes:\n")
			for i := 1; i <= n; i++ {
				fmt.Fprintf(&y, "  - {name: node%d, id: %d, addresses: [10.77.0.%d, 10.78.0.%d]}\n", i, i, i, i)
			}
			y.WriteString("  prepare: {packages: {}, hostsFile: true, startAtBoot: true}\n  properties: {stonith-enabled: false}\n")
			for i := range 10 {
				fmt.Fprintf(&y, "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: d%d}\nspec:\n  agent: ocf:pacemaker:Dummy\n  operations: [{name: monitor, interval: 60s}]\n", i)
			}
			f := write(b, "cluster.yaml", y.String())
			hactl(b, l, "apply", "-f", f)
			time.Sleep(3 * time.Second) // let the cluster settle
			for b.Loop() {
				var plan, ssh []time.Duration
				peak := int64(0)
				for range rounds {
					c := l.HactlCmd("plan", "-f", f)
					plan = append(plan, timed(b, c))
					peak = max(peak, c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
				}
				slowest := time.Duration(0)
				for _, node := range l.Nodes() {
					ssh = ssh[:0]
					for range rounds {
						ssh = append(ssh, timed(b, rawSSH(l, node.Name, "cibadmin", "-Q")))
					}
					slowest = max(slowest, median(ssh))
				}
				ours := median(plan)
				fmt.Printf("plan, nothing to do, %2d nodes: hactl %s, slowest `ssh node cibadmin -Q` %s: %.2f times as long (goal for 3 nodes: at most 2), peak %d MiB (goal < 60)\n",
					n, short(ours), short(slowest), float64(ours)/float64(slowest), peak>>10)
				b.ReportMetric(float64(ours)/float64(slowest), "times-ssh")
				b.ReportMetric(float64(peak>>10), "MiB-peak")
			}
		})
	}
}

// TokenChange changes corosync's token on a running cluster while a connection through the public address is tried every 100 ms.
func BenchmarkTokenChange(b *testing.B) {
	l := s4Lab(b)
	hactl(b, l, "apply", "-f", example(b, "s4-haproxy"))
	cluster, err := os.ReadFile(example(b, "s4-haproxy", "cluster.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	token := write(b, "cluster.yaml", strings.Replace(string(cluster), "  properties:", "  totem: {token: 5000}\n  properties:", 1))
	for b.Loop() {
		stop := make(chan struct{})
		counts := make(chan [2]int)
		go func() {
			var n [2]int
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					counts <- n
					return
				case <-tick.C:
					n[0]++
					if status, _, err := l.HTTPGet("http://10.77.100.1/"); err != nil || status != 200 {
						n[1]++
					}
				}
			}
		}()
		time.Sleep(2 * time.Second)
		d := timed(b, l.HactlCmd("apply", "-f", token, "-f", example(b, "s4-haproxy", "resources.yaml")))
		time.Sleep(10 * time.Second)
		close(stop)
		n := <-counts
		if out := l.MustExec("haproxy-master", "corosync-cmapctl", "-g", "runtime.config.totem.token"); !strings.Contains(out, "= 5000") {
			b.Fatalf("the token was not changed: %s", out)
		}
		fmt.Printf("token changed on a running cluster in %s: %d of %d probes lost (goal 0; the Ansible role ha_cluster: 25.7 s outage)\n", short(d), n[1], n[0])
		b.ReportMetric(float64(n[1]), "probes-lost")
	}
}

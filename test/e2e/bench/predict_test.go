package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/e2e/lab"
)

// twentyObjects are 20 objects that run on three nodes: eight resources, each with a location, three groups and one colocation. All of them
// are others with another n.
func twentyObjects(n int) string {
	var y strings.Builder
	y.WriteString("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: bench}\nspec:\n  nodes:\n")
	for i := 1; i <= 3; i++ {
		fmt.Fprintf(&y, "  - {name: node%d, id: %d, addresses: [10.77.0.%d, 10.78.0.%d]}\n", i, i, i, i)
	}
	y.WriteString("  prepare: {packages: {}, hostsFile: true, startAtBoot: true}\n  properties: {stonith-enabled: false}\n")
	object := func(kind, name, spec string) {
		fmt.Fprintf(&y, "---\napiVersion: hactl/v1\nkind: %s\nmetadata: {name: %s}\nspec: {%s}\n", kind, name, spec)
	}
	dummy := fmt.Sprintf(`agent: "ocf:pacemaker:Dummy", params: {fake: n%d}, operations: [{name: monitor, interval: 60s, timeout: 20s}]`, n)
	for i := 1; i <= 8; i++ {
		object("Resource", fmt.Sprintf("d%d", i), dummy)
		object("Constraint", fmt.Sprintf("d%d-on", i), fmt.Sprintf("location: {resource: d%d, node: node%d, score: %d}", i, i%3+1, 100+n))
	}
	for i := 1; i <= 3; i++ {
		object("ResourceGroup", fmt.Sprintf("g%d", i), fmt.Sprintf("resources: [{name: g%da, %s}, {name: g%db, %s}]", i, dummy, i, dummy))
	}
	object("Constraint", "together", fmt.Sprintf("colocation: {resource: g1, with: g2, score: %d}", 100+n))
	return y.String()
}

// A change of 20 running objects with the prediction of what it does, with and without its causes, against what cannot be spared: to look at
// the cluster (a plan with nothing to do) and one run of the scheduler.
func BenchmarkPlanPredicted(b *testing.B) {
	l := lab.Up(b, 3)
	f, changed := write(b, "cluster.yaml", twentyObjects(0)), write(b, "changed.yaml", twentyObjects(1))
	hactl(b, l, "apply", "-f", f)
	time.Sleep(3 * time.Second) // let the cluster settle
	dc := strings.Fields(strings.TrimSpace(l.MustExec("node1", "crmadmin", "-q", "-D")))
	told := attributed(b, l, changed)
	for b.Loop() {
		var nothing, simulate, plain, full []time.Duration
		for range rounds {
			nothing = append(nothing, timed(b, l.HactlCmd("plan", "-f", f)))
			simulate = append(simulate, timed(b, rawSSH(l, dc[len(dc)-1], "crm_simulate", "-L", "-S", "--output-as=xml")))
			plain = append(plain, timed(b, l.HactlCmd("plan", "-f", changed, "--causes=false"), 2))
			full = append(full, timed(b, l.HactlCmd("plan", "-f", changed), 2))
		}
		floor := median(nothing) + median(simulate)
		fmt.Printf("change of 20 objects, 3 nodes: observation %s + one crm_simulate over ssh %s\n", short(median(nothing)), short(median(simulate)))
		fmt.Printf("  plan with prediction             %8s: %.2f times as long (goal <= 1.3)\n", short(median(plain)), ratio(b, "plain", median(plain), floor))
		fmt.Printf("  plan with prediction and causes  %8s: %.2f times as long (goal < 1.5s); %s\n", short(median(full)), ratio(b, "causes", median(full), floor), told)
	}
}

// attributed counts the reactions of a plan that have a cause.
func attributed(b *testing.B, l *lab.Lab, f string) string {
	b.Helper()
	out, errs, code := l.Hactl("plan", "-f", f, "-o", "json")
	var p struct{ Prediction reconcile.Prediction }
	if err := json.Unmarshal([]byte(out), &p); code != 2 || err != nil || p.Prediction.Unavailable != "" {
		b.Fatalf("exit code %d, %v, prediction %q\n%s", code, err, p.Prediction.Unavailable, errs)
	}
	n := 0
	for _, r := range p.Prediction.Reactions {
		if len(r.Causes) > 0 {
			n++
		}
	}
	return fmt.Sprintf("%d of %d reactions have a cause", n, len(p.Prediction.Reactions))
}

func ratio(b *testing.B, name string, ours, floor time.Duration) float64 {
	x := float64(ours) / float64(floor)
	b.ReportMetric(x, name+"-times-floor")
	return x
}

// A real CIB of 252 primitives and 1750 constraints without a status: 20 of its resources are to start, or any resource is changed.
func BenchmarkLargePredicted(b *testing.B) {
	cib, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "shared", "corpus", "cib", "pcs-cib-large.xml"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(cib); err != nil {
		b.Skip("NOT MEASURED: the corpus with pcs-cib-large.xml is not here")
	}
	imported := filepath.Join(b.TempDir(), "large.yaml")
	offline(b, 1, nil, imported, "import", "--cib", cib)
	text, err := os.ReadFile(imported)
	if err != nil {
		b.Fatal(err)
	}
	started := strings.Replace(string(text), "target-role: Stopped", "target-role: Started", 20)
	started = strings.Replace(started, "spec:\n", "spec:\n  properties: {stonith-enabled: false}\n", 1) // nothing starts without a fence device
	start := write(b, "start.yaml", started)
	other := write(b, "other.yaml", strings.Replace(string(text), "timeout: 20}", "timeout: 21}", 20*3))
	for b.Loop() {
		var simulate []time.Duration
		for range rounds {
			simulate = append(simulate, timed(b, exec.Command("crm_simulate", "-S", "-x", cib, "--output-as=xml")))
		}
		floor := median(simulate)
		fmt.Printf("252 primitives, 1750 constraints, 20 objects changed: one crm_simulate of the file %s\n", short(floor))
		for _, x := range []struct{ what, file string }{{"20 resources start", start}, {"20 have other timeouts", other}} {
			for _, causes := range []string{"false", "true"} {
				d, _ := offline(b, 5, []int{2}, "", "plan", "--cib", cib, "-f", x.file, "--causes="+causes)
				fmt.Printf("  %-22s plan with prediction, --causes=%-5s %8s: %.1f times as long (goal < 2s)\n", x.what, causes, short(d), ratio(b, causes, d, floor))
			}
		}
	}
}

package bench

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// offline is a command of hactl without nodes: its median time and the most memory that a run took, in MiB.
func offline(b *testing.B, n int, codes []int, out string, args ...string) (time.Duration, int64) {
	b.Helper()
	bin := os.Getenv("HACTL_BIN")
	if bin == "" {
		b.Fatal("HACTL_BIN is not set; run make bench")
	}
	var times []time.Duration
	peak := int64(0)
	for range n {
		c := exec.Command(bin, args...)
		if out != "" {
			f, err := os.Create(out)
			if err != nil {
				b.Fatal(err)
			}
			c.Stdout = f
			defer func() { _ = f.Close() }()
			begun := time.Now()
			if err := c.Run(); err != nil {
				b.Fatalf("hactl %s: %v", strings.Join(args, " "), err)
			}
			times = append(times, time.Since(begun))
		} else {
			times = append(times, timed(b, c, codes...))
		}
		peak = max(peak, c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	return median(times), peak >> 10
}

// A real CIB of 252 primitives and 1750 constraints: import, plan against the file and render, against `pcs -f FILE config` and `crm_verify`.
func BenchmarkOffline(b *testing.B) {
	cib, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "shared", "corpus", "cib", "pcs-cib-large.xml"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(cib); err != nil {
		b.Skip("NOT MEASURED: the corpus with pcs-cib-large.xml is not here")
	}
	for b.Loop() {
		yaml := filepath.Join(b.TempDir(), "large.yaml")
		imported, _ := offline(b, rounds, nil, yaml, "import", "--cib", cib)
		planned, peak := offline(b, rounds, nil, "", "plan", "--cib", cib, "-f", yaml)
		rendered, _ := offline(b, rounds, nil, os.DevNull, "render", "--only", "cib", "-f", yaml)
		var pcs, verify []time.Duration
		for range 5 {
			pcs = append(pcs, timed(b, exec.Command("pcs", "-f", cib, "config")))
			verify = append(verify, timed(b, exec.Command("crm_verify", "-x", cib), 78))
		}
		fmt.Printf("252 primitives, 1750 constraints: import %s, plan --cib %s, render %s (goal each < 300ms); plan peaks at %d MiB\n",
			short(imported), short(planned), short(rendered), peak)
		report(b, "import, against pcs -f FILE config", imported, median(pcs), "printed")
		report(b, "import, against crm_verify -x FILE", imported, median(verify), "printed")
		report(b, "plan --cib, against pcs -f FILE config", planned, median(pcs), "printed")
		report(b, "plan --cib, against crm_verify -x FILE", planned, median(verify), "printed")
	}
}

// Time and memory grow with the size of the CIB and not faster: the exponent of both over 1000, 3000 and 10000 primitives.
func BenchmarkGrowth(b *testing.B) {
	sizes := []int{1000, 3000, 10000}
	for b.Loop() {
		type point struct {
			d   time.Duration
			mib int64
		}
		names := []string{"import", "plan --cib", "render"}
		points := map[string][]point{}
		for _, n := range sizes {
			cib := write(b, "cib.xml", generated(n))
			yaml := filepath.Join(b.TempDir(), "m.yaml")
			for _, name := range names {
				var p point
				switch name {
				case "import":
					p.d, p.mib = offline(b, 3, nil, yaml, "import", "--cib", cib)
				case "plan --cib":
					p.d, p.mib = offline(b, 3, nil, "", "plan", "--cib", cib, "-f", yaml)
				case "render":
					p.d, p.mib = offline(b, 3, nil, os.DevNull, "render", "--only", "cib", "-f", yaml)
				}
				points[name] = append(points[name], p)
			}
		}
		for _, name := range names {
			ps := points[name]
			fmt.Printf("%-10s", name)
			for i, n := range sizes {
				fmt.Printf("  %6d: %8s %4d MiB", n, short(ps[i].d), ps[i].mib)
			}
			// Over the two larger sizes: the start of the program is most of the smallest.
			time := exponent(sizes[0], sizes[2], ps[0].d.Seconds(), ps[2].d.Seconds())
			memory := exponent(sizes[0], sizes[2], float64(ps[0].mib), float64(ps[2].mib))
			last := exponent(sizes[1], sizes[2], ps[1].d.Seconds(), ps[2].d.Seconds())
			fmt.Printf("   exponent: time %.2f (of the last step %.2f), memory %.2f (goal <= 1.15)\n", time, last, memory)
			b.ReportMetric(max(time, last), strings.ReplaceAll(name, " ", "")+"-exponent")
		}
	}
}

func exponent(n1, n2 int, y1, y2 float64) float64 {
	return math.Log(y2/y1) / math.Log(float64(n2)/float64(n1))
}

// generated is a CIB of n primitives: single ones, groups and clones, with constraints on every third.
func generated(n int) string {
	var r, c strings.Builder
	primitive := func(i int) string {
		return fmt.Sprintf(`<primitive id="p%[1]d" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="p%[1]d-instance_attributes">`+
			`<nvpair id="p%[1]d-instance_attributes-fake" name="fake" value="%[1]d"/></instance_attributes><operations>`+
			`<op id="p%[1]d-monitor-interval-10s" name="monitor" interval="10s" timeout="20s"/></operations></primitive>`, i)
	}
	for i := 0; i < n; i++ {
		switch {
		case i%10 == 0 && i+3 < n:
			fmt.Fprintf(&r, `<group id="g%d">%s%s%s</group>`, i, primitive(i), primitive(i+1), primitive(i+2))
			i += 2
		case i%10 == 5:
			fmt.Fprintf(&r, `<clone id="p%[1]d-clone">%[2]s<meta_attributes id="p%[1]d-clone-meta_attributes"><nvpair id="p%[1]d-clone-meta_attributes-interleave" name="interleave" value="true"/></meta_attributes></clone>`, i, primitive(i))
		default:
			r.WriteString(primitive(i))
			fmt.Fprintf(&c, `<rsc_location id="l%[1]d" rsc="p%[1]d" node="node%[2]d" score="100"/>`, i, i%3+1)
		}
	}
	return `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="7" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config>` +
		`<cluster_property_set id="cib-bootstrap-options"><nvpair id="cib-bootstrap-options-stonith-enabled" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>` +
		`<nodes><node id="1" uname="node1"/><node id="2" uname="node2"/><node id="3" uname="node3"/></nodes><resources>` + r.String() +
		`</resources><constraints>` + c.String() + `</constraints></configuration><status/></cib>`
}

package iscsitarget

import (
	"fmt"
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// many has as many targets, disks of each, and initiators of each.
func many(targets, disks, initiators int) *v1.Manifests {
	m := &v1.Manifests{Cluster: &v1.Cluster{}}
	for n := range targets {
		x := &v1.ISCSITarget{Spec: v1.ISCSITargetSpec{Host: "node2", IQN: fmt.Sprintf("iqn.2023-02.com.example:t%d", n)}}
		x.Metadata.Name = fmt.Sprintf("t%d", n)
		x.SetDefaults()
		x.Spec.Portals = []string{fmt.Sprintf("192.168.1.2:%d", 3000+n)}
		for k := range disks {
			name := fmt.Sprintf("t%dd%d", n, k)
			x.Spec.Backstores = append(x.Spec.Backstores, v1.ISCSIBackstore{Name: name, FileIO: &v1.ISCSIFile{Path: "/srv/" + name, Size: "1G"}})
		}
		for k := range initiators {
			x.Spec.ACLs = append(x.Spec.ACLs, v1.ISCSIACL{Initiator: fmt.Sprintf("iqn.2023-02.com.example:i%d", k), LUNs: []int{0}})
		}
		m.ISCSITargets = append(m.ISCSITargets, x)
	}
	return m
}

// complete is what a machine has once all that is wanted was made.
func complete(tb testing.TB, want State) State {
	m := Machine{Name: "node2", Tools: true, Unit: "rtslib-fb-targetctl.service", Boot: "enabled", SavedPath: savedFiles[0].path,
		Backstores: map[string]FoundBackstore{}, Targets: map[string]*Found{}, Records: map[string]Record{}, Files: map[string]int64{}}
	for _, t := range want.Targets {
		f := m.target(t.IQN, "tpgt_1")
		f.Enabled, f.Portals, f.Attributes = true, t.Portals, t.attributes()
		for _, b := range t.Backstores {
			m.Backstores[b.id()] = FoundBackstore{Dir: "fileio_0/" + b.Name, Path: b.Path, Size: b.Size, Enabled: true, Serial: Serial(t.IQN, b.Name)}
		}
		for _, l := range t.LUNs {
			f.LUNs[l.Number] = fileIO + "/" + l.Backstore
		}
		for _, a := range t.ACLs {
			f.acl(a.Initiator).Attributes = a.attributes(t.attributes())
			for _, n := range a.LUNs {
				f.acl(a.Initiator).LUNs[n] = n
			}
		}
		m.Records[t.Name] = t.record(want.Owner, &m)
	}
	have := State{Targets: want.Targets, Machines: []Machine{m}}
	for _, s := range planned(tb, want, have) {
		for _, op := range s.Ops {
			if w, ok := op.(reconcile.Write); ok && w.Path == m.SavedPath {
				saved := w.File.Content
				have.Machines[0].Saved = &saved
			}
		}
	}
	return have
}

func planned(tb testing.TB, want, have State) []reconcile.Step {
	steps, err := New("").Plan(want, have)
	if err != nil {
		tb.Fatal(err)
	}
	return steps
}

// scales are what a plan grows with.
var scales = map[string]func(n int) *v1.Manifests{
	"disks":      func(n int) *v1.Manifests { return many(1, n, 2) },
	"initiators": func(n int) *v1.Manifests { return many(1, 1, n) },
	"targets":    func(n int) *v1.Manifests { return many(n, 1, 1) },
}

func exponent(n1, n2 int, y1, y2 float64) float64 {
	return math.Log(y2/y1) / math.Log(float64(n2)/float64(n1))
}

// used is the processor time of this process: other tests run beside.
func used(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What a plan takes grows with what it is of, and not faster: less than halfway to a square's, since the caches of a busy machine count as well.
func TestPlanIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: how time grows, because -short was given")
	}
	const small, large = 400, 2400
	for of, manifests := range scales {
		took := map[string][2]float64{}
		for i, n := range []int{small, large} {
			want, err := New("").Desired(manifests(n), passwords{})
			if err != nil {
				t.Fatal(err)
			}
			nothing := State{Machines: []Machine{{Name: "node2", Tools: true, Unit: "target.service", Boot: "enabled", SavedPath: savedFiles[1].path}}}
			have := complete(t, want)
			for what, f := range map[string]func(){
				"plan of all": func() { planned(t, want, nothing) },
				"plan of nothing": func() {
					if s := planned(t, want, have); len(s) > 0 {
						t.Fatalf("there is something to do: %v", s[0].Ops)
					}
				},
				"provides": func() {
					if refs := New("").Provides(have); len(refs) != len(want.Targets) {
						t.Fatalf("%d of %d targets are complete", len(refs), len(want.Targets))
					}
				},
				"notes": func() { New("").Notes(want, have) },
			} {
				best := math.Inf(1)
				for range 3 {
					runtime.GC()
					begun := used(t)
					f()
					best = min(best, (used(t) - begun).Seconds())
				}
				both := took[what]
				both[i] = best
				took[what] = both
			}
		}
		for what, y := range took {
			e := exponent(small, large, y[0], y[1])
			t.Logf("%-15s of %d %-10s %4.0f ms, exponent %.2f", what, large, of, 1000*y[1], e)
			if e > 1.5 && y[1] > 0.05 {
				t.Errorf("%s grows faster than the %s: exponent %.2f", what, of, e)
			}
		}
	}
}

// BenchmarkPlan prints the exponent as a metric.
func BenchmarkPlan(b *testing.B) {
	for of, manifests := range scales {
		b.Run(of, func(b *testing.B) {
			const small, large = 1000, 10000
			var took [2]time.Duration
			for i, n := range []int{small, large} {
				want, err := New("").Desired(manifests(n), passwords{})
				if err != nil {
					b.Fatal(err)
				}
				have := complete(b, want)
				planned(b, want, have)
				begun := used(b)
				for range b.N {
					planned(b, want, have)
				}
				took[i] = used(b) - begun
			}
			b.ReportMetric(exponent(small, large, float64(took[0]), float64(took[1])), "exponent")
			b.ReportMetric(float64(took[1].Milliseconds())/float64(b.N), "ms/10000")
		})
	}
}

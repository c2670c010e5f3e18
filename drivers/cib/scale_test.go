package cib

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

// large is a cluster of n primitives: half of them in groups of ten, with constraints between them.
func large(n int) *v1.Manifests {
	value := func(s string) v1.Value { return v1.Value{Text: s} }
	m := &v1.Manifests{}
	c := &v1.Cluster{}
	c.Metadata.Name = "large"
	for i := range 16 {
		c.Spec.Nodes = append(c.Spec.Nodes, v1.Node{Name: fmt.Sprintf("n%d", i), Addresses: []string{fmt.Sprintf("10.0.0.%d", i+1)}})
	}
	m.Add(c)
	primitive := func(i int) v1.Primitive {
		return v1.Primitive{Agent: "ocf:heartbeat:IPaddr2", Params: v1.Options{"ip": value(fmt.Sprintf("10.1.%d.%d", i/250, i%250)), "cidr_netmask": value("24")},
			Meta: v1.Options{"migration-threshold": value("3")}, Operations: []v1.Operation{{Name: "monitor", Interval: "30s", Timeout: "20s"}, {Name: "stop", Timeout: "60s"}}}
	}
	for i := 0; i < n/2; i++ {
		r := &v1.Resource{Spec: v1.ResourceSpec{Primitive: primitive(i)}}
		r.Metadata.Name = fmt.Sprintf("r%d", i)
		m.Add(r)
		x := &v1.Constraint{Spec: v1.ConstraintSpec{Location: &v1.Location{Resource: r.Metadata.Name, Node: fmt.Sprintf("n%d", i%16), Score: "100"}}}
		x.Metadata.Name = r.Metadata.Name + "-on"
		m.Add(x)
	}
	for i := n / 2; i < n; i += 10 {
		g := &v1.ResourceGroup{}
		g.Metadata.Name = fmt.Sprintf("g%d", i)
		for j := i; j < min(i+10, n); j++ {
			g.Spec.Resources = append(g.Spec.Resources, v1.GroupMember{Name: fmt.Sprintf("r%d", j), Primitive: primitive(j)})
		}
		m.Add(g)
	}
	m.SetDefaults()
	return m
}

// wantedOf and haveOf are the two sides of a plan.
func wantedOf(t testing.TB, m *v1.Manifests) State {
	t.Helper()
	want, err := New("default").Desired(m, secretValues("hush"))
	if err != nil {
		t.Fatal(err)
	}
	want.last = nil // each comparison is to be made, not remembered
	return want
}

func renderedCIB(t testing.TB, want State) string {
	t.Helper()
	r, err := New("default").Render(want, State{})
	if err != nil {
		t.Fatal(err)
	}
	return r[0].File.Content.Reveal()
}

// Time and memory grow with the size and not faster. The exponents between 1 000 and 10 000 primitives are told; that of memory, which is the
// same in every run, is held to the goal, and that of time to less than a square's, because other tests run beside.
func TestPlanIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: how time grows, because -short was given")
	}
	sizes := []int{1000, 3000, 10000}
	type cost struct {
		time  time.Duration
		bytes uint64
	}
	least := func(f func()) cost {
		best := cost{math.MaxInt64, math.MaxUint64}
		for range 2 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			f()
			spent := time.Since(begun)
			runtime.ReadMemStats(&after)
			best = cost{min(best.time, spent), min(best.bytes, after.TotalAlloc-before.TotalAlloc)}
		}
		return best
	}
	took := map[string][]cost{}
	for _, n := range sizes {
		m := large(n)
		var want State
		took["desired"] = append(took["desired"], least(func() { want = wantedOf(t, m) }))
		var cib string
		took["render"] = append(took["render"], least(func() { cib = renderedCIB(t, want) }))
		have := observed(want, cib)
		took["plan of nothing"] = append(took["plan of nothing"], least(func() {
			if ss := steps(t, want, have); len(ss) > 0 {
				t.Fatal("there is something to do")
			}
		}))
		took["plan of all"] = append(took["plan of all"], least(func() {
			if ss := steps(t, want, observed(want, fresh)); len(ss) == 0 {
				t.Fatal("there is nothing to do")
			}
		}))
		foreign := observed(State{Cluster: "large", Members: want.Members}, strings.ReplaceAll(cib, `id="hactl"`, `id="x"`))
		empty := wantedOf(t, &v1.Manifests{Cluster: m.Cluster})
		took["notes of all"] = append(took["notes of all"], least(func() { New("default").Notes(empty, foreign) }))
	}
	for what, d := range took {
		exponent := func(of func(cost) float64) float64 {
			return math.Log(of(d[2])/of(d[0])) / math.Log(float64(sizes[2])/float64(sizes[0]))
		}
		inTime := exponent(func(c cost) float64 { return c.time.Seconds() })
		inBytes := exponent(func(c cost) float64 { return float64(c.bytes) })
		t.Logf("%-16s %v, exponent %.2f; %d MB, exponent %.2f", what, d[2].time.Round(time.Millisecond), inTime, d[2].bytes>>20, inBytes)
		if inTime > 1.8 || inBytes > 1.15 {
			t.Errorf("%s grows faster than the configuration: exponents %.2f in time, %.2f in memory", what, inTime, inBytes)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{1000, 3000, 10000} {
		want := wantedOf(b, large(n))
		have := observed(want, renderedCIB(b, want))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New("default").Plan(want, have); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package cib

import (
	"fmt"
	"math"
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

// Time grows with the size and not faster: the exponent between 1 000 and 10 000 primitives is told, and bounded generously because other
// tests run beside.
func TestPlanIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: how time grows, because -short was given")
	}
	sizes := []int{1000, 3000, 10000}
	fastest := func(f func()) time.Duration {
		best := time.Duration(math.MaxInt64)
		for range 3 {
			begun := time.Now()
			f()
			best = min(best, time.Since(begun))
		}
		return best
	}
	took := map[string][]time.Duration{}
	for _, n := range sizes {
		m := large(n)
		var want State
		took["desired"] = append(took["desired"], fastest(func() { want = wantedOf(t, m) }))
		var cib string
		took["render"] = append(took["render"], fastest(func() { cib = renderedCIB(t, want) }))
		have := observed(want, cib)
		took["plan of nothing"] = append(took["plan of nothing"], fastest(func() {
			if ss := steps(t, want, have); len(ss) > 0 {
				t.Fatal("there is something to do")
			}
		}))
		took["plan of all"] = append(took["plan of all"], fastest(func() {
			if ss := steps(t, want, observed(want, fresh)); len(ss) == 0 {
				t.Fatal("there is nothing to do")
			}
		}))
		foreign := observed(State{Cluster: "large", Members: want.Members}, strings.ReplaceAll(cib, `id="hactl"`, `id="x"`))
		empty := wantedOf(t, &v1.Manifests{Cluster: m.Cluster})
		took["notes of all"] = append(took["notes of all"], fastest(func() { New("default").Notes(empty, foreign) }))
	}
	for what, d := range took {
		exponent := math.Log(d[2].Seconds()/d[0].Seconds()) / math.Log(float64(sizes[2])/float64(sizes[0]))
		t.Logf("%-16s %v: exponent %.2f", what, d, exponent)
		if exponent > 1.4 {
			t.Errorf("%s grows faster than the configuration: %v, exponent %.2f", what, d, exponent)
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

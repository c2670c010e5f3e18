package cib

import (
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

func TestDrill(t *testing.T) {
	needScheduler(t)
	const monitor = `, operations: [{name: monitor, interval: 10s}]`
	base := threeNodes + resource("A", monitor) + constraint("A-on-n1", "location: {resource: A, node: n1, score: 50}") + resource("ping", monitor+", clone: {}")
	never := func(name, node string) string {
		return constraint("never-"+node, "location: {resource: "+name+", node: "+node+", score: -INFINITY}")
	}
	for _, c := range []struct{ name, to, want string }{
		{"one place left", base + never("A", "n2") + never("A", "n3"), "losing n1 leaves A stopped"},
		{"the failure of a resource that may not come back", strings.Replace(base, "interval: 10s}]", "interval: 10s, on-fail: stop}]", 1), "a failure of A leaves A stopped"},
		{"no quorum needed any more", strings.Replace(base, "stonith-enabled: false", "stonith-enabled: false, no-quorum-policy: ignore", 1), ""},
		{"a ticket", base + constraint("A-ticket", "ticket: {resource: ping-clone, ticket: tick, lossPolicy: stop}"), ""},
		{"something new with one place", base + resource("B", monitor) + never("B", "n1") + never("B", "n3"), "losing n2 leaves B stopped, losing quorum leaves B stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := desired(t, c.to)
			have := observed(want, running(t, base))
			d, err := New("default").Drill(t.Context(), reconcile.Hosts{machine{name: "n1"}}, want, have)
			if err != nil || d.Unavailable != "" || len(d.Skipped) > 0 {
				t.Fatalf("%v %+v", err, d)
			}
			var got []string
			for _, f := range d.New {
				got = append(got, f.String())
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got %s\nwant %s", s, c.want)
			}
			if d.Ran < 5 {
				t.Errorf("only %d drills", d.Ran)
			}
		})
	}
	same, err := New("default").Drill(t.Context(), nil, desired(t, base), observed(desired(t, base), running(t, base)))
	if err != nil || same.Ran != 0 || len(same.New) > 0 {
		t.Errorf("without a change: %+v %v", same, err)
	}
}

package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
)

func TestTurns(t *testing.T) {
	ready := func(name string) Cluster { return Cluster{Name: name, Ready: true, Well: true} }
	reached := func(name string) Cluster { return Cluster{Name: name, Reached: true, Well: true} }
	drifted := func(name string) Cluster { return Cluster{Name: name, Reached: true, Ready: true, Well: true} }
	busy := func(name string) Cluster { return Cluster{Name: name, Busy: true, Well: true} }
	failed := func(name string) Cluster { return Cluster{Name: name, Ready: true, Failed: "step 3"} }
	waits := func(name string) Cluster {
		return Cluster{Name: name, Well: true, Waits: "waits for the window at 02:00"}
	}
	canary, one, stop := v1.Rollout{Canary: []string{"test", "lab"}}, v1.Rollout{OneAtATime: true}, v1.Rollout{StopOnFailure: true}
	full := v1.Rollout{Canary: []string{"test"}, OneAtATime: true, StopOnFailure: true}
	for _, c := range []struct {
		name     string
		rollout  v1.Rollout
		clusters []Cluster
		want     string
	}{
		{"nobody is ready", full, []Cluster{reached("a"), waits("b"), busy("c")}, ""},
		{"all at once", v1.Rollout{}, []Cluster{ready("b"), ready("a"), busy("c"), failed("d")}, "a goes, b goes, d goes"},
		{"canaries first", canary, []Cluster{ready("a"), ready("lab"), ready("test")}, "test goes, lab goes, a: waits for the canary test, which comes first"},
		{"the second canary", canary, []Cluster{ready("a"), busy("lab"), reached("test")}, "a: waits for the canary lab, which is being changed"},
		{"canaries have it", canary, []Cluster{ready("a"), ready("b"), reached("lab"), reached("test")}, "a goes, b goes"},
		{"a canary is not well", canary, []Cluster{ready("a"), reached("test"), {Name: "lab", Reached: true}}, "a: waits for the canary lab, which has the revision and is not well"},
		{"a canary waits", canary, []Cluster{ready("a"), waits("test")}, "a: waits for the canary test: waits for the window at 02:00"},
		{"a canary failed", canary, []Cluster{ready("a"), failed("test"), reached("lab")}, "test goes, a: waits for the canary test, which failed: step 3"},
		{"a canary that nobody knows", canary, []Cluster{ready("a"), reached("test")}, "a: waits for the canary lab, of which nothing is known yet"},
		{"what has it and drifted waits for no canary", canary, []Cluster{drifted("a"), ready("b"), busy("test")}, "a goes, b: waits for the canary test, which is being changed"},
		{"one at a time", one, []Cluster{ready("c"), ready("a"), ready("b")}, "a goes, b: one cluster at a time, and a is being changed, c: one cluster at a time, and a is being changed"},
		{"one is busy", one, []Cluster{ready("a"), drifted("c"), busy("b")}, "a: one cluster at a time, and b is being changed, c: one cluster at a time, and b is being changed"},
		{"stop", stop, []Cluster{ready("a"), failed("b"), drifted("c")}, "b goes, c goes, a: the rollout has stopped: b failed: step 3"},
		{"one of which nothing is known", stop, []Cluster{ready("a"), {Name: "c", Unseen: "no route"}, {Name: "b", Unseen: "no answer"}, drifted("d")},
			"d goes, a: the rollout stops where a cluster failed, and whether b did is not known: no answer (another WatchPolicy for it lets the others go on)"},
		{"one failed, and of one nothing is known", stop, []Cluster{ready("a"), {Name: "b", Unseen: "no answer"}, failed("c")}, "c goes, a: the rollout has stopped: c failed: step 3"},
		{"one of which nothing is known, and all may go", v1.Rollout{}, []Cluster{ready("a"), {Name: "b", Unseen: "no answer"}}, "a goes"},
		{"two failed", stop, []Cluster{failed("a"), failed("b")}, "a goes, b goes"},
		{"all of it", full, []Cluster{ready("a"), ready("b"), ready("test")}, "test goes, a: waits for the canary test, which comes first, b: waits for the canary test, which comes first"},
		{"all of it, later", full, []Cluster{ready("a"), ready("b"), reached("test")}, "a goes, b: one cluster at a time, and a is being changed"},
	} {
		var have []string
		for _, x := range Turns(c.rollout, c.clusters) {
			s := x.Name + " goes"
			if !x.Go {
				s = x.Name + ": " + x.Why
			}
			have = append(have, s)
		}
		if s := strings.Join(have, ", "); s != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, s, c.want)
		}
	}
}

// Whatever happens, a rollout without failures ends with all clusters changed, no two at a time, the canary first.
func TestTurnsGetThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "clusters")
		clusters := make([]Cluster, n)
		for i := range clusters {
			clusters[i] = Cluster{Name: fmt.Sprintf("c%d", i), Ready: true, Well: true}
		}
		r := v1.Rollout{OneAtATime: rapid.Bool().Draw(t, "one"), StopOnFailure: rapid.Bool().Draw(t, "stop")}
		canary := rapid.IntRange(-1, n-1).Draw(t, "canary")
		if canary >= 0 {
			r.Canary = []string{clusters[canary].Name}
		}
		for round := 0; slices.ContainsFunc(clusters, func(c Cluster) bool { return !c.Reached }); round++ {
			if round > 3*n {
				t.Fatalf("stuck: %+v", clusters)
			}
			for _, x := range Turns(r, rapid.Permutation(clusters).Draw(t, "order")) {
				if i := slices.IndexFunc(clusters, func(c Cluster) bool { return c.Name == x.Name }); x.Go {
					if canary >= 0 && i != canary && !clusters[canary].Reached {
						t.Fatalf("%s before the canary", x.Name)
					}
					clusters[i].Ready, clusters[i].Busy = false, true
				}
			}
			busy := 0
			for i := range clusters {
				if clusters[i].Busy {
					busy++
					if rapid.Bool().Draw(t, "done") {
						clusters[i].Busy, clusters[i].Reached = false, true
					}
				}
			}
			if r.OneAtATime && busy > 1 {
				t.Fatalf("%d at a time", busy)
			}
			if round == 2*n { // nobody takes for ever
				for i := range clusters {
					if clusters[i].Busy {
						clusters[i].Busy, clusters[i].Reached = false, true
					}
				}
				round = n
			}
		}
	})
}

package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

func TestSimulation(t *testing.T) {
	lost := []reconcile.Reaction{{Action: "start", Resource: "db", To: "n2"}, {Action: "fence", Node: "n1", Risk: reconcile.Fence}, {Action: "stop", Resource: "x", From: "n3", Anyway: true}}
	for _, c := range []struct {
		s            Simulation
		quiet        bool
		first, last  string
		jsonContains string
	}{
		{NewSimulation(reconcile.Prediction{}, nil), true, "the cluster: would do nothing.", "the cluster: would do nothing.", `"reactions": []`},
		{NewSimulation(reconcile.Prediction{Reactions: lost}, []string{"n1 is lost", "quorum is lost"}), false,
			"If n1 is lost, and quorum is lost:", "the cluster: 2 reactions; risk: fence.", `"action": "fence"`},
		{NewSimulation(reconcile.Prediction{Reactions: lost[2:]}, []string{"n1 is lost"}), true, "If n1 is lost:", "the cluster: would do nothing.", `"anyway": true`},
		{NewSimulation(reconcile.Prediction{Unavailable: "no tool"}, nil), true, "", "the cluster: nobody knows what it would do.", `"unavailable": "no tool"`},
	} {
		var text, data bytes.Buffer
		if err := SimulationText(&text, c.s, Style{}); err != nil {
			t.Fatal(err)
		}
		if err := SimulationJSON(&data, c.s); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
		if lines[0] != c.first || lines[len(lines)-1] != c.last || c.s.Quiet() != c.quiet || !strings.Contains(data.String(), c.jsonContains) {
			t.Errorf("quiet %v\n%s\n%s", c.s.Quiet(), text.String(), data.String())
		}
	}
}

func TestDrillLines(t *testing.T) {
	many := []string{"losing n1", "losing n2", "losing n3", "losing n4", "losing n5", "losing n6"}
	for want, d := range map[string]*reconcile.Drills{
		"":                                   nil,
		"  unavailable: no cluster runs yet": {Unavailable: "no cluster runs yet"},
		"  nothing changes in the cluster's configuration":                                                           {},
		"  no failure costs more than now (3 drills)":                                                                {Ran: 3},
		"  losing n2 leaves VIP stopped\n  of 1 drill":                                                               {Ran: 1, New: []reconcile.Finding{{Event: "losing n2", Effect: "stopped", Resource: "VIP"}}},
		"  losing n2 has n1 fenced\n  of 4 drills":                                                                   {Ran: 4, New: []reconcile.Finding{{Event: "losing n2", Effect: "fenced", Node: "n1"}}},
		"  6 drills not run for lack of time: losing n1, losing n2, losing n3, losing n4,\n    losing n5 and 1 more": {Skipped: many},
	} {
		if got := strings.Join(drillLines(d), "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

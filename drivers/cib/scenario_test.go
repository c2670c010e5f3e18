package cib

import (
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// simulated writes the reactions to a scenario, those that come anyway left out.
func simulated(t testing.TB, cib string, s Scenario) (string, error) {
	t.Helper()
	want := desired(t, threeNodes)
	pr, err := New("default").Simulate(t.Context(), reconcile.Hosts{machine{name: "n1"}}, observed(want, cib), s)
	if pr.Unavailable != "" {
		t.Error(pr.Unavailable)
	}
	var lines []string
	for _, r := range pr.Reactions {
		if !r.Anyway {
			lines = append(lines, strings.Join(strings.Fields(r.Action+" "+instanceOf(r.Resource)+" "+r.Node+" "+r.From+">"+r.To), " "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, ", "), err
}

func TestScenarios(t *testing.T) {
	needScheduler(t)
	const monitor = `, operations: [{name: monitor, interval: 10s}]`
	cib := running(t, threeNodes+resource("A", monitor)+resource("silent", "")+constraint("A-on-n1", "location: {resource: A, node: n1, score: 50}")+
		constraint("silent-on-n2", "location: {resource: silent, node: n2, score: 50}")+
		resource("ping", monitor+", clone: {}")+resource("T", "")+constraint("T-ticket", "ticket: {resource: T, ticket: tick, lossPolicy: stop}")+
		constraint("T-on-n3", "location: {resource: T, node: n3, score: 50}"))
	no, yes := false, true
	for _, c := range []struct {
		name string
		s    Scenario
		want string
	}{
		{"nothing", Scenario{}, "cannot-run T >"},
		{"a node leaves", Scenario{NodeDown: []string{"n1"}}, "start A >n2"},
		{"a node is lost", Scenario{NodeFail: []string{"n1"}}, "start A >n2"},
		{"two nodes are lost", Scenario{NodeFail: []string{"n1", "n2"}}, "start A >n3, start silent >n3"},
		{"a resource fails where it runs", Scenario{Fail: []Failure{{Resource: "A"}}}, "restart A n1>n1"},
		{"an instance of a clone fails", Scenario{Fail: []Failure{{Resource: "ping", Node: "n2"}}}, "restart ping n2>n2"},
		{"quorum is lost", Scenario{HasQuorum: &no}, "stop A n1>, stop ping n1>, stop ping n2>, stop ping n3>, stop silent n2>"},
		{"there is quorum", Scenario{HasQuorum: &yes}, ""},
		{"a ticket is granted", Scenario{Grant: []string{"tick"}}, "start T >n3"},
		{"it comes and cannot start there", Scenario{Grant: []string{"tick"}, Fail: []Failure{{Resource: "T", Node: "n3", Operation: "start"}}},
			"restart T n3>n3, start T >n3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := simulated(t, cib, c.s)
			if err != nil || got != c.want {
				t.Errorf("got  %s %v\nwant %s", got, err, c.want)
			}
		})
	}
	for want, s := range map[string]Scenario{
		`there is no node "n11": did you mean n1?`:                     {NodeDown: []string{"n11"}},
		`there is no node "elsewhere"; there are n1, n2, n3`:           {NodeFail: []string{"elsewhere"}},
		`there is no ticket "tack": did you mean tick?`:                {Revoke: []string{"tack"}},
		`there is no resource "pong": did you mean ping?`:              {Fail: []Failure{{Resource: "pong"}}},
		`there is no node "n9"`:                                        {Fail: []Failure{{Resource: "A", Node: "n9"}}},
		"A does not run on n2 but on n1":                               {Fail: []Failure{{Resource: "A", Node: "n2"}}},
		"T runs nowhere, so no monitor of it can fail":                 {Fail: []Failure{{Resource: "T"}}},
		"silent has no monitor on n2: the cluster would not notice it": {Fail: []Failure{{Resource: "silent"}}},
	} {
		if _, err := simulated(t, cib, s); err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(want, " it")) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// A lost node that nobody can fence keeps what ran on it: nothing else may start it.
func TestScenarioUnfenced(t *testing.T) {
	needScheduler(t)
	cib := running(t, threeNodes+resource("A", "")+constraint("A-on-n1", "location: {resource: A, node: n1, score: 50}"))
	cib = strings.Replace(cib, `name="stonith-enabled" value="false"`, `name="stonith-enabled" value="true"`, 1)
	got, err := simulated(t, cib, Scenario{NodeFail: []string{"n1"}})
	if want := "cannot-run A >"; err != nil || got != want {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
}

func TestParseFailure(t *testing.T) {
	for text, want := range map[string]Failure{
		"db": {Resource: "db"}, "db@n1": {Resource: "db", Node: "n1"}, "db@n1=start": {Resource: "db", Node: "n1", Operation: "start"},
		"db@n1=monitor:1": {Resource: "db", Node: "n1", Operation: "monitor", Code: 1}, "db=stop:5": {Resource: "db", Operation: "stop", Code: 5},
	} {
		got, err := ParseFailure(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "@n1", "db@", "db@n1=", "db@n1=frob", "db@n1=start:", "db@n1=start:0", "db@n1=start:x", "db@n1=start:256"} {
		if f, err := ParseFailure(bad); err == nil {
			t.Errorf("%q: %+v", bad, f)
		}
	}
}

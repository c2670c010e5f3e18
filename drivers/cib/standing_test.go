package cib

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// What keeps hactl from writing to a cluster of three, and what does not.
func TestStanding(t *testing.T) {
	want := desired(t, web)
	type member struct{ online, clean, expected bool }
	up, off, lost, vanished := member{true, true, true}, member{false, true, false}, member{false, false, true}, member{false, true, true}
	tests := []struct {
		name    string
		n3      member // as the designated controller sees it
		fencing string // status of a fence_event
		change  func(*State)
		trouble string // part of the one sentence; none where it is empty
		offline string
	}{
		{name: "all is well", n3: up},
		{name: "a member that is off and known to be", n3: off, change: away(Unreachable), offline: "n3"},
		{name: "a member that only hactl cannot ask", n3: up, change: away(Unreachable), trouble: "n3 cannot be asked"},
		{name: "a member that vanished where nothing fences", n3: vanished, change: away(Unreachable), trouble: "n3 cannot be asked"},
		{name: "a member whose Pacemaker was stopped", n3: off, change: away(Stopped), offline: "n3"},
		{name: "a node that is still to be added", n3: off, trouble: "", change: func(s *State) {
			away(Unreachable)(s)
			s.CIB = XML(strings.Replace(string(s.CIB), `<node id="3" uname="n3"/>`, "", 1))
			s.CIB = XML(strings.Replace(string(s.CIB), `uname="n3" in_ccm`, `uname="other" in_ccm`, 1))
		}},
		{name: "an unclean node", n3: lost, change: away(Unreachable), trouble: "n3 is unclean"},
		{name: "fencing under way", n3: up, fencing: "pending", trouble: "fencing of n3 is pending"},
		{name: "fencing that is over", n3: up, fencing: "success"},
		{name: "two controllers", n3: up, change: func(s *State) { s.Members[2].DC = "3" }, trouble: "the cluster is split: n1+n2 and n3"},
		{name: "no controller", n3: up, change: func(s *State) {
			for i := range s.Members {
				s.Members[i].DC = ""
			}
		}, trouble: "no designated controller"},
		{name: "no quorum", n3: up, change: func(s *State) {
			for i := range s.Members {
				s.Members[i].Quorate = false
			}
		}, trouble: "no member has quorum"},
		{name: "copies that differ", n3: up, change: func(s *State) {
			for i := range s.Members {
				s.Members[i].Settled, s.Members[i].Digest = false, fmt.Sprint(i/2)
			}
		}, trouble: "different configurations: n1+n2 and n3"},
		{name: "a status that cannot be read", n3: up, change: func(s *State) { s.Monitor = "<pacemaker-res" }, trouble: "the status cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expected := "down"
			if tt.n3.expected {
				expected = "member"
			}
			cib := strings.Replace(fresh, "</configuration>", fmt.Sprintf(`</configuration><status>
				<node_state id="3" uname="n3" in_ccm="%t" crmd="x" join="%s" expected="%s"/></status>`, tt.n3.online, expected, expected), 1)
			cib = strings.Replace(cib, "<status/>", "", 1)
			have := observed(want, cib)
			have.Monitor = fmt.Sprintf(`<pacemaker-result><nodes><node name="n1" online="true" unclean="false"/><node name="n2" online="true" unclean="false"/>
				<node name="n3" online="%t" unclean="%t"/></nodes><fence_history><fence_event target="n3" action="reboot" status="%s"/></fence_history></pacemaker-result>`,
				tt.n3.online, !tt.n3.clean, tt.fencing)
			if tt.change != nil {
				tt.change(&have)
			}
			s := New("default").Standing(want, have)
			switch {
			case !s.Formed:
				t.Error("the cluster is not taken for formed")
			case tt.trouble == "" && len(s.Trouble) > 0:
				t.Errorf("in trouble: %q", s.Trouble)
			case tt.trouble != "" && (len(s.Trouble) != 1 || !strings.Contains(s.Trouble[0], tt.trouble)):
				t.Errorf("trouble %q, want one sentence with %q", s.Trouble, tt.trouble)
			}
			if got := strings.Join(s.Offline, " "); got != tt.offline {
				t.Errorf("offline %q, want %q", got, tt.offline)
			}
		})
	}
}

func away(r Runs) func(*State) {
	return func(s *State) {
		s.Members[2] = Member{Name: "n3", ID: 3, Runs: r, Why: "no answer"}
	}
}

// Fence devices are the cure of an unclean node: they may be changed while there is one.
func TestStandingAllowsTheCure(t *testing.T) {
	want := desired(t, web)
	want.Objects = slices.DeleteFunc(slices.Clone(want.Objects), func(o Object) bool { return o.Ref.Kind != "FenceDevice" })
	have := observed(want, strings.Replace(fresh, `<nvpair id="hactl-seed-dc-deadtime" name="dc-deadtime" value="2s"/>`, "", 1))
	have.Monitor = `<pacemaker-result><nodes><node name="n1" online="true" unclean="false"/><node name="n3" online="false" unclean="true"/></nodes></pacemaker-result>`
	if ss := steps(t, want, have); !slices.ContainsFunc(ss, func(s reconcile.Step) bool { return s.ID == "cib n1 change" }) {
		t.Fatalf("nothing is planned: %v", ss)
	}
	if s := New("default").Standing(want, have); len(s.Trouble) > 0 {
		t.Errorf("a change of fence devices alone is refused: %q", s.Trouble)
	}
}

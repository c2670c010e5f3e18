package cib

import (
	"strings"
	"testing"
)

// A question gives the answers of all its rounds and the CIB in the end; events are of the first round alone.
func TestQuestion(t *testing.T) {
	needScheduler(t)
	cib := running(t, threeNodes+resource("A", "")+constraint("A-on-n1", "location: {resource: A, node: n1, score: 50}"))
	sims, end, err := question{cib: cib, rounds: maxTransitions, events: []string{"--node-down", "n1"}, result: true}.simulate(t.Context(), machine{name: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(sims) != 2 || len(sims[0].actions) != 1 || len(sims[1].actions) != 0 {
		t.Errorf("%d rounds: %+v", len(sims), sims)
	}
	doc, err := parse(end)
	if err != nil {
		t.Fatalf("the CIB in the end: %v\n%s", err, end)
	}
	if doc.FindElement("/cib/status/node_state[@uname='n2']//lrm_resource[@id='A']/lrm_rsc_op[@operation='start']") == nil {
		t.Errorf("A does not run on n2 in the end:\n%s", end)
	}
	if _, _, err := (question{cib: "no XML", rounds: 1}).simulate(t.Context(), machine{name: "n1"}); err == nil || !strings.Contains(err.Error(), "crm_simulate") {
		t.Errorf("of no CIB: %v", err)
	}
}

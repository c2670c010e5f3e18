package cib

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// keeper is a host with one secret, or one whose secrets cannot be read.
type keeper struct {
	reconcile.Host
	err error
}

func (keeper) Name() string { return "n1" }

func (k keeper) ReadFiles(context.Context, ...string) (map[string]reconcile.File, error) {
	return map[string]reconcile.File{secretPath("a", "passwd"): {Content: reconcile.Plain("open \"sesame\" & <run>\n")}}, k.err
}

// What an agent repeats of its secrets in the reason of its failure is told without them, as crm_mon quotes it and as it is.
func TestDiscreet(t *testing.T) {
	const answer = `<pacemaker-result api-version="2.25" request="crm_mon"><failures><failure op_key="a_start_0" node="n1" exitstatus="error" ` +
		`exitreason="cannot log in with open &amp;quot;sesame&amp;quot; &amp;amp; &amp;lt;run&amp;gt; as me" exitcode="1" call="7" status="complete"/></failures></pacemaker-result>`
	mon, err := readMonitor(answer)
	if err != nil {
		t.Fatal(err)
	}
	raw := failures(mon)
	if len(raw) != 1 || !strings.Contains(raw[0].String(), `open "sesame" & <run>`) {
		t.Fatalf("%v", raw)
	}
	told := toldOn(t.Context(), keeper{}, raw)
	if s := told[0].String(); strings.Contains(s, "sesame") || !strings.Contains(s, "cannot log in with (secret) as me") {
		t.Errorf("told: %s", s)
	}
	if s := toldOn(t.Context(), keeper{err: errors.New("denied")}, raw)[0].String(); strings.Contains(s, "sesame") || !strings.Contains(s, notTold) {
		t.Errorf("told without knowing the secrets: %s", s)
	}
	if raw[0].reason == told[0].reason {
		t.Error("the failures themselves were changed: they are compared with others")
	}
	known, _ := secretsOn(t.Context(), keeper{})
	if s := discreetMonitor(answer, known); strings.Contains(s, "sesame") || !strings.Contains(s, "cannot log in with (secret) as me") {
		t.Errorf("recorded: %s", s)
	}
	if s := discreetMonitor(answer, []string{"another"}); s != answer {
		t.Errorf("changed without need: %s", s)
	}
}

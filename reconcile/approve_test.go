package reconcile

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What --allow takes, and what it says to what it does not.
func TestParseAllow(t *testing.T) {
	for _, c := range []struct{ in, err string }{
		{"restart", ""}, {"outage", ""}, {"redundancy", ""}, {"quorum", ""}, {"fence", ""}, {"adopt", ""},
		{"fence=Cluster/lab", ""}, {"data-loss=DRBDResource/r0", ""},
		{"data-loss", "for one object only: data-loss=KIND/NAME"},
		{"fnce", `"fnce" is no risk; did you mean fence?`},
		{"quorm=Cluster/lab", `"quorm" is no risk; did you mean quorum?`},
		{"everything", `"everything" is no risk; the risks are safe, reload, restart, outage, redundancy, quorum, fence, adopt, data-loss`},
		{"outage=", "outage= names no object: write outage=KIND/NAME, or outage alone for all"},
		{"safe", "safe needs nobody's leave"}, {"reload", "reload needs nobody's leave"}, {"", `"" is no risk`},
	} {
		a, err := ParseAllow(c.in)
		switch {
		case c.err == "" && (err != nil || a.String() != c.in):
			t.Errorf("%q: %v, %v", c.in, a, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: %v, want %q", c.in, err, c.err)
		}
	}
}

// An allow that opens nothing is told, with what was probably meant.
func TestIdle(t *testing.T) {
	gates := []Gate{{Risk: Fence, Object: "Cluster/lab", Why: "w", ByName: true}, {Risk: Outage, Object: "VIP", Why: "w"}, {Risk: Outage, Object: "Resource/Old", Why: "w"},
		{Risk: AdoptRisk, Object: "Resource/web", Why: "w"}, {Risk: DataLoss, Object: "DRBDResource/r0", Why: "w", ByName: true}}
	for allow, want := range map[string]string{
		"outage":               "",
		"outage=Resource/VIP":  "",
		"outage=VIP":           "",
		"outage=Old":           "",
		"fence=Cluster/lab":    "",
		"fence":                "--allow fence opens nothing: this needs the name, --allow fence=Cluster/lab",
		"data-loss=r0":         "--allow data-loss=r0 opens nothing: this needs the name, --allow data-loss=DRBDResource/r0",
		"outage=Resource/Odl":  "--allow outage=Resource/Odl opens nothing: did you mean outage=Resource/Old?",
		"outage=Bundle/else":   "--allow outage=Bundle/else opens nothing: the plan has the risk outage for other objects only",
		"outage=Resource/web":  "--allow outage=Resource/web opens nothing: the risk of Resource/web is adopt, --allow adopt=Resource/web",
		"redundancy":           "--allow redundancy opens nothing: the plan has no risk redundancy",
		"quorum=Cluster/other": "--allow quorum=Cluster/other opens nothing: the plan has no risk quorum",
	} {
		a, err := ParseAllow(allow)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(Idle(gates, []Allow{a}), "\n"); got != want {
			t.Errorf("%s: %q, want %q", allow, got, want)
		}
	}
}

// What many steps share is one gate of the whole, which one --allow opens.
func TestGateOfTheWhole(t *testing.T) {
	all := Ref{"Cluster", "lab"}
	p := &Plan{}
	for _, n := range []string{"n1", "n2"} {
		p.Steps = append(p.Steps, PlannedStep{Step: Step{ID: n, Changes: []Change{{Object: Ref{"daemon", n}, Action: Stop, Risk: Outage, Why: "all stop", Whole: all, ByName: true}}}})
	}
	if d := cmp.Diff([]Gate{{Risk: Outage, Object: "Cluster/lab", Why: "all stop", ByName: true}}, p.Gates()); d != "" {
		t.Error(d)
	}
	if rest := Ungated(p.Gates(), []Allow{{Risk: Outage}, {Risk: Outage, Object: "daemon/n1"}}); len(rest) != 1 {
		t.Errorf("opened without the name: %v", rest)
	}
	if rest := Ungated(p.Gates(), []Allow{{Risk: Outage, Object: "Cluster/lab"}}); len(rest) != 0 {
		t.Errorf("still closed: %v", rest)
	}
}

// Each word of --fail-on finds what it names and nothing else; without a prediction, each finds something.
func TestFailOnWords(t *testing.T) {
	for _, w := range reactionWords {
		p := &Plan{Steps: []PlannedStep{{}}, Prediction: Prediction{Reactions: []Reaction{{Action: w, Resource: "x", From: "n1"}, {Action: "monitor", Resource: "y"}}}}
		if got := p.Failing(FailOn{w}); len(got) != 1 || !strings.HasPrefix(got[0], w+": the cluster will "+w+" x") {
			t.Errorf("%s: %q", w, got)
		}
		p.Prediction.Reactions[0].Anyway = true
		if got := p.Failing(FailOn{w}); len(got) != 0 {
			t.Errorf("%s, what happens anyway: %q", w, got)
		}
	}
	for r := ReloadRisk; r <= DataLoss; r++ {
		p := &Plan{Steps: []PlannedStep{{Step: Step{Changes: []Change{{Object: Ref{"K", "n"}, Action: Update, Risk: r}}}}}}
		for _, w := range FailOnWords() {
			got := p.Failing(FailOn{w})
			if (w == r.String()) != (len(got) == 1) {
				t.Errorf("a change of risk %s against %s: %q", r, w, got)
			}
		}
		p = &Plan{Steps: []PlannedStep{{}}, Prediction: Prediction{Reactions: []Reaction{{Action: "monitor", Resource: "x", Risk: r}}}}
		if got := p.Failing(FailOn{r.String()}); len(got) != 1 {
			t.Errorf("a reaction of risk %s: %q", r, got)
		}
	}
	blind := &Plan{Steps: []PlannedStep{{}}, Prediction: Prediction{Unavailable: "nobody to ask"}}
	for _, w := range FailOnWords() {
		if got := blind.Failing(FailOn{w}); len(got) != 1 || !strings.Contains(got[0], "nobody to ask") {
			t.Errorf("%s without a prediction: %q", w, got)
		}
	}
	if got := (&Plan{Prediction: Prediction{Unavailable: "nobody to ask"}}).Failing(FailOnWords()); got != nil {
		t.Errorf("nothing to do, and yet: %q", got)
	}
	for in, want := range map[string]string{"restrat": "did you mean restart?", "explode": "the words are start, stop, restart,", "safe": "neither"} {
		if _, err := ParseFailOn([]string{"stop", in}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
	if words, err := ParseFailOn(FailOnWords()); err != nil || !slices.Equal(words, FailOnWords()) {
		t.Errorf("%v, %v", words, err)
	}
}

// No answer of the scheduler is an outage to every gate, whatever the changes are; where nothing is to be done there is nothing to answer.
func TestNoPredictionIsAnOutage(t *testing.T) {
	p := &Plan{Cluster: "lab", Steps: []PlannedStep{{Step: Step{Changes: []Change{{Object: Ref{"Resource", "A"}, Action: Update}}}}}, Prediction: Prediction{Unavailable: "crm_simulate is not there"}}
	if d := cmp.Diff([]Gate{{Risk: Outage, Object: "cluster/lab", Why: "prediction unavailable: crm_simulate is not there"}}, p.Gates()); d != "" {
		t.Error(d)
	}
	if p.Risk() != Outage {
		t.Errorf("risk %s", p.Risk())
	}
	if p.Steps = nil; len(p.Gates()) != 0 || p.Risk() != Safe {
		t.Errorf("nothing to do: %v, %s", p.Gates(), p.Risk())
	}
}

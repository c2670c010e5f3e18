package cib

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// otherwise are the cases whose recorded summary crm_simulate itself does not give, and why.
var otherwise = map[string]string{
	"bundle-order-partial": "nothing is recorded; crm_simulate 2.1.5 of Debian restarts the bundles, whose digests it computes otherwise",
}

// The reactions to the scheduler's own cases are those of the recorded Transition Summary: what happens to which instance where, and why.
func TestReactionsCorpus(t *testing.T) {
	cases, _ := filepath.Glob("../../../shared/corpus/scheduler/*.xml")
	if len(cases) == 0 {
		t.Skip("NOT TESTED: reactions against recorded summaries, because the corpus of scheduler cases is not here")
	}
	needScheduler(t)
	if testing.Short() {
		cases = cases[:40]
	}
	var mu sync.Mutex
	equal := 0
	var bad []string
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, c := range cases {
		g.Go(func() error {
			name := strings.TrimSuffix(filepath.Base(c), ".xml")
			summary, err := os.ReadFile(strings.TrimSuffix(c, ".xml") + ".summary")
			if err != nil {
				return err
			}
			want := recordedReactions(string(summary))
			got, why := caseReactions(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case why == "" && slices.Equal(got, want):
				equal++
				if otherwise[name] != "" {
					t.Errorf("%s is said to differ (%s), and does not", name, otherwise[name])
				}
			case otherwise[name] != "":
				t.Logf("%s: %s", name, otherwise[name])
			default:
				bad = append(bad, fmt.Sprintf("%s %s\n  got  %s\n  want %s", name, why, strings.Join(without(got, want), " | "), strings.Join(without(want, got), " | ")))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the reactions of %d of %d cases are those of the recorded summary", equal, len(cases))
	slices.Sort(bad)
	if len(bad) > 0 {
		t.Errorf("%d differ:\n%s", len(bad), strings.Join(bad, "\n"))
	}
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// caseReactions are the reactions of the first transition of a case, one a line: "action resource from>to why".
func caseReactions(ctx context.Context, file string) (lines []string, why string) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err.Error()
	}
	sims, _, err := question{cib: string(b), rounds: 1}.simulate(ctx, machine{name: "n"})
	if err != nil {
		return nil, err.Error()
	}
	for _, r := range reactionsOf(sims[0]) {
		lines = append(lines, reactionLine(r))
	}
	slices.Sort(lines)
	return lines, ""
}

func reactionLine(r reconcile.Reaction) string {
	where := r.From
	if r.From != r.To {
		where += ">" + r.To
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", r.Action, r.Resource, r.Node, where, r.Reason)), " ")
}

var (
	// resourceLine is "  * Move       rsc:1     (      Promoted node1 -> Unpromoted node2 )  blocked  due to why".
	resourceLine = regexp.MustCompile(`^  \* (Start|Stop|Restart|Reload|Recover|Move|Migrate|Promote|Demote) +(\S+) +\( +(.*?) +\)( +blocked)?(?:  due to (.*?))?( \(blocked\))?$`)
	// nodeLine is "  * Fence (reboot) node1 'why'".
	nodeLine = regexp.MustCompile(`^  \* (Fence \((?:reboot|off)\)|Fence \(on\)|Shutdown) (\S+)(?: \(resource: \S+\))?(?: '(.*)')?$`)
	roles    = regexp.MustCompile(`\b(Promoted|Unpromoted|Started|Stopped|Master|Slave)\b`)
)

// recordedReactions reads the Transition Summary of a text into lines as reactionLine writes them.
func recordedReactions(s string) []string {
	_, s, _ = strings.Cut(s, "Transition Summary:\n")
	s, _, _ = strings.Cut(s, "\n\n")
	var out []string
	for _, l := range strings.Split(s, "\n") {
		var r reconcile.Reaction
		if m := nodeLine.FindStringSubmatch(l); m != nil {
			r.Node, r.Reason = m[2], m[3]
			switch {
			case m[1] == "Shutdown":
				r.Action = "shutdown"
			case m[1] == "Fence (on)":
				r.Action = "unfence"
			default:
				r.Action = "fence"
			}
		} else if m := resourceLine.FindStringSubmatch(l); m != nil {
			r.Action, r.Resource, r.Reason = strings.ToLower(m[1]), m[2], m[5]
			from, to, moves := strings.Cut(roles.ReplaceAllString(m[3], ""), "->")
			from, to = strings.TrimSpace(from), strings.TrimSpace(to)
			if from == "" { // only the role changes
				from = to
			}
			if !moves || to == "" {
				to = from
			}
			switch r.Action {
			case "start":
				r.To = to
			case "stop":
				r.From = from
			case "promote":
				r.To = to
			case "demote":
				r.From = from
			case "recover":
				r.Action = "restart"
				if from != to {
					r.Action = "move"
				}
				r.From, r.To = from, to
			default:
				r.From, r.To = from, to
			}
			if m[4]+m[6] != "" {
				r.Reason = strings.TrimSuffix("its "+r.Action+" must wait: "+r.Reason, ": ")
				r.Action = "blocked"
			}
		} else {
			continue
		}
		out = append(out, reactionLine(r))
	}
	slices.Sort(out)
	return out
}

package cib

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
)

// The scheduler's own cases: what is read from crm_simulate's XML must be what the recorded summary says.
func TestSimulateCorpus(t *testing.T) {
	cases, _ := filepath.Glob("../../../shared/corpus/scheduler/*.xml")
	if len(cases) == 0 {
		t.Skip("NOT TESTED: reading crm_simulate's answers, because the corpus of scheduler cases is not here")
	}
	if _, err := exec.LookPath("crm_simulate"); err != nil {
		t.Skip("NOT TESTED: reading crm_simulate's answers, because crm_simulate is not installed")
	}
	if testing.Short() {
		cases = cases[:40]
	}
	var mu sync.Mutex
	match := 0
	var bad []string
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, c := range cases {
		g.Go(func() error {
			out, err := exec.Command("crm_simulate", "-x", c, "-S", "--output-as=xml").Output()
			if err != nil {
				return nil // counted as no match
			}
			sim, err := parseSimulation(string(out))
			if err != nil {
				t.Errorf("%s: %v", c, err)
				return nil
			}
			b, err := os.ReadFile(strings.TrimSuffix(c, ".xml") + ".summary")
			if err != nil {
				return err
			}
			got, want := summaryOf(sim), recorded(string(b))
			mu.Lock()
			defer mu.Unlock()
			if slices.Equal(got, want) {
				match++
			} else {
				bad = append(bad, filepath.Base(c)+"\n  got  "+strings.Join(got, " | ")+"\n  want "+strings.Join(want, " | "))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d summaries match", match, len(cases))
	slices.Sort(bad)
	if match < len(cases)*99/100 {
		t.Errorf("too few match; first:\n%s", strings.Join(bad[:min(len(bad), 8)], "\n"))
	}
}

// roleInText is what the text tells of stops and restarts besides.
var roleInText = regexp.MustCompile(`\( +(Promoted|Unpromoted) ([^-])`)

// summaryOf writes the actions as crm_simulate's text does, without its padding and reasons.
func summaryOf(s simulation) []string {
	var out []string
	for _, a := range s.actions {
		var w string
		title := strings.ToUpper(a.Action[:1]) + a.Action[1:]
		switch a.Action {
		case "start", "stop":
			w = title + " " + a.Resource + " ( " + a.Node + " )"
		case "promote", "demote":
			w = title + " " + a.Resource + " ( " + a.Role + " -> " + a.NextRole + " " + firstOf(a.Dest, a.Source) + " )"
		default:
			w = title + " " + a.Resource + " ( "
			if a.NextRole != "" && a.NextRole != a.Role && a.Role != "" {
				w += a.Role + " -> " + a.NextRole + " "
			}
			w += firstOf(a.Source, a.Node)
			if a.Dest != "" {
				w += " -> " + a.Dest
			}
			w += " )"
		}
		if a.Resource == "" {
			w = a.Action + " " + a.Node
		}
		out = append(out, w)
	}
	slices.Sort(out)
	return out
}

// recorded reads the transition summary of a text.
func recorded(s string) []string {
	_, s, ok := strings.Cut(s, "Transition Summary:\n")
	if !ok {
		return nil
	}
	s, _, _ = strings.Cut(s, "\n\n")
	s = roleInText.ReplaceAllString(s, "( $2")
	var out []string
	for _, l := range strings.Split(s, "\n") {
		l, ok := strings.CutPrefix(l, "  * ")
		if strings.HasPrefix(l, "Executing") {
			break
		}
		if !ok || strings.Contains(l, "action:") || strings.HasPrefix(l, "Cluster action") {
			continue
		}
		l, _, _ = strings.Cut(l, "  due to ")
		if strings.HasPrefix(l, "Fence") {
			l, _, _ = strings.Cut(l, " '")
			l, _, _ = strings.Cut(l, " (resource:")
		}
		out = append(out, strings.Join(strings.Fields(strings.NewReplacer(" Unpromoted )", " )", " blocked", "", "(blocked)", "").Replace(l)), " "))
	}
	slices.Sort(out)
	return out
}

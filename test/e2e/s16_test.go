package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// S16: where scores put resources is what the plan said and what the scenario computes, before and after a score is changed.
func TestS16Scores(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 2)
	b, err := os.ReadFile(filepath.Join(example(t, "s16-scores"), "cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	whole := string(b)
	var empty []string // the cluster with its fence devices, and nothing to place
	for _, doc := range strings.Split(whole, "\n---\n") {
		if strings.Contains(doc, "kind: Cluster\n") || strings.Contains(doc, "kind: FenceDevice\n") {
			empty = append(empty, doc)
		}
	}
	apply(t, l, "-f", manifest(t, strings.Join(empty, "\n---\n")))

	// The scenario's sums; stickiness plays no part yet.
	places(t, l, whole, map[string]string{"A": "node2", "B": "node2", "never": "", "big": "node1"})
	// 1012 keep A where it is: 10 + 1000 for B + 1 for each of the two that run there. One less is not enough to leave.
	places(t, l, strings.Replace(whole, "node: node1, score: 100}", "node: node1, score: 1011}", 1), map[string]string{"A": "node2", "B": "node2", "never": "", "big": "node1"})
	moved := strings.Replace(whole, "node: node1, score: 100}", "node: node1, score: 1013}", 1)
	places(t, l, moved, map[string]string{"A": "node1", "B": "node1", "never": "", "big": "node1"})
	// INFINITY - INFINITY is -INFINITY; without the ban the other INFINITY counts.
	freed := strings.Replace(moved, `score: -INFINITY, expression: "#uname eq node1 or #uname eq node2"`, `score: -INFINITY, expression: "#uname eq node1"`, 1)
	places(t, l, freed, map[string]string{"A": "node1", "B": "node1", "never": "node2", "big": "node1"})
}

// places plans and applies, and compares what the plan said with where everything then runs.
func places(t *testing.T, l *lab.Lab, text string, want map[string]string) {
	t.Helper()
	before := map[string]string{}
	for r := range want {
		before[r] = whereOrNowhere(l, r)
	}
	f := manifest(t, text)
	stdout, stderr, code := l.Hactl("plan", "-f", f, "-o", "json")
	if code != 0 && code != 2 {
		t.Fatalf("plan: exit code %d\n%s\n%s", code, stdout, stderr)
	}
	var plan struct {
		Prediction struct {
			Unavailable string
			Reactions   []struct{ Action, Resource, From, To string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Prediction.Unavailable != "" {
		t.Fatalf("no prediction: %s", plan.Prediction.Unavailable)
	}
	predicted := before
	for _, r := range plan.Prediction.Reactions {
		if _, ok := want[r.Resource]; ok {
			switch r.Action {
			case "start", "move", "restart", "migrate":
				predicted[r.Resource] = r.To
			case "stop":
				predicted[r.Resource] = ""
			}
		}
	}
	apply(t, l, "-f", f, "--yes", "--allow", "outage")
	for r, node := range want {
		if predicted[r] != node {
			t.Errorf("the plan said %s goes to %q, the scores say %q\n%s", r, predicted[r], node, stdout)
		}
		eventually(t, 20*time.Second, r+" is where the scores put it", func() string {
			if on := whereOrNowhere(l, r); on != node {
				return r + " runs on " + on
			}
			return ""
		})
	}
	converged(t, l, "-f", f)
}

// whereOrNowhere is the node that a resource runs on, also of a resource that is not there yet.
func whereOrNowhere(l *lab.Lab, resource string) string {
	out, _ := l.Exec("node1", "crm_resource", "--locate", "--resource", resource)
	_, on, _ := strings.Cut(out, "is running on: ")
	return strings.TrimSpace(on)
}

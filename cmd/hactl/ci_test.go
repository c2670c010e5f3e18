package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const workflow = "../../examples/ci/.github/workflows/hactl-plan.yml"

// The steps of the example's workflow are run as a runner runs them, with a gh that keeps the comments in a folder.
func TestWorkflow(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("NOT TESTED: the workflow of examples/ci, because jq is not installed")
	}
	plan, comment, result := step(t, "Plan"), step(t, "Comment"), step(t, "Result")
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("gh", `#!/bin/sh
case "$*" in
*POST*|*PATCH*) echo "$*" >> calls; cp plan.md comment.md;;
*) jq -n --rawfile b comment.md '[{id: 1, user: {login: "someone"}, body: $b}, {id: 7, user: {login: "github-actions[bot]"}, body: $b}]' 2>/dev/null || echo '[]';;
esac
`, 0o755)
	write("hactl", `#!/bin/sh
[ "$*" = "plan -f cluster.yaml --snapshot .hactl-snapshot/snapshot.json.gz --fail-on outage -o markdown" ] || { echo "unexpected: $*" >&2; exit 9; }
. ./answer
`, 0o755)
	run := func(script string, env ...string) (string, error) {
		cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GITHUB_OUTPUT="+filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"),
			"GITHUB_REPOSITORY=o/r", "PR=5", "MANIFESTS=cluster.yaml", "SNAPSHOT=snapshot.json.gz", "FAIL_ON=outage")
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for i, x := range []struct {
		answer, code string
		body         []string
		call         string
		good         bool
	}{
		{`echo "<!-- hactl plan: web -->"; echo first; exit 2`, "2", []string{"<!-- hactl plan: web -->\nfirst\n"}, "--method POST repos/o/r/issues/5/comments", true},
		{`echo "<!-- hactl plan: web -->"; echo second; echo "hactl: --fail-on outage: stop" >&2; exit 1`, "1",
			[]string{"second", "\n    hactl: --fail-on outage: stop"}, "--method PATCH repos/o/r/issues/comments/7", false},
		{`echo "cluster.yaml:3: wrong" >&2; exit 1`, "1", []string{"<!-- hactl plan -->\n### hactl plan failed", "\n    cluster.yaml:3: wrong"}, "--method PATCH repos/o/r/issues/comments/7", false},
		{`echo "<!-- hactl plan: web -->"; exit 0`, "0", []string{"<!-- hactl plan: web -->"}, "--method PATCH repos/o/r/issues/comments/7", true},
	} {
		write("answer", x.answer+"\n", 0o644)
		write("output", "", 0o644)
		write("calls", "", 0o644)
		if out, err := run(plan); err != nil {
			t.Fatalf("%d: plan: %v\n%s", i, err, out)
		}
		if out, err := run(comment); err != nil {
			t.Fatalf("%d: comment: %v\n%s", i, err, out)
		}
		if got := read(t, dir, "output"); got != "code="+x.code+"\n" {
			t.Errorf("%d: %q", i, got)
		}
		if got := read(t, dir, "calls"); !strings.Contains(got, x.call) || strings.Count(got, "\n") != 1 {
			t.Errorf("%d: calls: %s", i, got)
		}
		for _, want := range x.body {
			if got := read(t, dir, "comment.md"); !strings.Contains(got, want) {
				t.Errorf("%d: the comment has no %q:\n%s", i, want, got)
			}
		}
		if _, err := run(result, "CODE="+x.code); (err == nil) != x.good {
			t.Errorf("%d: the check: %v", i, err)
		}
	}
}

// The token can do no more than it must, and code of a pull request never runs with rights of the repository.
func TestWorkflowPermissions(t *testing.T) {
	b, err := os.ReadFile(workflow)
	if err != nil {
		t.Fatal(err)
	}
	var w struct {
		On          map[string]any
		Permissions map[string]string
		Jobs        map[string]struct{ Permissions map[string]string }
	}
	if err := yaml.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.On["pull_request"]; !ok || len(w.On) != 1 || len(w.Permissions) != 0 {
		t.Errorf("on %v, permissions %v", w.On, w.Permissions)
	}
	if got := fmt.Sprint(w.Jobs["plan"].Permissions); got != "map[contents:read pull-requests:write]" {
		t.Error(got)
	}
	if strings.Contains(string(b), "secrets.") {
		t.Error("the workflow needs a secret")
	}
}

func step(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(workflow)
	if err != nil {
		t.Fatal(err)
	}
	var w struct {
		Jobs map[string]struct{ Steps []struct{ Name, Run string } }
	}
	if err := yaml.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.Jobs["plan"].Steps {
		if s.Name == name {
			return s.Run
		}
	}
	t.Fatalf("there is no step %q", name)
	return ""
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

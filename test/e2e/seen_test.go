package e2e

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// cameOf is what apply -o json tells at its end, behind the plan.
type cameOf struct {
	Version, Result, Error string
	Compared               bool
	Foretold               []struct {
		Action, Resource, Node, From, To, Became, Instead string
		Anyway                                            bool
	}
	Also []struct{ Action, Resource, Node, From, To, Failed string }
}

// agrees tells that all came true and nothing else happened.
func (c cameOf) agrees() bool {
	for _, f := range c.Foretold {
		if f.Became != "done" {
			return false
		}
	}
	return len(c.Also) == 0
}

// came reads the second document of apply -o json.
func came(t *testing.T, stdout string) cameOf {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(stdout))
	for {
		var c cameOf
		if err := d.Decode(&c); err == io.EOF {
			t.Fatalf("apply -o json told no result:\n%s", stdout)
		} else if err != nil {
			t.Fatal(err)
		}
		if c.Version == "hactl/result/v1" {
			return c
		}
	}
}

// failing is an agent that cannot start on a node that has the file which its parameter names.
const failing = `#!/bin/sh
. /usr/lib/ocf/lib/heartbeat/ocf-shellfuncs
case "$1" in
start) [ -e "$OCF_RESKEY_fake" ] && { ocf_exit_reason "told to fail"; exit $OCF_ERR_GENERIC; } ;;
esac
exec /usr/lib/ocf/resource.d/pacemaker/Dummy "$@"
`

// TestSeen compares what applies tell of what the cluster did with what was arranged: once it does what was foretold, once an agent fails where
// it was to start, and once an operator bans a resource meanwhile.
func TestSeen(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	base := cibBase(l) + cibDummy + strings.ReplaceAll(cibDummy, "name: A}", "name: B}") +
		"---\napiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: A-likes}\nspec: {location: {resource: A, node: node1, score: 50}}\n" +
		"---\napiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: B-likes}\nspec: {location: {resource: B, node: node2, score: 50}}\n"
	file := func(text string) string { return cibFiles(t, text, l.Nodes()[0].BMC.Password) }
	apply(t, l, "-f", file(base), "--yes")
	settle(t, l)

	t.Run("as foretold", func(t *testing.T) {
		text := strings.Replace(strings.Replace(base, "fake: a", "fake: b", 1), "resource: B, node: node2", "resource: B, node: node3", 1)
		stdout, stderr := apply(t, l, "-f", file(text), "--yes")
		if !strings.Contains(stderr, "as predicted: 2 of 2 reactions\n") {
			t.Errorf("it is not told that all came as foretold:\n%s\n%s", stdout, stderr)
		}
		history, _, _ := l.Hactl("history", "-f", file(text), "--last", "1")
		if !strings.Contains(history, "as predicted: 2 of 2 reactions") {
			t.Errorf("the journal does not tell it:\n%s", history)
		}
		base = text
	})

	t.Run("without Pacemaker's log", func(t *testing.T) {
		for _, n := range l.Nodes() {
			l.MustExec(n.Name, "sh", "-c", ": > "+pacemakerLog)
			l.MustExec(n.Name, "chattr", "+i", pacemakerLog)
			defer l.MustExec(n.Name, "chattr", "-i", pacemakerLog)
		}
		text := strings.Replace(base, "resource: B, node: node3", "resource: B, node: node2", 1)
		stdout, _ := apply(t, l, "-f", file(text), "--yes", "-o", "json")
		if c := came(t, stdout); !c.Compared || len(c.Foretold) != 1 || c.Foretold[0].Became != "done" || c.Foretold[0].Action != "move" || len(c.Also) > 0 {
			t.Errorf("the move of B is not told from the history alone: %+v", c)
		}
		base = text
	})

	t.Run("an agent fails", func(t *testing.T) {
		for _, n := range l.Nodes() {
			l.MustExec(n.Name, "mkdir", "-p", "/usr/lib/ocf/resource.d/test")
			put := l.Command(n.Name, "tee", "/usr/lib/ocf/resource.d/test/Failing")
			put.Stdin = strings.NewReader(failing)
			if out, err := put.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			l.MustExec(n.Name, "chmod", "755", "/usr/lib/ocf/resource.d/test/Failing")
		}
		l.MustExec("node3", "touch", "/run/fails")
		text := base + "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: F}\nspec: {agent: \"ocf:test:Failing\", params: {fake: /run/fails}, operations: [{name: monitor, interval: 10s}]}\n" +
			"---\napiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: F-likes}\nspec: {location: {resource: F, node: node3, score: 50}}\n"
		f := file(text)
		stdout, stderr, code := l.Hactl("apply", "-f", f, "--yes", "-o", "json")
		t.Logf("exit code %d\n%s", code, stderr)
		c := came(t, stdout)
		if len(c.Foretold) != 1 || c.Foretold[0].Became != "other" || !strings.Contains(c.Foretold[0].Instead, "start on node3 failed") {
			t.Errorf("the failed start is not told: %+v", c)
		}
		moved := false
		for _, h := range c.Also {
			moved = moved || h.Resource == "F" && (h.Action == "move" && h.From == "node3" && h.To != "" || h.Action == "start" && h.Node != "node3")
		}
		if !moved {
			t.Errorf("it is not told that F went elsewhere: %+v", c.Also)
		}
		history, _, _ := l.Hactl("history", "-f", f, "--last", "1")
		t.Log(history)
		if words := strings.Join(strings.Fields(history), " "); !strings.Contains(words, "as predicted: 0 of 1 reactions") || !strings.Contains(words, "start on node3 failed") {
			t.Errorf("the journal does not tell it:\n%s", history)
		}
		base = text
	})

	t.Run("an operator meanwhile", func(t *testing.T) {
		settle(t, l)
		// A slow start of C keeps the apply waiting while the operator bans A.
		text := base + strings.NewReplacer("name: A}", "name: C}", "fake: a", "op_sleep: 5", "10s}]", "10s, timeout: 60s}, {name: start, timeout: 60s}]").Replace(cibDummy)
		c := l.HactlCmd("apply", "-f", file(text), "--yes")
		var out strings.Builder
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 20*time.Second, "C is in the CIB", func() string {
			if x, _ := l.Exec("node1", "cibadmin", "-Q", "-o", "resources"); strings.Contains(x, `id="C"`) {
				return ""
			}
			return "not yet"
		})
		on := whereOrNowhere(l, "A")
		l.MustExec("node2", "crm_resource", "--ban", "--resource", "A", "--node", on)
		_ = c.Wait()
		t.Log(out.String())
		if words := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(words, "A: not foretold: move from "+on+" to") {
			t.Errorf("the move of A is not told:\n%s", out.String())
		}
	})
}

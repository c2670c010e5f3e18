package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// TestMain gives hactl what the examples' secrets refer to.
func TestMain(m *testing.M) {
	_ = os.Setenv("IPMI_PASSWORD", "secret")
	os.Exit(m.Run())
}

// example is the path of an example's folder.
func example(t *testing.T, name string) string {
	t.Helper()
	p, err := filepath.Abs(filepath.Join("..", "..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// apply applies and fails the test where that fails.
func apply(t *testing.T, l *lab.Lab, args ...string) (stdout, stderr string) {
	t.Helper()
	begun := time.Now()
	stdout, stderr, code := l.Hactl(append([]string{"apply"}, args...)...)
	if code != 0 {
		t.Fatalf("hactl apply %v: exit code %d\n%s\n%s", args, code, stdout, stderr)
	}
	t.Logf("hactl apply took %s", time.Since(begun).Round(10*time.Millisecond))
	return stdout, stderr
}

// converged fails the test unless a plan has nothing to do.
func converged(t *testing.T, l *lab.Lab, args ...string) {
	t.Helper()
	stdout, stderr, code := l.Hactl(append([]string{"plan"}, args...)...)
	if code != 0 || !strings.Contains(stdout, "nothing to do") {
		t.Fatalf("the second plan is not empty: exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

// eventually polls twice a second until check says nothing; what it said last fails the test.
func eventually(t *testing.T, limit time.Duration, what string, check func() string) {
	t.Helper()
	begun := time.Now()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := check()
		if missing == "" {
			t.Logf("%s: after %s", what, time.Since(begun).Round(100*time.Millisecond))
			return
		}
		if time.Since(begun) > limit {
			t.Fatalf("%s: not within %s: %s", what, limit, missing)
		}
		<-tick.C
	}
}

// serves says "" when the URL answers with part in its body.
func serves(l *lab.Lab, url, part string) func() string {
	return func() string {
		status, body, err := l.HTTPGet(url)
		switch {
		case err != nil:
			return err.Error()
		case status != 200 || !strings.Contains(body, part):
			return strings.TrimSpace(body)
		}
		return ""
	}
}

// runsOn asks the cluster, on the node via, where a resource runs.
func runsOn(t *testing.T, l *lab.Lab, via, resource string) string {
	t.Helper()
	out, err := l.Exec(via, "crm_resource", "--locate", "--resource", resource)
	var x *exec.ExitError
	if errors.As(err, &x) && x.ExitCode() == 105 { // CRM_EX_NOSUCH: it was deleted
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`is running on: (\S+)`).FindStringSubmatch(out)
	if m == nil {
		return ""
	}
	return m[1]
}

// put writes a file on a node.
func put(t *testing.T, l *lab.Lab, node, path, content string) {
	t.Helper()
	c := l.Command(node, "tee", path)
	c.Stdin = strings.NewReader(content)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: write %s: %v\n%s", node, path, err, out)
	}
}

// manifest writes a manifest into a folder of the test.
func manifest(t *testing.T, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs a command of the lab and returns its whole output.
func run(c *exec.Cmd) (string, error) {
	out, err := c.CombinedOutput()
	return string(out), err
}

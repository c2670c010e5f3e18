package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
	"github.com/hactl/hactl/reconcile/watch/web"
)

const examples = "../../../examples/watch"

// run runs a program on the examples, which must like them.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("NOT TESTED: there is no %s (make promtool)", name)
	}
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = examples
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", c, err, out)
	}
}

func TestAlerts(t *testing.T) {
	run(t, "promtool", "check", "rules", "alerts.rules")
	run(t, "promtool", "test", "rules", "alerts_test.rules")
}

// Each metric that the alerts and the dashboard name is one that there is.
func TestExampleMetrics(t *testing.T) {
	serve(t, web.Options{}, func(s *site) {
		s.Refuse("away", errors.New("no machine answers"))
		s.Says("1", "db/c.yaml", watchtest.Cluster("db", "one"), "away/c.yaml", watchtest.Cluster("away", "one"))
		s.Phase("db", watch.Drifted)
		time.Sleep(time.Minute)
		text := s.get("/metrics")
		seen := 0
		for _, file := range []string{"alerts.rules", "alerts_test.rules", "dashboard.json"} {
			b, err := os.ReadFile(filepath.Join(examples, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range regexp.MustCompile(`hactl_[a-z_]+`).FindAllString(string(b), -1) {
				seen++
				// counters of what did not happen yet have no series
				if !strings.Contains(text, "\n"+name+"{") && !strings.Contains(text, "\n"+name+" ") && name != "hactl_applies_total" && name != "hactl_ssh_errors_total" {
					t.Errorf("%s names %s, which there is not", file, name)
				}
			}
		}
		if seen < 20 {
			t.Errorf("only %d names of metrics were found", seen)
		}
	})
}

func TestDashboard(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(examples, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	rules := "groups:\n- name: dashboard\n  rules:\n"
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, q := range p.Targets {
			expr := strings.NewReplacer("$cluster", ".*", "$__rate_interval", "5m").Replace(q.Expr)
			rules += fmt.Sprintf("  - {record: %q, expr: %q}\n", fmt.Sprintf("panel:%d:query", p.ID), expr)
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.rules") // promtool takes rules
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "promtool", "check", "rules", file)
}

// The unit is one that systemd takes, but for the program, which is not installed here.
func TestUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("NOT TESTED: there is no systemd-analyze")
	}
	b, err := os.ReadFile(filepath.Join(examples, "hactl-watch.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "hactl-watch.service")
	if err := os.WriteFile(unit, []byte(strings.Replace(string(b), "ExecStart=/usr/bin/hactl", "ExecStart=/bin/true", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

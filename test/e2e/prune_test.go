package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

func slow(name string, seconds int) string { return dummy(name, fmt.Sprintf("op_sleep: %d", seconds)) }

func constraint(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: %s}\nspec: {%s}\n", name, spec)
}

func groupOf(members ...string) string {
	s := "---\napiVersion: hactl/v1\nkind: ResourceGroup\nmetadata: {name: G}\nspec:\n  resources:\n"
	for _, m := range members {
		s += fmt.Sprintf("  - {name: %s, agent: \"ocf:pacemaker:Dummy\", operations: [{name: monitor, interval: 10s}]}\n", m)
	}
	return s
}

// opsDone is what was ever done with resources, from the status: each operation with its number, on each node.
func opsDone(l *lab.Lab, resources ...string) string {
	out := l.MustExec("node1", "cibadmin", "--query", "--scope", "status")
	var ops []string
	node := ""
	for _, m := range regexp.MustCompile(`<node_state [^>]*uname="([^"]+)"|<lrm_rsc_op [^>]*>`).FindAllStringSubmatch(out, -1) {
		if m[1] != "" {
			node = m[1]
			continue
		}
		key := regexp.MustCompile(`operation_key="([^"]+)"`).FindStringSubmatch(m[0])
		call := regexp.MustCompile(` call-id="([^"]+)"`).FindStringSubmatch(m[0])
		if key != nil && call != nil && slices.ContainsFunc(resources, func(r string) bool { return strings.HasPrefix(key[1], r+"_") }) {
			ops = append(ops, node+" "+key[1]+" "+call[1])
		}
	}
	slices.Sort(ops)
	return strings.Join(ops, "\n")
}

func epoch(t *testing.T, l *lab.Lab) int {
	t.Helper()
	m := regexp.MustCompile(`<cib [^>]*\bepoch="(\d+)"`).FindStringSubmatch(l.MustExec("node1", "cibadmin", "--query"))
	if m == nil {
		t.Fatal("the CIB has no epoch")
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// killedBetween runs an apply and kills it once the CIB says that something is to stop.
func killedBetween(t *testing.T, l *lab.Lab, args ...string) {
	t.Helper()
	c := l.HactlCmd(append([]string{"apply"}, args...)...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "the first change is there", func() string {
		if strings.Contains(l.MustExec("node1", "cibadmin", "--query"), `"hactl-stop-`) {
			return ""
		}
		return "nothing is told to stop"
	})
	_ = c.Process.Kill()
	_ = c.Wait()
	eventually(t, 30*time.Second, "the lock is free", func() string { return lockedBy(t, l) })
}

// Deletions on real daemons: nothing else notices, a killed run is finished or taken back, and what is an operator's stays.
func TestPrune(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	pass := l.Nodes()[0].BMC.Password
	// Without stickiness Pacemaker moves others to where room was made.
	base := strings.Replace(cibBase(l), "  properties:", "  resourceDefaults: {resource-stickiness: 100}\n  properties:", 1)
	extra := strings.Replace(base[strings.Index(base, "---\napiVersion: hactl/v1\nkind: FenceDevice"):], "fence-node1", "extra-node1", 1)
	extra = extra[:strings.Index(extra[3:], "---\n")+3]
	keep := dummy("Keep", "fake: k") + dummy("Operated", "fake: o")
	cloned := strings.Replace(dummy("C", "fake: c"), "  operations", "  clone: {}\n  operations", 1)
	all := base + extra + keep + cloned + groupOf("g1", "g2", "g3") + slow("Slow", 4) +
		constraint("c-then-keep", "order: {first: C-clone, then: Keep}") + constraint("keep-with-c", "colocation: {resource: Keep, with: C-clone}") +
		constraint("g-then-keep", "order: {first: G, then: Keep}") + constraint("slow-on-n2", "location: {resource: Slow, node: node2, score: 10}")
	less := base + keep + groupOf("g1", "g3") + slow("Slow", 4) + constraint("g-then-keep", "order: {first: G, then: Keep}") +
		constraint("slow-on-n2", "location: {resource: Slow, node: node2, score: 10}")
	rest := base + keep + groupOf("g1", "g3") + constraint("g-then-keep", "order: {first: G, then: Keep}")
	file := func(text string) string { return cibFiles(t, text, pass) }
	live := func() string { return l.MustExec("node1", "cibadmin", "--query", "--scope", "configuration") }
	apply(t, l, "-f", file(all), "--yes")
	converged(t, l, "-f", file(all))
	l.MustExec("node1", "crm_resource", "--resource", "Operated", "--meta", "--set-parameter", "target-role", "--parameter-value", "Stopped")
	eventually(t, 30*time.Second, "the operator's resource has stopped", func() string { return runsOn(t, l, "node1", "Operated") })

	t.Run("without --prune all stays", func(t *testing.T) {
		stdout, _, code := l.Hactl("plan", "-f", file(less))
		if code != 0 && code != 2 || strings.Contains(stdout, "delete Resource") || !strings.Contains(stdout, "--prune") {
			t.Errorf("exit code %d\n%s", code, stdout)
		}
	})
	t.Run("a gate, with the names", func(t *testing.T) {
		refused(t, l.HactlCmd("apply", "-f", file(less), "--prune", "--yes"), "Resource/C", "Resource/g2", "--allow outage")
	})
	t.Run("a member, a clone and a fence device", func(t *testing.T) {
		keeps := []string{"Keep", "g1", "g3", "Slow", "fence-node1", "fence-node2", "fence-node3"}
		// Pacemaker may raise the epoch once more than a change asks for.
		at := epoch(t, l)
		apply(t, l, "-f", file(strings.Replace(all, "stonith-enabled: true", "stonith-enabled: true, cluster-delay: 61s", 1)), "--yes")
		worth := epoch(t, l) - at
		at += worth
		before := opsDone(l, keeps...)
		stdout, stderr := apply(t, l, "-f", file(less), "--prune", "--allow", "outage", "--yes", "--steps")
		t.Log(stdout, stderr)
		if after := opsDone(l, keeps...); after != before || before == "" {
			t.Errorf("something else noticed; before:\n%s\nafter:\n%s", before, after)
		}
		if n := epoch(t, l) - at; n != 2*worth || worth == 0 {
			t.Errorf("the epoch rose by %d; one change raises it by %d", n, worth)
		}
		cib := live()
		for _, gone := range []string{`id="C"`, `id="C-clone"`, `id="g2"`, `id="extra-node1"`, `id="c-then-keep"`, "extra-node1-avoids", "hactl-stop", "hactl-order", "hactl-Resource.g2"} {
			if strings.Contains(cib, gone) {
				t.Errorf("%s is still there", gone)
			}
		}
		for _, n := range l.Nodes() {
			if out, _ := l.Exec(n.Name, "sh", "-c", "ls -d /var/lib/pacemaker/lrm/secrets/extra-node1 2>/dev/null"); out != "" {
				t.Errorf("%s: the secret of the deleted device is still there: %s", n.Name, out)
			}
			if out, _ := l.Exec(n.Name, "ls", "/var/lib/pacemaker/lrm/secrets/fence-node1"); !strings.Contains(out, "password.sign") {
				t.Errorf("%s: the secret of another device is gone: %s", n.Name, out)
			}
		}
		if !strings.Contains(cib, `name="target-role" value="Stopped"`) || runsOn(t, l, "node1", "Operated") != "" {
			t.Error("the operator's target-role was touched")
		}
		converged(t, l, "-f", file(less), "--prune")
	})
	t.Run("killed between the two changes, and taken back", func(t *testing.T) {
		killedBetween(t, l, "-f", file(rest), "--prune", "--allow", "outage", "--yes")
		apply(t, l, "-f", file(less), "--yes")
		if strings.Contains(live(), "hactl-stop") {
			t.Error("the stop is still there")
		}
		eventually(t, 30*time.Second, "it runs again", func() string {
			if runsOn(t, l, "node1", "Slow") == "" {
				return "Slow does not run"
			}
			return ""
		})
		converged(t, l, "-f", file(less))
	})
	t.Run("killed between the two changes, and finished", func(t *testing.T) {
		before := opsDone(l, "Keep", "g1", "g3")
		killedBetween(t, l, "-f", file(rest), "--prune", "--allow", "outage", "--yes")
		apply(t, l, "-f", file(rest), "--prune", "--allow", "outage", "--yes")
		if s := live(); strings.Contains(s, "hactl-stop") || strings.Contains(s, `id="Slow"`) || strings.Contains(s, "slow-on-n2") {
			t.Errorf("something is left:\n%s", s)
		}
		if after := opsDone(l, "Keep", "g1", "g3"); after != before {
			t.Errorf("something else noticed; before:\n%s\nafter:\n%s", before, after)
		}
		converged(t, l, "-f", file(rest), "--prune")
	})
	t.Run("a protected object", func(t *testing.T) {
		protected := strings.Replace(rest, "metadata: {name: Keep}", "metadata: {name: Keep, protect: true}", 1)
		apply(t, l, "-f", file(protected), "--yes")
		without := base + dummy("Operated", "fake: o") + groupOf("g1", "g3")
		refused(t, l.HactlCmd("apply", "-f", file(without), "--prune", "--allow", "outage", "--yes"), "Resource/Keep: protected by metadata.protect")
		if runsOn(t, l, "node1", "Keep") == "" {
			t.Error("it was stopped")
		}
		apply(t, l, "-f", file(rest), "--yes")
	})
	t.Run("a renamed resource, and what depends on it", func(t *testing.T) {
		text := rest + slow("Old", 2) + dummy("Needs", "fake: n") + constraint("old-then-needs", "order: {first: Old, then: Needs}")
		apply(t, l, "-f", file(text), "--yes")
		l.MustExec("node1", "crm_resource", "--resource", "Old", "--ban", "--node", "node3")
		eventually(t, 30*time.Second, "it is at rest", func() string {
			if on := runsOn(t, l, "node1", "Old"); on == "" || on == "node3" {
				return "Old runs on " + on
			}
			return ""
		})
		before := opsDone(l, "Keep", "g1", "g3")
		text = strings.NewReplacer("{name: Old}", "{name: New, renamedFrom: Old}", "name: old-then-needs", "name: new-then-needs, renamedFrom: old-then-needs", "first: Old", "first: New").Replace(text)
		apply(t, l, "-f", file(text), "--yes")
		cib := live()
		for _, gone := range []string{`"Old"`, `"old-then-needs"`, "hactl-stop", "hactl-order"} {
			if strings.Contains(cib, gone) {
				t.Errorf("%s is still there", gone)
			}
		}
		if !strings.Contains(cib, `id="cli-ban-New-on-node3" rsc="New"`) {
			t.Error("the ban did not follow")
		}
		if runsOn(t, l, "node1", "New") == "" || runsOn(t, l, "node1", "Needs") == "" {
			t.Error("they do not run")
		}
		if after := opsDone(l, "Keep", "g1", "g3"); after != before {
			t.Errorf("something else noticed; before:\n%s\nafter:\n%s", before, after)
		}
		converged(t, l, "-f", file(text), "--prune")
		apply(t, l, "-f", file(rest), "--prune", "--allow", "outage", "--yes")
	})
	t.Run("in maintenance only by name", func(t *testing.T) {
		text := rest + dummy("M", "fake: m")
		apply(t, l, "-f", file(text), "--yes")
		l.MustExec("node1", "crm_resource", "--resource", "M", "--meta", "--set-parameter", "is-managed", "--parameter-value", "false")
		refused(t, l.HactlCmd("apply", "-f", file(rest), "--prune", "--allow", "outage", "--yes"), "Resource/M", "unmanaged", "--allow outage=Resource/M")
		apply(t, l, "-f", file(rest), "--prune", "--allow", "outage=M", "--yes")
		if strings.Contains(live(), `id="M"`) {
			t.Error("it is still there")
		}
		converged(t, l, "-f", file(rest), "--prune")
	})
}

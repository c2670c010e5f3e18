package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// edits runs shell commands on a node in a loop, at the pace of pcs, with the number of the round in $i, until stop is called, which tells how many
// rounds there were.
func edits(t *testing.T, l *lab.Lab, node, commands string) (stop func() int) {
	t.Helper()
	l.MustExec(node, "rm", "-f", "/run/edits.stop", "/run/edits.count")
	c := l.Command(node, "sh", "-ec", "i=0; while [ ! -e /run/edits.stop ]; do i=$((i+1))\n"+commands+"\necho $i > /run/edits.count; sleep 0.4; done")
	out := background(t, c)
	eventually(t, 10*time.Second, "the edits go on", func() string {
		s, _ := l.Exec(node, "cat", "/run/edits.count")
		return map[bool]string{true: "no edit yet"}[s == ""]
	})
	return func() int {
		t.Helper()
		l.MustExec(node, "touch", "/run/edits.stop")
		if err := c.Wait(); err != nil {
			t.Fatalf("the edits on %s: %v\n%s", node, err, out)
		}
		n, _ := strconv.Atoi(strings.TrimSpace(l.MustExec(node, "cat", "/run/edits.count")))
		return n
	}
}

// conflicts applies while others edit all the time: the rest of the cluster, and then the very object that the apply changes. text has the
// resource mine; foreign is somebody else's.
func conflicts(t *testing.T, l *lab.Lab, text string) {
	t.Run("edits of other objects", func(t *testing.T) {
		m := manifest(t, strings.Replace(text, "fake: y", "fake: y2", 1)+groupOf("g1", "g2", "g3")+constraint("g-likes-node1", "location: {resource: G, node: node1, score: 5}"))
		stop := edits(t, l, "node2", `case $((i % 3)) in
			0) crm_resource --resource foreign --meta --set-parameter priority --parameter-value $i >/dev/null ;;
			1) crm_attribute --type nodes --node node3 --name op --update $i ;;
			2) cibadmin -C -o constraints -X "<rsc_location id=\"op-$i\" rsc=\"foreign\" node=\"node2\" score=\"$i\"/>" ;;
			esac`)
		c := l.HactlCmd("apply", "-f", m, "--yes")
		out := background(t, c)
		eventually(t, 60*time.Second, "the CIB was changed", out.says("CIB changed"))
		l.MustExec("node3", "pcs", "property", "set", "cluster-recheck-interval=9min")
		n := stop()
		if err := c.Wait(); err != nil {
			t.Errorf("the apply failed: %v", err)
		}
		t.Logf("%d edits beside it; another try: %v\n%s", n, strings.Contains(out.String(), "trying again"), out)
		cib := l.MustExec("node1", "cibadmin", "--query")
		want := []string{`name="cluster-recheck-interval" value="9min"`, fmt.Sprintf(`name="op" value="%d"`, n-(n+2)%3),
			`name="fake" value="y2"`, `id="g1"`, `id="g2"`, `id="g3"`, `id="g-likes-node1"`}
		for i := 2; i <= n; i += 3 {
			want = append(want, fmt.Sprintf(`id="op-%d"`, i))
		}
		if n >= 3 {
			want = append(want, fmt.Sprintf(`name="priority" value="%d"`, n-n%3))
		}
		for _, part := range want {
			if !strings.Contains(cib, part) {
				t.Errorf("lost: %s", part)
			}
		}
		converged(t, l, "-f", m)
	})
	t.Run("edits of the same object", func(t *testing.T) {
		m := manifest(t, strings.Replace(text, "  params: {fake: y}", "  params: {fake: y3}\n  meta: {priority: 3}", 1))
		stop := edits(t, l, "node2", `crm_resource --resource mine --meta --set-parameter priority --parameter-value 10$i >/dev/null
			crm_resource --resource mine --meta --set-parameter migration-threshold --parameter-value $i >/dev/null`)
		c := l.HactlCmd("apply", "-f", m, "--yes")
		out := background(t, c)
		eventually(t, 60*time.Second, "it is told what moved", out.says("Resource/mine changed since it was observed: mine was changed meanwhile; looking again"))
		n := stop()
		if err := c.Wait(); err != nil {
			t.Errorf("the apply failed: %v", err)
		}
		t.Logf("%d edits meanwhile\n%s", 2*n, out)
		cib := l.MustExec("node1", "cibadmin", "--query", "--xpath", "//primitive[@id='mine']")
		for _, part := range []string{`name="fake" value="y3"`, `name="priority" value="3"`, fmt.Sprintf(`name="migration-threshold" value="%d"`, n)} {
			if !strings.Contains(cib, part) {
				t.Errorf("lost: %s\n%s", part, cib)
			}
		}
		converged(t, l, "-f", m)
	})
}

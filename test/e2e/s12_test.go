package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// S12 with PostgreSQL: a query through the virtual address, before and after the active node lost power.
func TestS12PostgreSQL(t *testing.T) {
	t.Parallel()
	l := lab.UpNamed(t, lab.Options{LAN: "192.168.90.0/24", Ring: "192.168.91.0/24", BMC: "192.168.92.0/24", Nodes: []string{
		"node1=192.168.90.110,192.168.91.110,192.168.92.110", "node2=192.168.90.120,192.168.91.120,192.168.92.120"}})
	for _, n := range l.Nodes() {
		put(t, l, n.Name, "/etc/postgresql/15/main/conf.d/vip.conf", "listen_addresses = '*'\n")
		put(t, l, n.Name, "/etc/postgresql/15/main/pg_hba.conf", "local all all peer\nhost all all 192.168.90.0/24 trust\n")
	}
	dir := example(t, "s12-postgresql")
	apply(t, l, "-f", dir)
	converged(t, l, "-f", dir)
	query := func() string {
		out, err := run(l.Hub("psql", "-h", "192.168.90.210", "-U", "postgres", "-Atc", "select 6*7"))
		if err != nil || strings.TrimSpace(out) != "42" {
			return strings.TrimSpace(out)
		}
		return ""
	}
	if missing := query(); missing != "" {
		t.Fatalf("apply ended, but the database does not answer through the address: %s", missing)
	}
	active := runsOn(t, l, "node1", "postgresql")
	other := map[string]string{"node1": "node2", "node2": "node1"}[active]
	if vip := runsOn(t, l, "node1", "db-vip"); vip != active {
		t.Errorf("the address is on %s, the database on %s", vip, active)
	}
	l.Kill(active)
	eventually(t, 90*time.Second, "the database answers again", query)
	if on := runsOn(t, l, other, "postgresql"); on != other {
		t.Errorf("the database runs on %q, want %s", on, other)
	}
	if out := l.MustExec(other, "stonith_admin", "--history", active); !strings.Contains(out, "reboot") {
		t.Errorf("no fencing in the history:\n%s", out)
	}
	eventually(t, 60*time.Second, "the fenced machine is back", func() string {
		if out, err := l.Exec(active, "systemctl", "is-active", "ssh"); err != nil {
			return fmt.Sprintf("sshd there: %s: %v", out, err)
		}
		return ""
	})
	converged(t, l, "-f", dir)
}

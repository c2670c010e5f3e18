package e2e

import (
	"context"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/e2e/lab"
)

// applyUntil applies and lets go after that many steps, in the middle of what runs then.
func applyUntil(t *testing.T, e *reconcile.Engine, steps int) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	old, done := e.Events, 0
	defer func() { e.Events = old }()
	e.Events = func(ev reconcile.Event) {
		if old != nil {
			old(ev)
		}
		if ev.Type == reconcile.EventDone {
			if done++; done == steps {
				cancel()
			}
		}
	}
	_, err := e.Apply(ctx, reconcile.ApplyOptions{Approve: func(*reconcile.Observation, *reconcile.Plan) error { return nil }})
	return err
}

// An apply that dies again and again gets there all the same, and what it left is never in the way.
func TestCorosyncKilledHalfWay(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	m := clusterOf(l, 3)
	e := lower(t, l, m)
	for i := range 30 {
		if err := applyUntil(t, e, 1+i%7); err == nil {
			t.Logf("finished by run %d", i+1)
			break
		}
	}
	mustBeEmpty(t, e)
	if x := l.MustExec("node1", "crm_mon", "-1"); !strings.Contains(x, "Online: [ node1 node2 node3 ]") {
		t.Error(x)
	}
	for _, n := range l.Nodes() {
		if out := l.MustExec(n.Name, "sh", "-c", "ls -d /run/hactl.corosync.conf /etc/corosync/*conf* 2>/dev/null; true"); strings.TrimSpace(out) != "/etc/corosync/corosync.conf" {
			t.Errorf("%s: left behind: %q", n.Name, out)
		}
	}

	t.Run("a full disk while a running cluster changes", func(t *testing.T) {
		m.Cluster.Spec.Totem = v1.Options{"token": {Text: "7000"}}
		before := l.MustExec("node2", "cat", "/etc/corosync/corosync.conf")
		l.MustExec("node2", "sh", "-c", `cp -a /etc/corosync /tmp/c && mount -t tmpfs -o size=200k,mode=755 tmpfs /etc/corosync && cp -rL /tmp/c/. /etc/corosync/ &&
			{ head -c 1000000 /dev/zero >/etc/corosync/filler 2>/dev/null; true; }`)
		_, err := applyLower(t, e)
		if err == nil || !strings.Contains(err.Error(), "node2") || !strings.Contains(err.Error(), "No space left") {
			t.Errorf("full disk: %v", err)
		}
		if now := l.MustExec("node2", "cat", "/etc/corosync/corosync.conf"); now != before {
			t.Errorf("half a file:\n%s", now)
		}
		if v := cmap(l, "node1", "runtime.config.totem.token"); v == "7000" {
			t.Error("reloaded though node2 does not have the file")
		}
		l.MustExec("node2", "umount", "/etc/corosync")
		if _, err := applyLower(t, e); err != nil {
			t.Error(err)
		}
		mustBeEmpty(t, e)
	})
	t.Run("a member that cannot be asked", func(t *testing.T) {
		l.Partition("node3", "lan") // the ring still works
		m := clusterOf(l, 3)
		m.Cluster.Spec.Totem = v1.Options{"token": {Text: "8000"}}
		p := planLower(t, lower(t, l, m))
		for _, s := range p.Steps {
			if s.Pending == "" {
				t.Errorf("would run: %s", s.ID)
			}
		}
		l.Heal("node3")
	})
}

// What lies on a node from an earlier life does not come into the cluster.
func TestCorosyncOldLives(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	l.MustExec("node1", "sh", "-c", `mkdir -p /etc/corosync; cat >/etc/corosync/corosync.conf <<C
totem {
	version: 2
	cluster_name: debian
	crypto_cipher: none
	crypto_hash: none
}
nodelist {
	node {
		name: node1
		nodeid: 1
		ring0_addr: 127.0.0.1
	}
}
quorum {
	provider: corosync_votequorum
}
C
systemctl start corosync pacemaker`)
	l.MustExec("node3", "sh", "-c", `cd /var/lib/pacemaker/cib && cibadmin --empty | sed 's,epoch="0",epoch="500",;s,<crm_config/>,<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="x" name="cluster-name" value="old"/><nvpair id="y" name="maintenance-mode" value="true"/></cluster_property_set></crm_config>,' >cib.xml && chown hacluster:haclient cib.xml && chmod 600 cib.xml`)
	e := lower(t, l, clusterOf(l, 3))
	_, err := applyLower(t, e)
	if err == nil || !strings.Contains(err.Error(), "cluster old") || !strings.Contains(err.Error(), "node/node3") {
		t.Fatalf("an old configuration came along without a question: %v", err)
	}
	if _, err := applyLower(t, e, reconcile.Allow{Risk: reconcile.Outage, Object: "node/node3"}); err != nil {
		t.Fatal(err)
	}
	mustBeEmpty(t, e)
	if out, _ := l.Exec("node1", "crm_attribute", "-t", "crm_config", "-n", "maintenance-mode", "-G", "-q"); strings.TrimSpace(out) == "true" {
		t.Error("the old configuration won")
	}
	if out := l.MustExec("node3", "sh", "-c", "cat /var/lib/pacemaker/cib.before-hactl-*/cib.xml"); !strings.Contains(out, `epoch="500"`) {
		t.Error("the old configuration was not kept")
	}
}

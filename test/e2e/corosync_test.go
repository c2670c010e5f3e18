package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/drivers/transport/ssh"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/e2e/lab"
)

// lower is an engine with the two lowest layers alone, on a lab's nodes.
func lower(t *testing.T, l *lab.Lab, m *v1.Manifests) *reconcile.Engine {
	t.Helper()
	var targets []ssh.Target
	for _, n := range m.Cluster.Spec.Nodes {
		targets = append(targets, ssh.Target{Name: n.Name, User: "root"})
	}
	hosts, closer := ssh.Open(t.Context(), targets, ssh.Config{File: l.SSHConfig})
	t.Cleanup(func() { _ = closer.Close() })
	return &reconcile.Engine{
		Layers: []reconcile.Layer{reconcile.Of(system.New()), reconcile.Of(corosync.New(""))}, Hosts: hosts, Manifests: m,
		Locker: transport.Locker{}, Events: func(ev reconcile.Event) {
			if ev.Type != reconcile.EventStart {
				t.Logf("%s %s %s %s", ev.Type, ev.Step, ev.Text, ev.Elapsed.Round(time.Millisecond))
			}
		},
	}
}

func clusterOf(l *lab.Lab, n int) *v1.Manifests {
	c := &v1.Cluster{Object: v1.Object{Metadata: v1.Metadata{Name: "lower"}}}
	for i, x := range l.Nodes()[:n] {
		c.Spec.Nodes = append(c.Spec.Nodes, v1.Node{Name: x.Name, ID: i + 1, Addresses: []string{x.Ring, x.LAN}})
	}
	return &v1.Manifests{Cluster: c}
}

func applyLower(t *testing.T, e *reconcile.Engine, allow ...reconcile.Allow) (reconcile.Result, error) {
	t.Helper()
	begun := time.Now()
	res, err := e.Apply(t.Context(), reconcile.ApplyOptions{Allow: allow, Approve: func(_ *reconcile.Observation, p *reconcile.Plan) error {
		if g := reconcile.Ungated(p.Gates(), allow); len(g) > 0 {
			return fmt.Errorf("not allowed: %v", g)
		}
		return nil
	}})
	t.Logf("apply: %d rounds, %d steps, %s", res.Rounds, res.Steps, time.Since(begun).Round(time.Millisecond))
	return res, err
}

func planLower(t *testing.T, e *reconcile.Engine) *reconcile.Plan {
	t.Helper()
	begun := time.Now()
	o, err := e.Observe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	seen := time.Since(begun)
	p, err := e.Plan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("observed in %s, planned in %s", seen.Round(time.Millisecond), (time.Since(begun) - seen).Round(time.Millisecond))
	return p
}

func mustBeEmpty(t *testing.T, e *reconcile.Engine) {
	t.Helper()
	for _, s := range planLower(t, e).Steps {
		t.Errorf("not finished: %s %+v %s", s.ID, s.Changes, s.Pending)
	}
}

func cmap(l *lab.Lab, node, key string) string {
	out, _ := l.Exec(node, "corosync-cmapctl", "-g", key)
	_, v, _ := strings.Cut(strings.TrimSpace(out), " = ")
	return v
}

// Two bare nodes become a cluster, the token changes without a ripple, a third node joins (two_node goes off first), votequorum's options
// come in by restarts node by node, and the transport by a stop of all.
func TestCorosyncLife(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	m := clusterOf(l, 2)
	e := lower(t, l, m)
	if _, err := applyLower(t, e); err != nil {
		t.Fatal(err)
	}
	mustBeEmpty(t, e)
	if v := cmap(l, "node1", "runtime.votequorum.two_node"); v != "1" {
		t.Errorf("two_node of two nodes: %q", v)
	}

	ring := l.MustExec("node1", "corosync-quorumtool", "-s")
	m.Cluster.Spec.Totem = v1.Options{"token": {Text: "5000"}}
	res, err := applyLower(t, e)
	if err != nil {
		t.Fatal(err)
	}
	if r := res.First.Risk(); r != reconcile.ReloadRisk {
		t.Errorf("a changed token has risk %s", r)
	}
	mustBeEmpty(t, e)
	for _, n := range []string{"node1", "node2"} {
		if v := cmap(l, n, "runtime.config.totem.token"); v != "5000" {
			t.Errorf("%s: token %q", n, v)
		}
	}
	id := func(s string) string { _, r, _ := strings.Cut(s, "Ring ID:"); return strings.Fields(r)[0] }
	if now := l.MustExec("node1", "corosync-quorumtool", "-s"); id(now) != id(ring) {
		t.Errorf("the ring formed anew: %s, before %s", id(now), id(ring))
	}

	t.Run("a third node", func(t *testing.T) {
		m.Cluster.Spec.Nodes = clusterOf(l, 3).Cluster.Spec.Nodes
		e := lower(t, l, m)
		if _, err := applyLower(t, e); err == nil || !strings.Contains(err.Error(), "quorum") {
			t.Errorf("two_node went off without a question: %v", err)
		}
		if _, err := applyLower(t, e, reconcile.Allow{Risk: reconcile.Quorum}); err != nil {
			t.Fatal(err)
		}
		mustBeEmpty(t, e)
		if v := cmap(l, "node3", "runtime.votequorum.two_node"); v != "0" {
			t.Errorf("two_node of three nodes: %q", v)
		}
		if x := l.MustExec("node3", "crm_mon", "-1"); !strings.Contains(x, "Online: [ node1 node2 node3 ]") {
			t.Error(x)
		}
	})
	e = lower(t, l, m)
	t.Run("options that need a restart", func(t *testing.T) {
		m.Cluster.Spec.Quorum = &v1.Quorum{Options: v1.Options{"wait_for_all": {Text: "1"}, "last_man_standing": {Text: "1"}}}
		p := planLower(t, e)
		var restarts []string
		for _, s := range p.Steps {
			if len(s.Downs) > 0 {
				restarts = append(restarts, s.Host)
			}
		}
		if !slices.Equal(restarts, []string{"node1", "node2", "node3"}) {
			t.Fatalf("restarts of %v", restarts)
		}
		if _, err := applyLower(t, e, reconcile.Allow{Risk: reconcile.Redundancy}, reconcile.Allow{Risk: reconcile.RestartRisk}); err != nil {
			t.Fatal(err)
		}
		mustBeEmpty(t, e)
		if out := l.MustExec("node2", "corosync-quorumtool", "-s"); !strings.Contains(out, "WaitForAll LastManStanding") {
			t.Error(out)
		}
	})
	t.Run("a member that somebody stopped is left alone", func(t *testing.T) {
		l.MustExec("node2", "systemctl", "stop", "pacemaker", "corosync")
		p := planLower(t, e)
		if len(p.Steps) > 0 || !slices.ContainsFunc(p.Notes, func(n reconcile.Note) bool { return n.Kind == reconcile.NoteRuntime }) {
			t.Errorf("steps %v, notes %v", p.Steps, p.Notes)
		}
		l.MustExec("node2", "systemctl", "start", "corosync", "pacemaker")
		eventually(t, 60*time.Second, "node2 is back", func() string {
			if x, _ := l.Exec("node1", "crm_mon", "-1"); strings.Contains(x, "Online: [ node1 node2 node3 ]") {
				return ""
			}
			return "not online"
		})
	})
	t.Run("a transport needs all to stop", func(t *testing.T) {
		m.Cluster.Spec.Totem = v1.Options{"token": {Text: "5000"}, "transport": {Text: "udpu"}, "crypto_cipher": {Text: "none"}, "crypto_hash": {Text: "none"}}
		for i := range m.Cluster.Spec.Nodes {
			m.Cluster.Spec.Nodes[i].Addresses = m.Cluster.Spec.Nodes[i].Addresses[:1]
		}
		if _, err := applyLower(t, e); err == nil || !strings.Contains(err.Error(), "outage") {
			t.Errorf("an outage without a question: %v", err)
		}
		if _, err := applyLower(t, e, reconcile.Allow{Risk: reconcile.Outage}); err == nil || !strings.Contains(err.Error(), "Cluster/lower") {
			t.Errorf("a stop of all without the cluster's name: %v", err)
		}
		if _, err := applyLower(t, e, reconcile.Allow{Risk: reconcile.Outage, Object: "Cluster/lower"}); err != nil {
			t.Fatal(err)
		}
		mustBeEmpty(t, e)
		if v := cmap(l, "node3", "totem.transport"); v != "udpu" {
			t.Errorf("transport %q", v)
		}
	})
}

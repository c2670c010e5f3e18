package view

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

var update = flag.Bool("update", false, "write the golden files")

func change(kind, name string, a reconcile.Action, path, have, want string, r reconcile.Risk, line int) reconcile.Change {
	c := reconcile.Change{Object: reconcile.Ref{Kind: kind, Name: name}, Action: a, Path: path, Have: have, Want: want, Risk: r}
	if line > 0 {
		c.Source = v1.Pos{File: "clusters/web/cluster.yaml", Line: line, Col: 3}
	}
	return c
}

func step(id, host, pending string, changes ...reconcile.Change) reconcile.PlannedStep {
	s := reconcile.PlannedStep{Step: reconcile.Step{ID: id, Host: host, Changes: changes, Pending: pending}}
	if pending == "" {
		s.Ops = reconcile.Ops{reconcile.Command{Argv: []string{"systemctl", "enable", "corosync", "it's"}, Stdin: reconcile.Secret("hunter2")},
			reconcile.Write{Path: "/etc/corosync/authkey", File: reconcile.File{Content: reconcile.Secret("hunter2"), Mode: 0o400}}}
	}
	return s
}

var plans = map[string]*reconcile.Plan{
	"empty":   {Cluster: "web"},
	"partial": {Cluster: "web", Unreachable: []string{"node3: unreachable: 10.0.0.3:22: connection refused (is sshd running there, and is this its port?)"}},
	"adopts": {Cluster: "web", Steps: []reconcile.PlannedStep{step("cib node1 write", "node1", "",
		change("Resource", "vip", reconcile.Adopt, "", "", "", reconcile.Safe, 3))},
		Notes: []reconcile.Note{{Kind: reconcile.NoteAdopts, Object: reconcile.Ref{Kind: "Resource", Name: "vip"}}}},
	"full": {Cluster: "web",
		Steps: []reconcile.PlannedStep{
			step("system node1 packages", "node1", "", change("machine", "node1", reconcile.Update, "packages.nginx", "", "installed", reconcile.Safe, 12)),
			step("system node2 packages", "node2", "", change("machine", "node2", reconcile.Update, "packages.nginx", "", "installed", reconcile.Safe, 12)),
			step("corosync node1 key", "node1", "", change("file", "node1/etc/corosync/authkey", reconcile.Create, "", "", reconcile.Mask, reconcile.Safe, 0)),
			step("cib node1 write", "node1", "",
				change("Resource", "vip", reconcile.Update, "params.ip", "10.0.0.1", "10.0.0.2", reconcile.RestartRisk, 31),
				change("Resource", "db", reconcile.Create, "agent", "", "ocf:heartbeat:pgsql", reconcile.Safe, 40),
				change("Resource", "db", reconcile.Create, "params.pgctl", "", "/usr/lib/postgresql/15/bin/pg_ctl-with-a-name-that-does-not-fit-into-a-line", reconcile.Safe, 41),
				change("Constraint", "old", reconcile.Delete, "", "", "", reconcile.Safe, 0)),
			step("lvm node2 pv", "node2", "known after the iSCSI login", change("VolumeGroup", "vg0", reconcile.Create, "", "", "", reconcile.DataLoss, 50)),
		},
		Prediction: reconcile.Prediction{
			Reactions: []reconcile.Reaction{
				{Action: "restart", Resource: "vip", From: "node1", To: "node1", Reason: "resource definition change", Risk: reconcile.RestartRisk, Round: 1},
				{Action: "move", Resource: "web", From: "node1", To: "node2", Risk: reconcile.RestartRisk, Round: 2},
				{Action: "fence", Node: "node3", Risk: reconcile.Fence, Round: 1, Anyway: true},
			},
			Unknown: []string{"what the first probe of db finds"},
		},
		Notes: []reconcile.Note{
			{Kind: reconcile.NoteUnmanaged, Object: reconcile.Ref{Kind: "Resource", Name: "vip"}, Path: "meta.priority", Text: "5"},
			{Kind: reconcile.NoteRuntime, Object: reconcile.Ref{Kind: "Constraint", Name: "cli-prefer-vip"}, Text: "set 3 h ago by crm_resource"},
			{Kind: reconcile.NoteWarning, Object: reconcile.Ref{Kind: "machine", Name: "node2"}, Text: "its clock is 1.4 s ahead of node1"},
		}},
}

func TestPlanText(t *testing.T) {
	for name, p := range plans {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := PlanText(&b, p, Style{}, true); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", b.Bytes())
			for i, line := range strings.Split(b.String(), "\n") {
				if n := utf8.RuneCountInString(line); n > Width && !strings.Contains(line, "systemctl") {
					t.Errorf("line %d has %d columns: %s", i+1, n, line)
				}
			}
			var coloured bytes.Buffer
			if err := PlanText(&coloured, p, Style{Color: true}, true); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String()+coloured.String(), "hunter2") {
				t.Error("a secret shows")
			}
		})
	}
}

func TestPlanJSON(t *testing.T) {
	var b, again bytes.Buffer
	if err := PlanJSON(&b, plans["full"]); err != nil {
		t.Fatal(err)
	}
	if err := PlanJSON(&again, plans["full"]); err != nil {
		t.Fatal(err)
	}
	if b.String() != again.String() {
		t.Error("the same plan gave different bytes")
	}
	if strings.Contains(b.String(), "hunter2") {
		t.Error("a secret shows")
	}
	golden(t, "full.json", b.Bytes())
}

func TestStatusText(t *testing.T) {
	hs := []reconcile.Health{
		{Object: reconcile.Ref{Kind: "node", Name: "node1"}, Text: "online, DC"},
		{Object: reconcile.Ref{Kind: "node", Name: "node2"}, Level: reconcile.Degraded, Text: "standby"},
		{Object: reconcile.Ref{Kind: "Resource", Name: "vip"}, Level: reconcile.Failed, Text: "start failed on node1: exit reason 'no free address' and more words than one line of the screen holds, so that they wrap"},
	}
	var b bytes.Buffer
	if err := StatusText(&b, "web", hs, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.txt", b.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (go test ./reconcile/view -update writes it anew):\n%s", path, diff)
	}
}

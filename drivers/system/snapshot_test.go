package system

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// recalled is a state as it comes back from a snapshot.
func recalled(t *testing.T, then, have, now State) State {
	t.Helper()
	rec, err := Driver{}.Record(t.Context(), nil, then, have)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "planted") {
		t.Errorf("a secret file is in the snapshot: %s", b)
	}
	var again State
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	return Driver{}.Recall(now, again)
}

func file(text string, mode uint32) reconcile.File {
	return reconcile.File{Content: reconcile.Plain(text), Mode: fs.FileMode(mode), Owner: "root:root"}
}

// What was asked then is planned as ever; what was not is pending, and never taken for missing.
func TestRecallUnlooked(t *testing.T) {
	then := State{Cluster: "c", Machines: []MachineStatus{{Name: "n1", Member: true, Addresses: []string{"10.0.0.1"},
		Packages: &Packages{Debian: []string{"old"}}, Units: map[string]Unit{"old.service": {State: "disabled"}},
		Files: map[string]PlacedFile{"/etc/open": {File: file("new", 0o644)}, "/etc/closed": {File: file("planted-new", 0o600)}}}}}
	have := State{Cluster: "c", Machines: []MachineStatus{{Name: "n1", Member: true, Packages: &Packages{Installed: map[string]string{}},
		Units: map[string]Unit{"old.service": {State: "enabled"}},
		Found: map[string]reconcile.File{"/etc/open": file("was", 0o644), "/etc/closed": file("planted-was", 0o600)},
		Facts: &Facts{Family: "debian", HostName: "n1", Stack: true, Running: true, Interfaces: map[string]Interface{"10.0.0.1": {Name: "e", MTU: 1500}}}}}}
	now := then
	now.Machines = slices.Clone(then.Machines)
	m := &now.Machines[0]
	m.Packages = &Packages{Debian: []string{"new", "old"}}
	m.Units = map[string]Unit{"old.service": {State: "disabled"}, "new.service": {State: "disabled"}}
	m.Addresses = []string{"10.0.0.1", "10.9.9.9"}
	m.Time = &Time{Servers: []string{"t"}}
	now.Machines = append(now.Machines, MachineStatus{Name: "n2", Member: true, Addresses: []string{"10.0.0.2"}, Packages: &Packages{Debian: []string{"old"}}})

	got := recalled(t, then, have, now)
	ss, err := Driver{}.Plan(now, got)
	if err != nil {
		t.Fatal(err)
	}
	pending, real := map[string]bool{}, map[string]bool{}
	for _, s := range ss {
		for _, c := range s.Changes {
			if s.Pending != "" {
				pending[s.Host+" "+c.Path] = true
			} else {
				real[s.Host+" "+c.Path] = true
			}
		}
	}
	for _, p := range []string{"n1 packages.new", "n1 units.new.service", "n1 time", "n2 "} {
		if !pending[p] || real[p] {
			t.Errorf("%s is not pending: %v; %v", p, pending, real)
		}
	}
	for _, p := range []string{"n1 packages.old", "n1 units.old", "n1 files./etc/open"} {
		if !real[p] {
			t.Errorf("%s is not planned: %v", p, real)
		}
	}
	if real["n1 files./etc/closed"] {
		t.Error("the content of a closed file was compared")
	}
	told := false
	for _, n := range (Driver{}).Notes(now, got) {
		told = told || n.Path == "files./etc/closed" && strings.Contains(n.Text, "not compared")
	}
	if !told {
		t.Error("nobody says that a file is not compared")
	}
	if got.Machines[1].Unobserved != reconcile.NotInSnapshot {
		t.Errorf("n2: %+v", got.Machines[1])
	}
}

package system

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/marked"
	"github.com/hactl/hactl/reconcile"
)

var update = flag.Bool("update", false, "write the golden files anew")

func manifests(change ...func(*v1.ClusterSpec)) *v1.Manifests {
	c := &v1.Cluster{Object: v1.Object{Metadata: v1.Metadata{Name: "lab"}}}
	c.Spec.Nodes = []v1.Node{{Name: "n1", ID: 1, Addresses: []string{"10.0.0.1"}}, {Name: "n2", ID: 2, Addresses: []string{"10.0.0.2"}}}
	for _, f := range change {
		f(&c.Spec)
	}
	return &v1.Manifests{Cluster: c}
}

func prepareAll(s *v1.ClusterSpec) {
	boot := true
	s.Prepare = &v1.Prepare{Packages: &v1.Packages{All: []string{"haproxy"}}, HostsFile: true, Time: &v1.Time{Servers: []string{"10.0.0.9"}},
		Firewall: true, Units: map[string]string{"haproxy": "disabled"}, StartAtBoot: &boot}
	s.Hosts = []v1.Machine{{Name: "qnetd", Address: "10.0.0.9"}}
}

// outside has the other machine prepared by what it says itself.
func outside(s *v1.ClusterSpec) {
	s.Prepare = &v1.Prepare{Packages: &v1.Packages{All: []string{"haproxy"}}}
	s.Hosts[0].Prepare = &v1.MachinePrepare{Packages: &v1.Packages{Debian: []string{"targetcli-fb"}}, Units: map[string]string{"rtslib-fb-targetctl": "enabled"}}
}

// bare machines of that family, as Observe finds them.
func bare(family string) State {
	s := State{Cluster: "lab"}
	for i := 1; i <= 2; i++ {
		s.Machines = append(s.Machines, MachineStatus{Name: fmt.Sprintf("n%d", i), Member: true,
			Packages: &Packages{Installed: map[string]string{}}, Hosts: &HostsFile{File: &reconcile.File{Content: reconcile.Plain("127.0.0.1 localhost\n"), Mode: 0o644}},
			Time: &Time{}, Firewall: &Firewall{}, Units: map[string]Unit{"haproxy.service": {Missing: true}, "corosync.service": {Missing: true},
				"pacemaker.service": {Missing: true}},
			Facts: &Facts{Family: family, HostName: fmt.Sprintf("n%d", i), Interfaces: map[string]Interface{fmt.Sprintf("10.0.0.%d", i): {"eth0", 1500}}}})
	}
	return s
}

func show(steps []reconcile.Step, notes []reconcile.Note, err error) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s\n", s.ID)
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "    %s %s %s %q -> %q", c.Action, c.Object, c.Path, c.Have, c.Want)
			if c.Risk != reconcile.Safe {
				fmt.Fprintf(&b, " (%s)", c.Risk)
			}
			if c.Why != "" {
				b.WriteString(": " + c.Why)
			}
			b.WriteString("\n")
		}
		for _, o := range s.Ops {
			fmt.Fprintf(&b, "    > %s\n", o)
		}
		if s.Pending != "" {
			fmt.Fprintf(&b, "    pending: %s\n", s.Pending)
		}
	}
	for _, n := range notes {
		fmt.Fprintf(&b, "note %s: %s\n", n.Kind, n.Text)
	}
	if err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	if b.Len() == 0 {
		return "nothing to do\n"
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	stack := func(s *State) {
		for i := range s.Machines {
			s.Machines[i].Facts.Stack = true
		}
	}
	with := func(s State, fs ...func(*State)) State {
		for _, f := range fs {
			f(&s)
		}
		return s
	}
	block := func(text string) func(*State) {
		return func(s *State) { s.Machines[0].Hosts.File.Content = reconcile.Plain(text) }
	}
	hosts := func(s *v1.ClusterSpec) { s.Prepare = &v1.Prepare{HostsFile: true} }
	alerts := manifests(func(s *v1.ClusterSpec) {
		s.Prepare = &v1.Prepare{Users: []v1.Account{{Name: "rouser", Groups: []string{"haclient"}}},
			Files: []v1.PreparedFile{{Path: "/var/log/alert.log", Owner: "hacluster:haclient"}, {Path: "/etc/motd", Content: "hello\n"}}}
	})
	alerts.Alerts = []*v1.Alert{{Spec: v1.AlertSpec{Path: "/var/lib/alert.sh", Script: &v1.Script{Copy: "/usr/share/alert.sample"}}}}
	found := func(files map[string]reconcile.File, groups ...string) func(*State) {
		return func(s *State) {
			s.Machines = s.Machines[:2]
			for i := range s.Machines {
				s.Machines[i].Found = files
				s.Machines[i].Accounts = map[string]Account{"rouser": {Groups: groups, Missing: groups == nil}}
			}
		}
	}
	sample := reconcile.File{Content: reconcile.Plain("#!/bin/sh\n"), Mode: 0o644, Owner: "root:root"}
	for _, x := range []struct {
		name string
		want *v1.Manifests
		have State
	}{
		{"no-packages", manifests(), bare("debian")},
		{"nothing-asked", manifests(), with(bare("debian"), stack)},
		{"bare-debian", manifests(prepareAll), with(bare("debian"), func(s *State) {
			s.Machines[0].Time.Rival = true
			s.Machines = append(s.Machines, MachineStatus{Name: "qnetd", Unobserved: "no route to host"})
		})},
		{"bare-redhat", manifests(prepareAll, func(s *v1.ClusterSpec) { s.Hosts = nil }), bare("redhat")},
		{"other-family", manifests(prepareAll, func(s *v1.ClusterSpec) { s.Hosts = nil }), bare("suse")},
		{"hosts-changed-by-hand", manifests(hosts), with(bare("debian"), stack, block("127.0.0.1 localhost\n127.0.1.1\tn1\n# BEGIN hactl lab x\n10.0.0.7\tn1\n# END hactl lab\n# after"))},
		{"hosts-no-end", manifests(hosts), with(bare("debian"), stack, block("# BEGIN hactl lab\n10.0.0.7 n1\n"))},
		{"hosts-left-the-manifest", manifests(), with(bare("debian"), stack, block("a b\n# BEGIN hactl lab x\n10.0.0.7\tn1\n# END hactl lab\nc d\n# BEGIN hactl other\n# END hactl other\n"))},
		{"files", alerts, with(bare("debian"), stack, found(map[string]reconcile.File{"/usr/share/alert.sample": sample}))},
		{"files-different", alerts, with(bare("debian"), stack, found(map[string]reconcile.File{"/usr/share/alert.sample": sample,
			"/var/lib/alert.sh": {Content: reconcile.Plain("mine"), Mode: 0o755, Owner: "root:root"}, "/etc/motd": {Content: reconcile.Plain("hello\n"), Mode: 0o600, Owner: "root:root"},
			"/var/log/alert.log": {Content: reconcile.Plain("it happened"), Mode: 0o644, Owner: "hacluster:haclient"}}, "users"))},
		{"files-as-wanted", alerts, with(bare("debian"), stack, found(map[string]reconcile.File{"/usr/share/alert.sample": sample,
			"/var/lib/alert.sh": {Content: sample.Content, Mode: 0o755, Owner: "root:root"}, "/etc/motd": {Content: reconcile.Plain("hello\n"), Mode: 0o644, Owner: "root:root"},
			"/var/log/alert.log": {Content: reconcile.Plain("it happened"), Mode: 0o644, Owner: "hacluster:haclient"}}, "rouser", "haclient"))},
		{"files-no-source", alerts, with(bare("debian"), stack, found(nil, "rouser", "haclient"))},
		{"files-of-packages", manifests(func(s *v1.ClusterSpec) {
			s.Prepare = &v1.Prepare{Packages: &v1.Packages{All: []string{"nfs-kernel-server"}}, Files: []v1.PreparedFile{{Path: "/etc/init.d/nfs-kernel-server"}}}
		}), with(bare("debian"), stack, found(nil))},
		{"machine-outside", manifests(prepareAll, outside), with(bare("debian"), stack, func(s *State) {
			s.Machines[0].Packages.Installed, s.Machines[1].Packages.Installed = map[string]string{"haproxy": "1"}, map[string]string{}
			s.Machines = append(s.Machines, MachineStatus{Name: "qnetd", Packages: &Packages{Installed: map[string]string{}}, Facts: &Facts{Family: "debian", HostName: "qnetd"},
				Units: map[string]Unit{"rtslib-fb-targetctl.service": {Missing: true}}})
		})},
		{"preflight", manifests(), with(bare("debian"), stack, func(s *State) {
			f := s.Machines[1].Facts
			f.HostName, f.ClockOffset, f.Full, f.Interfaces = "localhost", -45, []string{"/var"}, nil
		})},
		{"preflight-of-a-running-member", manifests(), with(bare("debian"), stack, func(s *State) {
			f := s.Machines[1].Facts
			f.HostName, f.ClockOffset, f.Running = "n2.example.com", 2, true
			f.Interfaces["10.0.0.2"] = Interface{"eth0", 9000}
		})},
	} {
		t.Run(x.name, func(t *testing.T) {
			want, err := New().Desired(x.want, nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(x.have)
			if err != nil {
				t.Fatal(err)
			}
			var have State
			if err := json.Unmarshal(b, &have); err != nil {
				t.Fatal(err)
			}
			steps, err := New().Plan(want, have)
			got := show(steps, New().Notes(want, have), err)
			path := filepath.Join("testdata", "plan", x.name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			wantText, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(wantText), got); d != "" {
				t.Errorf("%s (-want +got; -update writes it anew):\n%s", path, d)
			}
		})
	}
}

// Whatever stands in the file, the block is found again, can be taken out, and the rest is what it was.
func TestBlock(t *testing.T) {
	line := rapid.StringMatching(`[a-z0-9. #]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(line, 0, 5).Draw(t, "text"), "\n")
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,5}`), 1, 4).Draw(t, "lines")
		with, err := marked.Set(text, "lab", lines)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(lines, marked.Lines(with, "lab")); d != "" {
			t.Fatal(d)
		}
		if again, _ := marked.Set(with, "lab", lines); again != with {
			t.Fatalf("not stable: %q", again)
		}
		without, err := marked.Set(with, "lab", nil)
		if err != nil || strings.TrimSuffix(without, "\n") != strings.TrimSuffix(text, "\n") {
			t.Fatalf("%q became %q (%v)", text, without, err)
		}
	})
}

type recorded struct {
	name string
	out  string
	err  error
}

func (r recorded) Name() string { return r.name }
func (r recorded) Run(context.Context, reconcile.Cmd) ([]byte, error) {
	return []byte(r.out), r.err
}
func (r recorded) ReadFiles(context.Context, ...string) (map[string]reconcile.File, error) {
	return map[string]reconcile.File{hostsPath: {Content: reconcile.Plain("127.0.0.1 localhost\n")}}, r.err
}
func (r recorded) WriteFile(context.Context, string, reconcile.File) error {
	return errors.New("observing must not write")
}

func TestObserve(t *testing.T) {
	b, err := os.ReadFile("testdata/look/debian12.txt")
	if err != nil {
		t.Fatal(err)
	}
	ahead := strings.Replace(string(b), "1795159530.", "1795159570.", 1)
	want := State{Machines: []MachineStatus{{Name: "n1", Member: true, Addresses: []string{"n1", "10.78.0.1", "nosuchname"},
		Packages: &Packages{Debian: []string{"corosync", "chrony"}}, Units: map[string]Unit{"haproxy.service": {}, "nosuch.service": {}}}}}
	have, err := New().Observe(t.Context(), reconcile.Hosts{recorded{name: "n1", out: string(b)}, recorded{name: "n2", out: string(b)}, recorded{name: "n3", out: ahead},
		recorded{name: "n4", err: &reconcile.UnreachableError{Host: "n4", Err: errors.New("no route")}}}, want)
	if err != nil {
		t.Fatal(err)
	}
	m := have.Machines[0]
	if d := cmp.Diff(map[string]string{"corosync": "3.1.7-1+deb12u2", "pacemaker": "2.1.5-1+deb12u1"}, m.Packages.Installed); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]Unit{"haproxy.service": {State: "disabled"}, "nosuch.service": {Missing: true}}, m.Units); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&Facts{Family: "debian", HostName: "n1", Stack: true, Resolved: map[string][]string{"n1": {"10.77.0.1"}, "nosuchname": nil},
		Interfaces: map[string]Interface{"10.77.0.1": {"eth0", 1500}, "10.78.0.1": {"eth1", 1500}}}, m.Facts); d != "" {
		t.Error(d)
	}
	if off := have.Machines[2].Facts.ClockOffset; off < 39 || off > 40 {
		t.Errorf("clock offset %d s", off)
	}
	if have.Machines[3].Unobserved != "no route" {
		t.Errorf("unreachable: %+v", have.Machines[3])
	}
	for cut := 14; cut < len(b); cut += 61 {
		if _, err := New().Observe(t.Context(), reconcile.Hosts{recorded{name: "n1", out: string(b[:len(b)-cut])}}, want); err == nil {
			t.Fatalf("%d bytes lost and nothing said", cut)
		}
	}
}

func TestClocks(t *testing.T) {
	ms := []MachineStatus{{Facts: &Facts{}}, {Facts: &Facts{}}, {}, {Facts: &Facts{}}}
	levelClocks(ms, []time.Duration{time.Hour, time.Hour + 900*time.Millisecond, 0, time.Hour - 3100*time.Millisecond})
	var got []int
	for _, m := range ms {
		if m.Facts != nil {
			got = append(got, m.Facts.ClockOffset)
		}
	}
	if d := cmp.Diff([]int{0, 0, -3}, got); d != "" {
		t.Error(d)
	}
}

package corosync

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

var update = flag.Bool("update", false, "write the golden files anew")

func opts(kv ...string) v1.Options {
	o := v1.Options{}
	for i := 0; i < len(kv); i += 2 {
		o[kv[i]] = v1.Value{Text: kv[i+1]}
	}
	return o
}

func manifests(n int, change ...func(*v1.ClusterSpec)) *v1.Manifests {
	c := &v1.Cluster{Object: v1.Object{Metadata: v1.Metadata{Name: "lab"}}}
	for i := 1; i <= n; i++ {
		c.Spec.Nodes = append(c.Spec.Nodes, v1.Node{Name: fmt.Sprintf("n%d", i), ID: i, Addresses: []string{fmt.Sprintf("10.0.0.%d", i)}})
	}
	for _, f := range change {
		f(&c.Spec)
	}
	return &v1.Manifests{Cluster: c}
}

func desired(t testing.TB, m *v1.Manifests) State {
	t.Helper()
	s, err := New("").Desired(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bare are machines with the packages and nothing else.
func bare(n int) State {
	s := State{Cluster: "lab"}
	for i := 1; i <= n; i++ {
		s.Nodes = append(s.Nodes, NodeState{Name: fmt.Sprintf("n%d", i), Installed: true, Corosync: "inactive", Pacemaker: "inactive"})
	}
	return s
}

func file(text string, mode os.FileMode, owner string) *reconcile.File {
	return &reconcile.File{Content: reconcile.Plain(text), Mode: mode, Owner: owner}
}

// confOf is what hactl would write for these manifests.
func confOf(t testing.TB, m *v1.Manifests) string {
	t.Helper()
	r, err := New("").Render(desired(t, m), State{})
	if err != nil {
		t.Fatal(err)
	}
	return r[0].File.Content.Reveal()
}

func withKeys(s State) State {
	for i := range s.Nodes {
		s.Nodes[i].Key = &reconcile.File{Content: reconcile.Secret("k1"), Mode: 0o400, Owner: "root:root"}
		s.Nodes[i].PacemakerKey = &reconcile.File{Content: reconcile.Secret("k2"), Mode: 0o640, Owner: "root:haclient"}
	}
	return s
}

// formed is a running cluster with that file on every node.
func formed(t testing.TB, n int, text string) State {
	t.Helper()
	s := withKeys(bare(n))
	c, err := ParseConf(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Nodes {
		x := &s.Nodes[i]
		x.Conf = file(text, 0o644, "root:root")
		x.Corosync, x.Pacemaker = "active", "active"
		x.Running = &Running{Config: map[string]string{}, Quorate: true, Votes: fmt.Sprintf("%d/%d", n, n)}
		for p, v := range c.fields() {
			if !own(p) {
				x.Running.Config[p] = v
			}
		}
		for j := 1; j <= n; j++ {
			x.Running.Members = append(x.Running.Members, j)
		}
		if c.fields()[twoNode] == "1" {
			x.Running.Flags = []string{"2Node", "WaitForAll"}
		}
		if c.fields()["quorum.wait_for_all"] == "1" {
			x.Running.Flags = append(x.Running.Flags, "WaitForAll")
		}
	}
	s.Nodes[0].Running.DC = "n1"
	return s
}

func stop(s State, i int) State {
	n := &s.Nodes[i]
	n.Corosync, n.Pacemaker, n.Running = "inactive", "inactive", nil
	n.CIB = &StoredCIB{Cluster: "lab", Epoch: "0.12", Written: "Fri Nov 20 06:40:28 2026"}
	return s
}

func show(steps []reconcile.Step, notes []reconcile.Note, err error) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s\n", s.ID)
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "    %s %s", c.Action, c.Object)
			if c.Path != "" {
				fmt.Fprintf(&b, " %s", c.Path)
			}
			if c.Have != "" || c.Want != "" {
				fmt.Fprintf(&b, " %q -> %q", c.Have, c.Want)
			}
			if c.Risk != reconcile.Safe {
				fmt.Fprintf(&b, " (%s)", c.Risk)
			}
			if c.ByName {
				fmt.Fprintf(&b, " by name of %s", c.Whole)
			}
			if c.Why != "" {
				fmt.Fprintf(&b, ": %s", c.Why)
			}
			b.WriteString("\n")
		}
		for _, n := range s.Needs {
			fmt.Fprintf(&b, "    needs %s\n", n)
		}
		if s.Downs != nil {
			fmt.Fprintf(&b, "    downs %v\n", s.Downs)
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
	type spec = v1.ClusterSpec
	token := func(s *spec) { s.Totem = opts("token", "5000") }
	wfa := func(s *spec) { s.Quorum = &v1.Quorum{Options: opts("wait_for_all", "1")} }
	three, two := confOf(t, manifests(3)), confOf(t, manifests(2))
	edit := func(text, old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in\n%s", old, text)
		}
		return strings.ReplaceAll(text, old, new)
	}
	// withoutHeader is a file that somebody else made.
	withoutHeader := func(text string) string { return text[strings.Index(text, "totem {"):] }
	change := func(s State, f func(*State)) State { f(&s); return s }

	for _, x := range []struct {
		name string
		want *v1.Manifests
		have State
	}{
		{"bare", manifests(3), bare(3)},
		{"bare-key-made", manifests(3), change(bare(3), func(s *State) {
			k := withKeys(bare(1)).Nodes[0]
			s.Nodes[0].Key, s.Nodes[0].PacemakerKey = k.Key, k.PacemakerKey
			for i := range s.Nodes {
				s.Nodes[i].Conf = file(three, 0o644, "root:root")
			}
		})},
		{"bare-one-unreachable", manifests(3), change(bare(3), func(s *State) { s.Nodes[2] = NodeState{Name: "n3", Unobserved: "no route to host"} })},
		{"debian-example", manifests(1), change(withKeys(bare(1)), func(s *State) {
			s.Nodes[0].Conf = file("totem {\n\tversion: 2\n\tcluster_name: debian\n}\nnodelist {\n\tnode {\n\t\tname: node1\n\t\tnodeid: 1\n\t\tring0_addr: 127.0.0.1\n\t}\n}\n", 0o644, "root:root")
		})},
		{"example-runs", manifests(1), change(formed(t, 1, edit(edit(confOf(t, manifests(1)), "10.0.0.1", "127.0.0.1"), "cluster_name: lab", "cluster_name: debian")), func(s *State) {
			s.Nodes[0].Example = &Example{}
		})},
		{"node-left-and-token", manifests(2, token), formed(t, 3, three)},
		{"killed-before-pacemaker", manifests(2), change(formed(t, 2, two), func(s *State) {
			for i := range s.Nodes {
				s.Nodes[i].Pacemaker, s.Nodes[i].Running.DC = "inactive", ""
			}
		})},
		{"steady", manifests(3), formed(t, 3, three)},
		{"token", manifests(3, token), formed(t, 3, three)},
		{"token-written-not-reloaded", manifests(3, token), change(formed(t, 3, three), func(s *State) {
			for i := range s.Nodes {
				s.Nodes[i].Conf = file(confOf(t, manifests(3, token)), 0o644, "root:root")
			}
		})},
		{"token-one-unreachable", manifests(3, token), change(formed(t, 3, three), func(s *State) { s.Nodes[2] = NodeState{Name: "n3", Unobserved: "no route to host"} })},
		{"field-left", manifests(3), formed(t, 3, confOf(t, manifests(3, token)))},
		{"field-null", manifests(3, func(s *spec) { s.Totem = v1.Options{"join": {Null: true}} }),
			formed(t, 3, edit(three, "    version: 2\n", "    version: 2\n    join: 60\n"))},
		{"unmanaged-stays", manifests(3), formed(t, 3, edit(three, "    version: 2\n", "    version: 2\n    join: 60\n    # why\n")+"system {\n  sched_rr: no\n}\n")},
		{"spelled-differently", manifests(3), formed(t, 3, edit(edit(three, "to_syslog: yes", "to_syslog:   on"), "    ", "\t"))},
		{"adopt-equal", manifests(3), formed(t, 3, withoutHeader(three))},
		{"adopt-different", manifests(3, token), formed(t, 3, withoutHeader(edit(three, "    version: 2\n", "    version: 2\n    token: 3000\n")))},
		{"config-version", manifests(3, token), formed(t, 3, edit(three, "    version: 2\n", "    version: 2\n    config_version: 7\n"))},
		{"third-node", manifests(3), change(formed(t, 2, two), func(s *State) { s.Nodes = append(s.Nodes, bare(3).Nodes[2]) })},
		{"third-node-old-cib", manifests(3), change(formed(t, 2, two), func(s *State) {
			n := bare(3).Nodes[2]
			n.CIB = &StoredCIB{Cluster: "old", Epoch: "0.500", Written: "Mon Jan  6 10:00:00 2025"}
			s.Nodes = append(s.Nodes, n)
		})},
		{"node-left-the-manifest", manifests(2), formed(t, 3, three)},
		{"wait-for-all", manifests(3, wfa), formed(t, 3, three)},
		{"wait-for-all-two-nodes-without-two_node", manifests(2, func(s *spec) {
			s.Quorum = &v1.Quorum{Options: opts("auto_tie_breaker", "1")}
		}), formed(t, 2, edit(two, "    two_node: 1\n", ""))},
		{"transport", manifests(2, func(s *spec) { s.Totem = opts("transport", "udpu", "crypto_cipher", "none", "crypto_hash", "none") }), formed(t, 2, two)},
		{"killed-while-all-stopped", manifests(2), change(stop(stop(formed(t, 2, two), 0), 1), func(s *State) {
			for i := range s.Nodes {
				s.Nodes[i].Marked = []string{"totem.transport"}
			}
		})},
		{"votes", manifests(3, func(s *spec) { s.Quorum = &v1.Quorum{Options: opts("expected_votes", "5")} }), formed(t, 3, three)},
		{"votes-too-many", manifests(3, func(s *spec) { s.Quorum = &v1.Quorum{Options: opts("expected_votes", "7")} }), formed(t, 3, three)},
		{"two-more-nodes", manifests(4), change(formed(t, 2, two), func(s *State) { s.Nodes = append(s.Nodes, bare(4).Nodes[2:]...) })},
		{"member-stopped", manifests(3), stop(formed(t, 3, three), 1)},
		{"all-stopped", manifests(2), stop(stop(formed(t, 2, two), 0), 1)},
		{"no-controller", manifests(3), change(formed(t, 3, three), func(s *State) { s.Nodes[0].Running.DC = "" })},
		{"other-cluster", manifests(3), change(formed(t, 3, three), func(s *State) { s.Nodes[1].Running.Config["totem.cluster_name"] = "prod" })},
		{"keys-differ", manifests(3), change(formed(t, 3, three), func(s *State) {
			s.Nodes[2].Key = &reconcile.File{Content: reconcile.Secret("other"), Mode: 0o400, Owner: "root:root"}
		})},
		{"other-ids", manifests(3), formed(t, 3, edit(three, "nodeid: 3", "nodeid: 5"))},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := New("")
			want := desired(t, x.want)
			steps, err := d.Plan(want, x.have)
			got := show(steps, d.Notes(want, x.have), err)
			if strings.Contains(got, "k1") || strings.Contains(got, "k2") {
				t.Errorf("a key shows:\n%s", got)
			}
			again, _ := d.Plan(want, throughJSON(t, x.have, false))
			if a := show(again, nil, err); a != show(steps, nil, err) && err == nil && !strings.Contains(got, "key") {
				t.Errorf("the plan from JSON differs:\n%s", a)
			}
			golden(t, filepath.Join("testdata", "plan", x.name+".txt"), got)
		})
	}
}

func throughJSON(t *testing.T, s State, _ bool) State {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out State
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(b), got); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", path, d)
	}
}

func TestRender(t *testing.T) {
	m := manifests(2, func(s *v1.ClusterSpec) {
		s.Totem = opts("token", "5000")
		s.Links = []v1.Link{{Number: 0, Options: opts("knet_link_priority", "2")}, {Number: 1, Options: opts("knet_link_priority", "1")}}
		s.Nodes[0].Addresses, s.Nodes[1].Addresses = []string{"10.0.0.1", "10.1.0.1"}, []string{"10.0.0.2", "10.1.0.2"}
		s.Quorum = &v1.Quorum{Options: opts("wait_for_all", "1")}
		s.Logging = opts("debug", "off")
	})
	text := confOf(t, m)
	golden(t, filepath.Join("testdata", "corosync.conf"), text)
	for i, l := range strings.Split(text, "\n") {
		if len(l) > 120 {
			t.Errorf("line %d has %d bytes", i+1, len(l))
		}
	}
}

// Whatever is there, the plan of its own result is empty.
func TestPlanConverges(t *testing.T) {
	for _, m := range []*v1.Manifests{manifests(1), manifests(2), manifests(3), manifests(5, func(s *v1.ClusterSpec) { s.Totem = opts("token", "9000") })} {
		steps, err := New("").Plan(desired(t, m), formed(t, len(m.Cluster.Spec.Nodes), confOf(t, m)))
		if err != nil || len(steps) > 0 {
			t.Error(show(steps, nil, err))
		}
	}
}

func jsonOf(s State) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

package corosync

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// imported imports a file and gives the Cluster as YAML and what was lost.
func imported(t testing.TB, text string) (*v1.Manifests, string, []string) {
	t.Helper()
	m := &v1.Manifests{Cluster: &v1.Cluster{}}
	if _, err := (Driver{}).Import(FromConf(text), m); err != nil {
		t.Fatal(err)
	}
	var lost []string
	for _, c := range m.Cluster.Comments {
		if c.Lost {
			lost = append(lost, strings.TrimPrefix(c.Text, "Not imported from corosync.conf, and left there as it is: "))
		}
	}
	m.Cluster.Comments = nil
	var b strings.Builder
	if err := v1.WriteYAML(&b, m.All()); err != nil {
		t.Fatal(err)
	}
	return m, b.String(), lost
}

// running is a cluster that runs with that file on every node, as it would be observed.
func runningWith(t testing.TB, text string, m *v1.Manifests) State {
	t.Helper()
	c, err := ParseConf(text)
	if err != nil {
		t.Fatal(err)
	}
	have := State{Cluster: m.Cluster.Metadata.Name}
	r := Running{Config: c.fields(), Quorate: true, DC: m.Cluster.Spec.Nodes[0].Name}
	for _, n := range m.Cluster.Spec.Nodes {
		r.Members = append(r.Members, n.ID)
	}
	for path, flag := range voteFlags {
		on := c.fields()[path]
		if on != "" && on != "0" || path == "quorum.wait_for_all" && c.fields()[twoNode] == "1" && on == "" {
			r.Flags = append(r.Flags, flag)
		}
	}
	key := &reconcile.File{Content: reconcile.Secret("k"), Mode: 0o400, Owner: "root:root"}
	pcmk := &reconcile.File{Content: reconcile.Secret("k"), Mode: 0o640, Owner: "root:haclient"}
	for _, n := range m.Cluster.Spec.Nodes {
		have.Nodes = append(have.Nodes, NodeState{Name: n.Name, ID: n.ID, Addresses: n.Addresses, Installed: true, Key: key, PacemakerKey: pcmk,
			Conf: &reconcile.File{Content: maskKey(text), Mode: 0o644, Owner: "root:root"}, Corosync: "active", Pacemaker: "active", Running: &r})
	}
	return have
}

// differences plans the imported manifests against the file that they come from. Taking the file over is none; after it nothing is left.
func differences(t testing.TB, text string, m *v1.Manifests) []string {
	t.Helper()
	want, err := New("").Desired(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	have := runningWith(t, text, m)
	steps, err := New("").Plan(want, have)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, s := range steps {
		for _, c := range s.Changes {
			if c.Action != reconcile.Adopt || c.Risk != reconcile.Safe {
				out = append(out, fmt.Sprintf("%s %s %s: %q to %q", c.Action, c.Object, c.Path, c.Have, c.Want))
			}
		}
		for _, op := range s.Ops {
			if put, ok := op.(Put); ok {
				for i := range have.Nodes {
					if have.Nodes[i].Name == s.Host {
						have.Nodes[i].Conf = &put.File
					}
				}
			}
		}
	}
	if again, err := New("").Plan(want, have); err != nil || len(again) > 0 {
		out = append(out, fmt.Sprintf("after taking it over: %v %v", again, err))
	}
	return out
}

func TestImportCorpus(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/corpus/corosync/*.conf")
	if len(files) == 0 {
		t.Skip("NOT TESTED: the corpus of corosync.conf files is not here")
	}
	good := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, text, lost := imported(t, string(b))
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		if d := differences(t, string(b), m); len(d) > 0 {
			t.Errorf("%s: the plan is not empty: %q\n%s", f, d, text)
			continue
		}
		good++
		t.Logf("%s: lost: %q", filepath.Base(f), lost)
	}
	t.Logf("imported %d of %d files; a plan of each only takes it over", good, len(files))
}

const pcsKnet = `totem {
    version: 2
    cluster_name: lab
    transport: knet
    crypto_cipher: aes256
    crypto_hash: sha256
    config_version: 3
    token: 5000

    interface {
        linknumber: 0
        knet_link_priority: 2
    }
    interface {
        linknumber: 1
    }
}

nodelist {
    node {
        ring0_addr: 10.0.0.1
        ring1_addr: 10.1.0.1
        name: n1
        nodeid: 1
    }

    node {
        ring0_addr: 10.0.0.2
        ring1_addr: 10.1.0.2
        name: n2
        nodeid: 2
    }
}

quorum {
    provider: corosync_votequorum
    two_node: 1
    wait_for_all: 1
}

logging {
    to_logfile: yes
    logfile: /var/log/cluster/corosync.log
    to_syslog: yes
    timestamp: on
}
`

// specOf loads a Cluster.
func specOf(t testing.TB, text string) v1.ClusterSpec {
	t.Helper()
	sets, err := v1.Load([]v1.File{{Name: "cluster.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return sets[0].Cluster.Spec
}

// nodelist writes a nodelist of plain nodes.
func nodelist(n int) string {
	var b strings.Builder
	b.WriteString("nodelist {\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "  node {\n    nodeid: %d\n    name: n%d\n    ring0_addr: 10.0.0.%d\n  }\n", i, i, i)
	}
	return b.String() + "}\n"
}

func TestImport(t *testing.T) {
	const head = "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
	const three = head + "  nodes:\n  - {name: n1, id: 1, addresses: [10.0.0.1]}\n  - {name: n2, id: 2, addresses: [10.0.0.2]}\n  - {name: n3, id: 3, addresses: [10.0.0.3]}\n"
	const quorum = "quorum {\n provider: corosync_votequorum\n}\n"
	for _, x := range []struct {
		name, text, yaml string
		lost             []string
	}{
		{"what pcs makes", pcsKnet, head + `  nodes:
  - {name: n1, id: 1, addresses: [10.0.0.1, 10.1.0.1]}
  - {name: n2, id: 2, addresses: [10.0.0.2, 10.1.0.2]}
  totem: {token: 5000}
  links:
  - number: 0
    options: {knet_link_priority: 2}
  quorum:
    options: {wait_for_all: 1}
  logging: {logfile: /var/log/cluster/corosync.log, timestamp: on, to_logfile: yes, to_syslog: yes}
`, nil},
		{"nothing but what hactl would write", "totem {\n version: 2\n cluster_name: lab\n transport: knet\n crypto_cipher: aes256\n crypto_hash: sha256\n}\n" +
			nodelist(3) + quorum + "logging {\n to_syslog: on\n timestamp: on\n}\n", three, nil},
		{"no encryption", "totem {\n version: 2\n cluster_name: lab\n}\n" + nodelist(3) + quorum, three, nil},
		{"things that hactl has no fields for", "totem {\n version: 2\n cluster_name: lab\n key: abc\n crypto_model: nss\n frob: 7\n}\n" +
			strings.Replace(nodelist(3), "name: n2", "name: n2\n quorum_votes: 2", 1) +
			"quorum {\n provider: corosync_votequorum\n device {\n  model: net\n  votes: 1\n  net {\n   host: q\n  }\n }\n}\n" +
			"logging {\n logger_subsys {\n  subsys: QUORUM\n  debug: on\n }\n}\nuidgid {\n uid: 99\n}\n",
			strings.Replace(three, "{name: lab}", "{name: lab, ignore: [{lint: unknown-option, reason: imported}]}", 1) +
				"  totem: {crypto_model: nss, frob: 7}\n", []string{
				"quorum_votes: 2 of a node in nodelist.",
				"totem.key, the key of the encryption in the open file (hactl uses the file /etc/corosync/authkey).",
				"the quorum device (model: net, votes: 1, net.host: q).",
				"the section logger_subsys in logging (subsys: QUORUM, debug: on).",
				"the section uidgid (uid: 99)."}},
		{"two nodes without two_node", "totem {\n version: 2\n cluster_name: lab\n}\n" + nodelist(2) + quorum, head + `  nodes:
  - {name: n1, id: 1, addresses: [10.0.0.1]}
  - {name: n2, id: 2, addresses: [10.0.0.2]}
  quorum:
    options: {two_node: null}
`, nil},
		{"an interface of corosync 2", "totem {\n version: 2\n cluster_name: lab\n transport: udpu\n interface {\n  ringnumber: 0\n  bindnetaddr: 10.0.0.0\n  mcastport: 5405\n }\n}\n" +
			nodelist(3) + quorum, three + `  totem: {transport: udpu}
  links:
  - number: 0
    options: {bindnetaddr: 10.0.0.0, mcastport: 5405}
`, nil},
	} {
		m, text, lost := imported(t, x.text)
		if d := cmp.Diff(specOf(t, x.yaml), specOf(t, text)); d != "" { // how it is laid out is the writer's affair
			t.Errorf("%s:\n%s\n%s", x.name, d, text)
		}
		if d := cmp.Diff(x.lost, lost); d != "" {
			t.Errorf("%s:\n%s", x.name, d)
		}
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
		if d := differences(t, x.text, m); len(d) > 0 {
			t.Errorf("%s: the plan is not empty: %q", x.name, d)
		}
	}
}

// Nodes that the file does not describe in full are told about, with what to do.
func TestImportOddNodes(t *testing.T) {
	for _, x := range []struct{ name, text, says string }{
		{"multicast", "totem {\n version: 2\n transport: udp\n interface {\n  bindnetaddr: 10.0.0.0\n  mcastaddr: 239.1.1.1\n }\n}\n",
			"the nodes: it has no nodelist, the nodes find each other in the network 10.0.0.0. hactl needs them by name and address: complete spec.nodes"},
		{"no names", "totem {\n version: 2\n}\nnodelist {\n node {\n  nodeid: 1\n  ring0_addr: 10.0.0.1\n }\n}\n", "Write what uname -n says there"},
		{"no ids", "totem {\n version: 2\n}\nnodelist {\n node {\n  ring0_addr: alpha\n }\n node {\n  ring0_addr: beta\n }\n}\n", "gives the nodes no nodeid"},
		{"an id by address", "totem {\n version: 2\n}\nnodelist {\n node {\n  ring0_addr: 10.0.0.1\n  name: a\n }\n}\n", "corosync makes it from the address"},
		{"links with gaps", "totem {\n version: 2\n}\nnodelist {\n node {\n  nodeid: 1\n  name: a\n  ring1_addr: 10.0.0.1\n }\n}\n", "they are not 0, 1, …"},
	} {
		m := &v1.Manifests{Cluster: &v1.Cluster{}}
		if _, err := (Driver{}).Import(FromConf(x.text), m); err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		said := ""
		for _, c := range m.Cluster.Comments {
			said += c.Text + "\n"
		}
		if !strings.Contains(said, x.says) {
			t.Errorf("%s: said %q", x.name, said)
		}
	}
	m, _, _ := imported(t, "nodelist {\n node {\n  ring0_addr: 10.0.0.1\n  name: a\n }\n}\n")
	if id := m.Cluster.Spec.Nodes[0].ID; id != 10<<24+1 {
		t.Errorf("the id of 10.0.0.1 is %d", id)
	}
}

// Live members: the one that runs counts, the package's example does not, and an unreachable one is no empty one.
func TestImportMembers(t *testing.T) {
	file := func(s string) *reconcile.File { return &reconcile.File{Content: reconcile.Plain(s)} }
	conf := func(name string) *reconcile.File {
		return file("totem {\n version: 2\n cluster_name: " + name + "\n}\n" + nodelist(3))
	}
	for _, x := range []struct {
		name, want string
		nodes      []NodeState
	}{
		{"the running one", "live", []NodeState{{Name: "a", Conf: conf("old")}, {Name: "b", Conf: conf("live"), Running: &Running{}}}},
		{"the first that has one", "first", []NodeState{{Name: "a"}, {Name: "b", Conf: conf("first")}, {Name: "c", Conf: conf("second")}}},
		{"none", "none of the machines", []NodeState{{Name: "a"}}},
		{"unreachable", "a: no route", []NodeState{{Name: "a", Unobserved: "no route"}, {Name: "b"}}},
		{"the example", "example of their distribution", []NodeState{{Name: "a", Conf: conf("debian"), Example: &Example{}, Running: &Running{}}}},
		{"broken", "b: corosync.conf line 1", []NodeState{{Name: "b", Conf: file("x\n")}}},
	} {
		m := &v1.Manifests{Cluster: &v1.Cluster{}}
		_, err := (Driver{}).Import(State{Nodes: x.nodes}, m)
		if x.name == "the running one" && (len(m.Cluster.Comments) == 0 || !strings.Contains(m.Cluster.Comments[len(m.Cluster.Comments)-1].Text, "corosync.conf on a differs")) {
			t.Errorf("%s: nothing is said of the other: %v", x.name, m.Cluster.Comments)
		}
		if got := m.Cluster.Metadata.Name; err == nil && got != x.want || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %q %v", x.name, got, err)
		}
	}
}

// Whatever corosync would read: import does not fail, what it writes loads, and no option disappears without a word.
func TestImportLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawConf(t)
		m := &v1.Manifests{Cluster: &v1.Cluster{}}
		if _, err := (Driver{}).Import(FromConf(text), m); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		said := ""
		for _, c := range m.Cluster.Comments {
			said += c.Text + "\n"
		}
		conf, err := ParseConf(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range conf.Root.Lines {
			if l.Section != nil && !strings.Contains(said, "the section "+l.Section.Name) {
				t.Fatalf("%q: nothing is said of %s:\n%s", text, l.Section.Name, said)
			}
		}
	})
}

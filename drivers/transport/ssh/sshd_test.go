package ssh

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/servers"
)

// node is a machine that lets in root: a real sshd(8), or what a test serves itself.
type node struct {
	*servers.SSHD
	t       testing.TB
	dir     string
	port    int
	hostKey string // private key file
}

// startNode starts an sshd that lets in the key of user. more are lines for its sshd_config.
func startNode(t testing.TB, user *identity, more ...string) *node {
	t.Helper()
	s := servers.StartSSHD(t, user.public, more...)
	return &node{SSHD: s, t: t, dir: s.Dir, port: s.Port, hostKey: s.HostKey}
}

// line is the machine's line for known_hosts.
func (n *node) line() string { return servers.KnownHost(n.t, n.port, n.hostKey) }

// identity is a user's key pair.
type identity struct{ file, public string }

func newIdentity(t testing.TB) *identity {
	f := servers.Key(t, t.TempDir(), "id")
	b, err := os.ReadFile(f + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return &identity{f, string(b)}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// config writes an ssh configuration that knows the nodes' keys; its first lines are more.
func config(t testing.TB, id *identity, nodes []*node, more ...string) Config {
	t.Helper()
	dir := t.TempDir()
	var known bytes.Buffer
	for _, n := range nodes {
		known.WriteString(n.line())
	}
	write(t, dir+"/known_hosts", known.String())
	conf := append(more, "Host *", "  UserKnownHostsFile "+dir+"/known_hosts", "  GlobalKnownHostsFile none", "  IdentityFile "+id.file,
		"  IdentityAgent none", "  User root", "  StrictHostKeyChecking no")
	write(t, dir+"/config", strings.Join(conf, "\n")+"\n")
	return Config{File: dir + "/config"}
}

// target has lock files of its own, because all nodes of a test share one /run.
func (n *node) target(name string) Target {
	return Target{Name: name, Address: "127.0.0.1", Port: n.port, RunDir: n.dir}
}

// connect dials a node that must be reachable.
func connect(t testing.TB, n *node, cfg Config) *Host {
	t.Helper()
	h, err := Dial(context.Background(), n.target("node1"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

package ssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// node is a real sshd(8) on a loopback port with everything of its own in a temporary folder.
type node struct {
	t       testing.TB
	dir     string
	port    int
	hostKey string // private key file
	cmd     *exec.Cmd
	log     string
}

// startNode starts an sshd that lets in the key of user. more are lines for its sshd_config.
func startNode(t testing.TB, user *identity, more ...string) *node {
	t.Helper()
	sshd := "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		t.Skip("NOT TESTED: the SSH transport against a real sshd: install openssh-server")
	}
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: the SSH transport against a real sshd: it needs root")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, dir: t.TempDir(), port: freePort(t)}
	n.hostKey = writeKey(t, n.dir, "host")
	n.log = filepath.Join(n.dir, "log")
	conf := append(more, // the first value of a keyword counts
		fmt.Sprintf("Port %d", n.port), "ListenAddress 127.0.0.1", "HostKey "+n.hostKey, "PidFile none", "UsePAM no",
		"AuthorizedKeysFile "+n.dir+"/authorized_keys", "StrictModes no", "PermitRootLogin prohibit-password", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "MaxStartups 100",
		// bash runs ~/.bashrc under sshd only at the first level; that of the machine that tests run on is not ours to measure.
		"SetEnv SHLVL=5")
	write(t, n.dir+"/sshd_config", strings.Join(conf, "\n")+"\n")
	write(t, n.dir+"/authorized_keys", user.public)
	n.start()
	return n
}

func (n *node) start() {
	n.t.Helper()
	n.cmd = exec.Command("/usr/sbin/sshd", "-D", "-E", n.log, "-f", n.dir+"/sshd_config")
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(n.stop)
	waitFor(n.t, "sshd to listen", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", n.port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (n *node) stop() {
	n.cmd.Process.Kill()
	n.cmd.Wait()
}

// line is the machine's line for known_hosts.
func (n *node) line() string {
	b, err := os.ReadFile(n.hostKey + ".pub")
	if err != nil {
		n.t.Fatal(err)
	}
	return fmt.Sprintf("[127.0.0.1]:%d %s\n", n.port, strings.TrimSpace(string(b)))
}

// identity is a user's key pair.
type identity struct{ file, public string }

func newIdentity(t testing.TB) *identity {
	f := writeKey(t, t.TempDir(), "id")
	b, err := os.ReadFile(f + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return &identity{f, string(b)}
}

func writeKey(t testing.TB, dir, name string) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	write(t, path, string(pem.EncodeToMemory(block)))
	write(t, path+".pub", string(ssh.MarshalAuthorizedKey(p)))
	return path
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
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

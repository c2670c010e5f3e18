package ssh

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/servers"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// refused dials and returns the error, which must be an UnreachableError that holds all the texts.
func refused(t *testing.T, target Target, cfg Config, texts ...string) {
	t.Helper()
	hosts, closer := Open(context.Background(), []Target{target}, cfg)
	defer closer.Close()
	_, err := hosts[0].Run(context.Background(), reconcile.Cmd{Argv: []string{"true"}})
	var gone *reconcile.UnreachableError
	if !errors.As(err, &gone) {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	for _, text := range append(texts, target.Name+": unreachable") {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is missing", text)
		}
	}
	_, err2 := hosts[0].ReadFiles(context.Background(), "/etc/passwd")
	err3 := hosts[0].WriteFile(context.Background(), "/tmp/x", reconcile.File{})
	if !errors.As(err2, &gone) || !errors.As(err3, &gone) {
		t.Errorf("got %v, %v", err2, err3)
	}
}

func TestHostKeys(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	known := func(lines string) Config {
		cfg := config(t, id, nil)
		write(t, filepath.Dir(cfg.File)+"/known_hosts", lines)
		return cfg
	}
	other := &node{t: t, hostKey: servers.Key(t, t.TempDir(), "other"), port: n.port}

	t.Run("unknown", func(t *testing.T) {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(strings.SplitN(n.line(), " ", 2)[1]))
		if err != nil {
			t.Fatal(err)
		}
		refused(t, n.target("node1"), known(""), "unknown host key", ssh.FingerprintSHA256(key), strings.TrimSpace(n.line()), "known_hosts")
	})
	t.Run("changed", func(t *testing.T) {
		refused(t, n.target("node1"), known("# first\n"+other.line()), "has changed", "known_hosts:2", "ssh-keygen -R")
	})
	t.Run("revoked", func(t *testing.T) {
		refused(t, n.target("node1"), known("@revoked "+n.line()), "revoked")
	})
	t.Run("hashed", func(t *testing.T) {
		_, key, _ := strings.Cut(n.line(), " ")
		must(t, n, known(knownhosts.HashHostname(fmt.Sprintf("[127.0.0.1]:%d", n.port))+" "+key))
	})
	t.Run("alias", func(t *testing.T) {
		_, key, _ := strings.Cut(n.line(), " ")
		cfg := config(t, id, nil, "HostKeyAlias theone")
		write(t, filepath.Dir(cfg.File)+"/known_hosts", "theone "+key)
		must(t, n, cfg)
	})
	t.Run("authority", func(t *testing.T) {
		dir := t.TempDir()
		ca := signerOf(t, servers.Key(t, dir, "ca"))
		host := signerOf(t, n.hostKey)
		cert := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"}, ValidBefore: ssh.CertTimeInfinity}
		if err := cert.SignCert(rand.Reader, ca); err != nil {
			t.Fatal(err)
		}
		write(t, dir+"/cert", string(ssh.MarshalAuthorizedKey(cert)))
		c := startNode(t, id, "HostCertificate "+dir+"/cert")
		write(t, c.hostKey, read(t, n.hostKey))
		c.Stop()
		c.Start()
		must(t, c, known("@cert-authority * "+string(ssh.MarshalAuthorizedKey(ca.PublicKey()))))
	})
}

// must connects and runs a command.
func must(t *testing.T, n *node, cfg Config) {
	t.Helper()
	if _, err := connect(t, n, cfg).Run(context.Background(), reconcile.Cmd{Argv: []string{"true"}}); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func signerOf(t *testing.T, file string) ssh.Signer {
	t.Helper()
	s, err := ssh.ParsePrivateKey([]byte(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUnreachable(t *testing.T) {
	id := newIdentity(t)
	cfg := config(t, id, nil)
	cfg.ConnectTimeout = 500 * time.Millisecond
	refused(t, Target{Name: "node1", Address: "127.0.0.1", Port: servers.FreePort(t)}, cfg, "refused by 127.0.0.1:", "is sshd running")
	refused(t, Target{Name: "node.invalid"}, cfg, "name node.invalid", "HostName")

	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	refused(t, Target{Name: "node1", Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}, cfg, "did not answer within 500ms")
	if time.Since(began) > 3*time.Second {
		t.Error("late")
	}
	refused(t, Target{Name: "node1"}, Config{File: "/nonexistent"}, "ssh config")
	refused(t, Target{Name: "a"}, config(t, id, nil, "Host a", "ProxyJump b", "Host b", "ProxyJump a"), "circle")
	refused(t, Target{Name: "a"}, config(t, id, nil, "Match exec true", "User x"), "Match")
	refused(t, Target{Name: "a"}, config(t, id, nil, "ProxyCommand echo no way to %h >&2; exit 1"), "no way to a")
}

func TestLogin(t *testing.T) {
	id, stranger := newIdentity(t), newIdentity(t)
	n := startNode(t, id)
	nodes := []*node{n}
	fp := ssh.FingerprintSHA256(signerOf(t, stranger.file).PublicKey())
	refused(t, n.target("node1"), config(t, stranger, nodes), "login as root", "refused", stranger.file, fp)
	refused(t, n.target("node1"), config(t, &identity{file: "/nonexistent/id"}, nodes), "/nonexistent/id not used")

	t.Run("passphrase", func(t *testing.T) {
		_, private, _ := ed25519.GenerateKey(rand.Reader)
		block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("sesame"))
		if err != nil {
			t.Fatal(err)
		}
		f := t.TempDir() + "/locked"
		write(t, f, string(pem.EncodeToMemory(block)))
		refused(t, n.target("node1"), config(t, &identity{file: f}, nodes), "passphrase", "ssh-add "+f)
	})
	t.Run("target's identity", func(t *testing.T) {
		target := n.target("node1")
		target.IdentityFiles = []string{id.file}
		h, err := Dial(context.Background(), target, config(t, stranger, nodes))
		if err != nil {
			t.Fatal(err)
		}
		h.Close()
	})
	t.Run("agent", func(t *testing.T) {
		keys := agent.NewKeyring()
		raw, err := ssh.ParseRawPrivateKey([]byte(read(t, id.file)))
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
			t.Fatal(err)
		}
		sock := t.TempDir() + "/agent"
		l, err := net.Listen("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go agent.ServeAgent(keys, c)
			}
		}()
		must(t, n, config(t, stranger, nodes, "IdentityAgent "+sock))
		refused(t, n.target("node1"), config(t, stranger, nodes, "IdentityAgent "+sock, "IdentitiesOnly yes"), "refused")
		// A file with the public part only picks the agent's key.
		must(t, n, config(t, &identity{file: id.file + ".pub"}, nodes, "IdentityAgent "+sock, "IdentitiesOnly yes"))
		t.Setenv("SSH_AUTH_SOCK", sock)
		must(t, n, config(t, stranger, nodes, "IdentityAgent SSH_AUTH_SOCK"))
	})
}

func TestWaysToANode(t *testing.T) {
	id := newIdentity(t)
	a, b, n := startNode(t, id), startNode(t, id), startNode(t, id)
	nodes := []*node{a, b, n}
	aliases := func(more ...string) Config {
		return config(t, id, nodes, append(more,
			"Host hopa", fmt.Sprintf("  Port %d", a.port), "  HostName 127.0.0.1",
			"Host hopb", fmt.Sprintf("  Port %d", b.port), "  HostName 127.0.0.1",
			"Host node*", fmt.Sprintf("  Port %d", n.port), "  HostName 127.0.0.1")...)
	}
	check := func(t *testing.T, cfg Config) {
		t.Helper()
		hosts, closer := Open(context.Background(), []Target{{Name: "node1"}, {Name: "node2"}}, cfg)
		defer closer.Close()
		for _, h := range hosts {
			out, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"sh", "-c", "echo $SSH_CONNECTION"}})
			if err != nil || !strings.HasSuffix(string(out), fmt.Sprintf(" %d\n", n.port)) {
				t.Errorf("got %q, %v", out, err)
			}
		}
	}
	t.Run("direct", func(t *testing.T) { check(t, aliases()) })
	t.Run("chain", func(t *testing.T) { check(t, aliases("Host node*", "ProxyJump hopa,root@hopb")) })
	t.Run("jump of a jump", func(t *testing.T) {
		check(t, aliases("Host node*", "ProxyJump hopb", "Host hopb", fmt.Sprintf("ProxyJump ssh://127.0.0.1:%d", a.port)))
	})
	t.Run("include", func(t *testing.T) {
		f := t.TempDir() + "/more"
		write(t, f, "Host node*\nProxyJump hopa\n")
		check(t, aliases("Include "+f))
	})
	t.Run("command", func(t *testing.T) {
		check(t, aliases("Host node*", `ProxyCommand bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3; kill %%1'`))
	})
	t.Run("shared hop is closed", func(t *testing.T) {
		cfg := aliases("Host node*", "ProxyJump hopa")
		hosts, closer := Open(context.Background(), []Target{{Name: "node1"}}, cfg)
		defer closer.Close()
		closer.Close()
		_, err := hosts[0].Run(context.Background(), reconcile.Cmd{Argv: []string{"true"}})
		var gone *reconcile.UnreachableError
		if !errors.As(err, &gone) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("hop refuses", func(t *testing.T) {
		refused(t, Target{Name: "node1"}, aliases("Host node*", "ProxyJump hopc", "Host hopc", fmt.Sprintf("HostName 127.0.0.1\nPort %d", servers.FreePort(t))),
			"jump host hopc", "refused")
		refused(t, Target{Name: "node1", Address: "127.0.0.1", Port: servers.FreePort(t)}, aliases("Host node*", "ProxyJump hopa"), "jump host could not connect")
	})
}

package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/servers"
	"golang.org/x/crypto/ssh"
)

// startUserNode is an SSH server of the test's own that runs commands as the user nobody, with sudo being the given script: a real sshd
// lets only users with a shell in.
func startUserNode(t *testing.T, id *identity, sudo string) *node {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: sudo: only root can start commands as another user")
	}
	n := &node{t: t, dir: t.TempDir()}
	for d := n.dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
		os.Chmod(d, 0o777)
	}
	write(t, n.dir+"/sudo", "#!/bin/sh\n"+sudo+"\n")
	os.Chmod(n.dir+"/sudo", 0o755)
	n.hostKey = servers.Key(t, n.dir, "host")
	user, _, _, _, err := ssh.ParseAuthorizedKey([]byte(id.public))
	if err != nil {
		t.Fatal(err)
	}
	conf := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if string(k.Marshal()) != string(user.Marshal()) {
			return nil, errors.New("no")
		}
		return nil, nil
	}}
	conf.AddHostKey(signerOf(t, n.hostKey))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	n.port = l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, conf, n.dir)
		}
	}()
	return n
}

func serve(c net.Conn, conf *ssh.ServerConfig, path string) {
	_, chans, reqs, err := ssh.NewServerConn(c, conf)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range reqs {
				if r.Type != "exec" {
					r.Reply(false, nil)
					continue
				}
				var m struct{ Command string }
				ssh.Unmarshal(r.Payload, &m)
				r.Reply(true, nil)
				cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", m.Command)
				cmd.Dir, cmd.Env = "/", []string{"PATH=" + path + ":/usr/bin:/bin"}
				cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
				in, _ := cmd.StdinPipe()
				go func() { io.Copy(in, ch); in.Close() }()
				cmd.Run()
				ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}))
				ch.Close()
			}
		}()
	}
}

func TestSudo(t *testing.T) {
	id := newIdentity(t)
	run := func(sudo string) (*node, *Host, []byte, error) {
		n := startUserNode(t, id, sudo)
		h := connect(t, n, config(t, id, []*node{n}))
		out, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"sh", "-c", "echo $BY; id -un; cat"}, Stdin: []byte("in")})
		return n, h, out, err
	}
	n, h, out, err := run(`[ "$1 $2" = "-n --" ] || exit 9; shift 2; echo lecture >&2; BY=sudo exec env -i PATH=/usr/bin:/bin BY=sudo "$@"`)
	if err != nil || string(out) != "sudo\nnobody\nin" {
		t.Errorf("got %q, %v", out, err)
	}
	path := n.dir + "/f"
	if err := h.WriteFile(context.Background(), path, reconcile.File{Content: reconcile.Plain("x"), Owner: "nobody:nogroup"}); err != nil {
		t.Error(err)
	}
	if files, err := h.ReadFiles(context.Background(), path); err != nil || files[path].Content.Reveal() != "x" {
		t.Errorf("got %v, %v", files, err)
	}
	lock, err := transport.Locker{}.Lock(context.Background(), reconcile.Hosts{h}, anna)
	if err != nil || fmt.Sprint(lock.Held()) != "[node1]" {
		t.Errorf("lock: %v", err)
	} else {
		lock.Release()
	}

	for what, c := range map[string]struct{ sudo, hint string }{
		"password": {`echo "sudo: a password is required" >&2; exit 1`, "NOPASSWD"},
		"not in":   {`echo "nobody is not in the sudoers file." >&2; exit 1`, "NOPASSWD"},
		"missing":  {`echo "sh: 1: exec: sudo: not found" >&2; exit 127`, "sudo is not installed"},
	} {
		_, h, _, err := run(c.sudo)
		var gone *reconcile.UnreachableError
		if !errors.As(err, &gone) || !strings.Contains(gone.Hint, c.hint) {
			t.Errorf("%s: got %v", what, err)
		}
		t.Log(err)
		lock, err := transport.Locker{}.Lock(context.Background(), reconcile.Hosts{h}, anna)
		if err != nil || len(lock.Held()) != 0 {
			t.Errorf("%s: lock: %v", what, err)
		}
	}
}

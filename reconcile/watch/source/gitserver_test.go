package source

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A server of the repository over HTTP: git http-backend behind a password.
type httpServer struct {
	*httptest.Server
	token string
	down  atomic.Bool
	asked atomic.Int64
}

func (r *repo) http(t testing.TB, token string, over *tls.Config) *httpServer {
	t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{Path: strings.TrimSpace(string(out)) + "/git-http-backend", Env: []string{
		"GIT_PROJECT_ROOT=" + filepath.Dir(r.bare), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null"}}
	s := &httpServer{token: token}
	handler := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.asked.Add(1)
		if s.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		user, password, _ := req.BasicAuth()
		if token != "" && (user != "git" || password != token) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	})
	if over != nil {
		s.Server = httptest.NewTLSServer(handler)
	} else {
		s.Server = httptest.NewServer(handler)
	}
	t.Cleanup(s.Close)
	return s
}

func always(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// A server of the repository over SSH: a real sshd(8).
type sshServer struct {
	port       int
	key        string // the user's
	knownHosts string
}

func startSSH(t testing.TB) sshServer {
	t.Helper()
	const sshd = "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		t.Skip("NOT TESTED: Git over a real sshd: install openssh-server")
	}
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: Git over a real sshd: it needs root")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "it's a; `touch pwned` & key") // which a shell would take apart
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	s := sshServer{port: port, key: writeKey(t, dir, "id"), knownHosts: dir + "/known hosts"}
	host := writeKey(t, t.TempDir(), "host")
	conf := t.TempDir()
	for name, text := range map[string]string{
		conf + "/authorized_keys": read(t, s.key+".pub"),
		s.knownHosts:              fmt.Sprintf("[127.0.0.1]:%d %s", port, read(t, host+".pub")),
		conf + "/sshd_config": fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nPidFile none\nUsePAM no\nAuthorizedKeysFile %s/authorized_keys\n"+
			"StrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n", port, host, conf),
	} {
		put(t, name, text)
	}
	cmd := exec.Command(sshd, "-D", "-E", conf+"/log", "-f", conf+"/sshd_config")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("sshd does not listen: %s", read(t, conf+"/log"))
		}
	}
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
	put(t, path+".pub", string(ssh.MarshalAuthorizedKey(p)))
	put(t, path, string(pem.EncodeToMemory(block)))
	os.Chmod(path, 0o600)
	return path
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

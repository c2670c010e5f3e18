package source

import (
	"context"
	"crypto/tls"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/hactl/hactl/test/servers"
)

// A server of the repository over HTTP.
type httpServer struct {
	*httptest.Server
	git *servers.Git
}

func (r *repo) http(t testing.TB, token string, over *tls.Config) *httpServer {
	t.Helper()
	s := &httpServer{git: &servers.Git{Root: filepath.Dir(r.bare), Token: token}}
	if over != nil {
		s.Server = httptest.NewTLSServer(s.git)
	} else {
		s.Server = httptest.NewServer(s.git)
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
	dir := filepath.Join(t.TempDir(), "it's a; `touch pwned` & key") // which a shell would take apart
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key := servers.Key(t, dir, "id")
	sshd := servers.StartSSHD(t, read(t, key+".pub"))
	put(t, dir+"/known hosts", sshd.Line())
	return sshServer{sshd.Port, key, dir + "/known hosts"}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

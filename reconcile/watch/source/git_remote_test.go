package source

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/servers"
)

func TestGitSSH(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit("a.yaml", "1")
	s := startSSH(t)
	g := r.source(t)
	g.URL = fmt.Sprintf("ssh://root@127.0.0.1:%d%s", s.port, r.bare)
	g.SSHKey, g.KnownHosts = s.key, s.knownHosts
	l := watch(t, g)
	if have := l.until(""); have.ID != one || texts(have) != "a.yaml=1" {
		t.Errorf("%+v", have)
	}
	two := r.commit("a.yaml", "2")
	if have := l.until(one); have.ID != two || texts(have) != "a.yaml=2" {
		t.Errorf("%+v", have)
	}
	if found, _ := filepath.Glob(filepath.Dir(s.key) + "/pwned"); len(found) > 0 {
		t.Error("a part of a path was run as a command")
	}

	strange := g
	strange.Dir, strange.KnownHosts = t.TempDir(), filepath.Join(t.TempDir(), "empty")
	put(t, strange.KnownHosts, "")
	watch(t, strange).fails("git ls-remote", "Host key verification failed")
	locked := g
	locked.Dir, locked.SSHKey = t.TempDir(), servers.Key(t, t.TempDir(), "other")
	watch(t, locked).fails("git ls-remote", "Permission denied (publickey)")
}

func TestGitHTTP(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit("a.yaml", "1")
	const token = "s3cret-;'\"$(x)"
	s := r.http(t, token, nil)
	g := r.source(t)
	g.URL, g.Token = s.URL+"/repo.git", always(token)
	l := watch(t, g)
	if have := l.until(""); have.ID != one || texts(have) != "a.yaml=1" {
		t.Errorf("%+v", have)
	}
	two := r.commit("a.yaml", "2")
	if have := l.until(one); have.ID != two || texts(have) != "a.yaml=2" || have.Rewrites != "" {
		t.Errorf("%+v", have)
	}
	for _, file := range []string{"/clone.git/config", "/history.git/config"} {
		if text := read(t, g.Dir+file); strings.Contains(text, token) || strings.Contains(text, "promisor") {
			t.Errorf("%s: %s", file, text)
		}
	}
	s.git.Down.Store(true)
	l.fails("git ls-remote", "503")
	s.git.Down.Store(false)
	three := r.commit("a.yaml", "3")
	if have := l.until(two); have.ID != three {
		t.Errorf("%+v", have)
	}

	for want, give := range map[string]func(context.Context) (string, error){
		"Authentication failed":       always("wr0ng"),
		"could not read Username":     nil,
		"the token: no such variable": func(context.Context) (string, error) { return "", errors.New("no such variable") },
		"the token: it is empty":      always("\n"),
		"has more than one line":      always("a\nb"),
	} {
		bad := g
		bad.Dir, bad.Token = t.TempDir(), give
		watch(t, bad).fails(want)
	}
}

// The server tells the client to leave out large blobs; then only they are missing.
func TestGitFilter(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.run(r.bare, "config", "uploadpack.allowFilter", "true")
	big := strings.Repeat("# 345678901234567890123456789012\n", MaxFile/32)
	r.commit("elsewhere/big.iso", big)
	one := r.commit("m/a.yaml", "1")
	s := r.http(t, "", nil)
	g := r.source(t)
	g.URL, g.Path = s.URL+"/repo.git", "m"
	l := watch(t, g)
	if have := l.until(""); texts(have) != "a.yaml=1" {
		t.Errorf("%+v", have)
	}
	objects := r.run(g.Dir+"/clone.git", "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)")
	if strings.Contains(objects, fmt.Sprint(len(big))) {
		t.Errorf("the large file was fetched:\n%s", objects)
	}
	two := r.commit("m/a.yaml", "2")
	if have := l.until(one); texts(have) != "a.yaml=2" || have.Rewrites != "" {
		t.Errorf("%+v", have)
	}
	if objects := r.run(g.Dir+"/history.git", "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"); strings.Contains(objects, "blob") {
		t.Errorf("files were fetched for the history:\n%s", objects)
	}
	r.commit("m/big.yaml", big)
	l.fails("big.yaml has more than 4 MiB; split it")
	r.commit("m/big.yaml", "")
	if have := l.until(two); texts(have) != "a.yaml=2" {
		t.Errorf("%+v", have)
	}
}

func TestGitHTTPS(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("a.yaml", "1")
	s := r.http(t, "tok", &tls.Config{})
	g := r.source(t)
	g.URL, g.Token = s.URL+"/repo.git", always("tok")
	watch(t, g).fails("git ls-remote", "certificate")
	g.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	put(t, g.CAFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	g.Dir = t.TempDir()
	watch(t, g).until("")
}

// A server that never answers.
func TestGitLimit(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	s := deaf(t)
	g := r.source(t)
	g.URL, g.Limit = "http://"+s+"/repo.git", 300*time.Millisecond
	watch(t, g).fails("git ls-remote took longer than 300ms")
	g.Dir, g.Limit = t.TempDir(), time.Hour
	l := watch(t, g)
	time.Sleep(100 * time.Millisecond)
	start := time.Now()
	l.stop()
	if took := time.Since(start); took > grace/2 {
		t.Errorf("Run ended %v after its context", took)
	}
}

// A commit that is too large does not fill the disk.
func TestGitTooMuch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	noise := make([]byte, 4<<20)
	_, _ = rand.Read(noise)
	put(t, r.work+"/noise", string(noise))
	r.commit("a.yaml", "a")
	g, err := r.source(t).ready()
	if err != nil {
		t.Fatal(err)
	}
	defer g.lock.release()
	g.maxClone = 1 << 20
	if _, err = g.look(t.Context()); err == nil || !strings.Contains(err.Error(), "the commit is larger than 1 MiB and the server cannot leave out large files") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(g.Dir + "/clone.git"); err == nil {
		t.Error("what is too large was kept")
	}
	g.maxClone = maxClone // another fetch would bring it
	if _, err = g.look(t.Context()); !errors.As(err, new(errTooLarge)) {
		t.Errorf("it was fetched again at once: %v", err)
	}
	g.largeAt = g.largeAt.Add(-largeRest)
	if rev, err := g.look(t.Context()); err != nil || len(rev.Files) != 1 {
		t.Errorf("it was not fetched again after a while: %+v, %v", rev, err)
	}
}

// deaf is the address of a server that takes connections and says nothing.
func deaf(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String() // the kernel takes them
}

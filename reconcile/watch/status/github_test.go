package status

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	sha    = "0123456789abcdef0123456789abcdef01234567"
	secret = "ghp_s3cret"
)

func always(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// set asks a server once.
func set(t *testing.T, server *httptest.Server) error {
	t.Helper()
	var roots *x509.CertPool
	if server.Certificate() != nil {
		roots = x509.NewCertPool()
		roots.AddCert(server.Certificate())
	}
	g, err := NewGitHub("ops/clusters", server.URL+"/api/v3", always(secret), roots)
	if err != nil {
		t.Fatal(err)
	}
	defer g.client.CloseIdleConnections()
	err = g.Set(t.Context(), Status{sha, "hactl/db", Failure, "drift: Resource/A", "https://ha.example.com/clusters/db"})
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("the token is in the error: %v", err)
	}
	return err
}

func TestGitHub(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got := fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Accept"), b)
		want := `POST /api/v3/repos/ops/clusters/statuses/` + sha + ` Bearer ` + secret + ` application/vnd.github+json ` +
			`{"state":"failure","context":"hactl/db","description":"drift: Resource/A","target_url":"https://ha.example.com/clusters/db"}`
		if got != want {
			t.Errorf("asked:\n%s\nnot\n%s", got, want)
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer server.Close()
	if err := set(t, server); err != nil {
		t.Error(err)
	}
	g, err := NewGitHub("ops/clusters", server.URL, always(secret), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Set(t.Context(), Status{Commit: sha}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
}

func TestGitHubAnswers(t *testing.T) {
	const forever = 1 << 62
	for name, test := range map[string]struct {
		code    int
		header  map[string]string
		body    string
		want    string
		refused bool
		wait    time.Duration // at least; 0: it does not say
	}{
		"no such commit":    {code: 422, body: `{"message":"No commit found for SHA: 0123"}`, want: "422 Unprocessable Entity No commit found", refused: true},
		"wrong token":       {code: 401, body: `{"message":"Bad credentials"}`, want: "Bad credentials: is the repository's name right"},
		"no such":           {code: 404, want: "may the token write commit statuses"},
		"not allowed":       {code: 403, body: `{"message":"Resource not accessible"}`, want: "Resource not accessible", wait: time.Minute},
		"too many":          {code: 429, header: map[string]string{"Retry-After": "120"}, want: "429", wait: 2 * time.Minute},
		"too many for long": {code: 429, header: map[string]string{"Retry-After": "99999999999999999999"}, want: "429", wait: time.Minute},
		"a date": {code: 429, header: map[string]string{"Date": "Fri, 20 Nov 2026 10:00:00 GMT", "Retry-After": "Fri, 20 Nov 2026 10:05:00 GMT"}, want: "429",
			wait: 5 * time.Minute},
		"until": {code: 403, header: map[string]string{"Date": "Fri, 20 Nov 2026 10:00:00 GMT", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795169000"}, want: "403",
			wait: 200 * time.Second},
		"until never":    {code: 403, header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(forever)}, want: "403", wait: -1},
		"not used up":    {code: 403, header: map[string]string{"X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "1795169000"}, want: "403", wait: time.Minute},
		"in trouble":     {code: 502, body: "<html>" + strings.Repeat("x", 1<<20), want: "502 Bad Gateway <html>xxx"},
		"it says us":     {code: 500, body: `{"message":"who is ` + secret + `?"}`, want: "who is ***?"},
		"rubbish":        {code: 500, body: "\x00\xff\x1b[31m\n{", want: "500 Internal Server Error"},
		"not created":    {code: 200, body: "[]", want: "200 OK"},
		"moved for good": {code: 301, header: map[string]string{"Location": "/elsewhere"}, want: "the token must not go"},
		"to nowhere":     {code: 307, header: map[string]string{"Location": "::"}, want: "failed to parse Location"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range test.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(test.code)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			err := set(t, server)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
				t.Errorf("%v", err)
			}
			var refused Refused
			if errors.As(err, &refused) != test.refused {
				t.Errorf("refused for good: %t, %v", !test.refused, err)
			}
			var later Later
			if errors.As(err, &later) != (test.wait != 0) || test.wait > 0 && (later.Wait < test.wait || later.Wait > test.wait+time.Second) {
				t.Errorf("later: %v, not %v", later.Wait, test.wait)
			}
		})
	}
}

// The token goes to no other host, also where only the port or the scheme is another; a renamed repository is found on the same host.
func TestGitHubRedirections(t *testing.T) {
	var foreign []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		foreign = append(foreign, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusCreated)
	}))
	defer other.Close()
	to, hops := "", 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops++
		if b, _ := io.ReadAll(r.Body); strings.HasPrefix(r.URL.Path, "/repositories/1") && r.Header.Get("Authorization") == "Bearer "+secret && strings.Contains(string(b), "drift") {
			w.WriteHeader(http.StatusCreated)
			return
		}
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	for _, target := range []string{other.URL + "/x", strings.Replace(server.URL, "http:", "https:", 1), strings.Replace(server.URL, "127.0.0.1", "localhost", 1)} {
		to = target
		if err := set(t, server); err == nil || !strings.Contains(err.Error(), "the token must not go") {
			t.Errorf("%s: %v", target, err)
		}
	}
	if len(foreign) > 0 {
		t.Errorf("the other host was asked, with %q", foreign)
	}
	to = "/repositories/1/statuses"
	if err := set(t, server); err != nil {
		t.Errorf("a renamed repository: %v", err)
	}
	to, hops = "/loop", 0
	if err := set(t, server); err == nil || hops > 5 {
		t.Errorf("%d redirections: %v", hops, err)
	}
}

// A server that does not answer, one that never ends to answer, and headers without end.
func TestGitHubSlow(t *testing.T) {
	for name, serve := range map[string]func(c net.Conn){
		"silent": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"endless body": func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 500 Sorry\r\n\r\n")
			for _, err := io.WriteString(c, strings.Repeat("x", 1000)); err == nil; _, err = io.WriteString(c, strings.Repeat("x", 1000)) {
			}
		},
		"endless header": func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 201 Created\r\n")
			for _, err := io.WriteString(c, "X: y\r\n"); err == nil; _, err = io.WriteString(c, "X: y\r\n") {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, err := NewGitHub("ops/clusters", "http://127.0.0.1/", always(secret), nil)
				if err != nil {
					t.Fatal(err)
				}
				g.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
					here, there := net.Pipe()
					go io.Copy(io.Discard, there) // the request
					go func() { serve(there); there.Close() }()
					return here, nil
				}
				begun := time.Now()
				if err = g.Set(t.Context(), Status{Commit: sha}); err == nil || time.Since(begun) > tryLimit {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
				g.client.CloseIdleConnections()
			})
		})
	}
}

func TestGitHubSettings(t *testing.T) {
	for _, bad := range [][2]string{
		{"", ""}, {"a", ""}, {"a/b/c", ""}, {"a/..", ""}, {"../a", ""}, {"a/b?", ""}, {"a b/c", ""}, {"a/b", "ftp://x"}, {"a/b", "https://"}, {"a/b", "https://u:p@x"},
		{"a/b", "http://git.example.com"}, {"a/b", "http://127.0.0.1.example.com"}, {"a/b", "https://x?y"}, {"a/b", "::"}, {"a/b", "http://10.0.0.1"},
	} {
		if _, err := NewGitHub(bad[0], bad[1], nil, nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range [][2]string{{"a/b", ""}, {"A-1/.github", "https://ghe.example.com:8443/api/v3/"}, {"a/b_c.d", "http://localhost:1"}, {"a/b", "http://[::1]"}} {
		if _, err := NewGitHub(good[0], good[1], nil, nil); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, token := range []string{"", "a\nb", "a\r\nX-Evil: 1"} {
		g, err := NewGitHub("a/b", "http://127.0.0.1:1", always(token), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Set(t.Context(), Status{Commit: sha}); err == nil || !strings.Contains(err.Error(), "the token: ") {
			t.Errorf("%q: %v", token, err)
		}
	}
	g, err := NewGitHub("a/b", "http://127.0.0.1:1", always(secret), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range []string{"", "main", "../../x", "sha256:" + sha, sha[:39]} {
		var refused Refused
		if err := g.Set(t.Context(), Status{Commit: commit}); !errors.As(err, &refused) {
			t.Errorf("%q: %v", commit, err)
		}
	}
}

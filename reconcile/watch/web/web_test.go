package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
	"github.com/hactl/hactl/reconcile/watch/web"
)

// site is a server over connections in memory, which a bubble knows: time passes only while nobody has anything to do.
type site struct {
	*watchtest.World
	t      *testing.T
	server *http.Server
	client *http.Client
	conns  chan net.Conn
	closed chan struct{}
	served chan error
}

// serve runs a test on a server. What it leaves running fails the test (synctest).
func serve(t *testing.T, o web.Options, test func(s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &site{World: watchtest.Begin(t, false, nil), t: t, conns: make(chan net.Conn), closed: make(chan struct{}), served: make(chan error, 1)}
		s.server = web.Server(s.Loop, o)
		s.client = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return s.dial() }}}
		go func() { s.served <- s.server.Serve(s) }()
		defer s.Stop()
		defer s.shutdown()
		test(s)
	})
}

// shutdown ends the server as the program does.
func (s *site) shutdown() {
	s.client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		s.t.Errorf("shutdown: %v", err)
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		s.t.Errorf("serve: %v", err)
	}
	s.served <- http.ErrServerClosed // it may be asked twice
}

func (s *site) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}
func (s *site) Close() error   { close(s.closed); return nil }
func (s *site) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9440} }

func (s *site) dial() (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case s.conns <- theirs:
		return mine, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// answer is that to a request.
type answer struct {
	Status     string
	StatusCode int
	Header     http.Header
}

// do sends a request with these headers, NAME VALUE each, and gives the answer with its whole body.
func (s *site) do(method, path, body string, headers ...string) (answer, string) {
	s.t.Helper()
	r := s.send(s.t.Context(), method, path, body, headers...)
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{r.Status, r.StatusCode, r.Header}, string(b)
}

func (s *site) send(ctx context.Context, method, path, body string, headers ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://hactl"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := s.client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (s *site) get(path string, headers ...string) string {
	s.t.Helper()
	r, body := s.do("GET", path, "", headers...)
	if r.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s: %s", path, r.Status, body)
	}
	return body
}

// settled has a cluster "db" as its manifests say, under a revision whose words come from people who may push.
func (s *site) settled(id string) {
	s.Finds(source.Revision{ID: id, Name: "main@" + id, Author: "Mallory <script>alert(1)</script>", Subject: `"><img src=x onerror=alert(2)>`},
		"db/c.yaml", watchtest.Cluster("db", "one")+watchtest.Anything)
	s.Within(time.Minute, "db is looked at", func() bool { return s.Cluster("db").Desired.ID == id && !s.Cluster("db").Looked.IsZero() })
	synctest.Wait()
}

func TestAuthentication(t *testing.T) {
	serve(t, web.Options{User: "op", Password: "right", HookSecret: "s"}, func(s *site) {
		s.settled("1")
		for _, path := range []string{"/", "/clusters/db", "/events", "/api/v1/state", "/metrics", "/assets/style.css", "/nothing"} {
			for _, headers := range [][]string{nil, {"Authorization", "Basic b3A6d3Jvbmc="}, {"Authorization", "Bearer right"}} {
				if r, body := s.do("GET", path, "", headers...); r.StatusCode != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" || strings.Contains(body, "db") {
					t.Errorf("%s with %q: %s", path, headers, r.Status)
				}
			}
		}
		s.get("/", "Authorization", "Basic b3A6cmlnaHQ=")
		s.get("/healthz")
		s.get("/readyz")
		if r, _ := s.do("POST", "/", "", "Authorization", "Basic b3A6cmlnaHQ="); r.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST /: %s", r.Status)
		}
	})
}

func TestReadiness(t *testing.T) {
	serve(t, web.Options{}, func(s *site) {
		not := func(want ...string) {
			t.Helper()
			r, body := s.do("GET", "/readyz", "")
			for _, w := range want {
				if r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, w) {
					t.Errorf("%s, without %q:\n%s", r.Status, w, body)
				}
			}
			s.get("/healthz") // a restart would not help
		}
		not("no revision is in force yet")
		s.Fails(errors.New("git: no route to host"))
		not("no revision is in force yet", "git: no route to host")
		s.Refuse("db", errors.New("the machine n1 does not answer"))
		s.Loop.Stagger = time.Minute // db, the second of two, is looked at later
		s.Says("1", "a/c.yaml", watchtest.Cluster("a", "one"), "db/c.yaml", watchtest.Cluster("db", "one"))
		s.Phase("a", watch.Drifted)
		not("db was not looked at yet")
		s.Phase("db", watch.Failing)
		s.get("/readyz") // it was looked at, and what is wrong with it is told elsewhere
		s.Refuse("db", nil)
		s.Phase("db", watch.Drifted)
		s.get("/readyz")
		s.Fails(errors.New("git: no route to host")) // the last revision stays in force
		s.get("/readyz")
	})
}

// stream reads server-sent events.
type stream struct {
	body io.ReadCloser
	r    *bufio.Reader
}

func (s *site) stream(headers ...string) *stream {
	s.t.Helper()
	r := s.send(s.t.Context(), "GET", "/events", "", headers...) //nolint:bodyclose // the test closes the stream
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("%s %v", r.Status, r.Header)
	}
	return &stream{r.Body, bufio.NewReader(r.Body)}
}

// next gives the id, type and data of the next event that is not of the type "state"; the error is that of the connection.
func (st *stream) next() (id, typ, data string, err error) {
	for {
		line, err := st.r.ReadString('\n')
		if err != nil {
			return "", "", "", err
		}
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); name {
		case "id":
			id = value
		case "event":
			typ = value
		case "data":
			data = value
		case "":
			if typ != "" && typ != "state" {
				return id, typ, data, nil
			}
		}
	}
}

func TestEvents(t *testing.T) {
	serve(t, web.Options{}, func(s *site) {
		st := s.stream()
		time.AfterFunc(time.Hour, func() { s.Says("1", "db/c.yaml", watchtest.Cluster("db", "one")) }) // longer than any limit of a request
		id, typ, data, err := st.next()
		if err != nil || id != "1" || typ != "revision" || !strings.Contains(data, `"revision":"main@1"`) {
			t.Fatalf("%s %s %s %v", id, typ, data, err)
		}
		_, typ, data, err = st.next()
		if err != nil || typ != "drift" || !strings.Contains(data, `"cluster":"db"`) {
			t.Fatalf("%s %s %v", typ, data, err)
		}
		_ = st.body.Close()
		resumed := s.stream("Last-Event-ID", "1")
		if id, typ, _, err := resumed.next(); err != nil || id != "2" || typ != "drift" {
			t.Errorf("resumed behind 1: %s %s %v", id, typ, err)
		}
		for _, wrong := range []string{"no number", "9999999999999999999999", "-5"} { // from whoever
			_ = s.stream("Last-Event-ID", wrong).body.Close()
		}
		s.client.CloseIdleConnections()
		ended := make(chan error)
		go func() {
			var err error
			for err == nil {
				_, _, _, err = resumed.next()
			}
			ended <- err
		}()
		begun := time.Now()
		s.shutdown()
		if err := <-ended; err == nil || time.Since(begun) > time.Second {
			t.Errorf("the stream ended with %v after %v", err, time.Since(begun))
		}
		_ = resumed.body.Close()
	})
}

// A client that takes nothing is let go, and the others hear all.
func TestEventsSlowClient(t *testing.T) {
	serve(t, web.Options{}, func(s *site) {
		slow, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(slow, "GET /events HTTP/1.1\r\nHost: hactl\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		good := s.stream()
		defer func() { _ = good.body.Close() }()
		s.settled("1")
		if _, typ, _, err := good.next(); err != nil || typ != "revision" {
			t.Errorf("the client that reads: %s %v", typ, err)
		}
		time.Sleep(time.Minute)
		if b, err := io.ReadAll(slow); err != nil || strings.Contains(string(b), "drift") {
			t.Errorf("the connection to who does not read is not ended: %q %v", b, err)
		}
	})
}

package notify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/notify"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
)

// receiver answers posts without a network.
type receiver struct {
	answer func(n int) (int, error)
	bodies []string
	at     []time.Time
	header http.Header
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	r.bodies, r.at, r.header = append(r.bodies, string(b)), append(r.at, time.Now()), q.Header
	code := http.StatusNoContent
	if r.answer != nil {
		if code, err = r.answer(len(r.bodies)); err != nil {
			return nil, err
		}
	}
	if code == never {
		<-q.Context().Done()
		return nil, q.Context().Err()
	}
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: io.NopCloser(strings.NewReader("said"))}, nil
}

// never is the status of who does not answer.
const never = 0

func status(code int) func(int) (int, error) { return func(int) (int, error) { return code, nil } }

// run has a cluster drift under a hook, and gives what was logged.
func run(t *testing.T, h *notify.Hook, r *receiver) string {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		h.URL, h.Client, h.Log = "https://hook.example.com/secret-in-it", &http.Client{Transport: r}, slog.New(slog.NewTextHandler(&log, nil))
		w := watchtest.Begin(t, false, nil)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { h.Run(ctx, w.Loop); close(ended) }()
		synctest.Wait()
		w.Says("1", "db/c.yaml", watchtest.Cluster("db", "one"))
		w.Phase("db", watch.Drifted)
		<-time.After(30 * time.Minute)
		stop()
		<-ended
		w.Stop()
	})
	if strings.Contains(log.String(), "secret-in-it") {
		t.Errorf("the URL is in the log: %s", &log)
	}
	return log.String()
}

func TestTold(t *testing.T) {
	tmpl, err := notify.Parse(`{{if ne .Type "revision"}}{"text": {{json (printf "%s: %s" .Cluster .Text)}}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	header, err := notify.Header("Authorization: Bearer x\nX-Other: a: b\n")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{}
	if log := run(t, &notify.Hook{Template: tmpl, Header: header}, r); log != "" {
		t.Error(log)
	}
	if len(r.bodies) != 2 || !strings.HasPrefix(r.bodies[0], `{"text": "db: 17 to do: create `) || !strings.Contains(r.bodies[1], "only reports") {
		t.Errorf("told: %q", r.bodies)
	}
	if r.header.Get("Authorization") != "Bearer x" || r.header.Get("X-Other") != "a: b" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("header: %v", r.header)
	}
	r = &receiver{}
	run(t, &notify.Hook{}, r)
	if len(r.bodies) != 3 || !strings.Contains(r.bodies[0], `"type":"revision"`) {
		t.Errorf("without a template: %q", r.bodies)
	}
}

func TestRetries(t *testing.T) {
	fails := func(int) (int, error) { return 0, errors.New("no route to host") }
	for _, test := range []struct {
		name   string
		answer func(int) (int, error)
		posts  int
		log    string
	}{
		{"it comes back", func(n int) (int, error) {
			if n < 4 {
				return fails(n)
			}
			return 200, nil
		}, 6, ""},
		{"away", fails, 18, "no route to host"},
		{"silent", status(never), 18, "deadline exceeded"},
		{"broken", status(502), 18, "Bad Gateway"},
		{"busy", status(429), 18, "Too Many Requests"},
		{"refused", status(400), 3, "said"},
		{"moved", status(302), 3, "Found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &receiver{answer: test.answer}
			log := run(t, &notify.Hook{}, r)
			if len(r.bodies) != test.posts || !strings.Contains(log, test.log) || (test.log == "") != (log == "") {
				t.Errorf("%d posts, not %d; log: %s", len(r.bodies), test.posts, log)
			}
			for i := 2; i < min(len(r.at), 6) && test.posts == 18; i++ {
				if r.at[i].Sub(r.at[i-1]) <= r.at[i-1].Sub(r.at[i-2]) {
					t.Errorf("tries at %v", r.at)
				}
			}
		})
	}
}

// A redirection is not followed: the header is for the one that it was given for.
func TestRedirection(t *testing.T) {
	followed := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if followed = r.URL.Path == "/there"; !followed {
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	var log bytes.Buffer
	w := watchtest.Begin(t, false, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	h := &notify.Hook{URL: server.URL, Log: slog.New(slog.NewTextHandler(&log, nil))}
	go func() { h.Run(ctx, w.Loop); close(ended) }()
	w.Fails(errors.New("git: away"))
	<-time.After(time.Second)
	stop()
	<-ended
	w.Stop()
	if followed || !strings.Contains(log.String(), "307") {
		t.Errorf("followed: %t, log: %s", followed, &log)
	}
}

func TestBadInput(t *testing.T) {
	for _, text := range []string{"{{", "{{.Nothing}}", "{{call .Text}}"} {
		if _, err := notify.Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for _, text := range []string{"", "secret", ": x", "a b: c"} {
		if _, err := notify.Header(text); err == nil || text != "" && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestExample(t *testing.T) {
	text, err := os.ReadFile("../../../examples/watch/chat.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := notify.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{}
	run(t, &notify.Hook{Template: tmpl}, r)
	if len(r.bodies) != 2 || !strings.HasPrefix(r.bodies[0], `{"text": "db: drift: 17 to do`) || !strings.HasPrefix(r.bodies[1], `{"text": "db: pending: `) {
		t.Errorf("told: %q", r.bodies)
	}
}

package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
	"github.com/hactl/hactl/test/servers"
)

// github is GitHub's API as far as statuses go.
type github struct {
	t     *testing.T
	token string
	mu    sync.Mutex
	shown []string // COMMIT CONTEXT STATE DESCRIPTION
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var s map[string]string
	b, _ := io.ReadAll(r.Body)
	commit, ok := strings.CutPrefix(r.URL.Path, "/repos/ops/clusters/statuses/")
	if json.Unmarshal(b, &s) != nil || !ok || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer "+g.token {
		g.t.Errorf("GitHub is asked %s %s %s", r.Method, r.URL, b)
		http.Error(w, `{"message":"what?"}`, http.StatusUnprocessableEntity)
		return
	}
	if want := "http://ha.example.com/clusters/watched"; s["context"] != "hactl" && s["target_url"] != want {
		g.t.Errorf("the status links to %q, not %q", s["target_url"], want)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shown = append(g.shown, fmt.Sprintf("%s %s %s %s", commit, s["context"], s["state"], s["description"]))
	w.WriteHeader(http.StatusCreated)
}

// shows says "" once a status that begins so is the last one with its commit and context.
func (g *github) shows(want string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	of := strings.Join(strings.Fields(want)[:2], " ") + " "
	for i := len(g.shown) - 1; i >= 0; i-- {
		if strings.HasPrefix(g.shown[i], of) {
			if strings.HasPrefix(g.shown[i], want) {
				return ""
			}
			break
		}
	}
	return fmt.Sprintf("%q is not shown, but %q", want, g.shown)
}

// inHub serves on a port of the hub's loopback, where hactl runs.
func inHub(t *testing.T, l *lab.Lab, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	listener, err := l.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// hook calls the webhook as GitHub does, with a body that is signed with a secret.
func hook(l *lab.Lab, secret string) (int, error) {
	body := []byte(`{"ref":"refs/heads/main"}`)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:9440/hook", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-GitHub-Event", "push")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := (&http.Client{Transport: &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// watchHTTP follows a repository over HTTP with a token. It is looked at once an hour, so that only the webhook explains what is seen sooner.
func watchHTTP(t *testing.T, l *lab.Lab, o *ops) {
	const gitToken, apiToken, hookSecret = "g1t-s3cret", "ap1-s3cret", "h00k-s3cret"
	dir := t.TempDir()
	if out, err := exec.Command("git", "clone", "-q", "--bare", o.dir, filepath.Join(dir, "ops.git")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o = &ops{t: t, l: l, dir: o.dir, url: filepath.Join(dir, "ops.git"), key: o.key, sign: true}
	for name, secret := range map[string]string{"git": gitToken, "api": apiToken, "hook": hookSecret} {
		o.write(filepath.Join(dir, name), secret+"\n")
	}
	server, api := &servers.Git{Root: dir, Token: gitToken}, &github{t: t, token: apiToken}
	first := o.push("over HTTP")
	w := watching(t, l, "--git", inHub(t, l, server)+"/ops.git", "--token-file", filepath.Join(dir, "git"), "--interval", "1h", "--state-dir", filepath.Join(dir, "state"),
		"--mode", "apply", "--hook-secret-file", filepath.Join(dir, "hook"), "--github-repo", "ops/clusters", "--github-api", inHub(t, l, api),
		"--github-token-file", filepath.Join(dir, "api"), "--public-url", "http://ha.example.com/")
	w.reaches("in-sync", first, time.Minute)
	eventually(t, 20*time.Second, "the first commit is shown", func() string { return api.shows(first + " hactl/watched success in sync") })

	o.write("more.yaml", unmonitored("B", "approved")+unmonitored("C", "one"))
	second := o.push("one more")
	asked := server.Asked.Load()
	for _, wrong := range []string{"", "h00k-s3creT"} {
		if code, err := hook(l, wrong); code != http.StatusForbidden || err != nil {
			t.Errorf("a wrong signature: %d, %v", code, err)
		}
	}
	time.Sleep(3 * time.Second)
	if n := server.Asked.Load(); n != asked || w.state().Source.Revision.ID != first {
		t.Errorf("a wrong signature had the source looked at: %d times, %+v", n-asked, w.state().Source)
	}
	if code, err := hook(l, hookSecret); code != http.StatusAccepted || err != nil {
		t.Errorf("the right signature: %d, %v", code, err)
	}
	w.reaches("in-sync", second, 30*time.Second)
	eventually(t, 20*time.Second, "the second commit is shown", func() string { return api.shows(second + " hactl/watched success applied: ") })

	o.write("more.yaml", strings.Replace(unmonitored("B", "x"), "agent:", "agnet:", 1))
	broken := o.push("a mistake")
	if code, err := hook(l, hookSecret); code != http.StatusAccepted || err != nil {
		t.Errorf("the right signature: %d, %v", code, err)
	}
	eventually(t, 20*time.Second, "the broken commit is shown", func() string { return api.shows(broken + " hactl failure refused: more.yaml:5:") })
	if p := w.state(); p.Source.Revision.ID != second || p.Clusters[0].Phase != "in-sync" {
		t.Errorf("the last good revision does not stay in force: %+v", p)
	}

	before := w.size()
	asked = server.Asked.Load()
	answers := flood(l, hookSecret)
	t.Logf("a flood of webhooks: %v", answers)
	if answers[http.StatusTooManyRequests] < 100 || answers[http.StatusForbidden] > 40 {
		t.Errorf("nobody holds off the flood: %v", answers)
	}
	eventually(t, 10*time.Second, "it is alive", serves(l, "http://127.0.0.1:9440/readyz", "ok"))
	eventually(t, 10*time.Second, "it is as before", func() string {
		after := w.size()
		if after["go_goroutines"] > before["go_goroutines"]+10 || after["process_resident_memory_bytes"] > before["process_resident_memory_bytes"]+(32<<20) {
			return fmt.Sprintf("goroutines %v, then %v; bytes %v, then %v", before["go_goroutines"], after["go_goroutines"],
				before["process_resident_memory_bytes"], after["process_resident_memory_bytes"])
		}
		return ""
	})
	if n := server.Asked.Load() - asked; n > 200 { // a look asks a few times, and comes once a second
		t.Errorf("the Git server was asked %d times", n)
	}
	if p := w.state(); p.Source.Revision.ID != second || p.Clusters[0].Phase != "in-sync" {
		t.Errorf("the last good revision does not stay in force: %+v", p)
	}
	if sent := before[`hactl_commit_statuses_total{result="sent"}`]; sent < 4 || sent > 20 {
		t.Errorf("%v statuses were sent: %q", sent, api.shown)
	}
	log, err := os.ReadFile(w.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{gitToken, apiToken, hookSecret} {
		if bytes.Contains(log, []byte(secret)) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

// flood calls the webhook 600 times, every other time with a wrong signature, and counts the answers by their codes.
func flood(l *lab.Lab, secret string) map[int]int {
	answers := map[int]int{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for i := range 30 {
				code, _ := hook(l, []string{secret, "wrong"}[i%2]) // 0 where it was not even taken
				mu.Lock()
				answers[code]++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return answers
}

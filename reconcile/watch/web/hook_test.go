package web_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile/watch/web"
)

func signature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestHook(t *testing.T) {
	const secret, body = "It's a Secret to Everybody", "Hello, World!"
	tests := []struct {
		name, method, body string
		headers            []string
		want               int
	}{
		// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
		{"GitHub", "POST", body, []string{"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}, 202},
		{"GitHub, another secret", "POST", body, []string{"X-Hub-Signature-256", signature("guess", body)}, 403},
		{"GitHub, another body", "POST", body + "!", []string{"X-Hub-Signature-256", signature(secret, body)}, 403},
		{"GitHub, half", "POST", body, []string{"X-Hub-Signature-256", "sha256=7571"}, 403},
		{"GitHub, empty", "POST", body, []string{"X-Hub-Signature-256", "sha256="}, 403},
		{"GitLab", "POST", body, []string{"X-Gitlab-Token", secret}, 202},
		{"GitLab, other", "POST", body, []string{"X-Gitlab-Token", "guess"}, 403},
		{"bearer", "POST", "", []string{"Authorization", "Bearer " + secret}, 202},
		{"bearer, wrong", "POST", "", []string{"Authorization", "Bearer guess"}, 403},
		{"no bearer", "POST", "", []string{"Authorization", secret}, 403},
		{"nothing", "POST", body, nil, 403},
		{"too large", "POST", strings.Repeat("x", 1<<20+1), []string{"Authorization", "Bearer " + secret}, 413},
		{"GET is for the page", "GET", "", []string{"Authorization", "Bearer " + secret}, 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			serve(t, web.Options{HookSecret: secret, User: "op", Password: "of the page"}, func(s *site) {
				s.settled("1")
				looked := s.Cluster("db").Looked
				time.Sleep(time.Second)
				r, answer := s.do(test.method, "/hook", test.body, test.headers...)
				if r.StatusCode != test.want || strings.Contains(answer, secret) {
					t.Errorf("%s, not %d: %s", r.Status, test.want, answer)
				}
				time.Sleep(5 * time.Second)
				if read := s.Pokes() == 1; read != (test.want == 202) {
					t.Errorf("the source is read %d times", s.Pokes())
				}
				if s.Cluster("db").Looked.After(looked) {
					t.Error("the cluster is looked at, though nothing of it is new")
				}
			})
		})
	}
}

func TestHookFlood(t *testing.T) {
	serve(t, web.Options{HookSecret: "right"}, func(s *site) {
		codes := map[int]int{}
		for range 100 {
			r, _ := s.do("POST", "/hook", "", "X-Gitlab-Token", "guess")
			codes[r.StatusCode]++
			if r.StatusCode == http.StatusTooManyRequests && r.Header.Get("Retry-After") == "" {
				t.Error("when to try again is not told")
			}
		}
		if codes[403] != 30 || codes[429] != 70 {
			t.Errorf("guesses were answered with %v", codes)
		}
		time.Sleep(61 * time.Second)
		if r, _ := s.do("POST", "/hook", "", "X-Gitlab-Token", "right"); r.StatusCode != http.StatusAccepted {
			t.Errorf("after a minute: %s", r.Status)
		}
		// Bodies that do not come hold the places of the hook until the limit of a request only.
		for range 8 {
			c, err := s.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := io.WriteString(c, "POST /hook HTTP/1.1\r\nHost: hactl\r\nX-Gitlab-Token: right\r\nContent-Length: 100\r\n\r\n{"); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
		synctest.Wait()
		if r, _ := s.do("POST", "/hook", "", "X-Gitlab-Token", "right"); r.StatusCode != http.StatusTooManyRequests {
			t.Errorf("while others hold the hook: %s", r.Status)
		}
		time.Sleep(time.Minute)
		if r, _ := s.do("POST", "/hook", "", "X-Gitlab-Token", "right"); r.StatusCode != http.StatusAccepted {
			t.Errorf("when they are gone: %s", r.Status)
		}
	})
}

func TestNoHook(t *testing.T) {
	serve(t, web.Options{}, func(s *site) {
		if r, _ := s.do("POST", "/hook", ""); r.StatusCode < 400 {
			t.Errorf("a hook without a secret: %s", r.Status)
		}
	})
}

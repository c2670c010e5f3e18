package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxHook is the largest body of a hook: GitHub sends at most 25 MB, but pushes have some kilobytes.
const maxHook = 1 << 20

// hookGate bounds how many bodies are read at once, and how often a wrong secret is answered, so that a flood costs nothing.
type hookGate struct {
	mu     sync.Mutex
	inside int
	wrong  int
	since  time.Time
}

const (
	maxInside = 4
	maxWrong  = 30 // a minute
)

var errFlood = errors.New("too many calls; try again later")

func (g *hookGate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.since) > time.Minute {
		g.since, g.wrong = time.Now(), 0
	}
	if g.inside >= maxInside || g.wrong >= maxWrong {
		return errFlood
	}
	g.inside++
	return nil
}

func (g *hookGate) leave(good bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if !good {
		g.wrong++
	}
}

// hooked has the source read at once. The caller shows that it has the secret: GitHub, Gitea and Forgejo by a signature of the body
// (X-Hub-Signature-256), GitLab by the secret itself (X-Gitlab-Token), others by "Authorization: Bearer SECRET". What the body says does not matter.
func (s *server) hooked(w http.ResponseWriter, r *http.Request) {
	if err := s.hook.enter(); err != nil {
		w.Header().Set("Retry-After", "60")
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	good := false
	defer func() { s.hook.leave(good) }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	if err != nil {
		http.Error(w, "the body is larger than 1 MiB or did not come whole", http.StatusRequestEntityTooLarge)
		return
	}
	if good = knows(s.o.HookSecret, r.Header, body); !good {
		http.Error(w, "the secret or the signature is wrong", http.StatusForbidden)
		return
	}
	s.loop.Read()
	w.WriteHeader(http.StatusAccepted)
}

// knows tells whether a caller showed that it has the secret.
func knows(secret string, h http.Header, body []byte) bool {
	if given, ok := strings.CutPrefix(h.Get("X-Hub-Signature-256"), "sha256="); ok {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = mac.Write(body) // never fails
		want := hex.EncodeToString(mac.Sum(nil))
		return hmac.Equal([]byte(want), []byte(given))
	}
	given := h.Get("X-Gitlab-Token")
	if bearer, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer "); given == "" && ok {
		given = bearer
	}
	a, b := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

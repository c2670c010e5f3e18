// Package servers runs real servers for tests, each with everything of its own: sshd(8), and Git over HTTP.
package servers

import (
	"net/http"
	"net/http/cgi"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
)

// Git serves the repositories of a folder over HTTP: git-http-backend(1) behind a password.
type Git struct {
	Root string
	// Token is the password of the user git; empty: nobody is asked.
	Token string
	// Down has it answer that it is not there.
	Down atomic.Bool
	// Asked counts requests.
	Asked atomic.Int64
}

// backend is where git keeps its program.
var backend = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	return strings.TrimSpace(string(out)) + "/git-http-backend", err
})

// ServeHTTP implements http.Handler.
func (g *Git) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.Asked.Add(1)
	program, err := backend()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if g.Down.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	if user, password, _ := r.BasicAuth(); g.Token != "" && (user != "git" || password != g.Token) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	h := cgi.Handler{Path: program, Env: []string{"GIT_PROJECT_ROOT=" + g.Root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null"}}
	h.ServeHTTP(w, r)
}

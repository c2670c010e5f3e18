package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/hactl/hactl/reconcile/watch"
)

// healthy answers as long as the process serves.
func (s *server) healthy(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }

// ready answers 200 once a revision is in force and each of its clusters was looked at, well or not.
func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	st := s.loop.State()
	var missing []string
	if st.Source.Revision.ID == "" {
		missing = append(missing, "no revision is in force yet")
		if why := st.Source.Err + st.Source.Refused; why != "" {
			missing = append(missing, why)
		}
	}
	for _, c := range st.Clusters {
		if c.Looked.IsZero() && c.Err == "" {
			missing = append(missing, c.Name+" was not looked at yet")
		}
	}
	if len(missing) > 0 {
		http.Error(w, strings.Join(missing, "\n"), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// state is all that is known.
func (s *server) state(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Version string `json:"version"`
		watch.State
	}{"hactl/watch/v1", s.loop.State()}) // the client went away
}

package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
)

// keepAlive is the time between two comments on a quiet stream, so that proxies keep it and a client that is gone is noticed.
const keepAlive = 15 * time.Second

// writeLimit ends a stream whose client does not read.
const writeLimit = 10 * time.Second

// events streams what happens, from the event behind Last-Event-ID on where that is given. A "state" comes whenever what the page shows has changed.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	past, next, end := s.loop.Events(after)
	defer end()
	if err != nil {
		past = nil // a new client hears of what comes
	}
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // else the server's ReadTimeout ends the stream
	send := func(format string, args ...any) bool {
		_ = c.SetWriteDeadline(time.Now().Add(writeLimit))
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && c.Flush() == nil
	}
	event := func(e watch.Event) bool {
		b, err := json.Marshal(e)
		return err == nil && send("id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, b)
	}
	if !send(": hactl watch\n\n") {
		return
	}
	for _, e := range past {
		if !event(e) {
			return
		}
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	changed := s.loop.Changed()
	for {
		var ok bool
		select {
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		case e := <-next:
			ok = event(e)
		case <-changed:
			changed = s.loop.Changed()
			ok = send("event: state\ndata: {}\n\n")
		case <-tick.C:
			ok = send(": still here\n\n")
		}
		if !ok {
			return
		}
	}
}

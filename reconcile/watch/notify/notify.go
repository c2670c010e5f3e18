// Package notify tells somebody else what happens to the clusters of a watch.Loop: each event is a POST to one URL, with a body that a template makes.
//
// Events are told in their order, each until it is taken or was refused often enough. The loop never waits for that: what it remembers of its events is
// the queue, and if more happens than it keeps, the log says how many were lost.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"text/template"
	"time"

	"github.com/hactl/hactl/reconcile/watch"
)

// Hook is who is told.
type Hook struct {
	// URL may be a secret in itself: it is in no error and no log.
	URL string
	// Template makes the body of a watch.Event; nil: the event as JSON. An event of which it makes nothing but space is not told.
	Template *template.Template
	// Header is sent too.
	Header http.Header
	// Client sends; nil: one that follows no redirection, so that the header goes nowhere else.
	Client *http.Client
	Log    *slog.Logger
}

// The limits of a Hook.
const (
	tries      = 6
	firstRetry = time.Second
	lastRetry  = time.Minute
	tryLimit   = 10 * time.Second
	maxAnswer  = 1 << 10
)

// Parse reads a template of text/template. It is given a watch.Event, and may use json to quote: {"text": {{json .Text}}}.
func Parse(text string) (*template.Template, error) {
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{"json": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	}}).Parse(text)
	if err != nil {
		return nil, err
	}
	_, err = body(t, watch.Event{ID: 1, At: time.Unix(0, 0).UTC(), Type: watch.Drift, Cluster: "example"})
	return t, err
}

// Header reads lines "NAME: VALUE".
func Header(text string) (http.Header, error) {
	h := http.Header{}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("line %d is no header: write NAME: VALUE", i+1) // without the line, which may be a secret
		}
		h.Add(name, strings.TrimSpace(value))
	}
	return h, nil
}

// Run tells the events of the loop, until ctx ends.
func (h *Hook) Run(ctx context.Context, loop *watch.Loop) {
	_, next, end := loop.Events(0)
	defer end()
	for last := int64(0); ; {
		past, _, done := loop.Events(last) // next is only the bell: what the loop keeps is more
		done()
		for _, e := range past {
			if e.ID > last+1 {
				h.Log.Error(fmt.Sprintf("%d events were not told to the notification hook: it takes them too slowly", e.ID-last-1))
			}
			last = e.ID
			if err := h.tell(ctx, e); err != nil && ctx.Err() == nil {
				h.Log.Error(fmt.Sprintf("event %d (%s) was not told to the notification hook: %v", e.ID, e.Type, err))
			}
			if ctx.Err() != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

// tell sends an event until it is taken.
func (h *Hook) tell(ctx context.Context, e watch.Event) error {
	if e.Type == watch.ApplyStep {
		return nil
	}
	b, err := body(h.Template, e)
	if err != nil || len(bytes.TrimSpace(b)) == 0 {
		return err
	}
	for try := 1; ; try++ {
		again, err := h.send(ctx, b)
		if err == nil || !again || try == tries {
			return err
		}
		timer := time.NewTimer(min(firstRetry<<(try-1), lastRetry))
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func body(t *template.Template, e watch.Event) ([]byte, error) {
	if t == nil {
		return json.Marshal(e)
	}
	var b bytes.Buffer
	err := t.Execute(&b, e)
	return b.Bytes(), err
}

// send posts once, and tells whether it is worth another try.
func (h *Hook) send(ctx context.Context, b []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(b))
	if err != nil {
		return false, errors.New("the URL is no URL")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "hactl")
	for name, values := range h.Header {
		r.Header[name] = values
	}
	c := h.Client
	if c == nil {
		c = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	answer, err := c.Do(r)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return true, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // the status says all that matters
	if answer.StatusCode/100 == 2 {
		return false, nil
	}
	again = answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusRequestTimeout
	return again, fmt.Errorf("%s: %q", answer.Status, text)
}

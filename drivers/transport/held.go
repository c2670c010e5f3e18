package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// held is the lock of one machine, from the client's side.
type held struct {
	name    string
	beats   *beats
	answers *answers
	said    chan string   // the first line
	ended   chan struct{} // closed when the session is over

	mu   sync.Mutex
	err  error                // why it is over
	sent map[string]time.Time // heartbeats under way
	last time.Time            // when the last answered one was sent, by the wall clock: the monotonic one stops while a laptop sleeps
}

func newHeld(name string) *held {
	h := &held{name: name, beats: newBeats(), said: make(chan string, 1), ended: make(chan struct{}), sent: map[string]time.Time{}}
	h.answers = &answers{line: h.answered}
	return h
}

func wall() time.Time { return time.Now().Round(0) }

// say sends a heartbeat.
func (h *held) say(text string) {
	h.mu.Lock()
	h.sent[text] = wall()
	h.mu.Unlock()
	h.beats.send(text)
}

func (h *held) answered(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.IsZero() {
		h.last = wall()
		h.said <- line
		return
	}
	if t, ok := h.sent[line]; ok {
		h.last = t
		delete(h.sent, line)
	}
}

func (h *held) finish(err error) {
	h.mu.Lock()
	h.err = err
	h.mu.Unlock()
	_ = h.beats.Close() // always nil
	close(h.ended)
}

// lost tells why the lock cannot be relied upon any more, or nil.
func (h *held) lost(answer time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.ended:
		return fmt.Errorf("%s: lock lost: %w", h.name, errors.Join(errors.New("its session ended"), h.err))
	default:
	}
	if age := wall().Sub(h.last); age > answer {
		return fmt.Errorf("%s: lock lost: no heartbeat was answered for %s", h.name, age.Round(time.Millisecond))
	}
	return nil
}

// won waits for the first line and tells why the lock was not got.
func (h *held) won(ctx context.Context) error {
	var line string
	select {
	case line = <-h.said:
	case <-h.ended:
		select {
		case line = <-h.said:
		default:
			return h.over()
		}
	case <-ctx.Done():
		if ctx.Err() == context.DeadlineExceeded {
			return &reconcile.UnreachableError{Host: h.name, Err: errors.New("no answer to the lock")}
		}
		return fmt.Errorf("%s: lock: %w", h.name, context.Cause(ctx))
	}
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ok":
		return nil
	case "busy":
		if rest == "" {
			rest = "unknown command"
		}
		return &reconcile.LockedError{Host: h.name, Busy: rest}
	case "held":
		e := &reconcile.LockedError{Host: h.name}
		if json.Unmarshal([]byte(rest), &e.Holder) != nil {
			e.Holder.Who = "somebody who does not say" // another version, or not hactl at all
		}
		return e
	}
	return fmt.Errorf("%s: lock: unexpected answer %q", h.name, line)
}

// over is why the session ended without a word.
func (h *held) over() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		return fmt.Errorf("%s: lock: no answer", h.name)
	}
	return h.err
}

// beats is the input of the loop on the machine. Sending never blocks.
type beats struct {
	lines chan string
	done  chan struct{}
	once  sync.Once
}

func newBeats() *beats { return &beats{lines: make(chan string, 4), done: make(chan struct{})} }

func (b *beats) send(line string) {
	select {
	case b.lines <- line + "\n":
	default: // the connection takes nothing: the missing answer will tell
	}
}

// Read implements io.Reader. Lines are shorter than any buffer.
func (b *beats) Read(p []byte) (int, error) {
	select {
	case <-b.done:
		return 0, io.EOF
	case line := <-b.lines:
		return copy(p, line), nil
	}
}

// Close implements io.Closer.
func (b *beats) Close() error {
	b.once.Do(func() { close(b.done) })
	return nil
}

// answers splits what the loop says into lines.
type answers struct {
	line func(string)
	part []byte
}

func (a *answers) Write(p []byte) (int, error) {
	a.part = append(a.part, p...)
	for {
		i := bytes.IndexByte(a.part, '\n')
		if i < 0 {
			break
		}
		a.line(string(a.part[:i]))
		a.part = a.part[i+1:]
	}
	return len(p), nil
}

package watch

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
)

// Type is what happened.
type Type string

// The events.
const (
	RevisionFound   Type = "revision"      // a revision is in force
	RevisionRefused Type = "refused"       // a revision, or a part of it, is not taken
	SourceFailed    Type = "source-failed" // the source cannot be read
	SourceBack      Type = "source-back"   // it can be read again
	Gone            Type = "gone"          // a cluster left the source; it is let go as it is
	LookFailed      Type = "look-failed"   // a cluster cannot be looked at
	LookBack        Type = "look-back"     // it can be looked at again
	Drift           Type = "drift"         // it is not as the manifests say
	Synced          Type = "in-sync"       // it is
	Waiting         Type = "pending"       // what is to be done waits
	ApplyStarted    Type = "apply"         // a change begins
	ApplyStep       Type = "step"          // a step of it
	Applied         Type = "applied"       // it ended well
	ApplyFailed     Type = "apply-failed"  // it did not
)

// Event is something that happened, told once.
type Event struct {
	// ID counts the events of this process from 1.
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Type     Type      `json:"type"`
	Cluster  string    `json:"cluster,omitempty"`
	Revision string    `json:"revision,omitempty"` // its name
	Digest   string    `json:"digest,omitempty"`   // of the plan
	Text     string    `json:"text,omitempty"`
}

// Bad tells the events that somebody should look at.
func (e Event) Bad() bool {
	switch e.Type {
	case RevisionRefused, SourceFailed, LookFailed, ApplyFailed:
		return true
	}
	return false
}

// keptEvents bounds what is remembered for who asks later, maxText how long a text of it is: a file of rubbish holds a thousand mistakes.
const (
	keptEvents = 500
	maxText    = 4 << 10
)

// cut shortens a text at the end of a line, if it must, and says how much is left out.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	kept := strings.ToValidUTF8(text[:maxText], "")
	if i := strings.LastIndexByte(kept, '\n'); i > 0 {
		kept = kept[:i]
	}
	return fmt.Sprintf("%s\n… and %d bytes more", kept, len(text)-len(kept))
}

// bus hands events on. A receiver that does not keep up loses events, never the loop its time.
type bus struct {
	mu        sync.Mutex
	last      int64
	kept      []Event
	counts    map[Type]int
	receivers map[chan Event]bool
}

func (b *bus) send(e Event) Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	if b.counts == nil {
		b.counts = map[Type]int{}
	}
	b.counts[e.Type]++
	e.ID, e.At = b.last, time.Now().UTC()
	if b.kept = append(b.kept, e); len(b.kept) > keptEvents {
		b.kept = append([]Event(nil), b.kept[len(b.kept)-keptEvents:]...)
	}
	for ch := range b.receivers {
		select {
		case ch <- e:
		default:
		}
	}
	return e
}

// since are the kept events after that id.
func (b *bus) since(id int64) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := len(b.kept)
	for i > 0 && b.kept[i-1].ID > id {
		i--
	}
	return append([]Event(nil), b.kept[i:]...)
}

// counted is how many there were of each type.
func (b *bus) counted() map[Type]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.counts)
}

func (b *bus) subscribe() (<-chan Event, func()) {
	ch := make(chan Event, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.receivers == nil {
		b.receivers = map[chan Event]bool{}
	}
	b.receivers[ch] = true
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.receivers, ch)
	}
}

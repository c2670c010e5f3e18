package reconcile

import "time"

// EventType names what happened.
type EventType string

// The events of an apply, in the order in which they can come.
const (
	EventRound    EventType = "round"    // a round begins; Text says with how many steps
	EventStart    EventType = "start"    // a step begins
	EventProgress EventType = "progress" // a step gets on
	EventDone     EventType = "done"     // a step ended well
	EventFailed   EventType = "failed"   // a step failed; Text is the error
	EventWait     EventType = "wait"     // something is waited for
)

// Event is something that happened during an apply.
type Event struct {
	At      time.Time     `json:"at"`
	Type    EventType     `json:"type"`
	Round   int           `json:"round"`
	Step    string        `json:"step,omitempty"`
	Host    string        `json:"host,omitempty"`
	Text    string        `json:"text,omitempty"`
	Elapsed time.Duration `json:"elapsed,omitempty"` // of a step that ended
}

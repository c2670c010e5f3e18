package sim

import "strings"

// Fault says what goes wrong with some calls.
type Fault struct {
	// Node is the machine; empty: any.
	Node string
	// Command is the beginning of the command line, of "write PATH" or of "read GLOBS"; a script begins with the name that it runs under. Empty:
	// any call that changes something.
	Command string
	// After is how many of these calls go well first.
	After int
	// Times is how many go wrong then; 0: one.
	Times int
	// Effect is what happens instead.
	Effect Effect

	seen int
}

// Effect is what a fault does.
type Effect int

// The effects.
const (
	none        Effect = iota
	Unreachable        // no connection; nothing is done
	Hangs              // nothing is done, and the time limit strikes
	Fails              // exit code 1; nothing is done
	Lies               // exit code 0; nothing is done
	Lost               // it is done, and the connection breaks before the answer
	Moves              // somebody else changes the CIB right before it
)

// SetFaults has other things go wrong from now on, also while the cluster is used.
func (c *Cluster) SetFaults(faults ...*Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Faults = faults
}

// fault gives what goes wrong with a call.
func (c *Cluster) fault(node, text string, mutates bool) Effect {
	for _, f := range c.Faults {
		if f.Node != "" && f.Node != node || !strings.HasPrefix(text, f.Command) || f.Command == "" && !mutates {
			continue
		}
		f.seen++
		if f.seen > f.After && f.seen <= f.After+max(1, f.Times) {
			return f.Effect
		}
	}
	return none
}

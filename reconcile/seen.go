package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Happening is something that the cluster did, as its own records tell it.
type Happening struct {
	// Action is start, stop, promote, demote, reload, migrate, fence, unfence or shutdown; monitor where the schedule of a check changed; and
	// of several together restart or move.
	Action   string `json:"action"`
	Resource string `json:"resource,omitempty"`
	// Node is where; of a move, From and To are.
	Node string `json:"node,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Failed says how it failed; empty: it went well.
	Failed string `json:"failed,omitempty"`
	// Vague tells that only the history tells of it, which keeps the last operation alone: a start may have been a restart or a reload.
	Vague bool `json:"vague,omitempty"`
}

// Seen is a reaction that was foretold, and what came of it.
type Seen struct {
	Reaction
	Became Became `json:"became"`
	// Instead says what happened to the resource or node where that is something else.
	Instead string `json:"instead,omitempty"`
}

// Became is what came of a reaction that was foretold, in a word.
type Became string

// What can come of a reaction.
const (
	CameTrue Became = "done"
	NotSeen  Became = "not seen"
	Other    Became = "other"
)

// Comparison is what was foretold beside what happened.
type Comparison struct {
	Foretold []Seen `json:"foretold,omitempty"`
	// Also happened, and was not foretold.
	Also []Happening `json:"also,omitempty"`
}

// True counts the reactions that came true.
func (c Comparison) True() int {
	n := 0
	for _, s := range c.Foretold {
		if s.Became == CameTrue {
			n++
		}
	}
	return n
}

// Agrees tells that all came as foretold, and nothing else.
func (c Comparison) Agrees() bool { return len(c.Also) == 0 && c.True() == len(c.Foretold) }

// Deviations are sentences on what came otherwise, one for each reaction that did not come true and for each happening that was not foretold.
func (c Comparison) Deviations() []string {
	var out []string
	for _, s := range c.Foretold {
		if s.Became == CameTrue {
			continue
		}
		what := fmt.Sprintf("%s: foretold: %s", cmp.Or(s.Resource, s.Node), did(s.Action, s.Resource, cmp.Or(s.Node, s.From, s.To), s.From, s.To))
		if s.Became == NotSeen {
			out = append(out, what+"; not seen")
		} else {
			out = append(out, what+"; seen: "+s.Instead)
		}
	}
	for _, h := range c.Also {
		out = append(out, fmt.Sprintf("%s: not foretold: %s", cmp.Or(h.Resource, h.Node), h))
	}
	return out
}

// String says what happened, without to what: "restart on node1", "move from node1 to node2".
func (h Happening) String() string {
	s := did(h.Action, h.Resource, h.Node, h.From, h.To)
	if h.Vague && h.Action == "restart" {
		s = "restart or reload on " + h.Node
	}
	if h.Failed != "" {
		s += " failed: " + h.Failed
	}
	return s
}

func did(action, resource, node, from, to string) string {
	switch {
	case from != "" && to != "" && from != to:
		return fmt.Sprintf("%s from %s to %s", action, from, to)
	case resource != "" && node != "":
		return action + " on " + node
	}
	return action
}

// lateness is how long to look for reactions that no step waited for, such as the first run of a check whose interval changed.
const lateness = 5 * time.Second

// compare asks the cluster what it did since the first change, and compares that with what was foretold. again tells that the last look was
// before the last step. It is told beside how the apply ended, so what goes wrong here makes nothing fail.
func (t *tracks) compare(ctx context.Context, again bool) *Comparison {
	if t.first == nil || t.prediction.Unavailable != "" {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, 2*lateness)
	defer stop()
	var c *Comparison
	for over := time.Now().Add(lateness); ; again = true {
		if again {
			o, err := t.e.Observe(ctx)
			if err != nil {
				return c
			}
			t.last = o
		}
		now := t.compared(ctx)
		if now == nil {
			return c
		}
		if c = now; !slices.ContainsFunc(c.Foretold, func(s Seen) bool { return s.Became == NotSeen }) || time.Now().After(over) {
			return c
		}
		if pause(ctx, t.opt.Drain) != nil {
			return c
		}
	}
}

// compared compares with the last observation; nil: no layer can tell.
func (t *tracks) compared(ctx context.Context) *Comparison {
	var c *Comparison
	for _, l := range t.e.Layers {
		before, now := t.first.Have[l.Name()], t.last.Have[l.Name()]
		if before == nil || now == nil {
			continue
		}
		happened, ok := l.Witness(ctx, t.e.members(), before, now)
		if !ok {
			continue
		}
		if j, ok := l.Judge(before, now, t.prediction, happened, t.refs); ok && j.Comparison != nil {
			c = j.Comparison // one layer predicts
		}
	}
	return c
}

package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// degraded is the state of which no Condition tells.
const degraded = "degraded"

// state is the word of WatchPolicy's hold for a Health; "" where nothing has to wait for it.
func state(h reconcile.Health) string {
	switch {
	case h.Condition == reconcile.Lasting:
		return ""
	case h.Condition != "":
		return string(h.Condition)
	case h.Level >= reconcile.Degraded:
		return degraded
	}
	return ""
}

// held says what of a cluster's health keeps it from being changed. Where no cluster runs there is nothing that a change could make worse. Who approves
// a plan has seen how the cluster is, and the plan may be what mends it; only a copy that is being made whole is waited for even so: to disturb it
// can cost the last good one.
func (p Policy) held(in Input) []string {
	if !in.Formed {
		return nil
	}
	var why []string
	for _, h := range in.Health {
		word := state(h)
		if word == "" || !slices.Contains(p.Hold, word) || in.Approved && word != string(reconcile.Syncing) {
			continue
		}
		why = append(why, fmt.Sprintf("%s: %s: %s", word, h.Object, h.Text))
	}
	return why
}

// some joins the first of many sentences.
func some(why []string) string {
	const n = 3
	if len(why) > n {
		return strings.Join(why[:n], "; ") + fmt.Sprintf("; and %d more", len(why)-n)
	}
	return strings.Join(why, "; ")
}

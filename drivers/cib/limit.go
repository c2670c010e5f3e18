package cib

import (
	"time"

	"github.com/beevik/etree"
)

const (
	// defaultTimeout is Pacemaker's for operations that do not say theirs.
	defaultTimeout = 20 * time.Second
	// fencingTime is what fencing may take, twice: a device that fails and its successor (stonith-timeout is 60 s by default).
	fencingTime = 2 * time.Minute
	// longestWait bounds every wait.
	longestWait = 30 * time.Minute
)

// awaitLimit is how long the awaited resources may take: each one after the other stopped, started and looked at once, and fencing.
func (p *planner) awaitLimit() time.Duration {
	limit := fencingTime
	for _, id := range p.awaited {
		el := p.work.findIn("resources", id)
		if el == nil {
			continue
		}
		list := []*etree.Element{el}
		if el.Tag == "group" {
			list = el.SelectElements("primitive")
		}
		for _, r := range list {
			for _, name := range []string{"stop", "start", "monitor"} {
				limit += opTimeout(r, name)
			}
		}
	}
	return min(limit, longestWait)
}

func opTimeout(primitive *etree.Element, name string) time.Duration {
	longest := defaultTimeout
	for _, op := range primitive.FindElements("./operations/op") {
		if d, ok := span(attr(op, "timeout")); ok && attr(op, "name") == name {
			longest = max(longest, d)
		}
	}
	return longest
}

package cib

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// clock is how times are written in notes.
const clock = "2006-01-02 15:04:05 UTC"

// until says when a constraint that was made for a time ends: crm_resource --ban --lifetime makes a rule of it. Nothing says when it was made.
func until(el *etree.Element) string {
	for _, d := range el.FindElements(".//date_expression") {
		if end := attr(d, "end"); end != "" && (attr(d, "operation") == "lt" || attr(d, "operation") == "in_range") {
			return ", until " + end
		}
	}
	return ""
}

// since says since when a setting has had its effect, where the status tells: a resource that was told to stop stopped then.
func (c *comparison) since(f field) string {
	if f.name != "target-role" || canonicalRole(f.value) != "Stopped" {
		return ""
	}
	var last time.Time
	for _, op := range c.lastStops()[c.o.Ref.Name] {
		if op.After(last) {
			last = op
		}
	}
	if last.IsZero() {
		return ""
	}
	return ", stopped since " + last.Format(clock)
}

// lastStops are the times of the last successful stops of resources on the nodes where nothing was done with them later.
func (p *planner) lastStops() map[string][]time.Time {
	if p.stops != nil {
		return p.stops
	}
	p.stops = map[string][]time.Time{}
	status := p.live.Root().SelectElement("status")
	if status == nil {
		return p.stops
	}
	for _, r := range status.FindElements("./node_state/lrm/lrm_resources/lrm_resource") {
		id, _, _ := strings.Cut(attr(r, "id"), ":")
		var newest *etree.Element
		call := func(op *etree.Element) int { n, _ := strconv.Atoi(attr(op, "call-id")); return n }
		for _, op := range r.SelectElements("lrm_rsc_op") {
			if newest == nil || call(op) > call(newest) {
				newest = op
			}
		}
		if newest == nil || attr(newest, "operation") != "stop" || attr(newest, "rc-code") != "0" {
			continue
		}
		if s, err := strconv.ParseInt(attr(newest, "last-rc-change"), 10, 64); err == nil {
			p.stops[id] = append(p.stops[id], time.Unix(s, 0).UTC())
		}
	}
	return p.stops
}

package cib

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// failure is a failed operation of crm_mon's list.
type failure struct {
	resource, op, node, status, reason, code, call, when string
	agent                                                string // ocf:heartbeat:nginx
	interval                                             time.Duration
	outcome                                              string // done, Timed Out, …
}

// failures reads <failures> of crm_mon --output-as=xml.
func failures(mon *etree.Element) []failure {
	if mon == nil {
		return nil
	}
	fs := mon.SelectElement("failures")
	if fs == nil {
		return nil
	}
	agents := map[string]string{}
	for _, el := range mon.FindElements(".//resource") {
		agents[attr(el, "id")] = attr(el, "resource_agent")
	}
	var out []failure
	for _, el := range fs.SelectElements("failure") {
		f := failure{node: attr(el, "node"), status: attr(el, "exitstatus"), reason: html.UnescapeString(attr(el, "exitreason")) /* crm_mon 2.1 quotes it twice */, code: attr(el, "exitcode"),
			call: attr(el, "call"), when: attr(el, "last-rc-change"), outcome: attr(el, "status")}
		f.resource, f.op, f.interval = splitOpKey(attr(el, "op_key"))
		if f.resource == "" {
			f.resource = attr(el, "id")
		}
		f.agent = agents[f.resource]
		out = append(out, f)
	}
	return out
}

// splitOpKey reads RESOURCE_OPERATION_MILLISECONDS.
func splitOpKey(k string) (resource, op string, interval time.Duration) {
	i := strings.LastIndex(k, "_")
	if i < 0 {
		return k, "", 0
	}
	ms, _ := strconv.Atoi(k[i+1:])
	rest := k[:i]
	for _, two := range []string{"migrate_to", "migrate_from"} {
		if r, ok := strings.CutSuffix(rest, "_"+two); ok {
			return strings.SplitN(r, ":", 2)[0], two, 0
		}
	}
	j := strings.LastIndex(rest, "_")
	if j < 0 {
		return rest, "", time.Duration(ms) * time.Millisecond
	}
	return strings.SplitN(rest[:j], ":", 2)[0], rest[j+1:], time.Duration(ms) * time.Millisecond
}

func (f failure) String() string {
	op := f.op
	if f.interval > 0 {
		op = fmt.Sprintf("%s (every %s)", f.op, f.interval)
	} else if f.op == "monitor" {
		op = "the first look (monitor)"
	}
	s := fmt.Sprintf("%s of %s on %s: %s", op, f.resource, f.node, f.status)
	if f.code != "" {
		s += " (exit code " + f.code + ")"
	}
	if f.outcome != "" && f.outcome != "complete" && f.outcome != "done" {
		s += ", " + f.outcome
	}
	if f.reason != "" {
		s += ": " + f.reason
	}
	return s
}

// age is how long ago it was, by the clock of the node that told (now is that clock's).
func (f failure) age(now time.Time) time.Duration {
	t, err := monTime(f.when)
	if err != nil || now.IsZero() {
		return 0
	}
	return now.Sub(t).Round(time.Second)
}

// monTime reads the times of crm_mon 2.1: ctime without a zone, or ISO 8601.
func monTime(s string) (time.Time, error) {
	for _, f := range []string{"Mon Jan _2 15:04:05 2006", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -07:00", time.RFC3339} {
		if t, err := time.Parse(f, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", s)
}

// readMonitor gives the root of crm_mon's answer.
func readMonitor(out string) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(out); err != nil {
		return nil, fmt.Errorf("read crm_mon's answer: %w", err)
	}
	if doc.Root() == nil || doc.Root().Tag != "pacemaker-result" {
		return nil, fmt.Errorf("read crm_mon's answer: it is no pacemaker-result")
	}
	return doc.Root(), nil
}

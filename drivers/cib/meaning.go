package cib

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// infinity is Pacemaker's score INFINITY (crm.h, CRM_SCORE_INFINITY).
const infinity = 1000000

// kind is what a field's value means, which says when two spellings are the same.
type kind int

const (
	word   kind = iota // compared as text
	option             // a value of Pacemaker itself: boolean, time span, score or word, by its form and name
	role
	agentParam
	quantity // of a node's capacity: a whole number without bounds
	exists   // an element as a whole
	block    // elements that are one field; the value is their text
)

// same tells whether two values of a field mean the same to Pacemaker. name is the option's or attribute's name.
func same(k kind, name, a, b string) bool {
	if a == b {
		return true
	}
	switch k {
	case role:
		return canonicalRole(a) == canonicalRole(b)
	case word:
		return slices.Contains(nodeSwitches, name) && sameBoolean(a, b)
	case quantity:
		return sameNumber(a, b)
	case agentParam:
		// Agents read these; only Pacemaker's own parameters of fence devices are known here.
		switch {
		case name == "pcmk_host_list":
			return slices.Equal(splitHosts(a), splitHosts(b))
		case name == "pcmk_host_map":
			return slices.Equal(splitMap(a), splitMap(b))
		case strings.HasPrefix(name, "pcmk_"):
			return sameOption(name, a, b)
		}
	case option:
		return sameOption(name, a, b)
	}
	return false
}

// sameOption compares values that Pacemaker reads. What it reads them as follows from the option's name.
func sameOption(name, a, b string) bool {
	switch {
	case name == "target-role":
		return canonicalRole(a) == canonicalRole(b)
	case strings.HasSuffix(name, "action"): // off is no truth value there
		return false
	case slices.Contains(numbers, name):
		return sameNumber(a, b)
	case timeName.MatchString(name):
		x, ok1 := span(a)
		y, ok2 := span(b)
		return ok1 && ok2 && x == y
	case scoreName.MatchString(name):
		x, ok1 := score(a)
		y, ok2 := score(b)
		return ok1 && ok2 && x == y
	}
	return (!digits.MatchString(a) || !digits.MatchString(b)) && sameBoolean(a, b) || sameNumber(a, b)
}

func sameBoolean(a, b string) bool {
	x, ok1 := boolean(a)
	y, ok2 := boolean(b)
	return ok1 && ok2 && x == y
}

// sameNumber compares whole numbers, and INFINITY where one may be written.
func sameNumber(a, b string) bool {
	number := func(s string) (int64, bool) {
		if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
			return n, true
		}
		n, ok := score(s)
		return int64(n), ok
	}
	x, ok1 := number(a)
	y, ok2 := number(b)
	return ok1 && ok2 && x == y
}

// nodeSwitches are the node attributes that Pacemaker reads as truth values; others mean what their rules say.
var nodeSwitches = []string{"standby", "maintenance", "terminate"}

// numbers are options that are plain numbers for all their names.
var numbers = []string{"batch-limit", "migration-limit", "node-action-limit", "cluster-ipc-limit", "pcmk_action_limit"}

// scoreName matches the names of options that are scores, which end at INFINITY.
var scoreName = regexp.MustCompile(`(^|-)score$|stickiness$|^migration-threshold$|^priority$|^node-health-(base|green|yellow|red)$`)

// timeName matches the names of options that are spans of time.
var timeName = regexp.MustCompile(`(^|[-_])(timeout|interval|delay|deadtime|window|limit|lockout|poll|finalization|integration|election|base|max_delay)$|^pcmk_delay_(base|max)$`)

var digits = regexp.MustCompile(`^[0-9]+$`)

// boolean reads Pacemaker's words (lib/common/strings.c, crm_str_to_boolean).
func boolean(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "y", "1":
		return true, true
	case "false", "off", "no", "n", "0":
		return false, true
	}
	return false, false
}

// score reads a score (lib/common/scores.c, char2score).
func score(s string) (int, bool) {
	switch strings.ToUpper(strings.TrimSpace(s)) {
	case "INFINITY", "+INFINITY":
		return infinity, true
	case "-INFINITY":
		return -infinity, true
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(s), "+"), 10, 64)
	if err != nil {
		return 0, false
	}
	return int(max(-infinity, min(infinity, n))), true
}

var spanForm = regexp.MustCompile(`^\s*([0-9]+)\s*([a-zA-Z]*)\s*$`)
var isoForm = regexp.MustCompile(`^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

// spanUnits are Pacemaker's (lib/common/utils.c, crm_get_msec).
var spanUnits = map[string]time.Duration{"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "msec": time.Millisecond,
	"us": time.Microsecond, "usec": time.Microsecond, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour}

// span reads a span of time: a number with a unit, of seconds without one (lib/common/utils.c, crm_get_msec), or ISO 8601.
func span(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	if m := spanForm.FindStringSubmatch(s); m != nil {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || n > int64(time.Duration(1<<62)/time.Hour) {
			return 0, false
		}
		u, ok := spanUnits[strings.ToLower(m[2])]
		return (time.Duration(n) * u).Truncate(time.Millisecond), ok
	}
	if m := isoForm.FindStringSubmatch(s); m != nil && len(s) > 2 {
		var d time.Duration
		for i, u := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
			if m[i+1] == "" {
				continue
			}
			n, err := strconv.ParseInt(m[i+1], 10, 32)
			if err != nil || n > 1e6 {
				return 0, false
			}
			d += time.Duration(n) * u
		}
		return d, true
	}
	return 0, false
}

// spanText writes a span the same way whatever its spelling; what is no span stays.
func spanText(s string) string {
	d, ok := span(s)
	switch {
	case s == "":
		return "0s"
	case !ok:
		return s
	case d%time.Second == 0:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

// canonicalRole gives today's word for a role.
func canonicalRole(s string) string {
	switch strings.ToLower(s) {
	case "master", "promoted":
		return "Promoted"
	case "slave", "unpromoted":
		return "Unpromoted"
	case "started":
		return "Started"
	case "stopped":
		return "Stopped"
	}
	return s
}

// fencingNames are the names of Pacemaker 3 for options of fencing, with those of Pacemaker 2.
var fencingNames = map[string]string{
	"fencing-enabled": "stonith-enabled", "fencing-action": "stonith-action", "fencing-timeout": "stonith-timeout",
	"fencing-watchdog-timeout": "stonith-watchdog-timeout", "fencing-max-attempts": "stonith-max-attempts", "fencing-reaction": "fence-reaction",
}

// canonicalName gives the word of Pacemaker 2.1 for an option with several.
func canonicalName(name string) string {
	if old, ok := fencingNames[name]; ok {
		return old
	}
	switch name {
	case "master-max":
		return "promoted-max"
	case "master-node-max":
		return "promoted-node-max"
	}
	return name
}

// splitMap reads pcmk_host_map: entries separated by semicolons or white space (build_port_aliases in Pacemaker's daemons/fenced).
func splitMap(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("; \t\r\n", r) })
}

// splitHosts reads pcmk_host_list: separated by commas, semicolons or white space.
func splitHosts(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", ;\t\r\n", r) })
}

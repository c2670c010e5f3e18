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
	exists // an element as a whole
	block  // elements that are one field; the value is their text
)

// same tells whether two values of a field mean the same to Pacemaker. name is the option's or attribute's name.
func same(k kind, name, a, b string) bool {
	if a == b {
		return true
	}
	switch k {
	case role:
		return canonicalRole(a) == canonicalRole(b)
	case agentParam:
		// Agents read these; only Pacemaker's own parameters of fence devices are known here.
		if !strings.HasPrefix(name, "pcmk_") {
			return false
		}
		if name == "pcmk_host_list" {
			return strings.Join(splitHosts(a), ",") == strings.Join(splitHosts(b), ",")
		}
		if name == "pcmk_host_map" {
			x, y := splitMap(a), splitMap(b)
			slices.Sort(x)
			slices.Sort(y)
			return slices.Equal(x, y)
		}
		fallthrough
	case option:
		if timeName.MatchString(name) {
			x, ok1 := span(a)
			y, ok2 := span(b)
			return ok1 && ok2 && x == y
		}
		if x, ok := boolean(a); ok && !digits.MatchString(a) || ok && !digits.MatchString(b) {
			y, ok2 := boolean(b)
			return ok2 && x == y
		}
		if x, ok := score(a); ok {
			y, ok2 := score(b)
			return ok2 && x == y
		}
		if name == "target-role" {
			return canonicalRole(a) == canonicalRole(b)
		}
	}
	return false
}

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
		units := map[string]time.Duration{"": time.Second, "s": time.Second, "sec": time.Second, "ms": time.Millisecond, "msec": time.Millisecond,
			"us": time.Microsecond, "usec": time.Microsecond, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour}
		u, ok := units[strings.ToLower(m[2])]
		return time.Duration(n) * u, ok
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

// canonicalName gives the word of Pacemaker 2.1 for an option with several.
func canonicalName(name string) string {
	switch name {
	case "fencing-enabled", "fencing-action", "fencing-timeout", "fencing-watchdog-timeout", "fencing-max-attempts":
		return "stonith-" + strings.TrimPrefix(name, "fencing-")
	case "master-max":
		return "promoted-max"
	case "master-node-max":
		return "promoted-node-max"
	}
	return name
}

// splitHosts reads pcmk_host_list: separated by commas, semicolons or white space.
func splitHosts(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", ;\t\r\n", r) })
}

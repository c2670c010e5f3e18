package v1

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// format is a kind of text that a field's `check:"NAME"` tag asks for.
type format struct {
	test    func(string) string // what is wrong and what to do; "" if nothing is
	pattern string              // the same as far as a JSON Schema can say it (ECMA 262)
	// taken tells that Pacemaker's own schema takes a text all the same, so that the mistake can be silenced; nil: never.
	taken func(string) bool
}

var formats = map[string]format{
	"id":          {checkID, `^[^-.0-9:/\s][^:/\s]*$`, nil},
	"node":        {checkHostName, hostNamePattern, nil},
	"nodeName":    {checkHostName, ``, anyOther},
	"host":        {checkHost, `^[A-Za-z0-9:_.-]+$`, nil},
	"score":       {checkScore, `^([+-]?INFINITY|[+-]?[0-9]+)$`, integer.MatchString},
	"interval":    {checkInterval, ``, anyOther},
	"agent":       {checkAgent, `^(ocf:[^:]+:.+|(systemd|service|lsb|stonith|nagios|upstart|heartbeat):.+)$`, agentTaken},
	"fenceAgent":  {checkFenceAgent, `^.+$`, func(s string) bool { return !strings.HasPrefix(s, "stonith:") }},
	"env":         {checkEnv, formatEnv, nil},
	"age":         {checkAge, `^\s*-----BEGIN AGE ENCRYPTED FILE-----\r?\n`, nil},
	"word":        {checkWord, `^\S+$`, nil},
	"operation":   {checkWord, ``, anyOther},
	"integer":     {checkInteger, `^[+-]?[0-9]+$`, nil},
	"truth":       {checkTruth, ``, anyOther},
	"role":        {checkRole, ``, anyOther},
	"mode":        {checkMode, `^[0-7]{3,4}$`, nil},
	"range":       {checkRange, `^[0-9]+-[0-9]+$`, regexp.MustCompile(`^[0-9-]+$`).MatchString},
	"device":      {checkDevice, `^[A-Za-z0-9_.-]+$`, nil},
	"path":        {checkPath, `^/`, nil},
	"size":        {checkSize, sizePattern.String(), nil},
	"lv":          {checkLV, lvName.String(), nil},
	"lvSize":      {checkLVSize, lvSizePattern.String(), nil},
	"iqn":         {checkIQN, iqnPattern.String(), nil},
	"addressPort": {checkAddressPort, `:[0-9]+$`, nil},
	"drbdDevice":  {checkDRBDDevice, `^/dev/drbd\S+$`, nil},
	"duration":    {checkDuration, `^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$`, nil},
	"schedule":    {checkSchedule, `^(@[a-zA-Z]+|\s*\S+(\s+\S+){4}\s*)$`, nil},
	"timeZone":    {checkTimeZone, `^[A-Za-z0-9_+/-]+$`, nil},
	"unattended":  {checkUnattended, `^(safe|reload|restart|outage|redundancy)$`, nil},
	"expression":  {checkExpression, `\S`, nil},
}

func anyOther(string) bool { return true }

// Pattern is the regular expression of a `check` tag for a JSON Schema.
func Pattern(check string) string { return formats[check].pattern }

// checkID follows XML's NCName as far as libxml2 asks it of an attribute of type ID (id in Pacemaker's *.rng), with any letters.
func checkID(s string) string {
	for i, r := range s {
		switch {
		case unicode.IsLetter(r), r == '_':
		case i > 0 && (unicode.IsDigit(r) || r == '-' || r == '.'):
		default:
			return fmt.Sprintf("%q cannot be an XML id: it must begin with a letter or _ and hold only letters, digits, _, - and .", s)
		}
	}
	if strings.HasPrefix(s, "hactl") {
		return fmt.Sprintf("%q is reserved: names that begin with hactl are for what hactl itself puts into the CIB", s)
	}
	return ""
}

const hostNamePattern = `^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`

var hostName = regexp.MustCompile(hostNamePattern)

func checkHostName(s string) string {
	if !hostName.MatchString(s) || strings.Contains(s, "..") {
		return fmt.Sprintf("%q is no host name: it must hold only letters, digits, - and .", s)
	}
	// HOST_NAME_MAX of Linux: uname -n can hold no more.
	if len(s) > 64 {
		return fmt.Sprintf("the host name has %d characters; Linux allows 64", len(s))
	}
	return ""
}

var numeric = regexp.MustCompile(`^[0-9.]+$`)

func checkHost(s string) string {
	if _, err := netip.ParseAddr(s); err == nil {
		return ""
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return fmt.Sprintf("%q is a network; write the address without the prefix length", s)
	}
	if strings.Contains(s, ":") {
		return fmt.Sprintf("%q is neither an IPv6 address nor a host name; a port does not belong here", s)
	}
	if numeric.MatchString(s) {
		return fmt.Sprintf("%q is no valid IPv4 address", s)
	}
	if !hostName.MatchString(s) || strings.Contains(s, "..") || len(s) > 253 {
		return fmt.Sprintf("%q is neither an IP address nor a host name", s)
	}
	return ""
}

// MaxScore is Pacemaker's INFINITY as a number.
const MaxScore = 1_000_000

// checkScore takes what Pacemaker takes without clamping: an integer up to ±1000000, INFINITY, +INFINITY or -INFINITY.
func checkScore(s string) string {
	switch s {
	case "INFINITY", "+INFINITY", "-INFINITY":
		return ""
	}
	if n, err := strconv.Atoi(s); err == nil && n >= -MaxScore && n <= MaxScore {
		return ""
	}
	if strings.EqualFold(strings.TrimLeft(s, "+-"), "inf") || strings.EqualFold(strings.TrimLeft(s, "+-"), "infinity") {
		return fmt.Sprintf("%q is no score; write INFINITY or -INFINITY", s)
	}
	return fmt.Sprintf("%q is no score: write a whole number from -%d to %d, INFINITY or -INFINITY", s, MaxScore, MaxScore)
}

func checkInterval(s string) string {
	if _, err := Interval(s); err != nil {
		return err.Error()
	}
	return ""
}

var (
	plainInterval = regexp.MustCompile(`(?i)^([0-9]+) *(|ms|msecs?|us|usecs?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)$`)
	isoInterval   = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)
)

// Interval reads a time span as Pacemaker does (crm_parse_interval_spec): a whole number of seconds, or one with a unit (ms, us, s, min,
// h, …), or an ISO 8601 duration (PT30S). A month counts as 30 days and a year as 365.
func Interval(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no time span: write a whole number with a unit, such as 500ms, 30s, 2min or 1h", s)
	units := []struct {
		prefix string
		unit   time.Duration
	}{
		{"ms", time.Millisecond}, {"us", time.Microsecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"", time.Second},
	}
	if m := plainInterval.FindStringSubmatch(s); m != nil {
		for _, u := range units {
			if strings.HasPrefix(strings.ToLower(m[2]), u.prefix) {
				return span(m[1], u.unit, bad)
			}
		}
	}
	const day = 24 * time.Hour
	m := isoInterval.FindStringSubmatch(s)
	if m == nil || s == "P" || strings.HasSuffix(s, "T") {
		return 0, bad
	}
	var sum time.Duration
	for i, unit := range []time.Duration{365 * day, 30 * day, 7 * day, day, time.Hour, time.Minute, time.Second} {
		d, err := span("0"+m[i+1], unit, bad)
		if sum += d; err != nil || sum < 0 {
			return 0, bad
		}
	}
	return sum, nil
}

func span(digits string, unit time.Duration, bad error) (time.Duration, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > int64((1<<63-1)/unit) {
		return 0, bad
	}
	return time.Duration(n) * unit, nil
}

var agentClasses = []string{"ocf", "systemd", "service", "lsb", "stonith", "nagios", "upstart", "heartbeat"}

// checkAgent follows crm_parse_agent_spec of Pacemaker, for the classes that Pacemaker 2.1 knows.
func checkAgent(s string) string {
	class, rest, ok := strings.Cut(s, ":")
	switch {
	case !ok && strings.HasPrefix(s, "fence_"):
		return fmt.Sprintf("%q is a fence agent; use kind FenceDevice", s)
	case !ok:
		return fmt.Sprintf("%q has no class: write CLASS:PROVIDER:TYPE or CLASS:TYPE, such as ocf:heartbeat:IPaddr2 or systemd:%s", s, s)
	}
	if !slices.Contains(agentClasses, class) {
		return fmt.Sprintf("unknown class %q%s", class, hint(class, agentClasses))
	}
	// A slash is fine: lsb takes paths, and cluster-glue's fence agents are called external/ipmi.
	if rest == "" || strings.ContainsFunc(rest, unicode.IsSpace) {
		return fmt.Sprintf("%q names no agent: write %s:TYPE", s, class)
	}
	if class != "ocf" {
		return ""
	}
	provider, typ, ok := strings.Cut(rest, ":")
	if !ok {
		return fmt.Sprintf("%q has no provider: write ocf:PROVIDER:TYPE, such as ocf:heartbeat:%s", s, rest)
	}
	if provider == "" || typ == "" || strings.Contains(typ, ":") {
		return fmt.Sprintf("%q is not of the form ocf:PROVIDER:TYPE", s)
	}
	return ""
}

// agentTaken follows resources-3.9.rng: a known class, a provider with ocf, and any text as type.
func agentTaken(s string) bool {
	class, rest, _ := strings.Cut(s, ":")
	provider, typ, ok := strings.Cut(rest, ":")
	return slices.Contains(agentClasses, class) && rest != "" && (class != "ocf" || ok && provider != "" && typ != "")
}

func checkFenceAgent(s string) string {
	if rest, ok := strings.CutPrefix(s, "stonith:"); ok {
		return fmt.Sprintf("the class is told by the kind; write %s without stonith:", rest)
	}
	if strings.HasPrefix(s, "/") || strings.Contains(s, ":") || strings.ContainsFunc(s, unicode.IsSpace) {
		return fmt.Sprintf("%q is no fence agent's name: write the name of its program, such as fence_ipmilan", s)
	}
	return ""
}

var envName = regexp.MustCompile(formatEnv)

const formatEnv = `^[A-Za-z_][A-Za-z0-9_]*$`

func checkEnv(s string) string {
	if !envName.MatchString(s) {
		return fmt.Sprintf("%q is no name of an environment variable", s)
	}
	return ""
}

func checkWord(s string) string {
	if s == "" || strings.ContainsFunc(s, unicode.IsSpace) {
		return fmt.Sprintf("%q must be one word", s)
	}
	return ""
}

func checkInteger(s string) string {
	if !integer.MatchString(s) {
		return fmt.Sprintf("%q must be a whole number", s)
	}
	return ""
}

// checkTruth follows crm_str_to_boolean.
func checkTruth(s string) string {
	if !slices.Contains(truthWords, strings.ToLower(s)) {
		return fmt.Sprintf("%q must be true or false", s)
	}
	return ""
}

var roles = []string{"Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave"}

func checkRole(s string) string {
	if !slices.ContainsFunc(roles, func(r string) bool { return strings.EqualFold(r, s) }) {
		return notOneOf(s, roles)
	}
	return ""
}

var portRange = regexp.MustCompile(`^[0-9]+-[0-9]+$`)

func checkRange(s string) string {
	if !portRange.MatchString(s) {
		return fmt.Sprintf("%q is no range of ports: write FIRST-LAST, such as 20000-20100", s)
	}
	return ""
}

var deviceName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// checkDevice follows fencing-2.4.rng.
func checkDevice(s string) string {
	if !deviceName.MatchString(s) {
		return fmt.Sprintf("%q cannot be a device of a fencing level: it must hold only letters, digits, _, - and .", s)
	}
	return ""
}

var octalMode = regexp.MustCompile(`^[0-7]{3,4}$`)

func checkMode(s string) string {
	if !octalMode.MatchString(s) {
		return fmt.Sprintf("%q is no mode: write it octal, such as 0755", s)
	}
	return ""
}

func checkExpression(s string) string {
	if _, err := ParseExpression(s); err != nil {
		return err.Error()
	}
	return ""
}

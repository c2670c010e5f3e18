package agents

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

var wholeNumber = regexp.MustCompile(`^\s*[+-]?[0-9]+\s*$`)

// booleans are the words that Pacemaker (crm_str_to_boolean), the agents' shell library (ocf_is_true) and the fence agents take for true,
// and their opposites.
var booleans = []string{"1", "true", "yes", "y", "on", "ja", "t", "0", "false", "no", "n", "off", "nein", "f"}

// Wrong says what is wrong with a value of the parameter; "" if nothing is, or nothing is known. Where the default itself is not of the type
// that the metadata name (ocf:pacemaker:ping says that dampen, 5s, is an integer), the type means nothing.
func (p *Param) Wrong(value string) string {
	if value == "" || strings.HasPrefix(value, "lrm://") || p.Default != nil && *p.Default != "" && p.mismatch(*p.Default) != "" {
		return ""
	}
	return p.mismatch(value)
}

func (p *Param) mismatch(value string) string {
	switch p.Type {
	case "integer":
		if !wholeNumber.MatchString(value) {
			return fmt.Sprintf("%q is no whole number", value)
		}
	case "second":
		if !wholeNumber.MatchString(value) {
			hint := ""
			if d, err := v1.Interval(value); err == nil {
				hint = fmt.Sprintf("; write %d", int64(d.Seconds()))
			}
			return fmt.Sprintf("%q is no whole number of seconds, and the agent takes no unit%s", value, hint)
		}
	case "boolean":
		if !slices.Contains(booleans, strings.ToLower(value)) {
			return fmt.Sprintf("%q is neither true nor false", value)
		}
	case "time":
		if _, err := v1.Interval(value); err != nil {
			return fmt.Sprintf("%q is no time span; write a number with a unit, such as 30s", value)
		}
	case "select": // the fence agents' library compares without regard to case
		if !slices.ContainsFunc(p.Values, func(v string) bool { return strings.EqualFold(v, value) }) {
			hint := ""
			if c := v1.Closest(value, p.Values); c != "" {
				hint = fmt.Sprintf("; did you mean %q?", c)
			}
			return fmt.Sprintf("%q is not one of %s%s", value, strings.Join(p.Values, ", "), hint)
		}
	}
	return ""
}

package v1

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// optionType is what the values of an upstream option look like, as far as upstream itself checks or documents it.
type optionType int

const (
	anyText     optionType = iota
	truth                  // Pacemaker's booleans: true, on, yes, y, 1 and their opposites in any case (crm_str_to_boolean)
	number                 // a whole number
	count                  // a whole number from 0
	timeSpan               // see Interval
	score                  // see checkScore
	zeroOne                // corosync: 1 or 0
	yesNo                  // corosync: yes or no
	percent                // 80%
	words                  // one of option.words
	forbidden              // option.words says what to do instead
	anyCaseWord            // words, in any case
)

// option is a known option of a tool.
type option struct {
	name  string
	typ   optionType
	words string
}

// optionTable is a tool's options. Where open is set, others are taken as well, because agents and tools add their own; then only a name
// that is very near to a known one is refused.
type optionTable struct {
	of      string // "property of Pacemaker"
	manual  string // where all are listed, for a table that is not open
	open    bool
	other   optionType // of the values of unknown options
	options []option
}

// optionTables are the values of the `options` tag.
var optionTables = map[string]*optionTable{
	"totem":       &totemOptions,
	"link":        &linkOptions,
	"quorum":      &quorumOptions,
	"logging":     &loggingOptions,
	"properties":  &clusterProperties,
	"meta":        &resourceMeta,
	"operation":   &operationMeta,
	"alert":       &alertMeta,
	"utilization": {of: "capacity", open: true, other: number},
}

// OptionNames lists the upstream options that an `options` tag stands for; open tells that others are taken as well.
func OptionNames(table string) (names []string, open bool) {
	t := optionTables[table]
	return t.names(), t.open
}

func (t *optionTable) find(name string) *option {
	for i := range t.options {
		if t.options[i].name == name {
			return &t.options[i]
		}
	}
	return nil
}

func (t *optionTable) names() []string {
	var names []string
	for _, o := range t.options {
		if o.typ != forbidden {
			names = append(names, o.name)
		}
	}
	return names
}

// optionFields checks what a field with an `options` tag holds: the plain form, or the long one.
func (c *checker) optionFields(o *Object, path string, v reflect.Value, t *optionTable) {
	switch x := v.Interface().(type) {
	case Options:
		for _, name := range x.Names() {
			c.option(o, path+"."+name, name, x[name], t)
		}
	case []AttributeSet:
		for i, set := range x {
			for j, nv := range set.Values {
				p := fmt.Sprintf("%s[%d].values[%d]", path, i, j)
				switch {
				case nv.Name == "":
				case nv.Value == nil:
					c.option(o, p, nv.Name, Value{Null: true}, t)
				default:
					c.option(o, p, nv.Name, Value{Text: *nv.Value}, t)
				}
			}
		}
	}
}

// option checks the name and value of an option.
func (c *checker) option(o *Object, path, name string, v Value, t *optionTable) {
	known := t.find(name)
	if v.Null && (known == nil || known.typ != forbidden) {
		return // removing an option needs no valid value, and an unknown name may be what is to be removed
	}
	switch {
	case known == nil && t.open:
		if near := closest(name, t.names()); near != "" && distance(name, near) <= min(2, len(name)/5) {
			c.lintf(lintUnknownOption, o, path, "unknown %s %q; did you mean %q?", t.of, name, near)
		} else if msg := (&option{typ: t.other}).check(v.Text); msg != "" {
			c.lintf(lintOptionValue, o, path, "%s", msg)
		}
	case known == nil:
		if near := suggestion(name, t.names()); near != "" {
			c.lintf(lintUnknownOption, o, path, "unknown %s %q%s", t.of, name, near)
		} else {
			c.lintf(lintUnknownOption, o, path, "unknown %s %q; %s lists all", t.of, name, t.manual)
		}
	case known.typ == forbidden:
		c.errorf(o, path, "%s", known.words)
	default:
		if msg := known.check(v.Text); msg != "" {
			c.lintf(lintOptionValue, o, path, "%s", msg)
		}
	}
}

var (
	truthWords = []string{"true", "on", "yes", "y", "1", "false", "off", "no", "n", "0"}
	integer    = regexp.MustCompile(`^[+-]?[0-9]+$`)
	natural    = regexp.MustCompile(`^[0-9]+$`)
	percentage = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?%?$`)
)

func (o *option) check(s string) string {
	list := strings.Fields(o.words)
	switch o.typ {
	case truth:
		return checkTruth(s)
	case number:
		if !integer.MatchString(s) {
			return fmt.Sprintf("%q must be a whole number", s)
		}
	case count:
		if !natural.MatchString(s) {
			return fmt.Sprintf("%q must be a whole number from 0, without a unit", s)
		}
	case timeSpan:
		return checkInterval(s)
	case score:
		return checkScore(s)
	case zeroOne:
		if s != "0" && s != "1" {
			return fmt.Sprintf("%q must be 1 or 0: corosync knows no other words here", s)
		}
	case yesNo:
		if s != "yes" && s != "no" {
			return fmt.Sprintf("%q must be yes or no: corosync knows no other words here", s)
		}
	case percent:
		if !percentage.MatchString(s) {
			return fmt.Sprintf("%q must be a percentage such as 80%%", s)
		}
	case words:
		if !slices.Contains(list, s) {
			return notOneOf(s, list)
		}
	case anyCaseWord:
		if !slices.ContainsFunc(list, func(w string) bool { return strings.EqualFold(w, s) }) {
			return notOneOf(s, list)
		}
	}
	return ""
}

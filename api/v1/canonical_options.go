package v1

import (
	"maps"
	"slices"
	"strings"
)

// renamedOptions are old and new names of one option, the one that Pacemaker 2.1 documents behind.
var renamedOptions = map[string]string{
	"fencing-enabled":          "stonith-enabled",
	"fencing-action":           "stonith-action",
	"fencing-timeout":          "stonith-timeout",
	"fencing-watchdog-timeout": "stonith-watchdog-timeout",
	"fencing-max-attempts":     "stonith-max-attempts",
	"fencing-reaction":         "fence-reaction",
	"stop-removed-resources":   "stop-orphan-resources",
	"stop-removed-actions":     "stop-orphan-actions",
	"master-max":               "promoted-max",
	"master-node-max":          "promoted-node-max",
}

// canonicalOptions drops what is null and writes the options of a table of Pacemaker's in one way.
func canonicalOptions(opts *Options, table string) {
	maps.DeleteFunc(*opts, func(_ string, v Value) bool { return v.Null })
	if len(*opts) == 0 {
		*opts = nil
	}
	if !ofPacemaker(table) {
		return
	}
	for _, old := range opts.Names() {
		v, name := (*opts)[old], old
		if now := renamedOptions[old]; now != "" {
			if _, both := (*opts)[now]; !both {
				delete(*opts, old)
				name = now
			}
		}
		(*opts)[name] = Value{Text: canonicalOption(table, name, v.Text)}
	}
}

// canonicalValues is canonicalOptions for the long form. A name that is there twice keeps its place and its name.
func canonicalValues(values []NameValue, table string) {
	if !ofPacemaker(table) {
		return
	}
	for i := range values {
		v := &values[i]
		if now := renamedOptions[v.Name]; now != "" && !slices.ContainsFunc(values, func(o NameValue) bool { return o.Name == now }) {
			v.Name = now
		}
		if v.Value != nil {
			*v.Value = canonicalOption(table, v.Name, *v.Value)
		}
	}
}

func ofPacemaker(table string) bool {
	return table == "properties" || table == "meta" || table == "operation" || table == "alert"
}

// canonicalOption writes a value by the type of the option.
func canonicalOption(table, name, s string) string {
	o := optionTables[table].find(name)
	if o == nil {
		return s
	}
	switch o.typ {
	case truth:
		return canonicalTruth(s)
	case timeSpan:
		return canonicalSpan(s)
	case score:
		return canonicalScore(s)
	case number, count:
		return canonicalInteger(s)
	case anyCaseWord:
		if name == "target-role" || name == "role" {
			return canonicalRole(s)
		}
		for _, w := range strings.Fields(o.words) {
			if strings.EqualFold(w, s) {
				return w
			}
		}
	}
	return s
}

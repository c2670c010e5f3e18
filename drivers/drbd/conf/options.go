package conf

import (
	_ "embed"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed options.txt
var optionsText string

// optionDef is what drbdadm knows of an option.
type optionDef struct {
	typ         string // number, number-or, bool, one-of, string, flag
	least, most uint64 // of numbers, in units
	unit        uint64 // in bytes, or 1
	words       []string
}

// table reads options.txt once: "dialect section name" → definition.
var table = sync.OnceValue(func() map[string]*optionDef {
	m := map[string]*optionDef{}
	for line := range strings.Lines(optionsText) {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] == "#" {
			continue
		}
		def := &optionDef{typ: f[3]}
		words := f[4:]
		if strings.HasPrefix(def.typ, "number") {
			def.least, _ = strconv.ParseUint(words[0], 10, 64)
			def.most, _ = strconv.ParseUint(words[1], 10, 64)
			def.unit = unit(words[2][0])
			words = words[3:]
		}
		def.words = words
		for _, d := range []Dialect{V84, V9} {
			if word, _, _ := strings.Cut(strings.TrimPrefix(d.String(), "DRBD "), " "); slices.Contains(strings.Split(f[2], ","), word) {
				m[fmt.Sprint(int(d), f[0], " ", f[1])] = def
			}
		}
	}
	return m
})

// lookup finds an option of a section, or nil. DRBD 9 takes options of peer devices in a resource's disk section, too.
func lookup(d Dialect, section, name string) *optionDef {
	def := table()[fmt.Sprint(int(d), section, " ", name)]
	if def == nil && section == "disk" {
		def = table()[fmt.Sprint(int(d), "peer ", name)]
	}
	return def
}

// unit gives the factor of a suffix; 0 if there is none such.
func unit(c byte) uint64 {
	switch c {
	case '1':
		return 1
	case 's', 'S':
		return 512
	case 'k', 'K':
		return 1 << 10
	case 'm', 'M':
		return 1 << 20
	case 'g', 'G':
		return 1 << 30
	}
	return 0
}

// units reads a number with an optional suffix and gives it in multiples of a unit, rounded down.
func units(s string, of uint64) (uint64, bool) {
	factor := of
	if n := len(s); n > 0 && (s[n-1] < '0' || s[n-1] > '9') {
		factor, s = unit(s[n-1]), s[:n-1]
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || factor == 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(n, factor)
	if hi >= of {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, of)
	return q, true
}

// bad tells what is wrong with a value, or "".
func (def *optionDef) bad(value string) string {
	switch def.typ {
	case "bool":
		if value != "yes" && value != "no" {
			return "must be yes or no"
		}
	case "flag":
		if value != "" {
			return "takes no value"
		}
	case "one-of":
		if !slices.Contains(def.words, value) {
			return "must be one of " + strings.Join(def.words, ", ")
		}
	case "number", "number-or":
		if slices.Contains(def.words, value) {
			return ""
		}
		n, ok := units(value, def.unit)
		if !ok || n < def.least || n > def.most {
			what := fmt.Sprintf("must be a number from %d to %d", def.least, def.most)
			if def.unit > 1 {
				what += fmt.Sprintf(" (in %d bytes; K, M and G are understood)", def.unit)
			}
			if len(def.words) > 0 {
				what += ", or " + strings.Join(def.words, ", ")
			}
			return what
		}
	}
	return ""
}

// normalValue is a value that is equal for all ways of writing it: numbers in units, everything else as it is.
func normalValue(section string, o Option) string {
	if o.Name == "protocol" {
		return strings.ToUpper(o.Value)
	}
	for _, d := range []Dialect{V9, V84} {
		if def := lookup(d, section, o.Name); def != nil {
			if n, ok := units(o.Value, max(def.unit, 1)); ok && strings.HasPrefix(def.typ, "number") {
				return strconv.FormatUint(n, 10)
			}
			break
		}
	}
	return o.Value
}

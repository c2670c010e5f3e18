package v1

import (
	"slices"
	"strings"
)

// KnownOption is an upstream option as hactl explain tells of it.
type KnownOption struct {
	Name string
	// Type says what its values are: "text", "true or false", "time span", …
	Type string
	// Words are all that it may be, where they are few.
	Words []string
}

// OptionTable is what an `options` tag stands for.
type OptionTable struct {
	// Of says whose options they are: "property of Pacemaker".
	Of string
	// Manual is where upstream lists them; "" where the table is open.
	Manual string
	// Open tells that other names are taken as well.
	Open    bool
	Options []KnownOption
}

// OptionTables lists the names of the tables.
func OptionTables() []string {
	var names []string
	for n := range optionTables {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// LookupOptions gives the table of an `options` tag, without the options that hactl refuses.
func LookupOptions(table string) OptionTable {
	t := optionTables[table]
	known := OptionTable{Of: t.of, Manual: t.manual, Open: t.open}
	for _, o := range t.options {
		if o.typ != forbidden {
			known.Options = append(known.Options, KnownOption{o.name, optionTypeNames[o.typ], strings.Fields(o.words)})
		}
	}
	return known
}

var optionTypeNames = map[optionType]string{
	anyText:     "text",
	truth:       "true or false",
	number:      "whole number",
	count:       "whole number from 0",
	timeSpan:    "time span",
	score:       "score",
	zeroOne:     "1 or 0",
	yesNo:       "yes or no",
	percent:     "percentage",
	words:       "word",
	anyCaseWord: "word",
}

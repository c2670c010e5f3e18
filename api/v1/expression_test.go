package v1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseExpression(t *testing.T) {
	for text, want := range map[string]string{ // the tree as text, where every join has its parentheses
		"defined pingd":                              "defined pingd",
		"not_defined pingd or pingd lt 100":          "not_defined pingd or pingd lt 100",
		"a eq 1 or b eq 2 and c eq 3":                "a eq 1 or (b eq 2 and c eq 3)",
		"a eq 1 and b eq 2 or c eq 3":                "(a eq 1 and b eq 2) or c eq 3",
		"(a eq 1 or b eq 2) or c eq 3":               "(a eq 1 or b eq 2) or c eq 3",
		"((a eq 1))":                                 "((a eq 1))",
		"a eq 1 and(b eq 2)":                         "a eq 1 and (b eq 2)",
		"#uname eq string node1":                     "#uname eq string node1",
		`"date" gt integer meta x`:                   `"date" gt integer meta x`,
		`a eq "string"`:                              `a eq "string"`,
		`a eq 'it''s'`:                               `a eq its`,
		`a eq 'a b'`:                                 `a eq "a b"`,
		`a eq "\"\\\n\t"`:                            `a eq "\"\\\n\t"`,
		`a eq ""`:                                    `a eq ""`,
		"a ne ()":                                    "a ne ()",
		"date gt 2024-01-01":                         "date gt 2024-01-01",
		`date lt "2024-01-01 10:00"`:                 `date lt "2024-01-01 10:00"`,
		"date in_range 2024-01-01 to 2025-01-01":     "date in_range 2024-01-01 to 2025-01-01",
		"date in_range to 2025-01-01":                "date in_range to 2025-01-01",
		"date in_range 2024-01-01":                   "date in_range 2024-01-01",
		"date in_range 2024 duration":                "date in_range 2024 duration",
		"date in_range 2024 duration months=1":       "date in_range 2024 duration months=1",
		"date in_range 2024 to duration months=1":    "date in_range 2024 duration months=1", // as pcs writes it
		"date in_range 1 to 2 duration days=3":       "date in_range 1 to 2 duration days=3",
		"date-spec hours=9-16 weekdays=1-5 and a lt": "",
		"date-spec hours=9-16 weekdays=1-5":          "date-spec hours=9-16 weekdays=1-5",
		"date-spec":                                  "date-spec",
		"resource ocf:heartbeat:IPaddr2":             "resource ocf:heartbeat:IPaddr2",
		"resource systemd::a:b":                      "resource systemd::a:b",
		"resource ::":                                "resource ::",
		"op monitor interval=10s and resource ocf::": "op monitor interval=10s and resource ocf::",
		`op "and"`:                                   `op "and"`,
	} {
		e, err := ParseExpression(text)
		if want == "" {
			if err == nil {
				t.Errorf("%s: read as %s", text, e)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if e.String() != want {
			t.Errorf("%s: read as %s, want %s", text, e, want)
		}
	}
	e, err := ParseExpression("not_defined pingd or pingd lt 100 and (date-spec hours=9-16)")
	if err != nil {
		t.Fatal(err)
	}
	hundred, hours := "100", "9-16"
	want := &Expression{Join: "or", Parts: []Expression{
		{Attribute: &AttributeTest{Attribute: "pingd", Operation: "not_defined"}},
		{Join: "and", Parts: []Expression{
			{Attribute: &AttributeTest{Attribute: "pingd", Operation: "lt", Value: &hundred}},
			{Join: "and", Parts: []Expression{{Date: &DateTest{Operation: "date_spec", Spec: []NameValue{{Name: "hours", Value: &hours}}}}}},
		}},
	}}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestParseExpressionErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "at the end: a test is missing, such as: defined ATTRIBUTE, ATTRIBUTE eq VALUE",
		"pingd gtt 100":             `at character 7 (gtt): unknown operator; did you mean "gt"?`,
		"pingd < 100":               "at character 7 (<): unknown operator; write lt",
		"pingd contains 100":        "at character 7 (contains): unknown operator; known here: eq, gt, gte, lt, lte, ne",
		"pingd defined":             "at character 7 (defined): it stands before the attribute: write defined pingd",
		"pingd":                     "at the end: pingd needs an operator and a value, such as: pingd eq VALUE; or write defined pingd",
		"pingd lt":                  "at the end: the value to compare with is missing",
		"pingd eq number":           "at the end: the value to compare with is missing",
		"pingd eq and":              `at character 10 (and): the value to compare with is missing; if it is the word and itself, write "and" in quotes`,
		"é eq a b":                  "at character 8 (b): and, or or the end must follow a test; a text with blanks in it must stand in double quotes",
		"a eq 1 or":                 "at the end: a test is missing, such as: defined ATTRIBUTE, ATTRIBUTE eq VALUE",
		"(a eq 1":                   "at character 1 ((): the parenthesis is never closed",
		"a eq 1)":                   "at character 7 ()): no parenthesis is open here; remove it",
		`a eq "b`:                   `at character 6 (b): the quote " never ends`,
		"a eq (b)":                  "at character 6 ((): a value cannot begin with a parenthesis; put it in double quotes",
		"date after 2024":           "at character 6 (after): after date stands gt, lt or in_range; an attribute with the name date is written \"date\"",
		"date > 2024":               "at character 6 (>): unknown operator; write gt",
		"date date_spec hours=1":    "at character 6 (date_spec): write date-spec NAME=VALUE, without date before it",
		"date in_range":             "at character 6 (in_range): needs a date: date in_range START to END, or date in_range START duration NAME=VALUE",
		"date-spec hour=1":          `at character 11 (hour=1): unknown part of date-spec; did you mean "hours"?`,
		"date-spec hours=":          "at character 11 (hours=): hours has no value",
		"date-spec hours":           "at character 11 (hours): date-spec takes NAME=VALUE, such as hours=9-16",
		"date-spec hours=1 hours=2": "at character 19 (hours=2): hours is given twice",
		"resource IPaddr2":          "at character 10 (IPaddr2): write CLASS:PROVIDER:TYPE, each of which may be empty, such as ::IPaddr2",
		"resource systemd:x":        "at character 10 (systemd:x): two colons are needed: write systemd::x (class and type) or systemd:x: (class and provider)",
		"op monitor timeout=3":      "at character 12 (timeout=3): only interval=INTERVAL may follow op monitor",
		strings.Repeat("(", 1000):   "at character 65 ((): nested more than 64 levels deep",
	} {
		if e, err := ParseExpression(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, %v\nwant %s", text, e, err, want)
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{"not_defined pingd or pingd lt 100", `(a eq "b \" c" and date gt 2024) or op monitor interval=1s`, "date-spec hours=9-16 weekdays='1'",
		"resource ocf:heartbeat:x", "a ne version meta x", "date in_range a to b duration days=1", "((((", "a eq ()"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseExpression(s)
		if err != nil {
			return
		}
		again, err := ParseExpression(e.String())
		if err != nil || !cmp.Equal(e, again) {
			t.Fatalf("%q: %v: %s", e, err, cmp.Diff(e, again))
		}
	})
}

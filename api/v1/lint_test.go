package v1

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

// The list of lints is what documentation is made from.
func TestLints(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)*$`)
	last := ""
	for _, l := range Lints() {
		if !form.MatchString(l.ID) || !strings.HasSuffix(l.Explanation, ".") {
			t.Errorf("%q: %q", l.ID, l.Explanation)
		}
		if l.ID <= last {
			t.Errorf("%s stands behind %s", l.ID, last)
		}
		last = l.ID
	}
}

// Silencing every lint that an error names makes the manifests load; what has no lint cannot be silenced.
func TestIgnore(t *testing.T) {
	text := cluster + `---
apiVersion: hactl/v1
kind: Constraint
metadata:
  name: c1
  ignore: IGNORE
spec:
  order: {first: nothing, then: nothing, kind: Serialize, symmetrical: true}
`
	_, err := Load([]File{{"m", []byte(strings.Replace(text, "IGNORE", "[]", 1))}})
	var errs Errors
	if !errors.As(err, &errs) {
		t.Fatal(err)
	}
	ignore := ""
	for _, e := range errs {
		if e.Lint == "" || !strings.HasSuffix(e.Error(), " ["+e.Lint+"]") {
			t.Errorf("%v has no lint", e)
		}
		ignore += "{lint: " + e.Lint + ", reason: x}, "
	}
	if m := load(t, strings.Replace(text, "IGNORE", "["+ignore+"]", 1)); len(m.Constraints) != 1 {
		t.Errorf("%+v", m)
	}
}

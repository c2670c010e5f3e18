package main

import (
	"encoding/json"
	"testing"
)

// Where the same is to be done, but not to the same, the objects that stand otherwise are named.
func TestDifferenceNamesTheObjects(t *testing.T) {
	ops := func(data string) []savedOp {
		var d any
		if err := json.Unmarshal([]byte(data), &d); err != nil {
			t.Fatal(err)
		}
		return []savedOp{{Do: "cibadmin --patch", Op: "patch", Data: d}}
	}
	pins := func(a, b string) []savedOp {
		return ops(`{"cluster": "c", "pins": [{"object": {"kind": "Resource", "name": "A"}, "id": "A", "digest": "` + a + `"},
			{"object": {"kind": "Resource", "name": "B"}, "id": "B", "digest": "` + b + `"}]}`)
	}
	for _, x := range []struct {
		was, is []savedOp
		want    string
	}{
		{pins("1", "2"), pins("1", "3"), ": Resource/B"},
		{pins("1", "2"), pins("4", "3"), ": Resource/A, Resource/B"},
		{ops(`{"cluster": "c"}`), pins("1", "2"), ""},
		{ops(`{"pins": "odd"}`), pins("1", "2"), ""},
		{ops(`{"schema": "1"}`), ops(`{"schema": "2"}`), ""},
		{ops(`{"schema": "1", "judged": "x"}`), ops(`{"schema": "1", "judged": "y"}`), ": something that the plan neither reads nor writes"},
		{ops(`{"schema": "1", "judged": "x"}`), ops(`{"schema": "2", "judged": "y"}`), ""},
		{[]savedOp{{Do: "a\nb"}}, []savedOp{{Do: "a\nc"}}, `: "c", was "b"`},
	} {
		if got := difference(x.was, x.is); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}

package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
)

func TestSeen(t *testing.T) {
	move := reconcile.Seen{Reaction: reconcile.Reaction{Action: "move", Resource: "VIP", From: "node1", To: "node2"}, Became: reconcile.CameTrue}
	lost := move
	lost.Became, lost.Instead = reconcile.Other, "start on node2 failed: error (no such file or directory), move from node2 to node3"
	missed := reconcile.Seen{Reaction: reconcile.Reaction{Action: "fence", Node: "node3"}, Became: reconcile.NotSeen}
	var many reconcile.Comparison
	for i := range 23 {
		many.Also = append(many.Also, reconcile.Happening{Action: "restart", Resource: fmt.Sprintf("r%02d", i), Node: "node1"})
	}
	for want, c := range map[string]*reconcile.Comparison{
		"":                                 nil,
		"as predicted: 1 of 1 reactions\n": {Foretold: []reconcile.Seen{move}},
		"as predicted: 1 of 3 reactions\n" +
			"  VIP: foretold: move from node1 to node2; seen: start on node2 failed: error\n    (no such file or directory), move from node2 to node3\n" +
			"  node3: foretold: fence; not seen\n  web: not foretold: restart or reload on node1\n": {Foretold: []reconcile.Seen{move, lost, missed},
			Also: []reconcile.Happening{{Action: "restart", Resource: "web", Node: "node1", Vague: true}}},
	} {
		var b bytes.Buffer
		if err := SeenText(&b, c, Style{}); err != nil || b.String() != want {
			t.Errorf("%v, told\n%s\nwant\n%s", err, b.String(), want)
		}
	}
	var b bytes.Buffer
	if err := SeenText(&b, &many, Style{}); err != nil || strings.Count(b.String(), "\n") != maxDeviations+2 || !strings.HasSuffix(b.String(), "and 3 more (hactl history -o json)\n") {
		t.Errorf("%v, many are told as\n%s", err, b.String())
	}
}

func TestResultJSON(t *testing.T) {
	c := &reconcile.Comparison{Foretold: []reconcile.Seen{{Reaction: reconcile.Reaction{Action: "stop", Resource: "A", From: "n1"}, Became: reconcile.NotSeen}}}
	for name, tc := range map[string]struct {
		res    reconcile.Result
		failed error
		want   []string
		not    []string
	}{
		"done":      {reconcile.Result{Steps: 2, Rounds: 1, Seen: c}, nil, []string{`"result": "done"`, `"compared": true`, `"became": "not seen"`, `"from": "n1"`, `"seconds": 1.5`}, []string{`"error"`}},
		"failed":    {reconcile.Result{Rounds: 1}, errors.New("no way"), []string{`"result": "failed"`, `"compared": false`, `"error": "no way"`}, []string{"foretold"}},
		"back":      {reconcile.Result{Rounds: 1, Seen: c}, &reconcile.RolledBackError{}, []string{`"result": "rolled back"`, `"foretold"`}, nil},
		"cancelled": {reconcile.Result{Rounds: 1}, reconcile.ErrInterrupted, []string{`"result": "interrupted"`}, nil},
	} {
		var b bytes.Buffer
		if err := ResultJSON(&b, "web", tc.res, 1500*time.Millisecond, tc.failed); err != nil || !json.Valid(b.Bytes()) {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
		for _, w := range tc.want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: no %s in\n%s", name, w, b.String())
			}
		}
		for _, w := range tc.not {
			if strings.Contains(b.String(), w) {
				t.Errorf("%s: %s in\n%s", name, w, b.String())
			}
		}
	}
}

package view

import (
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

func TestReaction(t *testing.T) {
	because := func(kind, name, path string, line int) reconcile.Cause {
		return reconcile.Cause{Object: reconcile.Ref{Kind: kind, Name: name}, Path: path, Source: v1.Pos{File: "dir/c.yaml", Line: line, Col: 3}}
	}
	ip, web := because("Resource", "vip", "params.ip", 12), because("Constraint", "web", "location.score", 30)
	for want, r := range map[string]reconcile.Reaction{
		"restart  vip                      on n1  (params.ip, c.yaml:12)":                                 {Action: "restart", Resource: "vip", From: "n1", To: "n1", Reason: "x", Causes: []reconcile.Cause{ip}},
		"stop     vip:1                    on n1  (params.ip, c.yaml:12)":                                 {Action: "stop", Resource: "vip:1", From: "n1", Causes: []reconcile.Cause{ip}},
		"move     db                       n1 → n2\n      (Constraint/web location.score, c.yaml:30)":     {Action: "move", Resource: "db", From: "n1", To: "n2", Causes: []reconcile.Cause{web}},
		"stop     vip                      on n1\n      (params.ip and Constraint/web location.score)":    {Action: "stop", Resource: "vip", From: "n1", Causes: []reconcile.Cause{ip, web}, Jointly: true},
		"stop     vip                      on n1  (params.ip or 2 more)":                                  {Action: "stop", Resource: "vip", From: "n1", Causes: []reconcile.Cause{ip, web, web}},
		"start    vip                      on n1  (Resource/vip, c.yaml:9)":                               {Action: "start", Resource: "vip", To: "n1", Causes: []reconcile.Cause{because("Resource", "vip", "", 9)}},
		"fence    n3  (peer is no longer part of the cluster)":                                            {Action: "fence", Node: "n3", Reason: "peer is no longer part of the cluster"},
		"monitor  vip                      on n1\n      (every 20s instead of 10s; params.ip, c.yaml:12)": {Action: "monitor", Resource: "vip", To: "n1", Reason: "every 20s instead of 10s", Causes: []reconcile.Cause{ip}},
		"cannot-run vip": {Action: "cannot-run", Resource: "vip"},
	} {
		if got := reaction(r); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

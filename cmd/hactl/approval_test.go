package main

import (
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/policy"
)

// Nobody needs to approve what the policy does by itself, unless it failed: then hactl watch tries it again only if somebody says so.
func TestApprovable(t *testing.T) {
	p, err := policy.Of(nil)
	if err != nil {
		t.Fatal(err)
	}
	in := policy.Input{Risk: reconcile.ReloadRisk, Digest: "sha256:1"}
	if err := approvable(p, in, "", false); err == nil || !strings.Contains(err.Error(), "there is nothing to approve") {
		t.Error(err)
	}
	if err := approvable(p, in, "1", true); err != nil {
		t.Error(err)
	}
	if err := approvable(p, in, "sha256:2", true); err == nil || !strings.Contains(err.Error(), "the plan is now sha256:1, not sha256:2") {
		t.Error(err)
	}
}

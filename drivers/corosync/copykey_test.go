package corosync

import (
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// A key whose machine is not known is an error and not a panic.
func TestCopyKeyWithoutSource(t *testing.T) {
	err := CopyKey{From: "n1", Path: keyPath}.Do(t.Context(), nil, func(reconcile.Progress) {})
	if err == nil || !strings.Contains(err.Error(), "n1: no such machine") {
		t.Errorf("got %v", err)
	}
}

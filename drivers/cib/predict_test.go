package cib

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// noScheduler is a member on which crm_simulate fails at once and crm_verify takes its time.
type noScheduler struct{ reconcile.Host }

func (noScheduler) Name() string { return "n1" }

func (noScheduler) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	if c.Argv[0] != "crm_verify" {
		return nil, &reconcile.ExitError{Host: "n1", Argv: c.Argv, Code: 127}
	}
	select {
	case <-time.After(time.Second):
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Where the scheduler cannot be asked the plan says so; that it failed first does not cut crm_verify short.
func TestPredictWithoutScheduler(t *testing.T) {
	want := desired(t, web)
	have := observed(want, fresh)
	steps, err := New("default").Plan(want, have)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		pr, err := New("default").Predict(t.Context(), reconcile.Hosts{noScheduler{}}, want, have, steps)
		if err != nil || !strings.Contains(pr.Unavailable, "the scheduler gave no answer") {
			t.Errorf("%v, unavailable: %q", err, pr.Unavailable)
		}
	})
}

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

// With Pacemaker's own scheduler a plan predicts what sim's then does.
func TestPrediction(t *testing.T) {
	if !local.HasTool("crm_simulate") || !local.HasTool("crm_verify") {
		t.Skip("NOT TESTED: crm_simulate is not installed")
	}
	err := bubble(t, func(ctx context.Context) error {
		s := scenario{from: pair + dummies, to: pair + fewer, prune: true}
		c, err := s.before(ctx)
		if err != nil {
			return err
		}
		c.Tools = local.Tools{}
		r := run{want: load(fatal{}, s.to), prune: true}
		res, err := r.apply(ctx, c.Client())
		if err != nil {
			return err
		}
		if p := res.First.Prediction; p.Unavailable != "" || !slices.ContainsFunc(p.Reactions, func(x reconcile.Reaction) bool { return x.Resource == "B" && x.Action == "stop" }) {
			err = fmt.Errorf("the stop of B was not predicted: %+v", p)
		}
		time.Sleep(time.Second)
		return errors.Join(err, r.left(ctx, c), foreign(c, true))
	})
	if err != nil {
		t.Error(err)
	}
}

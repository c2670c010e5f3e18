package cib

import (
	"context"

	"github.com/hactl/hactl/reconcile"
)

// Predict asks the scheduler of the cluster what the steps will cause.
func (d *Driver) Predict(ctx context.Context, hosts reconcile.Hosts, want, have State, steps []reconcile.Step) (reconcile.Prediction, error) {
	return reconcile.Prediction{Unavailable: "not built"}, nil
}

package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// predictRecord predicts where the CIB comes from a file, with the scheduler of the machine that the hosts name. It may be of another
// version than the cluster's, and has none of its agents: these are not asked.
func (p *planner) predictRecord(ctx context.Context, hosts reconcile.Hosts, limit time.Duration) (reconcile.Prediction, error) {
	live, proposed := p.live.Copy(), p.work.Copy()
	h, assumed, err := p.have.scheduler(ctx, hosts, live, proposed)
	if ctx.Err() != nil {
		return reconcile.Prediction{}, context.Cause(ctx)
	}
	if err != nil {
		return reconcile.Prediction{Unavailable: err.Error()}, nil //nolint:nilerr // told as unavailable
	}
	var pr reconcile.Prediction
	var verdict error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { pr, err = p.foretell(gctx, h, live, proposed, limit); return err })
	g.Go(func() error { verdict = verifyNew(gctx, h, live, proposed); return nil })
	err = g.Wait()
	if ctx.Err() != nil {
		return reconcile.Prediction{}, context.Cause(ctx)
	}
	var invalid *InvalidError
	if errors.As(verdict, &invalid) {
		return reconcile.Prediction{}, p.placed(invalid)
	}
	if err != nil {
		return reconcile.Prediction{Unavailable: unanswered(err)}, nil
	}
	pr.Assumed = assumed
	pr.Unknown = slices.Concat(pr.Unknown, p.unpredictable(pr.Reactions), p.private())
	if verdict != nil {
		pr.Unknown = append(pr.Unknown, fmt.Sprintf("whether Pacemaker takes the configuration: %v", verdict))
	}
	return pr, nil
}

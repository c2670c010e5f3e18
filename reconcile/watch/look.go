package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// look is what one look at a cluster found.
type look struct {
	at          time.Time
	observation *reconcile.Observation
	plan        *reconcile.Plan
	digest      string
	health      []reconcile.Health
	failed      string // why the manifests could not be applied before
}

// seen is a look whose health and failures are not known yet: the verdict finds them out.
func seen(o *reconcile.Observation, p *reconcile.Plan) *look {
	return &look{at: o.At, observation: o, plan: p, digest: p.Digest()}
}

// look observes and plans. Nothing is changed.
func (w *worker) look(ctx context.Context, s *session) (*look, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	o, err := s.engine.Observe(ctx)
	if err == nil && len(o.Unreachable) > 0 && len(o.Unreachable) == len(s.engine.Hosts) {
		err = fmt.Errorf("no machine can be reached: %w", o.Unreachable[0])
	}
	var p *reconcile.Plan
	if err == nil {
		p, err = s.engine.Plan(ctx, o)
	}
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
			err = fmt.Errorf("it took longer than %v: %w", lookLimit, err)
		}
		return nil, err
	}
	return seen(o, p), nil
}

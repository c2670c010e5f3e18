package cib

import (
	"context"
	"errors"
	"fmt"

	"github.com/beevik/etree"
	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// predictRecord predicts where the CIB comes from a file, with the scheduler of the machine that the hosts name. It may be of another
// version than the cluster's, and has none of its agents: these are not asked.
func (p *planner) predictRecord(ctx context.Context, hosts reconcile.Hosts) (reconcile.Prediction, error) {
	if p.live.FindElement("/cib/status/node_state") == nil {
		// To the scheduler every node is then lost and to be fenced.
		return reconcile.Prediction{Unavailable: "the file has no status of the nodes (save it with: cibadmin --query)"}, nil
	}
	if len(hosts) == 0 {
		return reconcile.Prediction{Unavailable: "there is no machine to ask"}, nil
	}
	h := hosts[0]
	live, proposed := p.live.Copy(), p.work.Copy()
	for _, doc := range []*etree.Document{live, proposed} {
		// crm_simulate gives up where this is newer than its own; without it, it takes the file as it is.
		doc.Root().RemoveAttr("crm_feature_set")
	}
	var pr reconcile.Prediction
	var verdict error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { pr, err = p.foretell(gctx, h, live, proposed); return err })
	g.Go(func() error { verdict = verifyNew(gctx, h, live, proposed); return nil })
	err := g.Wait()
	if ctx.Err() != nil {
		return reconcile.Prediction{}, context.Cause(ctx)
	}
	var invalid *InvalidError
	if errors.As(verdict, &invalid) {
		return reconcile.Prediction{}, p.placed(invalid)
	}
	var unknown *reconcile.NotRecordedError
	switch {
	case errors.As(err, &unknown):
		return reconcile.Prediction{Unavailable: "Pacemaker's crm_simulate is not installed here (Debian: pacemaker-cli-utils; RHEL: pacemaker-cli)"}, nil
	case err != nil:
		return reconcile.Prediction{Unavailable: err.Error()}, nil //nolint:nilerr // told as unavailable, which gates take for the worst
	}
	pr.Unknown = p.unpredictable()
	if verdict != nil {
		pr.Unknown = append(pr.Unknown, fmt.Sprintf("whether Pacemaker takes the configuration: %v", verdict))
	}
	return pr, nil
}

package cib

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/beevik/etree"
	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// Predict asks the scheduler of the cluster what the change of the CIB will cause, less what happens anyway, and refuses a change that
// Pacemaker or an agent's metadata speak against.
func (d *Driver) Predict(ctx context.Context, hosts reconcile.Hosts, want, have State, steps []reconcile.Step) (reconcile.Prediction, error) {
	if !slices.ContainsFunc(steps, changesMore) {
		return reconcile.Prediction{}, nil // the record of ownership means nothing to Pacemaker
	}
	if want.Cluster == "" {
		return reconcile.Prediction{}, nil
	}
	p, err := newPlanner(want, have)
	if err != nil {
		return reconcile.Prediction{}, err
	}
	if len(p.edits) == 0 {
		return reconcile.Prediction{}, nil
	}
	offline := have.Recorded || have.Withheld != nil
	if !have.formed() || offline {
		if err := p.checkAgentsOffline(ctx); err != nil {
			return reconcile.Prediction{}, err
		}
	}
	if !have.formed() {
		return reconcile.Prediction{Unavailable: "no cluster runs yet"}, nil
	}
	if offline {
		pr, err := p.predictRecord(ctx, hosts, d.patience)
		return p.foresee(pr), err
	}
	h := hosts.Named(have.From)
	if h == nil {
		return reconcile.Prediction{Unavailable: "there is no machine to ask"}, nil
	}
	proposed := p.work.Copy()
	if err := raiseEpoch(proposed.Root()); err != nil {
		return reconcile.Prediction{}, err
	}
	pr := reconcile.Prediction{}
	var verdict, agents error
	var unknown []string
	var g errgroup.Group // without a context: a scheduler that cannot be asked is no verdict, and must not cut one short
	g.Go(func() (err error) {
		pr, err = p.foretell(ctx, h, withoutSecure(p.live.Copy()), withoutSecure(proposed.Copy()), d.patience)
		return err
	})
	g.Go(func() error { verdict = verifyNew(ctx, h, p.live.Document, proposed); return nil })
	g.Go(func() error { unknown, agents = p.checkAgents(ctx, h); return nil })
	simErr := g.Wait()
	var invalid *InvalidError
	if errors.As(verdict, &invalid) {
		verdict = p.placed(invalid)
	}
	if err := errors.Join(agents, verdict); err != nil {
		return reconcile.Prediction{}, err
	}
	if simErr != nil {
		return reconcile.Prediction{Unavailable: simErr.Error(), Unknown: unknown}, nil //nolint:nilerr // told as unavailable, which gates take for the worst
	}
	pr.Unknown = slices.Concat(pr.Unknown, unknown, p.unpredictable(pr.Reactions))
	return pr, nil
}

// changesMore tells whether a step does more than to take over what already is as wanted.
func changesMore(s reconcile.Step) bool {
	return slices.ContainsFunc(s.Changes, func(c reconcile.Change) bool { return c.Action != reconcile.Adopt || c.Risk != reconcile.Safe })
}

// foretell asks the scheduler on a machine what it would do with both CIBs, and finds out why, which may take until the limit.
func (p *planner) foretell(ctx context.Context, h reconcile.Host, live, proposed *etree.Document, limit time.Duration) (reconcile.Prediction, error) {
	var base, then []simulation
	begun := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { base, err = rounds(gctx, h, live); return err })
	g.Go(func() (err error) { then, err = rounds(gctx, h, proposed); return err })
	if err := g.Wait(); err != nil {
		return reconcile.Prediction{}, err
	}
	a := attribution{planner: p, live: live, host: h, base: base, stonith: stonithIDs(live), limit: limit}
	maps.Copy(a.stonith, stonithIDs(proposed))
	pr := reconcile.Prediction{Reactions: reactions(base, then, a.stonith)}
	for _, sims := range [][]simulation{base, then} {
		if last := sims[len(sims)-1]; last.unfinished() {
			pr.Unknown = []string{fmt.Sprintf("what follows transition %d, and what then cannot run: to execute it in the simulation takes more than %v", len(sims), maxExecution)}
		}
	}
	p.renamed(pr.Reactions)
	a.attribute(ctx, &pr, time.Since(begun)/time.Duration(max(len(base), len(then))))
	return pr, nil
}

// rounds simulates one transition after the other until the scheduler has nothing left to do.
func rounds(ctx context.Context, h reconcile.Host, doc *etree.Document) ([]simulation, error) {
	text, err := doc.WriteToString()
	if err != nil {
		return nil, err
	}
	return simulate(ctx, h, text)
}

func stonithIDs(doc *etree.Document) map[string]bool {
	ids := map[string]bool{}
	for _, f := range fenceDevices(doc) {
		ids[f.id] = true
	}
	return ids
}

var quoted = regexp.MustCompile(`["']([^"']+)["']|\b([A-Za-z_][\w.-]*)\b`)

// placed puts the place of the manifest before each error that names one of its objects.
func (p *planner) placed(e *InvalidError) error {
	var errs []string
	for _, text := range e.Errors {
		errs = append(errs, p.placeOf(text)+text)
	}
	return &InvalidError{errs}
}

func (p *planner) placeOf(text string) string {
	changed := map[reconcile.Ref]bool{}
	for _, c := range p.changes {
		changed[c.Object] = true
	}
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		token := m[1] + m[2]
		for _, exact := range []bool{true, false} { // an object of that name, then one that refers to it
			for _, o := range p.want.Objects {
				if !changed[o.Ref] || exact != (o.Ref.Name == token) {
					continue
				}
				if exact {
					return o.Pos[""].String() + ": "
				}
				if m[1] == "" {
					continue
				}
				for _, f := range p.wantedFields(&o) {
					if f.value == token {
						pos, ok := o.Pos[f.path()]
						if !ok {
							pos = o.Pos[""]
						}
						return fmt.Sprintf("%s: %s: ", pos, f.path())
					}
				}
			}
		}
	}
	return ""
}

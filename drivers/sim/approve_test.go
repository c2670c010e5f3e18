package sim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// look gives the plan now, and the consent that the cluster keeps.
func (r run) look(ctx context.Context, c *sim.Cluster) (*reconcile.Plan, reconcile.Consent, error) {
	e := r.engine(c.Client())
	o, err := e.Observe(ctx)
	if err != nil {
		return nil, reconcile.Consent{}, err
	}
	p, err := e.Plan(ctx, o)
	return p, e.Consent(o), err
}

// approve approves what there is to do.
func (r run) approve(ctx context.Context, client *sim.Client) (*reconcile.Plan, reconcile.Consent, error) {
	e := r.engine(client)
	e.Holder.Who = "jürgen o'neil@laptop"
	return e.Approve(ctx, reconcile.ApplyOptions{}, func(*reconcile.Observation, *reconcile.Plan) error { return nil })
}

func problems(c *sim.Cluster) error {
	if ps := c.Problems(); len(ps) > 0 {
		return errors.New(strings.Join(ps, "\n"))
	}
	return nil
}

// unrecorded takes the inventory out of the CIB, as in a cluster that hactl has never changed.
func unrecorded(c *sim.Cluster) {
	c.SetCIB(func(conf *etree.Element) {
		crm := conf.SelectElement("crm_config")
		for _, s := range crm.ChildElements() {
			if s.SelectAttrValue("id", "") == "hactl" {
				crm.RemoveChild(s)
			}
		}
	})
}

// What was approved is found by whoever looks next, for as long as the plan is the same, and the next change takes it away.
func TestApproval(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to string
		prune    bool
		before   func(*sim.Cluster)
	}{
		{name: "deletions", from: pair + dummies, to: pair + fewer, prune: true},
		{name: "a cluster without an inventory", from: pair + dummies, to: pair + fewer + alarm("one"), before: unrecorded},
		{name: "files alone", from: pair + dummies + alarm("one"), to: pair + dummies + alarm("two")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := bubble(t, func(ctx context.Context) error {
				s := scenario{from: tt.from, to: tt.to, prune: tt.prune}
				c, err := s.before(ctx)
				if err != nil {
					return err
				}
				if tt.before != nil {
					tt.before(c)
				}
				r := run{want: load(fatal{}, s.to), prune: s.prune}
				first, none, err := r.look(ctx, c)
				if err != nil || none != (reconcile.Consent{}) || first.Empty() {
					return fmt.Errorf("before: %+v, %d steps, %w", none, len(first.Steps), err)
				}
				p, given, err := r.approve(ctx, c.Client())
				if err != nil {
					return err
				}
				if given.Plan != first.Digest() || p.Digest() != first.Digest() {
					return fmt.Errorf("approved %s and %s, looked at %s", given.Plan, p.Digest(), first.Digest())
				}
				for range 2 { // again, by somebody else, in the same place
					time.Sleep(time.Hour)
					now, kept, err := r.look(ctx, c)
					if err != nil {
						return err
					}
					if kept != given || !kept.To(now) {
						return fmt.Errorf("kept %+v, given %+v, for %s", kept, given, now.Digest())
					}
					if _, given, err = r.approve(ctx, c.Client()); err != nil {
						return err
					}
				}
				// Another wish is another plan.
				other := run{want: load(fatal{}, tt.to+"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: Other}\nspec: {agent: ocf:pacemaker:Dummy}\n"), prune: s.prune}
				if now, kept, err := other.look(ctx, c); err != nil || kept != given || kept.To(now) {
					return fmt.Errorf("another plan is approved: %+v, %w", kept, err)
				}
				if n := strings.Count(c.CIB(), "hactl-approved"); n != 2 { // id and name
					return fmt.Errorf("%d approvals in the CIB", n)
				}
				if _, err := r.apply(ctx, c.Client()); err != nil {
					return err
				}
				if now, kept, err := r.look(ctx, c); err != nil || kept != (reconcile.Consent{}) || !now.Empty() {
					return fmt.Errorf("after: %+v, %w", kept, err)
				}
				if _, _, err := r.approve(ctx, c.Client()); !errors.Is(err, reconcile.ErrNothingToApprove) {
					return fmt.Errorf("nothing to do was approved: %w", err)
				}
				return errors.Join(r.left(ctx, c), foreign(c, true), problems(c))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// An approval outlives a run that died, until the CIB was changed: then it is gone, and what is left needs its own.
func TestApprovalOfWhatDied(t *testing.T) {
	s := scenario{from: pair + dummies, to: pair + fewer, prune: true}
	r := run{want: load(t, s.to), prune: true}
	kept, gone := 0, 0
	died := true
	for k := 1; died; k++ {
		err := bubble(t, func(ctx context.Context) error {
			c, err := s.before(ctx)
			if err != nil {
				return err
			}
			_, given, err := r.approve(ctx, c.Client())
			if err != nil {
				return err
			}
			client := c.Client().Kill(k, true)
			if _, err := r.apply(ctx, client); err != nil && !client.Killed() {
				return err
			}
			if died = client.Killed(); !died {
				return nil
			}
			time.Sleep(time.Minute)
			p, now, err := r.look(ctx, c)
			switch {
			case err != nil:
				return err
			case client.Patches() == 0 && (now != given || !now.To(p)):
				return fmt.Errorf("nothing was changed, and %+v is kept", now)
			case client.Patches() > 0 && now != (reconcile.Consent{}):
				return fmt.Errorf("the CIB was changed, and %+v is kept", now)
			case client.Patches() == 0:
				kept++
			default:
				gone++
			}
			return nil
		})
		if err != nil {
			t.Fatalf("killed at call %d: %v", k, err)
		}
	}
	if kept == 0 || gone == 0 {
		t.Errorf("%d runs died before their change, %d after it", kept, gone)
	}
}

// A change that is taken back does not bring its approval back: it would be made again.
func TestApprovalOfWhatIsTakenBack(t *testing.T) {
	err := bubble(t, func(ctx context.Context) error {
		s := scenario{from: pair + dummies, to: pair + fewer, prune: true}
		c, err := s.before(ctx)
		if err != nil {
			return err
		}
		r := run{want: load(fatal{}, s.to), prune: true, opt: reconcile.ApplyOptions{Confirm: 5 * time.Minute}}
		if _, _, err := r.approve(ctx, c.Client()); err != nil {
			return err
		}
		if _, err := r.apply(ctx, c.Client()); err != nil {
			return err
		}
		time.Sleep(6 * time.Minute)
		p, kept, err := r.look(ctx, c)
		if err != nil || p.Empty() || kept != (reconcile.Consent{}) {
			return fmt.Errorf("taken back, and kept %+v, %w", kept, err)
		}
		return problems(c)
	})
	if err != nil {
		t.Error(err)
	}
}

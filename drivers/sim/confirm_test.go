package sim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// What nobody confirms is as it was before, on the members' own account.
func TestNobodyConfirms(t *testing.T) {
	before := pair + dummies + alarm("one")
	err := bubble(t, func(ctx context.Context) error {
		s := scenario{from: before, to: pair + fewer + alarm("two"), prune: true}
		c, err := s.before(ctx)
		if err != nil {
			return err
		}
		r := run{want: load(fatal{}, s.to), prune: true, opt: reconcile.ApplyOptions{Confirm: 5 * time.Minute}}
		if _, err := r.apply(ctx, c.Client()); err != nil {
			return err
		}
		if len(c.Active("B")) > 0 || len(c.Node("n1").Timers()) != 1 {
			return fmt.Errorf("the change was not made, or not armed: %v %v", c.Active("B"), c.Node("n1").Timers())
		}
		var waiting *reconcile.WaitingError
		if _, err := r.apply(ctx, c.Client()); !errors.As(err, &waiting) && err != nil {
			return fmt.Errorf("a second run meanwhile: %w", err)
		}
		time.Sleep(6 * time.Minute)
		if len(c.Active("B")) != 1 || len(c.Active("D")) != 2 {
			return fmt.Errorf("not taken back: B on %v, D on %v", c.Active("B"), c.Active("D"))
		}
		for _, h := range c.Hosts() {
			files := c.Node(h.Name()).Files()
			if history := files[reconcile.JournalPath].Content.Reveal(); !strings.Contains(history, `"rolled back"`) {
				return fmt.Errorf("the journal of %s says nothing of it: %s", h.Name(), history)
			}
			if script := files["/var/lib/alarm.sh"].Content.Reveal(); !strings.Contains(script, "one") {
				return fmt.Errorf("the alert's script on %s is not as before: %s", h.Name(), script)
			}
		}
		// Secrets are never rolled back: the files went with the resource, and the next run writes them. In the CIB there is nothing to do.
		client := c.Client()
		if _, err := (run{want: load(fatal{}, before)}).apply(ctx, client); err != nil || client.Patches() > 0 {
			return fmt.Errorf("the manifests before: %d changes of the CIB, %w", client.Patches(), err)
		}
		r.opt = reconcile.ApplyOptions{}
		if _, err := r.apply(ctx, c.Client()); err != nil {
			return err
		}
		return errors.Join(r.left(ctx, c), foreign(c, true))
	})
	if err != nil {
		t.Error(err)
	}
}

// A run that died anywhere, and that nobody confirms, leaves everything as it was before: also where it had written files and not come to its
// change of the CIB.
func TestNobodyConfirmsWhatDied(t *testing.T) {
	s := scenario{from: pair + dummies + alarm("one"), to: pair + fewer + alarm("two"), prune: true}
	r := run{want: load(t, s.to), prune: true, opt: reconcile.ApplyOptions{Confirm: 5 * time.Minute}}
	restored := 0
	died := true
	for k := 1; died; k++ {
		if testing.Short() && k%7 != 1 {
			continue
		}
		err := bubble(t, func(ctx context.Context) error {
			c, err := s.before(ctx)
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
			for _, h := range c.Hosts() {
				if client.Patches() == 0 && strings.Contains(c.Node(h.Name()).Files()["/var/lib/alarm.sh"].Content.Reveal(), "two") {
					restored++
				}
			}
			time.Sleep(6 * time.Minute)
			if len(c.Active("B")) != 1 || len(c.Active("D")) != 2 {
				return fmt.Errorf("not taken back: B on %v, D on %v", c.Active("B"), c.Active("D"))
			}
			for _, h := range c.Hosts() {
				if script := c.Node(h.Name()).Files()["/var/lib/alarm.sh"].Content.Reveal(); !strings.Contains(script, "one") {
					return fmt.Errorf("the alert's script on %s is not as before: %s\n%s", h.Name(), script, strings.Join(c.Log(), "\n"))
				}
			}
			return foreign(c, true)
		})
		if err != nil {
			t.Fatalf("killed at call %d: %v", k, err)
		}
	}
	if restored == 0 && !testing.Short() {
		t.Error("no run died between the files and the change of the CIB")
	}
}

func alarm(text string) string {
	return "---\napiVersion: hactl/v1\nkind: Alert\nmetadata: {name: alarm}\nspec: {path: /var/lib/alarm.sh, script: {content: \"#!/bin/sh\\n# " + text + "\\n\"}}\n"
}

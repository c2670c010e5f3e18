package sim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// What goes wrong during a change is told, unless it does not matter; and the next run brings everything to its end.
func TestFaults(t *testing.T) {
	token := strings.Replace(pair, "  prepare:", "  totem: {token: 5000}\n  prepare:", 1)
	for _, x := range []struct {
		name  string
		fault sim.Fault
		says  string // empty: the run copes
	}{
		{"somebody else changes the CIB, again and again", sim.Fault{Command: "cibadmin --patch", Times: 5, Effect: sim.Moves}, ""},
		{"the patch fails", sim.Fault{Command: "cibadmin --patch", Effect: sim.Fails}, "exit code 1"},
		{"the patch hangs", sim.Fault{Command: "cibadmin --patch", Effect: sim.Hangs}, "exit code 124"},
		{"the patch does nothing", sim.Fault{Command: "cibadmin --patch", Effect: sim.Lies}, "still runs on"},
		{"the answer to the patch is lost", sim.Fault{Command: "cibadmin --patch", Effect: sim.Lost}, "connection reset"},
		{"a node goes at the checkpoint", sim.Fault{Node: "n1", Command: "hactl-checkpoint", Effect: sim.Unreachable}, ""},
		{"a write of a secret is lost", sim.Fault{Command: "write /var/lib/pacemaker/lrm/secrets/B/envfile", After: 1, Effect: sim.Lost}, "connection reset"},
		{"corosync.conf is not written although it says so", sim.Fault{Node: "n2", Command: "write /etc/corosync/corosync.conf", Effect: sim.Lies}, "does not hold what was written"},
		{"the reload fails", sim.Fault{Command: "corosync-cfgtool -R", Effect: sim.Fails}, "corosync-cfgtool"},
		{"the reload does nothing", sim.Fault{Command: "corosync-cfgtool -R", Effect: sim.Lies}, "corosync-cfgtool"},
		{"the journal cannot be written", sim.Fault{Command: "hactl-journal", Times: 2, Effect: sim.Fails}, ""},
		{"the look hangs", sim.Fault{Node: "n1", Command: "hactl-look ", Effect: sim.Hangs}, "exit code 124"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := scenario{from: pair + dummies, to: token + fewer, prune: true}
			if strings.Contains(x.fault.Command, "secrets") {
				s = scenario{from: pair, to: pair + dummies}
			}
			err := bubble(t, func(ctx context.Context) error {
				c, err := s.before(ctx)
				if err != nil {
					return err
				}
				r := run{want: load(fatal{}, s.to), prune: s.prune}
				c.Faults = []*sim.Fault{&x.fault}
				_, err = r.apply(ctx, c.Client())
				if x.says == "" && err != nil || x.says != "" && (err == nil || !strings.Contains(err.Error(), x.says)) {
					return fmt.Errorf("%w, want %q", err, x.says)
				}
				if x.says != "" {
					if _, err := r.apply(ctx, c.Client()); err != nil {
						return fmt.Errorf("the next run: %w", err)
					}
				}
				return errors.Join(r.left(ctx, c), foreign(c, true))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Two runs at once: one of them has the lock, the other one says who.
func TestLocked(t *testing.T) {
	err := bubble(t, func(ctx context.Context) error {
		m := load(fatal{}, pair+dummies)
		c := simulated(m)
		first := c.Client()
		lock, err := first.Lock(ctx, first.Hosts(), reconcile.Holder{Who: "somebody"})
		if err != nil {
			return err
		}
		_, err = run{want: m}.apply(ctx, c.Client())
		var locked *reconcile.LockedError
		if !errors.As(err, &locked) || locked.Holder.Who != "somebody" {
			return fmt.Errorf("a second run: %w", err)
		}
		lock.Release()
		_, err = run{want: m}.apply(ctx, c.Client())
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// sim tells what no run of hactl may do.
func TestProblems(t *testing.T) {
	err := bubble(t, func(ctx context.Context) error {
		m := load(fatal{}, pair+dummies)
		c := simulated(m)
		if _, err := (run{want: m}).apply(ctx, c.Client()); err != nil {
			return err
		}
		time.Sleep(time.Second)
		h := c.Hosts()[0]
		var errs []error
		for _, x := range []struct {
			cmd  reconcile.Cmd
			says string
		}{
			{reconcile.Cmd{Argv: []string{"rm", "-f", "/etc/hosts"}, Mutates: true}, "without the lock"},
			{reconcile.Cmd{Argv: []string{"systemctl", "stop", "haproxy"}}, "not marked as changing"},
			{reconcile.Cmd{Argv: []string{"no-such-tool"}}, "not known here"},
			{reconcile.Cmd{Argv: []string{"sh", "-c", "echo", "no-such-script"}}, "not known here"},
			{reconcile.Cmd{Argv: []string{"cibadmin", "--patch", "--xml-pipe"}, Mutates: true, Stdin: []byte(deleting(c.CIB(), "A"))}, "A was deleted from the CIB while it ran"},
		} {
			_, _ = h.Run(ctx, x.cmd) // some of them fail, all are told
			if all := strings.Join(c.Problems(), "\n"); !strings.Contains(all, x.says) {
				errs = append(errs, fmt.Errorf("%v: no %q in %s", x.cmd.Argv, x.says, all))
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Error(err)
	}
}

// deleting is a patch that deletes a member of the group G.
func deleting(cib, id string) string {
	value := func(name string) string {
		_, rest, _ := strings.Cut(cib, " "+name+`="`)
		v, _, _ := strings.Cut(rest, `"`)
		return v
	}
	source := fmt.Sprintf(`admin_epoch="%s" epoch="%s" num_updates="%s"`, value("admin_epoch"), value("epoch"), value("num_updates"))
	return `<diff format="2"><version><source ` + source + `/><target ` + source + `/></version><change operation="delete" path="/cib/configuration/resources/group[@id='G']/primitive[@id='` +
		id + `']"/></diff>`
}

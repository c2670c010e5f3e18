package sim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// scenario is a change whose every point is tried as the end of hactl.
type scenario struct {
	name  string
	from  string // manifests that are applied before; empty: the machines are bare
	to    string
	prune bool
	// secret is the value of the secrets in the second run.
	secret string
	opt    reconcile.ApplyOptions
	// every tells that every call is tried, not every other one.
	every bool
	// late tells that nobody confirms what a dead run left, so that the members take it back.
	late bool
}

// before makes the cluster as it is before the change, with something in it that is none of hactl's business.
func (s scenario) before(ctx context.Context) (*sim.Cluster, error) {
	m := load(fatal{}, s.to)
	c := simulated(m)
	c.Lag = time.Second
	for _, n := range m.Cluster.Spec.Nodes {
		foreignFiles(c.Node(n.Name))
	}
	for _, h := range m.Cluster.Spec.Hosts {
		foreignFiles(c.Node(h.Name))
	}
	if s.from == "" {
		return c, nil
	}
	if _, err := (run{want: load(fatal{}, s.from)}).apply(ctx, c.Client()); err != nil {
		return nil, fmt.Errorf("the state before: %w", err)
	}
	foreignObjects(c)
	time.Sleep(2 * c.Lag)
	return c, nil
}

// everywhere applies the change, dies at the k-th call and runs again; and so on for the calls of the first run.
func (s scenario) everywhere(t *testing.T) {
	r := run{want: load(t, s.to), prune: s.prune, secret: s.secret, opt: s.opt}
	calls := 0
	err := bubble(t, func(ctx context.Context) error {
		c, err := s.before(ctx)
		if err != nil {
			return err
		}
		client := c.Client()
		_, err = r.apply(ctx, client)
		calls = client.Calls()
		if n := client.Patches(); n > 2 {
			err = errors.Join(err, fmt.Errorf("%d changes of the CIB", n))
		}
		return errors.Join(err, confirm(ctx, c, s.opt.Confirm), r.left(ctx, c), foreign(c, s.from != ""))
	})
	if err != nil {
		t.Fatalf("without a kill: %v", err)
	}
	first, step := 1, 1
	switch { // a sample, another one in each scenario
	case testing.Short():
		first, step = 1+len(s.name)%16, 16
	case !s.every:
		first, step = 1+len(s.name)%2, 2
	}
	for k := first; k <= calls; k += step {
		for _, took := range []bool{false, true} {
			err := bubble(t, func(ctx context.Context) error {
				c, err := s.before(ctx)
				if err != nil {
					return err
				}
				log := len(c.Log())
				client := c.Client().Kill(k, took)
				if _, err := r.apply(ctx, client); err != nil && !client.Killed() { // it may die of the last line in a journal
					return fmt.Errorf("the run that was to be killed: %w", err)
				}
				if s.late {
					time.Sleep(s.opt.Confirm + time.Minute)
				} else if err := confirm(ctx, c, s.opt.Confirm); err != nil {
					return fmt.Errorf("the confirmation: %w", err)
				}
				then := r
				then.opt = reconcile.ApplyOptions{}
				if _, err = then.finish(ctx, c); err != nil {
					err = fmt.Errorf("the next run: %w", err)
				}
				if err = errors.Join(err, r.left(ctx, c), foreign(c, s.from != "")); err != nil {
					return fmt.Errorf("%w\n%s", err, strings.Join(c.Log()[log:], "\n"))
				}
				return nil
			})
			if err != nil {
				t.Errorf("killed at call %d of %d (it had its effect: %t): %v", k, calls, took, err)
			}
		}
	}
	t.Logf("%d calls", calls)
}

// confirm keeps a change that waits for it, as hactl confirm does. Where a run died before its change, no member has anything to confirm, and the
// timers find that out when their time has come.
func confirm(ctx context.Context, c *sim.Cluster, within time.Duration) error {
	if within == 0 {
		return nil
	}
	client := c.Client()
	lock, err := client.Lock(ctx, client.Hosts(), reconcile.Holder{}) // sim asks for it; the change is a compare-and-swap
	if err != nil {
		return err
	}
	defer lock.Release()
	id, err := cib.Confirm(ctx, client.Hosts()[0])
	if err != nil {
		return err
	}
	if id != "" {
		return cib.New("default").Disarm(ctx, client.Hosts(), id)
	}
	time.Sleep(within + time.Minute)
	return nil
}

// fatal ends a test that cannot even begin.
type fatal struct{}

func (fatal) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

const pair = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: pair}
spec:
  nodes:
  - {name: n1, id: 1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: n2, id: 2, addresses: [10.77.0.2, 10.78.0.2]}
  prepare: {packages: {all: [haproxy]}, hostsFile: true, units: {haproxy: disabled}, startAtBoot: true}
  properties: {stonith-enabled: false, no-quorum-policy: stop}
`

const dummies = `---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: G}
spec:
  resources:
  - {name: A, agent: "ocf:pacemaker:Dummy", operations: [{name: monitor, interval: 10s}]}
  - {name: B, agent: "ocf:pacemaker:Dummy", params: {fake: b}, secrets: {envfile: {env: X}}, operations: [{name: monitor, interval: 10s}]}
  - {name: C, agent: "ocf:pacemaker:Dummy"}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: D}
spec: {agent: "ocf:pacemaker:Dummy", clone: {meta: {interleave: true}}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: g-after-d}
spec: {order: {first: D-clone, then: G}}
`

const role = "---\napiVersion: hactl/v1\nkind: ACLRole\nmetadata: {name: reader}\nspec: {permissions: [{kind: read, xpath: /cib}]}\n"

const fewer = `---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: G}
spec:
  resources:
  - {name: A, agent: "ocf:pacemaker:Dummy", operations: [{name: monitor, interval: 10s}]}
  - {name: C, agent: "ocf:pacemaker:Dummy"}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: E, renamedFrom: D}
spec: {agent: "ocf:pacemaker:Dummy", clone: {meta: {interleave: true}}}
`

func scenarios(t *testing.T) []scenario {
	token := strings.Replace(pair, "  prepare:", "  totem: {token: 5000}\n  prepare:", 1)
	single := strings.NewReplacer(", 10.78.0.1", "", ", 10.78.0.2", "").Replace(pair)
	transport := strings.Replace(single, "  prepare:", "  totem: {transport: udpu}\n  prepare:", 1)
	waitForAll := strings.Replace(pair, "  prepare:", "  quorum: {options: {wait_for_all: 0}}\n  prepare:", 1)
	window := func(ms string) string {
		return strings.Replace(pair, "  prepare:", "  quorum: {options: {last_man_standing: 1, last_man_standing_window: "+ms+", two_node: 0}}\n  prepare:", 1)
	}
	outside := strings.Replace(pair, "  prepare:", "  hosts: [{name: disks, address: 10.77.0.3, prepare: {packages: {all: [memcached]}, units: {memcached: disabled}}}]\n  prepare:", 1)
	return []scenario{
		{every: true, name: "a machine outside the cluster", from: pair, to: outside},
		{every: true, name: "the demo from bare nodes", to: textOf(t, "../../examples/demo")},
		{every: true, name: "S4 from bare nodes", to: textOf(t, "../../examples/s4-haproxy")},
		{every: true, name: "a deletion with stops and a rename", from: pair + dummies, to: pair + fewer, prune: true},
		{name: "deletion of all", from: pair + dummies, to: pair + role, prune: true},
		{every: true, name: "a token", from: pair + dummies, to: token + dummies},
		{name: "a transport, and resources", from: single + dummies, to: transport + fewer, prune: true},
		{name: "a restart of corosync, and resources", from: pair + dummies, to: waitForAll + fewer, prune: true},
		{every: true, name: "an option whose restart only hactl's mark remembers", from: window("10000"), to: window("20000")},
		{name: "a change that waits for confirmation", from: pair + dummies, to: token + fewer, prune: true, opt: reconcile.ApplyOptions{Confirm: 5 * time.Minute}},
		{name: "a change that nobody confirms", from: pair + dummies, to: token + fewer, prune: true, opt: reconcile.ApplyOptions{Confirm: 5 * time.Minute}, late: true},
		{name: "a change that is watched", from: pair + dummies, to: pair + fewer, prune: true, opt: reconcile.ApplyOptions{Rollback: true}},
		{name: "a secret", from: pair + dummies, to: pair + dummies, secret: "another"},
	}
}

func textOf(t *testing.T, dir string) string {
	t.Helper()
	return fileText(t, dir)
}

func TestKilledAnywhere(t *testing.T) {
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.everywhere(t)
		})
	}
}

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// hush is the value of every secret.
const hush = "hush-hush"

type secrets string

func (s secrets) Value(*v1.Object, string) reconcile.Text { return reconcile.Secret(string(s)) }

func load(t interface{ Fatal(...any) }, text string) *v1.Manifests {
	ms, err := v1.Load([]v1.File{{Name: "m.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(fmt.Sprintf("%v\n%s", err, text))
	}
	return ms[0]
}

func read(t *testing.T, dir string) *v1.Manifests {
	t.Helper()
	files, err := v1.ReadPaths([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ms, err := v1.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return ms[0]
}

// run is one process of hactl.
type run struct {
	want   *v1.Manifests
	prune  bool
	secret string
	allow  []reconcile.Allow
	opt    reconcile.ApplyOptions
}

func (r run) engine(client *sim.Client) *reconcile.Engine {
	secret := r.secret
	if secret == "" {
		secret = hush
	}
	return &reconcile.Engine{Layers: drivers.All(drivers.Options{Prune: r.prune, NoCauses: true}), Hosts: client.Hosts(), Manifests: r.want,
		Secrets: secrets(secret), Locker: client, Holder: reconcile.Holder{Who: "test"}}
}

// everything but quorum, which would open the gate of a cluster in trouble.
var anything = []reconcile.Allow{{Risk: reconcile.RestartRisk}, {Risk: reconcile.Outage}, {Risk: reconcile.Redundancy}, {Risk: reconcile.Fence},
	{Risk: reconcile.AdoptRisk}}

func (r run) apply(ctx context.Context, client *sim.Client) (reconcile.Result, error) {
	opt := r.opt
	opt.Approve = func(*reconcile.Observation, *reconcile.Plan) error { return nil }
	opt.Allow = append(slices.Clone(anything), r.allow...)
	return r.engine(client).Apply(ctx, opt)
}

// finish applies after a run that died. Where that one left no cluster running, the first plan cannot know the deletions: they stop it after a round, and
// somebody looks and approves them with another run.
func (r run) finish(ctx context.Context, c *sim.Cluster) (*sim.Client, error) {
	client, blind := c.Client(), c.CIB() == ""
	_, err := r.apply(ctx, client)
	if blind && err != nil && strings.Contains(err.Error(), "more would happen than was approved") {
		client = c.Client()
		_, err = r.apply(ctx, client)
	}
	return client, err
}

// left says what another run would still do, and what of hactl's own is in the way of a tidy cluster.
func (r run) left(ctx context.Context, c *sim.Cluster) error {
	e := r.engine(c.Client())
	o, err := e.Observe(ctx)
	if err != nil {
		return err
	}
	p, err := e.Plan(ctx, o)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range p.Steps {
		errs = append(errs, fmt.Errorf("the next plan is not empty: %s %s %v", s.ID, s.Pending, s.Changes))
	}
	for _, what := range hactlsOwn.FindAllString(c.CIB(), -1) {
		errs = append(errs, fmt.Errorf("left in the CIB: %s", what))
	}
	for _, name := range e.Hosts.Names() {
		for path := range c.Node(name).Files() {
			if strings.HasPrefix(path, "/run/hactl") || strings.Contains(path, "/.hactl") || path == "/var/lib/hactl/corosync-restart" ||
				strings.HasPrefix(path, "/var/lib/hactl/confirm/") || strings.HasSuffix(path, "/cib.xml.hactl") {
				errs = append(errs, fmt.Errorf("left on %s: %s", name, path))
			}
		}
		for _, timer := range c.Node(name).Timers() {
			errs = append(errs, fmt.Errorf("left on %s: %s", name, timer))
		}
	}
	for _, problem := range c.Problems() {
		errs = append(errs, errors.New(problem))
	}
	return errors.Join(errs...)
}

var hactlsOwn = regexp.MustCompile(`"(hactl-(stop|order-|seed)[^"]*|(pending|undoing) [^"]*)"`)

// bubble runs f where waits take no time, and gives its error.
func bubble(t *testing.T, f func(ctx context.Context) error) (err error) {
	synctest.Test(t, func(t *testing.T) { err = f(t.Context()) })
	return err
}

func simulated(m *v1.Manifests) *sim.Cluster {
	var names []string
	for _, n := range m.Cluster.Spec.Nodes {
		names = append(names, n.Name)
	}
	for _, h := range m.Cluster.Spec.Hosts {
		names = append(names, h.Name)
	}
	c := sim.New(names...)
	for _, h := range m.Cluster.Spec.Hosts {
		c.Node(h.Name).SetAddresses(h.Address)
	}
	for _, n := range m.Cluster.Spec.Nodes {
		c.Node(n.Name).SetAddresses(n.Addresses...)
		if p := m.Cluster.Spec.Prepare; p == nil || p.Packages == nil {
			c.Node(n.Name).Install("corosync", "pacemaker", "haproxy", "memcached", "postgresql")
		}
	}
	return c
}

// The examples come up from bare machines, and the second run has nothing to do.
func TestExamples(t *testing.T) {
	for _, dir := range []string{"demo", "s4-haproxy", "s4-fenced", "s3-fencing", "s5-bare-nodes", "s12-postgresql", "s13-acl-alerts", "s16-scores"} {
		t.Run(dir, func(t *testing.T) {
			m := read(t, "../../examples/"+dir)
			err := bubble(t, func(ctx context.Context) error {
				c := simulated(m)
				c.Lag = time.Second
				client := c.Client()
				r := run{want: m}
				res, err := r.apply(ctx, client)
				if err != nil {
					return fmt.Errorf("%w\n%s\n%v", err, strings.Join(c.Log(), "\n"), c.Problems())
				}
				if client.Patches() > 2 {
					err = fmt.Errorf("%d changes of the CIB", client.Patches())
				}
				t.Logf("%d steps in %d rounds, %d calls that change something, %d changes of the CIB", res.Steps, res.Rounds, client.Calls(), client.Patches())
				return errors.Join(err, r.left(ctx, c))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

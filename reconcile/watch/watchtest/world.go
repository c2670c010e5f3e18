// Package watchtest runs a watch.Loop on clusters in memory, for the tests of what shows or tells it.
//
//	w := watchtest.Begin(t, true, nil)
//	w.Says("1", "db/c.yaml", watchtest.Cluster("db", "one"))
//
// Waits take real time: run it in a testing/synctest bubble, where they take none, or with a Lag of the simulated clusters that is short.
package watchtest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// Cluster is the manifests of a cluster of two nodes with a dummy whose parameter has that value.
func Cluster(name, fake string) string {
	return fmt.Sprintf(`apiVersion: hactl/v1
kind: Cluster
metadata: {name: %s}
spec:
  nodes:
  - {name: n1, id: 1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: n2, id: 2, addresses: [10.77.0.2, 10.78.0.2]}
  properties: {stonith-enabled: false, no-quorum-policy: stop}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: app}
spec: {agent: "ocf:pacemaker:Dummy", params: {fake: %q}, operations: [{name: monitor, interval: 10s}]}
`, name, fake)
}

// Anything is a policy that allows everything up to a loss of redundancy, Reloads one that allows nothing above reloads; both hold nothing.
const (
	Anything = "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: all}\nspec: {unattended: redundancy, hold: []}\n"
	Reloads  = "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: few}\nspec: {unattended: reload, hold: []}\n"
)

// World is a source that says what the test says, and clusters in memory.
type World struct {
	Loop *watch.Loop
	// Clusters are those in memory, by name. What is not there is made, bare, when it is connected to.
	Clusters map[string]*sim.Cluster
	// Health is told beside what the layers tell; set it before Says.
	Health func(cluster string) []reconcile.Health
	// Looking and Locking, where they are not nil, are called while a cluster is looked at, and right before it is locked.
	Looking, Locking func(cluster string)
	// Lag and Tools are those of new clusters (sim.Cluster), where they are not zero.
	Lag   time.Duration
	Tools reconcile.Host

	t       testing.TB
	ahead   atomic.Int64
	pokes   atomic.Int32
	mu      sync.Mutex
	clients []*sim.Client
	refused map[string]error
	drain   chan struct{}
	ended   chan error
	found   func(source.Revision)
	failed  func(error)
	ready   chan struct{}
}

// Begin starts a loop on no clusters, which ends with the test at the latest; before changes the World before that.
func Begin(t testing.TB, apply bool, before func(*World)) *World {
	w := &World{t: t, Clusters: map[string]*sim.Cluster{}, refused: map[string]error{}, drain: make(chan struct{}), ended: make(chan error, 1), ready: make(chan struct{})}
	w.Loop = &watch.Loop{Source: w, Connect: w.connect, Apply: apply, Now: w.now}
	if before != nil {
		before(w)
	}
	go func() { w.ended <- w.Loop.Run(context.WithoutCancel(t.Context()), w.drain) }()
	<-w.ready
	t.Cleanup(w.Stop)
	return w
}

// Next ends the loop, if need be, and begins another one on the same clusters: the controller was started anew.
func (w *World) Next(apply bool) *World {
	w.t.Helper()
	w.Stop()
	return Begin(w.t, apply, func(next *World) { next.Clusters = w.Clusters })
}

// Stop ends the loop as SIGTERM does, and complains of what no loop may ever do to a cluster. A second one does nothing.
func (w *World) Stop() {
	w.t.Helper()
	select {
	case <-w.drain:
		return
	default:
	}
	close(w.drain)
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
	for name, c := range w.Clusters {
		if p := c.Problems(); len(p) > 0 {
			w.t.Errorf("%s: %s", name, strings.Join(p, "\n"))
		}
	}
}

// String implements source.Source.
func (w *World) String() string { return "https://git.example.com/ops/clusters.git" }

// Run implements source.Source.
func (w *World) Run(ctx context.Context, poke <-chan struct{}, found func(source.Revision), failed func(error)) error {
	w.found, w.failed = found, failed
	close(w.ready)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poke:
			w.pokes.Add(1)
		}
	}
}

// Pokes counts how often the source was to be read at once.
func (w *World) Pokes() int { return int(w.pokes.Load()) }

func (w *World) connect(_ context.Context, m *v1.Manifests, _ string, prune bool) (*reconcile.Engine, io.Closer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := m.Cluster.Metadata.Name
	if err := w.refused[name]; err != nil {
		return nil, nil, err
	}
	c := w.Clusters[name]
	if c == nil {
		c = sim.New("n1", "n2")
		c.Tools = w.Tools
		if w.Lag > 0 {
			c.Lag = w.Lag
		}
		for _, n := range []string{"n1", "n2"} {
			c.Node(n).Install("corosync", "pacemaker")
		}
		w.Clusters[name] = c
	}
	layers := drivers.All(drivers.Options{Prune: prune, NoCauses: true})
	for i, l := range layers {
		if l.Name() == "drbd" { // storage is not simulated
			layers[i] = layer{l, w, name}
		}
	}
	client := c.Client()
	w.clients = append(w.clients, client)
	return &reconcile.Engine{Layers: layers, Hosts: client.Hosts(), Locker: locker{client, w, name}, Manifests: m}, io.NopCloser(nil), nil
}

// layer is one that tells what the test says.
type layer struct {
	reconcile.Layer
	world   *World
	cluster string
}

// Observe implements reconcile.Layer.
func (l layer) Observe(ctx context.Context, hosts reconcile.Hosts, want reconcile.State) (reconcile.State, error) {
	if l.world.Looking != nil {
		l.world.Looking(l.cluster)
	}
	return l.Layer.Observe(ctx, hosts, want)
}

// Status implements reconcile.Layer.
func (l layer) Status(have reconcile.State) []reconcile.Health {
	if l.world.Health != nil {
		return l.world.Health(l.cluster)
	}
	return l.Layer.Status(have)
}

// locker tells the test of it before it locks.
type locker struct {
	reconcile.Locker
	world   *World
	cluster string
}

// Lock implements reconcile.Locker.
func (l locker) Lock(ctx context.Context, hosts reconcile.Hosts, holder reconcile.Holder) (reconcile.Lock, error) {
	if l.world.Locking != nil {
		l.world.Locking(l.cluster)
	}
	return l.Locker.Lock(ctx, hosts, holder)
}

// Says has the source find a revision of these files, NAME CONTENT each.
func (w *World) Says(id string, files ...string) {
	w.Finds(source.Revision{ID: id, Name: "main@" + id}, files...)
}

// Finds has the source find a revision of these files.
func (w *World) Finds(r source.Revision, files ...string) {
	r.Files = filesOf(files)
	w.found(r)
}

func filesOf(files []string) (all []v1.File) {
	for i := 0; i < len(files); i += 2 {
		all = append(all, v1.File{Name: files[i], Data: []byte(files[i+1])})
	}
	return all
}

// Fails has the source not be read.
func (w *World) Fails(err error) { w.failed(err) }

// Refuse has the connection to a cluster fail; nil: no more.
func (w *World) Refuse(cluster string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused[cluster] = err
}

// Jump puts the controller's clock forward, or back.
func (w *World) Jump(d time.Duration) { w.ahead.Add(int64(d)) }

func (w *World) now() time.Time { return time.Now().Round(0).Add(time.Duration(w.ahead.Load())) }

// Approve approves what is to be done to the one cluster of these files, as hactl approve does.
func (w *World) Approve(files ...string) {
	w.t.Helper()
	sets, err := v1.Load(filesOf(files))
	if err != nil {
		w.t.Fatal(err)
	}
	e, _, err := w.connect(w.t.Context(), sets[0], "", false)
	if err == nil {
		e.Holder.Who = "ann@laptop"
		_, _, err = e.Approve(w.t.Context(), reconcile.ApplyOptions{}, func(*reconcile.Observation, *reconcile.Plan) error { return nil })
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Drift changes the parameter by hand, as somebody with pcs does.
func (w *World) Drift(cluster, fake string) {
	w.mu.Lock()
	c := w.Clusters[cluster]
	w.mu.Unlock()
	c.SetCIB(func(configuration *etree.Element) {
		configuration.FindElement(".//nvpair[@name='fake']").CreateAttr("value", fake)
	})
}

// Has tells whether the parameter has that value.
func (w *World) Has(cluster, fake string) bool {
	w.mu.Lock()
	c := w.Clusters[cluster]
	w.mu.Unlock()
	return strings.Contains(c.CIB(), `name="fake" value="`+fake+`"`)
}

// Calls counts what the loop has changed or tried to, on all clusters.
func (w *World) Calls() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clients {
		n += c.Calls()
	}
	return n
}

// Cluster is what is known of a cluster.
func (w *World) Cluster(name string) watch.Cluster {
	for _, c := range w.Loop.State().Clusters {
		if c.Name == name {
			return c
		}
	}
	return watch.Cluster{}
}

// Phase waits until a cluster is in a phase.
func (w *World) Phase(cluster string, p watch.Phase) {
	w.t.Helper()
	w.Within(5*time.Minute, cluster+" is "+string(p), func() bool { return w.Cluster(cluster).Phase == p })
}

// At tells whether a cluster is in a phase, and to be as a revision.
func (w *World) At(cluster string, p watch.Phase, revision string) func() bool {
	return func() bool { c := w.Cluster(cluster); return c.Phase == p && c.Desired.ID == revision }
}

// Told are the events that are kept, one in a line.
func (w *World) Told() string {
	var b strings.Builder
	for _, e := range w.events() {
		fmt.Fprintf(&b, "%s %s %s %s\n", e.Type, e.Cluster, e.Revision, e.Text)
	}
	return b.String()
}

// Count counts the events of a type among those that are kept.
func (w *World) Count(t watch.Type) (n int) {
	for _, e := range w.events() {
		if e.Type == t {
			n++
		}
	}
	return n
}

func (w *World) events() []watch.Event {
	past, _, end := w.Loop.Events(0)
	end()
	return past
}

// Within waits until it is so.
func (w *World) Within(d time.Duration, what string, so func() bool) {
	w.t.Helper()
	for end := time.Now().Add(d); !so(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s\n%s", d, what, w.Told())
		}
	}
}

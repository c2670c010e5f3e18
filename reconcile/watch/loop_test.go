package watch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// cluster is a cluster of two nodes with a dummy that has that parameter.
func cluster(name, fake string) string {
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
metadata: {name: A}
spec: {agent: "ocf:pacemaker:Dummy", params: {fake: "%s"}, operations: [{name: monitor, interval: 10s}]}
`, name, fake)
}

const anything = "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: all}\nspec: {unattended: redundancy, hold: []}\n"

// world is a source that says what the test says, and clusters in memory.
type world struct {
	t        *testing.T
	loop     *watch.Loop
	mu       sync.Mutex
	clusters map[string]*sim.Cluster
	clients  []*sim.Client
	refuse   error // of every connection
	drain    chan struct{}
	ended    chan error
	found    func(source.Revision)
	failed   func(error)
	ready    chan struct{}
}

func (w *world) String() string { return "test" }

func (w *world) Run(ctx context.Context, _ <-chan struct{}, found func(source.Revision), failed func(error)) error {
	w.found, w.failed = found, failed
	close(w.ready)
	<-ctx.Done()
	return nil
}

func (w *world) connect(_ context.Context, m *v1.Manifests, _ string, prune bool) (*reconcile.Engine, io.Closer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return nil, nil, w.refuse
	}
	name := m.Cluster.Metadata.Name
	c := w.clusters[name]
	if c == nil {
		c = sim.New("n1", "n2")
		for _, n := range []string{"n1", "n2"} {
			c.Node(n).Install("corosync", "pacemaker")
		}
		w.clusters[name] = c
	}
	client := c.Client()
	w.clients = append(w.clients, client)
	return &reconcile.Engine{Layers: drivers.All(drivers.Options{Prune: prune, NoCauses: true}), Hosts: client.Hosts(), Locker: client, Manifests: m}, io.NopCloser(nil), nil
}

// start runs a loop in a bubble, where waiting takes no time.
func start(t *testing.T, apply bool, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, apply, map[string]*sim.Cluster{})
		test(w)
		w.stop()
		for name, c := range w.clusters {
			if p := c.Problems(); len(p) > 0 {
				t.Errorf("%s: %s", name, strings.Join(p, "\n"))
			}
		}
	})
}

// begin starts a loop on clusters.
func begin(t *testing.T, apply bool, clusters map[string]*sim.Cluster) *world {
	w := &world{t: t, clusters: clusters, drain: make(chan struct{}), ended: make(chan error, 1), ready: make(chan struct{})}
	w.loop = &watch.Loop{Source: w, Connect: w.connect, Apply: apply}
	go func() { w.ended <- w.loop.Run(t.Context(), w.drain) }()
	<-w.ready
	return w
}

func (w *world) stop() {
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
}

// says has the source find a revision of these files, NAME CONTENT each.
func (w *world) says(id string, files ...string) {
	r := source.Revision{ID: id, Name: "main@" + id}
	for i := 0; i < len(files); i += 2 {
		r.Files = append(r.Files, v1.File{Name: files[i], Data: []byte(files[i+1])})
	}
	w.found(r)
}

func (w *world) cluster(name string) watch.Cluster {
	w.t.Helper()
	for _, c := range w.loop.State().Clusters {
		if c.Name == name {
			return c
		}
	}
	return watch.Cluster{}
}

// within waits until it is so.
func (w *world) within(d time.Duration, what string, so func() bool) {
	w.t.Helper()
	for end := time.Now().Add(d); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not within %v: %s\n%+v\n%s", d, what, w.loop.State(), w.told())
		}
	}
}

func (w *world) phase(name string, p watch.Phase, revision string) func() bool {
	return func() bool { c := w.cluster(name); return c.Phase == p && c.Desired.ID == revision }
}

// told are the events so far.
func (w *world) told() string {
	past, _, end := w.loop.Events(0)
	end()
	var b strings.Builder
	for _, e := range past {
		fmt.Fprintf(&b, "%s %s %s %s\n", e.Type, e.Cluster, e.Revision, e.Text)
	}
	return b.String()
}

func (w *world) count(t watch.Type) (n int) {
	past, _, end := w.loop.Events(0)
	end()
	for _, e := range past {
		if e.Type == t {
			n++
		}
	}
	return n
}

func (w *world) fake(name, value string) {
	w.clusters[name].SetCIB(func(configuration *etree.Element) {
		configuration.FindElement(".//nvpair[@name='fake']").CreateAttr("value", value)
	})
}

func (w *world) has(name, value string) bool {
	return strings.Contains(w.clusters[name].CIB(), `name="fake" value="`+value+`"`)
}

func TestRevisions(t *testing.T) {
	start(t, true, func(w *world) {
		w.says("1", "c.yaml", cluster("db", "one")+anything)
		w.within(5*time.Minute, "the first revision", w.phase("db", watch.InSync, "1"))
		w.says("2", "c.yaml", cluster("db", "two")+anything)
		w.within(time.Minute, "the second", w.phase("db", watch.InSync, "2"))
		if !w.has("db", "two") {
			t.Error("it was not applied")
		}
		w.says("3", "c.yaml", strings.Replace(cluster("db", "three"), "agent:", "agnet:", 1))
		w.says("3", "c.yaml", strings.Replace(cluster("db", "three"), "agent:", "agnet:", 1)) // as every interval
		time.Sleep(time.Hour)
		if s := w.loop.State(); !w.phase("db", watch.InSync, "2")() || !w.has("db", "two") || !strings.Contains(s.Source.Refused, "agnet") || w.count(watch.RevisionRefused) != 1 {
			t.Errorf("a broken revision: %+v\n%s", s.Source, w.told())
		}
		w.says("4")
		if s := w.loop.State(); !strings.Contains(s.Source.Refused, "emptied") || len(s.Clusters) != 1 {
			t.Errorf("an empty revision: %+v", s)
		}
		w.says("2", "c.yaml", cluster("db", "two")+anything) // it was taken back
		if s := w.loop.State(); s.Source.Refused != "" {
			t.Errorf("the good revision is back: %+v", s.Source)
		}
		w.failed(errors.New("no route to host"))
		w.failed(errors.New("no route to host"))
		if s := w.loop.State(); s.Source.Err == "" || w.count(watch.SourceFailed) != 1 || !strings.Contains(w.told(), "main@2 stays in force") {
			t.Errorf("a source that cannot be read: %+v\n%s", s.Source, w.told())
		}
		w.says("5", "c.yaml", cluster("db", "five")+anything)
		if w.count(watch.SourceBack) != 1 {
			t.Errorf("nobody tells that the source is back:\n%s", w.told())
		}
		w.within(time.Minute, "the fifth", w.phase("db", watch.InSync, "5"))
	})
}

func TestFolders(t *testing.T) {
	start(t, true, func(w *world) {
		w.says("1", "a/c.yaml", cluster("a", "one"), "b/c.yaml", cluster("b", "one"), "policy.yaml", anything)
		w.within(5*time.Minute, "a", w.phase("a", watch.InSync, "1"))
		w.within(5*time.Minute, "b", w.phase("b", watch.InSync, "1"))
		w.says("2", "a/c.yaml", cluster("a", "two"), "b/c.yaml", "kind: [", "policy.yaml", anything)
		w.within(time.Minute, "a goes on", w.phase("a", watch.InSync, "2"))
		if b := w.cluster("b"); b.Desired.ID != "1" || !strings.Contains(b.Broken, "b/c.yaml") || !w.has("b", "one") {
			t.Errorf("b: %+v", b)
		}
		w.fake("b", "drifted")
		w.within(time.Minute, "b is kept as it was", func() bool { return w.has("b", "one") })
		w.says("3", "a/c.yaml", cluster("a", "three"), "policy.yaml", anything)
		w.within(time.Minute, "a goes on", w.phase("a", watch.InSync, "3"))
		if w.cluster("b").Name != "" || w.count(watch.Gone) != 1 || !w.has("b", "one") {
			t.Errorf("b left the source:\n%s", w.told())
		}
		calls := 0
		for _, c := range w.clients {
			calls += c.Calls()
		}
		w.fake("b", "drifted")
		time.Sleep(time.Hour)
		for _, c := range w.clients {
			calls -= c.Calls()
		}
		if calls != 0 || !w.has("b", "drifted") {
			t.Error("a cluster that left the source was changed")
		}
		w.says("4", "a/c.yaml", cluster("a", "four"), "b/c.yaml", cluster("a", "again"), "policy.yaml", anything)
		time.Sleep(time.Minute)
		if !strings.Contains(w.told(), "give one another name") || !w.has("a", "four") {
			t.Errorf("a name twice:\n%s", w.told())
		}
	})
}

func TestDrift(t *testing.T) {
	for _, apply := range []bool{false, true} {
		t.Run(fmt.Sprintf("apply=%t", apply), func(t *testing.T) {
			start(t, true, func(w *world) { // the cluster is made first
				w.says("1", "c.yaml", cluster("db", "one")+anything)
				w.within(5*time.Minute, "formed", w.phase("db", watch.InSync, "1"))
				w.stop()
				second := begin(w.t, apply, w.clusters)
				defer second.stop()
				second.says("1", "c.yaml", cluster("db", "one")+anything)
				second.within(time.Minute, "in sync", second.phase("db", watch.InSync, "1"))
				time.Sleep(17 * time.Minute)
				second.fake("db", "drifted")
				second.within(5*time.Second, "the drift is told", func() bool { return second.count(watch.Drift)+second.count(watch.ApplyStarted) == 1 })
				time.Sleep(20 * time.Minute)
				calls := 0
				for _, c := range second.clients {
					calls += c.Calls()
				}
				switch {
				case !apply && (calls != 0 || !second.has("db", "drifted") || second.cluster("db").Phase != watch.Drifted || second.count(watch.Drift) != 1):
					t.Errorf("report: %d calls\n%+v\n%s", calls, second.cluster("db"), second.told())
				case apply && (!second.has("db", "one") || second.cluster("db").Phase != watch.InSync):
					t.Errorf("apply: %+v\n%s", second.cluster("db"), second.told())
				}
			})
		})
	}
}

func TestTrouble(t *testing.T) {
	start(t, true, func(w *world) {
		w.refuse = errors.New("the secret's file cannot be read")
		w.says("1", "c.yaml", cluster("db", "one")+anything)
		time.Sleep(10 * time.Minute)
		if c := w.cluster("db"); c.Phase != watch.Failing || c.Err != w.refuse.Error() || w.count(watch.LookFailed) != 1 {
			t.Errorf("%+v\n%s", c, w.told())
		}
		w.mu.Lock()
		w.refuse = nil
		w.mu.Unlock()
		w.within(10*time.Minute, "it is well again", w.phase("db", watch.InSync, "1"))
		if w.count(watch.LookBack) != 1 {
			t.Errorf("nobody tells that it is well again:\n%s", w.told())
		}
		// A step that always fails is tried three times, and again once something is different.
		c := w.clusters["db"]
		c.Faults = []*sim.Fault{{Command: "cibadmin --patch", Times: 1000, Effect: sim.Fails}}
		w.says("2", "c.yaml", cluster("db", "two")+anything)
		time.Sleep(5 * time.Hour)
		if n := w.count(watch.ApplyFailed); n != 3 || !strings.Contains(w.cluster("db").Verdict.Why, "failed 3 times") {
			t.Errorf("failed %d times: %+v\n%s", n, w.cluster("db"), w.told())
		}
		w.says("3", "c.yaml", cluster("db", "three")+anything)
		time.Sleep(time.Hour)
		if n := w.count(watch.ApplyFailed); n != 6 {
			t.Errorf("another revision: failed %d times:\n%s", n, w.told())
		}
	})
}

// A controller that is asked to end finishes the step that runs, and the next one finishes the rest.
func TestDrain(t *testing.T) {
	start(t, true, func(w *world) {
		w.says("1", "c.yaml", cluster("db", "one")+anything)
		w.within(5*time.Minute, "the first step", func() bool { return w.count(watch.ApplyStep) > 3 })
		w.stop()
		if slices.ContainsFunc(w.loop.State().Clusters, func(c watch.Cluster) bool { return c.Phase == watch.InSync }) {
			t.Fatal("nothing was left to do: the test shows nothing")
		}
		next := begin(w.t, true, w.clusters)
		defer next.stop()
		next.says("1", "c.yaml", cluster("db", "one")+anything)
		next.within(5*time.Minute, "the rest", next.phase("db", watch.InSync, "1"))
	})
}

package sim_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// How many processes hactl starts on a machine that has something of all layers, and for a plan with nothing to do on one with a cluster alone. Over ssh
// each costs a session, and on a small machine they are most of the time: at most twelve are promised, whatever there is.
const (
	allLayers = 10
	aCluster  = 5
)

// counted is a machine that remembers what was started on it.
type counted struct {
	reconcile.Host
	mu      *sync.Mutex
	started map[string][]string // by machine
}

func (h counted) note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.started[h.Name()] = append(h.started[h.Name()], what)
}

func (h counted) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	h.note((&reconcile.ExitError{Argv: c.Argv}).Command())
	return h.Host.Run(ctx, c)
}

func (h counted) ReadFiles(ctx context.Context, globs ...string) (map[string]reconcile.File, error) {
	h.note("read " + strings.Join(globs, " "))
	return h.Host.ReadFiles(ctx, globs...)
}

// watched has an engine's machines count what is started on them.
func watched(e *reconcile.Engine) map[string][]string {
	started, mu := map[string][]string{}, &sync.Mutex{}
	for i, h := range e.Hosts {
		e.Hosts[i] = counted{h, mu, started}
	}
	return started
}

func tooMany(started map[string][]string, limit int) error {
	for node, what := range started {
		if len(what) > limit {
			return fmt.Errorf("%d processes on %s, want at most %d:\n%s", len(what), node, limit, strings.Join(what, "\n"))
		}
	}
	return nil
}

// A plan with nothing to do starts few processes on each node, predictions and the look-up of agents included.
func TestPlanStartsFewProcesses(t *testing.T) {
	for _, dir := range []string{"s4-fenced", "s3-fencing", "s5-bare-nodes", "s12-postgresql", "s13-acl-alerts", "s16-scores"} {
		t.Run(dir, func(t *testing.T) {
			m := read(t, "../../examples/"+dir)
			err := bubble(t, func(ctx context.Context) error {
				c := simulated(m)
				r := run{want: m}
				if _, err := r.apply(ctx, c.Client()); err != nil {
					return err
				}
				e := r.engine(c.Client())
				started := watched(e)
				o, err := e.Observe(ctx)
				if err != nil {
					return err
				}
				if p, err := e.Plan(ctx, o); err != nil || !p.Empty() {
					return fmt.Errorf("the plan is not empty: %w", err)
				}
				return tooMany(started, aCluster)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Every layer together looks with at most as many processes, and with the same number for many volumes as for one.
func TestLookingStartsFewProcesses(t *testing.T) {
	storage := func(volumes int) string {
		var b strings.Builder
		say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
		say("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: c}\nspec:\n  nodes:\n  - {name: n1, id: 1, addresses: [10.77.0.1]}\n  - {name: n2, id: 2, addresses: [10.77.0.2]}")
		say("  prepare: {packages: {}, hostsFile: true, startAtBoot: true}\n  properties: {stonith-enabled: false}")
		say("---\napiVersion: hactl/v1\nkind: VolumeGroup\nmetadata: {name: vg0}\nspec:\n  physicalVolumes:\n  - devices: {n1: /dev/disk/by-id/a, n2: /dev/disk/by-id/b}\n  volumes:")
		for i := range volumes {
			say("  - {name: v%d, size: 16M}", i)
		}
		for i := range volumes {
			say("---\napiVersion: hactl/v1\nkind: DRBDResource\nmetadata: {name: r%d}\nspec:\n  device: /dev/drbd%d\n  initialSync: {from: n1}\n  nodes:", i, i)
			say("  - {name: n1, disk: /dev/vg0/v%d, address: \"10.78.0.1:%d\"}\n  - {name: n2, disk: /dev/vg0/v%d, address: \"10.78.0.2:%d\"}", i, 7788+i, i, 7788+i)
		}
		say("---\napiVersion: hactl/v1\nkind: ISCSITarget\nmetadata: {name: t}\nspec:\n  host: n1\n  iqn: iqn.2024-01.com.example:t\n  backstores:\n  - {name: d0, fileio: {path: /srv/d0.img, size: 64M}}\n  acls: [{initiator: iqn.2024-01.com.example:n2}]")
		say("---\napiVersion: hactl/v1\nkind: ISCSIInitiator\nmetadata: {name: i}\nspec:\n  target: iqn.2024-01.com.example:far\n  portals: [\"10.79.0.9:3260\"]\n  nodes: [{name: n1}, {name: n2}]")
		return b.String()
	}
	counts := map[int]int{}
	for _, volumes := range []int{1, 40} {
		m := load(t, storage(volumes))
		err := bubble(t, func(ctx context.Context) error {
			e := run{want: m}.engine(simulated(m).Client())
			started := watched(e)
			if _, err := e.Observe(ctx); err != nil {
				return err
			}
			counts[volumes] = len(started["n1"])
			return tooMany(started, allLayers)
		})
		if err != nil {
			t.Errorf("%d volumes: %v", volumes, err)
		}
	}
	if counts[1] != counts[40] {
		t.Errorf("one volume takes %d processes, forty take %d", counts[1], counts[40])
	}
	t.Logf("%d processes", counts[1])
}

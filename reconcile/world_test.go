package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	v1 "github.com/hactl/hactl/api/v1"
)

// world is a cluster in memory: machines that hold files, of which one layer (worldDriver) wants some.
type world struct {
	mu    sync.Mutex
	files map[string]map[string]string // machine → path → content
	down  map[string]bool
	fail  map[string]error // "HOST PATH" → error of the write
	log   []string         // writes in order
	onRun func()           // called before each write
}

func newWorld(nodes ...string) *world {
	w := &world{files: map[string]map[string]string{}, down: map[string]bool{}, fail: map[string]error{}}
	for _, n := range nodes {
		w.files[n] = map[string]string{}
	}
	return w
}

func (w *world) hosts() Hosts {
	var hs Hosts
	for n := range w.files {
		hs = append(hs, worldHost{w, n})
	}
	slices.SortFunc(hs, func(a, b Host) int { return strings.Compare(a.Name(), b.Name()) })
	return hs
}

type worldHost struct {
	w    *world
	name string
}

func (h worldHost) Name() string { return h.name }

func (h worldHost) Run(context.Context, Cmd) ([]byte, error) {
	return nil, errors.New("no commands here")
}

func (h worldHost) ReadFiles(context.Context, ...string) (map[string]File, error) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	if h.w.down[h.name] {
		return nil, &UnreachableError{Host: h.name, Err: errors.New("no route")}
	}
	out := map[string]File{}
	for p, c := range h.w.files[h.name] {
		out[p] = File{Content: Plain(c)}
	}
	return out, nil
}

func (h worldHost) WriteFile(_ context.Context, path string, f File) error {
	if h.w.onRun != nil {
		h.w.onRun()
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	if err := h.w.fail[h.name+" "+path]; err != nil {
		return err
	}
	h.w.files[h.name][path] = f.Content.Reveal()
	h.w.log = append(h.w.log, h.name+" "+path)
	return nil
}

// worldState maps machine → path → content; a machine that was not observed is missing.
type worldState map[string]map[string]string

// worldDriver wants the same files everywhere. A file "b" needs "a" on every machine, and what stands in "derived" is known only once "a"
// was observed on the first machine.
type worldDriver struct {
	want     map[string]string
	risk     Risk
	extra    func(have worldState) []Step
	standing Standing
}

func (d worldDriver) Name() string { return "world" }

func (d worldDriver) Desired(m *v1.Manifests, _ Secrets) (worldState, error) {
	s := worldState{}
	for _, n := range m.Cluster.Spec.Nodes {
		s[n.Name] = d.want
	}
	return s, nil
}

func (d worldDriver) Observe(ctx context.Context, hosts Hosts, _ worldState) (worldState, error) {
	s := worldState{}
	for _, h := range hosts {
		files, err := h.ReadFiles(ctx, "*")
		var u *UnreachableError
		if errors.As(err, &u) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s[h.Name()] = map[string]string{}
		for p, f := range files {
			s[h.Name()][p] = f.Content.Reveal()
		}
	}
	return s, nil
}

func (d worldDriver) Plan(want, have worldState) ([]Step, error) {
	var steps []Step
	for _, n := range sortedKeys(want) {
		for _, p := range sortedKeys(want[n]) {
			obj := Ref{"file", n + "/" + p}
			got, seen := have[n]
			content := want[n][p]
			if p == "derived" {
				content += have["n1"]["a"]
			}
			if seen && got[p] == content {
				continue
			}
			s := Step{ID: "write " + n + " " + p, Host: n, Changes: []Change{{Object: obj, Action: Create, Risk: d.risk}},
				Ops: []Op{Write{Path: p, File: File{Content: Plain(content)}}}}
			if p == "b" && got["a"] == "" {
				for _, m := range sortedKeys(want) {
					s.Needs = append(s.Needs, Ref{"file", m + "/a"})
				}
			}
			switch {
			case !seen:
				s.Pending, s.Ops = n+" is unreachable", nil
			case p == "derived" && have["n1"]["a"] == "":
				s.Pending, s.Ops = "known after a is written on n1", nil
			}
			steps = append(steps, s)
		}
	}
	if d.extra != nil {
		steps = append(steps, d.extra(have)...)
	}
	return steps, nil
}

func (d worldDriver) Standing(worldState, worldState) Standing { return d.standing }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// worldLocker locks every machine that is up.
type worldLocker struct {
	w    *world
	lost error
	mu   sync.Mutex
}

func (l *worldLocker) Lock(_ context.Context, hosts Hosts, _ Holder) (Lock, error) {
	var held []string
	for _, h := range hosts {
		if !l.w.down[h.Name()] {
			held = append(held, h.Name())
		}
	}
	return &worldLock{l, held}, nil
}

func (l *worldLocker) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = err
}

type worldLock struct {
	l    *worldLocker
	held []string
}

func (l *worldLock) Err() error {
	l.l.mu.Lock()
	defer l.l.mu.Unlock()
	return l.l.lost
}
func (l *worldLock) Held() []string { return l.held }
func (l *worldLock) Release()       {}

func worldEngine(w *world, d worldDriver) (*Engine, *worldLocker) {
	m := &v1.Manifests{Cluster: &v1.Cluster{}}
	m.Cluster.Metadata.Name = "w"
	for i, n := range sortedKeys(w.files) {
		m.Cluster.Spec.Nodes = append(m.Cluster.Spec.Nodes, v1.Node{Name: n, ID: i + 1})
	}
	l := &worldLocker{w: w}
	return &Engine{Layers: []Layer{Of(d)}, Hosts: w.hosts(), Manifests: m, Locker: l}, l
}

func yes(*Observation, *Plan) error { return nil }

func printFiles(w *world) string {
	var b strings.Builder
	for _, n := range sortedKeys(w.files) {
		for _, p := range sortedKeys(w.files[n]) {
			fmt.Fprintf(&b, "%s %s=%s\n", n, p, w.files[n][p])
		}
	}
	return b.String()
}

func (d worldDriver) Provides(have worldState) []Ref {
	var refs []Ref
	for n, files := range have {
		for p := range files {
			refs = append(refs, Ref{"file", n + "/" + p})
		}
	}
	return refs
}

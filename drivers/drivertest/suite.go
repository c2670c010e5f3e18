// Package drivertest holds the laws that every layer keeps, as one suite that every driver's tests run.
package drivertest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Run checks the laws for a layer and one set of manifests.
//
//   - Desired and Plan give the same for the same.
//   - States survive JSON: a plan made from decoded states is the same plan.
//   - A machine that does not answer is no error and is never taken for an empty one: whatever is planned for it is pending.
//   - Observing changes nothing.
//   - What is rendered is the same every time, also from decoded states.
//   - Every step is for something, has an id of its own, and either operations or a reason to be pending.
func Run(t *testing.T, l reconcile.Layer, m *v1.Manifests) {
	t.Helper()
	want, err := l.Desired(m, noSecrets{})
	if err != nil {
		t.Fatalf("%s: desired: %v", l.Name(), err)
	}
	again, err := l.Desired(m, noSecrets{})
	if err != nil {
		t.Fatalf("%s: desired: %v", l.Name(), err)
	}
	same(t, l.Name()+": desired twice", marshal(t, want), marshal(t, again))

	var hosts reconcile.Hosts
	for _, n := range m.Cluster.Spec.Nodes {
		hosts = append(hosts, silent{t, n.Name})
	}
	for _, h := range m.Cluster.Spec.Hosts {
		hosts = append(hosts, silent{t, h.Name})
	}
	have, err := l.Observe(t.Context(), hosts, want)
	if err != nil {
		t.Fatalf("%s: machines that do not answer are an error: %v", l.Name(), err)
	}
	steps := plan(t, l, want, have)
	for _, s := range steps {
		if s.Pending == "" {
			t.Errorf("%s: step %q would run on a machine of which nothing is known", l.Name(), s.ID)
		}
	}
	ids := map[string]bool{}
	for _, s := range steps {
		if s.ID == "" || ids[s.ID] {
			t.Errorf("%s: the id %q is empty or used twice", l.Name(), s.ID)
		}
		ids[s.ID] = true
		if len(s.Changes) == 0 || (len(s.Ops) == 0) != (s.Pending != "") {
			t.Errorf("%s: step %q: %d changes, %d operations, pending %q", l.Name(), s.ID, len(s.Changes), len(s.Ops), s.Pending)
		}
	}
	same(t, l.Name()+": planned twice", marshal(t, steps), marshal(t, plan(t, l, want, have)))
	same(t, l.Name()+": planned from decoded states", marshal(t, steps), marshal(t, plan(t, l, decode(t, l, want), decode(t, l, have))))
	same(t, l.Name()+": rendered twice", render(t, l, want), render(t, l, want))
	same(t, l.Name()+": rendered from a decoded state", render(t, l, want), render(t, l, decode(t, l, want)))
	if _, err := l.Observe(t.Context(), hosts, l.Zero()); err != nil {
		t.Errorf("%s: observing everything: %v", l.Name(), err)
	}
	l.Notes(want, have)
	l.Provides(have)
	l.Status(have)
}

func plan(t *testing.T, l reconcile.Layer, want, have reconcile.State) []reconcile.Step {
	t.Helper()
	steps, err := l.Plan(want, have)
	if err != nil {
		t.Fatalf("%s: plan: %v", l.Name(), err)
	}
	return steps
}

func render(t *testing.T, l reconcile.Layer, want reconcile.State) string {
	t.Helper()
	files, err := l.Render(want, l.Zero())
	if err != nil {
		t.Fatalf("%s: render: %v", l.Name(), err)
	}
	return marshal(t, files)
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode(t *testing.T, l reconcile.Layer, s reconcile.State) reconcile.State {
	t.Helper()
	d, err := l.Decode([]byte(marshal(t, s)))
	if err != nil {
		t.Fatalf("%s: a state does not survive JSON: %v", l.Name(), err)
	}
	return d
}

func same(t *testing.T, what, a, b string) {
	t.Helper()
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("%s: not the same:\n%s", what, diff)
	}
}

type noSecrets struct{}

func (noSecrets) Value(*v1.Object, string) reconcile.Text { return reconcile.UnknownSecret() }

// silent is a machine that does not answer, and on which nothing may be changed.
type silent struct {
	t    *testing.T
	name string
}

func (s silent) away() error {
	return &reconcile.UnreachableError{Host: s.name, Err: errors.New("no answer")}
}

func (s silent) Name() string { return s.name }

func (s silent) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	if c.Mutates {
		s.t.Errorf("observing would run %v", c.Argv)
	}
	return nil, s.away()
}

func (s silent) ReadFiles(context.Context, ...string) (map[string]reconcile.File, error) {
	return nil, s.away()
}

func (s silent) WriteFile(_ context.Context, path string, _ reconcile.File) error {
	s.t.Errorf("observing would write %s", path)
	return s.away()
}

package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SnapshotVersion is the version of a snapshot's form.
const SnapshotVersion = "hactl/snapshot/v1"

// Snapshot is everything that all layers observed of a cluster at one moment. Secrets are not in it: their place holds Mask.
type Snapshot struct {
	Version string    `json:"version"`
	Hactl   string    `json:"hactl"` // the version of the program that took it
	Cluster string    `json:"cluster"`
	TakenAt time.Time `json:"takenAt"` // by the clock of the machine that took it
	// Machines are all that it tells of, those that could not be asked included.
	Machines []string `json:"machines"`
	// Unreachable says of each machine that could not be asked why.
	Unreachable []Unasked `json:"unreachable,omitempty"`
	// Layers holds each layer's state by its name.
	Layers map[string]json.RawMessage `json:"layers"`
}

// Unasked is a machine that did not answer when a snapshot was taken.
type Unasked struct {
	Host string `json:"host"`
	Why  string `json:"why"`
}

// Snapshot records an observation. hactl is the version of the program.
func (e *Engine) Snapshot(ctx context.Context, o *Observation, hactl string) (*Snapshot, error) {
	s := &Snapshot{Version: SnapshotVersion, Hactl: hactl, TakenAt: o.At.Truncate(time.Second), Machines: e.Hosts.Names(), Layers: map[string]json.RawMessage{}}
	if e.Manifests != nil {
		s.Cluster = e.Manifests.Cluster.Metadata.Name
	}
	for _, u := range o.Unreachable {
		s.Unreachable = append(s.Unreachable, Unasked{u.Host, strings.TrimPrefix(u.Error(), u.Host+": unreachable: ")})
	}
	for _, l := range e.Layers {
		state, err := l.Record(ctx, e.Hosts, o.Want[l.Name()], o.Have[l.Name()])
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", l.Name(), err)
		}
		if s.Layers[l.Name()], err = compact(state); err != nil {
			return nil, fmt.Errorf("record %s: %w", l.Name(), err)
		}
	}
	return s, nil
}

// compact marshals without the six bytes that encoding/json writes for each bracket of the XML in it.
func compact(v any) (json.RawMessage, error) {
	escaped, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(escaped))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(plain)
	return bytes.TrimSpace(b.Bytes()), err
}

// Recall gives a snapshot as an observation for what the manifests want now. A machine that is not in it was not observed.
func (e *Engine) Recall(s *Snapshot) (*Observation, error) {
	want, err := e.wanted()
	if err != nil {
		return nil, err
	}
	o := &Observation{At: s.TakenAt, Want: want, Have: map[string]State{}, Recalled: true}
	for _, l := range e.Layers {
		b, ok := s.Layers[l.Name()]
		if !ok {
			return nil, fmt.Errorf("the snapshot has no layer %s; take a new one", l.Name())
		}
		have, err := l.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("the snapshot's layer %s: %w", l.Name(), err)
		}
		o.Have[l.Name()] = l.Recall(want[l.Name()], have)
	}
	for _, u := range s.Unreachable {
		o.Unreachable = append(o.Unreachable, &UnreachableError{Host: u.Host, Err: errors.New(u.Why)})
	}
	for _, m := range e.missing(s) {
		o.Unreachable = append(o.Unreachable, &UnreachableError{Host: m, Err: errors.New(NotInSnapshot)})
	}
	return o, nil
}

// NotInSnapshot is why a machine, or something on one, is not known in a plan from a snapshot.
const NotInSnapshot = "not in the snapshot"

// missing lists the machines of the manifests of which a snapshot tells nothing.
func (e *Engine) missing(s *Snapshot) []string {
	var names []string
	for _, n := range e.Manifests.Cluster.Spec.Nodes {
		names = append(names, n.Name)
	}
	for _, h := range e.Manifests.Cluster.Spec.Hosts {
		names = append(names, h.Name)
	}
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(s.Machines, n) })
}

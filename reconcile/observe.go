package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "github.com/hactl/hactl/api/v1"
)

// Engine brings one cluster to what its manifests say.
type Engine struct {
	// Layers from the lowest (the machines) to the highest (the CIB).
	Layers []Layer
	Hosts  Hosts
	// Manifests say what is wanted. Without them Observe looks at everything, and only Import and Status make sense.
	Manifests *v1.Manifests
	Secrets   Secrets
	// Record names what the Hosts answer from, if that is not the cluster itself ("cib.xml").
	Record string
	// Notes are said with every plan, before those of the layers: what was found in the manifests themselves.
	Notes []Note
	// Tools is a machine with the tools that predictions need, to be asked where the Hosts are a record; nil: there is none.
	Tools Host
	// Drill has plans tell what single failures would cost after them.
	Drill bool
	// Locker keeps other applies off; only Apply uses it.
	Locker Locker
	// Holder is who applies, as others will read it.
	Holder Holder
	// Events receives what happens, one event at a time; nil drops them.
	Events func(Event)
}

// Observation is what one look at the cluster found.
type Observation struct {
	At time.Time
	// Want and Have hold each layer's state by its name.
	Want, Have map[string]State
	// Unreachable lists the machines that could not be asked, in the order of the hosts.
	Unreachable []*UnreachableError
	// Recalled tells that it comes from a Snapshot.
	Recalled bool
}

// Observe looks at all machines and layers in parallel and changes nothing. A machine that cannot be reached is recorded, not an error;
// an unreadable thing is an error.
func (e *Engine) Observe(ctx context.Context) (*Observation, error) {
	want, err := e.wanted()
	if err != nil {
		return nil, err
	}
	o := &Observation{At: time.Now().UTC(), Want: want, Have: map[string]State{}}
	memos := make([]*memoHost, len(e.Hosts))
	hosts := make(Hosts, len(e.Hosts))
	for i, h := range e.Hosts {
		memos[i] = newMemoHost(ctx, h)
		hosts[i] = memos[i]
	}
	have := make([]State, len(e.Layers))
	errs := make([]error, len(e.Layers))
	var g errgroup.Group
	for i, l := range e.Layers {
		g.Go(func() error {
			var err error
			if have[i], err = l.Observe(ctx, hosts, o.Want[l.Name()]); err != nil {
				errs[i] = fmt.Errorf("observe %s: %w", l.Name(), err)
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs, all of them
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i, l := range e.Layers {
		o.Have[l.Name()] = have[i]
	}
	for _, m := range memos {
		if m.unreachable != nil {
			o.Unreachable = append(o.Unreachable, m.unreachable)
		}
	}
	return o, nil
}

// wanted is what the manifests want of each layer; without manifests, everything.
func (e *Engine) wanted() (map[string]State, error) {
	wanted := map[string]State{}
	var errs []error
	for _, l := range e.Layers {
		if e.Manifests == nil {
			wanted[l.Name()] = l.Zero()
			continue
		}
		want, err := l.Desired(e.Manifests, e.Secrets)
		if err != nil {
			errs = append(errs, err)
		}
		wanted[l.Name()] = want
	}
	return wanted, errors.Join(errs...)
}

// Standing is what the layer that knows about membership says; the zero Standing if none does.
func (e *Engine) Standing(o *Observation) Standing {
	for _, l := range e.Layers {
		if s, ok := l.Standing(o.Want[l.Name()], o.Have[l.Name()]); ok {
			return s
		}
	}
	return Standing{}
}

// Follow calls changed when a layer hears that something changed, one call at a time, until ctx ends or a layer cannot hear any longer, which is an
// error. It asks the cluster's members only.
func (e *Engine) Follow(ctx context.Context, changed func(what string)) error {
	g, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	for _, l := range e.Layers {
		g.Go(func() error {
			_, err := l.Follow(ctx, e.members(), func(what string) {
				mu.Lock()
				defer mu.Unlock()
				changed(what)
			})
			return err
		})
	}
	return g.Wait()
}

// Status is what every layer tells about its health, lowest layer first.
func (e *Engine) Status(o *Observation) []Health {
	var hs []Health
	for _, u := range o.Unreachable {
		hs = append(hs, Health{Object: Ref{"machine", u.Host}, Level: Failed, Text: "unreachable: " + u.Err.Error()})
	}
	for _, l := range e.Layers {
		hs = append(hs, l.Status(o.Have[l.Name()])...)
	}
	return hs
}

package reconcile

import "context"

// What an apply needs of a layer to keep, watch and take back what it does there. The engine finds these where a driver has them.
type (
	// Keeper saves the configuration before it is changed. An apply that changes a layer which has one leaves a checkpoint and an entry in
	// the journal of every member.
	Keeper[S any] interface {
		// Keeps tells whether a step changes what a checkpoint holds.
		Keeps(s Step) bool
		// Checkpoint saves it under an id on each machine that runs the cluster, and names those where it is saved. What keeps a machine
		// that can be reached from saving it is an error beside them.
		Checkpoint(ctx context.Context, hosts Hosts, have S, id string) (saved []string, err error)
	}
)

// Guard is the part of a Layer for that; a driver's parts that it has not answer nothing.
type Guard interface {
	Keeps(s Step) bool
	Checkpoint(ctx context.Context, hosts Hosts, have State, id string) (saved []string, err error)
}

func (l layer[S]) Keeps(s Step) bool {
	k, ok := l.d.(Keeper[S])
	return ok && k.Keeps(s)
}

func (l layer[S]) Checkpoint(ctx context.Context, hosts Hosts, have State, id string) ([]string, error) {
	k, ok := l.d.(Keeper[S])
	if !ok {
		return nil, nil
	}
	return k.Checkpoint(ctx, hosts, have.(S), id)
}

// Package watch keeps clusters as a source of manifests says, and tells when they are not.
//
//	loop := &watch.Loop{Source: src, Connect: connect, Apply: true}
//	err := loop.Run(ctx, drain)
//
// # Loop
//
// A Loop follows one source. Each revision that can be loaded (Fleet) is in force until another one can: what is broken, unsigned or cannot be
// read leaves the last good one where it is, and is told. A folder of the source that is broken holds back its own clusters only.
//
// Each cluster has a worker of its own: it looks (observes and plans) when its manifests change, when the cluster tells of a change (Engine.Follow),
// when it is poked, and at the latest after its policy's interval; it decides (package policy) and applies what it may. So there are never two applies
// of this process on a cluster, and the cluster's lock keeps off everybody else's. After an error the next look comes later each time. What could not be
// applied is tried again a few times only, until something is different; that and a rollout that has stopped outlive the process, as each cluster's journal
// tells what failed. Under the lock of an apply the policy is asked once more, by the same function.
//
// A cluster that leaves the source is let go as it is. A revision without any cluster is refused, as an emptied repository is more
// likely a mistake than a wish.
//
// # What is known
//
// Nothing is kept but in memory: the clusters are the state, and a controller that starts anew finds out all that it must know by looking. State gives
// all that is known now as a copy that does not change; Events tell what happens, each once. Metrics, page and notifications are made of these two.
package watch

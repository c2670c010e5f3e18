package policy

import (
	"cmp"
	"fmt"
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
)

// Cluster is where one cluster stands on the way to a revision.
type Cluster struct {
	Name string
	// Reached tells that it has been as the revision wants it, Well that nothing of it is in trouble now.
	Reached, Well bool
	// Ready tells that there is something to apply, and the verdict is to; Busy that it is being applied.
	Ready, Busy bool
	// Failed says why the last apply of what the revision wants of it failed; empty: it did not. Unseen says why nobody knows.
	Failed, Unseen string
	// Waits says what it waits for where it is neither Ready nor Busy nor Reached ("waits for the window at 02:00").
	Waits string
}

// Turn says whether a cluster may be applied now.
type Turn struct {
	Name string
	Go   bool
	// Why says why not.
	Why string
}

// Turns tells of each cluster that is Ready whether its turn has come, those that may go first. clusters are all of one policy and its canaries. A
// cluster that has had the revision before, and drifted since, waits for no canary and no failure of others: there is nothing to try out.
func Turns(r v1.Rollout, clusters []Cluster) []Turn {
	known := make(map[string]Cluster, len(clusters))
	busy, halt := "", halt(r, clusters)
	var ready []Cluster
	for _, c := range clusters {
		known[c.Name] = c
		if c.Busy && (busy == "" || c.Name < busy) {
			busy = c.Name
		}
		if c.Ready && !c.Busy {
			ready = append(ready, c)
		}
	}
	rank := func(c Cluster) int {
		if i := slices.Index(r.Canary, c.Name); i >= 0 {
			return i
		}
		return len(r.Canary)
	}
	slices.SortFunc(ready, func(a, b Cluster) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Name, b.Name)) })
	turns := make([]Turn, len(ready))
	for i, c := range ready {
		why := ""
		if !c.Reached {
			if c.Failed == "" { // where it failed it may be tried again: that is how the rollout goes on
				why = halt
			}
			why = cmp.Or(why, unproved(r, known, c))
		}
		if why == "" && r.OneAtATime && busy != "" {
			why = fmt.Sprintf("one cluster at a time, and %s is being changed", busy)
		}
		turns[i] = Turn{Name: c.Name, Go: why == "", Why: why}
		if why == "" {
			busy = c.Name // the others wait for it
		}
	}
	slices.SortStableFunc(turns, func(a, b Turn) int {
		switch {
		case a.Go == b.Go:
			return 0
		case a.Go:
			return -1
		}
		return 1
	})
	return turns
}

// halt says that the revision failed somewhere, or may have.
func halt(r v1.Rollout, clusters []Cluster) string {
	if !r.StopOnFailure {
		return ""
	}
	var failed, unseen Cluster
	for _, c := range clusters {
		if c.Failed != "" && (failed.Name == "" || c.Name < failed.Name) {
			failed = c
		}
		if c.Unseen != "" && !c.Ready && !c.Busy && (unseen.Name == "" || c.Name < unseen.Name) {
			unseen = c
		}
	}
	switch {
	case failed.Name != "":
		return fmt.Sprintf("the rollout has stopped: %s failed: %s", failed.Name, failed.Failed)
	case unseen.Name != "":
		return fmt.Sprintf("the rollout stops where a cluster failed, and whether %s did is not known: %s (another WatchPolicy for it lets the others go on)", unseen.Name, unseen.Unseen)
	}
	return ""
}

// unproved says which canary does not have the revision yet.
func unproved(r v1.Rollout, known map[string]Cluster, c Cluster) string {
	if slices.Contains(r.Canary, c.Name) {
		return ""
	}
	for _, name := range r.Canary {
		switch canary, ok := known[name]; {
		case !ok:
			return fmt.Sprintf("waits for the canary %s, of which nothing is known yet", name)
		case canary.Failed != "":
			return fmt.Sprintf("waits for the canary %s, which failed: %s", name, canary.Failed)
		case canary.Busy:
			return fmt.Sprintf("waits for the canary %s, which is being changed", name)
		case !canary.Reached && canary.Waits != "":
			return fmt.Sprintf("waits for the canary %s: %s", name, canary.Waits)
		case !canary.Reached:
			return fmt.Sprintf("waits for the canary %s, which comes first", name)
		case !canary.Well:
			return fmt.Sprintf("waits for the canary %s, which has the revision and is not well", name)
		}
	}
	return ""
}

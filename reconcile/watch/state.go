package watch

import (
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/policy"
)

// State is all that is known at a moment. What it points to is never changed.
type State struct {
	Started time.Time `json:"started,omitzero"`
	// Apply tells that changes are made, not only reported.
	Apply  bool   `json:"apply"`
	Source Source `json:"source"`
	// Clusters in the order of their names.
	Clusters []Cluster `json:"clusters"`
}

// Source is what is known of where the manifests come from.
type Source struct {
	Name string `json:"name"`
	// Revision is the one in force, the zero one as long as there is none; Since is when it came into force.
	Revision Revision  `json:"revision,omitzero"`
	Since    time.Time `json:"since,omitzero"`
	// Refused says why the newest state of the source is not in force, Err why it cannot be read; "" where all is well. Seen is when it was last read.
	Refused string `json:"refused,omitempty"`
	// Broken says of each folder of the revision in force that could not be loaded why, and what becomes of its clusters.
	Broken map[string]string `json:"broken,omitempty"`
	Err    string            `json:"err,omitempty"`
	Seen   time.Time         `json:"seen,omitzero"`
}

// Revision names a state of the source.
type Revision struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Signer  string    `json:"signer,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

// Phase is how a cluster is.
type Phase string

// The phases of a cluster.
const (
	Unknown  Phase = "unknown"  // not looked at yet
	InSync   Phase = "in-sync"  // as the manifests say
	Drifted  Phase = "drifted"  // it differs, and nothing is to be done about it by this controller
	Pending  Phase = "pending"  // it differs, and what is to be done waits: for a window, an approval, its turn or a better state
	Applying Phase = "applying" // it is being changed
	Failing  Phase = "failing"  // it could not be looked at, or not be changed
)

// Cluster is what is known of one cluster.
type Cluster struct {
	Name  string `json:"name"`
	Phase Phase  `json:"phase"`
	// Desired is the revision in force for it, Observed the newest one that it was seen to be as. Broken says why its part of a newer revision is not in
	// force.
	Desired  Revision `json:"desired,omitzero"`
	Observed Revision `json:"observed,omitzero"`
	Broken   string   `json:"broken,omitempty"`
	// Looked is when it was last looked at without trouble, and Err what was wrong since.
	Looked time.Time `json:"looked,omitzero"`
	Err    string    `json:"err,omitempty"`
	// Took is how long the last look took.
	Took time.Duration `json:"took"`
	// Plan is that of the last look, Digest what `hactl approve` names, Verdict what was decided about it.
	Plan    *reconcile.Plan `json:"plan,omitempty"`
	Digest  string          `json:"digest,omitempty"`
	Verdict policy.Verdict  `json:"verdict,omitzero"`
	// Failed is why its manifests could not be applied, by whomever, as long as it is not as they say.
	Failed string             `json:"failed,omitempty"`
	Health []reconcile.Health `json:"health,omitempty"`
	// Synced is when it was last seen as the manifests say, Streams whether changes are heard of at once.
	Synced  time.Time `json:"synced,omitzero"`
	Streams bool      `json:"streams"`
	// Next is when it is looked at again, at the latest.
	Next time.Time `json:"next,omitzero"`
	// Applies are the last of this process, newest first.
	Applies []Apply `json:"applies,omitempty"`

	failed string // the digest of the manifests that Failed is about
}

// Drift counts the objects that differ.
func (c Cluster) Drift() int {
	if c.Plan == nil || c.Plan.OnlyAdopts() {
		return 0
	}
	seen := map[reconcile.Ref]bool{}
	for _, s := range c.Plan.Steps {
		for _, ch := range s.Changes {
			seen[ch.Object] = true
		}
	}
	return len(seen)
}

// Apply is one change of a cluster.
type Apply struct {
	At       time.Time     `json:"at,omitzero"`
	Took     time.Duration `json:"took"`
	Revision Revision      `json:"revision,omitzero"`
	Digest   string        `json:"digest,omitempty"`
	Steps    int           `json:"steps"`
	Why      string        `json:"why,omitempty"` // what allowed it
	Err      string        `json:"err,omitempty"`
}

// keptApplies bounds what is remembered of each cluster.
const keptApplies = 20

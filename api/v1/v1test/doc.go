// Package v1test makes random manifests for property tests (pgregory.net/rapid). What it makes is always valid, and together it holds every
// kind and every form that the types can say: sets with rules, scores and shared ids, bundles, templates, tags, topologies, ACLs, alerts,
// remote nodes, tickets, and texts that YAML and XML readers are known to change.
package v1test

package source

import (
	"context"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

// What a source may hold. See the package's comment for why.
const (
	MaxFile  = 4 << 20  // bytes of one file
	MaxTotal = 32 << 20 // bytes of all files
	MaxFiles = 10_000
)

// Revision is one state of the manifests. It is not changed after it was found.
type Revision struct {
	ID   string // the commit's id, or "sha256:…" over names and contents of a folder
	Name string // for people: "main@1a2b3c4", "manifests@1a2b3c4"

	// Of the commit; empty for a folder. Text from outside, freed of control characters and cut to 200 of them.
	Author, Subject string
	At              time.Time
	Signer          string // who signed it, as the allowed-signers file names them; empty if signatures are not asked for

	// Rewrites is the ID of the revision before where this one does not descend from it, as far as its last commits tell.
	Rewrites string

	Files []v1.File // in the order of their names, which are relative to the folder or to the path in the repository

	// Dir is the folder where relative names of secrets' files start. It is empty for Git: there is no worktree, and a secret that a repository
	// holds in clear text is none. Such references are to be refused there, absolute ones are not.
	Dir string
}

// RefusedError is why a commit that was read is not found: it is not signed as asked for, or holds what must not be read. Revision has no Files.
type RefusedError struct {
	Revision Revision
	err      error
}

// Error implements error.
func (e RefusedError) Error() string { return e.err.Error() }

// Unwrap gives the reason, without the name of the repository.
func (e RefusedError) Unwrap() error { return e.err }

// Source follows manifests.
type Source interface {
	// Run follows until ctx ends, and then returns nil. It returns an error at once if the source cannot be followed as it is set up. A value
	// from poke asks to look soon (a webhook, SIGHUP); whoever sends should not wait for it: pokes that come during a look count as one. The
	// callbacks are called one at a time; Run goes on when they return.
	Run(ctx context.Context, poke <-chan struct{}, found func(Revision), failed func(error)) error
	// String names the source for people, without secrets.
	String() string
}

// short is what people call a revision by.
func short(id string) string { return id[:min(7, len(id))] }

package reconcile

import "time"

// Judgement says what came of a change, against what was predicted.
type Judgement struct {
	Verdicts []Verdict
	// Differs are sentences on what the cluster did otherwise than predicted. Harm is what is worse than predicted: something failed, is
	// blocked, stopped or was fenced; Elsewhere what runs on another node than predicted.
	Differs, Harm, Elsewhere []string
	// Comparison is reaction by reaction, if it was asked for with what happened.
	Comparison *Comparison
	// Moving tells that the cluster is not at rest.
	Moving bool
	// Settle is how long it takes until each monitor of what changed has looked once.
	Settle time.Duration
}

// Verdict is how a changed object is at the end of an apply.
type Verdict struct {
	Object Ref          `json:"object"`
	State  VerdictState `json:"state"`
	Text   string       `json:"text"`
}

// VerdictState is a Verdict in a word.
type VerdictState string

// The verdicts. Only the first two are well.
const (
	Running          VerdictState = "running"
	InPlace          VerdictState = "in place" // nothing that runs
	VerdictStopped   VerdictState = "stopped"
	VerdictFailed    VerdictState = "failed"
	VerdictBlocked   VerdictState = "blocked"
	VerdictUnmanaged VerdictState = "unmanaged"
	VerdictFencing   VerdictState = "waiting for fencing"
)

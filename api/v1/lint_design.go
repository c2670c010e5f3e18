package v1

// The ids of the lints that look at a cluster as a whole (package api/lint).
const (
	LintNoFencing            = "no-fencing"
	LintNoQuorumPolicyIgnore = "no-quorum-policy-ignore"
)

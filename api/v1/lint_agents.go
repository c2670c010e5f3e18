package v1

// The ids of the lints that compare manifests with the metadata of agents (package schemas/agents).
const (
	LintUnknownAgent        = "unknown-agent"
	LintUnknownParameter    = "unknown-parameter"
	LintMissingParameter    = "missing-parameter"
	LintParameterType       = "parameter-type"
	LintDeprecatedParameter = "deprecated-parameter"
)

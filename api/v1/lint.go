package v1

import (
	"fmt"
	"slices"
)

// Lint is a check of something that Pacemaker or corosync takes as it is, but that hardly anybody means. An object silences it with
// metadata.ignore. What makes an object unusable (a field that is missing, a wrong type, two objects with one id) is no lint.
type Lint struct {
	// ID is what stands in metadata.ignore and, in brackets, at the end of the message.
	ID string
	// Explanation says in one line what the check is about.
	Explanation string
}

// The ids of the lints.
const (
	lintUnknownNode        = "unknown-node"
	lintUnknownResource    = "unknown-resource"
	lintUnknownReference   = "unknown-reference"
	lintInsideClone        = "inside-clone"
	lintNoNodes            = "no-nodes"
	lintUnknownOption      = "unknown-option"
	lintOptionValue        = "option-value"
	lintFormat             = "format"
	lintDuplicateOperation = "duplicate-operation"
	lintDuplicateName      = "duplicate-name"
	lintOrder              = "order"
	lintFenceAction        = "fence-action"
	lintLevelIndex         = "level-index"
	lintBundleNetwork      = "bundle-network"
)

var lints = []Lint{
	{lintBundleNetwork, "A bundle holds a primitive and has neither ipRangeStart nor controlPort: Pacemaker cannot reach it and drops the bundle."},
	{LintDeprecatedParameter, "A parameter is deprecated in the agent's metadata; it works, and hactl validate only warns."},
	{lintDuplicateName, "An attribute set gives one name twice; Pacemaker takes the first."},
	{lintDuplicateOperation, "A resource has two operations of one name and interval; Pacemaker takes one of them."},
	{lintFenceAction, "A fence device has the parameter action; Pacemaker gives it for each operation and passes this one over."},
	{lintFormat, "A text is not of the form that Pacemaker understands, such as a time span, a score out of range or a host name."},
	{lintInsideClone, "A constraint names what a clone or bundle holds, where only the clone or bundle itself is sure to be found."},
	{lintLevelIndex, "A fencing level has a number over 9; Pacemaker passes it over."},
	{LintMissingParameter, "A parameter that the agent's metadata require is not given."},
	{LintNoFencing, "A cluster of several nodes runs resources with fencing off, without a fence device, or with a node that no device can fence."},
	{lintNoNodes, "A Cluster lists no nodes; then nothing that names a node can be checked."},
	{LintNoQuorumPolicyIgnore, "Both sides of a cut network go on running everything: no-quorum-policy is ignore."},
	{lintOptionValue, "An option has a value that the tool does not document."},
	{lintOrder, "An order puts a resource before itself, or is said to be reversed where Pacemaker cannot reverse it."},
	{LintParameterType, "A parameter has a value that is not of the type in the agent's metadata."},
	{LintUnknownAgent, "An agent is named that Debian 12 does not have, though it has others of the provider."},
	{lintUnknownNode, "A node is named that the Cluster does not have."},
	{lintUnknownOption, "An option is named that is not known, or is very near to a known one."},
	{LintUnknownParameter, "A parameter is given that the agent's metadata do not know."},
	{lintUnknownReference, "An id, role, template or tag member is named that no manifest brings."},
	{lintUnknownResource, "A resource or fence device is named that no manifest brings."},
}

// Lints lists all lints by their ids.
func Lints() []Lint { return slices.Clone(lints) }

// lintf notes a mistake that the object may silence.
func (c *checker) lintf(lint string, o *Object, path, format string, args ...any) {
	if !slices.ContainsFunc(o.Metadata.Ignore, func(i IgnoredLint) bool { return i.Lint == lint }) {
		c.add(lint, o, path, fmt.Sprintf(format, args...))
	}
}

// ignored checks what an object silences.
func (c *checker) ignored(o *Object) {
	var ids []string
	for _, l := range lints {
		ids = append(ids, l.ID)
	}
	for i, l := range o.Metadata.Ignore {
		if l.Lint != "" && !slices.Contains(ids, l.Lint) {
			c.errorf(o, fmt.Sprintf("metadata.ignore[%d].lint", i), "there is no lint %q%s; hactl explain lints lists them", l.Lint, suggestion(l.Lint, ids))
		}
	}
}

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
	{LintBoothUnit, "A systemd unit of booth is a resource; it conflicts with pacemaker.service and stops Pacemaker."},
	{lintBundleNetwork, "A bundle holds a primitive and has neither ipRangeStart nor controlPort: Pacemaker cannot reach it and drops the bundle."},
	{LintColocationWithoutOrder, "A service must run where a volume or file system is, and may start before it is there."},
	{LintDeprecatedNames, "A role or option has the word from before Pacemaker 2.1 (Master, Slave, master-max)."},
	{LintDeprecatedParameter, "A parameter is deprecated in the agent's metadata; it works, and hactl validate only warns."},
	{LintDRBDWithoutNotify, "DRBD is a clone without notify: its agent refuses to start."},
	{lintDuplicateName, "An attribute set gives one name twice; Pacemaker takes the first."},
	{lintDuplicateOperation, "A resource has two operations of one name and interval; Pacemaker takes one of them."},
	{LintDuplicateVIP, "Two resources bring up one address, or one brings up a node's own."},
	{lintFenceAction, "A fence device has the parameter action; Pacemaker gives it for each operation and passes this one over."},
	{LintFenceOnTargetOnly, "A node's fence device may run on that node only, or on none: nobody can use it when the node is lost."},
	{LintFilesystemOnDRBD, "A file system on a DRBD device is not tied to where DRBD is promoted, or does not wait for that."},
	{lintFormat, "A text is not of the form that Pacemaker understands, such as a time span, a score out of range or a host name."},
	{LintGroupConstraints, "A constraint between two members of a group repeats or contradicts what the group says."},
	{lintInsideClone, "A constraint names what a clone or bundle holds, where only the clone or bundle itself is sure to be found."},
	{lintLevelIndex, "A fencing level has a number over 9; Pacemaker passes it over."},
	{LintMissingParameter, "A parameter that the agent's metadata require is not given."},
	{LintMonitorShorter, "A monitor runs more often than the agent advises, or has less time."},
	{LintNoFenceDelay, "Two nodes fence each other at the same moment when they lose sight of each other."},
	{LintNoFencing, "A cluster of several nodes runs resources with fencing off, without a fence device, or with a node that no device can fence."},
	{LintNoMonitor, "A resource or fence device has no monitor; Pacemaker does not notice when it fails."},
	{lintNoNodes, "A Cluster lists no nodes; then nothing that names a node can be checked."},
	{LintNoQuorumPolicyIgnore, "Both sides of a cut network go on running everything: no-quorum-policy is ignore."},
	{LintOneshotUnit, "A systemd unit is a oneshot that stays active when what it started dies; no monitor ever fails."},
	{lintOptionValue, "An option has a value that the tool does not document."},
	{lintOrder, "An order puts a resource before itself, or is said to be reversed where Pacemaker cannot reverse it."},
	{LintOrderOfNoPromotion, "An order waits for the promotion of something that is never promoted, mostly since thenAction is missing; it orders nothing."},
	{LintOrderWithoutColocation, "An address, volume or file system is ordered with something that may run on another node."},
	{LintPacemaker3, "Something is used that Pacemaker 3 no longer knows or takes otherwise."},
	{LintParameterType, "A parameter has a value that is not of the type in the agent's metadata."},
	{LintPromotedMonitor, "No monitor of a promotable resource is for the promoted role."},
	{LintSBDTimeouts, "stonith-watchdog-timeout contradicts how SBD is set up."},
	{LintStopTimeouts, "Time limits do not add up: stops against shutdown-escalation, a fence device against stonith-timeout, consensus against the token."},
	{LintTimeoutShorter, "A start, stop, promotion or demotion has less time than the agent advises."},
	{LintUnitEnabledAtBoot, "The cluster runs a systemd unit that spec.prepare does not disable at boot."},
	{LintUnknownAgent, "An agent is named that Debian 12 does not have, though it has others of the provider."},
	{lintUnknownNode, "A node is named that the Cluster does not have."},
	{lintUnknownOption, "An option is named that is not known, or is very near to a known one."},
	{LintUnknownParameter, "A parameter is given that the agent's metadata do not know."},
	{lintUnknownReference, "An id, role, template or tag member is named that no manifest brings."},
	{lintUnknownResource, "A resource or fence device is named that no manifest brings."},
	{LintVIPOutsideNetworks, "An address is in no network of the nodes, and no interface is named."},
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

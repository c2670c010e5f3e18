// Package lint looks for what every tool takes and hardly anybody means: a cluster without fencing, constraints that contradict each other,
// a database whose unit is an empty shell. It reads manifests only and does no I/O.
//
// A lint is one function in the file of its name, and its id with one line of explanation stands in v1.Lints. What it finds is a warning: it
// says what is wrong up to the first ": ", then why that matters, and behind "; " what to do. What the agents or Pacemaker handle by
// themselves is no finding, and a lint that cannot be sure is silent.
package lint

import (
	"fmt"
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
)

// checks are all lints of the package, and ids what they find.
var (
	checks = []func(*cluster){
		noFencing,
		fenceOnTargetOnly,
		noFenceDelay,
		sbdTimeouts,
		noQuorumPolicyIgnore,
		groupConstraints,
		orderWithoutColocation,
		orderOfNoPromotion,
		colocationWithoutOrder,
		drbdWithoutNotify,
		filesystemOnDRBD,
		noMonitor,
		monitorShorter,
		promotedMonitor,
		timeoutShorter,
		stopTimeouts,
		unitEnabledAtBoot,
		oneshotUnit,
		boothUnit,
		duplicateVIP,
		vipOutsideNetworks,
		deprecatedNames,
		pacemaker3,
	}
	ids = []string{
		v1.LintNoFencing,
		v1.LintFenceOnTargetOnly,
		v1.LintNoFenceDelay,
		v1.LintSBDTimeouts,
		v1.LintNoQuorumPolicyIgnore,
		v1.LintGroupConstraints,
		v1.LintOrderWithoutColocation,
		v1.LintOrderOfNoPromotion,
		v1.LintColocationWithoutOrder,
		v1.LintDRBDWithoutNotify,
		v1.LintFilesystemOnDRBD,
		v1.LintNoMonitor,
		v1.LintMonitorShorter,
		v1.LintPromotedMonitor,
		v1.LintTimeoutShorter,
		v1.LintStopTimeouts,
		v1.LintUnitEnabledAtBoot,
		v1.LintOneshotUnit,
		v1.LintBoothUnit,
		v1.LintDuplicateVIP,
		v1.LintVIPOutsideNetworks,
		v1.LintDeprecatedNames,
		v1.LintPacemaker3,
	}
)

// Check looks at manifests that Load or Validate has taken. It gives what the objects do not silence by metadata.ignore, sorted by place. All
// of it is warnings.
func Check(m *v1.Manifests) v1.Errors {
	if m.Cluster == nil {
		return nil
	}
	c := newCluster(m)
	for _, check := range checks {
		check(c)
	}
	return c.found.Sorted()
}

// warnf notes a finding about a field of an object, which may silence it.
func (c *cluster) warnf(lint string, o *v1.Object, path, format string, args ...any) {
	if slices.ContainsFunc(o.Metadata.Ignore, func(l v1.IgnoredLint) bool { return l.Lint == lint }) {
		return
	}
	c.found = append(c.found, &v1.Error{
		Pos: o.Pos(path), Object: o.Kind + "/" + o.Metadata.Name, Path: path, Message: fmt.Sprintf(format, args...), Lint: lint,
	})
}

package v1

// The ids of the lints that look at a cluster as a whole (package api/lint).
const (
	LintBoothUnit              = "booth-unit"
	LintColocationWithoutOrder = "colocation-without-order"
	LintDRBDWithoutNotify      = "drbd-without-notify"
	LintDeprecatedNames        = "deprecated-names"
	LintDuplicateVIP           = "duplicate-vip"
	LintFenceOnTargetOnly      = "fence-device-on-its-target-only"
	LintFilesystemOnDRBD       = "filesystem-on-drbd-not-promoted"
	LintGroupConstraints       = "group-constraints"
	LintMonitorShorter         = "monitor-shorter"
	LintNoFenceDelay           = "no-fence-delay"
	LintNoFencing              = "no-fencing"
	LintNoMonitor              = "no-monitor"
	LintNoQuorumPolicyIgnore   = "no-quorum-policy-ignore"
	LintOneshotUnit            = "oneshot-unit"
	LintOrderOfNoPromotion     = "order-of-no-promotion"
	LintOrderWithoutColocation = "order-without-colocation"
	LintPacemaker3             = "pacemaker-3"
	LintPromotedMonitor        = "promoted-monitor"
	LintSBDTimeouts            = "sbd-timeouts"
	LintStopTimeouts           = "stop-timeouts"
	LintTimeoutShorter         = "timeout-shorter"
	LintUnitEnabledAtBoot      = "unit-enabled-at-boot"
	LintVIPOutsideNetworks     = "vip-outside-networks"
)

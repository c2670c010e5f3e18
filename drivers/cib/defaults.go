package cib

import "strings"

// absentOptions are what Pacemaker takes for cluster options that are not given (pacemaker-schedulerd(7), pacemaker-controld(7),
// pacemaker-based(7) of 2.1). Resource and operation options are not here: those left out of an object come from its group, clone, template
// or the cluster's defaults.
var absentOptions = map[string]string{
	"no-quorum-policy": "stop", "symmetric-cluster": "true", "maintenance-mode": "false", "start-failure-is-fatal": "true",
	"enable-startup-probes": "true", "stop-all-resources": "false", "stop-orphan-resources": "true", "stop-orphan-actions": "true",
	"stonith-enabled": "true", "stonith-action": "reboot", "stonith-timeout": "60s", "startup-fencing": "true",
	"priority-fencing-delay": "0", "cluster-delay": "60s", "batch-limit": "0", "migration-limit": "-1",
	"load-threshold": "80%", "node-action-limit": "0", "pe-error-series-max": "-1", "pe-warn-series-max": "5000", "pe-input-series-max": "4000",
	"node-health-strategy": "none", "node-health-base": "0", "node-health-green": "0", "node-health-yellow": "0", "node-health-red": "-INFINITY",
	"placement-strategy": "default", "dc-deadtime": "20s", "cluster-recheck-interval": "15min", "fence-reaction": "stop",
	"election-timeout": "2min", "shutdown-escalation": "20min", "join-integration-timeout": "3min", "join-finalization-timeout": "30min",
	"transition-delay": "0s", "stonith-watchdog-timeout": "0", "stonith-max-attempts": "10", "enable-acl": "false", "cluster-ipc-limit": "500",
	"shutdown-lock": "false", "shutdown-lock-limit": "0",
}

// absentAttrs are what Pacemaker takes for attributes that are not given, by the ends of the fields' paths.
var absentAttrs = map[string]string{
	"colocation.score":           "0", // unpack_simple_colocation
	"location.resourceDiscovery": "always",
	"order.requireAll":           "true",
	"ticket.lossPolicy":          "stop",
	"docker.replicasPerHost":     "1",
	"podman.replicasPerHost":     "1",
	"rkt.replicasPerHost":        "1",
	"docker.promotedMax":         "0",
	"podman.promotedMax":         "0",
	"rkt.promotedMax":            "0",
	"network.controlPort":        "3121",
	"network.addHost":            "true",
	"clone.meta.promotable":      "false",
	"order.firstAction":          "start",
}

// absent is the value that a field has for Pacemaker when it is not there.
func absent(f field) (value string, known bool) {
	if f.group == "properties" {
		value, known = absentOptions[f.name]
		return value, known
	}
	if value, known = absentAttrs[f.path()]; known {
		return value, true
	}
	if f.name == "score" && f.el.Tag == "node" {
		return "0", true // pe_create_node: char2score of nothing
	}
	if f.name == "score" && strings.HasSuffix(f.group, "]") && strings.Contains(f.group, "Sets[") {
		return "0", true // crm_element_value_int in pe__sort_nvpairs
	}
	return "", false
}

package corosync

import (
	"slices"
	"strings"
)

// effect says how a changed option takes effect on a running cluster.
type effect int

const (
	// byReload: corosync-cfgtool -R is enough.
	byReload effect = iota
	// byEach: corosync reads it at its start, and nodes with the old and the new value work together: node by node.
	byEach
	// byAll: nodes with different values do not talk to each other: all daemons of the cluster stop and start together.
	byAll
)

// Which options corosync does not take over at run time. The first table is what exec/cfg.c (remove_ro_entries) refuses with the notice
// "Modified entry '…' in corosync.conf cannot be changed at run-time", read off the log of corosync 3.1.7 after a reload that changed every
// option at once; the old value then stays in cmap. The second is what exec/votequorum.c (votequorum_readconfig) reads only at its start,
// though cmap shows the new value after a reload. Encryption (totem.crypto_*, secauth) does reload since 3.1, on and off too: the ring does
// not even form anew.
var (
	readOnly = map[string]effect{
		"totem.version": byAll, "totem.transport": byAll, "totem.cluster_name": byAll, "quorum.provider": byAll, "totem.ip_version": byAll,
		"totem.threads": byEach, "totem.rrp_mode": byEach, "totem.netmtu": byEach,
		"system.move_to_root_cgroup": byEach, "system.allow_knet_handle_fallback": byEach, "system.sched_rr": byEach,
		"system.priority": byEach, "system.qb_ipc_type": byEach, "system.state_dir": byEach,
	}
	atStart = map[string]effect{
		"quorum.wait_for_all": byEach, "quorum.auto_tie_breaker": byEach, "quorum.auto_tie_breaker_node": byEach,
		"quorum.last_man_standing": byEach, "quorum.last_man_standing_window": byEach, "quorum.allow_downscale": byEach,
		"quorum.expected_votes_tracking": byEach,
	}
	// voteFlags are votequorum's words for what is on, as corosync-quorumtool prints them.
	voteFlags = map[string]string{
		"quorum.wait_for_all": "WaitForAll", "quorum.auto_tie_breaker": "AutoTieBreaker",
		"quorum.last_man_standing": "LastManStanding", "quorum.allow_downscale": "AllowDownscale",
	}
)

// implied is what corosync takes where the file says nothing and where it matters here: writing it down changes nothing.
var implied = map[string]string{"totem.transport": "knet"}

func effectOf(path string) effect {
	if e, ok := readOnly[path]; ok {
		return e
	}
	return atStart[path]
}

// own are keys that corosync itself puts into cmap or leaves out of it, so that their absence or presence says nothing.
func own(path string) bool {
	switch lastKey(path) {
	case "linknumber", "ringnumber", "subsys", "bindnetaddr", "key", "keyfile", "cancel_wait_for_all", "local_node_pos":
		return true
	}
	return strings.HasPrefix(path, "system.")
}

// stale lists the options in which a running corosync differs from its configuration, by what mends it.
func stale(r *Running, conf map[string]string) (reload, restart []string) {
	for _, p := range sortedKeys(conf) {
		top, _, _ := strings.Cut(p, ".")
		if own(p) || top != "totem" && top != "quorum" && top != "logging" && top != "nodelist" {
			continue
		}
		v, ok := r.Config[p]
		if !ok {
			v, ok = implied[p]
		}
		switch {
		case ok && sameValue(p, v, conf[p]):
		case readOnly[p] != 0:
			restart = append(restart, p)
		default:
			reload = append(reload, p)
		}
	}
	for _, p := range sortedKeys(r.Config) {
		if _, ok := conf[p]; ok || own(p) || readOnly[p] != 0 {
			continue
		}
		top, rest, _ := strings.Cut(p, ".")
		if (top == "totem" || top == "quorum" || top == "logging") && !strings.ContainsAny(rest, ".[") || top == "nodelist" && strings.HasSuffix(p, "].nodeid") {
			reload = append(reload, p)
		}
	}
	for _, p := range sortedKeys(voteFlags) {
		on := conf[p] != "" && conf[p] != "0"
		if p == "quorum.wait_for_all" && conf[p] == "" && conf[twoNode] == "1" {
			on = true // two_node implies it (votequorum(5))
		}
		if on == slices.Contains(r.Flags, voteFlags[p]) {
			continue
		}
		if p == "quorum.wait_for_all" && conf[p] == "" {
			// A flip of two_node at run time turns its implied wait_for_all neither on nor off; it is not worth a restart.
			continue
		}
		if p == "quorum.wait_for_all" && !on {
			// last_man_standing and auto_tie_breaker may imply it; votequorum.c
			continue
		}
		restart = append(restart, p)
	}
	slices.Sort(reload)
	return slices.Compact(reload), restart
}

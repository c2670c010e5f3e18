package schemas

import (
	"strings"
	"testing"
)

// What an editor says of agents' parameters.
func TestAgentsParameters(t *testing.T) {
	s := schema(t)
	for _, c := range []struct {
		name, spec string // of a Resource, unless it begins with a kind
		bad        string // part of the mistake; "" means none
	}{
		{"right", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, cidr_netmask: 24, lvs_support: yes, unique_clone_address: "true"}}`, ""},
		{"null takes any away", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, gone: null, lvs_support: null}}`, ""},
		{"taken by all", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, trace_ra: 1, CRM_meta_timeout: 20}}`, ""},
		{"missing may come from elsewhere", `{agent: "ocf:heartbeat:IPaddr2"}`, ""},
		{"unknown parameter", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, cidr_netmsk: 24}}`, "additionalProperties"},
		{"not a boolean", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, lvs_support: perhaps}}`, "lvs_support"},
		{"not an integer", `{agent: "ocf:heartbeat:pgsql", params: {pgport: standard}}`, "pgport"},
		{"an integer in quotes", `{agent: "ocf:heartbeat:pgsql", params: {pgport: "5432"}}`, ""},
		{"a type that means nothing", `{agent: "ocf:pacemaker:ping", params: {host_list: 10.0.0.1, dampen: 5s}}`, ""},
		{"another agent", `{agent: "ocf:mine:thing", params: {whatever: 1}}`, ""},
		{"unknown in a clone", `{agent: "ocf:linbit:drbd", params: {drbd_resource: r0, ip: x}, clone: {promotable: true}}`, "additionalProperties"},
		{"group", `ResourceGroup {resources: [{name: a, agent: "ocf:heartbeat:Filesystem", params: {device: /dev/sda, directory: /srv, fstype: ext4}}]}`, ""},
		{"unknown in a group", `ResourceGroup {resources: [{name: a, agent: "ocf:heartbeat:Filesystem", params: {devise: /dev/sda}}]}`, "additionalProperties"},
		{"template", `ResourceTemplate {agent: "ocf:heartbeat:Filesystem", params: {fstype: ext4}}`, ""},
		{"unknown in a template", `ResourceTemplate {agent: "ocf:heartbeat:Filesystem", params: {fstyp: ext4}}`, "additionalProperties"},
		{"fence device", `FenceDevice {agent: fence_ipmilan, params: {ip: 10.0.0.9, ipaddr: x, lanplus: 1, method: cycle, pcmk_host_list: node1, pcmk_delay_max: 5s}}`, ""},
		{"unknown in a fence device", `FenceDevice {agent: fence_ipmilan, params: {hostname: x}}`, "additionalProperties"},
		{"not one of a choice", `FenceDevice {agent: fence_ipmilan, params: {method: reboot}}`, "method"},
		{"not a number of seconds", `FenceDevice {agent: fence_ipmilan, params: {power_wait: 5s}}`, "power_wait"},
		{"a fence agent that is not among the common ones", `FenceDevice {agent: fence_apc, params: {whatever: 1}}`, ""},
	} {
		kind, spec, ok := strings.Cut(c.spec, " ")
		if !ok || strings.HasPrefix(c.spec, "{") {
			kind, spec = "Resource", c.spec
		}
		err := check(t, s, "apiVersion: hactl/v1\nkind: "+kind+"\nmetadata: {name: x}\nspec: "+spec+"\n")
		switch {
		case c.bad == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.bad != "" && err == nil:
			t.Errorf("%s: no mistake is found", c.name)
		case c.bad != "" && !strings.Contains(err.Error(), c.bad):
			t.Errorf("%s: %v does not name %s", c.name, err, c.bad)
		}
	}
}

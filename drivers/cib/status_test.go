package cib

import (
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// What of a cluster's state may pass by waiting, in a word for programs.
func TestStatusConditions(t *testing.T) {
	const (
		nodes   = `<nodes><node name="n1" online="true"/><node name="n2" online="true" NODE/></nodes>`
		summary = `<summary><last_update time="Fri Nov 20 16:00:00 2026"/><current_dc present="true" with_quorum="true" name="n1"/><cluster_options OPTIONS/></summary>`
		runs    = `<resource id="A" resource_agent="ocf:pacemaker:Dummy" role="Started" managed="true"><node name="n1"/></resource>`
		cib     = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9"><configuration><crm_config><cluster_property_set id="o">` +
			`<nvpair id="o-s" name="stonith-enabled" value="true"/></cluster_property_set></crm_config><nodes/><resources/><constraints/></configuration><status/></cib>`
	)
	failure := func(at string) string {
		return `<failures><failure op_key="A_monitor_10000" node="n1" exitstatus="not running" task="monitor" last-rc-change="` + at + `"/></failures>`
	}
	for _, c := range []struct {
		name                              string
		node, options, resource, elements string
		object                            string
		want                              reconcile.Condition
		level                             reconcile.Level
	}{
		{name: "all is well", object: "Resource/A"},
		{name: "unclean", node: `unclean="true"`, object: "Node/n2", want: reconcile.Fencing, level: reconcile.Failed},
		{name: "being fenced", elements: `<fence_history><fence_event action="reboot" target="n2" status="pending"/></fence_history>`,
			object: "fencing/n2", want: reconcile.Fencing, level: reconcile.Degraded},
		{name: "a node in maintenance", node: `maintenance="true"`, object: "Node/n2", want: reconcile.Maintenance, level: reconcile.Info},
		{name: "a node in standby", node: `standby="true"`, object: "Node/n2", level: reconcile.Info},
		{name: "the cluster in maintenance", options: `maintenance-mode="true"`, object: "cluster/c", want: reconcile.Maintenance, level: reconcile.Info},
		{name: "stopped by somebody", resource: `<resource id="A" role="Stopped" target_role="Stopped" managed="true"/>`, object: "Resource/A", want: reconcile.Lasting, level: reconcile.Degraded},
		{name: "stopped by itself", resource: `<resource id="A" role="Stopped" managed="true"/>`, object: "Resource/A", level: reconcile.Degraded},
		{name: "failed", resource: `<resource id="A" role="Started" failed="true" managed="true"><node name="n1"/></resource>`, object: "Resource/A", level: reconcile.Failed},
		{name: "failed a minute ago", elements: failure("Fri Nov 20 15:59:00 2026"), object: "Resource/A", level: reconcile.Degraded},
		{name: "failed yesterday", elements: failure("Thu Nov 19 15:59:00 2026"), object: "Resource/A", want: reconcile.Lasting, level: reconcile.Degraded},
		{name: "failed nobody knows when", elements: failure("once"), object: "Resource/A", level: reconcile.Degraded},
		{name: "no fence device", object: "fencing/n1", want: reconcile.Lasting, level: reconcile.Failed},
	} {
		resource := c.resource
		if resource == "" {
			resource = runs
		}
		mon := `<pacemaker-result>` + strings.Replace(summary, "OPTIONS", c.options, 1) + strings.Replace(nodes, "NODE", c.node, 1) +
			`<resources>` + resource + `</resources>` + c.elements + `</pacemaker-result>`
		hs := New("default").Status(State{Cluster: "c", CIB: cib, Monitor: mon, Members: []Member{{Name: "n1", Runs: Running}, {Name: "n2", Runs: Running}}})
		i := slices.IndexFunc(hs, func(h reconcile.Health) bool {
			return h.Object.String() == c.object && (c.want == "" || h.Condition == c.want)
		})
		if i < 0 {
			t.Errorf("%s: nothing is %q: %+v", c.name, c.want, hs)
		} else if h := hs[i]; h.Level != c.level || h.Condition != c.want {
			t.Errorf("%s: %+v, want %s %q", c.name, h, c.level, c.want)
		}
	}
}

func TestGroupRunsOnANodeOnce(t *testing.T) {
	i := Instance{Resource: "G", Role: "Started", Node: "n1", Managed: true}
	if _, text := resourceHealth([]Instance{i, i}, nil); text != "started on n1" {
		t.Errorf("two members on one node: %q", text)
	}
}

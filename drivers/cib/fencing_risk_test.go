package cib

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

// gatesOf are the gates of a plan's changes, as "RISK OBJECT PATH: WHY", those that must be allowed by name with a "!".
func gatesOf(t testing.TB, want, have State) string {
	t.Helper()
	var out []string
	for _, s := range steps(t, want, have) {
		for _, c := range s.Changes {
			if c.Risk < reconcile.Outage {
				continue
			}
			named := ""
			if c.ByName {
				named = "!"
			}
			out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s%s %s %s: %s", c.Risk, named, c.Object, c.Path, c.Why)), " "))
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n")
}

// withOptions is a CIB with options of the cluster and resources, all of them this owner's.
func withOptions(options, resources, sections string, recorded ...string) string {
	cib := live("pacemaker-3.9", resources, "", records(recorded...))
	cib = strings.Replace(cib, `<nvpair id="p" name="dc-version" value="2"/>`, `<nvpair id="p" name="dc-version" value="2"/>`+options, 1)
	return strings.Replace(cib, "</configuration>", sections+"</configuration>", 1)
}

func clusterPair(name, value string) string {
	return fmt.Sprintf(`<nvpair id="o-%s" name="%s" value="%s"/>`, name, name, value)
}

// cluster is a manifest of the cluster alone, with options.
func cluster(options string) string {
	return strings.Replace(strings.TrimSuffix(head, "---\napiVersion: hactl/v1\n"), "spec:\n", "spec:\n  properties: {"+options+"}\n", 1)
}

// What leaves nodes that nobody can fence is a risk of its own, however it is written down; what leaves them a device is none.
func TestFencingRisks(t *testing.T) {
	device := func(id, nodes, more string) string {
		return "---\napiVersion: hactl/v1\nkind: FenceDevice\nmetadata: {name: " + id + "}\nspec: {agent: fence_x, targets: [" + nodes + "]" + more + "}\n"
	}
	level := func(devices string) string {
		return "---\napiVersion: hactl/v1\nkind: FencingTopology\nmetadata: {name: top}\nspec: {target: n1, levels: [{index: 1, devices: [" + devices + "]}]}\n"
	}
	const ours = ".=agent params=pcmk_host_list"
	both, one := fence("f", "n1,n2"), fence("f", "n1")
	drbd := `<primitive id="DRBD" class="ocf" provider="linbit" type="drbd"/>`
	levels := func(devices string) string {
		return `<fencing-topology><fencing-level id="l" target="n1" index="1" devices="` + devices + `"/></fencing-topology>`
	}
	on := cluster("")
	for _, c := range []struct{ name, want, live, gates string }{
		{"fencing goes off", cluster("stonith-enabled: false"), withOptions("", both, "", "Cluster.lab properties=stonith-enabled"), "fence Cluster/lab properties.stonith-enabled: fencing stops working"},
		{"fencing goes off in a cluster that hactl sees for the first time", cluster("stonith-enabled: false"), withOptions("", both, ""), "fence Cluster/lab properties.stonith-enabled: fencing stops working"},
		{"fencing goes off in the new words", cluster("fencing-enabled: false"), withOptions("", both, "", "Cluster.lab properties=fencing-enabled"), "fence Cluster/lab properties.stonith-enabled: fencing stops working"},
		{"fencing goes off in a set of its own", strings.Replace(on, "  properties: {}\n", "  propertySets: [{id: x, values: [{name: stonith-enabled, value: false}]}]\n", 1),
			withOptions("", both, "", "Cluster.lab "),
			"fence Cluster/lab propertySets[x].stonith-enabled: fencing stops working\nfence Cluster/lab propertySets[x]: fencing stops working"},
		{"fencing stays off", cluster("stonith-enabled: false"), withOptions(clusterPair("stonith-enabled", "off"), both+drbd, "", "Cluster.lab properties=stonith-enabled"), ""},
		{"fencing comes on", cluster("stonith-enabled: true"), withOptions(clusterPair("stonith-enabled", "off"), both+drbd, "", "Cluster.lab properties=stonith-enabled"), ""},
		{"taking over is one thing, fencing another", cluster("stonith-enabled: false"), withOptions(clusterPair("stonith-enabled", "true"), both, ""),
			"adopt Cluster/lab properties.stonith-enabled: fencing stops working\nfence Cluster/lab properties.stonith-enabled: fencing stops working"},
		{"a foreign device is taken over and loses a node", on + device("f", "n1", ""), withOptions("", both, ""),
			"adopt FenceDevice/f params.pcmk_host_list: it was made by someone else and differs\n" +
				"fence FenceDevice/f params.pcmk_host_list: with this change no device can fence n2: when it is lost, what ran there is not started elsewhere"},
		{"nothing was fenced, nothing runs", cluster("stonith-enabled: false"), withOptions("", "", ""), ""},
		{"fencing goes off with DRBD", cluster("stonith-enabled: false"), withOptions("", both+drbd, "", "Cluster.lab properties=stonith-enabled"),
			"fence! Cluster/lab properties.stonith-enabled: fencing stops working while DRBD (DRBD) relies on it: nodes that lose sight of each other would both write, and the data is ruined"},
		{"and in a cluster that hactl sees for the first time", cluster("stonith-enabled: false"), withOptions("", drbd, ""),
			"fence! Cluster/lab properties.stonith-enabled: fencing stops working while DRBD (DRBD) relies on it: nodes that lose sight of each other would both write, and the data is ruined"},

		{"a device loses a node", on + device("f", "n1", ""), withOptions("", both, "", "FenceDevice.f "+ours),
			"fence FenceDevice/f params.pcmk_host_list: with this change no device can fence n2: when it is lost, what ran there is not started elsewhere"},
		{"a device loses a node that another has", on + device("f", "n1", ""), withOptions("", both+fence("g", "N2"), "", "FenceDevice.f "+ours), ""},
		{"a device is stopped", on + device("f", "n1", ", meta: {target-role: Stopped}"), withOptions("", one, "", "FenceDevice.f "+ours),
			"fence FenceDevice/f meta.target-role: with this change no device can fence n1: when it is lost, what ran there is not started elsewhere"},
		{"a device gets a node", on + device("f", "n1, n2", ""), withOptions("", one, "", "FenceDevice.f "+ours), ""},
		{"a device that nobody needs changes", on + device("f", "n1", ", params: {pcmk_delay_base: 5s}"), withOptions("", one, "", "FenceDevice.f "+ours), ""},
		{"fencing was off anyway", on + device("f", "n1", ""), withOptions(clusterPair("stonith-enabled", "false"), both, "", "FenceDevice.f "+ours), ""},
		{"the watchdog does it", on + device("f", "n1", ""), withOptions(clusterPair("have-watchdog", "true")+clusterPair("stonith-watchdog-timeout", "10"), both, "", "FenceDevice.f "+ours), ""},
		{"the watchdog is no longer trusted", cluster("stonith-watchdog-timeout: 0"), withOptions(clusterPair("have-watchdog", "true")+clusterPair("stonith-watchdog-timeout", "10"), "", "", "Cluster.lab properties=stonith-watchdog-timeout"),
			"fence Cluster/lab properties.stonith-watchdog-timeout: with this change no device can fence n1, n2: when it is lost, what ran there is not started elsewhere"},
		{"a level needs a device that the node has not", on + device("f", "n1", "") + device("g", "n2", "") + level("f, g"),
			withOptions("", one+fence("g", "n2"), levels("f"), "FenceDevice.f "+ours, "FenceDevice.g "+ours, "FencingTopology.top levels[n1/1]=,devices,index,target"),
			"fence FencingTopology/top levels[n1/1].devices: with this change no device can fence n1: when it is lost, what ran there is not started elsewhere"},
		{"a level gets a device that can do it as well", on + device("f", "n1", "") + device("g", "n1, n2", "") + level("f, g"),
			withOptions("", one+fence("g", "n1,n2"), levels("f"), "FenceDevice.f "+ours, "FenceDevice.g "+ours, "FencingTopology.top levels[n1/1]=,devices,index,target"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := desired(t, strings.Replace(c.want, "  properties: {}\n", "", 1))
			if d := cmp.Diff(strings.Split(c.gates, "\n"), strings.Split(gatesOf(t, want, observed(want, c.live)), "\n")); d != "" {
				t.Errorf("-want +have:\n%s", d)
			}
		})
	}
}

// A part of the cluster without quorum that goes on is a risk where there is something to go on with.
func TestQuorumPolicyRisk(t *testing.T) {
	const gate = "quorum Cluster/lab properties.no-quorum-policy: a partition without quorum will run resources"
	for _, c := range []struct{ name, policy, live, gates string }{
		{"from the default", "ignore", withOptions("", prim("A"), "", "Cluster.lab properties=no-quorum-policy"), gate},
		{"seen for the first time", "ignore", withOptions("", prim("A"), ""), gate},
		{"from stop", "ignore", withOptions(clusterPair("no-quorum-policy", "stop"), prim("A"), "", "Cluster.lab properties=no-quorum-policy"), gate},
		{"it was so", "ignore", withOptions(clusterPair("no-quorum-policy", "ignore"), prim("A"), ""), ""},
		{"nothing runs yet", "ignore", withOptions("", "", ""), ""},
		{"to freeze", "freeze", withOptions(clusterPair("no-quorum-policy", "stop"), prim("A"), "", "Cluster.lab properties=no-quorum-policy"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := desired(t, cluster("no-quorum-policy: "+c.policy))
			if got := gatesOf(t, want, observed(want, c.live)); got != c.gates {
				t.Errorf("%q, want %q", got, c.gates)
			}
		})
	}
}

// What relies on fencing, and what only looks so.
func TestStorageReliesOnFencing(t *testing.T) {
	param := func(name, value string) string {
		return fmt.Sprintf(`<nvpair id="%s-%s" name="%s" value="%s"/>`, name, value, name, value)
	}
	prim := func(agent string, params ...string) string {
		class, rest, _ := strings.Cut(agent, ":")
		provider, kind, ok := strings.Cut(rest, ":")
		if !ok {
			kind, provider = provider, ""
		}
		return fmt.Sprintf(`<primitive id="x" class="%s" provider="%s" type="%s"><instance_attributes id="i">%s</instance_attributes></primitive>`, class, provider, kind, strings.Join(params, ""))
	}
	for _, c := range []struct{ resources, want string }{
		{prim("ocf:linbit:drbd"), "DRBD (x)"},
		{`<template id="t" class="ocf" provider="linbit" type="drbd"/><primitive id="x" template="t"/>`, "DRBD (x)"},
		{`<clone id="c">` + prim("ocf:pacemaker:controld") + `</clone>`, "a lock manager of shared storage (x)"},
		{prim("ocf:heartbeat:LVM-activate"), "a volume group (x)"},
		{prim("stonith:fence_scsi"), "a reservation on a shared disk (x)"},
		{prim("ocf:heartbeat:Filesystem", param("fstype", "gfs2"), param("device", "/dev/vg/lv")), "a cluster file system (x)"},
		{prim("ocf:heartbeat:Filesystem", param("fstype", "xfs"), param("device", "/dev/vg/lv")), "a file system on a block device (x)"},
		{prim("ocf:heartbeat:Filesystem", param("fstype", "nfs"), param("device", "nas:/export")), ""},
		{prim("ocf:heartbeat:Filesystem", param("fstype", "tmpfs"), param("device", "tmpfs")), ""},
		{prim("ocf:heartbeat:IPaddr2"), ""},
		{prim("stonith:fence_ipmilan"), ""},
		{strings.Join([]string{strings.ReplaceAll(prim("ocf:linbit:drbd"), `"x"`, `"a"`), strings.ReplaceAll(prim("ocf:linbit:drbd"), `"x"`, `"b"`),
			strings.ReplaceAll(prim("ocf:linbit:drbd"), `"x"`, `"c"`), strings.ReplaceAll(prim("ocf:linbit:drbd"), `"x"`, `"d"`)}, ""), "DRBD (a), DRBD (b), DRBD (c), …"},
	} {
		doc, err := parse(live("pacemaker-3.9", c.resources, "", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := relying(doc, doc); got != c.want {
			t.Errorf("%s: %q, want %q", c.resources, got, c.want)
		}
	}
}

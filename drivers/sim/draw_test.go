package sim_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// drawer makes manifests of one cluster that have a lot in common, so that one follows the other by changes of every sort.
type drawer struct {
	*rapid.T
	b      strings.Builder
	nodes  int
	fences bool
}

func (d *drawer) some(what string) bool { return rapid.Bool().Draw(d.T, what) }

func (d *drawer) one(what string, of ...string) string { return rapid.SampledFrom(of).Draw(d.T, what) }

func (d *drawer) add(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

// object begins an object, maybe under another name than before, and gives its name.
func (d *drawer) object(kind, name string) string {
	meta := "name: " + name
	switch rapid.IntRange(0, 9).Draw(d.T, "rename "+name) {
	case 0:
		meta = fmt.Sprintf("name: %s2, renamedFrom: %s", name, name)
		name += "2"
	case 1:
		meta = fmt.Sprintf("name: %s, renamedFrom: %s2", name, name)
	}
	d.add("---\napiVersion: hactl/v1\nkind: %s\nmetadata: {%s, ignore: [{lint: unknown-node, reason: law}, {lint: inside-clone, reason: law}]}", kind, meta)
	return name
}

// drawn gives the text of manifests for two or three nodes.
func drawn(t *rapid.T, nodes int) string {
	d := &drawer{T: t, nodes: nodes}
	d.fences = d.some("fencing") // Pacemaker starts nothing where fencing is on and there is no device
	d.cluster()
	var tops []string
	if d.some("group") {
		tops = append(tops, d.group())
	}
	for _, name := range []string{"Ra", "Rb"} {
		if d.some(name) {
			tops = append(tops, d.resource(name))
		}
	}
	d.fencing()
	if len(tops) >= 2 {
		d.constraints(tops)
	}
	d.others(tops)
	return d.b.String()
}

func (d *drawer) cluster() {
	d.add("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: law}\nspec:\n  nodes:")
	for i := range d.nodes {
		attributes := ""
		if d.some("attributes") {
			attributes = ", attributes: {rack: " + d.one("rack", "a", "b", "null") + "}"
		}
		d.add("  - {name: n%d, id: %d, addresses: [10.77.0.%d]%s}", i+1, i+1, i+1, attributes)
	}
	if d.some("totem") {
		d.add("  totem: {token: %s}", d.one("token", "3000", "5000", "null"))
	}
	if d.some("quorum") {
		d.add("  quorum: {options: {wait_for_all: %s}}", d.one("wait_for_all", "0", "1", "null"))
	}
	if d.some("logging") {
		d.add("  logging: {to_syslog: yes, debug: %s}", d.one("debug", "on", "off"))
	}
	d.add("  properties: {stonith-enabled: %t, no-quorum-policy: %s}", d.fences, d.one("no-quorum", "stop", "freeze", "null"))
	if d.some("defaults") {
		d.add("  resourceDefaults: {resource-stickiness: %s}", d.one("stickiness", "7", "8"))
	}
	d.add("  prepare:\n    packages: {all: [%s]}\n    hostsFile: %t\n    startAtBoot: %t", d.one("packages", "haproxy", "memcached", "haproxy, chrony"), d.some("hosts"), d.some("boot"))
	if d.some("users") {
		d.add("    users: [{name: law, groups: [haclient]}]")
	}
	if d.some("files") {
		d.add("    files: [{path: /etc/law.conf, content: %q, mode: %q}, {path: /var/log/law.log, owner: \"hacluster:haclient\"}]",
			d.one("content", "one", "two"), d.one("mode", "0644", "0600"))
	}
}

// primitive is the inside of a resource.
func (d *drawer) primitive() string {
	parts := []string{`agent: "ocf:pacemaker:Dummy"`}
	if d.some("params") {
		parts = append(parts, "params: {fake: "+d.one("fake", "a", "b", "null")+"}")
	}
	if rapid.IntRange(0, 2).Draw(d.T, "secret") == 0 {
		parts = append(parts, "secrets: {envfile: {env: X}}")
	}
	if d.some("monitor") {
		parts = append(parts, "operations: [{name: monitor, interval: "+d.one("interval", "10s", "20s")+"}]")
	}
	if d.some("meta") {
		parts = append(parts, "meta: {"+d.one("meta", "priority: 3", "target-role: Stopped", "is-managed: true")+"}")
	}
	return strings.Join(parts, ", ")
}

func (d *drawer) group() string {
	name := d.object("ResourceGroup", "G")
	d.add("spec:\n  resources:")
	n := rapid.IntRange(1, 3).Draw(d.T, "members")
	for _, m := range rapid.Permutation([]string{"Ga", "Gb", "Gc"}).Draw(d.T, "order")[:n] {
		d.add("  - {name: %s, %s}", m, d.primitive())
	}
	return name
}

func (d *drawer) resource(name string) string {
	at := d.object("Resource", name)
	clone := ""
	if rapid.IntRange(0, 2).Draw(d.T, "clone") == 0 {
		clone = ", clone: {meta: {clone-max: " + d.one("clone-max", "1", "2") + "}}"
	}
	d.add("spec: {%s%s}", d.primitive(), clone)
	if clone != "" {
		at += "-clone"
	}
	return at
}

// fencing makes a device for each node, or none.
func (d *drawer) fencing() {
	if !d.fences {
		return
	}
	for i := range d.nodes {
		d.add("---\napiVersion: hactl/v1\nkind: FenceDevice\nmetadata: {name: f%d}", i+1)
		d.add("spec: {agent: fence_ipmilan, targets: [n%d], avoidTargets: %t, params: {ip: 10.79.0.%d, username: %s}, secrets: {password: {env: X}}}", i+1, d.some("avoid"), i+1,
			d.one("user", "admin", "root"))
	}
	if d.some("levels") {
		d.add("---\napiVersion: hactl/v1\nkind: FencingTopology\nmetadata: {name: levels}\nspec: {target: n1, levels: [{devices: [f1]}]}")
	}
}

func (d *drawer) constraints(tops []string) {
	a, b := tops[0], tops[1]
	if d.some("location") {
		d.object("Constraint", "loc")
		d.add("spec: {location: {resource: %s, node: %s, score: %s}}", a, d.one("node", "n1", "n2"), d.one("score", "5", "-INFINITY"))
	}
	if d.some("order") {
		d.object("Constraint", "ord")
		d.add("spec: {order: {first: %s, then: %s}}", a, b)
	}
	if d.some("colocation") {
		d.object("Constraint", "col")
		d.add("spec: {colocation: {resource: %s, with: %s, score: %s}}", b, a, d.one("together", "INFINITY", "5"))
	}
}

func (d *drawer) others(tops []string) {
	d.object("ACLRole", "reader") // there is always something beside the Cluster
	d.add("spec: {permissions: [{kind: read, xpath: %s}]}", d.one("xpath", "/cib", "/cib/configuration"))
	if d.some("alert") {
		d.object("Alert", "alarm")
		d.add("spec: {path: /var/lib/alarm.sh, script: {content: %q}}", d.one("script", "#!/bin/sh\n", "#!/bin/sh\n:\n"))
	}
	if len(tops) > 0 && d.some("tag") {
		d.object("Tag", "mark")
		d.add("spec: {objects: [%s]}", tops[0])
	}
}

package v1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	resourceX = "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: x}\nspec:\n  agent: ocf:pacemaker:Dummy\n"
	twoXY     = resourceX + "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: y}\nspec:\n  agent: ocf:pacemaker:Dummy\n"
	rule      = "---\napiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: c1}\nspec:\n"
)

// Each pair of documents means the same and is written in the second way.
func TestCanonical(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"clone":          {resourceX + "  clone: {promotable: false}", resourceX + "  clone: {name: x-clone}"},
		"operation":      {resourceX + "  operations: [{name: start, interval: 0, timeout: 2min, enabled: true, record-pending: 1, start-delay: 0, id: o}]", resourceX + "  operations: [{name: start, timeout: 120s}]"},
		"spans":          {resourceX + "  operations: [{name: monitor, interval: 30000ms, timeout: PT1M30S, enabled: 0}]", resourceX + "  operations: [{name: monitor, interval: 30s, timeout: 90s, enabled: false}]"},
		"roles":          {resourceX + "  operations: [{name: monitor, interval: 5, role: Master}]", resourceX + "  operations: [{name: monitor, interval: 5s, role: Promoted}]"},
		"meta":           {resourceX + "  meta: {is-managed: Yes, target-role: slave, priority: +5, failure-timeout: 1h, master-max: 2, resource-stickiness: 1000000, own: yes}", resourceX + "  meta: {is-managed: true, target-role: Unpromoted, priority: 5, failure-timeout: 3600s, promoted-max: 2, resource-stickiness: INFINITY, own: yes}"},
		"null":           {resourceX + "  meta: {is-managed: null}\n  params: {a: null, b: on}", resourceX + "  params: {b: on}"},
		"sets":           {resourceX + "  metaSets: [{id: s, score: +0, rule: {expression: 'a   eq \"b\"', id: r, score: 5}, values: [{name: is-managed, value: off, id: n}]}, {id: empty}]", resourceX + "  metaSets: [{id: s, rule: {expression: a eq b}, values: [{name: is-managed, value: 'false'}]}]"},
		"named id":       {resourceX + "  paramSets: [{id: s, values: [{name: a, value: b, id: n}, {idRef: n, name: c}]}]", resourceX + "  paramSets: [{id: s, values: [{name: a, value: b, id: n}, {idRef: n, name: c}]}]"},
		"location":       {twoXY + rule + "  location: {resource: x, resourceDiscovery: always, role: Slave, rules: [{score: -1000000, expression: not_defined a, id: q}]}", twoXY + rule + "  location: {resource: x, role: Unpromoted, score: -INFINITY, expression: not_defined a}"},
		"location rule":  {twoXY + rule + "  location: {resource: x, rules: [{score: +1, role: master, expression: defined a}]}", twoXY + rule + "  location: {resource: x, rules: [{score: 1, role: Promoted, expression: defined a}]}"},
		"lifetime":       {twoXY + rule + "  location: {resource: x, node: node1, score: 1, lifetime: [{score: 5, expression: date gt 2024}]}", twoXY + rule + "  location: {resource: x, node: node1, score: 1, lifetime: [{expression: date gt 2024}]}"},
		"order":          {twoXY + rule + "  order: {first: x, then: y, firstAction: start, thenAction: start, kind: Mandatory, symmetrical: 1, requireAll: true}", twoXY + rule + "  order: {first: x, then: y}"},
		"order then":     {twoXY + rule + "  order: {first: x, then: y, firstAction: stop, thenAction: start}", twoXY + rule + "  order: {first: x, then: y, firstAction: stop, thenAction: start}"},
		"order score":    {twoXY + rule + "  order: {first: x, then: y, score: 0}", twoXY + rule + "  order: {first: x, then: y, kind: Optional}"},
		"order infinity": {twoXY + rule + "  order: {first: x, then: y, score: INFINITY}", twoXY + rule + "  order: {first: x, then: y}"},
		"serialize":      {twoXY + rule + "  order: {first: x, then: y, kind: Serialize, symmetrical: false}", twoXY + rule + "  order: {first: x, then: y, kind: Serialize}"},
		"colocation":     {twoXY + rule + "  colocation: {resource: x, with: y, score: +INFINITY, influence: Off}", twoXY + rule + "  colocation: {resource: x, with: y, influence: false}"},
		"colocation 0":   {twoXY + rule + "  colocation: {resource: x, with: y, score: 0}", twoXY + rule + "  colocation: {resource: x, with: y, score: 0}"},
		"resource sets":  {twoXY + rule + "  order: {sets: [{resources: [x, y], sequential: 1, requireAll: true, action: start, id: s}]}", twoXY + rule + "  order: {sets: [{resources: [x, y]}]}"},
		"ticket":         {twoXY + rule + "  ticket: {ticket: t, resource: x, lossPolicy: stop}", twoXY + rule + "  ticket: {ticket: t, resource: x}"},
		"ticket demote":  {twoXY + rule + "  ticket: {ticket: t, resource: x, role: Master, lossPolicy: stop}", twoXY + rule + "  ticket: {ticket: t, resource: x, role: Promoted, lossPolicy: stop}"},
		"fence":          {fence("params: {pcmk_host_list: 'node1, node2', pcmk_host_map: node1:1;node2:a:2, ip: 1.2.3.4}"), fence("targets: [node1, node2], targetPlugs: {node1: 1, node2: a:2}, params: {ip: 1.2.3.4}")},
		"fence unclean":  {fence("params: {pcmk_host_list: 'node1,node1', pcmk_host_map: 'node1'}"), fence("params: {pcmk_host_list: 'node1,node1', pcmk_host_map: 'node1'}")},
		"topology": {fence("params: {a: b}") + topology("levels: [{devices: [f], index: 2}, {devices: [f], index: 1, id: fl-node1-1}]"),
			fence("params: {a: b}") + topology("levels: [{devices: [f], index: 1}, {devices: [f], index: 2}]")},
		"bundle": {bundle("docker: {image: i, replicas: 2, promotedMax: 2, replicasPerHost: 1}, network: {ipRangeStart: 1.2.3.4, controlPort: 3121, addHost: 1, hostNetmask: 32, ports: [{port: 80, internalPort: 80, id: p}]}, storage: [{sourceDir: /a, targetDir: /b, id: q}]"),
			bundle("docker: {image: i, promotedMax: 2}, network: {ipRangeStart: 1.2.3.4, ports: [{port: 80}]}, storage: [{sourceDir: /a, targetDir: /b}]")},
		"alert":      {alert("select: {}, recipients: [{value: a, id: al-recipient}, {value: b, id: al-recipient-1}, {value: c, id: own}], meta: {timeout: 1min}"), alert("recipients: [{value: a}, {value: b}, {value: c, id: own}], meta: {timeout: 60s}")},
		"properties": {properties("properties: {fencing-enabled: 1, no-quorum-policy: Stop, cluster-delay: 1min, my-own: 1min}"), properties("properties: {stonith-enabled: true, no-quorum-policy: stop, cluster-delay: 60s, my-own: 1min}")},
		"enabled by default": {properties("operationDefaults: {enabled: off}") + resourceX + "  operations: [{name: start, enabled: 1}]",
			properties("operationDefaults: {enabled: false}") + resourceX + "  operations: [{name: start, enabled: true}]"},
		"nodes":    {properties("remoteNodes: [{name: r, cibID: r, type: remote, score: 0}]"), properties("remoteNodes: [{name: r}]")},
		"metadata": {"---\napiVersion: hactl/v1\nkind: Tag\nmetadata: {name: t, cluster: c, ignore: [{lint: unknown-reference, reason: x}]}\nspec: {objects: [z]}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			with := func(text string) *Manifests {
				if len(text) > 3 && text[:3] == "---" {
					text = cluster + text
				}
				sets, err := Load([]File{{"m.yaml", []byte(text)}})
				if err != nil {
					t.Fatal(err)
				}
				return sets[0]
			}
			m := with(c.text)
			have := Canonical(m)
			if name == "metadata" {
				if md := have.Tags[0].Metadata; md.Cluster != "" || md.Ignore != nil || have.Tags[0].Positions != nil || m.Tags[0].Metadata.Ignore == nil {
					t.Errorf("%+v", md)
				}
				return
			}
			if diff := cmp.Diff(with(c.want), have, cmpopts.IgnoreFields(Object{}, "Positions"), cmpopts.IgnoreFields(Manifests{}, "Order"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +have:\n%s", diff)
			}
		})
	}
}

func fence(fields string) string {
	return "---\napiVersion: hactl/v1\nkind: FenceDevice\nmetadata: {name: f}\nspec: {agent: fence_x, " + fields + "}\n"
}

func topology(fields string) string {
	return "---\napiVersion: hactl/v1\nkind: FencingTopology\nmetadata: {name: t}\nspec: {target: node1, " + fields + "}\n"
}

func bundle(fields string) string {
	return "---\napiVersion: hactl/v1\nkind: Bundle\nmetadata: {name: b}\nspec: {" + fields + "}\n"
}

func alert(fields string) string {
	return "---\napiVersion: hactl/v1\nkind: Alert\nmetadata: {name: al}\nspec: {path: /x, " + fields + "}\n"
}

// properties is a Cluster with more fields.
func properties(fields string) string { return cluster + "  " + fields + "\n" }

// The sections of the CIB give the order, and inside the resources that of the manifests.
func TestCanonicalOrder(t *testing.T) {
	m := load(t, cluster+rule+"  order: {first: f, then: x}\n"+fence("params: {a: b}")+resourceX+"---\napiVersion: hactl/v1\nkind: ResourceTemplate\nmetadata: {name: t}\nspec: {agent: ocf:pacemaker:Dummy}\n")
	var names []string
	for _, o := range Canonical(m).Objects() {
		names = append(names, o.Metadata.Name)
	}
	if diff := cmp.Diff([]string{"c", "f", "x", "t", "c1"}, names); diff != "" {
		t.Error(diff)
	}
}

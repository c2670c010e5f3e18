package v1

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIDs(t *testing.T) {
	m := load(t, mustRead(t, "testdata/good/whole-cib.yaml")+`---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: g}
spec: {resources: [{name: member, agent: "ocf:pacemaker:Dummy"}], clone: {}}
---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: avoids}
spec: {agent: fence_xvm, targets: [node1], avoidTargets: true}
`)
	var have []string
	for _, id := range m.IDs() {
		have = append(have, fmt.Sprintf("%s: %s (%s/%s %s)", id.Name, id.What, id.Object.Kind, id.Object.Metadata.Name, id.Path))
	}
	want := []string{
		"night: instance_attributes (Cluster/whole spec.nodes[0].attributeSets[0].id)",
		"capacity: utilization (Cluster/whole spec.nodes[0].utilizationSets[0].id)",
		"replication: cluster_property_set (Cluster/whole spec.propertySets[0].id)",
		"addresses: meta_attributes (Cluster/whole spec.resourceDefaultSets[0].id)",
		"monitors: meta_attributes (Cluster/whole spec.operationDefaultSets[0].id)",
		"web: template (ResourceTemplate/web metadata.name)",
		"web-mon-meta: meta_attributes (ResourceTemplate/web spec.operations[0].metaSets[0].id)",
		"web-mon: op (ResourceTemplate/web spec.operations[0].id)",
		"web-ops: operations (ResourceTemplate/web spec.operationsID)",
		"web1: primitive (Resource/web1 metadata.name)",
		"web1-day: instance_attributes (Resource/web1 spec.paramSets[0].id)",
		"office: rule (Resource/web1 spec.paramSets[0].rule.id)",
		"web1-port: nvpair (Resource/web1 spec.paramSets[0].values[0].id)",
		"web1-night: instance_attributes (Resource/web1 spec.paramSets[1].id)",
		"web1-shared: meta_attributes (Resource/web1 spec.metaSets[1].id)",
		"remote1: primitive (Resource/remote1 metadata.name)",
		"vm: primitive (Resource/vm metadata.name)",
		"vm-guest: meta_attributes (Resource/vm spec.metaSets[0].id)",
		"httpd-bundle: bundle (Bundle/httpd-bundle metadata.name)",
		"httpd: primitive (Bundle/httpd-bundle spec.resource.name)",
		"httpd-port: port-mapping (Bundle/httpd-bundle spec.network.ports[0].id)",
		"all-web: tag (Tag/all-web metadata.name)",
		"fence1: fence device (FenceDevice/fence1 metadata.name)",
		"fence1-more: instance_attributes (FenceDevice/fence1 spec.paramSets[0].id)",
		"fl-node1-1: fencing level (FencingTopology/1st-node spec.levels[0].id)",
		"last: fencing level (FencingTopology/1st-node spec.levels[1].id)",
		"fl-rack-3-1: fencing level (FencingTopology/rack3 spec.levels[0].id)",
		"fl-node-1: fencing level (FencingTopology/others spec.levels[0].id)",
		"connected: constraint (Constraint/connected metadata.name)",
		"by-rules: constraint (Constraint/by-rules metadata.name)",
		"first-rule: rule (Constraint/by-rules spec.location.rules[0].id)",
		"on-replica: constraint (Constraint/on-replica metadata.name)",
		"in-order: constraint (Constraint/in-order metadata.name)",
		"front: resource_set (Constraint/in-order spec.order.sets[0].id)",
		"near: constraint (Constraint/near metadata.name)",
		"site: constraint (Constraint/site metadata.name)",
		"site-sets: constraint (Constraint/site-sets metadata.name)",
		"operator: ACL role (ACLRole/operator metadata.name)",
		"operator-secrets: acl_permission (ACLRole/operator spec.permissions[2].id)",
		"operators: ACL group (ACLGroup/operators metadata.name)",
		"mail: alert (Alert/mail metadata.name)",
		"mail-recipient: recipient (Alert/mail spec.recipients[0].id)",
		"to-log: recipient (Alert/mail spec.recipients[1].id)",
		"odd: primitive (Resource/odd metadata.name)",
		"elsewhere: constraint (Constraint/elsewhere metadata.name)",
		"into: constraint (Constraint/into metadata.name)",
		"g: group (ResourceGroup/g metadata.name)",
		"member: primitive (ResourceGroup/g spec.resources[0].name)",
		"g-clone: clone (ResourceGroup/g spec.clone.name)",
		"avoids: fence device (FenceDevice/avoids metadata.name)",
		"avoids-avoids-node1: constraint (FenceDevice/avoids spec.avoidTargets)",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if id, ok := m.Lookup("office"); !ok || id.What != "rule" {
		t.Errorf("%+v, %t", id, ok)
	}
	if _, ok := m.Lookup("nothing"); ok {
		t.Error("found nothing")
	}
}

func TestSecrets(t *testing.T) {
	m := load(t, mustRead(t, "testdata/good/whole-cib.yaml")+`---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: f}
spec: {agent: fence_xvm, secrets: {password: {file: p}, key: {command: [pass, show]}}, paramSets: [{id: s, values: [{name: x, secret: {env: X}}]}]}
`)
	var have []string
	for _, s := range m.Secrets() {
		have = append(have, fmt.Sprintf("%s %s %+v", s.Object.Metadata.Name, s.Path, s.Ref))
	}
	want := []string{
		"web1 spec.paramSets[0].values[2].secret {Env:WEB_PASSWORD File: Command:[] Age:}",
		"f spec.paramSets[0].values[0].secret {Env:X File: Command:[] Age:}",
		"f spec.secrets.key {Env: File: Command:[pass show] Age:}",
		"f spec.secrets.password {Env: File:p Command:[] Age:}",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

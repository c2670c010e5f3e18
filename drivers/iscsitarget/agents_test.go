package iscsitarget

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

const resources = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: c}
spec: {nodes: [{name: node1, addresses: [10.0.0.1]}]}
---
apiVersion: hactl/v1
kind: ResourceTemplate
metadata: {name: lun}
spec: {agent: "ocf:heartbeat:iSCSILogicalUnit", params: {target_iqn: "iqn.2023-02.com.example:blocks"}}
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: store}
spec:
  resources:
  - {name: target, agent: "ocf:heartbeat:iSCSITarget", params: {iqn: "iqn.2023-02.com.example:blocks", allowed_initiators: "iqn.a:1 iqn.b:2"}}
  - {name: lun0, template: lun, params: {lun: 0, path: /dev/drbd0}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: lun3}
spec: {template: lun, params: {lun: 3, path: /dev/drbd3}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: other}
spec: {agent: "ocf:heartbeat:iSCSITarget", params: {iqn: "iqn.2023-02.com.example:other"}}
`

func read(t *testing.T, text string) *v1.Manifests {
	t.Helper()
	sets, err := v1.Load([]v1.File{{Name: "m.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return sets[0]
}

func TestServices(t *testing.T) {
	resource := func(name string) reconcile.Ref { return reconcile.Ref{Kind: "Resource", Name: name} }
	want := map[string]*Service{
		iqn:                             {Resources: []reconcile.Ref{resource("lun3"), resource("target"), resource("lun0")}, LUNs: []int{3, 0}, Initiators: []string{"iqn.a:1", "iqn.b:2"}},
		"iqn.2023-02.com.example:other": {Resources: []reconcile.Ref{resource("other")}, Initiators: []string{}},
	}
	if have := Services(read(t, resources)); !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v", slices.Collect(maps.Values(have)))
	}
}

// A target has one master: what Pacemaker starts and stops must not come back at boot by itself, so it is neither made nor imported.
func TestServedByResources(t *testing.T) {
	m := read(t, resources)
	m.ISCSITargets = example(nil).ISCSITargets
	if _, err := New("").Desired(m, passwords{}); err == nil || !strings.Contains(err.Error(), "Pacemaker starts and stops "+iqn+" (Resource/lun3)") {
		t.Errorf("a target with two masters: %v", err)
	}
	b, err := os.ReadFile("testdata/recorded/one-target/node2/saveconfig.out")
	if err != nil {
		t.Fatal(err)
	}
	found, err := FromSaved("node2", b)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Collect(maps.Keys(found.Machines[0].Targets))
	if len(at) != 1 {
		t.Fatalf("the recording has the targets %v", at)
	}
	for served, want := range map[string]int{at[0]: 0, "iqn.2023-02.com.example:none": 1} {
		into := read(t, strings.ReplaceAll(resources, iqn, served))
		if _, err := New("").Import(found, into); err != nil || len(into.ISCSITargets) != want {
			t.Errorf("where resources serve %s, %d targets are imported: %v", served, len(into.ISCSITargets), err)
		}
	}
}

package cib

import (
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// secretValues answers every reference with one value.
type secretValues string

func (s secretValues) Value(*v1.Object, string) reconcile.Text { return reconcile.Secret(string(s)) }

// load reads manifests from text.
func load(t testing.TB, text string) *v1.Manifests {
	t.Helper()
	ms, err := v1.Load([]v1.File{{Name: "m.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return ms[0]
}

func desired(t testing.TB, text string) State {
	t.Helper()
	s, err := New("default").Desired(load(t, text), secretValues("hush"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// observed is a state as if a CIB had been read on a healthy cluster of the wanted members, with all secrets in place.
func observed(want State, cib string) State {
	have := State{Cluster: want.Cluster, CIB: XML(cib), From: want.Members[0].Name}
	for _, m := range want.Members {
		m.Runs, m.DC, m.Quorate, m.Settled = Running, "1", true, true
		have.Members = append(have.Members, m)
		for _, s := range want.Secrets {
			have.Secrets = append(have.Secrets, Secret{Node: m.Name, Resource: s.Resource, Param: s.Param, Value: s.Value, Signed: true, Private: true})
		}
	}
	return have
}

func steps(t testing.TB, want, have State) []reconcile.Step {
	t.Helper()
	ss, err := New("default").Plan(want, have)
	if err != nil {
		t.Fatal(err)
	}
	return ss
}

// patchOf gives the one operation that changes the CIB, or nil.
func patchOf(ss []reconcile.Step) *Patch {
	for _, s := range ss {
		for _, op := range s.Ops {
			if p, ok := op.(Patch); ok {
				return &p
			}
		}
	}
	return nil
}

// carriedOut applies a plan to the CIB in a state.
func carriedOut(t testing.TB, have State, ss []reconcile.Step) string {
	t.Helper()
	p := patchOf(ss)
	if p == nil {
		t.Fatalf("no patch in %v", ss)
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.check(doc); err != nil {
		t.Fatal(err)
	}
	out, err := applyAll(doc, p.Edits)
	if err != nil {
		t.Fatal(err)
	}
	s, err := out.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fresh is a new cluster's CIB with the seed, as Pacemaker 2.1.5 fills it in.
const fresh = `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="6" num_updates="7" admin_epoch="0" have-quorum="1" dc-uuid="1">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="hactl-seed-dc-deadtime" name="dc-deadtime" value="2s"/>
        <nvpair id="cib-bootstrap-options-have-watchdog" name="have-watchdog" value="false"/>
        <nvpair id="cib-bootstrap-options-dc-version" name="dc-version" value="2.1.5-a3f44794f94"/>
        <nvpair id="cib-bootstrap-options-cluster-infrastructure" name="cluster-infrastructure" value="corosync"/>
        <nvpair id="cib-bootstrap-options-cluster-name" name="cluster-name" value="lab"/>
      </cluster_property_set>
    </crm_config>
    <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>
    <resources/>
    <constraints/>
  </configuration>
  <status/>
</cib>`

// web has one object of every kind.
const web = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: lab}
spec:
  nodes:
  - {name: n1, addresses: [10.77.0.1], attributes: {rack: a}, utilization: {cpu: 4}}
  - {name: n2, addresses: [10.77.0.2]}
  - {name: n3, addresses: [10.77.0.3]}
  properties: {stonith-enabled: true, no-quorum-policy: stop}
  resourceDefaults: {resource-stickiness: 100}
  operationDefaults: {timeout: 30s}
---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: f1}
spec:
  agent: fence_ipmilan
  targets: [n1]
  avoidTargets: true
  params: {ip: 10.77.1.1, username: admin, lanplus: 1, cipher: 3}
  secrets: {password: {env: P}}
  operations: [{name: monitor, interval: 60s}]
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: A}
spec:
  agent: ocf:pacemaker:Dummy
  params: {fake: a}
  meta: {migration-threshold: 3}
  operations: [{name: monitor, interval: 10s, timeout: 20s}]
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: S}
spec:
  agent: ocf:pacemaker:Stateful
  operations: [{name: monitor, interval: 11s, role: Promoted}, {name: monitor, interval: 12s, role: Unpromoted}]
  clone: {promotable: true, meta: {promoted-max: 1, interleave: true}}
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: G}
spec:
  meta: {priority: 5}
  resources:
  - {name: G1, agent: "ocf:pacemaker:Dummy", operations: [{name: monitor, interval: 10s}]}
  - {name: G2, agent: "ocf:pacemaker:Dummy", operations: [{name: monitor, interval: 10s}]}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: G-on-S}
spec: {colocation: {resource: G, with: S-clone, withRole: Promoted}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: S-then-G}
spec: {order: {first: S-clone, firstAction: promote, then: G, thenAction: start}}
---
apiVersion: hactl/v1
kind: Constraint
metadata: {name: A-likes-n1}
spec: {location: {resource: A, node: n1, score: 100}}
`

func TestCreateThenNothing(t *testing.T) {
	want := desired(t, web)
	have := observed(want, fresh)
	ss := steps(t, want, have)
	for _, s := range ss {
		t.Log(s.ID, s.Pending, s.Needs)
		for _, op := range s.Ops {
			t.Log(op)
		}
	}
	cib := carriedOut(t, have, ss)
	if strings.Contains(cib, "hactl-seed") || strings.Contains(cib, "hush") {
		t.Errorf("the seed or a secret is in the CIB:\n%s", cib)
	}
	again := steps(t, want, observed(want, cib))
	if len(again) > 0 {
		t.Errorf("the second plan is not empty: %+v", again)
	}
	verifyOffline(t, cib)
	var kinds []string
	for _, c := range ss[len(ss)-1].Changes {
		if c.Path == "" {
			kinds = append(kinds, c.Object.String())
		}
	}
	for _, o := range want.Objects {
		if !slices.Contains(kinds, o.Ref.String()) {
			t.Errorf("no change of %s in the plan: %v", o.Ref, kinds)
		}
	}
}

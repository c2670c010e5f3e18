package cib

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

const planted = "planted-password"

const secretive = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: lab}
spec: {nodes: [{name: n1, addresses: [10.0.0.1]}, {name: n2, addresses: [10.0.0.2]}], properties: {stonith-enabled: false}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: a}
spec: {agent: "ocf:pacemaker:Dummy", params: {state: /x}, secrets: {passwd: {env: PW}}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: b}
spec: {agent: "ocf:pacemaker:Dummy", params: {fake: x}}
`

// settledCIB runs resources with passwords in clear text, as the scheduler starts them: with the digests of their parameters.
func settledCIB(t *testing.T) string {
	t.Helper()
	if !local.HasTool("crm_simulate") {
		t.Skip("NOT TESTED: predictions from a snapshot, because crm_simulate is not installed")
	}
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a.xml"), filepath.Join(dir, "b.xml")
	if err := os.WriteFile(from, []byte(`<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="7" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options"><nvpair id="o" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes><resources>
<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="a-instance_attributes">
<nvpair id="a-passwd" name="passwd" value="`+planted+`"/><nvpair id="a-state" name="state" value="/x"/></instance_attributes></primitive>
<primitive id="b" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="b-instance_attributes">
<nvpair id="b-fake" name="fake" value="x"/></instance_attributes></primitive>
</resources><constraints/></configuration><status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member"/>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("env", "PATH="+os.Getenv("PATH")+":/usr/sbin", "crm_simulate", "--xml-file", from, "--simulate", "--save-output", to)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("crm_simulate: %v: %s", err, out)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tools answers as a node by that name, with this machine's tools.
type tools struct {
	local.Tools
	name string
}

func (h tools) Name() string { return h.name }

// record makes a snapshot of a state and reads it again for what is wanted.
func recordedState(t *testing.T, hosts reconcile.Hosts, want, have State) State {
	t.Helper()
	d := New("default")
	rec, err := d.Record(t.Context(), hosts, want, have)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), planted) || strings.Contains(string(b), "hush") {
		t.Errorf("a secret is in the snapshot: %s", b)
	}
	var again State
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	return d.Recall(want, again)
}

// Without its password a resource has other parameters than those that it was started with, and would restart. The snapshot foretells what the
// cluster would do all the same.
func TestRecordKeepsPredictions(t *testing.T) {
	cib := settledCIB(t)
	want := desired(t, secretive)
	hosts := reconcile.Hosts{tools{name: "n1"}, tools{name: "n2"}}
	have := recordedState(t, hosts, want, observed(want, cib))
	if have.Withheld == nil || have.Withheld.Unforeseen != "" || have.Withheld.Blind != nil {
		t.Fatalf("withheld: %+v", have.Withheld)
	}
	live, err := simulate(t.Context(), hosts[0], cib)
	if err != nil {
		t.Fatal(err)
	}
	masked, err := simulate(t.Context(), hosts[0], string(have.CIB))
	if err != nil || !alike(live, masked) {
		t.Fatalf("the snapshot has another future: %+v, not %+v (%v)", masked, live, err)
	}
	predict := func(text string) reconcile.Prediction {
		t.Helper()
		want := desired(t, text)
		p, err := New("default").Predict(t.Context(), reconcile.Hosts{tools{name: "this machine"}}, want, have, steps(t, want, have))
		if err != nil || p.Unavailable != "" {
			t.Fatalf("%v %s", err, p.Unavailable)
		}
		return p
	}
	restarts := func(p reconcile.Prediction) (names []string) {
		for _, r := range p.Reactions {
			if r.Action == "restart" && !r.Anyway {
				names = append(names, r.Resource)
			}
		}
		return names
	}
	// b is not affected by a's password; a changes nothing, so it restarts for nothing.
	p := predict(strings.Replace(secretive, "fake: x", "fake: y", 1))
	if got := restarts(p); !slices.Equal(got, []string{"b"}) {
		t.Errorf("restarts %v: %+v", got, p)
	}
	if len(p.Unknown) > 0 {
		t.Errorf("unknown: %v", p.Unknown)
	}
	// A change of a itself is foretold, though its password is not known.
	if got := restarts(predict(strings.Replace(secretive, "state: /x", "state: /y", 1))); !slices.Equal(got, []string{"a"}) {
		t.Errorf("restarts %v", got)
	}
}

// Where an agent reloads some parameters, a masked password leaves open whether it would.
func TestRecordReload(t *testing.T) {
	cib := strings.Replace(settledCIB(t), `operation_key="a_start_0"`, `operation_key="a_start_0" op-force-restart=" passwd state " op-restart-digest="`+
		signature(` <parameters passwd="`+planted+`" state="/x"/>`+"\n")+`"`, 1)
	want := desired(t, secretive)
	have := recordedState(t, reconcile.Hosts{tools{name: "n1"}}, want, observed(want, cib))
	if have.Withheld.Unforeseen != "" || !slices.Equal(have.Withheld.Blind, []string{"a"}) {
		t.Fatalf("withheld: %+v", have.Withheld)
	}
	want = desired(t, strings.Replace(secretive, "fake: x", "fake: y", 1))
	p, err := New("default").Predict(t.Context(), reconcile.Hosts{tools{name: "this machine"}}, want, have, steps(t, want, have))
	if err != nil || !slices.ContainsFunc(p.Unknown, func(s string) bool { return strings.Contains(s, "a change of a needs no more than a reload") }) {
		t.Errorf("not told: %v %v", p.Unknown, err)
	}
}

// A scheduler that does not answer leaves the snapshot without a prediction, and says so.
func TestRecordWithoutScheduler(t *testing.T) {
	want := desired(t, secretive)
	cib := strings.Replace(recordCIB, "<resources/>", `<resources><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="i"><nvpair id="p" name="passwd" value="`+
		planted+`"/></instance_attributes></primitive></resources>`, 1)
	for _, hosts := range []reconcile.Hosts{nil, recordHosts(cib, "n1", "n2")} {
		have := recordedState(t, hosts, want, observed(want, cib))
		if have.Withheld == nil || have.Withheld.Unforeseen == "" {
			t.Errorf("withheld: %+v", have.Withheld)
		}
		p, err := New("default").Predict(t.Context(), nil, want, have, steps(t, want, have))
		if err != nil || p.Unavailable == "" {
			t.Errorf("a prediction: %+v %v", p, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New("default").Record(ctx, recordHosts(cib, "n1"), want, observed(want, cib)); err == nil {
		t.Error("an ended context gave a snapshot")
	}
}

// A member that the snapshot does not know is unreachable, and never one without Pacemaker.
func TestRecall(t *testing.T) {
	want := desired(t, secretive)
	have := observed(want, recordCIB)
	have.Members = have.Members[:1]
	again := recordedState(t, nil, want, have)
	if len(again.Members) != 2 || again.Members[0].Runs != Running || again.Members[1].Runs != Unreachable || again.Members[1].Why != reconcile.NotInSnapshot {
		t.Errorf("members: %+v", again.Members)
	}
	if again.Withheld == nil {
		t.Error("it does not say that it is recorded")
	}
}

package v1

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPolicyOfEachCluster(t *testing.T) {
	b, err := os.ReadFile("testdata/good/watch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sets, err := Load([]File{{"watch.yaml", b}})
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, m := range sets {
		have[m.Cluster.Metadata.Name] = m.Policy.Metadata.Name
		for _, o := range m.Objects() {
			if o.Kind == "WatchPolicy" {
				t.Errorf("%s: the policy is among the objects", m.Cluster.Metadata.Name)
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"web": "production", "db": "production", "web-test": "everything-else"}, have); diff != "" {
		t.Error(diff)
	}
	want := WatchPolicySpec{Clusters: []string{"db", "web"}, Interval: "1m30s", Unattended: "reload", Windows: []Window{
		{Schedule: "0 2 * * 6", Duration: "3h", TimeZone: "Europe/Berlin", Unattended: "restart"},
		{Schedule: "0 0 1-7 * sun", Duration: "6h", TimeZone: "UTC", Unattended: "redundancy"}},
		Hold: []string{"fencing", "syncing"}, Rollout: &Rollout{Canary: []string{"web-test"}, OneAtATime: true, StopOnFailure: true}}
	if diff := cmp.Diff(want, sets[0].Policy.Spec); diff != "" {
		t.Error(diff)
	}
	if hold := sets[2].Policy.Spec.Hold; hold == nil || len(hold) > 0 {
		t.Errorf("hold: [] is %v", hold)
	}
	if part := sets[0].Select(Selector{requirements: []requirement{{key: "a", op: "exists"}}}); part.Policy != sets[0].Policy {
		t.Error("a selection of objects has no policy")
	}
}

// A cluster has no policy where none is for it, and policies alone are no set of manifests.
func TestPoliciesApart(t *testing.T) {
	const policy = "apiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: p}\nspec: {clusters: [a]}\n"
	sets, err := Load([]File{{"p.yaml", []byte(policy)}})
	if err != nil || len(sets) > 0 {
		t.Errorf("policies alone: %d sets, %v", len(sets), err)
	}
	cluster := "---\napiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: b}\nspec:\n  nodes: [{name: n1, addresses: [10.0.0.1]}, {name: n2, addresses: [10.0.0.2]}]\n"
	if sets, err = Load([]File{{"p.yaml", []byte(strings.Replace(policy, "[a]", "[c, b]", 1) + strings.ReplaceAll(cluster, "{name: b}", "{name: c}") + cluster)}}); err != nil || sets[0].Policy == nil {
		t.Fatal(err)
	}
	if sets, err = Load([]File{{"c.yaml", []byte(cluster)}}); err != nil || sets[0].Policy != nil {
		t.Errorf("no policy: %v, %v", sets, err)
	}
	resource := "---\napiVersion: hactl/v1\nkind: Tag\nmetadata: {name: t}\nspec: {objects: [x]}\n"
	if _, err = Load([]File{{"p.yaml", []byte(policy + resource)}}); err == nil || !strings.Contains(err.Error(), "no object of kind Cluster") {
		t.Errorf("a policy and a tag: %v", err)
	}
	// The file with the cluster cannot be read: that is the mistake, not the name in the policy.
	if _, err = Load([]File{{"p.yaml", []byte(policy)}, {"b.yaml", []byte(cluster)}, {"a.yaml", []byte("kind: Cluster\nmetadata: {name: a}\n\t")}}); err == nil || strings.Contains(err.Error(), "there is no Cluster") {
		t.Errorf("unread: %v", err)
	}
}

func TestEmptyHoldIsKept(t *testing.T) {
	for text, want := range map[string]int{"{hold: []}": 0, "{}": 4, "{hold: [syncing]}": 1} {
		o := decodeAll(t, []byte("apiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: p}\nspec: "+text+"\n"))[0]
		var out bytes.Buffer
		if err := WriteYAML(&out, []any{o}); err != nil {
			t.Fatal(err)
		}
		p := decodeAll(t, out.Bytes())[0].(*WatchPolicy)
		if p.SetDefaults(); len(p.Spec.Hold) != want || p.Spec.Hold == nil {
			t.Errorf("%s was written as\n%s\nwhich is %v", text, out.String(), p.Spec.Hold)
		}
	}
}

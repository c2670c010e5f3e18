package v1

import (
	"strings"
	"testing"
)

const bare = "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: NAME}\nspec: {nodes: [{name: n1, addresses: [10.0.0.1]}]}\n"

func watchPolicy(name, spec string) string {
	return "---\napiVersion: hactl/v1\nkind: WatchPolicy\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n"
}

// Clusters that were loaded apart get the policies that stand beside them, but for one with a policy of its own.
func TestGovern(t *testing.T) {
	load := func(text string) *Manifests {
		sets, err := Load([]File{{Name: "c.yaml", Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return sets[0]
	}
	a, b, c := load(strings.ReplaceAll(bare, "NAME", "a")), load(strings.ReplaceAll(bare, "NAME", "b")), load(strings.ReplaceAll(bare, "NAME", "c")+watchPolicy("own", "suspend: true"))
	sets := []*Manifests{a, b, c}
	top := watchPolicy("rest", "") + watchPolicy("forB", "clusters: [b]")
	if err := Govern([]File{{Name: "p.yaml", Data: []byte(top)}}, nil, sets); err != nil {
		t.Fatal(err)
	}
	for m, want := range map[*Manifests]string{a: "rest", b: "forB", c: "own"} {
		if m.Policy == nil || m.Policy.Metadata.Name != want {
			t.Errorf("%s has the policy %+v, want %s", m.Cluster.Metadata.Name, m.Policy, want)
		}
	}
	broken := []File{{Name: "bb/c.yaml", Data: []byte("metadata: {name: bb\n")}}
	if err := Govern([]File{{Name: "p.yaml", Data: []byte(watchPolicy("x", "clusters: [bb]"))}}, broken, sets); err != nil {
		t.Errorf("a cluster that may be in a file that cannot be read: %v", err)
	}
	for text, want := range map[string]string{
		watchPolicy("x", "clusters: [bb]"):                                         `there is no Cluster "bb"`,
		strings.Replace(watchPolicy("x", ""), "kind: WatchPolicy", "kind: Tag", 1): "only WatchPolicies may stand beside",
		"kind: [": "yaml",
	} {
		if err := Govern([]File{{Name: "p.yaml", Data: []byte(text)}}, nil, sets); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestKindsOf(t *testing.T) {
	f := File{Name: "x.yaml", Data: []byte("# nothing\n---\nkind: Cluster\n---\nfoo: [\n---\n- 1\n---\nkind: Nonsense\n")}
	if got := strings.Join(KindsOf(f), " "); got != "Cluster Nonsense" {
		t.Errorf("%q", got)
	}
}

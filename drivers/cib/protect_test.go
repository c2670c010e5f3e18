package cib

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var metadataLine = regexp.MustCompile(`(?m)^metadata: \{name: [^,}]+`)

// Each kind that can be deleted records its protection, members of groups with it, so that it holds when no manifest tells the object any more.
func TestProtectEveryKind(t *testing.T) {
	want := desired(t, metadataLine.ReplaceAllString(everything(t), "$0, protect: true"))
	have := observed(want, freshUnder("pacemaker-3.9"))
	cib := carriedOut(t, have, steps(t, want, have))

	none := pruned(t, strings.Split(everything(t), "---\n")[0]+"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: last}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n")
	_, err := New("default").Pruning().Plan(none, observed(none, cib))
	if err == nil {
		t.Fatal("all of it may go")
	}
	kinds := map[string]bool{}
	for _, o := range want.Objects {
		if o.Ref.Kind == "Cluster" || o.Ref.Kind == "Node" {
			continue // nothing deletes these
		}
		kinds[o.Ref.Kind] = true
		if !slices.Contains(strings.FieldsFunc(err.Error(), func(r rune) bool { return strings.ContainsRune(" ,:", r) }), o.Ref.String()) {
			t.Errorf("%s is not among what is protected: %v", o.Ref, err)
		}
	}
	if d := cmp.Diff([]string{"ACLGroup", "ACLRole", "ACLUser", "Alert", "Bundle", "Constraint", "FenceDevice", "FencingTopology", "Resource", "ResourceGroup", "ResourceTemplate", "Tag"},
		sortedKeys(kinds)); d != "" {
		t.Error(d)
	}
}

// What is not deletion by name comes to the same: another kind or another element in its place, a group that goes around it. What keeps the
// object is no deletion.
func TestProtectWhateverTheWay(t *testing.T) {
	const dummy = "spec: {agent: \"ocf:pacemaker:Dummy\"}\n"
	a := prim("A") + prim("B")
	ours := []string{"Resource.A protect=true .=agent", "Resource.B .=agent"}
	next := "---\napiVersion: hactl/v1\n"
	group := `<group id="G">` + prim("A") + prim("C") + `</group>` + prim("B")
	members := []string{"ResourceGroup.G protect=true", "Resource.A protect=true .=agent", "Resource.C protect=true .=agent", "Resource.B .=agent"}
	for _, c := range []struct{ name, want, live, err string }{
		{"a template takes its name", keepB + next + "kind: ResourceTemplate\nmetadata: {name: A}\n" + dummy, live("pacemaker-3.9", a, "", records(ours...)), "Resource/A"},
		{"a fence device takes its name", keepB + next + "kind: FenceDevice\nmetadata: {name: A}\nspec: {agent: fence_x}\n", live("pacemaker-3.9", a, "", records(ours...)), "Resource/A"},
		{"a fence device takes its place", keepB + next + "kind: FenceDevice\nmetadata: {name: A}\nspec: {agent: fence_x}\n", live("pacemaker-3.9", a, "", records("Resource.B .=agent")),
			`FenceDevice/A: the id "A" belongs to a Resource in the cluster, whose agent is ocf:pacemaker:Dummy`},
		{"protect goes in the change that deletes the group", keepB + next + "kind: Resource\nmetadata: {name: C}\n" + dummy, live("pacemaker-3.9", group, "", records(members...)), "Resource/A, ResourceGroup/G: protected"},
		{"a member leaves its group's manifest", keepB + next + "kind: ResourceGroup\nmetadata: {name: G}\nspec: {resources: [{name: C, agent: \"ocf:pacemaker:Dummy\"}]}\n",
			live("pacemaker-3.9", group, "", records(members...)), "Resource/A: protected"},
		{"the group has another name", keepB + next + "kind: ResourceGroup\nmetadata: {name: H, renamedFrom: G}\nspec: {resources: [{name: A, agent: \"ocf:pacemaker:Dummy\"}, {name: C, agent: \"ocf:pacemaker:Dummy\"}]}\n",
			live("pacemaker-3.9", group, "", records(members...)), "ResourceGroup/G: protected"},
		{"another constraint takes its name", keepB + next + "kind: Resource\nmetadata: {name: A}\n" + dummy + next + "kind: Constraint\nmetadata: {name: c}\nspec: {colocation: {resource: A, with: B}}\n",
			live("pacemaker-3.9", a, `<rsc_order id="c" first="A" then="B"/>`, records("Resource.A .=agent", "Resource.B .=agent", "Constraint.c protect=true order=,first,then")), "Constraint/c"},
		{"without --prune it stays, told nothing of", keepB, live("pacemaker-3.9", a, "", records("Resource.B .=agent")), ""},
		{"a clone goes from around it", keepB + next + "kind: Resource\nmetadata: {name: A, protect: true}\n" + dummy,
			live("pacemaker-3.9", `<clone id="A-clone">`+prim("A")+`</clone>`+prim("B"), "", records("Resource.A protect=true .=agent clone=", "Resource.B .=agent")), ""},
		{"its protection goes first", keepB + next + "kind: Resource\nmetadata: {name: A}\n" + dummy, live("pacemaker-3.9", a, "", records(ours...)), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := pruned(t, head+c.want)
			ss, err := New("default").Pruning().Plan(want, observed(want, c.live))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, want %q; steps %+v", err, c.err, ss)
			}
		})
	}
}

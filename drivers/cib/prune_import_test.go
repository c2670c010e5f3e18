package cib

import (
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
)

// An import in the middle of a deletion takes nothing for configuration that hactl set on its way.
func TestImportDuringPrune(t *testing.T) {
	want := pruned(t, head+"kind: ResourceGroup\nmetadata: {name: G}\nspec: {resources: [{name: a, agent: \"ocf:pacemaker:Dummy\"}]}\n")
	have := observed(want, live("pacemaker-3.9", `<group id="G">`+prim("a")+prim("b")+prim("c")+`</group>`, "",
		records("ResourceGroup.G", "Resource.a .=agent", "Resource.b .=agent", "Resource.c .=agent")))
	have.Monitor = runsAs("a@n1", "b@n1", "c@n1")
	have.CIB = XML(patched(t, patches(steps(t, want, have))[0], have))
	if !strings.Contains(string(have.CIB), "hactl-order-1") {
		t.Fatal(string(have.CIB))
	}
	into := &v1.Manifests{}
	if _, err := New("default").Import(have, into); err != nil {
		t.Fatal(err)
	}
	if len(into.Constraints) > 0 || len(into.Resources) != 2 || len(into.Resources[0].Spec.MetaSets) > 0 || len(into.Resources[0].Spec.Meta) > 0 {
		t.Errorf("%+v %+v", into.Constraints, into.Resources)
	}
	if c := into.Resources[0].Comments; len(c) == 0 {
		t.Error("nothing is said of it")
	}
}

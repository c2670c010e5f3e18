package iscsiinitiator

import (
	"slices"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// A target that resources serve is logged in to once they are there, and its LUNs are waited for.
func TestServedByResources(t *testing.T) {
	member := func(name, agent string, params v1.Options) v1.GroupMember {
		return v1.GroupMember{Name: name, Primitive: v1.Primitive{Agent: agent, Params: params}}
	}
	served := func(allowed string) *v1.Manifests {
		x := example(nil)
		g := &v1.ResourceGroup{Spec: v1.ResourceGroupSpec{Resources: []v1.GroupMember{
			member("target", "ocf:heartbeat:iSCSITarget", v1.Options{"iqn": {Text: iqn}, "allowed_initiators": {Text: allowed}}),
			member("lun2", "ocf:heartbeat:iSCSILogicalUnit", v1.Options{"target_iqn": {Text: iqn}, "lun": {Text: "2"}}),
		}}}
		x.ISCSITargets, x.Groups = nil, []*v1.ResourceGroup{g}
		return x
	}
	for allowed, disks := range map[string]int{"": 1, "iqn.2023-02.com.example:node1.init": 1, "iqn.2023-02.com.example:other": 0} {
		steps, err := plan(t, New(""), newMachine(t), served(allowed), "password")
		if err != nil {
			t.Fatal(err)
		}
		login := steps[len(steps)-1]
		for _, name := range []string{"target", "lun2"} {
			if !slices.Contains(login.Needs, reconcile.Ref{Kind: "Resource", Name: name}) {
				t.Errorf("the login does not wait for %s, but for %v", name, login.Needs)
			}
		}
		for _, op := range login.Ops {
			if see, ok := op.(See); ok && len(see.LUNs) != disks {
				t.Errorf("where %q may log in, it waits for the LUNs %v, want %d", allowed, see.LUNs, disks)
			}
		}
	}
}

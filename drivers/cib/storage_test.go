package cib

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/drivers/iscsiinitiator"
	"github.com/hactl/hactl/drivers/lvm"
	"github.com/hactl/hactl/reconcile"
)

// What makes resources waits for the storage of the manifests; what only changes them does not, since a node that is down must not stop that. A
// group with a lock manager is never waited for: the lock manager is a resource itself.
func TestResourcesNeedTheirStorage(t *testing.T) {
	const storage = `kind: VolumeGroup
metadata: {name: vg0}
spec: {physicalVolumes: [{device: /dev/vdb}]}
---
apiVersion: hactl/v1
kind: VolumeGroup
metadata: {name: locked}
spec: {shared: true, lockType: dlm, physicalVolumes: [{device: /dev/vdc}]}
---
apiVersion: hactl/v1
kind: DRBDResource
metadata: {name: r0}
spec:
  device: /dev/drbd0
  nodes: [{name: n1, disk: /dev/vg0/r0, address: "10.77.0.1:7788"}, {name: n2, disk: /dev/vg0/r0, address: "10.77.0.2:7788"}]
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: A}
spec: {agent: "ocf:pacemaker:Dummy", params: {fake: x}}
`
	want := desired(t, head+storage)
	for what, c := range map[string]struct {
		resources string
		waits     bool
	}{
		"a new resource":     {"", true},
		"a changed resource": {`<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>`, false},
	} {
		var needs []reconcile.Ref
		for _, s := range steps(t, want, observed(want, live("pacemaker-3.9", c.resources, "", ""))) {
			needs = append(needs, s.Needs...)
		}
		for _, r := range []reconcile.Ref{lvm.Ref("vg0"), drbd.Ref("r0")} {
			if slices.Contains(needs, r) != c.waits {
				t.Errorf("%s: needs %v; waits for %s must be %t", what, needs, r, c.waits)
			}
		}
		if slices.Contains(needs, lvm.Ref("locked")) {
			t.Errorf("%s waits for the group whose lock manager is a resource", what)
		}
	}
}

// Resources wait for sessions, but not for those with a target that they serve themselves.
func TestSessionsWithOwnTarget(t *testing.T) {
	const sessions = `kind: ISCSIInitiator
metadata: {name: %s}
spec: {target: "iqn.2023-02.com.example:%[1]s", portals: ["10.77.0.9:3260"], nodes: [{name: n1}]}
---
apiVersion: hactl/v1
`
	want := desired(t, head+fmt.Sprintf(sessions, "foreign")+fmt.Sprintf(sessions, "own")+`kind: Resource
metadata: {name: target}
spec: {agent: "ocf:heartbeat:iSCSITarget", params: {iqn: "iqn.2023-02.com.example:own"}}
`)
	if s := want.Storage; len(s) != 1 || s[0] != iscsiinitiator.Ref("foreign") {
		t.Errorf("resources wait for %v", s)
	}
}

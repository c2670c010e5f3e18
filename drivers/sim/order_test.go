package sim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/iscsiinitiator"
	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// A machine outside logs in to a target after the resources that serve it were made, in the same plan; once they are there, at once. So does a node
// of the cluster itself, for which its resources do not wait.
func TestLoginAfterResources(t *testing.T) {
	const base = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: store}
spec:
  nodes: [{name: n1, id: 1, addresses: [10.0.0.1]}, {name: n2, id: 2, addresses: [10.0.0.2]}]
  hosts: [{name: client, address: 10.0.0.3}]
  properties: {stonith-enabled: false}
`
	const sessions = `---
apiVersion: hactl/v1
kind: ISCSIInitiator
metadata: {name: sessions}
spec: {target: "iqn.2023-02.com.example:store", portals: ["10.0.0.9:3260"], nodes: [{name: %s}]}
`
	const resources = `---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: store-group}
spec:
  resources:
  - {name: target, agent: "ocf:heartbeat:iSCSITarget", params: {implementation: lio-t, iqn: "iqn.2023-02.com.example:store"}, operations: [{name: monitor, interval: 30s}]}
  - {name: lun0, agent: "ocf:heartbeat:iSCSILogicalUnit", params: {target_iqn: "iqn.2023-02.com.example:store", lun: 0, path: /dev/drbd0}, operations: [{name: monitor, interval: 30s}]}
`
	// login plans with open-iscsi on all machines, which the simulation does not have, and gives what the login comes after.
	login := func(ctx context.Context, c *sim.Cluster, m *v1.Manifests, node string) ([]string, error) {
		e := run{want: m}.engine(c.Client())
		o, err := e.Observe(ctx)
		if err != nil {
			return nil, err
		}
		have := o.Have["iscsiinitiator"].(iscsiinitiator.State)
		for i := range have.Machines {
			have.Machines[i].Tools, have.Machines[i].Dir = true, "/etc/iscsi"
		}
		o.Have["iscsiinitiator"] = have
		p, err := e.Plan(ctx, o)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(p.Steps, func(s reconcile.PlannedStep) bool { return s.ID == "iscsiinitiator "+node+" sessions" })
		if i < 0 || p.Steps[i].Pending != "" {
			return nil, fmt.Errorf("no login is planned: %v", p.Steps)
		}
		return p.Steps[i].After, nil
	}
	for _, node := range []string{"client", "n2"} {
		t.Run(node, func(t *testing.T) {
			all := load(t, base+resources+fmt.Sprintf(sessions, node))
			err := bubble(t, func(ctx context.Context) error {
				c := sim.New("n1", "n2", "client")
				for n, a := range map[string]string{"n1": "10.0.0.1", "n2": "10.0.0.2", "client": "10.0.0.3"} {
					c.Node(n).SetAddresses(a)
				}
				for _, n := range []string{"n1", "n2"} {
					c.Node(n).Install("corosync", "pacemaker")
				}
				if _, err := (run{want: load(t, base)}).apply(ctx, c.Client()); err != nil {
					return err
				}
				after, err := login(ctx, c, all, node)
				if err != nil || !slices.ContainsFunc(after, func(id string) bool { return strings.HasPrefix(id, "cib ") }) {
					return fmt.Errorf("the login comes after %v: %w", after, err)
				}
				if _, err := (run{want: load(t, base+resources)}).apply(ctx, c.Client()); err != nil {
					return err
				}
				if after, err = login(ctx, c, all, node); err != nil || len(after) > 0 {
					return fmt.Errorf("with the resources there, the login comes after %v: %w", after, err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

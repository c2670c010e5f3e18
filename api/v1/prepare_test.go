package v1

import "testing"

// A machine outside the cluster that says what it needs gets that alone; any other gets what the Cluster lists.
func TestPackagesOf(t *testing.T) {
	m := &Manifests{Cluster: &Cluster{Spec: ClusterSpec{
		Nodes:   []Node{{Name: "node1"}},
		Hosts:   []Machine{{Name: "qnetd"}, {Name: "disks", Prepare: &MachinePrepare{Packages: &Packages{Debian: []string{"targetcli-fb"}}}}, {Name: "bare", Prepare: &MachinePrepare{}}},
		Prepare: &Prepare{Packages: &Packages{All: []string{"lvm2"}}},
	}}}
	for _, c := range []struct {
		machines []string
		lvm, lio bool
	}{
		{[]string{"node1"}, true, false},
		{[]string{"node1", "qnetd"}, true, false},
		{[]string{"disks"}, false, true},
		{[]string{"node1", "disks"}, false, false},
		{[]string{"bare"}, false, false},
	} {
		if lvm, lio := m.Installs(c.machines, "lvm2"), m.Installs(c.machines, "targetcli-fb", "targetcli"); lvm != c.lvm || lio != c.lio {
			t.Errorf("%v: lvm2 %v, targetcli %v", c.machines, lvm, lio)
		}
	}
	m.Cluster.Spec.Prepare = nil
	if m.Installs([]string{"node1"}, "lvm2") || !m.Installs([]string{"disks"}, "targetcli-fb") {
		t.Error("without the Cluster's prepare")
	}
	if (&Manifests{}).Installs([]string{"node1"}, "lvm2") {
		t.Error("without a Cluster")
	}
}

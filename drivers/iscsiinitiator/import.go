package iscsiinitiator

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/iscsitarget"
	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Importer[State] = Driver{}

// Import writes the sessions: one object for each target, with the machines that are logged in to the same portals with the same startup.
func (Driver) Import(have State, into *v1.Manifests) ([]reconcile.ImportedSecret, error) {
	names, objects := map[string]bool{}, map[string]*v1.ISCSIInitiator{}
	for _, o := range into.Objects() { // its target may have been imported by that name
		names[o.Metadata.Name] = true
	}
	var secrets []reconcile.ImportedSecret
	for i := range have.Machines {
		m := &have.Machines[i]
		for _, target := range m.targets() {
			var portals []string
			for _, s := range m.Sessions {
				if s.Target == target {
					portals = append(portals, s.Portal.String())
				}
			}
			record := m.record(target)
			startup := "" // automatic
			if record["node.startup"] != "automatic" {
				startup = "manual"
			}
			key := strings.Join(append([]string{target, startup}, portals...), " ")
			x := objects[key]
			if x == nil {
				x = &v1.ISCSIInitiator{Spec: v1.ISCSIInitiatorSpec{Target: target, Portals: portals, Startup: startup}}
				x.SetDefaults()
				x.Metadata.Name = iscsitarget.ManifestName(target+"-sessions", names)
				objects[key] = x
				into.Add(x)
			}
			n := v1.ISCSINode{Name: m.Name, InitiatorName: m.initiator()}
			if record["node.session.auth.authmethod"] == "CHAP" {
				base := "secrets/" + x.Metadata.Name + "." + m.Name
				ref := func(kind, key string) v1.SecretRef {
					secrets = append(secrets, reconcile.ImportedSecret{File: base + kind, Value: reconcile.Secret(record[key])})
					return v1.SecretRef{File: base + kind}
				}
				n.Auth = &v1.CHAP{User: record["node.session.auth.username"], Password: ref(".password", "node.session.auth.password")}
				if user := record["node.session.auth.username_in"]; user != "" {
					mutual := ref(".mutualPassword", "node.session.auth.password_in")
					n.Auth.MutualUser, n.Auth.MutualPassword = user, &mutual
				}
			}
			x.Spec.Nodes = append(x.Spec.Nodes, n)
		}
	}
	return secrets, nil
}

// targets are those that the machine has sessions with.
func (m *Machine) targets() []string {
	names := map[string]bool{}
	for _, s := range m.Sessions {
		names[s.Target] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// record are the settings of the target's first node record. Without one a session was made by hand, or by a boot from it.
func (m *Machine) record(target string) map[string]string {
	out := map[string]string{}
	for _, s := range m.Sessions {
		files := m.nodeFiles(target, s.Portal)
		if s.Target != target || len(files) == 0 {
			continue
		}
		for l := range strings.Lines(m.Nodes[files[0]].Content.Reveal()) {
			if k, v := line(l); k != "" {
				out[k] = v
			}
		}
		break
	}
	return out
}

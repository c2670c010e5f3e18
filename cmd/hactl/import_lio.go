package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/iscsitarget"
)

// maxSaved is the size in bytes above which a file is no saveconfig.json. A target with its backstore takes some 6 KiB of one.
const maxSaved = 64 << 20

// lioFile reads rtslib's saveconfig.json, named MACHINE=FILE.
func (a *app) lioFile(ctx context.Context, arg string) (record, iscsitarget.State, error) {
	machine, path, named := strings.Cut(arg, "=")
	if !named || machine == "" {
		return record{}, iscsitarget.State{}, fmt.Errorf("--lio %s: which machine is it from? write MACHINE=FILE", arg)
	}
	r, err := a.record(ctx, path, maxSaved)
	if err != nil {
		return record{}, iscsitarget.State{}, err
	}
	s, err := iscsitarget.FromSaved(machine, r.data)
	if err != nil {
		return record{}, s, fmt.Errorf("%s: %w", r.name, err)
	}
	return r, s, nil
}

// servers lists machines with targets that are no nodes among the Cluster's other machines.
func servers(m *v1.Manifests) {
	c := m.Cluster
	for _, t := range m.ISCSITargets {
		name := t.Spec.Host
		if slices.ContainsFunc(c.Spec.Nodes, func(n v1.Node) bool { return n.Name == name }) ||
			slices.ContainsFunc(c.Spec.Hosts, func(h v1.Machine) bool { return h.Name == name }) {
			continue
		}
		c.Comments = append(c.Comments, v1.Comment{Path: fmt.Sprintf("spec.hosts[%d]", len(c.Spec.Hosts)), Text: "Its address was not told: write where it is reached."})
		c.Spec.Hosts = append(c.Spec.Hosts, v1.Machine{Name: name, Address: name})
	}
}

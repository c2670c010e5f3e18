package iscsiinitiator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/drivers/iscsitarget"
	"github.com/hactl/hactl/reconcile"
)

// Desired reads the ISCSIInitiators, and what their targets are to show them.
func (d Driver) Desired(m *v1.Manifests, secrets reconcile.Secrets) (State, error) {
	s := State{Owner: d.owner, Prune: d.prune}
	if m == nil {
		return s, nil
	}
	served := iscsitarget.Services(m)
	for _, x := range m.ISCSIInitiators {
		i := Initiator{Name: x.Metadata.Name, Target: x.Spec.Target, Startup: cmp.Or(x.Spec.Startup, "automatic"), Record: map[string]string{},
			Sources: maps.Clone(x.Positions)}
		for _, p := range x.Spec.Portals {
			i.Portals = append(i.Portals, parsePortal(p))
		}
		for _, n := range x.Spec.Record.Names() {
			if v := x.Spec.Record[n]; !v.Null {
				if strings.HasPrefix(n, "node.session.auth.") || strings.HasSuffix(n, ".startup") {
					return State{}, fmt.Errorf("%s: ISCSIInitiator %s: spec.record.%s: say that by auth and startup", x.Pos("spec.record."+n), i.Name, n)
				}
				i.Record[n] = v.Text
			}
		}
		var machines []string
		for k, n := range x.Spec.Nodes {
			machines = append(machines, n.Name)
			w := Node{Name: n.Name, InitiatorName: n.InitiatorName}
			if n.Auth != nil {
				auth, err := chap.Of(&x.Object, fmt.Sprintf("spec.nodes[%d].auth", k), n.Auth, secrets)
				if err != nil {
					return State{}, err
				}
				w.Auth = auth
			}
			i.Nodes = append(i.Nodes, w)
		}
		i.Installs = m.Installs(machines, tools...)
		for _, t := range m.ISCSITargets {
			if t.Spec.IQN == i.Target {
				i.Makers, i.LUNs = []reconcile.Ref{iscsitarget.Ref(t.Metadata.Name)}, shown(t)
			}
		}
		if s := served[i.Target]; s != nil {
			i.Makers, i.LUNs = s.Resources, offered(s)
		}
		s.Initiators = append(s.Initiators, i)
	}
	slices.SortFunc(s.Initiators, func(a, b Initiator) int { return cmp.Compare(a.Name, b.Name) })
	return s, s.names()
}

// names checks that each machine is given one name.
func (s State) names() error {
	told := map[string]string{}
	for _, i := range s.Initiators {
		for _, n := range i.Nodes {
			if other := told[n.Name]; other != "" && n.InitiatorName != "" && other != n.InitiatorName {
				return fmt.Errorf("%s: ISCSIInitiator %s: %s is to be %s here and %s elsewhere; a machine has one initiator name for all targets", i.source(""), i.Name, n.Name, n.InitiatorName, other)
			}
			told[n.Name] = cmp.Or(n.InitiatorName, told[n.Name])
		}
	}
	return nil
}

// shown are the LUNs of a target by initiator, with their sizes in bytes; 0 where only the machine knows.
func shown(t *v1.ISCSITarget) map[string]map[int]int64 {
	sizes := map[string]int64{}
	for _, b := range t.Spec.Backstores {
		if b.FileIO != nil {
			sizes[b.Name], _ = block.ParseSize(b.FileIO.Size) // iscsitarget tells of the error
		}
	}
	all := map[int]int64{}
	for _, l := range t.AllLUNs() {
		all[l.Number] = sizes[l.Backstore]
	}
	out := map[string]map[int]int64{}
	for _, a := range t.Spec.ACLs {
		out[a.Initiator] = all
		if len(a.LUNs) > 0 {
			out[a.Initiator] = map[int]int64{}
			for _, n := range a.LUNs {
				out[a.Initiator][n] = all[n]
			}
		}
	}
	return out
}

// offered are the LUNs of a target that Pacemaker serves. Their sizes are those of its devices, and not told.
func offered(s *iscsitarget.Service) map[string]map[int]int64 {
	luns := map[int]int64{}
	for _, n := range s.LUNs {
		luns[n] = 0
	}
	if len(s.Initiators) == 0 {
		return map[string]map[int]int64{"": luns}
	}
	out := map[string]map[int]int64{}
	for _, i := range s.Initiators {
		out[i] = luns
	}
	return out
}

// tools are the packages that hold open-iscsi, as distributions call them.
var tools = []string{"open-iscsi", "iscsi-initiator-utils"}

package iscsitarget

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/reconcile"
)

// Desired reads the ISCSITargets, and what makes the devices that they serve.
func (d Driver) Desired(m *v1.Manifests, secrets reconcile.Secrets) (State, error) {
	s := State{Owner: d.owner, Prune: d.prune}
	if m == nil {
		return s, nil
	}
	made, served := makers(m), Services(m)
	for _, x := range m.ISCSITargets {
		if s := served[x.Spec.IQN]; s != nil {
			return State{}, fmt.Errorf("%s: ISCSITarget %s: Pacemaker starts and stops %s (%s); one of the two can have it: take out this object, or the resources",
				x.Pos("spec.iqn"), x.Metadata.Name, x.Spec.IQN, s.Resources[0])
		}
		t, err := wanted(x, secrets)
		if err != nil {
			return State{}, err
		}
		t.Installs = m.Installs([]string{t.Host}, tools...)
		for i := range t.Backstores {
			b := &t.Backstores[i]
			if maker, ok := made[block.Ref(t.Host, b.Path)]; ok && b.Plugin == blockDev {
				b.Maker, b.After = block.Ref(t.Host, b.Path), maker
			}
		}
		s.Targets = append(s.Targets, t)
	}
	slices.SortFunc(s.Targets, func(a, b Target) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name)) })
	return s, s.clashes()
}

// clashes tells of what two targets of one machine cannot both have.
func (s State) clashes() error {
	taken := map[string]string{}
	for _, t := range s.Targets {
		claims := []string{"the name " + t.IQN}
		for _, b := range t.Backstores {
			claims = append(claims, "the backstore "+b.id(), b.Path)
		}
		for _, c := range claims {
			if other, ok := taken[t.Host+" "+c]; ok {
				return fmt.Errorf("%s: ISCSITarget %s: %s has %s on %s too; a machine has one of each", t.source(""), t.Name, other, c, t.Host)
			}
			taken[t.Host+" "+c] = t.Name
		}
	}
	return nil
}

func wanted(x *v1.ISCSITarget, secrets reconcile.Secrets) (Target, error) {
	t := Target{Name: x.Metadata.Name, Host: x.Spec.Host, IQN: x.Spec.IQN, Portals: x.AllPortals(), LUNs: slices.Clone(x.AllLUNs()),
		Attributes: texts(x.Spec.Attributes), Parameters: texts(x.Spec.Parameters), Sources: maps.Clone(x.Positions)}
	slices.SortFunc(t.LUNs, func(a, b v1.ISCSILUN) int { return a.Number - b.Number })
	for i, b := range x.Spec.Backstores {
		w := Backstore{Name: b.Name, Attributes: texts(b.Attributes)}
		switch {
		case b.FileIO != nil:
			at := fmt.Sprintf("spec.backstores[%d].fileio", i)
			w.Plugin, w.Path, w.WriteBack = fileIO, b.FileIO.Path, b.FileIO.WriteBack
			size, err := block.ParseSize(b.FileIO.Size)
			if err == nil && size%512 != 0 {
				err = fmt.Errorf("%q is no multiple of 512 bytes, of which a disk is made", b.FileIO.Size)
			}
			if err == nil && strings.HasPrefix(w.Path, "/dev/") {
				err = fmt.Errorf("%s is a device; serve it as block", w.Path)
			}
			if err != nil {
				return t, fmt.Errorf("%s: ISCSITarget %s: %s: %w", x.Pos(at), t.Name, at, err)
			}
			w.Size = size
		case b.Block != nil:
			w.Plugin, w.Path = blockDev, b.Block.Device
		}
		t.Backstores = append(t.Backstores, w)
	}
	var all []int
	for _, l := range t.LUNs {
		all = append(all, l.Number)
	}
	for i, a := range x.Spec.ACLs {
		w := ACL{Initiator: a.Initiator, LUNs: all, Attributes: texts(a.Attributes)}
		if len(a.LUNs) > 0 {
			w.LUNs = slices.Sorted(slices.Values(a.LUNs))
		}
		if a.Auth != nil {
			at := fmt.Sprintf("spec.acls[%d].auth", i)
			auth, err := chap.Of(&x.Object, at, a.Auth, secrets)
			if err != nil {
				return t, err
			}
			w.Auth = auth
		}
		t.ACLs = append(t.ACLs, w)
	}
	return t, nil
}

func texts(o v1.Options) map[string]string {
	if len(o) == 0 {
		return nil
	}
	out := map[string]string{}
	for n, v := range o {
		if !v.Null {
			out[n] = v.Text
		}
	}
	return out
}

// tools are the packages that hold rtslib's service, as distributions call them.
var tools = []string{"targetcli-fb", "targetcli", "python3-rtslib-fb", "python3-rtslib"}

// makers are the devices that other layers make, and when they are known.
func makers(m *v1.Manifests) map[reconcile.Ref]string {
	out := map[reconcile.Ref]string{}
	for _, r := range m.DRBDResources {
		for _, v := range r.AllVolumes() {
			for n := range v.Nodes {
				out[block.Ref(n, v.Device)] = "DRBDResource/" + r.Metadata.Name + " is there"
			}
		}
	}
	for _, v := range m.VolumeGroups {
		for _, n := range v.Machines(m) {
			for _, l := range v.Spec.Volumes {
				out[block.Ref(n, v.Path(l.Name))] = "VolumeGroup/" + v.Metadata.Name + " is there"
			}
		}
	}
	return out
}

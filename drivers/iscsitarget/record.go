package iscsitarget

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/hactl/hactl/reconcile"
)

// loose are names of disks that the kernel gives anew at each boot.
var loose = regexp.MustCompile(`^/dev/((sd|vd|hd|xvd)[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(p[0-9]+)?)$`)

// record are the names of what is wanted, and what loose names of disks stand for now.
func (t *Target) record(owner string, m *Machine) Record {
	r := Record{Owner: owner, IQN: t.IQN, Portals: slices.Sorted(slices.Values(t.Portals)), ACLs: map[string]RecordACL{}, Disks: map[string]string{}}
	for _, b := range t.Backstores {
		r.Backstores = append(r.Backstores, b.id())
		if d := m.Devices[b.Path]; b.Plugin == blockDev && loose.MatchString(b.Path) && d.Identity != "" {
			r.Disks[b.Path] = d.Identity
		}
	}
	slices.Sort(r.Backstores)
	for _, l := range t.LUNs {
		r.LUNs = append(r.LUNs, l.Number)
	}
	for _, a := range t.ACLs {
		r.ACLs[a.Initiator] = RecordACL{LUNs: a.LUNs, Auth: a.Auth != nil}
	}
	return r
}

// and is what either record has.
func (r Record) and(s Record) Record {
	r.Backstores, r.Portals, r.LUNs = union(r.Backstores, s.Backstores), union(r.Portals, s.Portals), union(r.LUNs, s.LUNs)
	r.ACLs = maps.Clone(r.ACLs)
	for i, a := range s.ACLs {
		b := r.ACLs[i]
		r.ACLs[i] = RecordACL{LUNs: union(a.LUNs, b.LUNs), Auth: a.Auth || b.Auth}
	}
	return r
}

func union[T int | string](a, b []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

func (r Record) equal(s Record) bool { return reflect.DeepEqual(r.canonical(), s.canonical()) }

// canonical has no difference between nothing and an empty list.
func (r Record) canonical() Record {
	b, _ := json.Marshal(r)
	var out Record
	_ = json.Unmarshal(b, &out)
	return out
}

func (r Record) write(name string) reconcile.Op {
	b, _ := json.MarshalIndent(r, "", "  ")
	return reconcile.Write{Path: recordPath(name), File: reconcile.File{Content: reconcile.Plain(string(b) + "\n"), Mode: 0o600}}
}

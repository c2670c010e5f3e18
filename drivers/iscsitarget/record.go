package iscsitarget

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/hactl/hactl/reconcile"
)

// record are the names of what is wanted.
func (t *Target) record(owner string) Record {
	r := Record{Owner: owner, IQN: t.IQN, Portals: slices.Sorted(slices.Values(t.Portals)), ACLs: map[string]RecordACL{}}
	for _, b := range t.Backstores {
		r.Backstores = append(r.Backstores, b.id())
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

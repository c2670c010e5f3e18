package cib

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/api/v1/v1test"
)

// Any manifests that say nothing but what a CIB holds, rendered and imported, are the same again.
func TestImportRendered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := v1test.CIB(t)
		m.SetDefaults()
		d := New("default")
		want, err := d.Desired(m, answers{})
		if err != nil {
			t.Fatal(err)
		}
		files, err := d.Render(want, State{})
		if err != nil {
			t.Fatal(err)
		}
		text := files[0].File.Content.Reveal()
		back := &v1.Manifests{Cluster: nodesOnly(m.Cluster)}
		if _, err := d.Import(State{CIB: XML(text)}, back); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if lost := losses(back); lost != "" {
			t.Fatalf("lost:\n%s\n%s", lost, text)
		}
		if diff := gocmp.Diff(jsonLines(comparable(m)), jsonLines(comparable(back))); diff != "" {
			t.Fatalf("-wanted +imported:\n%s\n%s", diff, text)
		}
	})
}

// nodesOnly is what corosync.conf tells of a Cluster.
func nodesOnly(c *v1.Cluster) *v1.Cluster {
	out := &v1.Cluster{}
	out.Metadata.Name = c.Metadata.Name
	for _, n := range c.Spec.Nodes {
		out.Spec.Nodes = append(out.Spec.Nodes, v1.Node{Name: n.Name, ID: n.ID, Addresses: n.Addresses})
	}
	return out
}

// comparable is canonical, without the names of fencing topologies, which the CIB does not hold, and with the first set of a long form in the
// plain one where that is free and can say it: to the CIB they are the same.
func comparable(m *v1.Manifests) *v1.Manifests {
	c := v1.Canonical(m)
	for _, t := range c.Topologies {
		t.Metadata.Name = t.Spec.Target + t.Spec.TargetPattern + t.Spec.TargetAttribute + "=" + t.Spec.TargetValue
	}
	slices.SortStableFunc(c.Topologies, func(a, b *v1.FencingTopology) int { return cmp.Compare(a.Metadata.Name, b.Metadata.Name) })
	for _, o := range c.All() {
		foldSets(reflect.ValueOf(o).Elem())
	}
	return c
}

func foldSets(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			foldSets(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			foldSets(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			foldSets(v.Field(i))
			plain, ok := v.Field(i).Interface().(v1.Options)
			long := v.FieldByName(strings.TrimSuffix(v.Type().Field(i).Name, "s") + "Sets")
			if !ok || len(plain) > 0 || !long.IsValid() || long.Len() == 0 {
				continue
			}
			sets := long.Interface().([]v1.AttributeSet)
			if o, ok := foldable(sets[0]); ok {
				v.Field(i).Set(reflect.ValueOf(o))
				long.Set(reflect.ValueOf(sets[1:]))
			}
		}
	}
}

func foldable(s v1.AttributeSet) (v1.Options, bool) {
	o := v1.Options{}
	for _, v := range s.Values {
		if _, twice := o[v.Name]; twice || v.Value == nil || v.IDRef != "" {
			return nil, false
		}
		o[v.Name] = v1.Value{Text: *v.Value}
	}
	return o, s.Rule == nil && s.IDRef == "" && s.Score == ""
}

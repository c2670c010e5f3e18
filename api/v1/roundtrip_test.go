package v1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// Any valid manifests, written as YAML and loaded, are the same again.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genManifests(t)
		want.SetDefaults()
		if err := want.Validate(); err != nil {
			t.Fatalf("not valid: %v", err)
		}
		var text bytes.Buffer
		enc := yaml.NewEncoder(&text)
		for _, o := range want.All() {
			if err := enc.Encode(node(tree(t, o))); err != nil {
				t.Fatal(err)
			}
		}
		sets, err := Load([]File{{"f", text.Bytes()}})
		if err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		if diff := cmp.Diff([]*Manifests{want}, sets, cmpopts.IgnoreFields(Object{}, "Positions"), cmpopts.IgnoreFields(Manifests{}, "Order"), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s\n%s", diff, text.String())
		}
	})
}

// tree is what json.Marshal makes of an object, as maps.
func tree(t *rapid.T, o any) any {
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// node makes YAML of it. Text with line breaks is quoted: yaml.v3 would write block text, and inside lists gives it an indentation
// indicator that is wrong ("|4-").
func node(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := v.(type) {
	case map[string]any:
		n.Kind = yaml.MappingNode
		for k := range v {
			n.Content = append(n.Content, node(k), node(v[k]))
		}
	case []any:
		n.Kind = yaml.SequenceNode
		for _, e := range v {
			n.Content = append(n.Content, node(e))
		}
	case string:
		n.Tag, n.Value = "!!str", v
		if strings.Contains(v, "\n") {
			n.Style = yaml.DoubleQuotedStyle
		}
	case float64:
		n.Value = fmt.Sprintf("%.0f", v)
	default:
		n.Value = fmt.Sprint(v)
		if v == nil {
			n.Value = "null"
		}
	}
	return n
}

var (
	genID       = rapid.StringMatching(`[A-Za-z_éß][A-Za-z0-9_.é-]{0,8}`).Filter(func(s string) bool { return checkID(s) == "" })
	genText     = rapid.OneOf(rapid.SampledFrom([]string{"off", "yes", "0644", "1.10", "1e3", "null", "~", "2024-01-01", "0x1F", "-", "- a", "a: b", "#x", " x ", "a\nb\n", "'", `"`, "*a", "&a", "!x", "<<", "=", "\t", "é", "👍", "%x", "@x", "`", "{", "[a", "|", ">"}), rapid.StringMatching(`[ -~äß\n]{0,12}`))
	genName     = rapid.StringMatching(`[a-z][a-z0-9_]{0,8}`)
	genInterval = rapid.SampledFrom([]string{"", "0", "30", "30s", "500ms", "PT1M", "2min"})
	genRole     = rapid.SampledFrom([]string{"", "Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave"})
	genScore    = rapid.SampledFrom([]string{"0", "-5", "1000000", "INFINITY", "-INFINITY", "+INFINITY"})
	genAgent    = rapid.SampledFrom([]string{"ocf:heartbeat:IPaddr2", "systemd:nginx", "lsb:x", "service:y"})
	genValue    = rapid.Custom(func(t *rapid.T) Value {
		if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			return Value{Null: true}
		}
		return Value{Text: genText.Draw(t, "text")}
	})
)

func genOptions(t *rapid.T, names *rapid.Generator[string], values *rapid.Generator[Value]) Options {
	return rapid.MapOfN(names, values, 0, 4).Draw(t, "options")
}

func genPrimitive(t *rapid.T) Primitive {
	p := Primitive{
		Agent:       genAgent.Draw(t, "agent"),
		Description: genText.Draw(t, "description"),
		// A name of genName is no near miss of an option because of the prefix.
		Params:      genOptions(t, rapid.OneOf(genName, genText.Filter(func(s string) bool { return s != "" })), genValue),
		Meta:        genOptions(t, rapid.Map(genName, func(s string) string { return "own_option_" + s }), genValue),
		Utilization: genOptions(t, genName, rapid.Map(rapid.IntRange(-5, 99), func(i int) Value { return Value{Text: fmt.Sprint(i)} })),
	}
	for _, n := range rapid.SliceOfNDistinct(genName, 0, 2, rapid.ID).Draw(t, "secrets") {
		if _, ok := p.Params[n]; ok {
			continue
		}
		if p.Secrets == nil {
			p.Secrets = map[string]SecretRef{}
		}
		p.Secrets[n] = rapid.SampledFrom([]SecretRef{{Env: "A"}, {File: "a b"}, {Command: []string{"pass", "", "1"}}}).Draw(t, "ref")
	}
	for i, n := range rapid.SliceOfNDistinct(genName, 0, 3, rapid.ID).Draw(t, "operations") {
		p.Operations = append(p.Operations, Operation{Name: n, Interval: genInterval.Draw(t, "interval"), Timeout: genInterval.Draw(t, "timeout"),
			Role: genRole.Draw(t, "role"), OnFail: rapid.SampledFrom([]string{"", "block", "fence"}).Draw(t, "on-fail"),
			Enabled: rapid.SampledFrom([]string{"", "true", "0"}).Draw(t, "enabled"), Description: fmt.Sprint(i)})
	}
	return p
}

func genClone(t *rapid.T, fresh func() string) *Clone {
	switch rapid.IntRange(0, 2).Draw(t, "clone") {
	case 0:
		promotable := rapid.Bool().Draw(t, "promotable")
		return &Clone{Promotable: &promotable, Meta: Options{"clone-max": {Text: "2"}, "notify": {Null: true}}}
	case 1:
		return &Clone{Name: fresh()}
	}
	return nil
}

func genManifests(t *rapid.T) *Manifests {
	used := map[string]bool{}
	fresh := func() string {
		id := genID.Filter(func(s string) bool { return !used[s] && !used[s+"-clone"] }).Draw(t, "id")
		used[id], used[id+"-clone"] = true, true
		return id
	}
	object := func(name string) Object {
		return Object{Metadata: Metadata{
			Name:    name,
			Labels:  rapid.MapOfN(genName, genText, 0, 2).Draw(t, "labels"),
			Protect: rapid.Bool().Draw(t, "protect"),
		}}
	}
	m := &Manifests{Cluster: &Cluster{Object: object(rapid.StringMatching(`[a-z0-9_]{1,8}`).Draw(t, "cluster"))}}
	links := rapid.IntRange(1, 3).Draw(t, "links")
	ids := rapid.SliceOfNDistinct(rapid.IntRange(1, 1<<32-1), 1, 4, rapid.ID).Draw(t, "ids")
	for i, id := range ids {
		n := Node{Name: fmt.Sprintf("n%d", i), ID: id, NodeOptions: NodeOptions{Attributes: genOptions(t, genName, genValue)}}
		for l := range links {
			n.Addresses = append(n.Addresses, fmt.Sprintf("10.%d.0.%d", l, i))
		}
		m.Cluster.Spec.Nodes = append(m.Cluster.Spec.Nodes, n)
	}
	m.Cluster.Spec.Totem = Options{"token": {Text: "5000"}, "keyfile": {Text: "/a b"}, "hold": {Null: true}}
	m.Cluster.Spec.Properties = Options{"stonith-enabled": {Text: "off"}, "my-own": genValue.Draw(t, "own")}
	for range rapid.IntRange(0, 3).Draw(t, "resources") {
		r := &Resource{Object: object(fresh()), Spec: ResourceSpec{Primitive: genPrimitive(t)}}
		r.Spec.Clone = genClone(t, fresh)
		m.Resources = append(m.Resources, r)
	}
	for range rapid.IntRange(0, 2).Draw(t, "groups") {
		g := &ResourceGroup{Object: object(fresh())}
		for range rapid.IntRange(1, 3).Draw(t, "members") {
			g.Spec.Resources = append(g.Spec.Resources, GroupMember{Name: fresh(), Primitive: genPrimitive(t)})
		}
		g.Spec.Clone = genClone(t, fresh)
		m.Groups = append(m.Groups, g)
	}
	m.SetDefaults()
	var names []string
	inside := inside(m)
	for _, id := range m.IDs() {
		if inside[id.Name] == "" {
			names = append(names, id.Name)
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "fences") {
		f := &FenceDevice{Object: object(fresh()), Spec: FenceDeviceSpec{Agent: "fence_x", Targets: []string{"n0"}, TargetPlugs: map[string]string{"n0": "a:1"}}}
		m.FenceDevices = append(m.FenceDevices, f)
		names = append(names, f.Metadata.Name)
	}
	for range rapid.IntRange(0, 3).Draw(t, "constraints") {
		if len(names) == 0 {
			break
		}
		one := rapid.SampledFrom(names)
		c := &Constraint{Object: object(fresh())}
		switch rapid.IntRange(0, 2).Draw(t, "constraint") {
		case 0:
			c.Spec.Location = &Location{Resource: one.Draw(t, "resource"), Node: "n0", Score: genScore.Draw(t, "score"), Role: genRole.Draw(t, "role")}
		case 1:
			c.Spec.Order = &Order{First: one.Draw(t, "first"), Then: one.Draw(t, "then"), ThenAction: "stop", Symmetrical: rapid.SampledFrom([]string{"", "false", "1"}).Draw(t, "symmetrical")}
		case 2:
			c.Spec.Colocation = &Colocation{Resource: one.Draw(t, "resource"), With: one.Draw(t, "with"), Score: genScore.Draw(t, "score")}
		}
		m.Constraints = append(m.Constraints, c)
	}
	return m
}

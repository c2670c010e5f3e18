package v1

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const cluster = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: c}
spec:
  nodes:
  - {name: node1, addresses: [10.0.0.1]}
  - {name: node2, addresses: [10.0.0.2]}
`

// What YAML 1.1 readers change, and what arrives here.
func TestTextArrivesAsWritten(t *testing.T) {
	for _, text := range []string{
		"off", "on", "yes", "no", "y", "n", "Yes", "NO", "true", "false", "True", "0644", "0o644", "0x10", "0b11", "1_000", "1.10", "1.0", "1e3", "+5",
		"-INFINITY", ".5", ".inf", ".nan", "190:20:30", "12:30", "2024-01-01", "2024-01-01T10:00:00Z", "08", "00", "-0", "=", "1.2.3.4", "fe80::1",
		"é", "a b", "100%", "node1:p1;node2:p2", "http://x/?a=b", "=x", "null_", "~x", "NaN", "12e03", "0.10", "1,000",
	} {
		m := load(t, cluster+"---\napiVersion: hactl/v1\nkind: Resource\nmetadata:\n  name: r\n  labels:\n    l: "+text+"\nspec:\n"+
			"  agent: ocf:pacemaker:Dummy\n  description: "+text+"\n  params:\n    p: "+text+"\n")
		r := m.Resources[0]
		if got := r.Spec.Params["p"]; got != (Value{Text: text}) {
			t.Errorf("params: %q arrives as %+v", text, got)
		}
		if r.Spec.Description != text || r.Metadata.Labels["l"] != text {
			t.Errorf("string: %q arrives as %q, %q", text, r.Spec.Description, r.Metadata.Labels["l"])
		}
	}
	for text, want := range map[string]Value{
		"null": {Null: true}, "~": {Null: true}, "": {Null: true}, "Null": {Null: true}, "NULL": {Null: true},
		`"null"`: {Text: "null"}, `""`: {}, `''`: {}, `"~"`: {Text: "~"}, `'a''b'`: {Text: "a'b"}, "|\n      a\n      b\n": {Text: "a\nb\n"},
		">-\n      a\n      b": {Text: "a b"}, "!!str 1.10": {Text: "1.10"}, "!!str null": {Text: "null"}, "a # comment": {Text: "a"}, `"off"`: {Text: "off"},
	} {
		m := load(t, cluster+"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: r}\nspec:\n  agent: ocf:pacemaker:Dummy\n  params:\n    p: "+text+"\n")
		if got := m.Resources[0].Spec.Params["p"]; got != want {
			t.Errorf("%q arrives as %+v", text, got)
		}
	}
	// Names of options are text too.
	m := load(t, cluster+"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: r}\nspec: {agent: ocf:pacemaker:Dummy, params: {on: 1, 0644: 2, null: 3, 1.10: 4}}\n")
	if diff := cmp.Diff([]string{"0644", "1.10", "null", "on"}, m.Resources[0].Spec.Params.Names()); diff != "" {
		t.Error(diff)
	}
}

func TestPositions(t *testing.T) {
	text := cluster + `--- # the second document
# é comments count in no column
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: g, labels: {é: ü, b: c}}
spec:
  resources:
  - name: A
    agent: ocf:pacemaker:Dummy
    params: {dotted.name: x,
      fake: y}
    meta:
      priority: 1
  - {name: B, agent: "ocf:pacemaker:Dummy"}
`
	for _, eol := range []string{"\n", "\r\n"} {
		m := load(t, strings.ReplaceAll(text, "\n", eol))
		g := m.Groups[0]
		for path, want := range map[string]string{
			"":                                     "m.yaml:10:1",
			"kind":                                 "m.yaml:11:7",
			"metadata":                             "m.yaml:12:1",
			"metadata.name":                        "m.yaml:12:18",
			"metadata.labels.é":                    "m.yaml:12:33",
			"metadata.labels.b":                    "m.yaml:12:39",
			"spec.resources":                       "m.yaml:14:3",
			"spec.resources[0]":                    "m.yaml:15:5",
			"spec.resources[0].agent":              "m.yaml:16:12",
			"spec.resources[0].params.dotted.name": "m.yaml:17:27",
			"spec.resources[0].params.fake":        "m.yaml:18:13",
			"spec.resources[0].params.absent":      "m.yaml:17:5",
			"spec.resources[0].meta":               "m.yaml:19:5",
			"spec.resources[0].meta.priority":      "m.yaml:20:17",
			"spec.resources[1].agent":              "m.yaml:21:22",
			"spec.clone.name":                      "m.yaml:13:1",
		} {
			if got := g.Pos(path).String(); got != want {
				t.Errorf("%q is at %s, want %s", path, got, want)
			}
		}
		if got := m.Cluster.Pos("spec.nodes[1].addresses[0]").String(); got != "m.yaml:7:31" {
			t.Errorf("the address is at %s", got)
		}
	}
}

func TestAliasesAndMerges(t *testing.T) {
	b := mustRead(t, "testdata/good/anchors.yaml")
	m := load(t, b)
	nodes := m.Cluster.Spec.Nodes
	want := []Node{
		{Name: "node1", ID: 1, Addresses: []string{"10.0.0.1"}, NodeOptions: NodeOptions{Attributes: Options{"rack": {Text: "1"}, "room": {Text: "a"}}}},
		{Name: "node2", ID: 2, Addresses: []string{"10.0.0.2"}, NodeOptions: NodeOptions{Attributes: Options{"rack": {Text: "1"}, "room": {Text: "a"}}}},
		{Name: "node3", ID: 3, Addresses: []string{"10.0.0.3"}, NodeOptions: NodeOptions{Attributes: Options{"rack": {Text: "3"}, "room": {Text: "b"}}}},
	}
	if diff := cmp.Diff(want, nodes); diff != "" {
		t.Error(diff)
	}
}

func TestUnreadableFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"not UTF-8":      {"kind: a\n# \xff\n", "f:2:3: the byte 0xff is not UTF-8; save the file as UTF-8"},
		"UTF-16":         {"\xff\xfek\x00", "f:1:1: the byte 0xff is not UTF-8; save the file as UTF-8"},
		"control":        {"a: é\x00\n", "f:1:5: the character U+0000 is not allowed here; write it as an escape in double quotes, or remove it"},
		"line separator": {"a: \u2028\n", "f:1:4: the character U+2028 is not allowed here; write it as an escape in double quotes, or remove it"},
		"old Mac":        {"a: b\rc: d\r", "f:1:5: a carriage return that no line feed follows; save the file with LF or CRLF line ends"},
		"deep":           {"a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), ""},
		"very deep":      {"a: " + strings.Repeat("[", 20000), ""},
		"large":          {strings.Repeat("# 45678\n", MaxFileSize/8) + "a", "f:1:1: the file is larger than 16 MiB; split it"},
	} {
		_, err := Load([]File{{"f", []byte(c.text)}})
		if err == nil || c.want != "" && err.Error() != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// yaml.v3 by itself does not read a document after "..." that no "---" begins.
func TestDocumentEnds(t *testing.T) {
	m := load(t, mustRead(t, "testdata/ends.yaml"))
	var at []string
	for _, r := range m.Resources {
		at = append(at, r.Metadata.Name+" "+r.Pos("spec.agent").String())
	}
	if diff := cmp.Diff([]string{"a m.yaml:12:79", "b m.yaml:18:10"}, at); diff != "" {
		t.Error(diff)
	}
	if got := m.Resources[1].Spec.Description; got != "--- x" {
		t.Errorf("description %q", got)
	}
}

package cib

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"
)

// corpus gives the scheduler's cases; many of them are old or odd CIBs.
func corpus(t testing.TB) []string {
	t.Helper()
	cases, _ := filepath.Glob("../../../shared/corpus/scheduler/*.xml")
	if len(cases) == 0 {
		t.Skip("NOT TESTED: real CIBs, because the corpus of scheduler cases is not here")
	}
	return cases
}

// manifestsOver draws manifests that touch what a CIB has and add to it.
func manifestsOver(t *rapid.T, doc *etree.Document) string {
	var b strings.Builder
	b.WriteString("apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n  nodes:\n  - {name: n1, cibID: law-1, addresses: [10.77.0.1]")
	if rapid.Bool().Draw(t, "node") {
		b.WriteString(", attributes: {rack: " + rapid.SampledFrom([]string{"a", "b", "null"}).Draw(t, "rack") + "}")
	}
	b.WriteString("}\n  properties: {no-quorum-policy: " + rapid.SampledFrom([]string{"stop", "freeze", "null"}).Draw(t, "nqp") + "}\n")
	if rapid.Bool().Draw(t, "defaults") {
		b.WriteString("  resourceDefaults: {resource-stickiness: 7}\n")
	}
	params := func() string {
		var ps []string
		for _, n := range []string{"fake", "ip", "op_sleep"} {
			if rapid.Bool().Draw(t, n) {
				ps = append(ps, n+": "+rapid.SampledFrom([]string{"a", "\"1\"", "b", "null"}).Draw(t, n+"-value"))
			}
		}
		return strings.Join(ps, ", ")
	}
	ops := func() string {
		var os []string
		for _, o := range []string{"{name: monitor, interval: 10s, timeout: 30s}", "{name: start, timeout: 1min}", "{name: monitor, interval: 1h, role: Promoted}"} {
			if rapid.Bool().Draw(t, "op") {
				os = append(os, o)
			}
		}
		return strings.Join(os, ", ")
	}
	var ids []string
	for _, el := range section(doc, "resources").ChildElements() {
		in := inner(el)
		if in.Tag == "primitive" && has(in, "type") && len(ids) < 3 && rapid.Bool().Draw(t, "take") && plainName(attr(in, "id")) {
			ids = append(ids, attr(in, "id"))
			clone := ""
			if in != el {
				clone = ", clone: {name: \"" + attr(el, "id") + "\"}"
			}
			agent := agentOf(in)
			if attr(in, "class") == "heartbeat" || attr(in, "class") == "stonith" || strings.Count(agent, ":") > 2 {
				agent = "ocf:pacemaker:Dummy"
			}
			fmt.Fprintf(&b, "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: %q}\nspec: {agent: %q, params: {%s}, meta: {priority: 3}, operations: [%s]%s}\n", attr(in, "id"), agent, params(), ops(), clone)
		}
	}
	fmt.Fprintf(&b, "---\napiVersion: hactl/v1\nkind: ResourceGroup\nmetadata: {name: hg}\nspec:\n  resources:\n")
	for _, m := range rapid.Permutation([]string{"hg1", "hg2", "hg3"}).Draw(t, "members") {
		fmt.Fprintf(&b, "  - {name: %s, agent: \"ocf:pacemaker:Dummy\", params: {%s}, operations: [%s]}\n", m, params(), ops())
	}
	if rapid.Bool().Draw(t, "clone") {
		b.WriteString("  clone: {meta: {interleave: true}}\n")
	}
	for _, kind := range otherKinds {
		if rapid.Bool().Draw(t, "kind") {
			form := rapid.SampledFrom(kind).Draw(t, "form")
			b.WriteString("---\napiVersion: hactl/v1\n" + strings.Replace(form, "}\nspec", ignored+"}\nspec", 1))
		}
	}
	return b.String()
}

// ignored lets objects name others that may not be there.
const ignored = ", ignore: [{lint: inside-clone, reason: law}, {lint: unknown-reference, reason: law}, {lint: unknown-resource, reason: law}, {lint: unknown-node, reason: law}]"

// otherKinds are objects in two forms or more: a second manifest turns the one into the other, or has none.
var otherKinds = [][]string{
	{"kind: ResourceTemplate\nmetadata: {name: ht}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: t}}\n",
		"kind: ResourceTemplate\nmetadata: {name: ht}\nspec: {agent: \"ocf:pacemaker:Stateful\", paramSets: [{id: ht-long, score: 1, values: [{name: fake, value: x}]}]}\n"},
	{"kind: Resource\nmetadata: {name: hr}\nspec: {agent: \"ocf:pacemaker:Dummy\", paramSets: [{id: hr-a, rule: {expression: defined x}, values: [{name: fake, value: a}]}]}\n",
		"kind: Resource\nmetadata: {name: hr}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: p}, paramSets: [{id: hr-a, rule: {expression: x eq 1 or x eq 2}, values: [{name: fake}, {name: b, value: b}]}, {id: hr-b, values: [{name: c, value: c}]}]}\n",
		"kind: Resource\nmetadata: {name: hr}\nspec: {agent: \"ocf:pacemaker:Dummy\", clone: {name: hrc, promotable: true, metaSets: [{id: hrc-a, values: [{name: notify, value: \"true\"}]}]}, operations: [{name: monitor, interval: 3s, meta: {x: 1}}]}\n"},
	{"kind: Bundle\nmetadata: {name: hb}\nspec: {docker: {image: i, replicas: 2}, network: {controlPort: 3121, ports: [{port: 80}]}, resource: {name: hbr, agent: \"ocf:pacemaker:Dummy\"}}\n",
		"kind: Bundle\nmetadata: {name: hb}\nspec: {rkt: {image: j}, network: {controlPort: 7}, storage: [{sourceDir: /a, targetDir: /b}], resource: {name: hbr, agent: \"ocf:pacemaker:Dummy\", params: {fake: b}}}\n",
		"kind: Bundle\nmetadata: {name: hb}\nspec: {docker: {image: i}, network: {controlPort: 9, ports: [{range: 1-3}, {port: 90}]}}\n"},
	{"kind: Constraint\nmetadata: {name: hl}\nspec: {location: {resource: hg, node: n1, score: 5}}\n",
		"kind: Constraint\nmetadata: {name: hl}\nspec: {location: {resource: hg, score: -INFINITY, expression: not_defined p or p lt 3}}\n",
		"kind: Constraint\nmetadata: {name: hl}\nspec: {location: {pattern: \"h.*\", rules: [{score: 1, expression: defined a}, {score: 2, expression: defined b and (defined c or defined d)}]}}\n",
		"kind: Constraint\nmetadata: {name: hl}\nspec: {location: {sets: [{resources: [hg]}], node: n1, score: 1}}\n"},
	{"kind: Constraint\nmetadata: {name: ho}\nspec: {order: {first: hg1, then: hg2, kind: Optional}}\n",
		"kind: Constraint\nmetadata: {name: ho}\nspec: {order: {score: 0, sets: [{resources: [hg1, hg2]}, {resources: [hg3], action: stop}], lifetime: [{expression: date gt 2020-01-01}]}}\n"},
	{"kind: Constraint\nmetadata: {name: hc}\nspec: {colocation: {resource: hg1, with: hg2, withRole: Promoted}}\n",
		"kind: Constraint\nmetadata: {name: hc}\nspec: {colocation: {sets: [{resources: [hg1, hg2], sequential: \"false\"}, {resources: [hg3]}]}}\n"},
	{"kind: Constraint\nmetadata: {name: hk}\nspec: {ticket: {ticket: T, resource: hg1}}\n",
		"kind: Constraint\nmetadata: {name: hk}\nspec: {ticket: {ticket: U, lossPolicy: fence, sets: [{resources: [hg1, hg2]}]}}\n"},
	{"kind: FencingTopology\nmetadata: {name: hf}\nspec: {target: n1, levels: [{devices: [hg1]}, {devices: [hg2, hg3]}]}\n",
		"kind: FencingTopology\nmetadata: {name: hf}\nspec: {target: n1, levels: [{devices: [hg2]}]}\n",
		"kind: FencingTopology\nmetadata: {name: hf}\nspec: {targetPattern: \"n.*\", levels: [{index: 3, devices: [hg2]}]}\n"},
	{"kind: ACLRole\nmetadata: {name: hrole}\nspec: {permissions: [{kind: read, xpath: /cib}]}\n",
		"kind: ACLRole\nmetadata: {name: hrole}\nspec: {description: d, permissions: [{kind: deny, reference: hg1}, {kind: read, xpath: /cib}]}\n"},
	{"kind: ACLUser\nmetadata: {name: n1}\nspec: {roles: [hrole]}\n", "kind: ACLUser\nmetadata: {name: n1}\nspec: {}\n"},
	{"kind: Tag\nmetadata: {name: htag}\nspec: {objects: [hg1, hg2]}\n", "kind: Tag\nmetadata: {name: htag}\nspec: {objects: [hg2, hg1, hl]}\n"},
	{"kind: Alert\nmetadata: {name: ha}\nspec: {path: /a, recipients: [{value: x}, {value: y, params: {a: b}}]}\n",
		"kind: Alert\nmetadata: {name: ha}\nspec: {path: /b, select: {nodes: true}, params: {c: d}, recipients: [{value: y, meta: {timeout: 3s}}]}\n"},
}

func plainName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == "" && strings.Trim(s[:1], "0123456789-.") != ""
}

// The law: what a plan does leaves nothing to plan; a second, different manifest over it as well; and what no manifest tells stays.
func TestLaw(t *testing.T) {
	cases := corpus(t)
	rapid.Check(t, func(rt *rapid.T) {
		file := rapid.SampledFrom(cases).Draw(rt, "base")
		b, err := os.ReadFile(file)
		if err != nil {
			rt.Fatal(err)
		}
		doc, err := parse(string(b))
		if err != nil || section(doc, "resources") == nil || section(doc, "crm_config") == nil {
			return // no configuration
		}
		for _, a := range []struct{ n, v string }{{"have-quorum", "1"}, {"dc-uuid", "1"}, {"admin_epoch", "0"}, {"epoch", "5"}, {"num_updates", "1"}} {
			doc.Root().CreateAttr(a.n, a.v)
		}
		cib, _ := doc.WriteToString()
		for round := range 2 {
			want := desired(t, manifestsOver(rt, doc))
			have := observed(want, cib)
			ss, err := New("default").Plan(want, have)
			if err != nil {
				return // a clash of names
			}
			p := patchOf(ss)
			if p == nil {
				continue
			}
			before, _ := parse(cib)
			after, err := applyAll(before, p.Edits)
			if err != nil {
				rt.Fatalf("%s round %d: %v", file, round, err)
			}
			cib, _ = after.WriteToString()
			again, err := New("default").Plan(want, observed(want, cib))
			if err != nil || len(again) > 0 {
				rt.Fatalf("%s round %d: the second plan is not empty: %v %+v", file, round, err, again)
			}
			patchAgrees(rt, before, after)
		}
		end, _ := parse(cib)
		after := newTree(end)
		for _, el := range section(doc, "constraints").ChildElements() {
			if digest(el, nil) != digest(after.find(attr(el, "id")), nil) {
				rt.Fatalf("%s: the constraint %s, which no manifest tells, was changed", file, attr(el, "id"))
			}
		}
	})
}

// patchAgrees checks our patchset: Pacemaker's own tool must make the same CIB of it.
func patchAgrees(t interface {
	Fatalf(string, ...any)
	Logf(string, ...any)
}, before, after *etree.Document) {
	if _, err := exec.LookPath("crm_diff"); err != nil {
		t.Logf("NOT TESTED: the patchset, because crm_diff is not installed")
		return
	}
	diff, err := patchset(before, after)
	if err != nil {
		t.Fatalf("%v", err)
	}
	bare := before.Copy() // the status is long
	if st := bare.Root().SelectElement("status"); st != nil {
		bare.Root().RemoveChild(st)
	}
	x, err := os.CreateTemp("", "cib-*.xml")
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer func() { _ = os.Remove(x.Name()) }()
	if _, err := bare.WriteTo(x); err != nil {
		t.Fatalf("%v", err)
	}
	_ = x.Close()
	cmd := exec.Command("crm_diff", "--original", x.Name(), "--patch=/dev/stdin")
	cmd.Stdin = strings.NewReader(diff)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("crm_diff --patch: %v: %s\n%s", err, stderr.String(), diff)
	}
	got, err := parse(string(out))
	if err != nil {
		t.Fatalf("%v", err)
	}
	if g, w := digest(got.Root().SelectElement("configuration"), nil), digest(after.Root().SelectElement("configuration"), nil); g != w {
		t.Fatalf("the patchset makes another CIB:\n%s\n--- want\n%s", source(got.Root()), source(after.Root()))
	}
	if version(got.Root()) != version(after.Root()) {
		t.Fatalf("version %s, want %s", version(got.Root()), version(after.Root()))
	}
}

// Reading never panics, whatever the XML; and what was read plans something or says why not.
func FuzzRead(f *testing.F) {
	f.Add(fresh)
	f.Add(live("pacemaker-3.0", dummyA, "", record("Resource.A", ".=agent params=fake")))
	f.Add(`<cib><configuration><crm_config/><resources><clone/><group id="G"/><primitive/></resources></configuration></cib>`)
	f.Add(`<cib><configuration><resources><master id="A"><primitive id="A"/><primitive id="A"/></master></resources></configuration></cib>`)
	want := desired(f, web)
	f.Fuzz(func(t *testing.T, s string) {
		have := observed(want, s)
		if _, err := parse(s); err != nil {
			return
		}
		d := New("default")
		_, _ = d.Plan(want, have)
		d.Notes(want, have)
		d.Status(have)
		d.Provides(have)
		d.Standing(want, have)
	})
}

func TestStays(t *testing.T) {
	els := func(s string) []*etree.Element {
		var out []*etree.Element
		for _, r := range s {
			el := etree.NewElement("e")
			el.CreateAttr("id", string(r))
			out = append(out, el)
		}
		return out
	}
	for _, c := range []struct{ a, b, stay string }{{"abc", "abc", "abc"}, {"abc", "axbc", "abc"}, {"abc", "cab", "ab"}, {"abc", "", ""}, {"", "abc", ""}, {"abcd", "bd", "bd"}} {
		got := sortedKeys(stays(els(c.a), els(c.b)))
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], "e#")
		}
		if !slices.Equal(got, strings.Split(c.stay, "")) && !(len(got) == 0 && c.stay == "") {
			t.Errorf("%s to %s: %v stay, want %s", c.a, c.b, got, c.stay)
		}
	}
}

package cib

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

var renamable = regexp.MustCompile(`metadata: \{name: (hl|ho|hc|hk|htag|ha|hr|hb|ht|hrole),`)

// fewerOver draws manifests that may have members of the group missing, or the group as a whole, and objects under another name.
func fewerOver(t *rapid.T, doc *etree.Document) string {
	text := renamable.ReplaceAllStringFunc(manifestsOver(t, doc), func(s string) string {
		name := renamable.FindStringSubmatch(s)[1]
		switch rapid.IntRange(0, 3).Draw(t, "rename") {
		case 0:
			return "metadata: {name: " + name + "2, renamedFrom: " + name + ","
		case 1:
			return "metadata: {name: " + name + ", renamedFrom: " + name + "2,"
		}
		return s
	})
	if rapid.IntRange(0, 3).Draw(t, "group") == 0 {
		from := strings.Index(text, "---\napiVersion: hactl/v1\nkind: ResourceGroup")
		rest := text[from+4:]
		end := len(text)
		if i := strings.Index(rest, "---\n"); i >= 0 {
			end = from + 4 + i
		}
		return text[:from] + text[end:]
	}
	for _, m := range rapid.SampledFrom([][]string{{}, {"hg1"}, {"hg2"}, {"hg3"}, {"hg2", "hg3"}, {"hg1", "hg2"}}).Draw(t, "without") {
		text = regexp.MustCompile(`(?m)^  - \{name: `+m+`, .*\n`).ReplaceAllString(text, "")
	}
	return text
}

// activity draws a status: any of the primitives may run, managed or not.
func activity(t *rapid.T, cib string) string {
	doc, err := parse(cib)
	if err != nil {
		return ""
	}
	var runs []string
	for _, el := range doc.FindElements("./cib/configuration/resources//primitive") {
		switch rapid.IntRange(0, 8).Draw(t, "runs") {
		case 0, 1, 2, 3, 4:
			runs = append(runs, attr(el, "id")+"@n1")
		case 5:
			runs = append(runs, attr(el, "id")+"!@n1")
		}
	}
	return runsAs(runs...)
}

// The law with deletions: manifests follow one another in any order, with --prune or without, and a run may be killed between its two changes
// of the CIB. In the end nothing is left to plan and nothing that hactl set on its way; and what no manifest ever told is as it was.
func TestPruneLaw(t *testing.T) {
	cases := corpus(t)
	runs, refused, two, killed := 0, map[string]int{}, 0, 0
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
		told := map[string]bool{}
		rounds := rapid.IntRange(2, 4).Draw(rt, "rounds")
		for round := range rounds {
			last := round == rounds-1
			draw := func() State {
				want := desired(t, fewerOver(rt, doc))
				want.Prune = last || rapid.Bool().Draw(rt, "prune")
				for _, o := range want.Objects {
					told[o.Ref.Name] = true
				}
				return want
			}
			want := draw()
			for again, refusals := 0, 0; ; again++ {
				have := observed(want, cib)
				have.Monitor = activity(rt, cib)
				ss, err := New("default").Plan(want, have)
				if err != nil {
					first, _, _ := strings.Cut(err.Error(), "\n")
					refused[regexp.MustCompile(`(cannot be [a-z]+|taken|belongs|no place|times|still|cannot become)`).FindString(first)]++
					if refusals++; refusals > 6 {
						return
					}
					want, again = draw(), -1 // nothing was changed; the user writes others
					continue
				}
				ps := patches(ss)
				if len(ps) > 2 || again > 4 {
					rt.Fatalf("%s round %d: %d changes of the CIB at the try %d: %v", file, round, len(ps), again, ss)
				}
				if len(ps) == 0 {
					break
				}
				if len(ps) == 2 {
					two++
				}
				kill := rapid.IntRange(0, 2).Draw(rt, "kill") == 0
				for _, p := range ps {
					before, _ := parse(cib)
					if err := p.check(before); err != nil {
						rt.Fatalf("%s round %d: %v", file, round, err)
					}
					after, err := applyAll(before, p.Edits)
					if err != nil {
						rt.Fatalf("%s round %d: %v", file, round, err)
					}
					if rapid.IntRange(0, 3).Draw(rt, "compare") == 0 {
						patchAgrees(rt, before, after)
					}
					cib, _ = after.WriteToString()
					if kill {
						killed++
						break
					}
				}
				if kill && !last {
					break
				}
			}
		}
		runs++
		if strings.Contains(cib, `"hactl-stop`) || strings.Contains(cib, `"hactl-order-`) {
			rt.Fatalf("%s: something of hactl's is left:\n%s", file, cib)
		}
		end, _ := parse(cib)
		after := newTree(end)
		for _, s := range []string{"constraints", "resources", "tags", "acls", "alerts", "fencing-topology"} {
			sec := section(doc, s)
			if sec == nil {
				continue
			}
			for _, el := range sec.ChildElements() {
				if told[attr(inner(el), "id")] || told[attr(el, "id")] {
					continue
				}
				now, err := after.resolve(address(el))
				if err == nil && digest(el, nil) == digest(now, nil) || err != nil && strings.Contains(err.Error(), "times") {
					continue
				}
				if s == "constraints" && runtimeConstraint(attr(el, "id")) {
					continue // it goes with its resource
				}
				rt.Fatalf("%s: %s, which no manifest tells, was changed: %v", file, address(el), err)
			}
		}
	})
	t.Logf("%d sequences came to their end (%d plans in two changes, %d kills); refused: %v", runs, two, killed, refused)
	if runs == 0 && !testing.Short() {
		t.Error("none came to its end")
	}
}

// Nothing that a CIB may hold makes a deletion panic, and what is planned can be carried out.
func FuzzPrune(f *testing.F) {
	wanted := "kind: ResourceGroup\nmetadata: {name: G}\nspec: {resources: [{name: a, agent: \"ocf:pacemaker:Dummy\"}]}\n---\napiVersion: hactl/v1\n" + keepB +
		"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: New, renamedFrom: Old}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n"
	want := pruned(f, head+wanted)
	all := records("ResourceGroup.G", "Resource.a .=agent", "Resource.b .=agent", "Resource.Old .=agent", "Resource.B .=agent", "Bundle.W docker=", "Tag.t objects=", "FenceDevice.f avoidTargets[n1]=",
		"FencingTopology.F levels[n1/1]=devices", "Node.n2 attributes=x", "Cluster.c properties=x", "ACLUser.u .=x", "ResourceTemplate.T .=agent", "Constraint.o order=")
	f.Add(live("pacemaker-3.9", `<group id="G">`+prim("a")+prim("b")+`</group>`+prim("Old")+`<bundle id="W"/><template id="T"/>`+fence("f", "n1"), `<rsc_order id="o" first="Old" then="b"/><rsc_location id="f-avoids-n1"/>`, all))
	f.Add(live("pacemaker-3.9", `<clone id="b"><group id="Old">`+prim("b")+`</group></clone>`, `<rsc_order id="o"><resource_set><resource_ref id="b"/></resource_set></rsc_order><rsc_order id="hactl-order-1" first="b"/>`, all))
	f.Add(strings.Replace(live("pacemaker-3.9", "", `<rsc_order id="hactl-order-1"/>`, all), "<resources></resources>", `<x id="hactl-stopping-b"/>`, 1))
	f.Add(`<cib><configuration><crm_config>` + all + `</crm_config><resources><primitive id="b"><meta_attributes id="hactl-stopping-b"/><primitive id="b"/></primitive><master id="W"><bundle id="W"><primitive id="Old"/></bundle></master></resources></configuration></cib>`)
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := parse(s); err != nil {
			return
		}
		have := observed(want, s)
		have.Monitor = runsAs("b@n1", "Old@n2", "W!@n1")
		ss, err := New("default").Plan(want, have)
		if err != nil {
			return
		}
		for _, p := range patches(ss) {
			doc, err := parse(string(have.CIB))
			if err != nil {
				t.Fatal(err)
			}
			after, err := applyAll(doc, p.Edits)
			if err != nil {
				if strings.Contains(err.Error(), "no epoch") {
					return
				}
				t.Fatal(err)
			}
			text, _ := after.WriteToString()
			have.CIB = XML(text)
		}
	})
}

// Two owners on one cluster: neither sees what the other's --prune could delete, and neither takes the other's record of the cluster.
func TestTwoOwners(t *testing.T) {
	text := func(resource string) string {
		return head + "kind: Resource\nmetadata: {name: " + resource + "}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n"
	}
	of := func(owner, text string) State {
		s, err := New(owner).Pruning().Desired(load(t, text), secretValues("hush"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	cib := live("pacemaker-3.9", "", "", "")
	options := strings.Replace(text("A"), "\n---", "\n  properties: {stonith-enabled: false}\n---", 1)
	for _, w := range []State{of("one", options), of("two", text("B")), of("one", options), of("two", text("B"))} {
		have := observed(w, cib)
		if ss := steps(t, w, have); len(ss) > 0 {
			for _, c := range ss[0].Changes {
				if c.Risk == reconcile.AdoptRisk || c.Action == reconcile.Delete {
					t.Errorf("%s: %+v", w.Owner, c)
				}
			}
			cib = patched(t, patches(ss)[0], have)
		}
	}
	for _, w := range []State{of("one", options), of("two", text("B"))} {
		if ss := steps(t, w, observed(w, cib)); len(ss) > 0 {
			t.Errorf("%s has still something to do: %+v", w.Owner, ss[0].Changes)
		}
	}
	w := of("two", text("C"))
	have := observed(w, cib)
	have.Monitor = runsAs()
	edits, changes := twoParts(steps(t, w, have))
	if strings.Contains(edits, "#A") || !strings.Contains(changes, "delete Resource/B") {
		t.Errorf("%s\n%s", edits, changes)
	}
}

// Deleting half of ten thousand takes no longer than planning them.
func TestPruneOfMany(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: deletions in a large cluster, because -short was given")
	}
	m := large(10000)
	all := wantedOf(t, m)
	have := observed(all, liveOf(renderedCIB(t, all)))
	have.Monitor = runsAs()
	begun := time.Now()
	steps(t, all, have)
	plain := time.Since(begun)
	var fewer v1.Manifests
	fewer.Add(m.Cluster)
	for _, g := range m.Groups[:len(m.Groups)/2] {
		g.Spec.Resources = g.Spec.Resources[:5]
		fewer.Add(g)
	}
	want := wantedOf(t, &fewer)
	want.Prune = true
	begun = time.Now()
	ss := steps(t, want, have)
	took := time.Since(begun)
	t.Logf("planned in %s without deletions, in %s with %d changes for them", plain, took, len(ss[0].Changes)+len(ss[1].Changes))
	if took > 20*plain+5*time.Second {
		t.Errorf("deletions took %s", took)
	}
}

// liveOf makes a rendered CIB one that has been read.
func liveOf(cib string) string {
	return strings.Replace(cib, "<cib ", `<cib have-quorum="1" dc-uuid="1" `, 1)
}

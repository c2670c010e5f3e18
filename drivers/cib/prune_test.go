package cib

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

// pruned is what is wanted with --prune.
func pruned(t testing.TB, text string) State {
	t.Helper()
	s, err := New("default").Pruning().Desired(load(t, text), secretValues("hush"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runsAs is a status in which resources run as "ID@NODE", an id with ! being unmanaged.
func runsAs(what ...string) string {
	var b strings.Builder
	b.WriteString(`<pacemaker-result><nodes><node name="n1" online="true"/><node name="n2" online="true"/></nodes><resources>`)
	for _, w := range what {
		id, node, _ := strings.Cut(w, "@")
		managed := !strings.HasSuffix(id, "!")
		fmt.Fprintf(&b, `<resource id="%s" role="Started" managed="%t"><node name="%s"/></resource>`, strings.TrimSuffix(id, "!"), managed, node)
	}
	return b.String() + `</resources></pacemaker-result>`
}

func records(rs ...string) string {
	var b strings.Builder
	for _, r := range rs {
		name, fields, _ := strings.Cut(r, " ")
		owner := "owner=default "
		if strings.HasPrefix(fields, "owner=") {
			owner = ""
		}
		fmt.Fprintf(&b, `<nvpair id="hactl-%s" name="hactl-%s" value="%s%s"/>`, name, name, owner, fields)
	}
	return `<cluster_property_set id="hactl">` + b.String() + `</cluster_property_set>`
}

func prim(id string) string {
	return `<primitive id="` + id + `" class="ocf" provider="pacemaker" type="Dummy"/>`
}

// parts writes a plan in two parts: the edits of each change of the CIB without the inventory's, and the changes that are told.
func twoParts(ss []reconcile.Step) (edits, changes string) {
	var es, cs []string
	for _, s := range ss {
		es, cs = append(es, "-- "+s.ID), append(cs, "-- "+s.ID)
		for _, op := range s.Ops {
			p, ok := op.(Patch)
			if !ok {
				name, _, _ := strings.Cut(op.String(), ", at most")
				es = append(es, name)
				continue
			}
			for _, e := range p.Edits {
				if x := e.String(); !strings.Contains(x, "nvpair#hactl-") && !strings.Contains(x, `<nvpair id="hactl-`) || strings.Contains(x, "hactl-stop-") {
					es = append(es, strings.Join(strings.Fields(x), " "))
				}
			}
		}
		for _, c := range s.Changes {
			if c.Action != reconcile.Adopt {
				cs = append(cs, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", c.Action, c.Object, c.Path, c.Risk)), " "))
			}
		}
	}
	return strings.Join(es, "\n"), strings.Join(cs, "\n")
}

const keepB = "kind: Resource\nmetadata: {name: B}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n"

func stopping(id string) string {
	return fmt.Sprintf(`create in primitive#%s: <meta_attributes id="hactl-stopping-%s" score="INFINITY"><nvpair id="hactl-stop-%s" name="target-role" value="Stopped"/></meta_attributes>`, id, id, id)
}

// Each object that the inventory lists and no manifest tells goes, what runs in two changes.
func TestPrune(t *testing.T) {
	for _, c := range []struct {
		name, want, live, runs string
		edits, changes         string
	}{
		{"a resource before another", keepB,
			live("pacemaker-3.9", prim("A")+prim("B"), `<rsc_order id="o" first="A" then="B"/><rsc_location id="l" rsc="A" node="n1" score="1"/>`,
				records("Resource.A .=agent", "Resource.B .=agent", "Constraint.o order=,first,then", "Constraint.l location=,node,resource,score")), "A@n1 B@n1",
			"-- cib n1 change\ndelete rsc_order#o\n" + stopping("A") + "\n" +
				"-- cib n1 removal\nwait until the status shows A inactive on every node\ndelete rsc_location#l\ndelete primitive#A",
			"-- cib n1 change\nstop Resource/A safe\ndelete Constraint/o safe\n-- cib n1 removal\ndelete Constraint/l safe\ndelete Resource/A outage"},
		{"an operator's target-role stays, and is no reason to wait", keepB,
			live("pacemaker-3.9", `<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="t" name="target-role" value="Stopped"/></meta_attributes></primitive>`+prim("B"), "",
				records("Resource.A .=agent", "Resource.B .=agent")), "B@n1",
			"-- cib n1 change\ndelete primitive#A", "-- cib n1 change\ndelete Resource/A safe"},
		{"a member of a group", "kind: ResourceGroup\nmetadata: {name: G}\nspec: {resources: [{name: a, agent: \"ocf:pacemaker:Dummy\"}, {name: d, agent: \"ocf:pacemaker:Dummy\"}]}\n",
			live("pacemaker-3.9", `<group id="G">`+prim("a")+prim("b")+prim("c")+prim("d")+`</group>`, "",
				records("ResourceGroup.G", "Resource.a .=agent", "Resource.b .=agent", "Resource.c .=agent", "Resource.d .=agent")), "a@n1 b@n1 c@n1 d@n1",
			"-- cib n1 change\nmove primitive#b to resources after G\nmove primitive#c to resources after b\n" + stopping("b") + "\n" + stopping("c") +
				"\ncreate in constraints: <rsc_order first=\"b\" then=\"c\" id=\"hactl-order-1\"/>\n" +
				"-- cib n1 removal\nwait until the status shows b, c inactive on every node\ndelete primitive#b\ndelete primitive#c\ndelete rsc_order#hactl-order-1",
			"-- cib n1 change\nstop Resource/b safe\nstop Resource/c safe\n-- cib n1 removal\ndelete Resource/b outage\ndelete Resource/c outage"},
		{"a whole group in a clone", keepB,
			live("pacemaker-3.9", `<clone id="GC"><group id="G">`+prim("a")+prim("b")+`</group></clone>`+prim("B"), "",
				records("ResourceGroup.G clone=", "Resource.a .=agent", "Resource.b .=agent", "Resource.B .=agent")), "a@n1 b@n1 B@n1",
			"-- cib n1 change\n" + stopping("a") + "\n" + stopping("b") + "\n-- cib n1 removal\nwait until the status shows a, b inactive on every node\n" +
				"delete primitive#a\ndelete primitive#b\ndelete clone#GC",
			"-- cib n1 change\nstop Resource/a safe\nstop Resource/b safe\n-- cib n1 removal\ndelete Resource/a outage\ndelete Resource/b outage\ndelete ResourceGroup/G safe"},
		{"the last members of nobody's group", keepB,
			live("pacemaker-3.9", `<group id="G">`+prim("a")+`</group>`+prim("B"), "", records("Resource.a .=agent", "Resource.B .=agent")), "a@n1",
			"-- cib n1 change\n" + stopping("a") + "\n-- cib n1 removal\nwait until the status shows a inactive on every node\ndelete primitive#a\ndelete group#G",
			"-- cib n1 change\nstop Resource/a safe\n-- cib n1 removal\ndelete Resource/a outage\ndelete ResourceGroup/G safe"},
		{"a clone, and a ban of it", keepB,
			live("pacemaker-3.9", `<clone id="AC">`+prim("A")+`</clone>`+prim("B"), `<rsc_location id="cli-ban-AC-on-n1" rsc="AC" node="n1" score="-INFINITY"/>`,
				records("Resource.A .=agent clone=", "Resource.B .=agent")), "A@n1 A@n2 B@n1",
			"-- cib n1 change\n" + stopping("A") + "\n-- cib n1 removal\nwait until the status shows A inactive on every node\ndelete clone#AC\ndelete rsc_location#cli-ban-AC-on-n1",
			"-- cib n1 change\nstop Resource/A safe\n-- cib n1 removal\ndelete Resource/A outage\ndelete rsc_location/cli-ban-AC-on-n1 safe"},
		{"a bundle", keepB,
			live("pacemaker-3.9", `<bundle id="W"><docker image="i"/><network control-port="1"/>`+prim("w")+`</bundle>`+prim("B"), "",
				records("Bundle.W docker=,image", "Resource.B .=agent")), "B@n1",
			"-- cib n1 change\n" + strings.Replace(stopping("W"), "primitive#", "bundle#", 1) + "\n-- cib n1 removal\nwait until the status shows W inactive on every node\ndelete bundle#W",
			"-- cib n1 change\nstop Bundle/W safe\n-- cib n1 removal\ndelete Bundle/W safe"},
		{"what a template's last user leaves", keepB,
			live("pacemaker-3.9", `<template id="T" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="A" template="T"/>`+prim("B"), "",
				records("ResourceTemplate.T .=agent", "Resource.A .=template", "Resource.B .=agent")), "A@n1",
			"-- cib n1 change\n" + stopping("A") + "\n-- cib n1 removal\nwait until the status shows A inactive on every node\ndelete primitive#A\ndelete template#T",
			"-- cib n1 change\nstop Resource/A safe\n-- cib n1 removal\ndelete Resource/A outage\ndelete ResourceTemplate/T safe"},
		{"a fence device without which nothing fences n1", "kind: FenceDevice\nmetadata: {name: f2}\nspec: {agent: fence_x, targets: [n2]}\n",
			live("pacemaker-3.9", fence("f1", "n1")+fence("f2", "n2"), `<rsc_location id="f1-avoids-n1" rsc="f1" node="n1" score="-INFINITY"/>`,
				records("FenceDevice.f1 .=agent avoidTargets[n1]=,node,resource,score params=pcmk_host_list", "FenceDevice.f2 .=agent params=pcmk_host_list")), "f1@n2 f2@n1",
			"-- cib n1 change\n" + stopping("f1") + "\n-- cib n1 removal\nwait until the status shows f1 inactive on every node\ndelete primitive#f1\ndelete rsc_location#f1-avoids-n1",
			"-- cib n1 change\nstop FenceDevice/f1 safe\n-- cib n1 removal\ndelete FenceDevice/f1 fence"},
		{"one of two fence devices", "kind: FenceDevice\nmetadata: {name: f2}\nspec: {agent: fence_x, targets: [n1, n2]}\n",
			live("pacemaker-3.9", fence("f1", "n1")+fence("f2", "n1,n2"), "", records("FenceDevice.f1 .=agent params=pcmk_host_list", "FenceDevice.f2 .=agent params=pcmk_host_list")), "f2@n1",
			"-- cib n1 change\n" + stopping("f1") + "\n-- cib n1 removal\nwait until the status shows f1 inactive on every node\ndelete primitive#f1",
			"-- cib n1 change\nstop FenceDevice/f1 safe\n-- cib n1 removal\ndelete FenceDevice/f1 safe"},
		{"what nothing runs", keepB,
			strings.Replace(live("pacemaker-3.9", prim("B"), `<rsc_location id="l" rsc="B" node="n1" score="1"/>`,
				records("Resource.B .=agent", "Constraint.l location=,node,resource,score", "Tag.t objects=", "Alert.a .=path", "ACLRole.r permissions=", "ACLUser.u roles=", "FencingTopology.F levels[n1/1]=,devices", "Node.n2 attributes=rack")),
				"</configuration>", `<fencing-topology><fencing-level id="fl" target="n1" index="1" devices="B"/><fencing-level id="fl2" target="n2" index="1" devices="B"/></fencing-topology><acls><acl_target id="u"><role id="r"/></acl_target><acl_role id="r"><acl_permission id="p" kind="read" xpath="/cib"/></acl_role></acls><tags><tag id="t"><obj_ref id="B"/></tag></tags><alerts><alert id="a" path="/a"/></alerts></configuration>`, 1),
			"B@n1",
			"-- cib n1 change\ndelete acl_role#r\ndelete acl_target#u\ndelete alert#a\ndelete rsc_location#l\ndelete fencing-level#fl\ndelete tag#t",
			"-- cib n1 change\ndelete ACLRole/r safe\ndelete ACLUser/u safe\ndelete Alert/a safe\ndelete Constraint/l safe\ndelete FencingTopology/F safe\ndelete Tag/t safe\ndelete Node/n2 record safe"},
		{"DRBD and the file system on it, with what a group that stays had of them",
			"kind: ResourceGroup\nmetadata: {name: G}\nspec: {resources: [{name: vip, agent: \"ocf:pacemaker:Dummy\"}]}\n",
			live("pacemaker-3.9", prim("drbd")+`<group id="G">`+prim("fs")+prim("vip")+`</group>`, `<rsc_order id="o" first="drbd" then="G" kind="Mandatory"/>`,
				records("ResourceGroup.G", "Resource.drbd .=agent", "Resource.fs .=agent", "Resource.vip .=agent", "Constraint.o order=,first,then,kind")), "drbd@n1 fs@n1 vip@n1",
			"-- cib n1 change\nmove primitive#fs to resources after G\ndelete rsc_order#o\n" + stopping("drbd") + "\n" + stopping("fs") +
				"\ncreate in constraints: <rsc_order id=\"hactl-order-1\" first=\"drbd\" then=\"fs\" kind=\"Mandatory\"/>\n" +
				"-- cib n1 removal\nwait until the status shows drbd, fs inactive on every node\ndelete primitive#drbd\ndelete primitive#fs\ndelete rsc_order#hactl-order-1",
			"-- cib n1 change\nstop Resource/drbd safe\nstop Resource/fs safe\ndelete Constraint/o safe\n-- cib n1 removal\ndelete Resource/drbd outage\ndelete Resource/fs outage"},
		{"the same in a set", keepB,
			live("pacemaker-3.9", prim("drbd")+prim("fs")+prim("B"), `<rsc_order id="o"><resource_set id="s"><resource_ref id="drbd"/><resource_ref id="fs"/><resource_ref id="B"/></resource_set></rsc_order>`,
				records("Resource.drbd .=agent", "Resource.fs .=agent", "Resource.B .=agent", "Constraint.o order=,sets")), "drbd@n1 fs@n1 B@n1",
			"-- cib n1 change\ndelete rsc_order#o\n" + stopping("drbd") + "\n" + stopping("fs") +
				"\ncreate in constraints: <rsc_order id=\"hactl-order-1\"><resource_set id=\"hactl-order-1-set-1\"><resource_ref id=\"drbd\"/><resource_ref id=\"fs\"/></resource_set></rsc_order>\n" +
				"-- cib n1 removal\nwait until the status shows drbd, fs inactive on every node\ndelete primitive#drbd\ndelete primitive#fs\ndelete rsc_order#hactl-order-1",
			"-- cib n1 change\nstop Resource/drbd safe\nstop Resource/fs safe\ndelete Constraint/o safe\n-- cib n1 removal\ndelete Resource/drbd outage\ndelete Resource/fs outage"},
		{"what another owner made, and what nobody recorded, stays", keepB,
			live("pacemaker-3.9", prim("A")+prim("B")+prim("C"), "", records("Resource.A owner=other .=agent", "Resource.B .=agent")), "A@n1 B@n1 C@n1", "", ""},
		{"unmanaged and allowed: Pacemaker stops it as an orphan", keepB,
			live("pacemaker-3.9", prim("A")+prim("B"), "", records("Resource.A .=agent", "Resource.B .=agent")), "A!@n1 B@n1",
			"-- cib n1 change\ndelete primitive#A\nwait until the status shows A inactive on every node", "-- cib n1 change\ndelete Resource/A outage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := pruned(t, head+c.want)
			have := observed(want, c.live)
			have.Monitor = runsAs(strings.Fields(c.runs)...)
			ss := steps(t, want, have)
			edits, changes := twoParts(ss)
			if edits != c.edits {
				t.Errorf("edits:\n%s", cmp.Diff(strings.Split(c.edits, "\n"), strings.Split(edits, "\n")))
			}
			if changes != c.changes {
				t.Errorf("changes:\n%s", cmp.Diff(strings.Split(c.changes, "\n"), strings.Split(changes, "\n")))
			}
			converges(t, want, have)
		})
	}
}

func fence(id, nodes string) string {
	return `<primitive id="` + id + `" class="stonith" type="fence_x"><instance_attributes id="` + id + `-i"><nvpair id="` + id + `-n" name="pcmk_host_list" value="` + nodes + `"/></instance_attributes></primitive>`
}

// converges carries the changes of the CIB out one after the other, each on what the one before made, plans again after each as if the run had
// been killed there, and fails unless all ways end in the same configuration with nothing left to do.
func converges(t testing.TB, want, have State) string {
	t.Helper()
	var end string
	crashes := func(ps []Patch) {
		for n := range len(ps) + 1 {
			at := have
			for _, p := range ps[:n] {
				at.CIB = XML(patched(t, p, at))
			}
			for rounds := 0; ; rounds++ {
				rest := patches(steps(t, want, at))
				if len(rest) == 0 {
					break
				}
				if rounds > 2 {
					t.Fatalf("after %d changes it does not come to an end: %v", n, rest)
				}
				for _, p := range rest {
					at.CIB = XML(patched(t, p, at))
				}
			}
			doc, err := parse(string(at.CIB))
			if err != nil {
				t.Fatal(err)
			}
			d := digest(doc.Root().SelectElement("configuration"), nil)
			if end == "" {
				end = d
				have := string(at.CIB)
				for _, left := range []string{"hactl-stop", "hactl-order"} {
					if strings.Contains(have, left) {
						t.Errorf("%s is left:\n%s", left, have)
					}
				}
				if !strings.Contains(have, `"stonith"`) { // without a device, fencing must be off for crm_verify
					have = strings.Replace(have, `<nvpair id="p"`, `<nvpair id="no-fencing" name="stonith-enabled" value="false"/><nvpair id="p"`, 1)
				}
				verifyOffline(t, have)
			}
			if d != end {
				t.Errorf("after a crash behind %d changes, the configuration is another:\n%s", n, string(at.CIB))
			}
		}
	}
	ps := patches(steps(t, want, have))
	if len(ps) > 2 {
		t.Errorf("%d changes of the CIB", len(ps))
	}
	crashes(ps)
	return end
}

func patches(ss []reconcile.Step) (ps []Patch) {
	for _, s := range ss {
		for _, op := range s.Ops {
			if p, ok := op.(Patch); ok {
				ps = append(ps, p)
			}
		}
	}
	return ps
}

func patched(t testing.TB, p Patch, have State) string {
	t.Helper()
	doc, err := parse(string(have.CIB))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.check(doc); err != nil {
		t.Fatal(err)
	}
	out, err := applyAll(doc, p.Edits)
	if err != nil {
		t.Fatal(err)
	}
	s, err := out.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What --prune must not do is refused, with what to do.
func TestPruneRefuses(t *testing.T) {
	for _, c := range []struct{ name, want, live, runs, err string }{
		{"a protected object", keepB, live("pacemaker-3.9", prim("A")+prim("B"), "", records("Resource.A protect=true .=agent", "Resource.B .=agent")), "", "Resource/A: protected by metadata.protect"},
		{"all from an empty set", "kind: Cluster\nmetadata: {name: other}\nspec: {nodes: [{name: x, addresses: [10.0.0.1]}]}\n", live("pacemaker-3.9", prim("A"), "", records("Resource.A .=agent")), "", "would delete all 1 objects"},
		{"what a foreign constraint names", keepB, live("pacemaker-3.9", prim("A")+prim("B"), `<rsc_colocation id="c" rsc="B" with-rsc="A" score="1"/>`, records("Resource.A .=agent", "Resource.B .=agent")), "",
			"Resource/A: cannot be deleted: rsc_colocation c, which is in no manifest"},
		{"what another owner's tag names", keepB, strings.Replace(live("pacemaker-3.9", prim("A")+prim("B"), "", records("Resource.A .=agent", "Resource.B .=agent", "Tag.t owner=other objects=")),
			"</configuration>", `<tags><tag id="t"><obj_ref id="A"/></tag></tags></configuration>`, 1), "", `Tag/t of the owner "other" still names A`},
		{"what an ACL names", keepB, strings.Replace(live("pacemaker-3.9", prim("A")+prim("B"), "", records("Resource.A .=agent", "Resource.B .=agent")),
			"</configuration>", `<acls><acl_role id="r"><acl_permission id="p" kind="read" reference="A"/></acl_role></acls></configuration>`, 1), "", `acl_role r, which is in no manifest`},
		{"a level's device", keepB, strings.Replace(live("pacemaker-3.9", fence("f", "n1")+prim("B"), "", records("FenceDevice.f .=agent", "Resource.B .=agent")),
			"</configuration>", `<fencing-topology><fencing-level id="l" target="n1" index="1" devices="g,f"/></fencing-topology></configuration>`, 1), "", `the fencing level n1/1`},
		{"a template in use", keepB, live("pacemaker-3.9", `<template id="T" class="ocf" provider="pacemaker" type="Dummy"/><primitive id="A" template="T"/>`+prim("B"), "", records("ResourceTemplate.T .=agent", "Resource.B .=agent")), "",
			"ResourceTemplate/T: cannot be deleted: primitive A"},
		{"a group with a foreign member", keepB, live("pacemaker-3.9", `<group id="G">`+prim("a")+prim("x")+`</group>`+prim("B"), "", records("ResourceGroup.G", "Resource.a .=agent", "Resource.B .=agent")), "",
			"ResourceGroup/G: cannot be deleted: its member x"},
		{"the last member of another owner's group", keepB, live("pacemaker-3.9", `<group id="G">`+prim("a")+`</group>`+prim("B"), "", records("ResourceGroup.G owner=other", "Resource.a .=agent", "Resource.B .=agent")), "",
			"it is the last member of ResourceGroup/G, which is other's"},
		{"a protected object under a new name", "kind: Resource\nmetadata: {name: B, renamedFrom: A}\nspec: {agent: \"ocf:pacemaker:Dummy\"}\n", live("pacemaker-3.9", prim("A"), "", records("Resource.A protect=true .=agent")), "", "Resource/A: protected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := head + c.want
			if strings.Contains(c.want, "kind: Cluster") {
				text = strings.TrimSuffix(head, "---\napiVersion: hactl/v1\n")
			}
			want := pruned(t, text)
			have := observed(want, c.live)
			have.Monitor = runsAs(strings.Fields(c.runs)...)
			_, err := New("default").Pruning().Plan(want, have)
			if err == nil || !strings.Contains(err.Error(), c.err) || !strings.HasPrefix(err.Error(), "m.yaml:") {
				t.Errorf("%v, want %q", err, c.err)
			}
		})
	}
}

// Pacemaker stops nothing that it does not manage; only an --allow with the name of the object opens that gate.
func TestPruneUnmanaged(t *testing.T) {
	for name, c := range map[string]struct{ resource, monitor string }{
		"the status says so":        {prim("A"), runsAs("A!@n1")},
		"the configuration says so": {`<primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="u" name="is-managed" value="no"/></meta_attributes></primitive>`, ""},
	} {
		want := pruned(t, head+keepB)
		have := observed(want, live("pacemaker-3.9", c.resource+prim("B"), "", records("Resource.A .=agent", "Resource.B .=agent")))
		have.Monitor = c.monitor
		ss := steps(t, want, have)
		plan := reconcile.Plan{}
		for _, s := range ss {
			plan.Steps = append(plan.Steps, reconcile.PlannedStep{Step: s})
		}
		gates := plan.Gates()
		if len(gates) != 1 || !gates[0].ByName || gates[0].Object != "Resource/A" || !strings.Contains(gates[0].Why, "unmanaged") {
			t.Errorf("%s: gates %+v", name, gates)
		}
	}
}

// After a crash between the two changes, the next run finishes them, with or without --prune, or takes hactl's stop back where the object is
// wanted again. What an operator said of it stays.
func TestPruneAfterCrash(t *testing.T) {
	both := keepB + "---\napiVersion: hactl/v1\n" + strings.ReplaceAll(keepB, "name: B", "name: A")
	operators := `<meta_attributes id="m"><nvpair id="t" name="target-role" value="Started"/></meta_attributes>`
	cib := live("pacemaker-3.9", strings.Replace(prim("A"), "/>", ">"+operators+"</primitive>", 1)+prim("B"), `<rsc_location id="l" rsc="A" node="n1" score="1"/>`,
		records("Resource.A .=agent", "Resource.B .=agent", "Constraint.l location=,node,resource,score"))
	want := pruned(t, head+keepB)
	have := observed(want, cib)
	have.Monitor = runsAs("A@n1", "B@n1")
	have.CIB = XML(patched(t, patches(steps(t, want, have))[0], have))
	if !strings.Contains(string(have.CIB), operators) {
		t.Errorf("the operator's target-role was touched: %s", have.CIB)
	}

	t.Run("finished without --prune", func(t *testing.T) {
		ss := steps(t, desired(t, head+keepB), have)
		edits, _ := twoParts(ss)
		if w := "-- cib n1 removal\nwait until the status shows A inactive on every node\ndelete primitive#A\ndelete rsc_location#l"; edits != w {
			t.Error(cmp.Diff(w, edits))
		}
	})
	t.Run("finished at once when it is inactive by now", func(t *testing.T) {
		have := have
		have.Monitor = runsAs("B@n1")
		edits, changes := twoParts(steps(t, desired(t, head+keepB), have))
		if w := "-- cib n1 change\ndelete primitive#A\ndelete rsc_location#l"; edits != w || strings.Contains(changes, "outage") {
			t.Error(cmp.Diff(w, edits), changes)
		}
	})
	t.Run("taken back", func(t *testing.T) {
		want := desired(t, head+both)
		edits, changes := twoParts(steps(t, want, have))
		if w := "-- cib n1 change\ndelete meta_attributes#hactl-stopping-A\nwait until the status shows what Pacemaker means to do with A"; edits != w {
			t.Error(cmp.Diff(w, edits))
		}
		if !strings.Contains(changes, "start Resource/A target-role safe") {
			t.Error(changes)
		}
		after := patched(t, patches(steps(t, want, have))[0], have)
		if !strings.Contains(after, operators) || strings.Contains(after, "hactl-stop") {
			t.Error(after)
		}
		if again := steps(t, want, observed(want, after)); len(again) > 0 {
			t.Error(again)
		}
	})
	t.Run("another owner's is told only", func(t *testing.T) {
		other, err := New("other").Pruning().Desired(load(t, head+strings.ReplaceAll(keepB, "name: B", "name: C")), secretValues(""))
		if err != nil {
			t.Fatal(err)
		}
		have := have
		ss, err := New("other").Plan(other, have)
		if err != nil {
			t.Fatal(err)
		}
		if edits, _ := twoParts(ss); strings.Contains(edits, "#A") || strings.Contains(edits, "hactl-stopping-A") {
			t.Error(edits)
		}
		if !slices.ContainsFunc(New("other").Notes(other, have), func(n reconcile.Note) bool { return strings.Contains(n.Text, "was told to stop by a run of hactl") }) {
			t.Error("nothing is said of it")
		}
	})
}

// Protection is recorded, so that it holds after the object left the manifests; the members of a protected group have it too.
func TestProtectIsRecorded(t *testing.T) {
	text := head + "kind: ResourceGroup\nmetadata: {name: G, protect: true}\nspec: {resources: [{name: a, agent: \"ocf:pacemaker:Dummy\"}]}\n"
	want := desired(t, text)
	have := observed(want, live("pacemaker-3.9", "", "", ""))
	cib := carriedOut(t, have, steps(t, want, have))
	for _, r := range []string{`value="owner=default protect=true"`, `value="owner=default protect=true .=agent"`} {
		if !strings.Contains(cib, r) {
			t.Errorf("no %s in %s", r, cib)
		}
	}
	less := desired(t, strings.Replace(text, ", protect: true", "", 1))
	if after := carriedOut(t, observed(less, cib), steps(t, less, observed(less, cib))); strings.Contains(after, "protect") {
		t.Errorf("the protection that the manifest took off is still there: %s", after)
	}
}

// A node's attributes go with the last one that the manifest tells, those of a node that left the manifests with --prune.
func TestPruneNodeAttributes(t *testing.T) {
	cib := strings.Replace(live("pacemaker-3.9", prim("B"), "", records("Resource.B .=agent", "Node.n2 attributes=rack", "Node.n9 attributes=rack")),
		`<node id="2" uname="n2"/>`, `<node id="2" uname="n2"><instance_attributes id="i"><nvpair id="r" name="rack" value="a"/><nvpair id="s" name="standby" value="on"/></instance_attributes></node>`+
			`<node id="9" uname="n9"><instance_attributes id="j"><nvpair id="q" name="rack" value="a"/></instance_attributes></node>`, 1)
	want := desired(t, head+keepB)
	edits, _ := twoParts(steps(t, want, observed(want, cib)))
	if w := "-- cib n1 change\ndelete nvpair#r"; edits != w {
		t.Error(cmp.Diff(w, edits))
	}
	want = pruned(t, head+keepB)
	edits, _ = twoParts(steps(t, want, observed(want, cib)))
	if w := "-- cib n1 change\ndelete nvpair#r\ndelete nvpair#q"; edits != w {
		t.Error(cmp.Diff(w, edits))
	}
	converges(t, want, observed(want, cib))
}

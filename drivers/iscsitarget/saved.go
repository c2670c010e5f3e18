package iscsitarget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// object is one of rtslib's saveconfig.json. What hactl does not know of it is kept.
type object = map[string]any

// saved is rtslib's file in memory, and what of it was changed, in words.
type saved struct {
	top     object
	changes []string
}

func (p *planner) load() (*saved, error) {
	s := &saved{top: object{"fabric_modules": []any{}, "storage_objects": []any{}, "targets": []any{}}}
	if p.m.Saved == nil || strings.TrimSpace(p.m.Saved.Reveal()) == "" {
		return s, nil
	}
	d := json.NewDecoder(bytes.NewReader(p.m.Saved.Bytes()))
	d.UseNumber()
	if err := d.Decode(&s.top); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *saved) write(path string) reconcile.Write {
	b, _ := json.MarshalIndent(s.top, "", "  ") // sorted, as rtslib writes it
	return reconcile.Write{Path: path, File: reconcile.File{Content: reconcile.Secret(string(b) + "\n"), Mode: 0o600}}
}

// save plans what is restored at boot, once for all targets of the machine. Only what is hactl's is changed in it.
func (p *planner) save() {
	if len(p.kept) == 0 {
		return
	}
	t := p.kept[0].t
	step := reconcile.Step{ID: p.id("", "saved"), Host: p.host, Needs: []reconcile.Ref{system.Machine(p.host)}}
	add := func(c reconcile.Change) {
		c.Object, c.Action, c.Source = savedRef(p.host), reconcile.Update, t.source("")
		step.Changes = append(step.Changes, c)
	}
	if p.m.Saved == nil || p.m.Saved.Comparable() {
		s, err := p.load()
		if err != nil {
			step.Pending = fmt.Sprintf("%s: %s cannot be read, so nothing is put into it: %v; mend it, or move it away and run `targetctl save`", p.host, p.m.SavedPath, err)
			add(reconcile.Change{Path: p.m.SavedPath})
			p.steps = append(p.steps, step)
			return
		}
		for _, r := range p.gone {
			s.remove(r)
		}
		n := len(s.changes)
		for _, k := range p.kept {
			s.merge(k, p.m)
		}
		if len(s.changes) > n {
			add(reconcile.Change{Path: "restored at boot", Want: strings.Join(s.changes[n:], ", ")})
			step.Ops = append(step.Ops, s.write(p.m.SavedPath))
		}
	}
	if p.m.Boot != "enabled" {
		add(reconcile.Change{Path: p.m.Unit, Have: p.m.Boot, Want: "enabled"})
		step.Ops = append(step.Ops, reconcile.Command{Argv: []string{"systemctl", "enable", p.m.Unit}})
	}
	if len(step.Ops) == 0 {
		return
	}
	for _, k := range p.kept {
		step.Changes = append(step.Changes, reconcile.Change{Object: Ref(k.t.Name), Action: reconcile.Update, Path: "saved", Want: "survives a reboot", Source: k.t.source("")})
	}
	p.steps = append(p.steps, step)
}

// saved takes pruned targets out; nil if they are not in.
func (p *planner) saved(gone []Record) *reconcile.Write {
	s, err := p.load()
	if err != nil || p.m.Saved != nil && !p.m.Saved.Comparable() {
		return nil
	}
	for _, r := range gone {
		s.remove(r)
	}
	if len(s.changes) == 0 {
		return nil
	}
	w := s.write(p.m.SavedPath)
	return &w
}

func (s *saved) list(of object, name string) []object {
	items, _ := of[name].([]any)
	var out []object
	for _, i := range items {
		if o, ok := i.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// find gives the item for which is holds, or makes one.
func (s *saved) find(of object, name, what string, is func(object) bool, fresh object) object {
	for _, o := range s.list(of, name) {
		if is(o) {
			return o
		}
	}
	items, _ := of[name].([]any)
	of[name] = append(items, fresh)
	s.note(what)
	return fresh
}

// drop removes the items for which is holds.
func (s *saved) drop(of object, name, what string, is func(object) bool) {
	items, _ := of[name].([]any)
	left := slices.DeleteFunc(slices.Clone(items), func(i any) bool { o, ok := i.(object); return ok && is(o) })
	if len(left) < len(items) {
		of[name] = left
		s.note(what)
	}
}

func (s *saved) note(what string) {
	if !slices.Contains(s.changes, what) {
		s.changes = append(s.changes, what)
	}
}

// set compares as text: rtslib writes 1, "1" and true.
func (s *saved) set(o object, name, what string, v any) {
	if have, ok := o[name]; ok && fmt.Sprint(have) == fmt.Sprint(v) {
		return
	}
	o[name] = v
	s.note(what)
}

// settings sets attributes or parameters; what is a number there is a number.
func (s *saved) settings(of object, name, what string, want map[string]string, numbers bool) {
	if len(want) == 0 {
		return
	}
	in, ok := of[name].(object)
	if !ok {
		in = object{}
		of[name] = in
	}
	for _, n := range slices.Sorted(maps.Keys(want)) {
		var v any = want[n]
		if _, err := strconv.Atoi(want[n]); err == nil && numbers {
			v = json.Number(want[n])
		}
		s.set(in, n, what, v)
	}
}

func text(o object, name string) string { v, _ := o[name].(string); return v }

func number(o object, name string) int {
	n, err := strconv.Atoi(fmt.Sprint(o[name]))
	if err != nil {
		return -1
	}
	return n
}

func backstore(id string) func(object) bool {
	return func(o object) bool { return text(o, "plugin")+"/"+text(o, "name") == id }
}

func target(iqn string) func(object) bool {
	return func(o object) bool { return text(o, "fabric") == "iscsi" && text(o, "wwn") == iqn }
}

func index(name string, n int) func(object) bool {
	return func(o object) bool { return number(o, name) == n }
}

// remove takes a target out of the file, and its backstores that no other has.
func (s *saved) remove(r Record) {
	s.drop(s.top, "targets", r.IQN, target(r.IQN))
	for _, id := range r.Backstores {
		if !s.uses(id) {
			s.drop(s.top, "storage_objects", id, backstore(id))
		}
	}
}

// uses tells that a LUN leads to a backstore.
func (s *saved) uses(id string) bool {
	for _, t := range s.list(s.top, "targets") {
		for _, g := range s.list(t, "tpgs") {
			if slices.ContainsFunc(s.list(g, "luns"), func(l object) bool { return text(l, "storage_object") == "/backstores/"+id }) {
				return true
			}
		}
	}
	return false
}

// merge puts a target into the file as it is wanted, and takes out what was recorded and is not wanted any more.
func (s *saved) merge(k kept, m *Machine) {
	t := k.t
	for i := range t.Backstores {
		if b := &t.Backstores[i]; !k.later[b.Name] {
			s.backstore(b, t.IQN, m)
		}
	}
	x := s.find(s.top, "targets", t.IQN, target(t.IQN), object{"fabric": "iscsi", "wwn": t.IQN, "tpgs": []any{}})
	g := s.find(x, "tpgs", t.IQN, index("tag", 1), object{"tag": 1, "luns": []any{}, "node_acls": []any{}, "portals": []any{}})
	s.set(g, "enable", t.IQN, true)
	s.settings(g, "attributes", t.IQN+" attributes", t.attributes(), true)
	s.settings(g, "parameters", t.IQN+" parameters", t.Parameters, false)
	var numbers []int
	for _, l := range t.LUNs {
		numbers = append(numbers, l.Number)
		if !k.later[l.Backstore] {
			what := fmt.Sprintf("%s LUN %d", t.IQN, l.Number)
			o := s.find(g, "luns", what, index("index", l.Number), object{"index": l.Number, "alias": linkName, "alua_tg_pt_gp_name": "default_tg_pt_gp"})
			s.set(o, "storage_object", what, "/backstores/"+t.backstore(l.Backstore).id())
		}
	}
	portals := map[string]bool{}
	for _, p := range t.Portals {
		i := strings.LastIndexByte(p, ':')
		ip, port := strings.Trim(p[:i], "[]"), p[i+1:]
		portals[ip+" "+port] = true
		n, _ := strconv.Atoi(port)
		s.find(g, "portals", t.IQN+" "+p, func(o object) bool { return portal(o) == ip+" "+port }, object{"ip_address": ip, "port": n, "iser": false, "offload": false})
	}
	var initiators []string
	for i := range t.ACLs {
		initiators = append(initiators, t.ACLs[i].Initiator)
		s.acl(g, t, &t.ACLs[i], k)
	}
	if k.old == nil {
		return
	}
	for _, p := range k.old.Portals {
		i := strings.LastIndexByte(p, ':')
		if name := strings.Trim(p[:i], "[]") + " " + p[i+1:]; !portals[name] {
			s.drop(g, "portals", t.IQN+" "+p, func(o object) bool { return portal(o) == name })
		}
	}
	for i := range k.old.ACLs {
		if !slices.Contains(initiators, i) {
			s.drop(g, "node_acls", i, func(o object) bool { return text(o, "node_wwn") == i })
		}
	}
	for _, n := range k.old.LUNs {
		if !slices.Contains(numbers, n) {
			s.drop(g, "luns", fmt.Sprintf("%s LUN %d", t.IQN, n), index("index", n))
		}
	}
	for _, id := range k.old.Backstores {
		_, name, _ := strings.Cut(id, "/")
		if b := t.backstore(name); (b == nil || b.id() != id) && !s.uses(id) {
			s.drop(s.top, "storage_objects", id, backstore(id))
		}
	}
}

func portal(o object) string {
	return strings.Trim(text(o, "ip_address"), "[]") + " " + fmt.Sprint(o["port"])
}

func (s *saved) backstore(b *Backstore, iqn string, m *Machine) {
	serial := Serial(iqn, b.Name)
	if live, ok := m.Backstores[b.id()]; ok && live.Enabled && live.Serial != "" {
		serial = live.Serial
	}
	fresh := object{"name": b.Name, "plugin": b.Plugin}
	if b.Plugin == fileIO {
		fresh["write_back"] = b.WriteBack
	} else {
		fresh["readonly"], fresh["write_back"] = false, false
	}
	what := "backstore " + b.Name
	o := s.find(s.top, "storage_objects", what, backstore(b.id()), fresh)
	s.set(o, "dev", what, b.Path)
	s.set(o, "wwn", what, serial)
	if b.Plugin == fileIO {
		s.set(o, "size", what, json.Number(strconv.FormatInt(b.Size, 10)))
	}
	s.settings(o, "attributes", what, b.Attributes, true)
}

func (s *saved) acl(g object, t *Target, a *ACL, k kept) {
	what := a.Initiator
	o := s.find(g, "node_acls", what, func(o object) bool { return text(o, "node_wwn") == a.Initiator }, object{"node_wwn": a.Initiator, "mapped_luns": []any{}})
	s.settings(o, "attributes", what, t.aclAttributes(a), true)
	if in, ok := o["attributes"].(object); ok && a.Auth != nil && a.Attributes["authentication"] == "" && fmt.Sprint(in["authentication"]) == "0" {
		s.set(in, "authentication", what, json.Number("-1"))
	}
	for _, n := range a.LUNs {
		if !k.later[t.lun(n)] {
			m := s.find(o, "mapped_luns", what, index("index", n), object{"index": n, "alias": linkName, "write_protect": false})
			s.set(m, "tpg_lun", what, n)
		}
	}
	if k.old != nil {
		for _, n := range k.old.ACLs[a.Initiator].LUNs {
			if !slices.Contains(a.LUNs, n) {
				s.drop(o, "mapped_luns", what, index("index", n))
			}
		}
	}
	want := chap.CHAP{}
	if a.Auth != nil {
		want = *a.Auth
	} else if k.old == nil || !k.old.ACLs[a.Initiator].Auth {
		return
	}
	for _, x := range []struct {
		name  string
		value reconcile.Text
	}{{"chap_userid", reconcile.Plain(want.User)}, {"chap_password", want.Password}, {"chap_mutual_userid", reconcile.Plain(want.MutualUser)}, {"chap_mutual_password", want.MutualPassword}} {
		switch _, there := o[x.name]; {
		case !x.value.Comparable():
		case x.value.Reveal() != "":
			s.set(o, x.name, what, x.value.Reveal())
		case there:
			delete(o, x.name)
			s.note(what)
		}
	}
}

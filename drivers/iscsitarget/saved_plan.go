package iscsitarget

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/atboot"
	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// save plans what is restored at boot, once for all targets of the machine. Only what is hactl's is changed in it.
func (p *planner) save() {
	if len(p.kept) == 0 {
		return
	}
	step := reconcile.Step{ID: p.id("", "saved"), Host: p.host, Needs: []reconcile.Ref{system.Machine(p.host)}}
	add := func(c reconcile.Change) {
		c.Object, c.Action, c.Source = savedRef(p.host), reconcile.Update, p.kept[0].t.source("")
		step.Changes = append(step.Changes, c)
	}
	unsaved := map[string]bool{}
	if p.m.Saved == nil || p.m.Saved.Comparable() {
		s, err := p.m.saved()
		if err != nil {
			step.Pending = fmt.Sprintf("%s: %s cannot be read, so nothing is put into it: %v; mend it, or move it away and run `targetctl save`", p.host, p.m.SavedPath, err)
			add(reconcile.Change{Path: p.m.SavedPath})
			p.steps = append(p.steps, step)
			for _, k := range p.kept {
				p.open[k.t.Name] = true
			}
			return
		}
		s.remove(p.gone)
		n := len(s.changes)
		for _, k := range p.kept {
			before := s.edits
			s.merge(k, p.m)
			unsaved[k.t.Name] = s.edits > before
		}
		s.sweep()
		if len(s.changes) > n {
			add(reconcile.Change{Path: "restored at boot", Want: strings.Join(s.changes[n:], ", ")})
			step.Ops = append(step.Ops, s.write(p.m.SavedPath))
		}
	}
	if p.m.Boot != "enabled" {
		add(reconcile.Change{Path: p.m.Unit, Have: p.m.Boot, Want: "enabled"})
		step.Ops = append(step.Ops, atboot.Command("enable", p.m.Boot == atboot.Generated, p.m.Unit))
	}
	if len(step.Ops) == 0 {
		return
	}
	for _, k := range p.kept {
		if unsaved[k.t.Name] || p.m.Boot != "enabled" {
			p.open[k.t.Name] = true
			step.Changes = append(step.Changes, reconcile.Change{Object: Ref(k.t.Name), Action: reconcile.Update, Path: "saved", Want: "survives a reboot", Source: k.t.source("")})
		}
	}
	p.steps = append(p.steps, step)
}

// forget takes pruned targets out of what is restored at boot; nil if they are not in.
func (p *planner) forget(gone []Record) *reconcile.Write {
	s, err := p.m.saved()
	if err != nil || p.m.Saved != nil && !p.m.Saved.Comparable() {
		return nil
	}
	s.remove(gone)
	if len(s.changes) == 0 {
		return nil
	}
	w := s.write(p.m.SavedPath)
	return &w
}

// remove takes targets out of the file, and their backstores that no other has.
func (s *saved) remove(gone []Record) {
	for _, r := range gone {
		s.drop(s.targets(), "iscsi "+r.IQN, r.IQN)
		s.left = append(s.left, r.Backstores...)
	}
	s.sweep()
}

// merge puts a target into the file as it is wanted, and takes out what was recorded and is not wanted any more.
func (s *saved) merge(w *work, m *Machine) {
	t := w.t
	for i := range t.Backstores {
		if b := &t.Backstores[i]; !w.later[b.Name] {
			s.backstore(b, t.IQN, m)
		}
	}
	x := s.find(s.targets(), "iscsi "+t.IQN, t.IQN, object{"fabric": "iscsi", "wwn": t.IQN, "tpgs": []any{}})
	g := s.find(within(x, "tpgs", numberedBy("tag")), "1", t.IQN, object{"tag": 1, "luns": []any{}, "node_acls": []any{}, "portals": []any{}})
	s.set(g, "enable", t.IQN, true)
	s.settings(g, "attributes", t.IQN+" attributes", w.attributes, true)
	s.settings(g, "parameters", t.IQN+" parameters", t.Parameters, false)
	luns, portals, acls := within(g, "luns", numberedBy("index")), portals(g), initiators(g)
	for _, l := range t.LUNs {
		if !w.hidden(l.Number) {
			what := lunWords(t.IQN, l.Number)
			o := s.find(luns, strconv.Itoa(l.Number), what, object{"index": l.Number, "alias": linkName, "alua_tg_pt_gp_name": "default_tg_pt_gp"})
			s.set(o, "storage_object", what, "/backstores/"+w.behind[l.Number].id())
		}
	}
	for _, p := range t.Portals {
		ip, port := splitPortal(p)
		n, _ := strconv.Atoi(port)
		s.find(portals, ip+" "+port, t.IQN+" "+p, object{"ip_address": ip, "port": n, "iser": false, "offload": false})
	}
	for i := range t.ACLs {
		s.acl(acls, &t.ACLs[i], w)
	}
	if w.old == nil {
		return
	}
	for _, p := range w.old.Portals {
		if !slices.Contains(t.Portals, p) {
			ip, port := splitPortal(p)
			s.drop(portals, ip+" "+port, t.IQN+" "+p)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(w.old.ACLs)) {
		if _, wanted := w.acls[i]; !wanted {
			s.drop(acls, i, i)
		}
	}
	for _, n := range w.old.LUNs {
		if w.behind[n] == nil {
			s.drop(luns, strconv.Itoa(n), lunWords(t.IQN, n))
		}
	}
	for _, id := range w.old.Backstores {
		if !w.wants(id) {
			s.left = append(s.left, id)
		}
	}
}

func lunWords(iqn string, n int) string { return fmt.Sprintf("%s LUN %d", iqn, n) }

func splitPortal(p string) (ip, port string) {
	i := strings.LastIndexByte(p, ':')
	return strings.Trim(p[:i], "[]"), p[i+1:]
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
	o := s.find(s.backstores(), b.id(), what, fresh)
	s.set(o, "dev", what, b.Path)
	s.set(o, "wwn", what, serial)
	if b.Plugin == fileIO {
		s.set(o, "size", what, json.Number(strconv.FormatInt(b.Size, 10)))
	}
	s.settings(o, "attributes", what, b.Attributes, true)
}

func (s *saved) acl(acls *list, a *ACL, w *work) {
	what := a.Initiator
	o := s.find(acls, a.Initiator, what, object{"node_wwn": a.Initiator, "mapped_luns": []any{}})
	s.settings(o, "attributes", what, a.attributes(w.attributes), true)
	if in, ok := o["attributes"].(object); ok && a.Auth != nil && a.Attributes["authentication"] == "" && fmt.Sprint(in["authentication"]) == "0" {
		s.set(in, "authentication", what, json.Number("-1"))
	}
	mapped := within(o, "mapped_luns", numberedBy("index"))
	for _, n := range a.LUNs {
		if !w.hidden(n) {
			m := s.find(mapped, strconv.Itoa(n), what, object{"index": n, "alias": linkName, "write_protect": false})
			s.set(m, "tpg_lun", what, n)
		}
	}
	if w.old != nil {
		for _, n := range w.old.ACLs[a.Initiator].LUNs {
			if !a.sees(n) {
				s.drop(mapped, strconv.Itoa(n), what)
			}
		}
	}
	want := chap.CHAP{}
	if a.Auth != nil {
		want = *a.Auth
	} else if w.old == nil || !w.old.ACLs[a.Initiator].Auth {
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

package iscsitarget

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/reconcile"
)

// linkName is that of the links in configfs that hactl makes. Nothing reads it.
const linkName = "hactl"

// group plans the target's portal group: what no longer belongs to it goes first, since a portal may take another's place.
func (w *work) group() error {
	at, live := base(w.t.IQN), w.live
	if live == nil {
		live = &Found{}
		w.change(reconcile.Change{Action: reconcile.Create, Want: w.t.IQN}, mkdir("iscsi/"+w.t.IQN), mkdir(at))
	}
	w.leavers(live)
	w.settings("attributes", at+"/attrib/", w.attributes, live.Attributes)
	w.settings("parameters", at+"/param/", w.t.Parameters, live.Parameters)
	for _, p := range w.t.Portals {
		if !slices.Contains(live.Portals, p) {
			w.change(reconcile.Change{Action: reconcile.Update, Path: "portals", Want: p, Source: w.t.source("spec.portals")}, mkdir(at+"/np/"+p))
		}
	}
	if err := w.luns(live); err != nil {
		return err
	}
	for i := range w.t.ACLs {
		if err := w.acl(&w.t.ACLs[i], fmt.Sprintf("spec.acls[%d]", i), live); err != nil {
			return err
		}
	}
	if !live.Enabled {
		w.change(reconcile.Change{Action: reconcile.Start, Want: "enabled"}, set(at+"/enable", "1"))
	}
	return nil
}

// attributes are those of the manifest, and whether CHAP is asked for, which follows from the ACLs.
func (t *Target) attributes() map[string]string {
	out := maps.Clone(t.Attributes)
	if out == nil {
		out = map[string]string{}
	}
	if _, said := out["authentication"]; !said && len(t.ACLs) > 0 {
		out["authentication"] = "0"
		if slices.ContainsFunc(t.ACLs, func(a ACL) bool { return a.Auth != nil }) {
			out["authentication"] = "1"
		}
	}
	return out
}

// attributes are those of the manifest, and, where others must show a password by the group's, that this one need not.
func (a *ACL) attributes(group map[string]string) map[string]string {
	out := maps.Clone(a.Attributes)
	if out == nil {
		out = map[string]string{}
	}
	if _, said := out["authentication"]; !said && a.Auth == nil && group["authentication"] == "1" {
		out["authentication"] = "0"
	}
	return out
}

func (w *work) settings(path, at string, want, live map[string]string) {
	for _, n := range slices.Sorted(maps.Keys(want)) {
		if v := want[n]; live[n] != v {
			w.change(reconcile.Change{Action: reconcile.Update, Path: path + "." + n, Have: live[n], Want: v, Source: w.t.source("spec." + path + "." + n)}, set(at+n, v))
		}
	}
}

func (w *work) luns(live *Found) error {
	for _, l := range w.t.LUNs {
		b := w.behind[l.Number]
		at := fmt.Sprintf("%s/lun/lun_%d", base(w.t.IQN), l.Number)
		switch have, there := live.LUNs[l.Number]; {
		case w.later[b.Name] || there && have == b.id():
		case there:
			return w.errorf(w.t, "spec.luns", "LUN %d of %s is %s on %s and initiators know it as that; give %s another number", l.Number, w.t.IQN, have, w.host, b.Name)
		default:
			w.change(reconcile.Change{Action: reconcile.Update, Path: fmt.Sprintf("luns.%d", l.Number), Want: b.Name, Source: w.t.source("spec.luns")},
				mkdir(at), link(at+"/"+linkName, "core/"+w.dir(b)))
		}
	}
	return nil
}

// dir is the folder of a backstore that is there or that a step before makes.
func (w *work) dir(b *Backstore) string {
	if live, ok := w.m.Backstores[b.id()]; ok {
		return live.Dir
	}
	return w.dirs[b.id()]
}

// acl plans one initiator. Its passwords are set before it sees a disk.
func (w *work) acl(a *ACL, path string, live *Found) error {
	at := base(w.t.IQN) + "/acls/" + a.Initiator
	have, there := live.ACLs[a.Initiator]
	source := w.t.source(path)
	if !there {
		have = &FoundACL{}
		w.change(reconcile.Change{Action: reconcile.Update, Path: "acls." + a.Initiator, Want: "may log in", Source: source}, mkdir(at))
	}
	w.auth(a, path, have)
	attributes := a.attributes(w.attributes)
	if _, said := attributes["authentication"]; !said && a.Auth != nil && have.Attributes["authentication"] == "0" {
		attributes["authentication"] = "-1" // as the portal group has it
	}
	for _, n := range slices.Sorted(maps.Keys(attributes)) {
		if v := attributes[n]; have.Attributes[n] != v {
			w.change(reconcile.Change{Action: reconcile.Update, Path: "acls." + a.Initiator + ".attributes." + n, Have: have.Attributes[n], Want: v, Source: source},
				set(at+"/attrib/"+n, v))
		}
	}
	for _, n := range a.LUNs {
		lun, mapped := have.LUNs[n]
		switch {
		case w.hidden(n) || mapped && lun == n:
		case mapped:
			return w.errorf(w.t, path+".luns", "%s sees LUN %d of %s as its LUN %d, which hactl does not change while it may be in use; remove that by hand", a.Initiator, lun, w.t.IQN, n)
		default:
			w.change(reconcile.Change{Action: reconcile.Update, Path: "acls." + a.Initiator + ".luns", Want: strconv.Itoa(n), Source: source},
				mkdir(fmt.Sprintf("%s/lun_%d", at, n)), link(fmt.Sprintf("%s/lun_%d/%s", at, n, linkName), fmt.Sprintf("%s/lun/lun_%d", base(w.t.IQN), n)))
		}
	}
	return nil
}

// auth compares users and passwords. Sessions go on when they change: they count at the next login.
func (w *work) auth(a *ACL, path string, have *FoundACL) {
	at := base(w.t.IQN) + "/acls/" + a.Initiator + "/auth/"
	want := chap.CHAP{}
	if a.Auth != nil {
		want = *a.Auth
	} else if w.old == nil || !w.old.ACLs[a.Initiator].Auth {
		return // not ours, and left alone
	}
	source := w.t.source(path + ".auth")
	user := func(name, file, h, n string) {
		switch {
		case h == n:
		case n == "":
			w.change(reconcile.Change{Action: reconcile.Update, Path: "acls." + a.Initiator + ".auth." + name, Have: h, Source: source}, set(at+file, "NULL"))
		default:
			w.change(reconcile.Change{Action: reconcile.Update, Path: "acls." + a.Initiator + ".auth." + name, Have: h, Want: n, Source: source}, set(at+file, n))
		}
	}
	password := func(name, file string, h, n reconcile.Text) {
		if !h.Comparable() || !n.Comparable() || h.Equal(n) {
			return
		}
		c := reconcile.Change{Action: reconcile.Update, Path: "acls." + a.Initiator + ".auth." + name, Source: source}
		if h.Reveal() != "" {
			c.Have = reconcile.Mask
		}
		if n.Reveal() == "" {
			w.change(c, set(at+file, "NULL"))
			return
		}
		c.Want = reconcile.Mask
		w.change(c, setSecret(at+file, n))
	}
	user("user", "userid", have.User, want.User)
	password("password", "password", have.Password, want.Password)
	user("mutualUser", "userid_mutual", have.MutualUser, want.MutualUser)
	password("mutualPassword", "password_mutual", have.MutualPassword, want.MutualPassword)
}

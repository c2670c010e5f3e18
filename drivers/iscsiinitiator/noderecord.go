package iscsiinitiator

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/chap"
	"github.com/hactl/hactl/reconcile"
)

// setting is a line of a node record.
type setting struct {
	name  string
	value reconcile.Text
	// gone tells that the line is to go.
	gone bool
}

// settings are what the manifest says of a node record. old tells that hactl wrote users and passwords before.
func (i *Initiator) settings(n *Node, old bool) []setting {
	plain := func(name, value string) setting { return setting{name: name, value: reconcile.Plain(value)} }
	out := []setting{plain("node.startup", i.Startup), plain("node.conn[0].startup", i.Startup)}
	auth := n.Auth
	switch {
	case auth != nil:
		out = append(out, plain("node.session.auth.authmethod", "CHAP"))
	case old:
		out, auth = append(out, plain("node.session.auth.authmethod", "None")), &chap.CHAP{}
	}
	if auth != nil {
		for _, s := range []setting{plain("node.session.auth.username", auth.User), {name: "node.session.auth.password", value: auth.Password},
			plain("node.session.auth.username_in", auth.MutualUser), {name: "node.session.auth.password_in", value: auth.MutualPassword}} {
			s.gone = s.value.Comparable() && s.value.Reveal() == ""
			out = append(out, s)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(i.Record)) {
		out = append(out, plain(k, i.Record[k]))
	}
	return out
}

// line takes one of a record apart; "" is no setting.
func line(text string) (name, value string) {
	k, v, ok := strings.Cut(text, "=")
	if k = strings.TrimSpace(k); !ok || strings.HasPrefix(k, "#") {
		return "", ""
	}
	return k, strings.TrimSpace(v)
}

// differ lists what a record does not say as it is wanted. Of what cannot be compared nothing is known.
func differ(f reconcile.File, want []setting) []reconcile.Change {
	have := map[string]string{}
	for l := range strings.Lines(f.Content.Reveal()) {
		if k, v := line(l); k != "" {
			have[k] = v
		}
	}
	var out []reconcile.Change
	for _, s := range want {
		v, there := have[s.name]
		secret := strings.HasPrefix(s.name, "node.session.auth.password")
		switch {
		case secret && (!s.value.Comparable() || !f.Content.Comparable()), s.gone && !there, there && !s.gone && v == s.value.Reveal():
			continue
		}
		c := reconcile.Change{Action: reconcile.Update, Path: s.name, Have: v, Want: s.value.Reveal()}
		if secret && there {
			c.Have = reconcile.Mask
		}
		if secret && !s.gone {
			c.Want = reconcile.Mask
		}
		out = append(out, c)
	}
	return out
}

// edited is a record with the settings; what else it says stays.
func edited(f reconcile.File, want []setting) reconcile.File {
	by := map[string]setting{}
	for _, s := range want {
		by[s.name] = s
	}
	var out []reconcile.Text
	add := func(s setting) {
		if !s.gone {
			out = append(out, reconcile.Plain(s.name+" = "), s.value, reconcile.Plain("\n"))
		}
	}
	done := map[string]bool{}
	rest := func() {
		for _, s := range want {
			if !done[s.name] {
				add(s)
				done[s.name] = true
			}
		}
	}
	for l := range strings.Lines(f.Content.Reveal()) {
		k, _ := line(l)
		s, ours := by[k]
		switch {
		case strings.HasPrefix(l, "# END RECORD"):
			rest()
			out = append(out, reconcile.Plain(l))
		case !ours:
			out = append(out, marked(l))
		case !done[k]:
			add(s)
			done[k] = true
		}
	}
	rest()
	return reconcile.File{Content: reconcile.Join(out...), Mode: 0o600}
}

// fresh is a record from nothing: what iscsid.conf says of nodes, as `iscsiadm -o new` would write it; what neither says is open-iscsi's own.
func (m *Machine) fresh(i *Initiator, p Portal) reconcile.File {
	texts := []reconcile.Text{reconcile.Plain("# BEGIN RECORD\n")}
	for _, s := range []string{"node.name = " + i.Target, "iface.iscsi_ifacename = default", "iface.transport_name = tcp",
		"node.conn[0].address = " + p.Address, "node.conn[0].port = " + p.Port} {
		texts = append(texts, reconcile.Plain(s+"\n"))
	}
	for _, d := range m.Defaults {
		texts = append(texts, d, reconcile.Plain("\n"))
	}
	return reconcile.File{Content: reconcile.Join(append(texts, reconcile.Plain("# END RECORD\n"))...), Mode: 0o600}
}

// nodeFiles finds the records of a target's portal: ADDRESS,PORT without, ADDRESS,PORT,TAG/INTERFACE with the tag of the target's portal group.
func (m *Machine) nodeFiles(target string, p Portal) []string {
	var out []string
	for f := range m.Nodes {
		_, rest, ok := strings.Cut(f, "/nodes/"+target+"/")
		portal, _, _ := strings.Cut(rest, "/")
		at := p.Address + "," + p.Port
		if ok && (portal == at || strings.HasPrefix(portal, at+",")) {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}

// newFile is where a record goes whose portal group is not known before the login; open-iscsi takes any then.
func (m *Machine) newFile(target string, p Portal) string {
	return path.Join(m.Dir, "nodes", target, p.Address+","+p.Port)
}

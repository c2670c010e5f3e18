package corosync

import (
	"fmt"
	"io/fs"

	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// key is one of the two shared keys.
type key struct {
	path  string
	mode  fs.FileMode
	owner string
	of    func(*NodeState) *reconcile.File
}

// corosync refuses a key that others may read (exec/totemconfig.c wants no more than its owner); Pacemaker's is read by the group of its
// daemons, and used by remote nodes.
var theKeys = []key{
	{keyPath, 0o400, "root:root", func(n *NodeState) *reconcile.File { return n.Key }},
	{pcmkKey, 0o640, "root:haclient", func(n *NodeState) *reconcile.File { return n.PacemakerKey }},
}

// fits tells whether the key's daemons can read it and nobody else can. pcs gives Pacemaker's key to hacluster alone, as which its daemons run.
func (k key) fits(f *reconcile.File) bool {
	if k.path == pcmkKey && f.Owner == "hacluster:haclient" {
		return f.Mode.Perm()&0o477 == 0o400
	}
	return f.Mode.Perm() == k.mode && (f.Owner == k.owner || f.Owner == "")
}

// keys plans that all members have the same keys. If none has one, the first makes it, and the others get it from there: its content is in no plan.
func (p *planner) keys() {
	for _, k := range theKeys {
		if k.path == keyPath && !p.encrypted() {
			continue
		}
		var holder *NodeState
		masked := false
		for _, n := range p.nodes {
			if f := k.of(n); f != nil {
				masked = masked || !f.Content.Comparable()
				if holder == nil {
					holder = n
				}
			}
		}
		for i, n := range p.nodes {
			f := k.of(n)
			s := reconcile.Step{ID: "corosync " + n.Name + " key " + k.path, Host: n.Name, Needs: []reconcile.Ref{system.Machine(n.Name)},
				Changes: []reconcile.Change{{Object: keyRef(n.Name, k.path), Action: reconcile.Create, Want: reconcile.Mask, Source: p.want.Source}}}
			switch {
			case f != nil:
				if k.fits(f) {
					continue
				}
				s.Changes[0] = reconcile.Change{Object: keyRef(n.Name, k.path), Action: reconcile.Update, Path: "mode", Source: p.want.Source,
					Have: fmt.Sprintf("%04o %s", f.Mode.Perm(), f.Owner), Want: fmt.Sprintf("%04o %s", k.mode, k.owner)}
				s.Ops = []reconcile.Op{
					reconcile.Command{Argv: []string{"chown", k.owner, k.path}},
					reconcile.Command{Argv: []string{"chmod", fmt.Sprintf("%04o", k.mode), k.path}}}
			case holder != nil && masked:
				s.Pending = "the key is not in this snapshot"
			case holder != nil:
				s.Ops = []reconcile.Op{Put{k.path, reconcile.File{Content: k.of(holder).Content, Mode: k.mode, Owner: k.owner}}}
			case len(p.unseen) > 0:
				s.Pending = "not known whether a key exists already: " + p.missing()
			case i == 0:
				s.Ops = []reconcile.Op{MakeKey{k.path, k.mode, k.owner}}
			default:
				s.Needs = append(s.Needs, keyRef(p.nodes[0].Name, k.path))
				s.Ops = []reconcile.Op{CopyKey{p.nodes[0].Name, k.path, k.mode, k.owner}}
			}
			p.add(s)
		}
	}
}

// encrypted tells whether corosync needs its key at all.
func (p *planner) encrypted() bool {
	f := p.target.fields
	if t := f["totem.transport"]; t != "" && t != "knet" {
		return false
	}
	on := func(v string) bool { return v != "" && v != "none" }
	return f["totem.keyfile"] == "" && f["totem.key"] == "" && (on(f["totem.crypto_cipher"]) || on(f["totem.crypto_hash"]) || f["totem.secauth"] == "on")
}

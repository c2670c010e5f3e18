package drbd

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// file is what a node's configuration says of the resource.
type file struct {
	n *NodeState
	// at is the file that has the resource now; "" if none has.
	at string
	// changes are the differences in meaning; secrets in them are masked.
	changes []conf.Change
	// owner is whose the file is: "" if hactl did not make it.
	owner string
	// leaves are nodes that it has and no manifest; joins the other way round.
	leaves, joins []string
	// ids are DRBD 9's node-ids in it, by node.
	ids   map[string]int
	write bool
}

// configuration plans the files, on all nodes before anything else.
func (w *work) configuration() error {
	disks, err := w.identities()
	if err != nil {
		return err
	}
	text, err := w.r.file(w.d, w.owner, disks)
	if err != nil {
		return err
	}
	target := reconcile.File{Content: text, Mode: 0o600}
	for _, n := range w.nodes {
		f, err := w.file(n)
		if err != nil {
			return err
		}
		w.files = append(w.files, f)
		changes := w.changes(f, disks)
		if len(changes) == 0 {
			continue
		}
		f.write = true
		w.add(reconcile.Step{ID: w.id(n.Name, "file"), Host: n.Name, Changes: changes, Needs: []reconcile.Ref{system.Machine(n.Name)},
			Ops: reconcile.Ops{reconcile.Write{Path: confPath(w.r.Name), File: target}}})
	}
	return nil
}

// file compares the node's configuration with the wanted one. What is common to all resources of the node counts on both sides.
func (w *work) file(n *NodeState) (*file, error) {
	f := &file{n: n}
	here, there := confPath(w.r.Name), false
	if _, ok := n.Files[mainConf]; !ok {
		return nil, w.errorf("", "%s: there is no %s; it belongs to drbd-utils: install that again", n.Name, mainConf)
	}
	have, err := w.configs.of(n)
	if err != nil {
		return nil, w.errorf("", "%s: drbdadm could not read its configuration either; mend it there: %w", n.Name, err)
	}
	found := have.Resource(w.r.Name)
	if text, ok := n.Files[here]; ok {
		there, f.owner = true, ownerOf(text.Content.Reveal())
		if found == nil {
			return nil, w.errorf("", "%s: %s is there, and %s does not read this resource from it; let it say include \"drbd.d/*.res\", or move the file away", n.Name, here, mainConf)
		}
	}
	secret := w.r.Secret.Reveal()
	c, err := w.r.config(w.d, secret)
	if err != nil {
		return nil, err
	}
	want := &conf.Config{Common: have.Common, Resources: []*conf.Resource{c}}
	if err := want.Check(w.d); err != nil {
		return nil, fmt.Errorf("DRBDResource %s: %w", w.r.Name, err)
	}
	if found == nil {
		return f, nil
	}
	f.at = found.Pos.File
	if !w.r.Secret.Comparable() || !n.Files[f.at].Content.Comparable() {
		maskSecret(found, secret) // one of the two is not known: equal or not cannot be told
	}
	f.changes = conf.Diff(&conf.Config{Common: have.Common, Resources: []*conf.Resource{found}}, want, w.d)
	for i := range f.changes {
		mask(&f.changes[i])
	}
	f.members(found, c)
	switch {
	case f.owner != "" && f.owner != w.owner && len(f.changes) > 0:
		return nil, w.errorf("", "%s: %s is of the owner %q, this is %q; name the right one with --owner", n.Name, here, f.owner, w.owner)
	case len(f.changes) == 0:
	case !there || f.at != here:
		return nil, w.errorf("", "%s: the resource stands in %s and differs (%s); move it to %s on all nodes, or make the manifest equal to it",
			n.Name, found.Pos, words(f.changes), here)
	case f.owner == "" && slices.ContainsFunc(have.Resources, func(r *conf.Resource) bool { return r != found && r.Pos.File == here }):
		return nil, w.errorf("", "%s: %s holds other resources too, which would be lost; move them to files of their own", n.Name, here)
	}
	return f, nil
}

// members compares the nodes of both, and tells of each that joins or leaves in one line: with its connections it has a dozen.
func (f *file) members(have, want *conf.Resource) {
	if slices.ContainsFunc(have.Hosts, func(h *conf.Host) bool { return h.Kind != conf.On || len(h.Names) != 1 }) {
		return // it names no nodes
	}
	names := func(r *conf.Resource) map[string]string {
		out := map[string]string{}
		for _, h := range r.Hosts {
			out[h.Name()] = cmp.Or(h.Address.String(), "member") // the connections may say all addresses
		}
		return out
	}
	old, wanted := names(have), names(want)
	f.ids = map[string]int{}
	for _, h := range have.Hosts {
		if h.NodeID != nil {
			f.ids[h.Name()] = *h.NodeID
		}
	}
	var whole []conf.Change
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, ok := wanted[name]; !ok {
			f.leaves = append(f.leaves, name)
			whole = append(whole, conf.Change{Path: have.Name + "/on " + name, Have: old[name], Pos: have.Pos})
		}
	}
	for _, h := range want.Hosts {
		if _, ok := old[h.Name()]; !ok {
			f.joins = append(f.joins, h.Name())
			whole = append(whole, conf.Change{Path: have.Name + "/on " + h.Name(), Want: wanted[h.Name()], Pos: h.Pos})
		}
	}
	if len(whole) == 0 {
		return
	}
	f.changes = append(slices.DeleteFunc(f.changes, func(c conf.Change) bool {
		part := strings.Split(strings.TrimPrefix(c.Path, have.Name+"/"), "/")[0]
		return slices.ContainsFunc(slices.Concat(f.leaves, f.joins), func(name string) bool {
			a, b, _ := strings.Cut(strings.TrimPrefix(part, "connection "), " -- ")
			return part == "on "+name || strings.HasPrefix(part, "connection ") && (a == name || b == name)
		})
	}), whole...)
}

func maskSecret(r *conf.Resource, mask string) {
	for i, o := range r.Sections["net"] {
		if o.Name == "shared-secret" {
			r.Sections["net"][i].Value = mask
		}
	}
}

func words(changes []conf.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Path)
	}
	if len(out) > 5 {
		out = append(out[:5], "…")
	}
	return strings.Join(out, ", ")
}

// changes are those of the file's step; none if the file stays.
func (w *work) changes(f *file, disks []string) []reconcile.Change {
	ref := confRef(f.n.Name, w.r.Name)
	if f.at == "" {
		return []reconcile.Change{{Object: ref, Action: reconcile.Create}}
	}
	var out []reconcile.Change
	for _, c := range f.changes {
		x := reconcile.Change{Object: ref, Action: reconcile.Update, Path: strings.TrimPrefix(c.Path, w.r.Name+"/"), Have: c.Have, Want: c.Want, Source: c.Pos}
		if c.Pos.File == f.at { // where it goes, not where it comes from
			x.Source = w.r.source("")
		}
		if f.owner == "" {
			x.Action, x.Risk, x.Why = reconcile.Adopt, reconcile.AdoptRisk, f.at+" was not made by hactl"
		}
		out = append(out, x)
	}
	if len(out) > 0 || f.owner != w.owner {
		return out
	}
	old := f.n.Files[f.at]
	if have, want := strings.Join(recordedDisks(old), ", "), strings.Join(disks, ", "); have != want {
		out = append(out, reconcile.Change{Object: ref, Action: reconcile.Update, Path: "identities", Have: have, Want: want})
	}
	if old.Mode != 0o600 {
		out = append(out, reconcile.Change{Object: ref, Action: reconcile.Update, Path: "mode", Have: fmt.Sprintf("%04o", old.Mode), Want: "0600"})
	}
	return out
}

func recordedDisks(f reconcile.File) (lines []string) {
	for line := range strings.Lines(f.Content.Reveal()) {
		if s, ok := strings.CutPrefix(strings.TrimSpace(line), diskMark); ok {
			lines = append(lines, s)
		}
	}
	return lines
}

// loose are names of disks that the kernel gives anew at each boot.
var loose = regexp.MustCompile(`^/dev/((sd|vd|hd|xvd)[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(p[0-9]+)?)$`)

// identities are the lines of the header that tie loose names to disks. A name that leads to another disk than when it was recorded is refused.
func (w *work) identities() ([]string, error) {
	var lines []string
	for _, node := range w.r.Spec.Nodes {
		var known map[[2]string]string
		var devices *NodeState
		for _, n := range w.nodes {
			if n.Name == node.Name {
				devices = n
			}
			if text := n.Files[confPath(w.r.Name)].Content.Reveal(); ownerOf(text) == w.owner && (known == nil || n.Name == node.Name) {
				known = disksOf(text)
			}
		}
		for _, v := range w.r.volumes() {
			for _, p := range v.paths(node.Name) {
				if !loose.MatchString(p) {
					continue
				}
				was, now := known[[2]string{node.Name, p}], ""
				if devices != nil {
					now = devices.Devices[p].Identity
				}
				if was != "" && now != "" && was != now {
					return nil, w.errorf("", "%s: %s was the disk %s when hactl recorded it, and is %s now; name the right one by a link in /dev/disk/by-id. Nothing was changed", node.Name, p, was, now)
				}
				if now == "" {
					now = was
				}
				if now != "" {
					lines = append(lines, node.Name+" "+p+" "+now)
				}
			}
		}
	}
	return lines, nil
}

// Render gives the files as they would be written.
func (d Driver) Render(want, have State) ([]reconcile.Rendered, error) {
	var out []reconcile.Rendered
	for i := range want.Resources {
		r := &want.Resources[i]
		text, err := r.file(r.dialectOf(have), want.Owner, nil)
		if err != nil {
			return nil, err
		}
		for _, n := range r.Spec.Nodes {
			out = append(out, reconcile.Rendered{Host: n.Name, Path: confPath(r.Name), File: reconcile.File{Content: text, Mode: 0o600, Owner: "root:root"}})
		}
	}
	return out, nil
}

// dialectOf is that of the first node that is known, else what the resource needs.
func (r *Resource) dialectOf(have State) conf.Dialect {
	for _, n := range r.Spec.Nodes {
		if h := have.node(n.Name); h != nil && h.Kernel != "" {
			return h.dialect()
		}
	}
	if len(r.Spec.Nodes) > 2 || len(r.Spec.Connections) > 0 || slices.ContainsFunc(r.Spec.Nodes, func(n v1.DRBDNode) bool { return n.NodeID != "" }) {
		return conf.V9
	}
	return conf.V84
}

// mask keeps a secret out of a change.
func mask(c *conf.Change) {
	if !strings.HasSuffix(c.Path, "/shared-secret") {
		return
	}
	for _, s := range []*string{&c.Have, &c.Want} {
		if *s != "" {
			*s = reconcile.Mask
		}
	}
}

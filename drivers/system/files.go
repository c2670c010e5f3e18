package system

import (
	"cmp"
	"fmt"
	"io/fs"
	"strconv"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// PlacedFile is a file that is to be on a machine.
type PlacedFile struct {
	// File holds the wanted content, mode and owner.
	File reconcile.File `json:"file"`
	// Copy is a file of the machine whose content is wanted instead.
	Copy string `json:"copy,omitempty"`
	// Empty tells that the file is made empty where it is missing, and its content is nobody's business.
	Empty bool `json:"empty,omitempty"`
	// Source is its place in the manifest.
	Source v1.Pos `json:"source,omitzero"`
}

// placed lists the files that the manifests want on every member: those of spec.prepare.files and the scripts of alerts.
func placed(m *v1.Manifests) map[string]PlacedFile {
	files := map[string]PlacedFile{}
	if p := m.Cluster.Spec.Prepare; p != nil {
		for i, f := range p.Files {
			files[f.Path] = PlacedFile{Copy: f.Copy, Empty: f.Content == "" && f.Copy == "", Source: m.Cluster.Pos(fmt.Sprintf("spec.prepare.files[%d]", i)),
				File: reconcile.File{Content: reconcile.Plain(f.Content), Mode: mode(cmp.Or(f.Mode, "0644")), Owner: cmp.Or(f.Owner, "root:root")}}
		}
	}
	for _, a := range m.Alerts {
		if s := a.Spec.Script; s != nil {
			files[a.Spec.Path] = PlacedFile{Copy: s.Copy, Source: a.Pos("spec.script"),
				File: reconcile.File{Content: reconcile.Plain(s.Content), Mode: mode(cmp.Or(s.Mode, "0755")), Owner: "root:root"}}
		}
	}
	return files
}

// mode reads an octal mode that was checked before.
func mode(s string) fs.FileMode {
	n, _ := strconv.ParseUint(s, 8, 32)
	return fs.FileMode(n).Perm()
}

// paths are the files to look at for the wanted ones.
func (m MachineStatus) paths() []string {
	var ps []string
	for _, p := range sortedKeys(m.Files) {
		ps = append(ps, p)
		if c := m.Files[p].Copy; c != "" {
			ps = append(ps, c)
		}
	}
	return union(ps)
}

// placedFiles plans a step for each file that is missing or different.
func (p *planner) placedFiles() error {
	for _, path := range sortedKeys(p.w.Files) {
		w := p.w.Files[path]
		next := w.File
		if w.Copy != "" {
			from, ok := p.h.Found[w.Copy]
			switch {
			case !ok && len(p.missing()) > 0:
				p.step("file "+path, "", []reconcile.Change{{Action: reconcile.Create, Path: "files." + path, Want: "a copy of " + w.Copy, Source: w.Source}})
				p.steps[len(p.steps)-1].Pending = "known after the packages are installed"
				continue
			case !ok:
				return fmt.Errorf("%s: there is no %s to copy to %s; is its package installed?", w.Source, w.Copy, path)
			}
			next.Content = from.Content
		}
		have, there := p.h.Found[path]
		c := reconcile.Change{Path: "files." + path, Source: w.Source, Want: describe(w)}
		if !there && w.Empty && len(p.missing()) > 0 { // a package may bring it, with a content of its own
			c.Action = reconcile.Create
			p.step("file "+path, "", []reconcile.Change{c})
			p.steps[len(p.steps)-1].Pending = "known after the packages are installed"
			continue
		}
		switch {
		case !there:
			c.Action = reconcile.Create
		case !w.Empty && !notCompared(w, p.h, path) && !have.Content.Equal(next.Content):
			c.Action, c.Risk, c.Have, c.Why = reconcile.Adopt, reconcile.AdoptRisk, "another content", "the file is overwritten"
		case have.Owner != next.Owner || have.Mode != next.Mode:
			c.Action, c.Have, c.Want = reconcile.Update, rights(have), rights(next)
			p.step("file "+path, "", []reconcile.Change{c}, reconcile.Command{Argv: []string{"chown", "--", next.Owner, path}},
				reconcile.Command{Argv: []string{"chmod", "--", fmt.Sprintf("%04o", next.Mode), path}})
			continue
		default:
			continue
		}
		p.step("file "+path, "", []reconcile.Change{c}, reconcile.Write{Path: path, File: next})
	}
	return nil
}

// notCompared tells that a record leaves out the content of a file, or that of the one whose copy it is.
func notCompared(w PlacedFile, h MachineStatus, path string) bool {
	have, there := h.Found[path]
	from, copied := h.Found[w.Copy]
	return there && !w.Empty && (!have.Content.Comparable() || copied && !from.Content.Comparable())
}

func describe(w PlacedFile) string {
	switch {
	case w.Copy != "":
		return "a copy of " + w.Copy
	case w.Empty:
		return "is there, " + rights(w.File)
	}
	return rights(w.File)
}

func rights(f reconcile.File) string { return fmt.Sprintf("%s %04o", f.Owner, f.Mode) }

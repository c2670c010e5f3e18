package v1

import (
	"fmt"
	"path"
	"slices"
)

// Account is a user of the operating system. It is made where missing and put into its groups; it is never removed, nor taken out of a group.
type Account struct {
	// Name is the login name.
	Name string `json:"name" check:"word"`
	// Groups that the user is in besides its own, such as haclient. They must be there.
	Groups []string `json:"groups,omitempty" check:"word"`
}

// PreparedFile is a file. With neither Content nor Copy it is only made where missing, empty, and its content is left alone. A file that is
// there with another content is taken over (risk adopt). What leaves the manifest stays on the machines.
type PreparedFile struct {
	// Path is absolute. Its folder is made where missing.
	Path string `json:"path"`
	// Content is the file's text.
	Content string `json:"content,omitempty"`
	// Copy is a file on the same machine whose content it gets, such as an example that a package ships.
	Copy string `json:"copy,omitempty"`
	// Mode is octal; the default is 0644.
	Mode string `json:"mode,omitempty" check:"mode"`
	// Owner is USER:GROUP; the default is root:root.
	Owner string `json:"owner,omitempty" check:"word"`
}

// files checks the files of a Cluster and the scripts of its alerts.
func (c *checker) files(m *Manifests) {
	first := map[string]Pos{}
	check := func(o *Object, at, p, content, copied string) {
		switch was, twice := first[p]; {
		case p == "":
			return // told already
		case !path.IsAbs(p) || path.Clean(p) != p:
			c.errorf(o, at+".path", "%q must be an absolute path without . and ..", p)
		case twice:
			c.errorf(o, at+".path", "%s is given twice%s; remove one", p, place(was))
		}
		first[p] = o.Pos(at + ".path")
		if content != "" && copied != "" {
			c.errorf(o, at+".copy", "excludes content; remove one")
		}
		if copied != "" && !path.IsAbs(copied) {
			c.errorf(o, at+".copy", "%q must be an absolute path", copied)
		}
	}
	if m.Cluster != nil && m.Cluster.Spec.Prepare != nil {
		for i, f := range m.Cluster.Spec.Prepare.Files {
			check(&m.Cluster.Object, fmt.Sprintf("spec.prepare.files[%d]", i), f.Path, f.Content, f.Copy)
		}
	}
	for _, a := range m.Alerts {
		if s := a.Spec.Script; s != nil {
			check(&a.Object, "spec", a.Spec.Path, s.Content, s.Copy)
			if s.Content == "" && s.Copy == "" {
				c.errorf(&a.Object, "spec.script", "needs content or copy")
			}
		}
	}
}

// PackagesOf gives the packages that a machine is to have besides those of every member; nil if nothing is to be installed there.
func (s *ClusterSpec) PackagesOf(machine string) *Packages {
	for _, h := range s.Hosts {
		if h.Name == machine && h.Prepare != nil {
			return h.Prepare.Packages
		}
	}
	if s.Prepare == nil {
		return nil
	}
	return s.Prepare.Packages
}

// Installs tells whether one of the packages is among those that each of the machines is to have.
func (m *Manifests) Installs(machines []string, packages ...string) bool {
	return m.Cluster != nil && !slices.ContainsFunc(machines, func(machine string) bool {
		p := m.Cluster.Spec.PackagesOf(machine)
		return p == nil || !slices.ContainsFunc(slices.Concat(p.All, p.Debian, p.RedHat), func(n string) bool { return slices.Contains(packages, n) })
	})
}

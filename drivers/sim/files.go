package sim

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// match gives the files that match globs.
func (n *Node) match(globs []string) map[string]reconcile.File {
	out := map[string]reconcile.File{}
	for _, g := range globs {
		if !strings.ContainsAny(g, "*?[") {
			if f, ok := n.files[g]; ok {
				out[g] = f
			}
			continue
		}
		for p, f := range n.files {
			if ok, _ := path.Match(g, p); ok {
				out[p] = f
			}
		}
	}
	return out
}

func (x *call) write(p string, f reconcile.File) answer {
	if f.Owner == "" {
		f.Owner = "root:root"
	}
	if f.Mode == 0 {
		f.Mode = 0o644
	}
	switch {
	case !strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/"):
		return failed(1, "%s is no absolute path of a file", p)
	case !f.Content.Comparable():
		return failed(1, "%s: the content is masked", p)
	case !x.n.knowsOwner(f.Owner):
		return failed(1, "chown: invalid user: '%s'", f.Owner)
	}
	x.changes(p)
	x.n.files[p] = reconcile.File{Content: reconcile.Plain(f.Content.Reveal()), Mode: f.Mode.Perm(), Owner: f.Owner}
	return answer{}
}

// knowsOwner tells whether the user and the group of USER:GROUP exist.
func (n *Node) knowsOwner(owner string) bool {
	user, group, ok := strings.Cut(owner, ":")
	if _, known := n.accounts[user]; !known || !ok {
		return false
	}
	for u, groups := range n.accounts {
		if u == group || slices.Contains(groups, group) {
			return true
		}
	}
	return false
}

func chown(x *call) answer {
	args := operands(x.argv[1:])
	if !x.n.knowsOwner(args[0]) {
		return failed(1, "chown: invalid user: '%s'", args[0])
	}
	return x.eachFile(args[1:], func(f *reconcile.File) { f.Owner = args[0] })
}

func chmod(x *call) answer {
	args := operands(x.argv[1:])
	mode, err := strconv.ParseUint(args[0], 8, 32)
	if err != nil {
		return failed(1, "chmod: invalid mode: '%s'", args[0])
	}
	return x.eachFile(args[1:], func(f *reconcile.File) { f.Mode = fs.FileMode(mode) })
}

func (x *call) eachFile(paths []string, change func(*reconcile.File)) answer {
	for _, p := range paths {
		f, ok := x.n.files[p]
		if !ok {
			return failed(1, "%s: cannot access '%s': No such file or directory", x.argv[0], p)
		}
		x.changes(p)
		change(&f)
		x.n.files[p] = f
	}
	return answer{}
}

func remove(x *call) answer {
	for _, p := range operands(x.argv[1:]) {
		if _, ok := x.n.files[p]; ok {
			x.changes(p)
			delete(x.n.files, p)
		}
	}
	return answer{}
}

func sha256sum(x *call) answer {
	var out strings.Builder
	for _, p := range operands(x.argv[1:]) {
		f, ok := x.n.files[p]
		if !ok {
			return failed(1, "sha256sum: %s: No such file or directory", p)
		}
		fmt.Fprintf(&out, "%s *%s\n", digest(f.Content.Bytes()), p)
	}
	return answer{out: out.String()}
}

// find knows the one form that lists checkpoints: DIR -maxdepth 1 -name GLOB -printf '%s %f\n'.
func find(x *call) answer {
	var out []string
	for p, f := range x.n.match([]string{path.Join(x.argv[1], x.argv[5])}) {
		out = append(out, fmt.Sprintf("%d %s\n", len(f.Content.Bytes()), path.Base(p)))
	}
	if len(out) == 0 && len(x.n.match([]string{x.argv[1] + "/*"})) == 0 {
		return failed(1, "find: '%s': No such file or directory", x.argv[1])
	}
	slices.Sort(out)
	return answer{out: strings.Join(out, "")}
}

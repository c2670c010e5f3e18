package conf

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"
)

// Reader gives the files that a pattern of glob(7) matches, by their names; no match is an empty map. Parse asks it for what a file includes,
// with the pattern made absolute to the including file's folder.
type Reader func(glob string) (map[string][]byte, error)

// maxFiles bounds what an include can pull in.
const maxFiles = 10000

// Parse reads a drbd.conf or .res file and all that it includes. A nil reader makes an include an error. The error joins all that is wrong, each an
// *Error with its place; the Config then holds what could be read. Options that are not known are kept; Check tells of them.
func Parse(name string, text []byte, read Reader) (*Config, error) {
	p := &parser{cfg: &Config{}, read: read, seen: map[string]bool{name: true}, once: map[string]*node{}}
	p.file(name, text)
	p.cfg.Resource("") // builds the index, so that readers may share the Config
	return p.cfg, errors.Join(p.errs...)
}

type parser struct {
	cfg  *Config
	read Reader
	seen map[string]bool  // files: drbdadm reads each once, so loops end
	once map[string]*node // what may stand once, for "first at"
	errs []error
}

// fail notes what is wrong and goes on.
func (p *parser) fail(err error) {
	if err != nil {
		p.errs = append(p.errs, err)
	}
}

// first tells whether what has not been seen before.
func (p *parser) first(what string, n *node) bool {
	if before := p.once[what]; before != nil {
		p.fail(errAt(n.pos(), "%s is given twice: the first is at %s", what, before.pos()))
		return false
	}
	p.once[what] = n
	return true
}

func (p *parser) file(name string, text []byte) {
	nodes, err := parseTree(name, text)
	if err != nil {
		p.fail(err)
		return
	}
	for _, n := range nodes {
		p.fail(p.top(name, n))
	}
}

func (p *parser) top(file string, n *node) error {
	c := n.cursor()
	switch {
	case n.is("skip"):
		return nil
	case n.is("global"):
		p.first("the global section", n)
		if err := c.open(); err != nil {
			return err
		}
		return p.global(n)
	case n.is("common"):
		if err := c.open(); err != nil {
			return err
		}
		if p.first("the common section", n) {
			r := &Resource{Name: "common"}
			p.resource(r, n)
			p.cfg.Common = r.commonSections(p, n)
		}
	case n.is("resource"):
		w, err := c.name("the resource's name")
		if err == nil {
			err = c.open()
		}
		if err != nil {
			return err
		}
		if p.first("resource "+w.text, n) {
			r := &Resource{Name: w.text, Pos: n.pos()}
			p.resource(r, n)
			p.cfg.Resources = append(p.cfg.Resources, r)
		}
	case n.is("include"):
		w, err := c.name("the file's name or pattern")
		if err == nil {
			err = c.close()
		}
		if err != nil {
			return err
		}
		p.include(file, w)
	default:
		op, ok := strings.CutPrefix(n.words[0].text, "require-drbd-module-version-")
		if !ok || !slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le"}, op) || n.words[0].quoted {
			return n.unknown("global, common, resource, skip, include or require-drbd-module-version-{eq,ne,gt,ge,lt,le}")
		}
		w := c.next()
		if w.kind != kVersion {
			return c.expected("a version such as 9.1.0", w)
		}
		p.cfg.Requires = append(p.cfg.Requires, Option{Name: op, Value: w.text, Pos: n.pos()})
		return c.close()
	}
	return nil
}

// commonSections gives what a common section may hold.
func (r *Resource) commonSections(p *parser, n *node) Sections {
	if len(r.Hosts) > 0 {
		p.fail(errAt(n.pos(), "the common section must not have sections for hosts"))
	}
	if r.Sections == nil {
		return Sections{}
	}
	return r.Sections
}

// include reads the files of an include statement, in their sorted order.
func (p *parser) include(from string, w word) {
	files, err := p.files(from, w)
	if err != nil {
		p.fail(err)
		return
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if p.seen[name] {
			continue
		}
		if len(p.seen) > maxFiles {
			p.fail(errAt(w.pos, "more than %d files are included", maxFiles))
			return
		}
		p.seen[name] = true
		p.file(name, files[name])
	}
}

func (p *parser) files(from string, w word) (map[string][]byte, error) {
	if p.read == nil {
		return nil, errAt(w.pos, "%s cannot be included: only this file is read here", w.text)
	}
	glob := w.text
	if !path.IsAbs(glob) {
		glob = path.Join(path.Dir(from), glob)
	}
	files, err := p.read(glob)
	if err != nil {
		return nil, errAt(w.pos, "include %s: %v", w.text, err)
	}
	if len(files) == 0 && !strings.ContainsAny(w.text, "*?[") {
		return nil, errAt(w.pos, "the file %s does not exist", glob)
	}
	return files, nil
}

// template reads the common section of a template file.
func (p *parser) template(r *Resource, w word) {
	files, err := p.files(w.pos.File, w)
	if err != nil {
		p.fail(err)
		return
	}
	for _, name := range sortedKeys(files) {
		sub := &parser{cfg: &Config{}, seen: map[string]bool{name: true}, once: map[string]*node{}}
		sub.file(name, files[name])
		p.errs = append(p.errs, sub.errs...)
		if sub.cfg.Common == nil {
			p.fail(errAt(w.pos, "the template file %s has no common section", name))
		}
		r.Template = sub.cfg.Common
	}
}

func (p *parser) global(n *node) error {
	for _, n := range n.body {
		c := n.cursor()
		o := Option{Name: n.words[0].text, Pos: n.pos()}
		var err error
		switch o.Name {
		case "disable-ip-verification", "udev-always-use-vnr":
		case "minor-count", "dialog-refresh", "cmd-timeout-short", "cmd-timeout-medium", "cmd-timeout-long":
			w := c.next()
			if o.Value = w.text; w.kind != kInteger {
				err = c.expected("a number", w)
			}
		case "usage-count":
			w := c.next()
			if o.Value = w.text; w.text != "yes" && w.text != "no" && w.text != "ask" {
				err = c.expected("yes, no or ask", w)
			}
		default:
			err = n.unknown("usage-count, minor-count, dialog-refresh, disable-ip-verification, udev-always-use-vnr or cmd-timeout-{short,medium,long}")
		}
		if err = cmp.Or(err, c.close()); err != nil {
			p.fail(err)
			continue
		}
		p.cfg.Global = append(p.cfg.Global, o)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

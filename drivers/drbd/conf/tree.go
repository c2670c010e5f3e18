package conf

import v1 "github.com/hactl/hactl/api/v1"

// A node is a statement ("words ;") or a section ("words { … }"), with places. The tree knows brackets only; build.go knows the language.
type node struct {
	words []word
	block bool
	body  []*node
	end   v1.Pos // of its ; or }
}

// maxDepth is far more than the six levels that drbd.conf has.
const maxDepth = 32

// parseTree reads a whole file.
func parseTree(file string, text []byte) ([]*node, error) {
	p := &treeParser{lex: newLexer(file, text)}
	nodes, _, err := p.statements(0, nil)
	return nodes, err
}

type treeParser struct{ lex *lexer }

// statements reads up to the } of the section in, or the end of the file.
func (p *treeParser) statements(depth int, in *node) ([]*node, v1.Pos, error) {
	var out []*node
	for {
		w, err := p.lex.next()
		if err != nil {
			return nil, w.pos, err
		}
		switch {
		case w.kind == kEOF:
			// drbdadm, too, takes the end of the file for the end of a resource.
			if depth == 0 || depth == 1 && (in.is("resource") || in.is("common")) {
				return out, w.pos, nil
			}
			return nil, w.pos, errAt(w.pos, "the file ends inside of %q, which begins at line %d: } is missing", in.words[0].text, in.words[0].pos.Line)
		case w.sign("}"):
			if depth == 0 {
				return nil, w.pos, errAt(w.pos, "unexpected }: no section is open")
			}
			return out, w.pos, nil
		case w.kind == kSign || w.kind == kElse:
			return nil, w.pos, errAt(w.pos, "a keyword is expected, not %q", w.text)
		}
		n, err := p.statement(depth, w)
		if err != nil {
			return nil, w.pos, err
		}
		out = append(out, n)
	}
}

func (p *treeParser) statement(depth int, first word) (*node, error) {
	n := &node{words: []word{first}}
	for {
		w, err := p.lex.next()
		if err != nil {
			return nil, err
		}
		switch {
		case w.kind == kEOF:
			return nil, errAt(w.pos, "the file ends inside of %q: ; or { is missing", first.text)
		case w.sign("}") || w.kind == kElse:
			return nil, errAt(w.pos, "%s: ; is expected, not %q", first.text, w.text)
		case w.sign(";"):
			n.end = w.pos
			return n, nil
		case w.sign("{"):
			n.block = true
			if depth == maxDepth {
				return nil, errAt(w.pos, "sections inside of more than %d sections", maxDepth)
			}
			if n.is("skip") {
				n.end, err = p.skip(first)
			} else {
				n.body, n.end, err = p.statements(depth+1, n)
			}
			return n, err
		}
		n.words = append(n.words, w)
	}
}

// skip passes over a section that is switched off: only its braces count.
func (p *treeParser) skip(first word) (v1.Pos, error) {
	for level := 1; ; {
		w, err := p.lex.next()
		switch {
		case err != nil:
			return w.pos, err
		case w.kind == kEOF:
			return w.pos, errAt(w.pos, "the file ends inside of the skip section that begins at line %d", first.pos.Line)
		case w.sign("{"):
			level++
		case w.sign("}"):
			if level--; level == 0 {
				return w.pos, nil
			}
		}
	}
}

func (w word) sign(s string) bool { return w.kind == kSign && w.text == s }

// is tells whether the statement begins with that keyword.
func (n *node) is(keyword string) bool { return !n.words[0].quoted && n.words[0].text == keyword }

func (n *node) pos() v1.Pos { return n.words[0].pos }

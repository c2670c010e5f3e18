package v1

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// note is a Comment that waits for its field.
type note struct {
	Comment
	written bool
}

func (y *yamlWriter) note(comments []Comment) {
	y.notes, y.on, y.above = nil, nil, nil
	if len(comments) == 0 {
		return
	}
	y.on, y.above = map[string][]int{}, map[string]bool{}
	for n, c := range comments {
		y.notes = append(y.notes, note{Comment: c})
		y.on[c.Path] = append(y.on[c.Path], n)
		for i := len(c.Path) - 1; i >= 0; i-- {
			if c.Path[i] == '.' || c.Path[i] == '[' {
				y.above[c.Path[:i]] = true
			}
		}
	}
}

// notesOn writes the comments on a field, above it.
func (y *yamlWriter) notesOn(path string, indent int) {
	if path == "" {
		return
	}
	for _, n := range y.on[path] {
		if !y.notes[n].written {
			y.notes[n].written = true
			y.buf = appendComment(y.buf, y.notes[n].Text, indent)
		}
	}
}

// restOfNotes writes, above the document, the comments on it and those on fields that it does not have.
func (y *yamlWriter) restOfNotes(out *bytes.Buffer) {
	for _, n := range y.notes {
		if !n.written {
			out.Write(appendComment(nil, n.Text, 0))
		}
	}
}

// appendComment writes a comment with its line breaks, and more where a line is too long.
func appendComment(b []byte, text string, indent int) []byte {
	width := max(lineWidth-indent-len("# "), 40)
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = strings.TrimRight(strings.Map(visible, line), " ")
		b = append(append(b, strings.Repeat(" ", indent)...), '#')
		if utf8.RuneCountInString(line) <= width {
			if line != "" {
				b = append(append(b, ' '), line...)
			}
			b = append(b, '\n')
			continue
		}
		column := 0
		for word := range strings.FieldsSeq(line) {
			n := utf8.RuneCountInString(word)
			if column > 0 && column+1+n > width {
				b = append(append(append(b, '\n'), strings.Repeat(" ", indent)...), '#')
				column = 0
			}
			b = append(append(b, ' '), word...)
			column += 1 + n
		}
		b = append(b, '\n')
	}
	return b
}

// visible keeps out of comments what a file cannot hold.
func visible(r rune) rune {
	if printable(r) {
		return r
	}
	return ' '
}

package v1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDocuments is how many one file may hold. The tree of even an empty one takes much more than its text.
const maxDocuments = 100_000

// document is one YAML document of a file.
type document struct {
	root *yaml.Node
	// line is what is added to the nodes' lines to give the file's.
	line int
	text []byte
}

// documents splits a file at its "---" and "..." lines and parses each part by itself, so that a syntax error in one document leaves the others
// readable. Such a line at the left margin always ends a document, even inside a quoted or block text, so nothing is cut wrongly.
// unread is the text of the parts that could not be parsed.
func documents(f File) (docs []document, unread []byte, errs Errors) {
	data := bytes.TrimPrefix(f.Data, []byte("\xef\xbb\xbf"))
	if len(data) > MaxFileSize {
		return nil, nil, Errors{{Pos: Pos{f.Name, 1, 1},
			Message: fmt.Sprintf("the file is larger than %d MiB; split it", MaxFileSize>>20)}}
	}
	if e := badCharacter(f.Name, data); e != nil {
		return nil, data, Errors{e}
	}
	parts := split(data)
	if len(parts) > maxDocuments {
		return nil, data, Errors{{Pos: Pos{f.Name, 1 + parts[maxDocuments].line, 1}, Message: fmt.Sprintf("the file holds more than %d documents; split it", maxDocuments)}}
	}
	for _, p := range parts {
		if len(errs) >= maxMistakes {
			break // Load gives up
		}
		roots, err := parse(p.text)
		for _, r := range roots {
			docs = append(docs, document{root: r, line: p.line, text: p.text})
		}
		if err != nil {
			line, msg := syntaxError(p.text)
			unread = append(unread, p.text...)
			errs = append(errs, &Error{Pos: Pos{f.Name, p.line + line, firstColumn(p.text, line)}, Message: "yaml: " + msg})
		}
	}
	return docs, unread, errs
}

type part struct {
	text []byte
	line int // lines before it
}

func split(data []byte) []part {
	var parts []part
	start, startLine, line := 0, 0, 0
	directives := true // only blank lines, comments and directives so far: they belong to the document that follows
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := bytes.TrimRight(data[at:end], "\r\n")
		marker := bytes.Equal(text, []byte("---")) || bytes.HasPrefix(text, []byte("--- ")) || bytes.HasPrefix(text, []byte("---\t"))
		trimmed := bytes.TrimSpace(text)
		switch {
		case !directives && bytes.Equal(bytes.TrimRight(text, " \t"), []byte("...")):
			parts = append(parts, part{data[start:end], startLine})
			start, startLine, directives = end, line+1, true
		case marker:
			if !directives {
				parts = append(parts, part{data[start:at], startLine})
				start, startLine = at, line
			}
			directives = false
		case len(trimmed) > 0 && trimmed[0] != '#' && text[0] != '%':
			directives = false
		}
		at = end
	}
	if !directives {
		parts = append(parts, part{data[start:], startLine})
	}
	return parts
}

// parse gives the documents of a part: one, or none where it holds only comments.
func parse(text []byte) (roots []*yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		doc, err := decode(dec)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return roots, err
		}
		if len(doc.Content) > 0 {
			roots = append(roots, doc.Content[0])
		}
	}
}

// decode reads one document. yaml.v3 turns its own panics into errors, but not all of them ("internal error: … please report").
func decode(dec *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	doc = new(yaml.Node)
	return doc, dec.Decode(doc)
}

// firstColumn is the column, from 1, of the first character of a line (from 1) that is no blank.
func firstColumn(text []byte, line int) int {
	for ; line > 1; line-- {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return 1
	}
	return len(text) - len(bytes.TrimLeft(text, " \t")) + 1
}

// badCharacter finds what YAML does not allow in a file, and the line breaks that only YAML counts as such (a lone carriage return, U+0085,
// U+2028, U+2029): they would make every line number after them differ from the editor's.
func badCharacter(name string, data []byte) *Error {
	line, col := 1, 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		col++
		bad := ""
		switch {
		case r == '\n':
			line, col = line+1, 0
		case r == utf8.RuneError && size == 1:
			bad = fmt.Sprintf("the byte 0x%02x is not UTF-8; save the file as UTF-8", data[i])
		case r == '\r':
			if i+1 >= len(data) || data[i+1] != '\n' {
				bad = "a carriage return that no line feed follows; save the file with LF or CRLF line ends"
			}
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			bad = fmt.Sprintf("the character U+%04X is not allowed here; write it as an escape in double quotes, or remove it", r)
		}
		if bad != "" {
			return &Error{Pos: Pos{name, line, col}, Message: bad}
		}
		i += size
	}
	return nil
}

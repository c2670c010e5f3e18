package cib

import (
	"fmt"
	"strings"
)

// MaxSize is the size in bytes of the largest CIB that is read. One of 10 000 primitives with their constraints has 3 to 12 MiB.
const MaxSize = 32 << 20

const (
	// maxElements bounds the memory that a document takes as a tree, about 300 bytes an element.
	maxElements = 1_000_000
	// maxDepth bounds the nesting; a CIB has at most about fifteen levels.
	maxDepth = 200
)

// bounds refuses a document that is too large to be read as a tree, or whose tags do not close as they open: the reader of trees does not
// compare their names, and cannot tell a line. Everything else is left to it.
func bounds(s string) error {
	if len(s) > MaxSize {
		return fmt.Errorf("the document has %d MiB; a CIB of more than %d MiB is not read", len(s)>>20, MaxSize>>20)
	}
	line := func(at int) int { return 1 + strings.Count(s[:at], "\n") }
	elements := 0
	var open []string
	for at := 0; ; {
		i := strings.IndexByte(s[at:], '<')
		if i < 0 {
			if len(open) > 0 {
				return fmt.Errorf("line %d: the document ends within <%s>: unexpected EOF", line(len(strings.TrimRight(s, " \t\r\n"))), open[len(open)-1])
			}
			return nil
		}
		at += i
		rest := s[at:]
		switch {
		case strings.HasPrefix(rest, "<!--"):
			at += behind(rest, "-->")
		case strings.HasPrefix(rest, "<![CDATA["):
			at += behind(rest, "]]>")
		case strings.HasPrefix(rest, "<?"):
			at += behind(rest, "?>")
		case strings.HasPrefix(rest, "<!"):
			at += directiveEnd(rest)
		case strings.HasPrefix(rest, "</"):
			name := tagName(rest[2:])
			if len(open) == 0 {
				return fmt.Errorf("line %d: </%s> closes nothing", line(at), name)
			}
			if last := open[len(open)-1]; last != name {
				return fmt.Errorf("line %d: </%s> stands where <%s> must be closed", line(at), name, last)
			}
			open = open[:len(open)-1]
			at += behind(rest, ">")
		default:
			elements++
			n := tagEnd(rest)
			if !strings.HasSuffix(rest[:n], "/>") {
				open = append(open, tagName(rest[1:]))
			}
			at += n
			if len(open) > maxDepth {
				return fmt.Errorf("line %d: the document is nested deeper than %d levels", line(at), maxDepth)
			}
			if elements > maxElements {
				return fmt.Errorf("the document has more than %d elements", maxElements)
			}
		}
	}
}

// tagName is the name with which a tag's text begins.
func tagName(s string) string {
	if i := strings.IndexAny(s, " \t\r\n/>"); i >= 0 {
		return s[:i]
	}
	return s
}

// behind is the place behind the first end in s, or the end of s.
func behind(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

// directiveEnd is the place behind the > of the directive (<!DOCTYPE …>) with which s begins. It may hold others, comments, and quoted text.
func directiveEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case strings.HasPrefix(s[i:], "<!--"):
			i += behind(s[i:], "-->") - 1
		case c == '<':
			depth++
		case c == '>':
			if depth--; depth == 0 {
				return i + 1
			}
		case c == '"' || c == '\'':
			i += behind(s[i+1:], s[i:i+1])
		}
	}
	return len(s)
}

// tagEnd is the place behind the > of the tag with which s begins. A > in an attribute's value is none.
func tagEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '>':
			return i + 1
		case '"', '\'':
			j := strings.IndexByte(s[i+1:], c)
			if j < 0 {
				return len(s)
			}
			i += 1 + j
		}
	}
	return len(s)
}

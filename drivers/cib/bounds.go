package cib

import (
	"fmt"
	"strings"
)

// MaxSize is the size in bytes of the largest CIB that is read. 10 000 primitives with operations and constraints take about 12 MiB.
const MaxSize = 32 << 20

const (
	// maxElements bounds the memory that a document takes as a tree, about 300 bytes an element.
	maxElements = 1_000_000
	// maxDepth bounds the nesting; a CIB has at most about fifteen levels.
	maxDepth = 200
)

// bounds refuses a document that is too large to be read as a tree. It only looks at how tags open and close, and leaves it to the reader
// to find out what is wrong with them.
func bounds(s string) error {
	if len(s) > MaxSize {
		return fmt.Errorf("the document has %d MiB; a CIB of more than %d MiB is not read", len(s)>>20, MaxSize>>20)
	}
	elements, depth := 0, 0
	for at := 0; ; {
		i := strings.IndexByte(s[at:], '<')
		if i < 0 {
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
			at += behind(rest, ">")
		case strings.HasPrefix(rest, "</"):
			depth--
			at += 2
		default:
			elements++
			n := tagEnd(rest)
			if !strings.HasSuffix(rest[:n], "/>") {
				depth++
			}
			at += n
			if depth > maxDepth {
				return fmt.Errorf("line %d: the document is nested deeper than %d levels", 1+strings.Count(s[:at], "\n"), maxDepth)
			}
			if elements > maxElements {
				return fmt.Errorf("the document has more than %d elements", maxElements)
			}
		}
	}
}

// behind is the place behind the first end in s, or the end of s.
func behind(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
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

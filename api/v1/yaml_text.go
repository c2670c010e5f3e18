package v1

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// text writes a text as it is where the loader reads the same back, else in quotes. The loader keeps the text of every scalar, so that off,
// 0644 and 1e3 need none; null and ~ do.
func (y *yamlWriter) text(s string, inFlow bool) {
	if plain(s, inFlow) {
		y.buf = append(y.buf, s...)
	} else {
		y.quoted(s)
	}
}

// plain tells whether a text can stand without quotes behind a colon or a dash. It is stricter than YAML (section 7.3.3) where that costs
// nothing.
func plain(s string, inFlow bool) bool {
	switch s {
	case "", "~", "null", "Null", "NULL", "<<", "=":
		return false
	}
	switch first := s[0]; first {
	case ' ', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '?', ':':
		return false
	case '-':
		if len(s) == 1 || s[1] == ' ' || strings.HasPrefix(s, "---") {
			return false
		}
	case '.':
		if strings.HasPrefix(s, "...") {
			return false
		}
	}
	last := s[len(s)-1]
	if last == ' ' || last == ':' || strings.Contains(s, ": ") || strings.Contains(s, " #") || inFlow && strings.ContainsAny(s, ",[]{}?") {
		return false
	}
	for _, r := range s {
		if !printable(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// printable tells which characters may stand as they are, in any line of a file (see badCharacter), and can be seen there.
func printable(r rune) bool { return r == ' ' || r != utf8.RuneError && unicode.IsPrint(r) }

// quoted writes a text in single quotes where these spare backslashes, else in double ones.
func (y *yamlWriter) quoted(s string) {
	if strings.ContainsAny(s, `\"`) && !strings.ContainsFunc(s, func(r rune) bool { return !printable(r) || r == '\'' }) {
		y.buf = append(append(append(y.buf, '\''), s...), '\'')
		return
	}
	y.buf = append(y.buf, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			y.buf = append(y.buf, '\\', byte(r))
		case r == '\n':
			y.buf = append(y.buf, `\n`...)
		case r == '\t':
			y.buf = append(y.buf, `\t`...)
		case r == '\r':
			y.buf = append(y.buf, `\r`...)
		case printable(r):
			y.buf = utf8.AppendRune(y.buf, r)
		case r <= 0xffff:
			y.buf = fmt.Appendf(y.buf, `\u%04X`, r)
		default:
			y.buf = fmt.Appendf(y.buf, `\U%08X`, r)
		}
	}
	y.buf = append(y.buf, '"')
}

// literal tells which texts are written as a block: of several lines that need no escapes, and for which YAML finds the indentation itself.
func literal(s string) bool {
	text := strings.TrimSuffix(s, "\n")
	if !strings.Contains(text, "\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\t") {
		return false
	}
	for i, line := range strings.Split(text, "\n") {
		blank := strings.TrimSpace(line) == ""
		if blank && (line != "" || i == 0) || strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && !printable(r) }) {
			return false
		}
	}
	return utf8.ValidString(s) && !strings.HasSuffix(text, "\n")
}

// literal writes a text as a block, with the end of the line.
func (y *yamlWriter) literal(s string, indent int) {
	text, ended := strings.CutSuffix(s, "\n")
	y.buf = append(y.buf, '|')
	if !ended {
		y.buf = append(y.buf, '-')
	}
	y.buf = append(y.buf, '\n')
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			y.indent(indent)
		}
		y.buf = append(append(y.buf, line...), '\n')
	}
}

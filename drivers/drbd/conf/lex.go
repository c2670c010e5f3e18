package conf

import (
	"fmt"
	"regexp"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// A word is a token: a bare word, a quoted string, or one of the characters { } ; [ ] :
type word struct {
	text   string // without quotes and escapes
	kind   kind
	quoted bool
	pos    v1.Pos
}

type kind uint8

const (
	kEOF kind = iota
	kString
	kInteger // up to eight digits and a unit
	kIPv4
	kIPv6
	kVersion // 9.1.2
	kKeyword
	kSign
	kElse // a character that has no place in the language
)

// What drbdadm's scanner takes, in characters.
const (
	maxBare   = 128
	maxQuoted = 255
)

var (
	reInteger = regexp.MustCompile(`^[0-9]{1,8}[MKGs]?$`)
	reIPv4    = regexp.MustCompile(`^([0-9]{1,3}\.){3}[0-9]{1,3}$`)
	reVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	reIPv6    = longest(`^((([0-9a-fA-F]{1,4}:){0,5}[0-9a-fA-F]{1,4})?:([0-9a-fA-F]{1,4})?:([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){0,5})?` +
		`(%[a-zA-Z0-9/._-]{1,128})?|::[fF]{4}:([0-9]{1,3}\.){3}[0-9]{1,3})`)
)

func longest(s string) *regexp.Regexp {
	re := regexp.MustCompile(s)
	re.Longest()
	return re
}

// keywords are the words that both dialects reserve: as a name each must stand in quotes.
var keywords = set(`on stacked-on-top-of floating no net yes ask skip disk proxy minor inside volume cmd-timeout-short cmd-timeout-medium
	cmd-timeout-long syncer device global common options outside address startup include handlers minor-count disable-ip-verification
	udev-always-use-vnr dialog-refresh resource meta-disk flexible-meta-disk usage-count _this_host _remote_host sci ssocks sdp ipv4 ipv6`)

// keywords9 are those that only DRBD 9 reserves; 8.4 reserves the names of all options in their place.
var keywords9 = set(`via host hosts port connection connection-mesh node-id _peer_node_id _is_standalone template-file path
	require-drbd-module-version-eq require-drbd-module-version-ne require-drbd-module-version-gt require-drbd-module-version-ge
	require-drbd-module-version-lt require-drbd-module-version-le`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

type lexer struct {
	file      string
	text      string
	at        int
	line, col int
}

func newLexer(file string, text []byte) *lexer {
	return &lexer{file: file, text: string(text), line: 1, col: 1}
}

func (l *lexer) pos() v1.Pos { return v1.Pos{File: l.file, Line: l.line, Col: l.col} }

// step moves on by n bytes of one line.
func (l *lexer) step(n int) {
	for _, c := range []byte(l.text[l.at : l.at+n]) {
		if c&0xC0 != 0x80 { // not inside of a rune
			l.col++
		}
	}
	l.at += n
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '.' || c == '_' || c == '-'
}

// next gives the next word, or an error with its place.
func (l *lexer) next() (word, error) {
	for l.at < len(l.text) {
		switch c := l.text[l.at]; {
		case c == '\n':
			l.at, l.line, l.col = l.at+1, l.line+1, 1
		case c == ' ' || c == '\t' || c == '\r':
			l.step(1)
		case c == '#':
			end := strings.IndexByte(l.text[l.at:], '\n')
			if end < 0 {
				end = len(l.text) - l.at
			}
			l.step(end)
		case c == '"':
			return l.quoted()
		default:
			return l.bare()
		}
	}
	return word{kind: kEOF, pos: l.pos()}, nil
}

// bare reads the longest thing that is a word, as flex does.
func (l *lexer) bare() (word, error) {
	w := word{pos: l.pos()}
	rest := l.text[l.at:]
	if n := ipv6Len(rest); n > 0 {
		w.text, w.kind = rest[:n], kIPv6
		l.step(n)
		return w, nil
	}
	n := 0
	for n < len(rest) && isBare(rest[n]) {
		n++
	}
	switch {
	case n > maxBare:
		return w, errAt(w.pos, "a word of %d characters: drbdadm reads at most %d (or %d in quotes)", n, maxBare, maxQuoted)
	case n > 0:
		w.text = rest[:n]
		w.kind = kindOf(w.text)
	case strings.IndexByte("{};[]:", rest[0]) >= 0:
		n, w.text, w.kind = 1, rest[:1], kSign
	default:
		n = 1
		for n < len(rest) && rest[n]&0xC0 == 0x80 {
			n++
		}
		w.text, w.kind = rest[:n], kElse
	}
	l.step(n)
	return w, nil
}

// kindOf says what a bare word is.
func kindOf(s string) kind {
	switch c := s[0]; {
	case c < '0' || c > '9':
		if keywords[s] {
			return kKeyword
		}
	case reInteger.MatchString(s):
		return kInteger
	case reIPv4.MatchString(s):
		return kIPv4
	case reVersion.MatchString(s):
		return kVersion
	}
	return kString
}

// ipv6Len is the length of the IPv6 address that s begins with, or 0.
func ipv6Len(s string) int {
	colons, n := 0, 0
	for n < len(s) && (isBare(s[n]) || s[n] == ':' || s[n] == '%') && n < 2*maxBare {
		if s[n] == ':' {
			colons++
		}
		n++
	}
	if colons < 2 {
		return 0
	}
	return len(reIPv6.FindString(s[:n]))
}

func (l *lexer) quoted() (word, error) {
	w := word{pos: l.pos(), kind: kString, quoted: true}
	rest := l.text[l.at+1:]
	var b strings.Builder
	for i, n := 0, 0; i < len(rest) && rest[i] != '\n'; i, n = i+1, n+1 {
		if rest[i] == '"' {
			w.text = b.String()
			l.step(i + 2)
			return w, nil
		}
		if n == maxQuoted {
			return w, errAt(w.pos, "a quoted string of more than %d characters: drbdadm does not read it", maxQuoted)
		}
		if rest[i] == '\\' {
			i++
			if i == len(rest) || rest[i] == '\n' {
				break
			}
		}
		b.WriteByte(rest[i])
	}
	return w, errAt(w.pos, "a quoted string without its end: it must end on its line")
}

// Error is what is wrong with a configuration, and where.
type Error struct {
	Pos v1.Pos
	Msg string
}

func (e *Error) Error() string {
	if e.Pos.IsZero() {
		return e.Msg
	}
	return e.Pos.String() + ": " + e.Msg
}

func errAt(p v1.Pos, format string, args ...any) *Error {
	return &Error{Pos: p, Msg: fmt.Sprintf(format, args...)}
}

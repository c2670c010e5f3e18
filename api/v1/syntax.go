package v1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s).*)$`)
	anchorName = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError says what is wrong with a text that yaml.v3 does not parse, and in which line, from 1.
//
// The line in yaml.v3's own text is that of the surrounding map for most mistakes, counted from 0 or from 1, and is missing for the first
// line and for unknown anchors. How far the parser had read when it gave up tells better. Its own line is used only where a text or a
// bracket never ends, since there it is that of the beginning.
func syntaxError(text []byte) (line int, msg string) {
	// A line before it keeps yaml.v3 from taking line 0 for "not known"; lines after it keep the end of the text out of its lookahead.
	const before, after = "\n", "\n\n\n\n\n\n\n\n"
	r := &byteReader{text: []byte(before + string(text) + after)}
	dec := yaml.NewDecoder(r)
	var err error
	for err == nil {
		_, err = decode(dec)
	}
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil || errors.Is(err, io.EOF) {
		return 1, err.Error()
	}
	told, _ := strconv.Atoi(m[1])
	msg = m[2]
	last := 1 + bytes.Count(bytes.TrimSpace(text), []byte("\n")) + bytes.Count(text[:len(text)-len(bytes.TrimLeft(text, " \t\r\n"))], []byte("\n"))
	in := func(line int) int { return min(max(1, line), last) }
	at := func(offset int) int { return in(bytes.Count(r.text[:offset], []byte("\n"))) }
	offset := r.lookedAt()
	switch {
	case strings.Contains(msg, "unexpected end of stream"):
		return in(told - 1), "the quoted text that begins here never ends"
	case strings.Contains(msg, "expected ',' or"): // of a parser's error yaml.v3 counts the lines from 0
		return in(told), "the list or map in brackets that begins here is not closed, or a comma in it is missing"
	case strings.Contains(msg, "mapping values are not allowed"):
		return at(offset), "a colon too many, or wrong indentation; a text that holds \": \" or ends in \":\" must stand in quotes"
	case strings.Contains(msg, "cannot start any token"):
		return at(offset), "a value cannot begin with this character (tab, @, `, %); put it in quotes, and indent with spaces"
	}
	if name := anchorName.FindStringSubmatch(msg); name != nil {
		return at(max(0, bytes.LastIndex(r.text[:r.read], []byte("*"+name[1])))), fmt.Sprintf("there is no anchor &%s before this alias", name[1])
	}
	// The parser has read to the end of the token that it does not like, which for a plain text is the beginning of the next line.
	if !strings.ContainsRune("]},", rune(r.text[offset])) {
		offset = len(bytes.TrimRight(r.text[:offset], " \r\n"))
	}
	switch {
	case strings.Contains(msg, "did not find expected key"):
		msg = "this line does not continue the map before it; check its indentation and the quotes and colons above"
	case strings.Contains(msg, "did not find expected '-'"):
		msg = "this line does not continue the list before it; check its indentation"
	}
	return at(offset), msg
}

// byteReader hands out one byte a read, so that it knows how far the parser got.
type byteReader struct {
	text []byte
	read int
}

func (r *byteReader) Read(p []byte) (int, error) {
	if r.read == len(r.text) {
		return 0, io.EOF
	}
	p[0] = r.text[r.read]
	r.read++
	return 1, nil
}

// lookedAt is the offset of the character that the parser looks at, or a little less: it reads up to four characters ahead.
func (r *byteReader) lookedAt() int {
	at := r.read
	for range 4 {
		_, size := utf8.DecodeLastRune(r.text[:at])
		at -= size
	}
	return at
}

package cib

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// tagged is where an element stands in a text: its start tag, and its end tag, which is the same for <a/>.
type tagged struct {
	begin, opened int // <a …>
	closing, end  int // </a>
}

// empty tells <a/>.
func (s tagged) empty() bool { return s.closing == s.end }

// splicer writes a document again as its source has it, except for what was changed.
type splicer struct {
	src   string
	spans map[*etree.Element]tagged // of the elements as they were
	out   strings.Builder
}

// spliced writes the changed copy of the document that src is. Every byte outside of changed tags, and of elements that came or went, stays.
func spliced(src string, changed *etree.Document) (string, error) {
	was, err := parse(src)
	if err != nil {
		return "", err
	}
	spans, err := spansOf(src)
	if err != nil {
		return "", err
	}
	s := &splicer{src: src, spans: map[*etree.Element]tagged{}}
	var number func(*etree.Element)
	number = func(el *etree.Element) {
		if len(spans) == 0 {
			return
		}
		s.spans[el], spans = spans[0], spans[1:]
		for _, c := range el.ChildElements() {
			number(c)
		}
	}
	number(was.Root())
	if len(s.spans) == 0 || len(spans) != 0 {
		return "", errors.New("the places of its elements cannot be told")
	}
	root := s.spans[was.Root()]
	s.out.WriteString(src[:root.begin])
	s.element(was.Root(), changed.Root())
	s.out.WriteString(src[root.end:])
	return s.out.String(), nil
}

// spansOf finds the elements of a text in the order of their start tags.
func spansOf(src string) ([]tagged, error) {
	d := xml.NewDecoder(strings.NewReader(src))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var spans []tagged
	var open []int
	for {
		before := int(d.InputOffset())
		t, err := d.RawToken()
		after := int(d.InputOffset())
		switch {
		case errors.Is(err, io.EOF):
			return spans, nil
		case err != nil:
			return nil, fmt.Errorf("no readable XML: %w", err)
		}
		switch t.(type) {
		case xml.StartElement:
			open = append(open, len(spans))
			spans = append(spans, tagged{begin: before, opened: after})
		case xml.EndElement:
			if len(open) == 0 {
				return nil, errors.New("no readable XML: an end tag without its start")
			}
			s := &spans[open[len(open)-1]]
			open = open[:len(open)-1]
			s.closing, s.end = before, after
		}
	}
}

// element writes now, which was was.
func (s *splicer) element(was, now *etree.Element) {
	at := s.spans[was]
	olds, news := was.ChildElements(), now.ChildElements()
	keys, stay := identities(olds), map[string]*etree.Element{}
	kept := stays(olds, news)
	for i, c := range olds {
		if kept[keys[i]] {
			stay[keys[i]] = c
		}
	}
	if at.empty() && len(news) > 0 {
		tag := strings.TrimRight(strings.TrimSuffix(s.tag(was, now), "/>"), " \t\r\n")
		s.out.WriteString(tag + ">")
		indent := s.indent(at.begin)
		for _, c := range news {
			s.fresh(c, indent+"  ")
		}
		s.out.WriteString("\n" + indent + "</" + now.FullTag() + ">")
		return
	}
	s.out.WriteString(s.tag(was, now))
	if at.empty() {
		return
	}
	cursor, indent := at.opened, s.childIndent(was, at)
	next := 0 // of olds
	newKeys := identities(news)
	for i, c := range news {
		old := stay[newKeys[i]]
		if old == nil {
			s.fresh(c, indent)
			continue
		}
		for olds[next] != old { // what stood before it and went
			cursor = s.skip(cursor, s.spans[olds[next]])
			next++
		}
		next++
		s.out.WriteString(s.src[cursor:s.spans[old].begin])
		s.element(old, c)
		cursor = s.spans[old].end
	}
	for ; next < len(olds); next++ {
		cursor = s.skip(cursor, s.spans[olds[next]])
	}
	s.out.WriteString(s.src[cursor:at.end])
}

// skip leaves out an element and the white space before it, and keeps what else stands there.
func (s *splicer) skip(cursor int, gone tagged) int {
	s.out.WriteString(strings.TrimRight(s.src[cursor:gone.begin], " \t\r\n"))
	return gone.end
}

// fresh writes an element that is new, on a line of its own. What it holds of manifests' passwords in clear text is masked.
func (s *splicer) fresh(el *etree.Element, indent string) {
	el = el.Copy()
	mask(el)
	doc := etree.NewDocument()
	doc.WriteSettings.CanonicalAttrVal = true
	doc.SetRoot(el)
	doc.Indent(2)
	text, err := doc.WriteToString()
	if err != nil { // a strings.Builder does not fail
		return
	}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		s.out.WriteString("\n" + indent + strings.TrimRight(line, "\n"))
	}
}

// indent is the white space in front of a place, if nothing else stands there in its line.
func (s *splicer) indent(at int) string {
	line := s.src[strings.LastIndexByte(s.src[:at], '\n')+1 : at]
	if strings.Trim(line, " \t") != "" {
		return ""
	}
	return line
}

// childIndent is that of the children of an element.
func (s *splicer) childIndent(el *etree.Element, at tagged) string {
	if cs := el.ChildElements(); len(cs) > 0 {
		return s.indent(s.spans[cs[0]].begin)
	}
	return s.indent(at.begin) + "  "
}

// tag writes the start tag: the source's where no attribute changed, else with the changed ones in their places.
func (s *splicer) tag(was, now *etree.Element) string {
	at := s.spans[was]
	src := s.src[at.begin:at.opened]
	secret := secretPair(now)
	var out strings.Builder
	cursor := 0
	for _, x := range attrPlaces(src) {
		a, b := was.SelectAttr(x.name), now.SelectAttr(x.name)
		switch {
		case b == nil:
			out.WriteString(src[cursor:x.begin])
			cursor = x.end
		case a == nil || b.Value != a.Value:
			out.WriteString(src[cursor:x.value] + attrText(b.Value, secret && b.Key == "value"))
			cursor = x.end
		}
	}
	tail := len(strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(src, ">"), "/"), " \t\r\n"))
	if cursor < tail {
		out.WriteString(src[cursor:tail])
		cursor = tail
	}
	for _, b := range now.Attr {
		if was.SelectAttr(b.FullKey()) == nil {
			out.WriteString(" " + b.FullKey() + "=" + attrText(b.Value, secret && b.Key == "value"))
		}
	}
	out.WriteString(src[cursor:])
	return out.String()
}

// attrPlace is where an attribute stands in a start tag: from the white space before it, from the quote of its value.
type attrPlace struct {
	name              string
	begin, value, end int
}

func attrPlaces(tag string) []attrPlace {
	var places []attrPlace
	for i := 0; i < len(tag); {
		eq := strings.IndexByte(tag[i:], '=')
		if eq < 0 {
			break
		}
		eq += i
		name := strings.Trim(tag[i:eq], " \t\r\n")
		name = name[strings.LastIndexAny(name, " \t\r\n")+1:] // the first has the tag before it
		at := strings.LastIndex(tag[:eq], name)
		begin := len(strings.TrimRight(tag[:at], " \t\r\n"))
		value := strings.IndexAny(tag[eq:], `"'`)
		if value < 0 {
			break
		}
		value += eq
		end := strings.IndexByte(tag[value+1:], tag[value])
		if end < 0 {
			break
		}
		i = value + 1 + end + 1
		places = append(places, attrPlace{name, begin, value, i})
	}
	return places
}

// attrText writes a value in quotes.
func attrText(v string, secret bool) string {
	if secret {
		v = reconcile.Mask
	}
	el := etree.NewElement("a")
	el.CreateAttr("v", v)
	text := source(el)
	return text[len(`<a v=`) : len(text)-len(`/>`)]
}

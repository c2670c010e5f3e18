package corosync

import (
	"fmt"
	"strings"
)

// Conf is a corosync.conf as it is written: sections, options, comments and blanks, in order. Print gives back the very bytes that
// ParseConf was given.
//
// The grammar is that of corosync's own reader (exec/coroparse.c, parse_section): a line is blank, a comment (first character #), the
// beginning of a section ("name {"), an option ("name: value"), or the end of a section ("}").
type Conf struct {
	Root Section
	// noNewline tells that the last line lacked its newline.
	noNewline bool
}

// Section is a section with its lines.
type Section struct {
	Name  string
	Lines []Line
}

// Line is one of: a section (Section set), an option (Key set), or something to keep as it is (Raw).
type Line struct {
	Section *Section
	Key     string
	Value   string

	raw   string // the line as it was read, without its newline; of a section its first line
	end   string // of a section: its last line
	fresh bool   // made by hactl, so raw and end do not count
}

// maxLine is the longest line that corosync reads, comments too: coroparse.c has a buffer of 512 bytes and gives up on more.
const maxLine = 510

// ParseConf reads a corosync.conf. It gives an error where corosync itself would refuse to start.
func ParseConf(text string) (*Conf, error) {
	c := &Conf{noNewline: text != "" && !strings.HasSuffix(text, "\n")}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		lines = nil
	}
	if c.noNewline {
		lines = strings.Split(text, "\n")
	}
	stack := []*Section{&c.Root}
	for i, raw := range lines {
		cur := stack[len(stack)-1]
		t := strings.TrimSpace(raw)
		if len(raw) > maxLine {
			return nil, fmt.Errorf("corosync.conf line %d: longer than the %d bytes that corosync reads", i+1, maxLine)
		}
		switch {
		case t == "" || t[0] == '#':
			cur.Lines = append(cur.Lines, Line{raw: raw})
		case strings.Contains(t, "{"):
			name, rest, _ := strings.Cut(t, "{")
			s := &Section{Name: strings.TrimSpace(name)}
			if s.Name == "" || strings.TrimSpace(rest) != "" {
				return nil, fmt.Errorf("corosync.conf line %d: a section begins with its name and { alone: %q", i+1, t)
			}
			cur.Lines = append(cur.Lines, Line{Section: s, raw: raw})
			stack = append(stack, s)
		case strings.Contains(t, ":"):
			k, v, _ := strings.Cut(t, ":")
			if len(stack) == 1 {
				return nil, fmt.Errorf("corosync.conf line %d: option %q outside of a section", i+1, strings.TrimSpace(k))
			}
			cur.Lines = append(cur.Lines, Line{Key: strings.TrimSpace(k), Value: strings.TrimSpace(v), raw: raw})
		case strings.Contains(t, "}"):
			if len(stack) == 1 {
				return nil, fmt.Errorf("corosync.conf line %d: unexpected }", i+1)
			}
			stack = stack[:len(stack)-1]
			up := stack[len(stack)-1]
			up.Lines[len(up.Lines)-1].end = raw
		default:
			return nil, fmt.Errorf("corosync.conf line %d: neither an option nor a section: %q", i+1, t)
		}
	}
	if len(stack) > 1 {
		return nil, fmt.Errorf("corosync.conf: section %q is not closed", stack[len(stack)-1].Name)
	}
	return c, nil
}

// Print writes the file.
func (c *Conf) Print() string {
	var b strings.Builder
	c.Root.print(&b, "")
	s := b.String()
	if c.noNewline {
		s = strings.TrimSuffix(s, "\n")
	}
	return s
}

const indentStep = "    "

func (s *Section) print(b *strings.Builder, indent string) {
	for _, l := range s.Lines {
		switch {
		case l.Section != nil && l.fresh:
			b.WriteString(indent + l.Section.Name + " {\n")
			l.Section.print(b, indent+indentStep)
			b.WriteString(indent + "}\n")
		case l.Section != nil:
			b.WriteString(l.raw + "\n")
			inner := leading(l.raw) + indentStep
			for _, x := range l.Section.Lines { // new lines stand under the old ones
				if !x.fresh && strings.TrimSpace(x.raw) != "" {
					inner = leading(x.raw)
					break
				}
			}
			l.Section.print(b, inner)
			b.WriteString(l.end + "\n")
		case l.Key != "" && l.fresh:
			b.WriteString(indent + l.Key + ": " + l.Value + "\n")
		default:
			b.WriteString(l.raw + "\n")
		}
	}
}

func leading(s string) string { return s[:len(s)-len(strings.TrimLeft(s, " \t"))] }

// sections gives the sections of that name.
func (s *Section) sections(name string) []*Section {
	var out []*Section
	for _, l := range s.Lines {
		if l.Section != nil && l.Section.Name == name {
			out = append(out, l.Section)
		}
	}
	return out
}

// get gives an option's value; the last line of that name counts, as in corosync.
func (s *Section) get(key string) (string, bool) {
	for i := len(s.Lines) - 1; i >= 0; i-- {
		if s.Lines[i].Section == nil && s.Lines[i].Key == key {
			return s.Lines[i].Value, true
		}
	}
	return "", false
}

// set changes an option where it stands last, or adds it after the last option.
func (s *Section) set(key, value string) {
	at := 0
	for i := range s.Lines {
		l := &s.Lines[i]
		if l.Section != nil || l.Key == "" {
			continue
		}
		at = i + 1
	}
	for i := len(s.Lines) - 1; i >= 0; i-- {
		if l := &s.Lines[i]; l.Section == nil && l.Key == key {
			if l.Value != value {
				l.Value = value
				l.raw = leading(l.raw) + key + ": " + value
			}
			return
		}
	}
	s.insert(at, Line{Key: key, Value: value, fresh: true})
}

// remove drops an option, each line of it.
func (s *Section) remove(key string) {
	out := s.Lines[:0]
	for _, l := range s.Lines {
		if l.Section == nil && l.Key == key {
			continue
		}
		out = append(out, l)
	}
	s.Lines = out
}

// add appends an empty section.
func (s *Section) add(name string) *Section {
	n := &Section{Name: name}
	if len(s.Lines) > 0 && s.Name == "" {
		s.Lines = append(s.Lines, Line{})
	}
	s.Lines = append(s.Lines, Line{Section: n, fresh: true})
	return n
}

func (s *Section) insert(at int, l Line) {
	s.Lines = append(s.Lines, Line{})
	copy(s.Lines[at+1:], s.Lines[at:])
	s.Lines[at] = l
}

// clone is a deep copy.
func (c *Conf) clone() *Conf {
	return &Conf{Root: *c.Root.clone(), noNewline: c.noNewline}
}

func (s *Section) clone() *Section {
	n := &Section{Name: s.Name, Lines: append([]Line(nil), s.Lines...)}
	for i, l := range n.Lines {
		if l.Section != nil {
			n.Lines[i].Section = l.Section.clone()
		}
	}
	return n
}

package conf

import (
	"strconv"

	v1 "github.com/hactl/hactl/api/v1"
)

// A cursor walks over the words of a statement after its keyword.
type cursor struct {
	n *node
	i int
}

func (n *node) cursor() *cursor { return &cursor{n: n, i: 1} }

// next gives the next word; behind the last one it is the ; or { that ends the words.
func (c *cursor) next() word {
	if c.i < len(c.n.words) {
		c.i++
		return c.n.words[c.i-1]
	}
	c.i = len(c.n.words) + 1
	return c.last()
}

func (c *cursor) last() word {
	if c.n.block {
		return word{text: "{", kind: kSign, pos: c.n.words[len(c.n.words)-1].pos}
	}
	return word{text: ";", kind: kSign, pos: c.n.end}
}

// peek tells whether the next word is that keyword or sign, and takes it then.
func (c *cursor) take(text string) bool {
	if c.i < len(c.n.words) && c.n.words[c.i].text == text && !c.n.words[c.i].quoted {
		c.i++
		return true
	}
	return false
}

func (c *cursor) more() bool { return c.i < len(c.n.words) }

func (c *cursor) expected(what string, got word) error {
	return errAt(got.pos, "%s: %s is expected, not %q", c.n.words[0].text, what, got.text)
}

// unknown is the error for a keyword that must not stand here.
func (n *node) unknown(expected string) error {
	return errAt(n.pos(), "unknown keyword %q: %s is expected", n.words[0].text, expected)
}

// close checks that the statement ends with ; here.
func (c *cursor) close() error {
	if w := c.next(); !w.sign(";") {
		return c.expected(";", w)
	}
	return nil
}

// open checks that a section begins here.
func (c *cursor) open() error {
	if w := c.next(); !w.sign("{") {
		return c.expected("{", w)
	}
	return nil
}

// name takes a name: a quoted string, or a bare word that is neither reserved nor a number nor an address.
func (c *cursor) name(what string) (word, error) {
	w := c.next()
	if w.kind == kKeyword {
		return w, errAt(w.pos, "%s: %s is expected: the keyword %q must stand in quotes to be a name", c.n.words[0].text, what, w.text)
	}
	if w.kind != kString {
		return w, c.expected(what, w)
	}
	return w, nil
}

// number takes a number between the limits.
func (c *cursor) number(what string, least, most int) (int, error) {
	w := c.next()
	if w.kind != kInteger {
		return 0, c.expected(what, w)
	}
	n, err := strconv.Atoi(w.text)
	if err != nil || n < least || n > most {
		return 0, errAt(w.pos, "%s: %s is %s, but must be a number from %d to %d", c.n.words[0].text, what, w.text, least, most)
	}
	return n, nil
}

// The limits of DRBD's numbers.
const (
	maxMinor  = 1<<20 - 1
	maxVolume = 65535
	maxNodeID = 31
	maxPort   = 65535
)

// address takes "[family] address : port".
func (c *cursor) address() (Address, error) {
	a := Address{Family: "ipv4"}
	w := c.next()
	if w.kind == kKeyword {
		switch w.text {
		case "sci": // the old name of ssocks
			a.Family = "ssocks"
		case "ssocks", "sdp", "ipv4", "ipv6":
			a.Family = w.text
		default:
			return a, c.expected("an address family or an IPv4 address", w)
		}
		v6 := a.Family == "ipv6"
		if v6 && !c.take("[") {
			return a, c.expected("[", c.next())
		}
		w = c.next()
		if v6 && w.kind != kIPv6 {
			return a, c.expected("an IPv6 address", w)
		}
		if v6 && !c.take("]") {
			return a, c.expected("]", c.next())
		}
		if a.Host = w.text; v6 {
			return c.port(a)
		}
	}
	if w.kind != kIPv4 {
		return a, c.expected("an address family or an IPv4 address", w)
	}
	a.Host = w.text
	return c.port(a)
}

func (c *cursor) port(a Address) (Address, error) {
	if !c.take(":") {
		return a, c.expected(":PORT", c.next())
	}
	var err error
	a.Port, err = c.number("the port", 1, maxPort)
	return a, err
}

// pos is the place of the next word.
func (c *cursor) pos() v1.Pos {
	if c.more() {
		return c.n.words[c.i].pos
	}
	return c.last().pos
}

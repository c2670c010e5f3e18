// Package view turns plans, events and status into text and JSON. It is pure: the command, and later the web page and notifications, share
// it.
package view

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hactl/hactl/reconcile"
)

// Width is the number of columns that no line of a text view exceeds.
const Width = 80

// Style colours text, or leaves it plain where Color is false. Colour never carries meaning that the words do not.
type Style struct {
	Color bool
	// Now is what ages are counted from; zero: no age is told.
	Now time.Time
}

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) bold(t string) string   { return s.paint("1", t) }
func (s Style) dim(t string) string    { return s.paint("2", t) }
func (s Style) red(t string) string    { return s.paint("31", t) }
func (s Style) green(t string) string  { return s.paint("32", t) }
func (s Style) yellow(t string) string { return s.paint("33", t) }

// risk paints what carries a risk: what may end a service red, what interrupts one yellow.
func (s Style) risk(r reconcile.Risk, t string) string {
	switch {
	case r > reconcile.RestartRisk:
		return s.red(t)
	case r > reconcile.ReloadRisk:
		return s.yellow(t)
	}
	return t
}

// cut shortens text to n columns with an ellipsis, and makes it one line.
func cut(text string, n int) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	if n < 1 {
		return ""
	}
	r := []rune(text)
	return string(r[:n-1]) + "…"
}

func pad(text string, n int) string {
	if w := utf8.RuneCountInString(text); w < n {
		return text + strings.Repeat(" ", n-w)
	}
	return text
}

// wrap breaks text at blanks into lines of at most Width columns; the first begins with first, the others with rest.
func wrap(first, rest, text string) string {
	var b strings.Builder
	line, indent := first, first
	for _, w := range strings.Fields(text) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > Width {
			b.WriteString(line + "\n")
			line, indent = rest, rest
		}
		if line == indent {
			line += w
		} else {
			line += " " + w
		}
	}
	return b.String() + line + "\n"
}

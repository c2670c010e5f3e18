package view

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// reaction writes a reaction for people: "restart  db  on node1  (params.ip, cluster.yaml:12)". Where its cause is known, that is more use than
// Pacemaker's reason.
func reaction(r reconcile.Reaction) string {
	line := strings.TrimRight(fmt.Sprintf("%-33s %s", fmt.Sprintf("%-8s %s", r.Action, cmp.Or(r.Resource, r.Node)), where(r)), " ")
	why := cmp.Or(because(r), r.Reason)
	if (r.Action == "monitor" || r.Action == "blocked") && r.Reason != why { // what happens is said by the reason alone
		why = r.Reason + "; " + why
	}
	switch {
	case why == "":
		return cut(line, Width-2)
	case utf8.RuneCountInString(line+why)+4 > Width-2:
		return cut(line, Width-2) + "\n" + strings.TrimSuffix(wrap("      (", "       ", why+")"), "\n")
	}
	return line + "  (" + why + ")"
}

// because writes the causes of a reaction, "" if they are not known.
func because(r reconcile.Reaction) string {
	if len(r.Causes) == 0 {
		return ""
	}
	resource, _, _ := strings.Cut(r.Resource, ":")
	first := cause(r.Causes[0], resource)
	and := " or "
	if r.Jointly {
		and = " and "
	}
	switch n := len(r.Causes); n {
	case 1:
		if at := place(r.Causes[0].Source); at != "" {
			first += ", " + at
		}
		return first
	case 2:
		return first + and + cause(r.Causes[1], resource)
	default:
		return fmt.Sprintf("%s%s%d more", first, and, n-1)
	}
}

// cause names the field alone where the object is the one that reacts.
func cause(c reconcile.Cause, resource string) string {
	switch {
	case c.Path == "":
		return c.Object.String()
	case c.Object.Name == resource:
		return c.Path
	}
	return c.Object.String() + " " + c.Path
}

// place is a short form of a position: the file's own name and the line.
func place(p v1.Pos) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(p.File), p.Line)
}

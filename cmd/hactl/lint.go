package main

import (
	"strings"

	"github.com/hactl/hactl/api/lint"
	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// lintNotes puts what the lints find into a plan: what is wrong, in one line. hactl validate tells the reason and what to do.
func lintNotes(m *v1.Manifests) []reconcile.Note {
	var notes []reconcile.Note
	for _, w := range lint.Check(m) {
		kind, name, _ := strings.Cut(w.Object, "/")
		what, _, _ := strings.Cut(w.Message, ": ")
		notes = append(notes, reconcile.Note{
			Kind: reconcile.NoteWarning, Object: reconcile.Ref{Kind: kind, Name: name}, Path: strings.TrimPrefix(w.Path, "spec."),
			Text: what + " [" + w.Lint + "]", Source: w.Pos,
		})
	}
	return notes
}

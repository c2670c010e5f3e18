package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hactl/hactl/api/lint"
	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// lintNotes puts what the lints find into a plan: what is wrong, in one line, and of each lint the first few. hactl validate tells all, the
// reasons, and what to do. What was selected is looked at as a part of the whole.
func lintNotes(m *v1.Manifests) []reconcile.Note {
	const few = 3
	var notes []reconcile.Note
	var order []string
	count := map[string]int{}
	told := map[string]bool{"Cluster/" + m.Cluster.Metadata.Name: true}
	for _, o := range m.Objects() {
		told[o.Kind+"/"+o.Metadata.Name] = true
	}
	for _, w := range lint.Check(cmp.Or(m.Whole, m)) {
		if m.Whole != nil && !told[w.Object] {
			continue
		}
		if count[w.Lint]++; count[w.Lint] > few {
			continue
		}
		if count[w.Lint] == 1 {
			order = append(order, w.Lint)
		}
		kind, name, _ := strings.Cut(w.Object, "/")
		what, _, _ := strings.Cut(w.Message, ": ")
		notes = append(notes, reconcile.Note{
			Kind: reconcile.NoteWarning, Object: reconcile.Ref{Kind: kind, Name: name}, Path: strings.TrimPrefix(w.Path, "spec."),
			Text: what + " [" + w.Lint + "]", Source: w.Pos,
		})
	}
	for _, id := range order {
		if more := count[id] - few; more > 0 {
			notes = append(notes, reconcile.Note{
				Kind: reconcile.NoteWarning, Object: reconcile.Ref{Kind: "Cluster", Name: m.Cluster.Metadata.Name},
				Text: fmt.Sprintf("%d more [%s]; hactl validate tells them", more, id),
			})
		}
	}
	return notes
}

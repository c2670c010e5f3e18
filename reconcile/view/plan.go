package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// PlanText writes the plan for people: what changes by object, what the cluster will do, what is left alone, what must be allowed, and a
// summary as the last line. With steps it also lists the exact commands.
func PlanText(w io.Writer, p *reconcile.Plan, st Style, steps bool) error {
	var b strings.Builder
	if from := recorded(p, st.Now); from != "" {
		b.WriteString(wrap("", "  ", from))
		if len(p.Steps) > 0 {
			b.WriteString("\n")
		}
	}
	for _, u := range p.Unreachable {
		b.WriteString(st.red(strings.TrimSuffix(wrap("! ", "  ", u), "\n")) + "\n")
	}
	for _, r := range p.Refused {
		b.WriteString(st.red(strings.TrimSuffix(wrap("! ", "  ", "not now: "+r), "\n")) + "\n")
	}
	objects := byObject(p)
	writeObjects(&b, objects, st)
	writeReactions(&b, p, st)
	section(&b, "Failure drills", drillLines(p.Drills), st)
	writeNotes(&b, p, st)
	if steps {
		writeSteps(&b, p, st)
	}
	writeGates(&b, p, st)
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(summary(p, objects, st))
	_, err := io.WriteString(w, b.String())
	return err
}

func writeReactions(b *strings.Builder, p *reconcile.Plan, st Style) {
	pr := p.Prediction
	if pr.Unavailable != "" {
		b.WriteString("\n" + st.yellow(strings.TrimSuffix(wrap("prediction: unavailable: ", "  ", pr.Unavailable), "\n")) + "\n")
	}
	if pr.Assumed != "" {
		b.WriteString("\n" + wrap("prediction: ", "  ", pr.Assumed))
	}
	var lines, anyway []string
	for _, r := range pr.Reactions {
		line := st.risk(r.Risk, "  "+reaction(r))
		if r.Anyway {
			anyway = append(anyway, line)
		} else {
			lines = append(lines, line)
		}
	}
	if len(lines) > reactionLines {
		lines = foldedReactions(slices.DeleteFunc(slices.Clone(pr.Reactions), func(r reconcile.Reaction) bool { return r.Anyway }), st)
	}
	if len(anyway) > reactionLines {
		anyway = foldedReactions(slices.DeleteFunc(slices.Clone(pr.Reactions), func(r reconcile.Reaction) bool { return !r.Anyway }), st)
	}
	section(b, "The cluster will", lines, st)
	section(b, "The cluster would anyway", anyway, st)
	var unknown []string
	for _, u := range pr.Unknown {
		unknown = append(unknown, strings.TrimSuffix(wrap("  ", "    ", u), "\n"))
	}
	if pr.Unattributed != "" {
		unknown = append(unknown, strings.TrimSuffix(wrap("  ", "    ", pr.Unattributed), "\n"))
	}
	section(b, "Not predictable", unknown, st)
}

func writeNotes(b *strings.Builder, p *reconcile.Plan, st Style) {
	// Those of NoteAdopts say no more than the objects' own lines.
	titles := []struct {
		kind  reconcile.NoteKind
		title string
	}{
		{reconcile.NoteWarning, "Warnings"},
		{reconcile.NoteUnmanaged, "In no manifest, left alone"},
		{reconcile.NoteRuntime, "Set at run time, left alone"},
	}
	for _, t := range titles {
		section(b, t.title, foldNotes(notesOf(p.Notes, t.kind)), st)
	}
}

func section(b *strings.Builder, title string, lines []string, st Style) {
	if len(lines) == 0 {
		return
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(st.bold(title) + "\n" + strings.Join(lines, "\n") + "\n")
}

func writeSteps(b *strings.Builder, p *reconcile.Plan, st Style) {
	var lines []string
	for i, s := range p.Steps {
		lines = append(lines, fmt.Sprintf("%3d. ", i+1)+cut(s.ID, Width-5))
		for _, op := range s.Ops {
			lines = append(lines, strings.TrimSuffix(wrap("       ", "         ", op.String()), "\n"))
		}
		if s.Pending != "" {
			lines = append(lines, strings.TrimSuffix(wrap("       … ", "         ", s.Pending), "\n"))
		}
	}
	section(b, "Steps", lines, st)
}

func writeGates(b *strings.Builder, p *reconcile.Plan, st Style) {
	var lines []string
	for _, g := range foldGates(p.Gates()) {
		lines = append(lines, st.risk(g.Risk, strings.TrimSuffix(wrap("  "+pad(g.Risk.String(), 11), "             ", gated(g)+": "+g.Why), "\n")))
	}
	section(b, "To be allowed", lines, st)
}

// gated is what must be allowed, and whether by its name.
func gated(g reconcile.Gate) string {
	if g.ByName {
		return g.Object + " (by name)"
	}
	return g.Object
}

// Gates lists gates in words, many alike in one line.
func Gates(gates []reconcile.Gate) []string {
	var lines []string
	for _, g := range foldGates(gates) {
		lines = append(lines, fmt.Sprintf("%s: %s: %s", g.Risk, gated(g), g.Why))
	}
	return lines
}

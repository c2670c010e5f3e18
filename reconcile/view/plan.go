package view

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// PlanJSON writes the plan as indented JSON (reconcile.PlanVersion).
func PlanJSON(w io.Writer, p *reconcile.Plan) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(p)
}

// PlanText writes the plan for people: what changes by object, what the cluster will do, what is left alone, what must be allowed, and a
// summary as the last line. With steps it also lists the exact commands.
func PlanText(w io.Writer, p *reconcile.Plan, st Style, steps bool) error {
	var b strings.Builder
	if p.Record != "" {
		b.WriteString(wrap("", "  ", "Planned from "+p.Record+". The cluster itself was not asked: its machines, corosync, fence devices and stored secrets are not checked."))
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
	folded := fold(objects)
	for i, o := range folded {
		writeObject(&b, o, st)
		// What holds for a run of objects is said once, after the last.
		if i+1 == len(folded) || !slices.Equal(o.pending, folded[i+1].pending) {
			writePending(&b, o, st)
		}
	}
	writeReactions(&b, p, st)
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
	var lines, anyway []string
	for _, r := range pr.Reactions {
		line := "  " + reaction(r)
		if r.Risk > reconcile.ReloadRisk {
			line = st.yellow(line)
		}
		if r.Anyway {
			anyway = append(anyway, line)
		} else {
			lines = append(lines, line)
		}
	}
	section(b, "The cluster will", lines, st)
	section(b, "The cluster would anyway", anyway, st)
	var unknown []string
	for _, u := range pr.Unknown {
		unknown = append(unknown, strings.TrimSuffix(wrap("  ", "    ", u), "\n"))
	}
	section(b, "Not predictable", unknown, st)
}

func reaction(r reconcile.Reaction) string {
	where := ""
	switch {
	case r.From != "" && r.To != "" && r.From != r.To:
		where = r.From + " → " + r.To
	case r.To != "":
		where = "on " + r.To
	case r.From != "":
		where = "on " + r.From
	}
	what := r.Resource
	if what == "" {
		what = r.Node
	}
	line := strings.TrimRight(fmt.Sprintf("%-8s %-24s %s", r.Action, what, where), " ")
	if r.Reason != "" {
		line += "  (" + r.Reason + ")"
	}
	return cut(line, Width-2)
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
		var lines []string
		for _, n := range p.Notes {
			if n.Kind != t.kind {
				continue
			}
			text := n.Object.String()
			if n.Path != "" {
				text += " " + n.Path
			}
			if n.Text != "" {
				text += ": " + n.Text
			}
			lines = append(lines, strings.TrimSuffix(wrap("  ", "    ", text), "\n"))
		}
		section(b, t.title, lines, st)
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
	for _, g := range p.Gates() {
		lines = append(lines, strings.TrimSuffix(wrap("  "+pad(g.Risk.String(), 11), "             ", g.Object+": "+g.Why), "\n"))
	}
	section(b, "To be allowed", lines, st)
}

func summary(p *reconcile.Plan, objects []*object, st Style) string {
	if p.Empty() {
		s := fmt.Sprintf("%s: nothing to do.", p.Cluster)
		if len(p.Unreachable) > 0 {
			s = fmt.Sprintf("%s: nothing to do on the machines that answered.", p.Cluster)
		}
		return s + "\n"
	}
	n := map[reconcile.Action]int{}
	for _, o := range objects {
		n[o.action()]++
	}
	pending := 0
	for _, s := range p.Steps {
		if s.Pending != "" {
			pending++
		}
	}
	if p.OnlyAdopts() {
		return fmt.Sprintf("%s: nothing to change; adopts %s.\n", p.Cluster, count(n[reconcile.Adopt], "object"))
	}
	parts := []string{fmt.Sprintf("%d to create", n[reconcile.Create]), fmt.Sprintf("%d to change", n[reconcile.Update]),
		fmt.Sprintf("%d to delete", n[reconcile.Delete])}
	if a := n[reconcile.Adopt]; a > 0 {
		parts = append(parts, fmt.Sprintf("%d to adopt", a))
	}
	if a := n[reconcile.Start] + n[reconcile.Stop] + n[reconcile.Restart] + n[reconcile.Reload]; a > 0 {
		parts = append(parts, fmt.Sprintf("%d to start or reload", a))
	}
	steps := count(len(p.Steps), "step")
	if pending > 0 {
		steps += fmt.Sprintf(", %d of them known later", pending)
	}
	return strings.TrimSuffix(wrap("", "  ", st.bold(p.Cluster+":")+" "+strings.Join(parts, ", ")+" ("+steps+"); risk: "+p.Risk().String()+"."), "\n") + "\n"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

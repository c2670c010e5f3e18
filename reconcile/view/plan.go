package view

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	v1 "github.com/hactl/hactl/api/v1"
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

// object is all changes of a plan to one thing.
type object struct {
	kind    string
	names   []string
	changes []reconcile.Change
	pending []string
}

// action is the one that stands for the whole: creating something is more than the updates that follow.
func (o object) action() reconcile.Action {
	for _, a := range []reconcile.Action{reconcile.Delete, reconcile.Create, reconcile.Adopt} {
		if slices.ContainsFunc(o.changes, func(c reconcile.Change) bool { return c.Action == a }) {
			return a
		}
	}
	return o.changes[0].Action
}

func byObject(p *reconcile.Plan) []*object {
	index := map[reconcile.Ref]*object{}
	var objects []*object
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			o := index[c.Object]
			if o == nil {
				o = &object{kind: c.Object.Kind, names: []string{c.Object.Name}}
				index[c.Object] = o
				objects = append(objects, o)
			}
			o.changes = append(o.changes, c)
			if s.Pending != "" && !slices.Contains(o.pending, s.Pending) {
				o.pending = append(o.pending, s.Pending)
			}
		}
	}
	return objects
}

// fold joins objects of one kind to which the same happens, as on every node of a cluster.
func fold(objects []*object) []*object {
	signature := func(o *object) string {
		var b strings.Builder
		b.WriteString(o.kind)
		for _, c := range o.changes {
			fmt.Fprintf(&b, "\x00%s\x00%s\x00%s\x00%s\x00%s", c.Action, c.Path, c.Have, c.Want, c.Risk)
		}
		return b.String() + strings.Join(o.pending, "\x00")
	}
	index := map[string]*object{}
	var out []*object
	for _, o := range objects {
		sig := signature(o)
		if f := index[sig]; f != nil {
			f.names = append(f.names, o.names...)
			continue
		}
		f := *o
		index[sig] = &f
		out = append(out, &f)
	}
	return out
}

var signs = map[reconcile.Action]string{
	reconcile.Create: "+", reconcile.Update: "~", reconcile.Delete: "-", reconcile.Adopt: "=", reconcile.Start: ">", reconcile.Stop: ">",
	reconcile.Restart: ">", reconcile.Reload: ">", reconcile.Check: "?",
}

func writeObject(b *strings.Builder, o *object, st Style) {
	a := o.action()
	sign := signs[a]
	paint := map[string]func(string) string{"+": st.green, "-": st.red, "~": st.yellow}[sign]
	if paint == nil {
		paint = st.bold
	}
	head := strings.TrimSuffix(wrap(sign+" "+string(a)+" ", "    ", o.kind+"/"+strings.Join(o.names, ", ")), "\n")
	b.WriteString(paint(head) + "\n")
	if a == reconcile.Create {
		writeCreated(b, o, st)
		return
	}
	width := 0
	for _, c := range o.changes {
		if c.Path != "" {
			width = min(max(width, utf8.RuneCountInString(c.Path)), 30)
		}
	}
	for _, c := range o.changes {
		writeChange(b, c, a, width, st)
	}
}

func writePending(b *strings.Builder, o *object, st Style) {
	for _, p := range o.pending {
		b.WriteString(st.dim(strings.TrimSuffix(wrap("    … ", "      ", p), "\n")) + "\n")
	}
}

// writeCreated puts the fields of a new object one after the other: there is no old value to compare them with.
func writeCreated(b *strings.Builder, o *object, st Style) {
	var fields []string
	var place v1.Pos
	for _, c := range o.changes {
		if place.IsZero() && !c.Source.IsZero() {
			place = c.Source
		}
		f := strings.TrimSpace(c.Path + " " + value(c))
		if f != "" && c.Action == reconcile.Check {
			f = "check " + f
		}
		if f != "" && !slices.Contains(fields, f) {
			fields = append(fields, cut(f, Width-6))
		}
	}
	if !place.IsZero() {
		fields = append(fields, fmt.Sprintf("(%s:%d)", base(place.File), place.Line))
	}
	text := strings.Join(fields, ", ")
	if text != "" {
		text = strings.ReplaceAll(text, ", (", " (")
		b.WriteString(wrap("    ", "    ", text))
	}
}

func writeChange(b *strings.Builder, c reconcile.Change, whole reconcile.Action, width int, st Style) {
	if c.Path == "" && c.Action == whole && c.Want == "" && c.Have == "" && c.Risk <= reconcile.ReloadRisk {
		return
	}
	left := pad(cut(c.Path, 30), width)
	if c.Path == "" && c.Action != whole {
		left = pad(string(c.Action), width)
	}
	val := value(c)
	if c.Path == "" && val == "" && c.Action == whole {
		val = string(c.Action)
	}
	right := ""
	if !c.Source.IsZero() {
		right = fmt.Sprintf("%s:%d", base(c.Source.File), c.Source.Line)
	}
	if c.Risk > reconcile.Safe {
		right = strings.TrimSpace(c.Risk.String() + "  " + right)
	}
	room := Width - 5 - utf8.RuneCountInString(left) - 1
	if right != "" {
		room -= utf8.RuneCountInString(right) + 2
	}
	line := "    " + strings.TrimLeft(left+"  "+cut(val, max(room, 12)), " ")
	if right != "" {
		gap := max(2, Width-utf8.RuneCountInString(line)-utf8.RuneCountInString(right))
		line = strings.TrimRight(line, " ")
		gap = max(gap, Width-utf8.RuneCountInString(line)-utf8.RuneCountInString(right))
		tint := st.dim
		if c.Risk > reconcile.ReloadRisk {
			tint = st.yellow
		}
		line += strings.Repeat(" ", gap) + tint(right)
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// value is what a change puts in place of what.
func value(c reconcile.Change) string {
	switch {
	case c.Have != "" && c.Want != "":
		return c.Have + " → " + c.Want
	case c.Have != "":
		return c.Have + " → (none)"
	}
	return c.Want
}

func base(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[i+1:]
	}
	return path
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
	titles := []struct {
		kind  reconcile.NoteKind
		title string
	}{
		{reconcile.NoteWarning, "Warnings"},
		{reconcile.NoteAdopts, "Taken over as they are"},
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

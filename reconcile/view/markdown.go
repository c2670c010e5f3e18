package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hactl/hactl/reconcile"
)

// MarkdownLimit is the size in bytes that PlanMarkdown keeps below. GitHub takes comments of 65536 characters.
const MarkdownLimit = 60_000

// Room is kept for what comes after: drills leave some to the gates and changes, these to the notes, and all to the last line.
const (
	roomForChanges = MarkdownLimit / 2
	roomForNotes   = 12_000
	roomForEnd     = 600
)

// PlanMarkdown writes the plan for a comment on a pull request, in GitHub's dialect: what the cluster will do as a table, what must be allowed,
// then a collapsed table for each object, and the notes. What does not fit is counted in the last line. now is what ages are counted from.
//
// Every text from outside is escaped: it cannot break a table, name a person or begin a tag.
func PlanMarkdown(w io.Writer, p *reconcile.Plan, now time.Time) error {
	var pg page
	objects := byObject(p)
	head, risks := summaryText(p, objects)
	// The first line lets a program find its comment again, to replace it.
	pg.add("<!-- hactl plan: " + commentSafe(p.Cluster) + " -->\n### hactl plan: " + code(p.Cluster) + "\n\n")
	pg.add(escape(strings.TrimPrefix(head, p.Cluster+": ")))
	if risks != "" {
		pg.add("**" + escape(risks) + "**")
	}
	pg.add("\n")
	if from := recorded(p, now); from != "" {
		pg.add("\n> " + escape(from) + "\n")
	}
	for _, u := range p.Unreachable {
		pg.add("\n> ⚠️ " + escape(clip(u)) + "\n")
	}
	for _, r := range p.Refused {
		pg.add("\n> ⚠️ not now: " + escape(clip(r)) + "\n")
	}
	pg.reactions(p.Prediction)
	pg.drills(p.Drills)
	pg.gates(p.Gates())
	pg.changes(objects)
	pg.notes(p.Notes)
	if pg.left > 0 {
		pg.b.WriteString(fmt.Sprintf("\n> ✂️ cut: %d more did not fit into %d kB; `hactl plan -o json` tells all\n", pg.left, MarkdownLimit/1000))
	}
	_, err := io.WriteString(w, pg.b.String())
	return err
}

// page is a text that never grows beyond its limit. What it has no room for is counted.
type page struct {
	b    strings.Builder
	left int
}

// fits tells whether so many bytes fit beside what is kept free.
func (pg *page) fits(n, keep int) bool { return pg.b.Len()+n+keep+roomForEnd <= MarkdownLimit }

// add writes a text as a whole or not at all.
func (pg *page) add(text string) {
	if !pg.fits(len(text), 0) {
		pg.left++
		return
	}
	pg.b.WriteString(text)
}

// table writes a table, as many rows of it as fit. Of each cell the text is Markdown already.
func (pg *page) table(keep int, head []string, rows [][]string) {
	text := "\n" + row(head) + "|" + strings.Repeat(" --- |", len(head)) + "\n"
	if !pg.fits(len(text), keep) {
		pg.left += len(rows)
		return
	}
	pg.b.WriteString(text)
	for i, r := range rows {
		if text := row(r); pg.fits(len(text), keep) {
			pg.b.WriteString(text)
			continue
		}
		pg.left += len(rows) - i
		return
	}
}

func row(cells []string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// fold writes a collapsed block, or counts what is in it.
func (pg *page) fold(keep int, summary string, inside [][]string, head []string) {
	open, end := "\n<details><summary>"+summary+"</summary>\n", "\n</details>\n"
	if !pg.fits(len(open)+len(end)+300, keep) {
		pg.left += len(inside)
		return
	}
	pg.b.WriteString(open)
	pg.table(keep+len(end), head, inside)
	pg.b.WriteString(end)
}

func (pg *page) reactions(pr reconcile.Prediction) {
	if pr.Unavailable != "" {
		pg.add("\n⚠️ **prediction: unavailable**: " + escape(clip(pr.Unavailable)) + "\n")
	}
	if pr.Assumed != "" {
		pg.add("\n_" + escape(clip(pr.Assumed)) + "_\n")
	}
	var rows, anyway [][]string
	for _, r := range pr.Reactions {
		what := r.Resource
		if what == "" {
			what = r.Node
		}
		cells := []string{"**" + escape(r.Action) + "**", code(what), escape(where(r)), causes(r), risk(r.Risk)}
		if r.Anyway {
			anyway = append(anyway, []string{cells[0], cells[1], cells[2], escape(clip(r.Reason))})
		} else {
			rows = append(rows, cells)
		}
	}
	if len(rows) > 0 {
		pg.add("\n#### The cluster will\n")
		pg.table(roomForNotes, []string{"", "what", "where", "because of", "risk"}, rows)
	}
	if len(anyway) > 0 {
		pg.fold(roomForNotes, fmt.Sprintf("The cluster would anyway (%d)", len(anyway)), anyway, []string{"", "what", "where", "why"})
	}
	if len(pr.Unknown) > 0 {
		var unknown [][]string
		for _, u := range pr.Unknown {
			unknown = append(unknown, []string{escape(clip(u))})
		}
		pg.fold(roomForNotes, fmt.Sprintf("Not predictable (%d)", len(unknown)), unknown, []string{"what"})
	}
}

// drills tells what failures would cost after the plan that they do not cost now. A new cost is open, because somebody should see it.
func (pg *page) drills(d *reconcile.Drills) {
	if d == nil {
		return
	}
	switch {
	case d.Unavailable != "":
		pg.add("\n⚠️ **failure drills: unavailable**: " + escape(clip(d.Unavailable)) + "\n")
	case len(d.New) > 0:
		rows := make([][]string, len(d.New))
		for i, f := range d.New {
			rows[i] = []string{escape(clip(f.Event)), code(clip(cmp.Or(f.Resource, f.Node))), "**" + escape(f.Effect) + "**"}
		}
		pg.add(fmt.Sprintf("\n#### After it, failures would cost more\n\n%d of %s, each simulated before and after.\n", events(d.New), count(d.Ran, "drill")))
		pg.table(roomForChanges, []string{"failure", "what", "will be"}, rows)
	case d.Ran > 0:
		pg.add(fmt.Sprintf("\nFailure drills: no failure costs more than now (%s).\n", count(d.Ran, "drill")))
	case len(d.Skipped) == 0:
		pg.add("\nFailure drills: nothing changes in the cluster's configuration.\n")
	}
	if len(d.Skipped) > 0 {
		rows := make([][]string, len(d.Skipped))
		for i, s := range d.Skipped {
			rows[i] = []string{escape(clip(s))}
		}
		pg.fold(roomForChanges, fmt.Sprintf("Failure drills not run for lack of time (%d)", len(rows)), rows, []string{"failure"})
	}
}

// events counts the failures that findings are about.
func events(fs []reconcile.Finding) int {
	seen := map[string]bool{}
	for _, f := range fs {
		seen[f.Event] = true
	}
	return len(seen)
}

// where says on which node, or from where to where.
func where(r reconcile.Reaction) string {
	switch {
	case r.From != "" && r.To != "" && r.From != r.To:
		return r.From + " → " + r.To
	case r.To != "":
		return "on " + r.To
	case r.From != "":
		return "on " + r.From
	}
	return ""
}

// causes tells what a reaction follows from; where that is not known, Pacemaker's own reason.
func causes(r reconcile.Reaction) string {
	var texts []string
	for _, c := range r.Causes {
		t := c.Object.String()
		if c.Path != "" {
			t += " " + c.Path
		}
		t = code(t)
		if !c.Source.IsZero() {
			t += escape(fmt.Sprintf(" (%s:%d)", c.Source.File, c.Source.Line))
		}
		texts = append(texts, t)
	}
	switch {
	case len(texts) == 0:
		return escape(clip(r.Reason))
	case r.Jointly && len(texts) > 1:
		return strings.Join(texts, " and ") + " together"
	}
	return strings.Join(texts, ", ")
}

func (pg *page) gates(gates []reconcile.Gate) {
	if len(gates) == 0 {
		return
	}
	var rows [][]string
	for _, g := range foldGates(gates) {
		what := code(g.Object)
		if g.ByName {
			what += " by name"
		}
		rows = append(rows, []string{risk(g.Risk), what, escape(clip(g.Why))})
	}
	pg.fold(roomForNotes, fmt.Sprintf("To be allowed (%d)", len(gates)), rows, []string{"risk", "what", "why"})
}

// most is how many objects are told one by one, if not more than that change.
const most = 150

func (pg *page) changes(objects []*object) {
	if len(objects) == 0 {
		return
	}
	pg.add("\n#### Changes\n")
	folded := fold(objects)
	if len(folded) > most {
		folded = foldLike(objects)
		pg.add("\nMany alike are told together, by the first and the last value of a field.\n")
	}
	for _, o := range folded {
		var rows [][]string
		worst := reconcile.Safe
		for _, c := range o.changes {
			worst = max(worst, c.Risk)
			if c.Path == "" && c.Have == "" && c.Want == "" && c.Action == o.action() && c.Why == "" {
				continue
			}
			place := ""
			if !c.Source.IsZero() {
				place = escape(fmt.Sprintf("%s:%d", c.Source.File, c.Source.Line))
			}
			name := code(c.Path)
			if c.Path == "" {
				name = escape(string(c.Action))
			}
			rows = append(rows, []string{name, code(clip(c.Have)), code(clip(c.Want)), strings.TrimSpace(risk(c.Risk) + " " + escape(clip(c.Why))), place})
		}
		for _, p := range o.pending {
			rows = append(rows, []string{"…", "", "", escape(clip(p)), ""})
		}
		a := o.action()
		summary := code(signs[a]+" "+string(a)+" "+o.kind+"/"+strings.Join(o.names, ", ")) + " "
		if len(o.names) > 30 {
			summary = code(signs[a]+" "+string(a)+" "+o.kind+"/"+names(o.names)) + " "
		}
		if worst > reconcile.Safe {
			summary += risk(worst)
		}
		if len(rows) == 0 {
			if text := "\n" + strings.TrimSpace(summary) + "\n"; pg.fits(len(text), roomForNotes) {
				pg.b.WriteString(text)
			} else {
				pg.left++
			}
			continue
		}
		pg.fold(roomForNotes, strings.TrimSpace(summary), rows, []string{"field", "now", "will be", "risk", "where"})
	}
}

func (pg *page) notes(notes []reconcile.Note) {
	for _, t := range []struct {
		kind  reconcile.NoteKind
		title string
	}{
		{reconcile.NoteWarning, "Warnings"},
		{reconcile.NoteUnmanaged, "In no manifest, left alone"},
		{reconcile.NoteRuntime, "Set at run time, left alone"},
	} {
		some := notesOf(notes, t.kind)
		n := len(some)
		if n > most/2 {
			some = likeNotes(some)
		}
		var rows [][]string
		for _, n := range some {
			rows = append(rows, []string{code(n.Object.String()), code(n.Path), escape(clip(n.Text))})
		}
		if n > 0 {
			pg.fold(0, fmt.Sprintf("%s (%d)", t.title, n), rows, []string{"object", "field", ""})
		}
	}
}

// risk makes what needs somebody's word stand out. It is HTML, because Markdown means nothing in a summary.
func risk(r reconcile.Risk) string {
	switch {
	case r == reconcile.Safe:
		return ""
	case r > reconcile.RestartRisk:
		return "🔴 <b>" + r.String() + "</b>"
	case r > reconcile.ReloadRisk:
		return "🟡 " + r.String()
	}
	return r.String()
}

// clip bounds one text, so that one of many kilobytes leaves room for the others.
func clip(s string) string { return cut(s, 400) }

// code sets a text as code. In code GitHub names nobody and links nothing.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "<code>" + escape(s) + "</code>"
}

// plain are the characters beside letters, digits and blanks that mean nothing in Markdown and HTML.
const plain = ".,:;/=()?%→…'-+!"

// escape writes a text so that Markdown, a table and HTML take it for nothing but text, on one line.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune(plain, r):
			b.WriteRune(r)
		case !unicode.IsPrint(r):
			b.WriteString("&#xFFFD;")
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

// commentSafe keeps a name from ending an HTML comment.
func commentSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '<' || r == '>' || unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.Join(slices.DeleteFunc(strings.Split(s, "--"), func(x string) bool { return x == "" }), "-"))
}

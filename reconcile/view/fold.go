package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// Three screens of 50 lines hold any plan: what would take more lines than these is folded.
const (
	objectLines   = 80
	reactionLines = 25
	warningLines  = 20
	noteLines     = 12 // of each other kind
	gateLines     = 12
)

// writeObjects writes what changes by object: each, or, where that takes too many lines, those folded to which like things happen, or, where
// that still does, no more than their names.
func writeObjects(b *strings.Builder, objects []*object, st Style) {
	for level, some := range [][]*object{fold(objects), foldLike(objects), foldNames(objects)} {
		var t strings.Builder
		for i, o := range some {
			writeObject(&t, o, st)
			// What holds for a run of objects is said once, after the last.
			if i+1 == len(some) || !slices.Equal(o.pending, some[i+1].pending) {
				writePending(&t, o, st)
			}
		}
		text := t.String()
		if level > 0 {
			text += st.dim("(folded; -o json and -o markdown tell each one)") + "\n"
		}
		if strings.Count(text, "\n") <= objectLines {
			b.WriteString(text)
			return
		}
	}
	writeCounts(b, objects, st)
}

// writeCounts tells no more than how many objects of which kinds change.
func writeCounts(b *strings.Builder, objects []*object, st Style) {
	type kind struct {
		action reconcile.Action
		kind   string
	}
	var actions []reconcile.Action
	kinds := map[reconcile.Action][]string{}
	n, all := map[kind]int{}, map[reconcile.Action]int{}
	for _, o := range objects {
		k := kind{o.action(), o.kind}
		if all[k.action]++; all[k.action] == 1 {
			actions = append(actions, k.action)
		}
		if n[k]++; n[k] == 1 {
			kinds[k.action] = append(kinds[k.action], k.kind)
		}
	}
	for _, a := range actions {
		var parts []string
		for _, k := range kinds[a] {
			parts = append(parts, fmt.Sprintf("%d %s", n[kind{a, k}], k))
		}
		b.WriteString(wrap(signs[a]+" "+string(a)+" ", "    ", count(all[a], "object")+": "+strings.Join(parts, ", ")))
	}
	b.WriteString(st.dim("(folded; -o json tells each one)") + "\n")
}

// foldLike joins objects of one kind of which the same fields change, whatever the values.
func foldLike(objects []*object) []*object {
	return foldBy(objects, func(o *object) string {
		var b strings.Builder
		for _, c := range o.changes {
			fmt.Fprintf(&b, "\x00%s\x00%s\x00%s", c.Action, c.Path, c.Risk)
		}
		return b.String()
	}, func(f, o *object) {
		for i := range f.changes {
			f.changes[i].Have = span(f.changes[i].Have, o.changes[i].Have)
			f.changes[i].Want = span(f.changes[i].Want, o.changes[i].Want)
		}
	})
}

// foldNames joins objects of one kind with one action and risk; their fields are not told.
func foldNames(objects []*object) []*object {
	bare := make([]*object, len(objects))
	for i, o := range objects {
		c := reconcile.Change{Object: o.changes[0].Object, Action: o.action()}
		for _, x := range o.changes {
			c.Risk = max(c.Risk, x.Risk)
		}
		bare[i] = &object{kind: o.kind, names: o.names, changes: []reconcile.Change{c}, pending: o.pending}
	}
	return foldBy(bare, func(o *object) string { return fmt.Sprintf("\x00%s\x00%s", o.changes[0].Action, o.changes[0].Risk) }, func(_, _ *object) {})
}

// foldBy joins objects of one kind and one signature, in the order of the first of each. What waits for different things stays apart.
func foldBy(objects []*object, signature func(*object) string, join func(into, o *object)) []*object {
	index := map[string]*object{}
	var out []*object
	for _, o := range objects {
		sig := o.kind + signature(o) + strings.Join(o.pending, "\x00")
		if f := index[sig]; f != nil {
			f.names = append(f.names, o.names...)
			join(f, o)
			continue
		}
		f := &object{kind: o.kind, names: slices.Clone(o.names), changes: slices.Clone(o.changes), pending: o.pending}
		index[sig] = f
		out = append(out, f)
	}
	return out
}

// span is the first and the last of several values.
func span(so, next string) string {
	first, _, _ := strings.Cut(so, spanMark)
	if first == next && so == first {
		return so
	}
	return first + spanMark + next
}

const spanMark = " … "

// foldedReactions tells many reactions by what is done: "restart  40: a, b, c, d, e and 35 more".
func foldedReactions(rs []reconcile.Reaction, st Style) []string {
	type kind struct {
		action string
		risk   reconcile.Risk
	}
	var order []kind
	of := map[kind][]string{}
	for _, r := range rs {
		k := kind{r.Action, r.Risk}
		if of[k] == nil {
			order = append(order, k)
		}
		name := r.Resource
		if name == "" {
			name = r.Node
		}
		if !slices.Contains(of[k], name) {
			of[k] = append(of[k], name)
		}
	}
	var lines []string
	for _, k := range order {
		text := fmt.Sprintf("%d: %s", len(of[k]), names(of[k]))
		lines = append(lines, st.risk(k.risk, strings.TrimSuffix(wrap("  "+pad(k.action, 8)+" ", "           ", text), "\n")))
	}
	return lines
}

func notesOf(notes []reconcile.Note, k reconcile.NoteKind) []reconcile.Note {
	return slices.DeleteFunc(slices.Clone(notes), func(n reconcile.Note) bool { return n.Kind != k })
}

// foldNotes joins notes that say the same of several objects, and tells how many are left out.
func foldNotes(notes []reconcile.Note) []string {
	room := noteLines
	if len(notes) > 0 && notes[0].Kind == reconcile.NoteWarning {
		room = warningLines
	}
	if len(notes) > room {
		notes = likeNotes(notes)
	}
	var lines []string
	used := 0
	for i, n := range notes {
		if used >= room {
			lines = append(lines, fmt.Sprintf("  and %d more; -o json tells them", len(notes)-i))
			break
		}
		text := n.Object.String()
		if n.Path != "" {
			text += " " + n.Path
		}
		if n.Text != "" {
			text += ": " + n.Text
		}
		line := strings.TrimSuffix(wrap("  ", "    ", text), "\n")
		lines = append(lines, line)
		used += strings.Count(line, "\n") + 1
	}
	return lines
}

func likeNotes(notes []reconcile.Note) []reconcile.Note {
	index := map[reconcile.Note]int{}
	var all [][]string
	var out []reconcile.Note
	for _, n := range notes {
		k := reconcile.Note{Kind: n.Kind, Object: reconcile.Ref{Kind: n.Object.Kind}, Path: n.Path, Text: n.Text}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out, all = append(out, n), append(all, nil)
		}
		all[i] = append(all[i], n.Object.Name)
	}
	for i := range out {
		out[i].Object.Name = names(all[i])
	}
	return out
}

// foldGates joins the gates of one risk and reason.
func foldGates(gates []reconcile.Gate) []reconcile.Gate {
	if len(gates) <= gateLines {
		return gates
	}
	index := map[reconcile.Gate]int{}
	var all [][]string
	var out []reconcile.Gate
	for _, g := range gates {
		k := reconcile.Gate{Risk: g.Risk, Why: strings.ReplaceAll(g.Why, g.Object, "it"), ByName: g.ByName}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out, all = append(out, k), append(all, nil)
		}
		all[i] = append(all[i], g.Object)
	}
	for i := range out {
		out[i].Object = names(all[i])
	}
	if len(out) > gateLines {
		left := map[reconcile.Risk]int{}
		for _, g := range out[gateLines:] {
			left[g.Risk]++
		}
		out = out[:gateLines]
		for r := reconcile.DataLoss; r > reconcile.Safe; r-- {
			if left[r] > 0 {
				out = append(out, reconcile.Gate{Risk: r, Object: fmt.Sprintf("%d more", left[r]), Why: "-o json tells them"})
			}
		}
	}
	return out
}

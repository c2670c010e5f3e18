package view

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

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
	return foldBy(objects, func(o *object) string {
		var b strings.Builder
		for _, c := range o.changes {
			fmt.Fprintf(&b, "\x00%s\x00%s\x00%s\x00%s\x00%s", c.Action, c.Path, c.Have, c.Want, c.Risk)
		}
		return b.String()
	}, func(_, _ *object) {})
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
	head := strings.TrimSuffix(wrap(sign+" "+string(a)+" ", "    ", o.kind+"/"+names(o.names)), "\n")
	b.WriteString(paint(head) + "\n")
	if a == reconcile.Create {
		writeCreated(b, o)
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

// writeCreated puts the fields of a new object one after the other: there is no old value to compare them with. Fields of one part of the
// object stand together: "params: ip 10.0.0.1, nic eth0".
func writeCreated(b *strings.Builder, o *object) {
	var heads []string
	parts := map[string][]string{}
	var place v1.Pos
	for _, c := range o.changes {
		if place.IsZero() {
			place = c.Source
		}
		head, rest := splitPath(c.Path)
		if _, ok := parts[head]; !ok {
			heads = append(heads, head)
			parts[head] = nil
		}
		if f := strings.TrimSpace(rest + " " + value(c)); f != "" && !slices.Contains(parts[head], f) {
			parts[head] = append(parts[head], cut(f, Width-6))
		}
	}
	var texts []string
	for _, h := range heads {
		fields := strings.Join(parts[h], ", ")
		switch {
		case h == "" || fields == "":
			texts = append(texts, h+fields)
		case len(parts[h]) == 1 && !strings.Contains(fields, " "):
			texts = append(texts, h+" "+fields)
		default:
			texts = append(texts, h+": "+fields)
		}
	}
	text := strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
	if !place.IsZero() {
		text += fmt.Sprintf(" (%s:%d)", base(place.File), place.Line)
	}
	if text != "" {
		b.WriteString(wrap("    ", "    ", text))
	}
}

// splitPath cuts a path at its first dot outside of brackets.
func splitPath(path string) (head, rest string) {
	depth := 0
	for i, r := range path {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		case '.':
			if depth == 0 {
				return path[:i], path[i+1:]
			}
		}
	}
	return path, ""
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
	switch {
	case val != "":
	case c.Path == "":
		val = string(c.Action)
	case c.Action == reconcile.Create:
		val = "added"
	case c.Action == reconcile.Delete:
		val = "removed"
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
		if c.Risk > reconcile.ReloadRisk {
			right = st.risk(c.Risk, right)
		} else {
			right = st.dim(right)
		}
		line += strings.Repeat(" ", gap) + right
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

// names lists the first few.
func names(all []string) string {
	const most = 6
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most-1], ", "), len(all)-most+1)
}

package manual

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	v1 "github.com/hactl/hactl/api/v1"
)

const width = 100

// Text tells of a topic; recursive lists the fields within fields.
func (t *Topic) Text(recursive bool) string {
	var b strings.Builder
	name, path, _ := strings.Cut(t.Path, ".")
	what := "TYPE"
	if v1.New(name) != nil {
		what = "KIND"
	}
	fmt.Fprintf(&b, "%s:   %s\n", what, name)
	switch {
	case t.Option != nil:
		fmt.Fprintf(&b, "OPTION: %s <%s>\n\n%s", path, t.Option.Type, paragraphs(upper(article(v1.LookupOptions(t.Field.Table).Of))+".", ""))
		if len(t.Option.Words) > 0 {
			b.WriteString(paragraphs("One of "+alternatives(t.Option.Words)+".", ""))
		}
		return b.String()
	case t.Field != nil:
		fmt.Fprintf(&b, "FIELD:  %s <%s>%s\n\n%s", path, t.Field.Type(), required(t.Field), paragraphs(t.Field.Text, ""))
		if about := t.Field.remarks(); about != "" {
			b.WriteString("\n" + paragraphs(about, ""))
		}
	}
	if t.Type != nil {
		if about := t.Type.about(); about != "" {
			b.WriteString("\n" + paragraphs(about, ""))
		}
		b.WriteString("\nFIELDS:\n")
		t.Type.list(&b, "", "  ", recursive)
	}
	if t.Field != nil && t.Field.Options {
		b.WriteString("\n" + optionsText(t))
	}
	return b.String()
}

// about is the description of a type without what goes without saying.
func (t *Type) about() string {
	if first, rest, _ := strings.Cut(t.Text, "."); strings.HasPrefix(first, t.Name+" is the desired state of ") {
		return strings.TrimSpace(rest)
	}
	return t.Text
}

// list writes the fields. Those of a kind's spec stand with the kind's own.
func (t *Type) list(b *strings.Builder, prefix, indent string, recursive bool) {
	for _, f := range t.Fields {
		if f.Name == "spec" && f.Of != nil && !recursive {
			f.Of.list(b, "spec.", indent, false)
			continue
		}
		fmt.Fprintf(b, "%s%s%s <%s>%s\n", indent, prefix, f.Name, f.Type(), required(f))
		if recursive {
			if f.Of != nil {
				f.Of.list(b, "", indent+"  ", true)
			}
			continue
		}
		b.WriteString(paragraphs(strings.TrimSpace(f.Text+"\n"+f.remarks()), indent+"    "))
	}
}

func required(f *Field) string {
	if f.Required {
		return " (required)"
	}
	return ""
}

// remarks say what a field may be, as far as its text does not, and where it goes.
func (f *Field) remarks() string {
	var all []string
	if slices.ContainsFunc(f.Words, func(w string) bool { return !strings.Contains(f.Text, w) }) {
		all = append(all, "One of "+f.Allowed()+".")
	}
	switch about := f.Formatted(); {
	case about == "" || f.Format == "id" && strings.Contains(f.Text, "XML id"):
	case f.List || f.Map:
		all = append(all, "Each is "+about+".")
	default:
		all = append(all, upper(about)+".")
	}
	if f.CIB != "" && f.CIB != f.Name {
		all = append(all, "In the CIB: "+f.CIB+".")
	}
	return strings.Join(all, " ")
}

// optionType says what an option may be.
func optionType(o *v1.KnownOption) string {
	switch len(o.Words) {
	case 0:
		return o.Type
	case 1:
		return "only " + o.Words[0]
	}
	return alternatives(o.Words)
}

// optionsText lists a table of options, or says whose names they are.
func optionsText(t *Topic) string {
	if t.Field.Table == "" {
		if t.Owner.Field("agent") != nil && t.Field.Name == "params" {
			return paragraphs("The names and values are the agent's own. For a list: hactl explain AGENT, such as hactl explain ocf:heartbeat:IPaddr2.", "")
		}
		return paragraphs("The names are of your own choice, or those of whatever reads them.", "")
	}
	table := v1.LookupOptions(t.Field.Table)
	if len(table.Options) == 0 {
		return paragraphs("The names are of your own choice.", "")
	}
	var b strings.Builder
	b.WriteString("OPTIONS")
	if table.Open {
		b.WriteString(" (others are taken as well)")
	} else {
		b.WriteString(" (see " + table.Manual + ")")
	}
	b.WriteString(":\n")
	for _, o := range table.Options {
		fmt.Fprintf(&b, "  %-36s%s\n", o.Name, optionType(&o))
	}
	return b.String()
}

// paragraphs wraps a text. Lines that begin with a tab are code and stay.
func paragraphs(text, indent string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		switch code, ok := strings.CutPrefix(line, "\t"); {
		case ok:
			b.WriteString(indent + "    " + code + "\n")
		case line == "":
			b.WriteString("\n")
		default:
			b.WriteString(indent + hang(line, len(indent)) + "\n")
		}
	}
	return b.String()
}

// hang wraps a line; what follows the first line break is indented.
func hang(line string, indent int) string {
	var b strings.Builder
	column := indent
	for word := range strings.FieldsSeq(line) {
		n := utf8.RuneCountInString(word)
		switch {
		case b.Len() == 0:
		case column+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

func upper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// article puts a or an before a word.
func article(s string) string {
	if strings.ContainsRune("aeiou", rune(s[0])) {
		return "an " + s
	}
	return "a " + s
}

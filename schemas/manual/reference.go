package manual

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

const preface = `# Reference of the manifests

Made from the types in ` + "`api/v1`" + ` and their comments by ` + "`make schema`" + `; ` + "`hactl explain`" + ` tells the same. Every document has
` + "`apiVersion: hactl/v1`, `kind`, [`metadata`](#metadata) and `spec`" + `; the tables of the kinds list what stands in ` + "`spec`" + `. Fields in **bold** are
required. *Options* are maps of upstream option names to values; every value keeps the text that was written, and ` + "`null`" + ` removes an option
from the cluster. The name of a field in the CIB is told where it is another one.
`

// Reference is docs/reference.md.
func (m *Manual) Reference() string {
	r := reference{m: m, users: map[*Type][]string{}}
	for _, k := range v1.Kinds() {
		r.use(k, m.types[k])
	}
	var shared []*Type
	for t, kinds := range r.users {
		if len(kinds) > 1 && !t.spec() {
			shared = append(shared, t)
		}
	}
	slices.SortFunc(shared, func(a, b *Type) int { return strings.Compare(a.Name, b.Name) })

	r.out.WriteString(preface)
	r.out.WriteString("\nKinds: ")
	r.links(v1.Kinds())
	r.out.WriteString(".\n\nParts of several kinds: ")
	var names []string
	for _, t := range shared {
		names = append(names, t.Name)
	}
	r.links(append(names, "Expression"))
	r.out.WriteString(".\n\nOptions: ")
	r.links(optionHeadings())
	r.out.WriteString(".\n\nChecks that an object can silence: ")
	r.links([]string{"Lints"})
	r.out.WriteString(".\n")

	for _, k := range v1.Kinds() {
		r.kind(k)
	}
	r.out.WriteString("\n## Parts of several kinds\n")
	for _, t := range shared {
		r.section(t)
	}
	r.heading(3, "Expression", r.m.Text("Expression"))
	r.options()
	r.lints()
	return r.out.String()
}

type reference struct {
	out   strings.Builder
	m     *Manual
	users map[*Type][]string // the kinds that have a type somewhere in them
}

func (r *reference) use(kind string, t *Type) {
	if slices.Contains(r.users[t], kind) {
		return
	}
	r.users[t] = append(r.users[t], kind)
	for _, f := range t.Fields {
		if f.Of != nil {
			r.use(kind, f.Of)
		}
	}
}

// spec tells about the types that a kind's own section lists.
func (t *Type) spec() bool { return strings.HasSuffix(t.Name, "Spec") || t.Name == "ACLSubject" }

// kind writes a kind's section and those of the parts that it alone has.
func (r *reference) kind(k string) {
	t := r.m.types[k]
	spec := t.Field("spec").Of
	r.heading(2, k, strings.TrimSpace(t.Text+"\n\n"+spec.about()))
	r.table(spec)
	seen := map[*Type]bool{t: true, spec: true}
	var parts func(*Type)
	parts = func(t *Type) {
		for _, f := range t.Fields {
			if f.Of == nil || seen[f.Of] {
				continue
			}
			seen[f.Of] = true
			if len(r.users[f.Of]) == 1 {
				r.section(f.Of)
			}
			parts(f.Of)
		}
	}
	parts(spec)
}

func (r *reference) section(t *Type) {
	r.heading(3, t.Name, t.about())
	r.table(t)
}

func (r *reference) heading(level int, title, text string) {
	fmt.Fprintf(&r.out, "\n%s %s\n", strings.Repeat("#", level), title)
	code := false
	for line := range strings.SplitSeq(text, "\n") {
		is := strings.HasPrefix(line, "\t")
		if is != code {
			r.out.WriteString("\n```")
			if code = is; !code {
				r.out.WriteString("\n")
			}
		}
		if is {
			r.out.WriteString("\n" + strings.TrimPrefix(line, "\t"))
		} else if line != "" {
			r.out.WriteString("\n" + hang(escape(line), 0) + "\n")
		}
	}
}

// table lists the fields of a type.
func (r *reference) table(t *Type) {
	r.out.WriteString("\n| field | type | what |\n|---|---|---|\n")
	for _, f := range t.Fields {
		name := "`" + f.Name + "`"
		if f.Required {
			name = "**" + name + "**"
		}
		fmt.Fprintf(&r.out, "| %s | %s | %s |\n", name, r.typ(f), r.what(f))
	}
}

func (r *reference) typ(f *Field) string {
	switch {
	case f.Of != nil:
		return strings.Replace(f.Type(), f.Of.Name, link(f.Of.Name), 1)
	case f.Table != "" && len(v1.LookupOptions(f.Table).Options) > 0:
		return "[options](#" + anchor(optionHeading(f.Table)) + ")"
	}
	return f.Type()
}

func (r *reference) what(f *Field) string {
	text := strings.TrimSpace(escape(strings.ReplaceAll(f.Text, "\n", " ")))
	if f.Format == "expression" {
		return text + " See [Expression](#expression)."
	}
	if about := f.remarks(); about != "" {
		text += " " + escape(about)
	}
	return text
}

func (r *reference) links(titles []string) {
	for i, t := range titles {
		switch {
		case i > 0 && i%6 == 0:
			r.out.WriteString(",\n")
		case i > 0:
			r.out.WriteString(", ")
		}
		r.out.WriteString(link(t))
	}
}

func optionHeading(table string) string { return "Options: " + table }

func optionHeadings() []string {
	var all []string
	for _, t := range v1.OptionTables() {
		if len(v1.LookupOptions(t).Options) > 0 {
			all = append(all, optionHeading(t))
		}
	}
	return all
}

// options writes the tables of known options, those with values of one sort together.
func (r *reference) options() {
	r.out.WriteString("\n## Options\n")
	for _, name := range v1.OptionTables() {
		table := v1.LookupOptions(name)
		if len(table.Options) == 0 {
			continue
		}
		others := "Others are taken as well."
		if !table.Open {
			others = table.Manual + " describes them."
		}
		r.heading(3, optionHeading(name), "Each is "+article(table.Of)+". "+others)
		r.out.WriteString("\n| values | options |\n|---|---|\n")
		var sorts []string
		of := map[string][]string{}
		for _, o := range table.Options {
			s := optionType(&o)
			if of[s] == nil {
				sorts = append(sorts, s)
			}
			of[s] = append(of[s], "`"+o.Name+"`")
		}
		for _, s := range sorts {
			fmt.Fprintf(&r.out, "| %s | %s |\n", escape(s), strings.Join(of[s], ", "))
		}
	}
}

// lints lists the checks that metadata.ignore silences.
func (r *reference) lints() {
	r.heading(2, "Lints", "What hardly anybody means, though the cluster takes it. An object silences one with metadata.ignore, giving the id and a reason.")
	r.out.WriteString("\n| id | what |\n|---|---|\n")
	for _, l := range v1.Lints() {
		fmt.Fprintf(&r.out, "| `%s` | %s |\n", l.ID, escape(l.Explanation))
	}
}

func link(title string) string {
	return "[" + strings.TrimPrefix(title, "Options: ") + "](#" + anchor(title) + ")"
}

// anchor is the name that GitHub gives to a heading.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, strings.ToLower(title))
}

// escape keeps text from being taken for Markdown.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "<", `\<`, "[", `\[`).Replace(s)
}

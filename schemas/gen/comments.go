package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// comments are the doc comments of a package's types ("Cluster") and fields ("Node.Name").
type comments map[string]string

func readComments(dir string) (comments, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	docs := comments{}
	for _, f := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range tree.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range decl.Specs {
				if t, ok := s.(*ast.TypeSpec); ok {
					docs.add(t, decl.Doc)
				}
			}
		}
	}
	return docs, nil
}

func (docs comments) add(t *ast.TypeSpec, doc *ast.CommentGroup) {
	if t.Doc != nil {
		doc = t.Doc
	}
	docs[t.Name.Name] = text(doc)
	fields, ok := t.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range fields.Fields.List {
		for _, n := range f.Names {
			docs[t.Name.Name+"."+n.Name] = text(f.Doc)
		}
	}
}

// text is a comment with one line for each paragraph and indented lines for each line of code.
func text(doc *ast.CommentGroup) string {
	var b strings.Builder
	before := ""
	for line := range strings.Lines(doc.Text()) {
		line = strings.TrimRight(line, "\n")
		code := strings.HasPrefix(line, "\t")
		switch {
		case b.Len() == 0:
		case line == "" || code || before == "":
			b.WriteString("\n")
		default:
			b.WriteString(" ")
		}
		b.WriteString(line)
		before = line
	}
	return b.String()
}

var word = regexp.MustCompile(`\b[A-Z]\w*`)

// named puts the names of YAML for those of Go's fields into the comment of a type or of one of its fields.
func named(text string, t reflect.Type) string {
	names := map[string]string{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" && !f.Anonymous {
			names[f.Name] = name
		}
	}
	return word.ReplaceAllStringFunc(text, func(w string) string {
		if name := names[w]; name != "" {
			return name
		}
		return w
	})
}

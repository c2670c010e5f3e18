package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	v1 "github.com/hactl/hactl/api/v1"
)

// generate makes the schema. It is draft 07, the newest that the YAML language server reads in full. The library's own inference
// (jsonschema.For) is not used: it knows neither comments nor definitions, and takes a string field for a JSON string, while hactl keeps
// the text of any scalar.
func generate(dir string) ([]byte, error) {
	docs, err := readComments(dir)
	if err != nil {
		return nil, err
	}
	g := generator{docs: docs, defs: map[string]*jsonschema.Schema{}}
	root := &jsonschema.Schema{
		Schema:      "http://json-schema.org/draft-07/schema#",
		Title:       "hactl manifest",
		Type:        "object",
		Required:    []string{"apiVersion", "kind", "metadata", "spec"},
		Definitions: g.defs,
	}
	var kinds []any
	for _, k := range v1.Kinds() {
		kinds = append(kinds, k)
		ref, err := g.of(reflect.TypeOf(v1.New(k)).Elem(), k)
		if err != nil {
			return nil, err
		}
		is := any(k)
		g.defs[k].Properties["kind"] = &jsonschema.Schema{Const: &is, Description: docs["Object.Kind"]}
		// A condition per kind, not a choice of all: editors then tell the mistakes of the one kind that was meant.
		root.AllOf = append(root.AllOf, &jsonschema.Schema{
			If: &jsonschema.Schema{
				Properties: map[string]*jsonschema.Schema{"kind": {Const: &is}},
				Required:   []string{"kind"},
			},
			Then: ref,
		})
	}
	if err := g.agentParams(); err != nil {
		return nil, err
	}
	root.Properties = map[string]*jsonschema.Schema{
		"apiVersion": {Enum: []any{v1.APIVersion}, Description: docs["Object.APIVersion"]},
		"kind":       {Enum: kinds, Description: docs["Object.Kind"]},
		"metadata":   {Type: "object"},
		"spec":       {Type: "object"},
	}
	root.PropertyOrder = []string{"apiVersion", "kind", "metadata", "spec"}
	b, err := json.Marshal(root)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", " "); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}

type generator struct {
	docs comments
	defs map[string]*jsonschema.Schema
}

// one lists the types of which exactly one field is set.
var one = []string{"ConstraintSpec", "SecretRef"}

// exactlyOne lists groups of fields of which exactly one is given.
var exactlyOne = map[string][][]string{
	"Location":            {{"resource", "pattern", "sets"}, {"node", "expression", "rules"}},
	"Ticket":              {{"resource", "sets"}},
	"ResourceSet":         {{"resources", "idRef"}},
	"AttributeSet":        {{"id", "idRef"}},
	"Rule":                {{"expression", "idRef"}},
	"BundleSpec":          {{"docker", "podman", "rkt"}},
	"PortMapping":         {{"port", "range"}},
	"StorageMapping":      {{"sourceDir", "sourceDirRoot"}},
	"FencingTopologySpec": {{"target", "targetPattern", "targetAttribute"}},
	"ACLPermission":       {{"xpath", "reference", "objectType"}},
	"Script":              {{"content", "copy"}},
	"ResourceSpec":        {{"agent", "template"}},
	"GroupMember":         {{"agent", "template"}},
}

// of gives the schema of a type; where names it in errors.
func (g *generator) of(t reflect.Type, where string) (*jsonschema.Schema, error) {
	switch {
	case t == reflect.TypeFor[v1.Value]():
		g.defs["Value"] = &jsonschema.Schema{Types: []string{"string", "number", "boolean", "null"}, Description: g.docs["Value"]}
		return &jsonschema.Schema{Ref: "#/definitions/Value"}, nil
	case t.Kind() == reflect.Pointer:
		return g.of(t.Elem(), where)
	case t.Kind() == reflect.Struct:
		return g.structure(t)
	case t.Kind() == reflect.Slice:
		items, err := g.of(t.Elem(), where)
		return &jsonschema.Schema{Type: "array", Items: items}, err
	case t.Kind() == reflect.Map:
		values, err := g.of(t.Elem(), where)
		return &jsonschema.Schema{Type: "object", AdditionalProperties: values}, err
	case t.Kind() == reflect.String:
		// Any scalar: hactl takes its text.
		return &jsonschema.Schema{Types: []string{"string", "number", "boolean"}}, nil
	case t.Kind() == reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}, nil
	case t.Kind() == reflect.Int:
		return &jsonschema.Schema{Type: "integer"}, nil
	}
	return nil, fmt.Errorf("%s: no schema for %s", where, t)
}

func (g *generator) structure(t reflect.Type) (*jsonschema.Schema, error) {
	ref := &jsonschema.Schema{Ref: "#/definitions/" + t.Name()}
	if g.defs[t.Name()] != nil {
		return ref, nil
	}
	s := &jsonschema.Schema{Type: "object", Description: named(g.docs[t.Name()], t), Properties: map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}}
	g.defs[t.Name()] = s
	if slices.Contains(one, t.Name()) {
		s.MinProperties, s.MaxProperties = jsonschema.Ptr(1), jsonschema.Ptr(1)
	}
	for _, fields := range exactlyOne[t.Name()] {
		choice := &jsonschema.Schema{}
		for _, f := range fields {
			choice.OneOf = append(choice.OneOf, &jsonschema.Schema{Required: []string{f}})
		}
		s.AllOf = append(s.AllOf, choice)
	}
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("json")
		if f.Anonymous || !ok || tag == "-" {
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		p, err := g.of(f.Type, t.Name()+"."+f.Name)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(opts, "omit") {
			s.Required = append(s.Required, name)
			if f.Type.Kind() == reflect.Slice {
				p.MinItems = jsonschema.Ptr(1)
			}
		}
		g.tags(p, f.Tag)
		if f.Tag.Get("check") == "expression" {
			p = &jsonschema.Schema{Ref: "#/definitions/Expression"}
			g.defs["Expression"] = &jsonschema.Schema{Type: "string", Pattern: v1.Pattern("expression"), Description: g.docs["Expression"]}
		}
		if doc := g.docs[owner(t, f).Name()+"."+f.Name]; doc != "" {
			if p.Ref != "" { // draft 07 ignores what stands beside a $ref
				p = &jsonschema.Schema{AllOf: []*jsonschema.Schema{p}}
			}
			p.Description = named(doc, t)
		}
		s.Properties[name] = p
		s.PropertyOrder = append(s.PropertyOrder, name)
	}
	return ref, nil
}

// owner is the struct that declares a field, which may be embedded in t.
func owner(t reflect.Type, f reflect.StructField) reflect.Type {
	for _, i := range f.Index[:len(f.Index)-1] {
		t = t.Field(i).Type
	}
	return t
}

// tags puts into p what the loader's tags say of a field, or of each element of a list or map.
func (g *generator) tags(p *jsonschema.Schema, tag reflect.StructTag) {
	elem := p
	switch {
	case p.Type == "array":
		elem = p.Items
	case p.Type == "object" && p.AdditionalProperties != nil:
		elem = p.AdditionalProperties
	}
	if words := strings.Fields(tag.Get("enum")); len(words) > 0 {
		elem.Types = nil
		for _, w := range words {
			elem.Enum = append(elem.Enum, w)
			switch w { // the same words as YAML's own values
			case "true", "false":
				elem.Enum = append(elem.Enum, w == "true")
			case "1":
				elem.Enum = append(elem.Enum, 1)
			case "0":
				elem.Enum = append(elem.Enum, 0)
			}
		}
	}
	if check := tag.Get("check"); check != "" {
		elem.Pattern = v1.Pattern(check)
		switch check {
		case "score", "interval":
			elem.Types = []string{"string", "integer"}
		case "agent", "fenceAgent", "env", "id", "expression":
			elem.Types = nil
			elem.Type = "string"
		}
	}
	if table := tag.Get("options"); table != "" && p.Type == "object" {
		names, open := v1.OptionNames(table)
		if len(names) > 0 {
			p.Properties = map[string]*jsonschema.Schema{}
		}
		for _, n := range names {
			p.Properties[n] = p.AdditionalProperties.CloneSchemas()
		}
		p.PropertyOrder = names
		if !open {
			// A null takes an option away, whatever its name is.
			p.AdditionalProperties = &jsonschema.Schema{Type: "null"}
		}
	}
}

package manual

import v1 "github.com/hactl/hactl/api/v1"

// node is a kind, field, option or agent in JSON.
type node struct {
	Path        string   `json:"path,omitempty"`
	Name        string   `json:"name,omitempty"`
	Type        string   `json:"type,omitempty"`
	Description string   `json:"description,omitempty"`
	Required    bool     `json:"required,omitempty"`
	Enum        []string `json:"enum,omitempty"`
	Format      string   `json:"format,omitempty"`
	CIB         string   `json:"cib,omitempty"`
	Default     *string  `json:"default,omitempty"`
	Deprecated  bool     `json:"deprecated,omitempty"`
	ReplacedBy  string   `json:"replacedBy,omitempty"`
	// OtherOptions tells that options that are not listed are taken as well.
	OtherOptions bool     `json:"otherOptions,omitempty"`
	Options      []node   `json:"options,omitempty"`
	Fields       []node   `json:"fields,omitempty"`
	Actions      []action `json:"actions,omitempty"`
}

// action is what an agent advises for an operation.
type action struct {
	Name     string `json:"name"`
	Interval string `json:"interval,omitempty"`
	Timeout  string `json:"timeout,omitempty"`
	Role     string `json:"role,omitempty"`
}

// Tree is a topic for JSON. Without recursive the fields have no fields.
func (t *Topic) Tree(recursive bool) any {
	n := node{Path: t.Path}
	switch {
	case t.Option != nil:
		n = optionNode(t.Option)
		n.Path = t.Path
	case t.Field != nil:
		n = t.Field.node()
		n.Path = t.Path
		t.Field.options(&n)
	default:
		n.Type, n.Description = t.Type.Name, t.Type.Text
	}
	if t.Type != nil {
		n.Fields = t.Type.nodes(recursive)
	}
	return n
}

func (t *Type) nodes(recursive bool) []node {
	var nodes []node
	for _, f := range t.Fields {
		n := f.node()
		if recursive && f.Of != nil {
			n.Fields = f.Of.nodes(true)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func (f *Field) node() node {
	return node{Name: f.Name, Type: f.Type(), Description: f.Text, Required: f.Required, Enum: f.Words, Format: f.Formatted(), CIB: f.CIB}
}

func (f *Field) options(n *node) {
	if f.Table == "" {
		n.OtherOptions = f.Options
		return
	}
	table := v1.LookupOptions(f.Table)
	n.OtherOptions = table.Open
	for _, o := range table.Options {
		n.Options = append(n.Options, optionNode(&o))
	}
}

func optionNode(o *v1.KnownOption) node {
	return node{Name: o.Name, Type: o.Type, Enum: o.Words}
}

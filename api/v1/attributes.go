package v1

import "fmt"

// AttributeSet is the long form of a set of options (instance_attributes, meta_attributes, utilization or cluster_property_set in the CIB).
// It stands beside the plain form, which is a map, for what a map cannot say: a rule or a score, several sets, one that others refer to.
// The sets come behind the plain one, in this order; where two give the same name, the one of the higher score counts, then the first
// (pcmk__sort_nvpairs in Pacemaker's lib/pengine).
type AttributeSet struct {
	// ID is the XML id, and what tells the sets apart. It is required unless IDRef is given.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
	// IDRef uses a set of the same sort that stands elsewhere. It excludes the other fields.
	IDRef string `json:"idRef,omitempty" cib:"id-ref" ref:"element"`
	// Score decides between sets that give the same name; the default is 0.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// Rule says when the set holds.
	Rule *Rule `json:"rule,omitempty"`
	// Values are the options in their order.
	Values []NameValue `json:"values,omitempty"`
}

// NameValue is one option of an AttributeSet (an nvpair).
type NameValue struct {
	// Name of the option. With IDRef it may be left out or rename the option.
	Name string `json:"name,omitempty" cib:"name"`
	// Value is its text; left out, the option has none and Pacemaker passes it over.
	Value *string `json:"value,omitempty" cib:"value"`
	// Secret is a value that comes from elsewhere, in place of Value.
	Secret *SecretRef `json:"secret,omitempty"`
	// ID is the XML id; needed only where something refers to it.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
	// IDRef uses the option with that id that stands elsewhere. It excludes Value and ID.
	IDRef string `json:"idRef,omitempty" cib:"id-ref" ref:"element"`
}

// Rule says when, or on which nodes, something holds.
type Rule struct {
	// Score is what a location constraint gives to the nodes for which the expression is true: an integer from -1000000 to 1000000,
	// INFINITY or -INFINITY. It has no meaning elsewhere.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// ScoreAttribute names a node attribute that holds the score, in place of Score.
	ScoreAttribute string `json:"scoreAttribute,omitempty" cib:"score-attribute"`
	// Role limits the rule of a location constraint to instances in that role.
	Role string `json:"role,omitempty" cib:"role" check:"role"`
	// Expression is the condition, see Expression for how it is written: "not_defined pingd or pingd lt 100".
	Expression string `json:"expression,omitempty" check:"expression"`
	// ID is the XML id; needed only where something refers to it.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
	// IDRef uses a rule that stands elsewhere. It excludes the other fields.
	IDRef string `json:"idRef,omitempty" cib:"id-ref" ref:"element"`
}

// The checks below follow nvset-3.9.rng and rule-3.9.rng.

func (s *AttributeSet) check(c *checker, o *Object, path string) {
	c.excludes(o, path, choice{"idRef", s.IDRef != ""},
		choice{"id", s.ID != ""}, choice{"score", s.Score != ""}, choice{"rule", s.Rule != nil}, choice{"values", len(s.Values) > 0})
	if s.ID == "" && s.IDRef == "" {
		c.errorf(o, path+".id", "is required: it tells the sets apart; or write idRef to use a set that stands elsewhere")
	}
	first := map[string]int{}
	for i, v := range s.Values {
		at, dup := first[v.Name]
		switch {
		case v.Name == "":
		case dup:
			c.lintf(lintDuplicateName, o, fmt.Sprintf("%s.values[%d]", path, i), "%s is value %d already; remove one", v.Name, at+1)
		default:
			first[v.Name] = i
		}
	}
}

func (v *NameValue) check(c *checker, o *Object, path string) {
	if v.Name == "" && v.IDRef == "" {
		c.errorf(o, path+".name", "is required")
	}
	c.excludes(o, path, choice{"idRef", v.IDRef != ""}, choice{"id", v.ID != ""}, choice{"value", v.Value != nil}, choice{"secret", v.Secret != nil})
	c.excludes(o, path, choice{"secret", v.Secret != nil}, choice{"value", v.Value != nil})
	if v.Secret != nil {
		c.secret(o, path+".secret", *v.Secret)
	}
}

func (r *Rule) check(c *checker, o *Object, path string) {
	c.excludes(o, path, choice{"idRef", r.IDRef != ""}, choice{"id", r.ID != ""}, choice{"expression", r.Expression != ""},
		choice{"score", r.Score != ""}, choice{"scoreAttribute", r.ScoreAttribute != ""}, choice{"role", r.Role != ""})
	c.excludes(o, path, choice{"scoreAttribute", r.ScoreAttribute != ""}, choice{"score", r.Score != ""})
	if r.Expression == "" && r.IDRef == "" {
		c.errorf(o, path+".expression", "is required")
	}
}

package v1

// AttributeSet is the long form of a set of options (instance_attributes, meta_attributes, utilization or cluster_property_set in the CIB).
// It stands beside the plain form, which is a map, for what a map cannot say: a rule or a score, several sets, one that others refer to.
// The sets come behind the plain one, in this order; where two give the same name, the one of the higher score counts, then the first
// (pcmk__sort_nvpairs in Pacemaker's lib/pengine).
type AttributeSet struct {
	// ID is the XML id, and what tells the sets apart. It is required unless IDRef is given.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
	// IDRef uses a set of the same sort that stands elsewhere. It excludes the other fields.
	IDRef string `json:"idRef,omitempty" cib:"id-ref"`
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
	IDRef string `json:"idRef,omitempty" cib:"id-ref"`
}

// Rule says when, or on which nodes, something holds.
type Rule struct {
	// Score is what a location constraint gives to the nodes for which the expression is true: an integer from -1000000 to 1000000,
	// INFINITY or -INFINITY. It has no meaning elsewhere.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// ScoreAttribute names a node attribute that holds the score, in place of Score.
	ScoreAttribute string `json:"scoreAttribute,omitempty" cib:"score-attribute"`
	// Role limits the rule of a location constraint to instances in that role.
	Role string `json:"role,omitempty" cib:"role"`
	// Expression is the condition, see Expression for how it is written: "not_defined pingd or pingd lt 100".
	Expression string `json:"expression,omitempty" check:"expression"`
	// ID is the XML id; needed only where something refers to it.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
	// IDRef uses a rule that stands elsewhere. It excludes the other fields.
	IDRef string `json:"idRef,omitempty" cib:"id-ref"`
}

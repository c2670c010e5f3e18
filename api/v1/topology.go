package v1

// FencingTopology says with which devices, one level after the other, nodes are fenced (fencing-level elements). Exactly one of Target,
// TargetPattern and TargetAttribute says for which nodes. The object's name is hactl's own; the CIB has none.
type FencingTopology struct {
	Object
	// Spec is the desired state.
	Spec FencingTopologySpec `json:"spec"`
}

// FencingTopologySpec is the desired state of a FencingTopology.
type FencingTopologySpec struct {
	// Target is the name of a node.
	Target string `json:"target,omitempty" cib:"target"`
	// TargetPattern is a regular expression (POSIX extended) that node names match.
	TargetPattern string `json:"targetPattern,omitempty" cib:"target-pattern"`
	// TargetAttribute names a node attribute; the nodes meant are those where it is TargetValue.
	TargetAttribute string `json:"targetAttribute,omitempty" cib:"target-attribute"`
	// TargetValue is the value of TargetAttribute.
	TargetValue string `json:"targetValue,omitempty" cib:"target-value"`
	// Levels are tried in the order of their indexes, each only if the one before failed.
	Levels []FencingLevel `json:"levels"`
}

// FencingLevel is a set of devices that all have to succeed.
type FencingLevel struct {
	// Index is the level's number, from 1 (first tried) to 9; the default is its place in the list.
	Index int `json:"index,omitempty"`
	// Devices are the names of fence devices, in the order of their use.
	Devices []string `json:"devices"`
	// ID is the XML id; the default is fl-TARGET-INDEX.
	ID string `json:"id,omitempty" check:"id"`
}

// SetDefaults sets nothing but the type.
func (f *FencingTopology) SetDefaults() { f.setType("FencingTopology") }

func (f *FencingTopology) validate(c *checker) {}

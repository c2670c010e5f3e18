package v1

import (
	"cmp"
	"fmt"
)

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
	Target string `json:"target,omitempty" cib:"target" ref:"node"`
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
	Devices []string `json:"devices" check:"device" ref:"device"`
	// ID is the XML id; the default is fl-TARGET-INDEX.
	ID string `json:"id,omitempty" check:"id"`
}

// SetDefaults sets nothing but the type.
func (f *FencingTopology) SetDefaults() { f.setType("FencingTopology") }

// LevelIndex is the number of a level of the list, the default included.
func (f *FencingTopology) LevelIndex(i int) int { return cmp.Or(f.Spec.Levels[i].Index, i+1) }

// LevelID is the XML id of a level of the list, the default included: fl-TARGET-INDEX without the characters that an id cannot hold, as pcs
// makes it, where a target that is an attribute is ATTRIBUTE-VALUE.
func (f *FencingTopology) LevelID(i int) string {
	if id := f.Spec.Levels[i].ID; id != "" {
		return id
	}
	s := &f.Spec
	target := cmp.Or(s.Target, s.TargetPattern)
	if target == "" {
		target = s.TargetAttribute + "-" + s.TargetValue
	}
	return "fl-" + nameCharacters(target) + fmt.Sprintf("-%d", f.LevelIndex(i))
}

// maxLevel is ST_LEVEL_MAX - 1 of Pacemaker's stonith-ng.h.
const maxLevel = 9

func (f *FencingTopology) validate(c *checker) {
	o, s := &f.Object, &f.Spec
	c.exactlyOne(o, "spec", choice{"target", s.Target != ""}, choice{"targetPattern", s.TargetPattern != ""},
		choice{"targetAttribute", s.TargetAttribute != ""})
	switch {
	case s.TargetAttribute != "" && s.TargetValue == "":
		c.errorf(o, "spec.targetValue", "is required with targetAttribute")
	case s.TargetAttribute == "" && s.TargetValue != "":
		c.errorf(o, "spec.targetValue", "needs targetAttribute, the name of the attribute")
	}
	first := map[int]int{}
	for i, l := range s.Levels {
		p := fmt.Sprintf("spec.levels[%d].index", i)
		index := f.LevelIndex(i)
		was, dup := first[index]
		switch {
		case l.Index < 0 || l.Index == 0 && o.Positions[p] != Pos{}:
			c.errorf(o, p, "%d is no level; write a number from 1 to %d", l.Index, maxLevel)
		case index > maxLevel:
			c.lintf(lintLevelIndex, o, p, "Pacemaker passes over levels above %d; this is %d", maxLevel, index)
		}
		if dup {
			c.errorf(o, p, "level %d is spec.levels[%d] already; put all its devices there, or write another number", index, was)
			continue
		}
		first[index] = i
	}
}

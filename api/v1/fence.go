package v1

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FenceDevice is a device that can power off or isolate nodes (a primitive of class stonith).
type FenceDevice struct {
	Object
	// Spec is the desired state.
	Spec FenceDeviceSpec `json:"spec"`
}

// FenceDeviceSpec is the desired state of a FenceDevice.
type FenceDeviceSpec struct {
	// Agent is the fence agent's name, such as fence_ipmilan.
	Agent string `json:"agent" check:"fenceAgent"`
	// Targets are the nodes that it can fence (pcmk_host_list).
	Targets []string `json:"targets,omitempty" ref:"node"`
	// TargetPlugs maps each node that it can fence to its plug on the device (pcmk_host_map).
	TargetPlugs map[string]string `json:"targetPlugs,omitempty"`
	// AvoidTargets keeps the device off the nodes that it fences, by location constraints named NAME-avoids-NODE.
	AvoidTargets bool `json:"avoidTargets,omitempty"`
	// Params are the agent's parameters and Pacemaker's pcmk_* (pacemaker-fenced(7)). Pacemaker gives the action itself.
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of parameters: with a rule, a score or a shared id.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
	// Secrets are parameters whose values come from elsewhere.
	Secrets map[string]SecretRef `json:"secrets,omitempty"`
	// Meta are Pacemaker's options, such as provides or priority.
	Meta Options `json:"meta,omitempty" options:"meta"`
	// MetaSets are further sets of options.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"meta"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Operations are those that are configured; no other is added.
	Operations []Operation `json:"operations,omitempty"`
}

// SetDefaults sets nothing but the type.
func (f *FenceDevice) SetDefaults() { f.setType("FenceDevice") }

// Nodes lists the nodes that the device can fence as far as the manifest says: Targets, then those of TargetPlugs by name.
func (f *FenceDevice) Nodes() []string {
	nodes := slices.Clone(f.Spec.Targets)
	for _, n := range slices.Sorted(maps.Keys(f.Spec.TargetPlugs)) {
		if !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func (f *FenceDevice) validate(c *checker) {
	o, s := &f.Object, &f.Spec
	c.secrets(o, "spec", s.Params, s.Secrets)
	c.operations(o, "spec.operations", s.Operations)
	for i, n := range s.Targets {
		if slices.Index(s.Targets, n) != i {
			c.errorf(o, fmt.Sprintf("spec.targets[%d]", i), "node %q is listed twice; remove one", n)
		}
	}
	for n, plug := range s.TargetPlugs {
		// What separates the entries of pcmk_host_map.
		if plug == "" || strings.ContainsAny(plug, "; \t\r\n") {
			c.errorf(o, "spec.targetPlugs."+n, "%q cannot be a plug: pcmk_host_map takes no empty one, no ; and no white space", plug)
		}
	}
	if s.AvoidTargets && len(s.Targets)+len(s.TargetPlugs) == 0 {
		c.errorf(o, "spec.avoidTargets", "needs targets or targetPlugs to avoid")
	}
	const byPacemaker = "is given by Pacemaker for each operation; remove it (pcmk_reboot_action and pcmk_off_action choose another)"
	if _, ok := s.Params["action"]; ok {
		c.lintf(lintFenceAction, o, "spec.params.action", byPacemaker)
	}
	if _, ok := s.Secrets["action"]; ok {
		c.errorf(o, "spec.secrets.action", byPacemaker)
	}
	if _, ok := s.Params["pcmk_host_list"]; ok && len(s.Targets) > 0 {
		c.errorf(o, "spec.params.pcmk_host_list", "says the same as spec.targets; remove one")
	}
	if _, ok := s.Params["pcmk_host_map"]; ok && len(s.TargetPlugs) > 0 {
		c.errorf(o, "spec.params.pcmk_host_map", "says the same as spec.targetPlugs; remove one")
	}
}

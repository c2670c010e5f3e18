package v1

// FenceDevice is a device that can power off or isolate nodes (a primitive of class stonith).
type FenceDevice struct {
	Object
	Spec FenceDeviceSpec `json:"spec"`
}

// FenceDeviceSpec is the desired state of a FenceDevice.
type FenceDeviceSpec struct {
	// Agent is the fence agent's name, such as fence_ipmilan.
	Agent string `json:"agent"`
	// Targets are the nodes that it can fence (pcmk_host_list).
	Targets []string `json:"targets,omitempty"`
	// TargetPlugs maps each node that it can fence to its plug on the device (pcmk_host_map).
	TargetPlugs map[string]string `json:"targetPlugs,omitempty"`
	// AvoidTargets keeps the device off the nodes that it fences, by location constraints named NAME-avoids-NODE.
	AvoidTargets bool `json:"avoidTargets,omitempty"`
	// Params are the agent's parameters; ports and action come from Pacemaker.
	Params Options `json:"params,omitempty"`
	// Secrets are parameters whose values come from elsewhere.
	Secrets map[string]SecretRef `json:"secrets,omitempty"`
	// Meta are Pacemaker's options, such as provides or priority.
	Meta        Options     `json:"meta,omitempty"`
	Description string      `json:"description,omitempty"`
	Operations  []Operation `json:"operations,omitempty"`
}

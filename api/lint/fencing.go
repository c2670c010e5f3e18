package lint

import (
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// noFencing looks for clusters of several nodes where none can make sure that another is dead. A single node has nobody to fence it.
func noFencing(c *cluster) {
	o := &c.Cluster.Object
	if len(c.Cluster.Spec.Nodes) < 2 {
		return
	}
	on := c.property("fencing-enabled", "stonith-enabled")
	switch {
	case on.unsure:
		return
	case isFalse(on.text):
		c.warnf(v1.LintNoFencing, o, on.path, "fencing is off: nodes that lose sight of each other both run the same resources, which ruins data on "+
			"shared or replicated storage; add a FenceDevice for each node and remove this line")
		return
	case c.watchdogFencing() || c.fencePrimitives() || len(c.primitives) == 0:
		return
	case len(c.FenceDevices) == 0:
		c.warnf(v1.LintNoFencing, o, "spec.properties", "there is no fence device: fencing is on (its default), and Pacemaker starts no resource "+
			"until there is one; add a FenceDevice for each node")
		return
	}
	for i, n := range c.Cluster.Spec.Nodes {
		if !slices.ContainsFunc(c.FenceDevices, func(f *v1.FenceDevice) bool { t, all := targets(f); return all || slices.ContainsFunc(t, same(n.Name)) }) {
			c.warnf(v1.LintNoFencing, o, fmtNode(i)+".name", "no device can fence %s: when it is lost, what ran there is not started elsewhere; "+
				"add a FenceDevice for it, or add it to the targets of one", n.Name)
		}
	}
}

// watchdogFencing tells whether nodes may fence themselves by SBD's watchdog, without a device: any value but 0 (pacemaker-controld(7)).
func (c *cluster) watchdogFencing() bool {
	s := c.property("fencing-watchdog-timeout", "stonith-watchdog-timeout")
	d, err := v1.Interval(s.text)
	return s.unsure || s.given && (err != nil || d != 0)
}

// fencePrimitives tells about fence devices that are written as a Resource, such as the clones of old. The lints know nothing of their targets.
func (c *cluster) fencePrimitives() bool {
	return slices.ContainsFunc(c.primitives, func(p *primitive) bool { return strings.HasPrefix(p.agent, "stonith:") })
}

// targets are the nodes that a device can fence; all tells that it decides so itself, when it is asked. See pacemaker-fenced(7) on
// pcmk_host_check: without a list or map the device is asked.
func targets(f *v1.FenceDevice) (nodes []string, all bool) {
	param := func(name string) setting {
		return lookup(name, "spec.params", f.Spec.Params, "spec.paramSets", f.Spec.ParamSets)
	}
	list, pairs, check := param("pcmk_host_list"), param("pcmk_host_map"), param("pcmk_host_check")
	if list.unsure || pairs.unsure || check.unsure || check.given && check.text != "static-list" {
		return nil, true
	}
	nodes = f.Nodes()
	nodes = append(nodes, strings.FieldsFunc(list.text, func(r rune) bool { return strings.ContainsRune(" \t\n,;", r) })...)
	for _, p := range strings.FieldsFunc(pairs.text, func(r rune) bool { return strings.ContainsRune(" \t\n;", r) }) {
		node, _, _ := strings.Cut(strings.ReplaceAll(p, "=", ":"), ":")
		nodes = append(nodes, node)
	}
	return nodes, len(nodes) == 0
}

// same compares names of nodes as Pacemaker does.
func same(name string) func(string) bool {
	return func(s string) bool { return strings.EqualFold(s, name) }
}

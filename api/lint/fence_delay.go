package lint

import (
	"slices"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

// noFenceDelay looks for pairs of nodes that shoot each other at the same moment when they lose sight of each other. A node without quorum
// does not shoot, so it takes corosync's two_node; and who loses the race for a disk's reservation does not shoot either.
func noFenceDelay(c *cluster) {
	nodes := c.Cluster.Spec.Nodes
	on := c.property("fencing-enabled", "stonith-enabled")
	if len(nodes) != 2 || on.unsure || isFalse(on.text) || c.fencePrimitives() {
		return
	}
	if q := c.Cluster.Spec.Quorum; q != nil && (q.Options.Get("two_node") == "0" || q.Options.Get("auto_tie_breaker") == "1") {
		return
	}
	if p := c.property("priority-fencing-delay"); p.unsure || p.given && !zero(p.text) {
		return
	}
	var waits [2][]string
	for _, f := range c.FenceDevices {
		switch f.Spec.Agent {
		case "fence_scsi", "fence_mpath":
			continue
		}
		param := func(name string) setting {
			return lookup(name, "spec.params", f.Spec.Params, "spec.paramSets", f.Spec.ParamSets)
		}
		random, base, own := param("pcmk_delay_max"), param("pcmk_delay_base"), param("delay")
		if random.unsure || base.unsure || own.unsure || random.given && !zero(random.text) {
			return
		}
		reaches, all := targets(f)
		for i, n := range nodes {
			if all || slices.ContainsFunc(reaches, same(n.Name)) {
				waits[i] = append(waits[i], delay(base.text, n.Name)+"+"+delay(own.text, n.Name))
			}
		}
	}
	if len(waits[0]) == 0 || len(waits[1]) == 0 {
		return
	}
	for _, w := range waits {
		slices.Sort(w)
	}
	if !slices.Equal(waits[0], waits[1]) {
		return
	}
	c.warnf(v1.LintNoFenceDelay, &c.Cluster.Object, "spec.nodes", "both nodes fence at the same moment: when they lose sight of each other, each is shot by "+
		"the other and no node is left; write pcmk_delay_base: 5s in the params of the device that fences the node to be kept, in one for both pcmk_delay_base: "+
		"%s:5s;%s:0s; or set priority-fencing-delay", nodes[0].Name, nodes[1].Name)
}

// delay is how long a device waits before it fences a node. pcmk_delay_base may be a list such as node1:5s;node2:0.
func delay(text, node string) string {
	if strings.ContainsAny(text, ":=") {
		whole := text
		text = ""
		for _, p := range strings.FieldsFunc(whole, func(r rune) bool { return strings.ContainsRune(" \t\n;", r) }) {
			if n, d, _ := strings.Cut(strings.ReplaceAll(p, "=", ":"), ":"); strings.EqualFold(n, node) {
				text = d
			}
		}
	}
	if zero(text) {
		return ""
	}
	return span(text, 0).String()
}

func zero(text string) bool { return text == "" || span(text, time.Second) == 0 }

// span reads a time span; other is what it is where it cannot be read.
func span(text string, other time.Duration) time.Duration {
	if text == "" {
		return other
	}
	d, err := v1.Interval(text)
	if err != nil {
		return other
	}
	return d
}

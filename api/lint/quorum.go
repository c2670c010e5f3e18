package lint

import (
	"fmt"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

func fmtNode(i int) string { return fmt.Sprintf("spec.nodes[%d]", i) }

// noQuorumPolicyIgnore looks for clusters in which a part without quorum goes on as if nothing had happened.
func noQuorumPolicyIgnore(c *cluster) {
	p := c.property("no-quorum-policy")
	n := len(c.Cluster.Spec.Nodes)
	if !strings.EqualFold(p.text, "ignore") || n < 2 {
		return
	}
	if n == 2 {
		c.warnf(v1.LintNoQuorumPolicyIgnore, &c.Cluster.Object, p.path, "a node without quorum runs everything: corosync's two_node, which hactl sets "+
			"for two nodes, keeps quorum when one is lost, and fencing decides which goes on; remove this line and have fence devices")
		return
	}
	c.warnf(v1.LintNoQuorumPolicyIgnore, &c.Cluster.Object, p.path, "a node without quorum runs everything: when the network is cut, each part starts "+
		"the resources of the others; write stop, or remove this line")
}

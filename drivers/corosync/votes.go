package corosync

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// voting are the options that decide how many votes there are and how many make a quorum (votequorum(5)). A node that comes or goes is told by
// its id.
var voting = regexp.MustCompile(`^quorum\.expected_votes$|^quorum\.device\.(votes|model)$|^nodelist\.node\[\d+\]\.(nodeid|quorum_votes)$`)

// votesWhy says what a running cluster's quorum comes to with the configuration to be, and whether the members that run are enough for it.
func (p *planner) votesWhy() string {
	votes := map[int]int{} // of each node
	expected := 0
	for _, id := range p.target.conf.nodeIDs() {
		votes[id] = number(p.target.fields[fmt.Sprintf("nodelist.node[%d].quorum_votes", id)], 1)
		expected += votes[id]
	}
	device := 0
	if p.target.fields["quorum.device.model"] != "" {
		device = number(p.target.fields["quorum.device.votes"], 1)
		expected += device
	}
	expected = number(p.target.fields["quorum.expected_votes"], expected)
	running := 0
	for _, n := range p.nodes {
		if !n.runs() {
			continue
		}
		running += votes[p.want.node(n.Name).ID]
		if slices.Contains(n.Running.Flags, "Qdevice") {
			running, device = running+device, 0 // it is asked by each, and votes once
		}
	}
	quorum := expected/2 + 1
	if p.target.fields[twoNode] == "1" {
		quorum = 1
	}
	why := fmt.Sprintf("of %d votes then, %d make a quorum, and the members that run now have %d", expected, quorum, running)
	if running < quorum {
		why += ": the cluster loses its quorum, and its resources stop (no-quorum-policy) until more members have joined"
	}
	return why
}

// number reads a number; a default where there is none.
func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return otherwise
}

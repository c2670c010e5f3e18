package cib

import (
	"context"
	"errors"
	"fmt"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// assumedRest says what a prediction for a file without a status is founded on.
const assumedRest = "the file has no status of the nodes: it was taken for that of a cluster at rest, all nodes online, nothing failed, everything where the scheduler puts it"

// rest gives CIBs without a status that of a cluster at rest with the first of them. Without any, every node is lost to the scheduler and to be
// fenced; with nothing running, a change that restarts a service would be predicted as harmless.
func rest(ctx context.Context, h reconcile.Host, docs []*etree.Document) error {
	for _, doc := range docs {
		doc.Root().CreateAttr("have-quorum", "1")
		skipProbes(doc)
	}
	first := docs[0].Copy()
	status := online(first)
	if len(status.ChildElements()) == 0 {
		return errors.New("the file has no status, and names no nodes")
	}
	setStatus(first, status)
	text, err := first.WriteToString()
	if err != nil {
		return err
	}
	sims, end, err := question{cib: text, rounds: maxTransitions, result: true}.simulate(ctx, h)
	if err != nil {
		return errors.New(unanswered(err))
	}
	if sims[len(sims)-1].unfinished() {
		return fmt.Errorf("%s; to work out what would run where takes more than %v", noStatus, maxExecution)
	}
	settled, err := parse(end)
	if err != nil {
		return fmt.Errorf("read crm_simulate's result: %w", err)
	}
	for _, doc := range docs {
		setStatus(doc, settled.FindElement("/cib/status").Copy())
	}
	return nil
}

// online is the status of nodes that are all there and have done nothing yet. A remote node comes with its resource.
func online(doc *etree.Document) *etree.Element {
	status := etree.NewElement("status")
	for _, n := range doc.FindElements("/cib/configuration/nodes/node") {
		if t := attr(n, "type"); t == "remote" || t == "ping" {
			continue
		}
		state := status.CreateElement("node_state")
		state.CreateAttr("id", attr(n, "id"))
		state.CreateAttr("uname", attr(n, "uname"))
		state.CreateAttr("in_ccm", "true")
		state.CreateAttr("crmd", "online")
		state.CreateAttr("join", "member")
		state.CreateAttr("expected", "member")
	}
	return status
}

func setStatus(doc *etree.Document, status *etree.Element) {
	root := doc.Root()
	for _, old := range root.SelectElements("status") {
		root.RemoveChild(old)
	}
	root.AddChild(status)
}

// skipProbes lets the scheduler take for granted that what it did not start does not run. That saves the simulation of a look at each resource on each
// node, whose time grows with the square of the resources.
func skipProbes(doc *etree.Document) {
	options := doc.FindElement("/cib/configuration/crm_config")
	if options == nil {
		return // the plan may make it
	}
	set := element("cluster_property_set", "hactl-at-rest")
	nv := element("nvpair", "hactl-at-rest-enable-startup-probes")
	nv.CreateAttr("name", "enable-startup-probes")
	nv.CreateAttr("value", "false")
	set.AddChild(nv)
	options.AddChild(set)
}

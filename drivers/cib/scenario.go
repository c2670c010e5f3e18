package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Scenario is what happens to a cluster before its scheduler is asked. The zero Scenario is nothing.
type Scenario struct {
	NodeDown  []string  `json:"nodeDown,omitempty"` // leave the cluster in order
	NodeUp    []string  `json:"nodeUp,omitempty"`
	NodeFail  []string  `json:"nodeFail,omitempty"` // are lost and, with fencing, have to be fenced
	Fail      []Failure `json:"fail,omitempty"`
	Revoke    []string  `json:"ticketRevoke,omitempty"`
	Grant     []string  `json:"ticketGrant,omitempty"`
	HasQuorum *bool     `json:"quorum,omitempty"`
}

// Failure is that of a resource on a node: of its monitor, which finds it not running, or of another operation when it is next carried out.
type Failure struct {
	Resource  string `json:"resource"`
	Node      string `json:"node,omitempty"`      // empty: where it runs
	Operation string `json:"operation,omitempty"` // empty: monitor
	Code      int    `json:"code,omitempty"`      // of the agent; 0: not running (7) for a monitor, else error (1)
}

func (f Failure) String() string {
	s := f.Resource
	if f.Node != "" {
		s += "@" + f.Node
	}
	if f.Operation != "" {
		s += "=" + f.Operation
		if f.Code != 0 {
			s += ":" + strconv.Itoa(f.Code)
		}
	}
	return s
}

// ParseFailure reads RESOURCE[@NODE][=OPERATION[:CODE]].
func ParseFailure(text string) (Failure, error) {
	where, op, hasOp := strings.Cut(text, "=")
	var f Failure
	var at, hasCode bool
	f.Resource, f.Node, at = strings.Cut(where, "@")
	var code string
	f.Operation, code, hasCode = strings.Cut(op, ":")
	if hasCode {
		n, err := strconv.Atoi(code)
		if err != nil || n < 1 || n > 255 {
			return f, fmt.Errorf("%q: %q is no exit code of an agent (1 to 255; 1 is an error, 7 is not running)", text, code)
		}
		f.Code = n
	}
	if f.Resource == "" || at && f.Node == "" || hasOp && !slices.Contains(operations, f.Operation) {
		return f, fmt.Errorf("%q: write RESOURCE[@NODE][=OPERATION[:CODE]], where OPERATION is one of %s", text, joinWords(operations))
	}
	return f, nil
}

var operations = []string{"monitor", "start", "stop", "promote", "demote", "migrate_to", "migrate_from", "reload-agent", "notify"}

// Empty tells that nothing happens.
func (s Scenario) Empty() bool {
	return len(s.NodeDown)+len(s.NodeUp)+len(s.NodeFail)+len(s.Fail)+len(s.Revoke)+len(s.Grant) == 0 && s.HasQuorum == nil
}

// Simulate asks the scheduler what the cluster would do now if a scenario happened; what it would do without it is marked as such. A node, resource
// or ticket that is not there is an error.
func (d *Driver) Simulate(ctx context.Context, hosts reconcile.Hosts, have State, s Scenario) (reconcile.Prediction, error) {
	none := func(why string) (reconcile.Prediction, error) { return reconcile.Prediction{Unavailable: why}, nil }
	if !have.formed() {
		return none("no cluster runs")
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return reconcile.Prediction{}, err
	}
	h, assumed, err := have.scheduler(ctx, hosts, doc)
	if ctx.Err() != nil {
		return reconcile.Prediction{}, context.Cause(ctx)
	}
	if err != nil {
		return none(err.Error())
	}
	base, err := rounds(ctx, h, doc)
	if ctx.Err() != nil {
		return reconcile.Prediction{}, context.Cause(ctx)
	}
	if err != nil {
		return none(unanswered(err))
	}
	stonith := stonithIDs(doc)
	pr := reconcile.Prediction{Assumed: assumed, Unknown: unforeseeable(doc, s)}
	if s.Empty() {
		pr.Reactions = allReactions(base, stonith)
		return pr, nil
	}
	q, err := s.question(doc, base[0].now)
	if err != nil {
		return reconcile.Prediction{}, err
	}
	then, _, err := q.simulate(ctx, h)
	if ctx.Err() != nil {
		return reconcile.Prediction{}, context.Cause(ctx)
	}
	if err != nil {
		return none(unanswered(err))
	}
	pr.Reactions = reactions(base, then, stonith)
	return pr, nil
}

// scheduler gives the machine whose scheduler can be asked about the CIBs of a state, and makes them fit for that. assumed says what they did not tell
// and was made up, the same for all. An error says why nobody can be asked.
func (s State) scheduler(ctx context.Context, hosts reconcile.Hosts, docs ...*etree.Document) (h reconcile.Host, assumed string, err error) {
	h = hosts.Named(s.From)
	offline := s.Recorded || s.Withheld != nil
	if offline {
		h = nil
		if len(hosts) > 0 {
			h = hosts[0]
		}
		for _, doc := range docs {
			doc.Root().CreateAttr("crm_feature_set", anyFeatures)
		}
	}
	without := docs[0].FindElement("/cib/status/node_state") == nil
	switch {
	case h == nil && offline:
		return nil, "", errors.New(noTool)
	case h == nil:
		return nil, "", errors.New("there is no machine to ask")
	case without && !s.Recorded:
		return nil, "", errors.New(noStatus)
	case without:
		return h, assumedRest, rest(ctx, h, docs)
	}
	return h, "", nil
}

const (
	// anyFeatures is a crm_feature_set for files. crm_simulate gives up where it is newer than its own; up to 3.0.8, and without any, it keeps account
	// of each action that it simulates in the form of old (xml_create_patchset of lib/common/patchset.c), which takes ten times as long.
	anyFeatures = "3.0.9"

	noStatus = "the file has no status of the nodes (save it with: cibadmin --query)"
	noTool   = "crm_simulate is not installed here (a part of Pacemaker; Debian: pacemaker-cli-utils; RHEL: pacemaker-cli)"
)

// unanswered says why the scheduler of a machine gave no answer.
func unanswered(err error) string {
	var unknown *reconcile.NotRecordedError
	if errors.As(err, &unknown) {
		return noTool
	}
	return err.Error()
}

// question puts a scenario into crm_simulate's words. now is the state of the cluster.
func (s Scenario) question(doc *etree.Document, now clusterStatus) (question, error) {
	q := question{rounds: maxTransitions}
	var nodes []string
	for _, n := range now.nodes {
		nodes = append(nodes, n.name)
	}
	tickets := ticketsOf(doc)
	for _, x := range []struct {
		flag, what   string
		names, known []string
	}{
		{"--node-up", "node", s.NodeUp, nodes}, {"--node-down", "node", s.NodeDown, nodes}, {"--node-fail", "node", s.NodeFail, nodes},
		{"--ticket-revoke", "ticket", s.Revoke, tickets}, {"--ticket-grant", "ticket", s.Grant, tickets},
	} {
		for _, name := range x.names {
			if !slices.Contains(x.known, name) {
				return q, unknownName(x.what, name, x.known)
			}
			q.events = append(q.events, x.flag, name)
		}
	}
	for _, f := range s.Fail {
		inject, always, err := f.specs(doc, now)
		if err != nil {
			return q, err
		}
		q.events, q.always = append(q.events, inject...), append(q.always, always...)
	}
	if s.HasQuorum != nil { // crm_simulate 2.1.5 takes --quorum and changes nothing
		doc = doc.Copy()
		doc.Root().CreateAttr("have-quorum", map[bool]string{true: "1", false: "0"}[*s.HasQuorum])
	}
	var err error
	q.cib, err = doc.WriteToString()
	return q, err
}

// specs are crm_simulate's arguments for a failure: for the first transition, and for all.
func (f Failure) specs(doc *etree.Document, now clusterStatus) (inject, always []string, err error) {
	var known, on []string
	for _, i := range now.instances {
		if !slices.Contains(known, i.Resource) {
			known = append(known, i.Resource)
		}
		if i.Resource == f.Resource && i.active() {
			on = append(on, i.Node)
		}
	}
	nodes := on
	switch {
	case !slices.Contains(known, f.Resource):
		return nil, nil, unknownName("resource", f.Resource, known)
	case f.Node != "" && !slices.ContainsFunc(now.nodes, func(n nodeStatus) bool { return n.name == f.Node }):
		var names []string
		for _, n := range now.nodes {
			names = append(names, n.name)
		}
		return nil, nil, unknownName("node", f.Node, names)
	case f.Node != "":
		nodes = []string{f.Node}
	}
	op := firstOf(f.Operation, "monitor")
	if op != "monitor" {
		if f.Node == "" {
			for _, n := range now.nodes {
				nodes = append(nodes, n.name)
			}
		}
		code := f.Code
		if code == 0 {
			code = 1
		}
		for _, n := range slices.Compact(slices.Sorted(slices.Values(nodes))) {
			always = append(always, "--op-fail", fmt.Sprintf("%s_%s_0@%s=%d", f.Resource, op, n, code))
		}
		return nil, always, nil
	}
	if len(on) == 0 {
		return nil, nil, fmt.Errorf("%s runs nowhere, so no monitor of it can fail; let an operation fail that it is to do: %s=start", f.Resource, f.Resource)
	}
	code := f.Code
	if code == 0 {
		code = 7
	}
	for _, n := range nodes {
		if !slices.Contains(on, n) {
			return nil, nil, fmt.Errorf("%s does not run on %s but on %s", f.Resource, n, joinWords(on))
		}
		id, interval := monitored(doc, f.Resource, n)
		if interval == "" {
			return nil, nil, fmt.Errorf("%s has no monitor on %s: the cluster would not notice that it failed; give it one, or let another operation fail: %s@%s=stop",
				f.Resource, n, f.Resource, n)
		}
		inject = append(inject, "--op-inject", fmt.Sprintf("%s_monitor_%s@%s=%d", id, interval, n, code))
	}
	return inject, nil, nil
}

// monitored gives the name of a resource in a node's history, with its instance's number where it has one, and the interval of its monitor in
// milliseconds, "" if none runs.
func monitored(doc *etree.Document, resource, node string) (id, interval string) {
	for _, state := range doc.FindElements("/cib/status/node_state") {
		if attr(state, "uname") != node {
			continue
		}
		for _, rsc := range state.FindElements("./lrm/lrm_resources/lrm_resource") {
			if instanceOf(attr(rsc, "id")) != resource {
				continue
			}
			for _, op := range rsc.SelectElements("lrm_rsc_op") {
				if ms := attr(op, "interval"); attr(op, "operation") == "monitor" && ms != "" && ms != "0" {
					return attr(rsc, "id"), ms
				}
			}
		}
	}
	return resource, ""
}

// ticketsOf are the tickets that constraints or the status name.
func ticketsOf(doc *etree.Document) []string {
	var out []string
	for _, el := range doc.FindElements("/cib/configuration/constraints/rsc_ticket") {
		out = append(out, attr(el, "ticket"))
	}
	for _, el := range doc.FindElements("/cib/status/tickets/ticket_state") {
		out = append(out, attr(el, "id"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func unknownName(what, name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("there is no %s %q: the cluster has none", what, name)
	}
	if like := v1.Closest(name, known); like != "" {
		return fmt.Errorf("there is no %s %q: did you mean %s?", what, name, like)
	}
	const some = 12
	if len(known) > some {
		return fmt.Errorf("there is no %s %q among the %d of the cluster (hactl status lists them)", what, name, len(known))
	}
	return fmt.Errorf("there is no %s %q; there are %s", what, name, joinWords(known))
}

// unforeseeable lists what a simulation of a scenario cannot know.
func unforeseeable(doc *etree.Document, s Scenario) []string {
	var out []string
	if doc.FindElement("/cib/configuration//date_expression") != nil {
		out = append(out, "what rules say at another time: they were judged as of now")
	}
	if !s.Empty() {
		out = append(out, "whether the agents succeed in what they are asked to do")
		if slices.ContainsFunc(s.Fail, func(f Failure) bool { return f.Operation == "start" }) {
			out = append(out, "where it goes after a failed start: Pacemaker bans it from that node at once (start-failure-is-fatal), its simulation only counts the failure")
		}
		for _, nv := range doc.FindElements("/cib/configuration/resources//meta_attributes/nvpair") {
			if on, _ := boolean(attr(nv, "value")); attr(nv, "name") == "promotable" && on {
				return append(out, "how agents change the scores by which an instance is promoted")
			}
		}
	}
	return out
}

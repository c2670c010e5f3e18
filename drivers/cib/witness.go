package cib

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Witness tells what the cluster did between two observations. The status has the history of operations: of each resource on each node the last
// one that is no check (lib/pacemaker/pcmk_sched_actions.c, pcmk__create_history_xml of 2.1.5, where a reload is written down as a start), each with a
// number that its node counts up. Pacemaker's log on that node has all of them with the same numbers, and is believed where it has at
// least those that the history has; it may be elsewhere, switched off, or rotated. Fencing is told by crm_mon.
func (d *Driver) Witness(ctx context.Context, hosts reconcile.Hosts, before, now State) ([]reconcile.Happening, bool) {
	if !before.formed() || !now.formed() {
		return nil, false
	}
	was, err := readHistory(string(before.CIB))
	is, err2 := readHistory(string(now.CIB))
	if err != nil || err2 != nil {
		return nil, false
	}
	out := []reconcile.Happening{}
	nodes := news(was, is)
	if slices.ContainsFunc(nodes, func(n nodeNews) bool { return len(n.ops) > 0 }) {
		logged := readLogs(ctx, hosts)
		for i := range nodes {
			nodes[i].believe(logged[nodes[i].name])
		}
	}
	for _, n := range nodes {
		out = append(out, n.happenings()...)
	}
	out = append(out, nodeEvents(before.Monitor, now.Monitor)...)
	known := knownSecrets(before, now)
	for i := range out {
		out[i].Failed = withoutSecrets(known, out[i].Failed) // agents may repeat them
	}
	return out, true
}

// ran is an operation that was carried out. A call of 0 is one that the history only lets conclude.
type ran struct {
	op, resource string
	call         int
	failed       string
	vague        bool
}

// history is what the status knows of operations, by node and resource.
type history map[string]map[string][]historic

// historic is an entry of the history.
type historic struct {
	id, op   string
	interval int // milliseconds; 0: no recurring check
	call, rc int
	key      string
}

var statusSection = regexp.MustCompile(`<status[ />]`)

// readHistory reads the status of a CIB, and spares the configuration.
func readHistory(cib string) (history, error) {
	h := history{}
	at, end := statusSection.FindStringIndex(cib), strings.LastIndex(cib, "</status>")
	if at == nil || end < at[0] {
		return h, nil
	}
	doc, err := parse("<cib>" + cib[at[0]:end] + "</status></cib>")
	if err != nil {
		return nil, err
	}
	for _, state := range doc.FindElements("/cib/status/node_state") {
		node := map[string][]historic{}
		h[attr(state, "uname")] = node
		for _, rsc := range state.FindElements("./lrm/lrm_resources/lrm_resource") {
			id := instanceOf(attr(rsc, "id"))
			for _, op := range rsc.SelectElements("lrm_rsc_op") {
				node[id] = append(node[id], historic{id: attr(op, "id"), op: attr(op, "operation"), interval: number(op, "interval"),
					call: number(op, "call-id"), rc: number(op, "rc-code"), key: attr(op, "transition-key")})
			}
		}
	}
	return h, nil
}

func number(el *etree.Element, name string) int {
	n, _ := strconv.Atoi(attr(el, name))
	return n
}

// newest is the highest number that a node has counted up to.
func newest(node map[string][]historic) int {
	n := 0
	for _, ops := range node {
		for _, o := range ops {
			n = max(n, o.call)
		}
	}
	return n
}

// countsAnew tells whether a number of the same entry went down: Pacemaker was started again there, and looked at everything first.
func countsAnew(before, now map[string][]historic) bool {
	for id, ops := range now {
		for _, o := range ops {
			if slices.ContainsFunc(before[id], func(b historic) bool { return b.id == o.id && o.call > 0 && o.call < b.call }) {
				return true
			}
		}
	}
	return false
}

// nodeNews is what the history of a node has that it did not have before.
type nodeNews struct {
	name  string
	since map[string]int // the number of the last operation on each resource before
	top   int            // the highest of them
	again bool           // see countsAnew
	ops   []ran          // other than checks
	// checks are the resources whose recurring checks are others now.
	checks []string
}

func news(was, is history) []nodeNews {
	var out []nodeNews
	for _, name := range slices.Sorted(maps.Keys(is)) {
		before, now := was[name], is[name]
		n := nodeNews{name: name, since: map[string]int{}, top: newest(before), again: countsAnew(before, now)}
		for id, ops := range before {
			n.since[id] = newest(map[string][]historic{id: ops})
			if now[id] == nil {
				now[id] = nil // gone: what ran was stopped
			}
		}
		for _, id := range slices.Sorted(maps.Keys(now)) {
			n.resource(id, before[id], now[id])
		}
		out = append(out, n)
	}
	return out
}

// resource compares the history of one resource.
func (n *nodeNews) resource(id string, before, now []historic) {
	known := map[historic]bool{}
	if !n.again {
		for _, o := range before {
			known[o] = true
		}
	}
	began := len(n.ops)
	sort.SliceStable(now, func(i, j int) bool { return now[i].call < now[j].call })
	ran0 := activeIn(before) && !n.again
	for _, o := range now {
		if known[o] || !acts(o.op) || o.call <= 0 || slices.ContainsFunc(n.ops[began:], func(r ran) bool { return r.call == o.call }) {
			continue
		}
		r := ran{op: o.op, resource: id, call: o.call}
		if o.rc != 0 {
			r.failed = "exit code " + strconv.Itoa(o.rc)
		}
		if (o.op == "promote" || o.op == "demote") && !ran0 && len(n.ops) == began {
			n.ops = append(n.ops, ran{op: "start", resource: id}) // it took its place in the history
		}
		switch {
		case o.op == "start":
			r.vague = ran0 && len(n.ops) == began // a restart or a reload
		case o.op == "promote":
			r.vague = ran0 && lastOf(before).op == "promote" && len(n.ops) == began
		}
		n.ops = append(n.ops, r)
	}
	if len(now) == 0 && ran0 { // its history was deleted with it
		n.ops = append(n.ops, ran{op: "stop", resource: id})
	}
	if a, b := checksOf(before), checksOf(now); len(n.ops) == began && !n.again && len(a)+len(b) > 0 && !slices.Equal(a, b) {
		n.checks = append(n.checks, id)
	}
}

// acts tells whether an operation changes what it is about.
func acts(op string) bool {
	switch op {
	case "start", "stop", "promote", "demote", "reload", "reload-agent", "migrate_to", "migrate_from":
		return true
	}
	return false
}

func lastOf(ops []historic) historic {
	var last historic
	for _, o := range ops {
		if o.call >= last.call && o.interval == 0 {
			last = o
		}
	}
	return last
}

// activeIn tells whether a resource runs by its history: OCF's exit codes 0 and 8 (promoted) of a check say so.
func activeIn(ops []historic) bool {
	switch o := lastOf(ops); o.op {
	case "monitor":
		return o.rc == 0 || o.rc == 8
	case "", "stop", "migrate_to":
		return false
	}
	return true
}

func checksOf(ops []historic) []int {
	var out []int
	for _, o := range ops {
		if o.interval > 0 {
			out = append(out, o.interval)
		}
	}
	sort.Ints(out)
	return out
}

// believe takes what the log has, if it has all that the history has. A history that was deleted has no number to look for. The log may also tell
// of resources that were deleted before all this, with numbers that are in no history any more: a new one's begins with the last look for it.
func (n *nodeNews) believe(logged []ran) {
	if n.again || len(n.ops) == 0 {
		return
	}
	var ops []ran
	concerned := map[string]bool{}
	for _, r := range n.ops {
		concerned[r.resource] = true
	}
	for _, r := range logged {
		since, old := n.since[r.resource]
		switch {
		case !concerned[r.resource]:
		case r.op == "probe" && !old:
			ops = slices.DeleteFunc(ops, func(o ran) bool { return o.resource == r.resource })
		case r.op != "probe" && (old && r.call > since || !old && r.call > n.top):
			ops = append(ops, r)
		}
	}
	type entry struct {
		resource string
		call     int
	}
	has := map[entry]bool{}
	for _, l := range ops {
		has[entry{l.resource, l.call}], has[entry{l.resource, 0}] = true, true
	}
	for _, r := range n.ops {
		if !has[entry{r.resource, r.call}] {
			return
		}
	}
	n.ops = ops
}

func (n *nodeNews) happenings() []reconcile.Happening {
	var out []reconcile.Happening
	for _, r := range n.ops {
		h := reconcile.Happening{Action: r.op, Resource: r.resource, Node: n.name, Failed: r.failed, Vague: r.vague}
		switch r.op {
		case "reload-agent":
			h.Action = "reload"
		case "migrate_from":
			h.Action = "migrate"
		case "migrate_to": // it ends with the other half, and a stop
			continue
		}
		out = append(out, h)
	}
	for _, id := range n.checks {
		out = append(out, reconcile.Happening{Action: "monitor", Resource: id, Node: n.name})
	}
	return out
}

// pacemakerLog is where Pacemaker writes unless its environment says otherwise (PCMK_logfile in /etc/default/pacemaker or /etc/sysconfig).
const pacemakerLog = "/var/log/pacemaker/pacemaker.log"

// logScript gives the results of operations in the last MiB of the log, which is some thousand of them.
const logScript = `tail -c 1048576 ` + pacemakerLog + ` | grep -a ' Result of .* operation for '; :`

// result is the line of a controller on an operation that it had done (daemons/controld/controld_execd.c, log_executor_event):
// "Result of start operation for VIP on node1: ok | CIB update 60, graph action confirmed; call=21 key=VIP_start_0 rc=0".
var result = regexp.MustCompile(`Result of (\S+) operation for (\S+) on (\S+): (.*) \| .*\bcall=(\d+) key=`)

// readLogs reads the logs of all members, for the nodes whose operations they had done: a remote node's are in the log of the member that it is
// connected to.
func readLogs(ctx context.Context, hosts reconcile.Hosts) map[string][]ran {
	out := map[string][]ran{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Go(func() {
			text, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", logScript, "hactl-log"}})
			if err != nil {
				return // the history alone will do
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range result.FindAllStringSubmatch(string(text), -1) {
				if !acts(m[1]) && m[1] != "probe" {
					continue
				}
				r := ran{op: m[1], resource: instanceOf(m[2])}
				r.call, _ = strconv.Atoi(m[5])
				if m[4] != "ok" {
					r.failed = m[4]
				}
				out[m[3]] = append(out[m[3]], r)
			}
		})
	}
	wg.Wait()
	return out
}

// nodeEvents are the fencings that ended since, and the nodes that left.
func nodeEvents(before, now string) []reconcile.Happening {
	was, err := readMonitor(before)
	is, err2 := readMonitor(now)
	if err != nil || err2 != nil {
		return nil
	}
	var out []reconcile.Happening
	known := map[[3]string]bool{}
	key := func(el *etree.Element) [3]string {
		return [3]string{attr(el, "target"), attr(el, "action"), attr(el, "completed")}
	}
	for _, el := range was.FindElements("./fence_history/fence_event") {
		known[key(el)] = true
	}
	fenced := map[string]bool{}
	for _, el := range is.FindElements("./fence_history/fence_event") {
		if known[key(el)] || attr(el, "status") == "pending" {
			continue
		}
		h := reconcile.Happening{Action: "fence", Node: attr(el, "target")}
		if attr(el, "action") == "on" {
			h.Action = "unfence"
		}
		if attr(el, "status") != "success" {
			h.Failed = firstOf(attr(el, "exit-reason"), attr(el, "status"))
		}
		fenced[h.Node] = true
		out = append(out, h)
	}
	online := map[string]bool{}
	for _, n := range readStatus(was).nodes {
		online[n.name] = n.online
	}
	for _, n := range readStatus(is).nodes {
		if online[n.name] && !n.online && !fenced[n.name] {
			out = append(out, reconcile.Happening{Action: "shutdown", Node: n.name})
		}
	}
	return out
}

package cib

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Instance is a resource on a node, or nowhere (Node empty).
type Instance struct {
	Resource, Node, Role             string
	Managed, Blocked, Failed, Orphan bool
	Agent                            string
	Target                           string // the role that it is to have (target-role), if that is said
}

// active tells whether it runs.
func (i Instance) active() bool { return i.Node != "" && i.Role != "Stopped" }

// clusterStatus is a <nodes> and <resources> of crm_mon or crm_simulate.
type clusterStatus struct {
	nodes     []nodeStatus
	instances []Instance
	within    map[string][]string // the groups, clones and bundles that hold a resource, outermost first
}

type nodeStatus struct {
	name                                                              string
	online, standby, standbyOnFail, maintenance, pending, unclean, dc bool
}

// simulation is one run of crm_simulate.
type simulation struct {
	now, then  clusterStatus
	actions    []schedAction
	transition []schedAction
}

// schedAction is an action of the summary (Action is start, stop, restart, …) or of the transition (Action is the operation).
type schedAction struct {
	Action, Resource, Node, Source, Dest, Role, NextRole, Reason, Interval, Target, Blocked string
}

// readStatus reads <nodes> and <resources> below an element.
func readStatus(el *etree.Element) clusterStatus {
	s := clusterStatus{within: map[string][]string{}}
	if el == nil {
		return s
	}
	if ns := el.SelectElement("nodes"); ns != nil {
		for _, n := range ns.SelectElements("node") {
			s.nodes = append(s.nodes, nodeStatus{name: attr(n, "name"), online: yes(n, "online"), standby: yes(n, "standby"),
				standbyOnFail: yes(n, "standby_onfail"), maintenance: yes(n, "maintenance"), pending: yes(n, "pending"), unclean: yes(n, "unclean"), dc: yes(n, "is_dc")})
		}
	}
	if rs := el.SelectElement("resources"); rs != nil {
		s.resources(rs, nil)
	}
	return s
}

func yes(el *etree.Element, name string) bool { return attr(el, name) == "true" }

func (s *clusterStatus) resources(el *etree.Element, within []string) {
	for _, c := range el.ChildElements() {
		if c.Tag != "resource" {
			inside := within
			if id := attr(c, "id"); id != "" && c.Tag != "replica" {
				inside = append(append([]string(nil), within...), strings.SplitN(id, ":", 2)[0])
			}
			s.resources(c, inside)
			continue
		}
		id := strings.SplitN(attr(c, "id"), ":", 2)[0]
		if len(within) > len(s.within[id]) {
			s.within[id] = within
		}
		i := Instance{Resource: id, Role: canonicalRole(attr(c, "role")), Managed: yes(c, "managed"), Blocked: yes(c, "blocked"),
			Target: canonicalRole(attr(c, "target_role")), Failed: yes(c, "failed"), Orphan: yes(c, "orphaned"), Agent: attr(c, "resource_agent")}
		nodes := c.SelectElements("node")
		if len(nodes) == 0 {
			s.instances = append(s.instances, i)
		}
		for _, n := range nodes {
			i.Node = attr(n, "name")
			s.instances = append(s.instances, i)
		}
	}
}

// of gives the instances of a resource, or of all that is in a group, clone or bundle.
func (s clusterStatus) of(id string) []Instance {
	var out []Instance
	for _, i := range s.instances {
		in := i.Resource == id
		for _, w := range s.within[i.Resource] {
			in = in || w == id
		}
		if in {
			out = append(out, i)
		}
	}
	return out
}

// parseSimulation reads `crm_simulate -S --output-as=xml` (xml/api of Pacemaker 2.1).
func parseSimulation(out string) (simulation, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(out); err != nil {
		return simulation{}, fmt.Errorf("read crm_simulate's answer: %w", err)
	}
	root := doc.Root()
	if root == nil || root.Tag != "pacemaker-result" {
		return simulation{}, errors.New("read crm_simulate's answer: it is no pacemaker-result")
	}
	if st := root.SelectElement("status"); st != nil && attr(st, "code") != "0" && attr(st, "code") != "" { // whatever its exit code says
		return simulation{}, fmt.Errorf("crm_simulate: %s", attr(st, "message"))
	}
	s := simulation{now: readStatus(root.SelectElement("cluster_status")), then: readStatus(root.SelectElement("revised_cluster_status"))}
	if a := root.SelectElement("actions"); a != nil {
		for _, el := range a.ChildElements() {
			x := schedAction{Action: attr(el, "action"), Resource: attr(el, "resource"), Node: attr(el, "node"), Source: attr(el, "source"),
				Dest: attr(el, "dest"), Role: attr(el, "role"), NextRole: attr(el, "next-role"), Reason: attr(el, "reason"), Blocked: attr(el, "blocked")}
			if el.Tag == "node_action" {
				x.Action, x.Resource = attr(el, "task"), ""
				x.Node, _, _ = strings.Cut(x.Node, " (resource: ") // a guest and the resource that it is
			}
			s.actions = append(s.actions, x)
		}
	}
	if t := root.SelectElement("transition"); t != nil {
		for _, el := range t.ChildElements() {
			x := schedAction{Resource: attr(el, "resource"), Node: attr(el, "node"), Interval: attr(el, "interval")}
			switch el.Tag {
			case "rsc_action":
				x.Action = attr(el, "op")
			case "fencing_action":
				x.Action, x.Target, x.Node = "fence", attr(el, "target"), attr(el, "target")
			case "cluster_action":
				x.Action = attr(el, "task")
			default:
				continue // pseudo actions are the scheduler's own marks
			}
			s.transition = append(s.transition, x)
		}
	}
	return s, nil
}

// unfinished tells that the transition is known, and not what the cluster is like after it.
func (s simulation) unfinished() bool { return len(s.then.nodes) == 0 && len(s.now.nodes) > 0 }

const (
	// maxTransitions is how many transitions are simulated one after the other before the rest is left open.
	maxTransitions = 5
	// maxExecution is how long the execution of all of them may take. Its time grows with the actions times the size of the CIB: 250 resources
	// start in minutes, while the scheduler has the transition itself in 0.1 s.
	maxExecution = 10 * time.Second
)

// simulateScript runs up to $1 transitions, each on the result of the one before, until the scheduler has nothing new to do, and writes the CIB that
// comes of them behind the answers if $2 is yes. Of the other arguments the first $3 are of the first run alone. crm_simulate saves its result in a file only
// (to a pipe it hangs: it first reads what is there), so one is made in memory, the user's alone, and removed. Into an operation's history it writes
// the digest of the new parameters and leaves those of what must restart as they were, which would be a restart in the next run: they go. A transition whose execution
// would end after $4 seconds is only told, without what comes of it (--run): that is the last. On a node that is root; where a file is planned against it may be anybody.
const simulateScript = `set -e
umask 077
trap 'exit 143' HUP INT TERM # and so to the trap of EXIT
rounds=$1 result=$2 once=$3 end=$(($(date +%s)+$4))
shift 4
d=$(mktemp -d /run/hactl-simulate.XXXXXX 2>/dev/null || mktemp -d "${XDG_RUNTIME_DIR:-/dev/shm}/hactl-simulate.XXXXXX")
trap 'rm -rf "$d"' EXIT
cat > "$d/0"
i=0
while [ $i -lt $rounds ]; do
	left=$((end-$(date +%s)))
	said=124
	[ $left -le 0 ] || { said=0; timeout --foreground $left crm_simulate --xml-file "$d/$i" --simulate --output-as=xml --save-output "$d/$((i+1))" "$@" > "$d/answer" || said=$?; }
	if [ $said = 124 ]; then
		crm_simulate --xml-file "$d/$i" --run --output-as=xml "$@"
		break
	fi
	[ $said = 0 ] || exit $said
	shift $once
	once=0
	i=$((i+1))
	cat "$d/answer"
	[ $i$result != ${rounds}no ] || break
	grep -e '<rsc_action action=' -e '<node_action' "$d/answer" > "$d/now" || break
	cmp -s "$d/now" "$d/before" && break
	mv "$d/now" "$d/before"
	sed -i '/crm-debug-origin="crm_simulate"/s/ op-\(restart-digest\|force-restart\|secure-params\|secure-digest\)="[^"]*"//g' "$d/$i"
done
[ "$result" = no ] || cat "$d/$i"`

// question is put to the scheduler.
type question struct {
	cib    string
	rounds int           // at most so many transitions
	events []string      // crm_simulate's arguments that inject events before the first transition
	always []string      // its arguments for all transitions
	result bool          // the CIB in the end is wanted, too
	brief  bool          // only the summary of the first transition is wanted, which need not be executed for that
	limit  time.Duration // of the execution, in whole seconds; maxExecution if 0
}

// simulate asks the scheduler on a machine what it would do with a CIB as it is.
func simulate(ctx context.Context, h reconcile.Host, cib string) ([]simulation, error) {
	sims, _, err := question{cib: cib, rounds: maxTransitions}.simulate(ctx, h)
	return sims, err
}

// simulate asks the scheduler on a machine what it would do with a CIB, transition after transition. cib is the one in the end. What takes long is
// executing transitions, which has its own limit, so the one of all that reads strikes only where a machine does not answer. Then the prediction
// is unavailable, and all gates ask.
func (q question) simulate(ctx context.Context, h reconcile.Host) (sims []simulation, cib string, err error) {
	result := "no"
	if q.result {
		result = "yes"
	}
	limit := cmp.Or(q.limit, maxExecution)
	if q.brief {
		limit = 0
	}
	argv := slices.Concat([]string{"sh", "-c", simulateScript, "crm_simulate", strconv.Itoa(q.rounds), result, strconv.Itoa(len(q.events)), strconv.Itoa(int(limit.Seconds()))}, q.events, q.always)
	out, err := h.Run(ctx, reconcile.Cmd{Argv: argv, Stdin: []byte(q.cib), Limit: reconcile.DefaultLimit})
	if err != nil {
		var exit *reconcile.ExitError
		if errors.As(err, &exit) {
			if exit.Code == 124 {
				return nil, "", fmt.Errorf("the scheduler gave no answer within %v; is %s overloaded?", reconcile.DefaultLimit, h.Name())
			}
			exit.Argv, exit.Stdout, exit.Stderr = []string{"crm_simulate"}, nil, withoutXML(exit.Stderr)
		}
		return nil, "", fmt.Errorf("the scheduler gave no answer: %w", err)
	}
	const end = "</pacemaker-result>"
	rest := string(out)
	for {
		i := strings.Index(rest, end)
		if i < 0 {
			break
		}
		sim, err := parseSimulation(rest[:i+len(end)])
		if err != nil {
			return nil, "", err
		}
		sims, rest = append(sims, sim), strings.TrimSpace(rest[i+len(end):])
		if q.result && !strings.Contains(rest, end) {
			break
		}
		rest = strings.TrimPrefix(rest, `<?xml version="1.0"?>`)
	}
	if len(sims) == 0 {
		return nil, "", errors.New("the scheduler gave no answer")
	}
	return sims, rest, nil
}

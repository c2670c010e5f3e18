package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/e2e/lab"
)

// TestPredictions makes 30 different changes of a running cluster, compares what each plan foretold with what the cluster then did, and last
// kills a node for which hactl simulate foretold the same.
func TestPredictions(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	m := newModel(l)
	apply(t, l, "-f", m.file(t), "--yes")
	settle(t, l)
	rng := rand.New(rand.NewPCG(4, 2)) // the same changes each time
	agreed, toldSo := 0, 0
	var table []string
	for i, c := range changes {
		what := c.do(m, l, rng)
		f := m.file(t)
		before := journalsOf(l)
		plan := planJSON(t, l, append([]string{"-f", f}, c.args...)...)
		foretold := plan.net()
		live := l.MustExec("node1", "cibadmin", "--query")
		var happened []string
		stdout, _ := apply(t, l, append([]string{"-f", f, "--yes", "-o", "json", "--allow", "outage", "--allow", "redundancy", "--allow", "fence", "--allow", "quorum"}, c.args...)...)
		if told := came(t, stdout); !told.Compared || len(told.Foretold) < len(plan.Prediction.Reactions) || !told.agrees() {
			t.Errorf("%s: the apply tells otherwise: %+v", c.kind, told)
		} else {
			toldSo++
		}
		settle(t, l)
		for deadline := time.Now().Add(10 * time.Second); ; settle(t, l) { // the status may follow a moment later
			if happened = before.since(l); slices.Equal(foretold, happened) || time.Now().After(deadline) {
				break
			}
		}
		verdict := "yes"
		unknown := slices.ContainsFunc(plan.Prediction.Unknown, func(u string) bool { return strings.Contains(u, "which instance of S is promoted") })
		if unknown { // so much for that
			happened = slices.DeleteFunc(happened, func(s string) bool { return strings.HasPrefix(s, "promote S@") })
		}
		if slices.Equal(foretold, happened) {
			agreed++
		} else {
			verdict = "NO"
			save(t, fmt.Sprintf("%02d.xml", i+1), live)
			manifest, _ := os.ReadFile(f)
			save(t, fmt.Sprintf("%02d.yaml", i+1), string(manifest))
		}
		for _, r := range plan.Prediction.Reactions {
			if !r.Anyway && len(r.Causes) == 0 {
				t.Errorf("%s: %s %s has no cause: %s", c.kind, r.Action, r.Resource, plan.Prediction.Unattributed)
			}
			for _, x := range r.Causes {
				if !r.Anyway && !slices.Contains(c.causes, x.Object.Kind) {
					t.Errorf("%s: %s %s because of %s/%s %s, which did not change", c.kind, r.Action, r.Resource, x.Object.Kind, x.Object.Name, x.Path)
				}
			}
		}
		table = append(table, fmt.Sprintf("%2d %-28s %-34s foretold %-40s happened %-40s %s", i+1, c.kind, what, strings.Join(foretold, ", "), strings.Join(happened, ", "), verdict))
		if verdict == "NO" {
			t.Logf("%s: not predictable was: %s", c.kind, strings.Join(plan.Prediction.Unknown, "; "))
		}
	}
	t.Logf("%d of %d predictions came true, %d applies told so\n%s", agreed, len(changes), toldSo, strings.Join(table, "\n"))
	if agreed != len(changes) {
		t.Errorf("%d of %d predictions came true", agreed, len(changes))
	}
	t.Run("a killed node", func(t *testing.T) { killed(t, l, m) })
}

// save keeps what a prediction was made from, where HACTL_SAVE names a folder for it.
func save(t *testing.T, name, text string) {
	if dir := os.Getenv("HACTL_SAVE"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// killed compares what hactl simulate says of the loss of a node with what happens when it is killed.
func killed(t *testing.T, l *lab.Lab, m *model) {
	victim := m.where(l, "A")
	if victim == "" {
		t.Fatal("A runs nowhere")
	}
	stdout, stderr, code := l.Hactl("simulate", "-f", m.file(t), "--node-fail", victim, "-o", "json")
	if code != 2 {
		t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	var s struct{ Reactions []reaction }
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{} // where it starts
	fenced := false
	for _, r := range s.Reactions {
		id, _, clone := strings.Cut(r.Resource, ":")
		if r.To != "" && r.From != r.To && !clone && !strings.HasPrefix(id, "fence-") {
			want[id] = r.To
		}
		fenced = fenced || r.Action == "fence" && r.Node == victim
	}
	if !fenced || want["A"] == "" {
		t.Fatalf("it is not foretold that %s is fenced and A starts elsewhere:\n%s", victim, stdout)
	}
	text, _, _ := l.Hactl("simulate", "-f", m.file(t), "--node-fail", victim)
	t.Log(text)
	before := stateOn(l, victim)
	l.Kill(victim)
	eventually(t, 90*time.Second, "everything runs where it was foretold", func() string {
		for r, node := range want {
			if on := whereElse(l, victim, r); on != node {
				return fmt.Sprintf("%s runs on %q instead of %q", r, on, node)
			}
		}
		return ""
	})
	happened, ok := cib.New("default").Witness(t.Context(), nil, before, stateOn(l, victim))
	if !ok || !slices.Contains(happened, reconcile.Happening{Action: "fence", Node: victim}) ||
		!slices.Contains(happened, reconcile.Happening{Action: "start", Resource: "A", Node: want["A"]}) {
		t.Errorf("it is not told that %s was fenced and A started on %s: %+v", victim, want["A"], happened)
	}
}

// stateOn is what a node that is not the victim tells of the cluster.
func stateOn(l *lab.Lab, victim string) cib.State {
	for _, n := range l.Nodes() {
		if n.Name != victim {
			return cib.State{CIB: cib.XML(l.MustExec(n.Name, "cibadmin", "--query")), Monitor: l.MustExec(n.Name, "crm_mon", "--output-as=xml")}
		}
	}
	return cib.State{}
}

// whereElse asks a node that is not the victim.
func whereElse(l *lab.Lab, victim, resource string) string {
	for _, n := range l.Nodes() {
		if n.Name != victim {
			out, _ := l.Exec(n.Name, "crm_resource", "--locate", "--resource", resource)
			_, on, _ := strings.Cut(out, "is running on: ")
			return strings.TrimSpace(on)
		}
	}
	return ""
}

type reaction struct {
	Action, Resource, Node, From, To string
	Anyway                           bool
	Causes                           []struct {
		Object struct{ Kind, Name string }
		Path   string
	}
}

type foretelling struct {
	Prediction struct {
		Unavailable, Unattributed string
		Unknown                   []string
		Reactions                 []reaction
	}
}

func planJSON(t *testing.T, l *lab.Lab, args ...string) foretelling {
	t.Helper()
	stdout, stderr, code := l.Hactl(append([]string{"plan", "-o", "json"}, args...)...)
	if code != 0 && code != 2 {
		t.Fatalf("plan: exit code %d\n%s\n%s", code, stdout, stderr)
	}
	var p foretelling
	if err := json.Unmarshal([]byte(stdout), &p); err != nil {
		t.Fatal(err)
	}
	if p.Prediction.Unavailable != "" {
		t.Fatalf("no prediction: %s", p.Prediction.Unavailable)
	}
	return p
}

// net is what is left of the reactions in the end, a line for each resource and node; fence devices and schedules of checks are left out.
func (p foretelling) net() []string {
	n := happenings{}
	for _, r := range p.Prediction.Reactions {
		id, _, _ := strings.Cut(r.Resource, ":")
		if r.Anyway || strings.HasPrefix(id, "fence-") {
			continue
		}
		switch r.Action {
		case "start":
			n.add(id, r.To, "start")
		case "stop":
			n.add(id, r.From, "stop")
		case "restart", "reload":
			n.add(id, r.From, r.Action)
		case "move":
			n.add(id, r.From, "stop")
			n.add(id, r.To, "start")
		case "migrate":
			n.add(id, r.From, "stop")
			n.add(id, r.To, "migrate")
		case "promote":
			n.add(id, r.To, "promote")
		case "demote":
			n.add(id, r.From, "demote")
		case "fence", "shutdown":
			n.add(r.Node, r.Node, r.Action)
		}
	}
	return n.lines()
}

type happenings map[[2]string]string

func (h happenings) add(id, node, what string) {
	k := [2]string{id, node}
	switch was := h[k]; {
	case was == "stop" && what == "start":
		what = "restart"
	case what == "promote" || what == "demote": // besides what else happens
		k[1] += " (" + what + ")"
	}
	h[k] = what
}

func (h happenings) lines() []string {
	lines := []string{}
	for k, what := range h {
		node, role, _ := strings.Cut(k[1], " ")
		if role == "(demote)" && h[[2]string{k[0], node}] != "" {
			continue // a stop or restart begins with it
		}
		lines = append(lines, what+" "+k[0]+"@"+node)
	}
	slices.Sort(lines)
	return lines
}

// journals are the lengths of Pacemaker's own logs on the nodes. (The system's journal now and then lacked one of these lines.)
type journals map[string]string

const pacemakerLog = "/var/log/pacemaker/pacemaker.log"

func journalsOf(l *lab.Lab) journals {
	j := journals{}
	for _, n := range l.Nodes() {
		j[n.Name] = strings.TrimSpace(l.MustExec(n.Name, "stat", "-c", "%s", pacemakerLog))
	}
	return j
}

var requested = regexp.MustCompile(`Requesting local execution of (\S+) operation for (\S+) on (\S+)`)

// since is what the controllers have had done: the same words as net.
func (j journals) since(l *lab.Lab) []string {
	h := happenings{}
	for _, n := range l.Nodes() {
		for _, m := range requested.FindAllStringSubmatch(l.MustExec(n.Name, "tail", "-c", "+"+j[n.Name], pacemakerLog), -1) {
			op, id, node := m[1], m[2], m[3]
			if strings.HasPrefix(id, "fence-") {
				continue
			}
			switch op {
			case "start", "stop", "promote", "demote":
				h.add(id, node, op)
			case "reload", "reload-agent":
				h.add(id, node, "reload")
			case "migrate_from":
				h.add(id, node, "migrate")
			}
		}
	}
	return h.lines()
}

// settle waits until the cluster has nothing left to do.
func settle(t *testing.T, l *lab.Lab) {
	t.Helper()
	if out, err := l.Exec("node1", "crm_resource", "--wait", "--timeout=60"); err != nil {
		t.Logf("crm_resource --wait: %v\n%s", err, out)
	}
}

// model is the manifest that the changes change.
type model struct {
	base      string
	defaults  map[string]string
	options   map[string]string
	resources map[string]*thing
	order     []string
	group     []string
	rules     map[string]string // constraints by name
	ruleOrder []string
	password  string
}

type thing struct {
	agent               string
	params, meta, clone map[string]string
	interval            string
}

func newModel(l *lab.Lab) *model {
	m := &model{base: cibBase(l), defaults: map[string]string{}, options: map[string]string{}, resources: map[string]*thing{}, rules: map[string]string{}, password: l.Nodes()[0].BMC.Password}
	for _, r := range []string{"A", "B", "M", "P", "S", "G1", "G2", "G3"} {
		m.resources[r] = &thing{agent: "ocf:pacemaker:Dummy", params: map[string]string{"fake": "a"}, meta: map[string]string{}, interval: "10s"}
	}
	m.order, m.group = []string{"A", "B", "M", "P", "S"}, []string{"G1", "G2", "G3"}
	m.resources["M"].meta["allow-migrate"] = "true"
	m.resources["P"].clone = map[string]string{"clone-max": "3"}
	m.resources["S"] = &thing{agent: "ocf:pacemaker:Stateful", params: map[string]string{}, meta: map[string]string{}, clone: map[string]string{"promotable": "true"}, interval: "11s"}
	for i, r := range []string{"A", "B", "M", "G"} {
		m.rule(r+"-likes", fmt.Sprintf("location: {resource: %s, node: node%d, score: 50}", r, i%3+1))
	}
	m.rule("S-likes", "location: {resource: S-clone, role: Promoted, rules: [{score: 50, expression: \"#uname eq node1\"}]}")
	return m
}

func (m *model) rule(name, spec string) {
	if _, ok := m.rules[name]; !ok {
		m.ruleOrder = append(m.ruleOrder, name)
	}
	m.rules[name] = spec
}

func flow(kv map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(kv)) {
		parts = append(parts, fmt.Sprintf("%s: %q", k, kv[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (t *thing) spec(name string) string {
	return fmt.Sprintf("{name: %s, agent: %q, params: %s, meta: %s, operations: [{name: monitor, interval: %s}]}", name, t.agent, flow(t.params), flow(t.meta), t.interval)
}

// file writes the manifest.
func (m *model) file(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	options := "stonith-enabled: true"
	for _, k := range slices.Sorted(maps.Keys(m.options)) {
		options += ", " + k + ": " + m.options[k]
	}
	b.WriteString(strings.Replace(m.base, "properties: {stonith-enabled: true}", "properties: {"+options+"}\n  resourceDefaults: "+flow(m.defaults), 1))
	for _, name := range m.order {
		r := m.resources[name]
		spec := strings.Replace(r.spec(name), "name: "+name+", ", "", 1)
		if r.clone != nil {
			ops := "interval: " + r.interval + "}]"
			if r.clone["promotable"] != "" {
				spec = strings.Replace(spec, ops, "interval: "+r.interval+", role: Unpromoted}, {name: monitor, interval: 9s, role: Promoted}]", 1)
			}
			clone := maps.Clone(r.clone)
			promotable := ""
			if clone["promotable"] != "" {
				delete(clone, "promotable")
				promotable = "promotable: true, "
			}
			spec = strings.TrimSuffix(spec, "}") + ", clone: {" + promotable + "meta: " + flow(clone) + "}}"
		}
		fmt.Fprintf(&b, "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: %s}\nspec: %s\n", name, spec)
	}
	b.WriteString("---\napiVersion: hactl/v1\nkind: ResourceGroup\nmetadata: {name: G}\nspec:\n  resources:\n")
	for _, name := range m.group {
		fmt.Fprintf(&b, "  - %s\n", m.resources[name].spec(name))
	}
	for _, name := range m.ruleOrder {
		fmt.Fprintf(&b, "---\napiVersion: hactl/v1\nkind: Constraint\nmetadata: {name: %s}\nspec: {%s}\n", name, m.rules[name])
	}
	f := cibFiles(t, b.String(), m.password)
	if os.Getenv("HACTL_SHOW") != "" {
		t.Log(b.String())
	}
	return f
}

func (m *model) where(l *lab.Lab, resource string) string { return whereOrNowhere(l, resource) }

// elsewhere is a node on which a resource does not run.
func (m *model) elsewhere(l *lab.Lab, resource string, rng *rand.Rand) string {
	on := m.where(l, resource)
	for {
		if n := l.Nodes()[rng.IntN(3)].Name; n != on {
			return n
		}
	}
}

// change is one kind of change; do makes it and says in words what it is. causes are the kinds of objects that it changes.
type kindOfChange struct {
	kind   string
	causes []string
	do     func(m *model, l *lab.Lab, rng *rand.Rand) string
	args   []string // of plan and apply
}

func setParam(r, param, value string) func(*model, *lab.Lab, *rand.Rand) string {
	return func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.resources[r].params[param] = value
		return r + " params." + param
	}
}

func setMeta(r, name, value string) func(*model, *lab.Lab, *rand.Rand) string {
	return func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.resources[r].meta[name] = value
		return r + " meta." + name + "=" + value
	}
}

func setRule(name, spec string) func(*model, *lab.Lab, *rand.Rand) string {
	return func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.rule(name, spec)
		return spec
	}
}

var (
	ofResource   = []string{"Resource"}
	ofConstraint = []string{"Constraint"}
	ofGroup      = []string{"ResourceGroup", "Resource"}
	ofCluster    = []string{"Cluster"}
)

var changes = []kindOfChange{
	{kind: "reloadable parameter", causes: ofResource, do: setParam("A", "fake", "b")},
	{kind: "unique parameter", causes: ofResource, do: setParam("A", "state", "/run/resource-agents/A-2.state")},
	{kind: "another parameter", causes: ofResource, do: setParam("B", "passwd", "x")},
	{kind: "parameter of a clone", causes: ofResource, do: setParam("P", "fake", "b")},
	{kind: "parameter of a group's first", causes: ofResource, do: setParam("G1", "state", "/run/resource-agents/G1-2.state")},
	{kind: "parameter of a group's last", causes: ofResource, do: setParam("G3", "state", "/run/resource-agents/G3-2.state")},
	{kind: "ban", causes: ofConstraint, do: func(m *model, l *lab.Lab, _ *rand.Rand) string {
		on := m.where(l, "A")
		m.rule("A-not", "location: {resource: A, node: "+on+", score: -INFINITY}")
		return "A not on " + on
	}},
	{kind: "score of the ban", causes: ofConstraint, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.rule("A-not", strings.Replace(m.rules["A-not"], "-INFINITY", "-1", 1))
		return "A-not -1"
	}},
	{kind: "preference", causes: ofConstraint, do: func(m *model, l *lab.Lab, rng *rand.Rand) string {
		to := m.elsewhere(l, "B", rng)
		m.rule("B-prefers", "location: {resource: B, node: "+to+", score: 700}")
		return "B to " + to
	}},
	{kind: "live migration", causes: ofConstraint, do: func(m *model, l *lab.Lab, rng *rand.Rand) string {
		to := m.elsewhere(l, "M", rng)
		m.rule("M-prefers", "location: {resource: M, node: "+to+", score: 700}")
		return "M to " + to
	}},
	{kind: "stickiness", causes: ofCluster, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.defaults["resource-stickiness"] = "1000"
		return "resource-stickiness 1000"
	}},
	{kind: "a preference that is too weak", causes: ofConstraint, do: func(m *model, l *lab.Lab, rng *rand.Rand) string {
		to := m.elsewhere(l, "A", rng)
		m.rule("A-prefers", "location: {resource: A, node: "+to+", score: 300}")
		return "A to " + to + " for 300"
	}},
	{kind: "colocation", causes: ofConstraint, do: setRule("A-with-M", "colocation: {resource: A, with: M, score: INFINITY}")},
	{kind: "order", causes: ofConstraint, do: setRule("M-then-A", "order: {first: M, then: A}")},
	{kind: "order of what is stopped", causes: append(ofConstraint, ofResource...), do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.rule("B-then-G", "order: {first: B, then: G, kind: Optional}")
		m.resources["B"].meta["target-role"] = "Stopped"
		return "B stopped"
	}},
	{kind: "it starts again", causes: ofResource, do: setMeta("B", "target-role", "Started")},
	{kind: "one instance less", causes: ofResource, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.resources["P"].clone["clone-max"] = "2"
		return "clone-max 2"
	}},
	{kind: "one instance more", causes: ofResource, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.resources["P"].clone["clone-max"] = "3"
		return "clone-max 3"
	}},
	{kind: "group order", causes: ofGroup, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.group = []string{"G1", "G3", "G2"}
		return "G1 G3 G2"
	}},
	{kind: "a new member", causes: ofGroup, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.resources["G4"] = &thing{agent: "ocf:pacemaker:Dummy", params: map[string]string{}, meta: map[string]string{}, interval: "10s"}
		m.group = append(m.group, "G4")
		return "G4"
	}},
	{kind: "interval of a monitor", causes: ofResource, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.resources["A"].interval = "17s"
		return "A every 17s"
	}},
	{kind: "a fence device", causes: []string{"FenceDevice"}, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.base = strings.Replace(m.base, "lanplus: 1, cipher: 3}", "lanplus: 1, cipher: 3, pcmk_delay_base: 1s}", 1)
		return "fence-node1 delay"
	}},
	{kind: "where it is promoted", causes: ofConstraint, do: setRule("S-likes", "location: {resource: S-clone, role: Promoted, rules: [{score: 50, expression: \"#uname eq node2\"}, {score: -INFINITY, expression: \"#uname eq node1\"}]}")},
	{kind: "migration threshold", causes: ofResource, do: setMeta("B", "migration-threshold", "3")},
	{kind: "unmanaged", causes: ofResource, do: setMeta("B", "is-managed", "false")},
	{kind: "a parameter of what is unmanaged", causes: ofResource, do: setParam("B", "state", "/run/resource-agents/B-2.state")},
	{kind: "a new resource", causes: ofResource, do: func(m *model, _ *lab.Lab, rng *rand.Rand) string {
		m.resources["N"] = &thing{agent: "ocf:pacemaker:Dummy", params: map[string]string{}, meta: map[string]string{}, interval: "10s"}
		m.order = append(m.order, "N")
		m.rule("N-likes", fmt.Sprintf("location: {resource: N, node: node%d, score: 50}", rng.IntN(3)+1))
		return "N"
	}},
	{kind: "deletion", causes: ofResource, args: []string{"--prune"}, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.order = slices.DeleteFunc(m.order, func(r string) bool { return r == "N" })
		m.ruleOrder = slices.DeleteFunc(m.ruleOrder, func(r string) bool { return r == "N-likes" })
		return "N"
	}},
	{kind: "all stop", causes: ofCluster, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.options["stop-all-resources"] = "true"
		return "stop-all-resources"
	}},
	{kind: "all start", causes: ofCluster, do: func(m *model, _ *lab.Lab, _ *rand.Rand) string {
		m.options["stop-all-resources"] = "false"
		return "stop-all-resources false"
	}},
}

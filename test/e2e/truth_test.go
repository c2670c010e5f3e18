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

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/test/e2e/lab"
)

// truthSeed and truthChanges make the same changes in every run.
const (
	truthSeed    = 4
	truthChanges = 30
)

// Thirty different changes, each predicted and then made: what the plan says against what the cluster did, by the nodes' logs.
func TestPlansTellTheTruth(t *testing.T) {
	l := lab.Up(t, 3)
	w := newTruth(t, l)
	apply(t, l, "-f", w.write())
	atRest(l)
	agreed := 0
	var table strings.Builder
	for i := range truthChanges {
		what := w.change(i)
		f := w.write()
		stdout, stderr, code := l.Hactl("plan", "-f", f, "-o", "json", "--prune")
		if code != 0 && code != 2 {
			t.Fatalf("%s: plan: exit code %d\n%s\n%s", what, code, stdout, stderr)
		}
		said := predicted(t, stdout)
		before := marks(l)
		args := []string{"apply", "-f", f, "--yes", "--prune", "--allow", "outage", "--allow", "fence", "--allow", "redundancy"}
		if out, errs, code := l.Hactl(args...); code != 0 {
			t.Fatalf("%s: apply: exit code %d\n%s\n%s", what, code, out, errs)
		}
		atRest(l)
		did := happened(l, before)
		verdict := "agrees"
		if said == did {
			agreed++
		} else {
			verdict = "DIFFERS"
		}
		fmt.Fprintf(&table, "%2d %-7s %-58s said: %s\n", i+1, verdict, what, said)
		if said != did {
			fmt.Fprintf(&table, "%70s did: %s\n", "", did)
		}
	}
	t.Logf("%d of %d predictions agree with what the cluster did:\n%s", agreed, truthChanges, table.String())
	if agreed < truthChanges {
		t.Errorf("%d of %d", agreed, truthChanges)
	}
}

// atRest waits until the cluster has nothing to do; hactl itself does not use this tool (it cannot tell trouble from rest).
func atRest(l *lab.Lab) { _, _ = l.Exec("node1", "crm_resource", "--wait", "--timeout", "60s") }

// predicted writes the reactions of a plan as "resource@node verb" for each, without those that would happen anyway.
func predicted(t *testing.T, plan string) string {
	t.Helper()
	var p struct {
		Prediction struct {
			Unavailable string
			Reactions   []struct {
				Action, Resource, Node, From, To string
				Anyway                           bool
			}
		}
	}
	if err := json.Unmarshal([]byte(plan), &p); err != nil {
		t.Fatal(err)
	}
	if p.Prediction.Unavailable != "" {
		return "unavailable: " + p.Prediction.Unavailable
	}
	verbs := map[string]string{}
	add := func(rsc, node, verb string) {
		k := instance.ReplaceAllString(rsc, "") + "@" + node
		// A restart holds what else happens to the instance.
		if was := verbs[k]; was == "" || verb == "restart" {
			verbs[k] = verb
		} else if was != "restart" && was != verb {
			verbs[k] = was + "+" + verb
		}
	}
	for _, r := range p.Prediction.Reactions {
		from, to := r.From, r.To
		if r.Anyway || r.Action == "monitor" { // no operation of a resource's life
			continue
		}
		switch r.Action {
		case "move", "migrate":
			add(r.Resource, from, "stop")
			add(r.Resource, to, "start")
		case "stop":
			add(r.Resource, or(from, r.Node), "stop")
		default:
			add(r.Resource, or(to, or(from, r.Node)), r.Action)
		}
	}
	return listed(verbs)
}

var instance = regexp.MustCompile(`:\d+$`)

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func listed(verbs map[string]string) string {
	if len(verbs) == 0 {
		return "nothing"
	}
	var s []string
	for _, k := range slices.Sorted(maps.Keys(verbs)) {
		s = append(s, k+" "+verbs[k])
	}
	return strings.Join(s, ", ")
}

// result is a line of Pacemaker's log (controld's log_executor_event) of an operation that is no monitor and no probe.
var result = regexp.MustCompile(`Result of (start|stop|promote|demote|reload|reload-agent|migrate_to|migrate_from) operation for (\S+) on (\S+): ok`)

// marks are the ends of the nodes' logs.
func marks(l *lab.Lab) map[string]string {
	ends := map[string]string{}
	for _, n := range l.Nodes() {
		ends[n.Name] = strings.TrimSpace(l.MustExec(n.Name, "stat", "-c", "%s", "/var/log/pacemaker/pacemaker.log"))
	}
	return ends
}

// happened writes what the nodes' logs tell since the marks in the words of predicted.
func happened(l *lab.Lab, since map[string]string) string {
	ops := map[string][]string{}
	for _, n := range l.Nodes() {
		for _, m := range result.FindAllStringSubmatch(l.MustExec(n.Name, "tail", "-c", "+"+since[n.Name], "/var/log/pacemaker/pacemaker.log"), -1) {
			k := instance.ReplaceAllString(m[2], "") + "@" + m[3]
			ops[k] = append(ops[k], m[1])
		}
	}
	verbs := map[string]string{}
	for k, done := range ops {
		stop, start := slices.Index(done, "stop"), slices.Index(done, "start")
		switch {
		case stop >= 0 && start > stop:
			verbs[k] = "restart"
		case stop >= 0:
			verbs[k] = "stop"
		default:
			verbs[k] = strings.ReplaceAll(strings.Join(done, "+"), "reload-agent", "reload")
		}
	}
	return listed(verbs)
}

// truth is a cluster's manifests and a generator of changes to them.
type truth struct {
	t    *testing.T
	l    *lab.Lab
	rand *rand.Rand
	m    *v1.Manifests
	n    int
}

func opts(pairs ...string) v1.Options {
	o := v1.Options{}
	for i := 0; i+1 < len(pairs); i += 2 {
		o[pairs[i]] = v1.Value{Text: pairs[i+1]}
	}
	return o
}

func dummyOf(params v1.Options) v1.Primitive {
	return v1.Primitive{Agent: "ocf:pacemaker:Dummy", Params: params, Operations: []v1.Operation{{Name: "monitor", Interval: "10s"}}}
}

func newTruth(t *testing.T, l *lab.Lab) *truth {
	w := &truth{t: t, l: l, rand: rand.New(rand.NewPCG(truthSeed, 0)), m: &v1.Manifests{}}
	c := &v1.Cluster{Object: v1.Object{Metadata: v1.Metadata{Name: "truth"}}}
	for i, n := range l.Nodes() {
		c.Spec.Nodes = append(c.Spec.Nodes, v1.Node{Name: n.Name, ID: i + 1, Addresses: []string{n.LAN, n.Ring}})
	}
	boot := true
	c.Spec.Prepare = &v1.Prepare{HostsFile: true, StartAtBoot: &boot}
	c.Spec.Properties = opts("stonith-enabled", "true")
	c.Spec.ResourceDefaults = opts("resource-stickiness", "10")
	w.m.Add(c)
	for _, n := range l.Nodes() {
		w.m.Add(&v1.FenceDevice{Object: v1.Object{Metadata: v1.Metadata{Name: "fence-" + n.Name}}, Spec: v1.FenceDeviceSpec{Agent: "fence_ipmilan",
			Targets: []string{n.Name}, AvoidTargets: true, Params: opts("ip", n.BMC.Address, "username", n.BMC.User, "lanplus", "1", "cipher", "3"),
			Secrets: map[string]v1.SecretRef{"password": {Env: "IPMI_PASSWORD"}}, Operations: []v1.Operation{{Name: "monitor", Interval: "60s"}}}})
	}
	for _, name := range []string{"d1", "d2", "d3", "d4"} {
		w.m.Add(&v1.Resource{Object: v1.Object{Metadata: v1.Metadata{Name: name}}, Spec: v1.ResourceSpec{Primitive: dummyOf(opts("fake", "0"))}})
	}
	g := &v1.ResourceGroup{Object: v1.Object{Metadata: v1.Metadata{Name: "g"}}}
	for _, name := range []string{"g1", "g2", "g3"} {
		g.Spec.Resources = append(g.Spec.Resources, v1.GroupMember{Name: name, Primitive: dummyOf(opts("fake", "0"))})
	}
	w.m.Add(g)
	w.m.Add(&v1.Resource{Object: v1.Object{Metadata: v1.Metadata{Name: "c"}}, Spec: v1.ResourceSpec{Primitive: dummyOf(nil), Clone: &v1.Clone{Meta: opts("interleave", "true")}}})
	yes := true
	st := &v1.Resource{Object: v1.Object{Metadata: v1.Metadata{Name: "s"}}, Spec: v1.ResourceSpec{Primitive: v1.Primitive{Agent: "ocf:pacemaker:Stateful",
		Operations: []v1.Operation{{Name: "monitor", Interval: "10s", Role: "Promoted"}, {Name: "monitor", Interval: "11s", Role: "Unpromoted"}}},
		Clone: &v1.Clone{Promotable: &yes, Meta: opts("promoted-max", "1")}}}
	w.m.Add(st)
	return w
}

// write writes the manifests as they are now.
func (w *truth) write() string {
	w.t.Helper()
	f := filepath.Join(w.t.TempDir(), "cluster.yaml")
	out, err := os.Create(f)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	if err := v1.WriteYAML(out, w.m.All()); err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w *truth) resource() *v1.Resource {
	var plain []*v1.Resource
	for _, r := range w.m.Resources {
		if r.Spec.Clone == nil {
			plain = append(plain, r)
		}
	}
	return plain[w.rand.IntN(len(plain))]
}

func (w *truth) named(name string) *v1.Resource {
	i := slices.IndexFunc(w.m.Resources, func(r *v1.Resource) bool { return r.Metadata.Name == name })
	return w.m.Resources[i]
}

func (w *truth) node() string { return fmt.Sprintf("node%d", 1+w.rand.IntN(3)) }

// change makes the i-th change and says which. The kinds come in turn, so that each is covered; what it is about is drawn.
func (w *truth) change(i int) string {
	w.n++
	value := fmt.Sprint(w.n)
	kinds := []func() string{
		func() string { // a parameter that the agent can reload (Dummy: fake is reloadable)
			r := w.resource()
			r.Spec.Params["fake"] = v1.Value{Text: value}
			return "parameter fake of " + r.Metadata.Name
		},
		func() string { // one that it cannot
			r := w.resource()
			r.Spec.Params["state"] = v1.Value{Text: "/run/" + r.Metadata.Name + "-" + value}
			return "parameter state of " + r.Metadata.Name + " (unique)"
		},
		func() string {
			r, n := w.resource(), w.node()
			w.constraint(value, v1.ConstraintSpec{Location: &v1.Location{Resource: r.Metadata.Name, Node: n, Score: "500"}})
			return r.Metadata.Name + " likes " + n
		},
		func() string {
			c := w.m.Constraints[w.rand.IntN(len(w.m.Constraints))]
			if c.Spec.Location == nil {
				return "nothing (no location drawn)"
			}
			c.Spec.Location.Score = []string{"-INFINITY", "0", "50"}[w.rand.IntN(3)]
			return "score of " + c.Metadata.Name + " to " + c.Spec.Location.Score
		},
		func() string {
			s := []string{"0", "1000", "INFINITY"}[w.rand.IntN(3)]
			w.m.Cluster.Spec.ResourceDefaults = opts("resource-stickiness", s)
			return "stickiness " + s
		},
		func() string {
			c := w.named("c").Spec.Clone
			n := fmt.Sprint(1 + w.rand.IntN(3))
			c.Meta["clone-max"] = v1.Value{Text: n}
			return "clone-max of c to " + n
		},
		func() string {
			g := w.m.Groups[0]
			if len(g.Spec.Resources) > 2 && w.rand.IntN(2) == 0 {
				last := g.Spec.Resources[len(g.Spec.Resources)-1].Name
				g.Spec.Resources = g.Spec.Resources[:len(g.Spec.Resources)-1]
				return "deletion of the member " + last
			}
			g.Spec.Resources = append(g.Spec.Resources, v1.GroupMember{Name: "g" + value + "x", Primitive: dummyOf(opts("fake", "0"))})
			return "another member of g"
		},
		func() string {
			rs := w.m.Groups[0].Spec.Resources
			a, b := 0, len(rs)-1
			rs[a], rs[b] = rs[b], rs[a]
			return fmt.Sprintf("%s and %s change places in g", rs[a].Name, rs[b].Name)
		},
		func() string {
			f := w.m.FenceDevices[w.rand.IntN(3)]
			f.Spec.Params["power_timeout"] = v1.Value{Text: fmt.Sprint(20 + w.n)}
			return "power_timeout of " + f.Metadata.Name
		},
		func() string {
			p := []string{"no-quorum-policy", "cluster-recheck-interval", "batch-limit"}[w.rand.IntN(3)]
			w.m.Cluster.Spec.Properties[p] = v1.Value{Text: map[string]string{"no-quorum-policy": "freeze", "cluster-recheck-interval": fmt.Sprint(10+w.n, "min"), "batch-limit": value}[p]}
			return "property " + p
		},
		func() string {
			a, b := w.resource(), w.resource()
			if a == b {
				a, b = w.named("d1"), w.named("d2")
			}
			score := []string{"INFINITY", "-INFINITY"}[w.rand.IntN(2)]
			w.constraint(value, v1.ConstraintSpec{Colocation: &v1.Colocation{Resource: a.Metadata.Name, With: b.Metadata.Name, Score: score}})
			return a.Metadata.Name + " with " + b.Metadata.Name + " " + score
		},
		func() string {
			r := w.resource()
			r.Spec.Operations[0].Interval = fmt.Sprint(10+w.n, "s")
			return "monitor interval of " + r.Metadata.Name
		},
		func() string {
			w.m.Add(&v1.Resource{Object: v1.Object{Metadata: v1.Metadata{Name: "n" + value}}, Spec: v1.ResourceSpec{Primitive: dummyOf(opts("fake", "0"))}})
			return "a new resource n" + value
		},
		func() string {
			c := w.m.Constraints[w.rand.IntN(len(w.m.Constraints))]
			w.m.Remove(func(o *v1.Object) bool { return o == &c.Object })
			return "deletion of the constraint " + c.Metadata.Name
		},
		func() string {
			n := []string{"1", "2"}[w.rand.IntN(2)]
			w.named("s").Spec.Clone.Meta["promoted-max"] = v1.Value{Text: n}
			return "promoted-max of s to " + n
		},
	}
	return kinds[i%len(kinds)]()
}

func (w *truth) constraint(value string, s v1.ConstraintSpec) {
	w.m.Add(&v1.Constraint{Object: v1.Object{Metadata: v1.Metadata{Name: "k" + value}}, Spec: s})
}

package manual_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/schemas"
	"github.com/hactl/hactl/schemas/agents"
	"github.com/hactl/hactl/schemas/manual"
)

func read(t *testing.T) *manual.Manual {
	t.Helper()
	m, err := manual.New(schemas.JSON)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every path that completion offers can be explained, and says more than its name.
func TestEveryPathIsExplained(t *testing.T) {
	m := read(t)
	seen := 0
	var walk func(beginning string, depth int)
	walk = func(beginning string, depth int) {
		for _, p := range m.Complete(beginning) {
			e, err := m.Lookup(p)
			if err != nil {
				t.Errorf("%s: %v", p, err)
				continue
			}
			seen++
			if lines := strings.Count(e.Text(false), "\n"); lines < 3 {
				t.Errorf("%s: only\n%s", p, e.Text(false))
			}
			if e.Tree(true) == nil {
				t.Errorf("%s: nothing for JSON", p)
			}
			if depth < 8 {
				walk(p+".", depth+1)
			}
		}
	}
	walk("", 0)
	if seen < 1000 {
		t.Errorf("only %d paths", seen)
	}
}

func TestEveryAgentIsExplained(t *testing.T) {
	m := read(t)
	for _, n := range agents.Names() {
		e, err := m.Lookup(n)
		if err != nil {
			t.Errorf("%s: %v", n, err)
		} else if !strings.Contains(e.Text(false), n) {
			t.Errorf("%s: %s", n, e.Text(false))
		}
	}
}

func TestFind(t *testing.T) {
	for path, want := range map[string]string{
		"constraint.SPEC.order.firstaction":             "Constraint.spec.order.firstAction",
		"constraints":                                   "Constraint",
		"Cluster.spec.nodes[0].addresses":               "Cluster.spec.nodes.addresses",
		"Cluster.spec.properties.no-quorum-policy":      "Cluster.spec.properties.no-quorum-policy",
		"Resource.spec.secrets.password.env":            "Resource.spec.secrets.password.env",
		"ResourceGroup.spec.resources.operations.":      "ResourceGroup.spec.resources.operations",
		"operation.on-fail":                             "Operation.on-fail",
		"Cluster.spec.prepare.units":                    "Cluster.spec.prepare.units",
		"FenceDevice.spec.metaSets.rule.expression":     "FenceDevice.spec.metaSets.rule.expression",
		"ResourceGroup.spec.resources[2].paramSets[0]":  "ResourceGroup.spec.resources.paramSets",
		"ResourceTemplate.spec.operations.timeout":      "ResourceTemplate.spec.operations.timeout",
		"Alert.spec.select.attributes.names":            "Alert.spec.select.attributes.names",
		"Cluster.spec.remoteNodes.attributeSets.values": "Cluster.spec.remoteNodes.attributeSets.values",
	} {
		if topic, err := read(t).Find(path); err != nil {
			t.Errorf("%s: %v", path, err)
		} else if topic.Path != want {
			t.Errorf("%s: leads to %s, not %s", path, topic.Path, want)
		}
	}
}

// A wrong word is answered with what may have been meant.
func TestNotFound(t *testing.T) {
	for word, want := range map[string]string{
		"Constrant":                              "did you mean Constraint?",
		"nosuch":                                 "the kinds are ACLGroup, ",
		"Constraint.spec.ordr":                   "did you mean Constraint.spec.order?; its fields are location, order, colocation, ticket",
		"Constraint.order":                       "did you mean Constraint.spec.order?",
		"Constraint.spec.xyzz":                   "its fields are location",
		"Cluster.spec.properties.stonth-enabled": "did you mean Cluster.spec.properties.stonith-enabled?",
		"Cluster.spec.properties.zzz":            "hactl explain Cluster.spec.properties lists",
		"Resource.spec.agent.x":                  "Resource.spec.agent is string",
		"Resource.spec.params.ip":                "they are the agent's",
		"ocf:heartbeat:IPadr2":                   "did you mean ocf:heartbeat:IPaddr2?",
		"fence_ipmiln":                           "did you mean fence_ipmilan?",
		"fence_nothing_like_it":                  "no agent of Debian 12",
		"systemd:nginx":                          "have no parameters",
		".":                                      "there is no kind",
		"..":                                     "there is no kind",
		"Constraint..":                           `there is no field ""`,
		":":                                      "have no parameters",
	} {
		if e, err := read(t).Lookup(word); err == nil {
			t.Errorf("%s is explained: %s", word, e.Text(false))
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, without %q", word, err, want)
		}
	}
}

// Every link of the reference leads to a heading, and no two headings have one name.
func TestReferenceLinks(t *testing.T) {
	text := read(t).Reference()
	var anchors []string
	for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		a := strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(h[1]), ":", ""), " ", "-")
		if slices.Contains(anchors, a) {
			t.Errorf("two headings %q", h[1])
		}
		anchors = append(anchors, a)
	}
	links := regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1)
	for _, l := range links {
		if !slices.Contains(anchors, l[1]) {
			t.Errorf("a link leads to #%s, which is no heading", l[1])
		}
	}
	for _, k := range v1.Kinds() {
		if !strings.Contains(text, "\n## "+k+"\n") {
			t.Errorf("no section on kind %s", k)
		}
	}
	for _, l := range v1.Lints() {
		if !strings.Contains(text, "| `"+l.ID+"` |") {
			t.Errorf("no line on lint %s", l.ID)
		}
	}
	if len(links) < 100 {
		t.Errorf("only %d links", len(links))
	}
}

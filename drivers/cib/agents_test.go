package cib

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/drivers/transport/files"
)

// A node's agent may differ from Debian 12's: its own word counts.
func TestCheckAgents(t *testing.T) {
	showIP := files.Key("crm_resource", "--show-metadata", "ocf:heartbeat:IPaddr2")
	metadata := files.Answer{Stdout: []byte(`<resource-agent name="IPaddr2"><parameters>
		<parameter name="ip" required="1"><content type="string"/></parameter>
		<parameter name="newer" required="1"><content type="string"/></parameter></parameters></resource-agent>`)}
	for _, c := range []struct {
		name, want string
		answers    map[string]files.Answer
		errs, odd  string
	}{
		{"the node's agent has more than Debian's", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, newer: 1}}`,
			map[string]files.Answer{showIP: metadata}, "", ""},
		{"the node's agent has less, and requires more", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, cidr_netmask: 24}}`,
			map[string]files.Answer{showIP: metadata},
			`spec.params.cidr_netmask: ocf:heartbeat:IPaddr2 has no parameter cidr_netmask; see its parameters with: crm_resource --show-metadata ocf:heartbeat:IPaddr2
spec.params: ocf:heartbeat:IPaddr2 requires the parameter newer; add it`, ""},
		{"the node cannot be asked", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9, cidr_netmsk: 24}}`, nil,
			`spec.params.cidr_netmsk: ocf:heartbeat:IPaddr2 has no parameter cidr_netmsk; did you mean cidr_netmask?`,
			"whether ocf:heartbeat:IPaddr2 takes the parameters: its metadata could not be read; they were compared with Debian 12's"},
		{"nobody knows it", `{agent: "ocf:mine:thing", params: {x: 1}}`, nil, "", "whether ocf:mine:thing takes the parameters: its metadata could not be read"},
		{"the node has no such agent", `{agent: "ocf:heartbeat:IPadr2", params: {ip: 10.0.0.9}}`, map[string]files.Answer{
			files.Key("crm_resource", "--show-metadata", "ocf:heartbeat:IPadr2"): {Code: 105},
			files.Key("crm_resource", "--list-agents", "ocf:heartbeat"):          {Stdout: []byte("Filesystem\nIPaddr2\n")},
		}, `spec.agent: there is no agent ocf:heartbeat:IPadr2 on n1; did you mean ocf:heartbeat:IPaddr2?`, ""},
		{"the agent is there and did not answer in time", `{agent: "ocf:heartbeat:IPaddr2", params: {ip: 10.0.0.9}}`, map[string]files.Answer{
			showIP: {Code: 105},
			files.Key("crm_resource", "--list-agents", "ocf:heartbeat"): {Stdout: []byte("Filesystem\nIPaddr2\n")},
		}, "", "whether ocf:heartbeat:IPaddr2 takes the parameters: its metadata could not be read; they were compared with Debian 12's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkLive(t, "kind: Resource\nmetadata: {name: A}\nspec: "+c.want+"\n", c.answers, c.errs, c.odd)
		})
	}
}

// What is inherited is not missing, and what is ignored is not told.
func TestCheckAgentsGiven(t *testing.T) {
	for _, c := range []struct{ name, want, errs string }{
		{"from the group", "kind: ResourceGroup\nmetadata: {name: G}\nspec: {params: {ip: 10.0.0.9}, resources: [{name: A, agent: \"ocf:heartbeat:IPaddr2\", params: {nic: eth0}}]}\n", ""},
		{"from the clone", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:heartbeat:IPaddr2\", params: {nic: eth0}, clone: {params: {ip: 10.0.0.9}}}\n", ""},
		{"from nowhere", "kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:heartbeat:IPaddr2\", params: {nic: eth0}}\n",
			"spec.params: ocf:heartbeat:IPaddr2 requires the parameter ip; add it"},
		{"ignored", "kind: Resource\nmetadata: {name: A, ignore: [{lint: missing-parameter, reason: x}, {lint: unknown-parameter, reason: x}]}\nspec: {agent: \"ocf:heartbeat:IPaddr2\", params: {zzz: 1}}\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkLive(t, c.want, nil, c.errs, "whether ocf:heartbeat:IPaddr2 takes the parameters: its metadata could not be read; they were compared with Debian 12's")
		})
	}
}

var placeInText = regexp.MustCompile(`(?m)^\S+:\d+:\d+: `)

func checkLive(t *testing.T, manifest string, answers map[string]files.Answer, errs, odd string) {
	t.Helper()
	want := desired(t, head+manifest)
	p, err := newPlanner(want, observed(want, live("pacemaker-3.9", "", "", "")))
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := p.checkAgents(t.Context(), files.New("n1", files.Record{Answers: answers}))
	got := ""
	if err != nil {
		got = placeInText.ReplaceAllString(err.Error(), "")
	}
	if d := cmp.Diff(errs, got); d != "" {
		t.Errorf("errors:\n%s", d)
	}
	if d := cmp.Diff(odd, strings.Join(unknown, "\n")); d != "" {
		t.Errorf("unknown:\n%s", d)
	}
}

// Before a cluster runs there is nobody to ask, and a mistake is better told before anything is set up.
func TestAgentsAreCheckedBeforeThereIsACluster(t *testing.T) {
	want := desired(t, head+"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:heartbeat:IPaddr2\", params: {ipp: 10.0.0.9}}\n"+
		"---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: B}\nspec: {agent: \"ocf:mine:thing\", params: {ipp: 10.0.0.9}}\n")
	have := observed(want, "")
	steps, err := new(Driver).Plan(want, have)
	if err != nil {
		t.Fatal(err)
	}
	_, err = new(Driver).Predict(t.Context(), nil, want, have, steps)
	wantErr := `spec.params.ipp: ocf:heartbeat:IPaddr2 has no parameter ipp; did you mean ip?`
	if err == nil {
		t.Fatal("no mistake is found")
	}
	if d := cmp.Diff(wantErr, placeInText.ReplaceAllString(err.Error(), "")); d != "" {
		t.Error(d)
	}
}

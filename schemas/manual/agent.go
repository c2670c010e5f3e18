package manual

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/schemas/agents"
)

// agent is a resource agent or fence agent of Debian 12.
type agent struct {
	*agents.Agent
	fence bool
	must  []string // the parameters that have to be given
}

// forPeople are parameters of fence agents that nobody configures: Pacemaker gives the action, the others are for a terminal.
var forPeople = []string{"action", "help", "version"}

// findAgent finds an agent by its name, or by its type alone where only one has it; ok is false for what cannot be an agent.
func findAgent(word string) (e Entry, ok bool, err error) {
	names := agents.Names()
	var like []string
	for _, n := range names {
		if strings.EqualFold(n, strings.TrimPrefix(word, "stonith:")) || strings.EqualFold(n[strings.LastIndexByte(n, ':')+1:], word) {
			like = append(like, n)
		}
	}
	class, _, colon := strings.Cut(word, ":")
	switch {
	case len(like) == 1:
		a, _ := agents.Find(like[0])
		fence := !strings.Contains(like[0], ":")
		if fence {
			a.Params = slices.DeleteFunc(a.Params, func(p agents.Param) bool { return slices.Contains(forPeople, p.Name) })
		}
		return agent{a, fence, a.Missing(func(string) bool { return false }, fence)}, true, nil
	case len(like) > 1:
		return nil, true, fmt.Errorf("several agents are called %s: %s", word, strings.Join(like, ", "))
	case colon && class != "ocf" && class != "stonith":
		return nil, true, fmt.Errorf("%s: services of the operating system (systemd, service, lsb) have no parameters", word)
	case colon || strings.HasPrefix(word, "fence_"):
		hint := "; on a node, crm_resource --show-metadata tells of the agents that are installed there"
		if n := v1.Closest(word, names); n != "" {
			hint = fmt.Sprintf("; did you mean %s?", n)
		}
		return nil, true, fmt.Errorf("%s is no agent of Debian 12's packages%s", word, hint)
	}
	return nil, false, nil
}

func (a agent) Text(bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "AGENT:  %s\n\n%s\nPARAMETERS:\n", a.Name, paragraphs(a.Description, ""))
	var old []string
	for _, p := range a.Params {
		if p.Deprecated {
			old = append(old, p.Name+replacement(p))
			continue
		}
		must := ""
		if slices.Contains(a.must, p.Name) {
			must = " (required)"
		}
		fmt.Fprintf(&b, "  %s <%s>%s\n", p.Name, p.Type, must)
		b.WriteString(paragraphs(strings.TrimSpace(p.Description+"\n"+values(p)), "      "))
	}
	if len(old) > 0 {
		b.WriteString("\nDEPRECATED:\n" + paragraphs(strings.Join(old, ", "), "  "))
	}
	if a.fence {
		var names []string
		for _, p := range agents.FenceParams() {
			names = append(names, p.Name)
		}
		b.WriteString("\nOF EVERY FENCE DEVICE (pacemaker-fenced(7)):\n" + paragraphs(strings.Join(names, ", "), "  "))
	}
	if len(a.Actions) > 0 && !a.fence {
		b.WriteString("\nOPERATIONS, with the times that the agent advises:\n")
		for _, x := range a.Actions {
			line := "{name: " + x.Name
			for _, v := range [][2]string{{"interval", x.Interval}, {"timeout", x.Timeout}, {"role", x.Role}} {
				if v[1] != "" && v[1] != "0" && v[1] != "0s" {
					line += ", " + v[0] + ": " + v[1]
				}
			}
			b.WriteString("  " + line + "}\n")
		}
	}
	return b.String()
}

func replacement(p agents.Param) string {
	if p.ReplacedBy == "" {
		return ""
	}
	return " (write " + p.ReplacedBy + ")"
}

// values says what a parameter may be and what it is when left out.
func values(p agents.Param) string {
	var all []string
	if len(p.Values) > 0 {
		all = append(all, "One of "+alternatives(p.Values)+".")
	}
	if p.Default != nil && *p.Default != "" {
		all = append(all, "Default: "+*p.Default)
	}
	return strings.Join(all, " ")
}

func (a agent) Tree(bool) any {
	n := node{Path: a.Name, Type: "agent", Description: a.Description}
	for _, p := range a.Params {
		n.Options = append(n.Options, node{Name: p.Name, Type: p.Type, Description: p.Description, Enum: p.Values, Default: p.Default,
			Required: slices.Contains(a.must, p.Name), Deprecated: p.Deprecated, ReplacedBy: p.ReplacedBy})
	}
	for _, x := range a.Actions {
		n.Actions = append(n.Actions, action{x.Name, x.Interval, x.Timeout, x.Role})
	}
	return n
}

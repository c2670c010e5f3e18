package agents

import (
	"regexp"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Param finds a parameter by its name; nil if the agent has none.
func (a *Agent) Param(name string) *Param {
	i := slices.IndexFunc(a.Params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &a.Params[i]
}

// byPacemaker are parameters of fence agents that Pacemaker gives for each operation, whatever the metadata say.
var byPacemaker = []string{"action", "plug", "port", "nodename"}

// always are parameters that every agent takes and none tells: OCF_CHECK_LEVEL is the depth of a monitor, the trace_ ones switch on the
// shell trace of resource-agents (ocf-shellfuncs).
var always = []string{"OCF_CHECK_LEVEL", "trace_ra", "trace_dir", "trace_file"}

// fenced are parameters of all fence devices that pacemaker-fenced reads: any action has its pcmk_NAME_action, _timeout and _retries, and
// arg_map, provides, priority and stonith-timeout are read though its metadata no longer tell of them.
var fenced = regexp.MustCompile(`^(pcmk_.+_(action|timeout|retries)|pcmk_arg_map|stonith-timeout|priority|provides)$`)

// Takes tells that a parameter may be given to the agent: its own, and those that Pacemaker or the agents' shell library take besides. fence
// says that it is a fence agent.
func (a *Agent) Takes(name string, fence bool) bool {
	return a.Param(name) != nil || slices.Contains(always, name) || strings.HasPrefix(name, "CRM_meta_") || fence && takenByFencer(name)
}

func takenByFencer(name string) bool {
	return slices.Contains(byPacemaker, name) || fenced.MatchString(name) || fencerAgent().Param(name) != nil
}

// Missing lists the required parameters that are not given, in the order of the metadata. A required parameter that has a default is not
// missing; nor is one of which another spelling is given (ip and ipaddr); nor what Pacemaker gives to a fence agent.
func (a *Agent) Missing(given func(name string) bool, fence bool) []string {
	var missing []string
	for _, p := range a.Params {
		if !p.Required || p.Default != nil && *p.Default != "" || fence && slices.Contains(byPacemaker, p.Name) {
			continue
		}
		// The new spelling speaks for the old one.
		if p.Deprecated && p.ReplacedBy != "" {
			if r := a.Param(p.ReplacedBy); r != nil && r.Required {
				continue
			}
		}
		if !slices.ContainsFunc(a.spellings(p.Name), given) {
			missing = append(missing, p.Name)
		}
	}
	return missing
}

// spellings are the names of one parameter: itself, what replaces it and what it replaces.
func (a *Agent) spellings(name string) []string {
	names := []string{name}
	for _, p := range a.Params {
		if p.ReplacedBy == name {
			names = append(names, p.Name)
		}
		if p.Name == name && p.ReplacedBy != "" {
			names = append(names, p.ReplacedBy)
		}
	}
	return names
}

// Near gives the parameter that a mistyped name most likely means, one that is not deprecated before others; or "".
func (a *Agent) Near(name string, fence bool) string {
	var current, old []string
	for _, p := range a.Params {
		if p.Deprecated {
			old = append(old, p.Name)
		} else {
			current = append(current, p.Name)
		}
	}
	if fence {
		for _, p := range fencerAgent().Params {
			current = append(current, p.Name)
		}
	}
	if n := v1.Closest(name, current); n != "" {
		return n
	}
	return v1.Closest(name, old)
}

package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"
	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// agentParams are the parameters that an agent's metadata tells.
type agentParams struct {
	names    []string
	required map[string]bool
	replaces map[string][]string // by name: deprecated names of the same parameter
}

// parseMetadata reads an agent's metadata (OCF resource agent API, fence agent API).
func parseMetadata(s string) (agentParams, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(s); err != nil {
		return agentParams{}, fmt.Errorf("its metadata is no readable XML: %w", err)
	}
	a := agentParams{required: map[string]bool{}, replaces: map[string][]string{}}
	if doc.Root() == nil {
		return a, errors.New("it has no metadata")
	}
	for _, p := range doc.Root().FindElements("./parameters/parameter") {
		n := attr(p, "name")
		if n == "" {
			continue
		}
		a.names = append(a.names, n)
		if attr(p, "required") == "1" {
			a.required[n] = true
		}
		if o := attr(p, "obsoletes"); o != "" {
			a.replaces[n] = append(a.replaces[n], o)
		}
	}
	return a, nil
}

// byPacemaker are parameters of fence agents that Pacemaker gives for each operation, whatever the metadata say.
var byPacemaker = []string{"action", "plug", "port", "nodename"}

// checkAgents looks at the agents of the resources that are new or whose agent or parameters change: whether the agent is there, and has
// the parameters. unknown lists agents that would not tell.
func (p *planner) checkAgents(ctx context.Context, h reconcile.Host) (unknown []string, err error) {
	users := map[string][]*Object{}
	for i := range p.want.Objects {
		o := &p.want.Objects[i]
		if slices.ContainsFunc(p.changes, func(c reconcile.Change) bool {
			return c.Object == o.Ref && (c.Path == "agent" || strings.HasPrefix(c.Path, "params."))
		}) {
			if a := p.agent(o); a != "" {
				users[a] = append(users[a], o)
			}
		}
	}
	var names, units []string
	for a := range users {
		if strings.HasPrefix(a, "systemd:") {
			units = append(units, a)
		} else {
			names = append(names, a)
		}
	}
	sort.Strings(names)
	sort.Strings(units)
	errs, odd := make([]error, len(names)+1), make([]string, len(names))
	var g errgroup.Group
	g.SetLimit(4)
	g.Go(func() error {
		errs[len(names)] = checkUnits(ctx, h, units, users)
		return nil
	})
	for i, a := range names {
		g.Go(func() error {
			errs[i], odd[i] = p.checkAgent(ctx, h, a, users[a])
			return nil
		})
	}
	_ = g.Wait()
	for _, s := range odd {
		if s != "" {
			unknown = append(unknown, s)
		}
	}
	return unknown, errors.Join(errs...)
}

// agent is the object's agent, "" for a group.
func (p *planner) agent(o *Object) string {
	for _, f := range p.wantedFields(o) {
		if f.path() == "agent" {
			return f.value
		}
	}
	return ""
}

func (p *planner) checkAgent(ctx context.Context, h reconcile.Host, agent string, users []*Object) (err error, odd string) {
	class, name, _ := strings.Cut(agent, ":")
	argv := []string{"crm_resource", "--show-metadata", agent}
	if class == "stonith" {
		argv = []string{"stonith_admin", "--metadata", "--agent", name}
	}
	out, err := h.Run(ctx, reconcile.Cmd{Argv: argv})
	var exit *reconcile.ExitError
	if errors.As(err, &exit) && exit.Code == 105 { // CRM_EX_NOSUCH
		var errs []error
		hint := p.nearAgent(ctx, h, agent)
		for _, o := range users {
			errs = append(errs, fmt.Errorf("%s: spec.agent: there is no agent %s on %s%s", o.Pos["agent"], strings.TrimPrefix(agent, "stonith:"), h.Name(), hint))
		}
		return errors.Join(errs...), ""
	}
	var meta agentParams
	if err == nil {
		meta, err = parseMetadata(string(out))
	}
	if err != nil {
		return nil, fmt.Sprintf("whether %s takes the parameters: its metadata could not be read", agent) //nolint:nilerr // told, and no reason to refuse
	}
	var errs []error
	for _, o := range users {
		errs = append(errs, p.checkParams(o, agent, class == "stonith", meta)...)
	}
	return errors.Join(errs...), ""
}

// checkUnits asks systemd: Pacemaker makes up metadata for units that do not exist. One process tells of all: systemctl show answers in the
// order of its arguments, with an empty line between two.
func checkUnits(ctx context.Context, h reconcile.Host, agents []string, users map[string][]*Object) error {
	if len(agents) == 0 {
		return nil
	}
	argv := []string{"systemctl", "show", "--property=LoadState", "--"}
	for _, a := range agents {
		unit := strings.TrimPrefix(a, "systemd:")
		if !strings.Contains(unit, ".") {
			unit += ".service"
		}
		argv = append(argv, unit)
	}
	out, err := h.Run(ctx, reconcile.Cmd{Argv: argv})
	states := strings.Split(strings.TrimSpace(string(out)), "\n\n")
	if err != nil || len(states) != len(agents) {
		return nil //nolint:nilerr // what cannot be asked is no reason to refuse: the unit's start will tell
	}
	var errs []error
	for i, a := range agents {
		if !strings.Contains(states[i], "not-found") {
			continue
		}
		for _, o := range users[a] {
			errs = append(errs, fmt.Errorf("%s: spec.agent: there is no systemd unit %s on %s; install its package, or correct the name (systemctl list-unit-files)",
				o.Pos["agent"], argv[4+i], h.Name()))
		}
	}
	return errors.Join(errs...)
}

// nearAgent lists what is near a name that does not exist.
func (p *planner) nearAgent(ctx context.Context, h reconcile.Host, agent string) string {
	const install = "; install its package, or correct the name"
	i := strings.LastIndex(agent, ":")
	list := agent[:i]
	if list == "stonith" {
		list = "stonith"
	}
	out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"crm_resource", "--list-agents", list}})
	if err != nil {
		return install
	}
	if n := nearest(agent[i+1:], strings.Fields(string(out))); n != "" {
		return fmt.Sprintf("; did you mean %s?", strings.TrimPrefix(agent[:i+1]+n, "stonith:"))
	}
	return install
}

func (p *planner) checkParams(o *Object, agent string, stonith bool, meta agentParams) []error {
	var errs []error
	given := map[string]bool{}
	if el := findID(p.work, o.Ref.Name); el != nil {
		for _, nv := range el.FindElements("./instance_attributes/nvpair") {
			given[attr(nv, "name")] = true
		}
		if has(el, "template") {
			return nil // the rest stands there
		}
	}
	short := strings.TrimPrefix(agent, "stonith:")
	for _, f := range p.wantedFields(o) {
		if f.group != "params" || f.attr != "value" || slices.Contains(meta.names, f.name) || stonith && (strings.HasPrefix(f.name, "pcmk_") ||
			slices.Contains(byPacemaker, f.name) || f.name == "provides" || f.name == "stonith-timeout" || f.name == "priority") || strings.HasPrefix(f.name, "CRM_meta_") {
			continue
		}
		hint := "; see its parameters with: crm_resource --show-metadata " + agent
		if stonith {
			hint = "; see its parameters with: stonith_admin --metadata --agent " + short
		}
		if n := nearest(f.name, meta.names); n != "" {
			hint = fmt.Sprintf("; did you mean %s?", n)
		}
		errs = append(errs, fmt.Errorf("%s: spec.params.%s: %s has no parameter %s%s", o.Pos[f.path()], f.name, short, f.name, hint))
	}
next:
	for _, n := range meta.names {
		if !meta.required[n] || given[n] || stonith && slices.Contains(byPacemaker, n) {
			continue
		}
		for _, old := range meta.replaces[n] {
			if given[old] {
				continue next
			}
		}
		for newer, olds := range meta.replaces {
			if slices.Contains(olds, n) && given[newer] {
				continue next
			}
		}
		errs = append(errs, fmt.Errorf("%s: spec.params: %s requires the parameter %s; add it", o.Pos[""], short, n))
	}
	return errs
}

// nearest gives the candidate that is a slip of the pen away, or "".
func nearest(word string, candidates []string) string {
	best, least := "", 1+len(word)/3
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d <= least && c != word {
			if d < least || best == "" {
				best, least = c, d
			}
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost = 1 + min(prev, row[j], row[j+1])
			}
			prev, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

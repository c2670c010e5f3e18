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

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/schemas/agents"
)

// checkAgents looks at the agents of the resources that are new or whose agent or parameters change: whether the agent is there, and has
// the parameters. unknown lists agents that would not tell. Without a host none will.
func (p *planner) checkAgents(ctx context.Context, h reconcile.Host) (unknown []string, err error) {
	changed := map[reconcile.Ref]bool{}
	for _, c := range p.changes {
		if c.Path == "agent" || strings.HasPrefix(c.Path, "params.") {
			changed[c.Object] = true
		}
	}
	users := map[string][]*Object{}
	for i := range p.want.Objects {
		if o := &p.want.Objects[i]; changed[o.Ref] {
			if a := p.agent(o); a != "" {
				users[a] = append(users[a], o)
			}
		}
	}
	given := p.givenParams(changed)
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
			errs[i], odd[i] = p.checkAgent(ctx, h, a, users[a], given)
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

// checkAgentsOffline does what can be done where no node can be asked: the parameters are compared with Debian 12's metadata. That there is no
// such agent is not told: its package may be on the way.
func (p *planner) checkAgentsOffline(ctx context.Context) error {
	_, err := p.checkAgents(ctx, nil)
	return err
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

func (p *planner) checkAgent(ctx context.Context, h reconcile.Host, agent string, users []*Object, given map[string]map[string]bool) (err error, odd string) {
	class, name, _ := strings.Cut(agent, ":")
	argv := []string{"crm_resource", "--show-metadata", agent}
	if class == "stonith" {
		argv = []string{"stonith_admin", "--metadata", "--agent", name}
	}
	out, err := []byte(nil), errors.New("there is no node to ask")
	if h != nil {
		out, err = h.Run(ctx, reconcile.Cmd{Argv: argv})
	}
	var exit *reconcile.ExitError
	if errors.As(err, &exit) && exit.Code == 105 { // CRM_EX_NOSUCH
		// One that did not answer in time gives the same exit code.
		if hint, listed := p.nearAgent(ctx, h, agent); !listed {
			var errs []error
			for _, o := range users {
				errs = append(errs, fmt.Errorf("%s: spec.agent: there is no agent %s on %s%s", o.Pos["agent"], strings.TrimPrefix(agent, "stonith:"), h.Name(), hint))
			}
			return errors.Join(errs...), ""
		}
	}
	var meta *agents.Agent
	if err == nil {
		meta, err = agents.Parse(strings.TrimPrefix(agent, "stonith:"), string(out))
	}
	if err != nil {
		var known bool
		if meta, known = agents.Find(agent); !known { // told, and no reason to refuse
			return nil, fmt.Sprintf("whether %s takes the parameters: its metadata could not be read", agent)
		}
		odd = fmt.Sprintf("whether %s takes the parameters: its metadata could not be read; they were compared with Debian 12's", agent)
	}
	var errs []error
	for _, o := range users {
		errs = append(errs, p.checkParams(o, agent, class == "stonith", meta, given[o.Ref.Name])...)
	}
	return errors.Join(errs...), odd
}

// checkUnits asks systemd: Pacemaker makes up metadata for units that do not exist. One process tells of all: systemctl show answers in the
// order of its arguments, with an empty line between two.
func checkUnits(ctx context.Context, h reconcile.Host, agents []string, users map[string][]*Object) error {
	if len(agents) == 0 || h == nil {
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

// nearAgent lists what is near a name that does not exist, and tells whether it does.
func (p *planner) nearAgent(ctx context.Context, h reconcile.Host, agent string) (hint string, listed bool) {
	const install = "; install its package, or correct the name"
	i := strings.LastIndex(agent, ":")
	list := agent[:i]
	if list == "stonith" {
		list = "stonith"
	}
	out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"crm_resource", "--list-agents", list}})
	if err != nil {
		return install, false
	}
	names := strings.Fields(string(out))
	if slices.Contains(names, agent[i+1:]) {
		return "", true
	}
	if n := v1.Closest(agent[i+1:], names); n != "" {
		return fmt.Sprintf("; did you mean %s?", strings.TrimPrefix(agent[:i+1]+n, "stonith:")), false
	}
	return install, false
}

// givenParams lists the parameters that stand in the changed CIB, by the ids of the objects that are to be looked at, nil where some
// stand in a template or in a set that is referred to.
func (p *planner) givenParams(of map[reconcile.Ref]bool) map[string]map[string]bool {
	given := map[string]map[string]bool{}
	for r := range of {
		given[r.Name] = nil
	}
	for _, el := range p.work.FindElements("./cib/configuration/resources//primitive") {
		if _, ok := given[attr(el, "id")]; ok && !has(el, "template") {
			given[attr(el, "id")] = paramNames(el)
		}
	}
	return given
}

// paramNames are the parameters of a primitive and those that it inherits from its group, clone and bundle.
func paramNames(el *etree.Element) map[string]bool {
	names := map[string]bool{}
	for ; el != nil && el.Tag != "resources"; el = el.Parent() {
		for _, set := range el.SelectElements("instance_attributes") {
			if has(set, "id-ref") {
				return nil
			}
			for _, nv := range set.SelectElements("nvpair") {
				if has(nv, "id-ref") && !has(nv, "name") {
					return nil
				}
				names[attr(nv, "name")] = true
			}
		}
	}
	return names
}

// checkParams compares what the manifest gives with the agent's metadata. given is what stands in the CIB, nil where that is not all.
func (p *planner) checkParams(o *Object, agent string, stonith bool, meta *agents.Agent, given map[string]bool) []error {
	var errs []error
	for _, f := range p.wantedFields(o) {
		if f.group != "params" || f.attr != "value" || meta.Takes(f.name, stonith) || slices.Contains(o.Ignore, v1.LintUnknownParameter) {
			continue
		}
		hint := "; see its parameters with: crm_resource --show-metadata " + agent
		if stonith {
			hint = "; see its parameters with: stonith_admin --metadata --agent " + meta.Name
		}
		if n := meta.Near(f.name, stonith); n != "" {
			hint = fmt.Sprintf("; did you mean %s?", n)
			if given != nil {
				given[n] = true // "ipp" is not also a missing ip
			}
		}
		errs = append(errs, fmt.Errorf("%s: spec.params.%s: %s has no parameter %s%s", o.Pos[f.path()], f.name, meta.Name, f.name, hint))
	}
	if given == nil || slices.Contains(o.Ignore, v1.LintMissingParameter) {
		return errs
	}
	for _, n := range meta.Missing(func(n string) bool { return given[n] }, stonith) {
		errs = append(errs, fmt.Errorf("%s: spec.params: %s requires the parameter %s; add it", o.Pos[""], meta.Name, n))
	}
	return errs
}

package system

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/atboot"
	"github.com/hactl/hactl/reconcile"
)

// units plans one step for all units: each systemctl reloads systemd, which takes longer than the rest.
func (p *planner) units() error {
	coming := len(p.missing()) > 0
	byVerb := map[string][]string{}
	var changes []reconcile.Change
	for _, n := range sortedKeys(p.w.Units) {
		w, h := p.w.Units[n], p.h.Units[n]
		if h.Missing && !coming && w.State == "enabled" {
			return fmt.Errorf("%s: systemd knows no unit %s; add its package to packages of the same prepare section", p.want.sourceOf(p.w.Name, "units."+n), n)
		}
		verbs := unitVerbs(w, h, coming)
		if len(verbs) == 0 {
			continue
		}
		for _, v := range verbs {
			byVerb[v] = append(byVerb[v], n)
		}
		have := h.State
		if h.Missing {
			have = ""
		}
		changes = append(changes, reconcile.Change{Action: reconcile.Update, Path: "units." + strings.TrimSuffix(n, ".service"), Have: have, Want: w.State,
			Source: p.want.sourceOf(p.w.Name, "units."+n)})
	}
	var ops []reconcile.Op
	for _, v := range []string{"unmask", "mask", "disable", "enable"} {
		if len(byVerb[v]) > 0 {
			ops = append(ops, p.systemctl(v, byVerb[v]))
		}
	}
	if len(ops) > 0 {
		p.step("units", "", changes, ops...)
	}
	return nil
}

// systemctl changes units; an init script may be all that there is of one that a package brings, or systemd made.
func (p *planner) systemctl(verb string, units []string) reconcile.Command {
	scripts := slices.ContainsFunc(units, func(n string) bool { return p.h.Units[n].Missing || p.h.Units[n].State == atboot.Generated })
	return atboot.Command(verb, scripts, units...)
}

// unitVerbs are the commands that change how a unit starts at boot; without --now none of them touches a running unit (systemctl(1)).
//
// static and indirect units have nothing to disable. What is enabled in /run only (enabled-runtime) is gone at the next boot, unless a generator
// makes it again, as Debian's for the instances of postgresql.service; disable cannot change that, nor the state of a unit that is generated
// from an init script. Both count as disabled, and Notes tells.
func unitVerbs(w, h Unit, coming bool) []string {
	masked := h.State == "masked" || h.State == "masked-runtime"
	switch w.State {
	case "masked":
		if h.State != "masked" {
			return []string{"mask"}
		}
	case "enabled":
		if masked {
			return []string{"unmask", "enable"}
		}
		if h.State != "enabled" {
			return []string{"enable"}
		}
	case "disabled":
		if masked {
			return []string{"unmask", "disable"}
		}
		if h.Missing || h.State == "disabled" {
			if coming { // the package may enable it, as Debian's do
				return []string{"disable"}
			}
			return nil
		}
		switch h.State {
		case "enabled", "linked", "alias":
			return []string{"disable"}
		}
	}
	return nil
}

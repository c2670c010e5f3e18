package lint

import (
	"slices"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

// noMonitor looks for resources and fence devices that nobody watches. Some agents advise none, by an interval of 0.
func noMonitor(c *cluster) {
	for _, p := range c.primitives {
		ops, known := p.operations()
		if !known || slices.ContainsFunc(ops, func(o operation) bool { return o.Name == "monitor" }) {
			continue
		}
		interval := 10 * time.Second
		if a, ok := c.advised(p.agent, "monitor", ""); ok {
			if a.interval == 0 && p.agent != "ocf:pacemaker:remote" {
				continue
			}
			interval = max(a.interval, interval)
		}
		c.warnf(v1.LintNoMonitor, p.object, p.path+".operations", "%s has no monitor: Pacemaker does not notice when it fails; add operations: "+
			"[{name: monitor, interval: %s}]", p.name, short(interval))
	}
	for _, f := range c.FenceDevices {
		if !slices.ContainsFunc(f.Spec.Operations, func(o v1.Operation) bool { return o.Name == "monitor" }) {
			c.warnf(v1.LintNoMonitor, &f.Object, "spec.operations", "%s has no monitor: that the device does not answer shows only when it is needed; add "+
				"operations: [{name: monitor, interval: 60s}]", f.Metadata.Name)
		}
	}
}

// monitorShorter looks for monitors that run more often than the agent advises, or have less time.
func monitorShorter(c *cluster) {
	for _, p := range c.primitives {
		ops, _ := p.operations()
		for _, o := range ops {
			if !o.watches() {
				continue
			}
			a, ok := c.advised(p.agent, "monitor", o.Role)
			if !ok {
				continue
			}
			if o.every < a.interval {
				c.warnf(v1.LintMonitorShorter, p.object, o.field("interval"), "every %s is more often than %s advises: each run costs, and a busy node fails one sooner; "+
					"write %s or more", o.Interval, p.agent, short(a.interval))
			}
			if limit, known := c.timeout(o.Timeout); known && limit < a.timeout {
				c.warnf(v1.LintMonitorShorter, p.object, o.field("timeout"), "%s is less time than %s advises for a monitor: one that takes longer counts as a "+
					"failure and the resource is restarted; write timeout: %s", short(limit), p.agent, short(a.timeout))
			}
		}
	}
}

// promotedMonitor looks for promotable resources whose promoted instance nobody watches: a monitor without a role is for the others. What has
// no monitor at all is another lint's.
func promotedMonitor(c *cluster) {
	for _, p := range c.primitives {
		if !p.promotable() && !p.bundlePromotes() {
			continue
		}
		ops, known := p.operations()
		watched := slices.ContainsFunc(ops, operation.watches)
		if known && watched && !slices.ContainsFunc(ops, func(o operation) bool { return o.watches() && promoted(o.Role) }) {
			c.warnf(v1.LintPromotedMonitor, p.object, p.path+".operations", "no monitor of %s has the role Promoted: those without it run only where it is not "+
				"promoted; add {name: monitor, interval: 9s, role: Promoted}, with an interval of its own", p.name)
		}
	}
}

func (p *primitive) bundlePromotes() bool {
	if p.bundle == nil {
		return false
	}
	s := &p.bundle.Spec
	for _, c := range []*v1.Container{s.Docker, s.Podman, s.Rkt} {
		if c != nil && c.PromotedMax != "" && c.PromotedMax != "0" {
			return true
		}
	}
	return false
}

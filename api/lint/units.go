package lint

import (
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// systemd is the name of the systemd unit that a primitive runs, without .service; "" if it is none.
func (p *primitive) systemd() string {
	for _, class := range []string{"systemd:", "service:"} {
		if u, ok := strings.CutPrefix(p.agent, class); ok {
			return strings.TrimSuffix(u, ".service")
		}
	}
	return ""
}

// field is the path of what names the agent, in the primitive itself.
func (p *primitive) agentPath() string {
	if p.template != nil {
		return p.path + ".template"
	}
	return p.path + ".agent"
}

// unitEnabledAtBoot looks for units that the cluster runs and spec.prepare leaves as their package installs them: on Debian that is enabled. It
// is silent where hactl does not prepare the machines, and about instances of a unit, which a package does not enable; but those of
// postgresql are started by postgresql.service.
func unitEnabledAtBoot(c *cluster) {
	prepare := c.Cluster.Spec.Prepare
	if prepare == nil {
		return
	}
	told := map[string]bool{}
	for u := range prepare.Units {
		told[strings.TrimSuffix(u, ".service")] = true
	}
	for _, p := range c.primitives {
		u := p.systemd()
		if template, _, ok := strings.Cut(u, "@"); ok {
			u = template
			if u != "postgresql" {
				continue
			}
		}
		if u == "" || strings.Contains(u, ".") || told[u] {
			continue
		}
		told[u] = true
		c.warnf(v1.LintUnitEnabledAtBoot, p.object, p.agentPath(), "%s may start at boot: Debian's packages enable their units, and then it runs on every node "+
			"before Pacemaker says where; write %s: disabled under spec.prepare.units of the Cluster", u, u)
	}
}

// shells are units of Debian 12 that are oneshot and stay active whatever becomes of what they started, with what to use in their place.
var shells = map[string]string{
	"postgresql":          "systemd:postgresql@15-main, the instance, or ocf:heartbeat:pgsql",
	"postfix":             "systemd:postfix@-, or ocf:heartbeat:postfix",
	"openvpn":             "systemd:openvpn-server@NAME",
	"openvswitch-switch":  "systemd:ovs-vswitchd",
	"nfs-server":          "ocf:heartbeat:nfsserver",
	"nfs-kernel-server":   "ocf:heartbeat:nfsserver",
	"drbd":                "ocf:linbit:drbd",
	"open-iscsi":          "ocf:heartbeat:iscsi",
	"rtslib-fb-targetctl": "ocf:heartbeat:iSCSITarget and ocf:heartbeat:iSCSILogicalUnit",
	"lxc":                 "ocf:heartbeat:lxc",
	"libvirt-guests":      "ocf:heartbeat:VirtualDomain",
}

// oneshotUnit looks for clustered units whose monitor can never fail.
func oneshotUnit(c *cluster) {
	for _, p := range c.primitives {
		if use, ok := shells[p.systemd()]; ok {
			c.warnf(v1.LintOneshotUnit, p.object, p.agentPath(), "%s is an empty shell on Debian: the unit is oneshot and stays active when what it started dies, "+
				"so that no monitor ever fails; use %s", p.agent, use)
		}
	}
}

// boothUnit looks for booth's own units, which stop Pacemaker when they start (Conflicts=pacemaker.service).
func boothUnit(c *cluster) {
	for _, p := range c.primitives {
		if u := p.systemd(); u == "booth" || u == "booth-arbitrator" || strings.HasPrefix(u, "booth@") {
			c.warnf(v1.LintBoothUnit, p.object, p.agentPath(), "%s stops Pacemaker: the unit is for arbitrators and conflicts with pacemaker.service; use "+
				"ocf:pacemaker:booth-site", p.agent)
		}
	}
}

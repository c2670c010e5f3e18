package lint

import (
	"regexp"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

var sbdLine = regexp.MustCompile(`(?m)^\s*(SBD_DEVICE|SBD_WATCHDOG_TIMEOUT)\s*=\s*["']?([^"'\n]*)`)

// sbdTimeouts looks for a stonith-watchdog-timeout that contradicts how SBD is set up: by a fence device, or by its configuration among
// spec.prepare.files. pcs refuses the same (sbd_set_up_with_devices, too_small in pcs/common/reports), and Pacemaker's controller stops.
func sbdTimeouts(c *cluster) {
	s := c.property("fencing-watchdog-timeout", "stonith-watchdog-timeout")
	if s.unsure || !s.given || !c.watchdogFencing() {
		return
	}
	o := &c.Cluster.Object
	if on := c.property("fencing-enabled", "stonith-enabled"); isFalse(on.text) {
		c.warnf(v1.LintSBDTimeouts, o, s.path, "fencing by watchdog while fencing is off: Pacemaker takes no lost node for dead; remove %s", last(on.path))
		return
	}
	disk, watchdog := "", time.Duration(0)
	for _, f := range c.FenceDevices {
		if f.Spec.Agent == "fence_sbd" || f.Spec.Agent == "external/sbd" {
			disk = "FenceDevice " + f.Metadata.Name
		}
	}
	if p := c.Cluster.Spec.Prepare; p != nil {
		for _, f := range p.Files {
			if f.Path != "/etc/default/sbd" && f.Path != "/etc/sysconfig/sbd" {
				continue
			}
			for _, m := range sbdLine.FindAllStringSubmatch(f.Content, -1) {
				switch value := strings.TrimSpace(m[2]); {
				case m[1] == "SBD_WATCHDOG_TIMEOUT":
					watchdog = span(value, 0)
				case value != "":
					disk = f.Path
				}
			}
		}
	}
	switch {
	case disk != "":
		c.warnf(v1.LintSBDTimeouts, o, s.path, "SBD uses a disk (%s): with this set, Pacemaker takes a node for dead after that time, whatever the disk says; "+
			"remove it", disk)
	case watchdog > 0 && span(s.text, 24*time.Hour) <= watchdog:
		c.warnf(v1.LintSBDTimeouts, o, s.path, "%s is not longer than SBD_WATCHDOG_TIMEOUT, %s: Pacemaker would take a node for dead before its watchdog "+
			"fires, and refuses to run so; write %s", s.text, watchdog, 2*watchdog)
	}
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// Package atboot is how the layers say which systemd units start at boot. It is no layer of its own.
package atboot

import (
	"slices"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// limit is for slow machines: systemd runs all its generators again.
const limit = 2 * time.Minute

// Command has systemctl change how units start at boot: enable, disable, mask or unmask. No running unit is touched.
//
// Init scripts are not taken along: they mean nothing where systemd runs, and Debian's systemctl has update-rc.d change the links of each, and
// reloads systemd twice more, which is most of the time (SYSTEMCTL_SKIP_SYSV, docs/ENVIRONMENT.md of systemd). With scripts one of them may be all
// that there is of a unit: it is generated from it, or not there yet.
func Command(verb string, scripts bool, units ...string) reconcile.Command {
	argv := slices.Concat([]string{"systemctl", verb}, units)
	if !scripts && (verb == "enable" || verb == "disable") {
		argv = slices.Concat([]string{"env", "SYSTEMCTL_SKIP_SYSV=1"}, argv)
	}
	return reconcile.Command{Argv: argv, Limit: limit}
}

// Generated is systemd's UnitFileState of a unit that is made from an init script.
const Generated = "generated"

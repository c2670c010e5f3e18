package system

import (
	"strings"
	"testing"
)

func TestSystemctl(t *testing.T) {
	p := &planner{h: MachineStatus{Units: map[string]Unit{"corosync.service": {State: "disabled"}, "old.service": {State: "generated"}, "new.service": {Missing: true}}}}
	for _, c := range []struct{ verb, units, want string }{
		{"enable", "corosync.service", "env SYSTEMCTL_SKIP_SYSV=1 systemctl enable corosync.service"},
		{"mask", "corosync.service", "systemctl mask corosync.service"},
		{"enable", "corosync.service old.service", "systemctl enable corosync.service old.service"}, // an init script is all that it has
		{"enable", "new.service", "systemctl enable new.service"},
	} {
		if got := strings.Join(p.systemctl(c.verb, strings.Fields(c.units)).Argv, " "); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.verb, c.units, got, c.want)
		}
	}
}

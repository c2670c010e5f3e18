package atboot

import "testing"

func TestCommand(t *testing.T) {
	for want, c := range map[string]struct {
		verb    string
		scripts bool
	}{
		"env SYSTEMCTL_SKIP_SYSV=1 systemctl enable a.service b.service":  {"enable", false},
		"env SYSTEMCTL_SKIP_SYSV=1 systemctl disable a.service b.service": {"disable", false},
		"systemctl enable a.service b.service":                            {"enable", true},
		"systemctl mask a.service b.service":                              {"mask", false},
	} {
		got := Command(c.verb, c.scripts, "a.service", "b.service")
		if got.String() != want || got.Limit == 0 {
			t.Errorf("%s, limit %s; want %s", got, got.Limit, want)
		}
	}
}

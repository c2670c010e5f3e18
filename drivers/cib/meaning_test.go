package cib

import "testing"

func TestSame(t *testing.T) {
	for _, c := range []struct {
		k       kind
		name    string
		a, b    string
		same    bool
		comment string
	}{
		{option, "timeout", "30s", "30", true, "seconds without a unit"},
		{option, "timeout", "30s", "30000ms", true, "units"},
		{option, "timeout", "30s", "PT30S", true, "ISO 8601"},
		{option, "interval", "1min", "60s", true, "units"},
		{option, "interval", "1h", "PT1H", true, "ISO 8601"},
		{option, "dc-deadtime", "2s", "2000ms", true, "cluster option"},
		{option, "stonith-watchdog-timeout", "10", "10s", true, "cluster option"},
		{option, "failure-timeout", "60s", "61s", false, "other times"},
		{option, "stonith-enabled", "true", "yes", true, "boolean words"},
		{option, "stonith-enabled", "on", "1", true, "boolean words"},
		{option, "stonith-enabled", "Y", "true", true, "any case"},
		{option, "stonith-enabled", "true", "false", false, "opposites"},
		{option, "score", "INFINITY", "+INFINITY", true, "infinity words"},
		{option, "score", "INFINITY", "1000000", true, "infinity is a million"},
		{option, "score", "INFINITY", "99999999", true, "scores end at infinity"},
		{option, "score", "-INFINITY", "INFINITY", false, "opposites"},
		{option, "score", "+5", "5", true, "sign"},
		{option, "resource-stickiness", "100", "0100", true, "number"},
		{option, "score", "0", "", false, "absence is not zero"},
		{role, "role", "Promoted", "Master", true, "old words"},
		{role, "role", "Unpromoted", "Slave", true, "old words"},
		{role, "role", "Started", "Stopped", false, "other roles"},
		{option, "target-role", "Master", "Promoted", true, "a role as a meta attribute"},
		{option, "no-quorum-policy", "stop", "freeze", false, "words"},
		{agentParam, "fake", "true", "yes", false, "an agent's parameter is the agent's to read"},
		{agentParam, "ip", "10.0.0.1", "10.0.0.01", false, "an agent's parameter"},
		{agentParam, "pcmk_host_list", "n1,n2", "n1 n2", true, "separators"},
		{agentParam, "pcmk_reboot_timeout", "60", "60s", true, "Pacemaker's own parameter"},
		{agentParam, "pcmk_delay_base", "3s", "3000ms", true, "Pacemaker's own parameter"},
		{word, "rsc", "true", "yes", false, "a name"},
	} {
		if got := same(c.k, c.name, c.a, c.b); got != c.same {
			t.Errorf("%s: %q and %q: same is %v, want %v (%s)", c.name, c.a, c.b, got, c.same, c.comment)
		}
		if same(c.k, c.name, c.a, c.b) != same(c.k, c.name, c.b, c.a) {
			t.Errorf("%s: %q and %q: not symmetric", c.name, c.a, c.b)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ role, schema, want string }{
		{"Promoted", "pacemaker-3.9", "Promoted"},
		{"Promoted", "pacemaker-3.0", "Master"},
		{"Unpromoted", "pacemaker-2.10", "Slave"},
		{"Master", "pacemaker-3.7", "Promoted"},
		{"Started", "pacemaker-1.2", "Started"},
		{"Promoted", "none", "Promoted"},
	} {
		if got := roleWord(c.role, c.schema); got != c.want {
			t.Errorf("%s under %s: %s, want %s", c.role, c.schema, got, c.want)
		}
	}
	if n := canonicalName("fencing-enabled"); n != "stonith-enabled" {
		t.Error(n)
	}
}

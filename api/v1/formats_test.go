package v1

import (
	"testing"
	"time"
)

func TestInterval(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"0": 0, "30": 30 * time.Second, "30s": 30 * time.Second, "30 s": 30 * time.Second, "500ms": 500 * time.Millisecond, "20sec": 20 * time.Second,
		"2min": 2 * time.Minute, "2m": 2 * time.Minute, "1h": time.Hour, "1HR": time.Hour, "100us": 100 * time.Microsecond, "10usec": 10 * time.Microsecond,
		"PT30S": 30 * time.Second, "PT1H30M": 90 * time.Minute, "P1D": 24 * time.Hour, "P1W": 7 * 24 * time.Hour, "P1M": 30 * 24 * time.Hour,
		"P1Y2DT3S": 367*24*time.Hour + 3*time.Second, "010": 10 * time.Second,
	} {
		if got, err := Interval(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "s", "-1s", "1.5s", "1d", "1 day", "P", "PT", "P1H", "PT1D", "INFINITY", "99999999999999999999", "9223372036854775807h", "P9999999999Y"} {
		if got, err := Interval(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestFormats(t *testing.T) {
	for name, c := range map[string]struct{ good, bad []string }{
		"id":         {[]string{"PU-VIP", "_a", "a.b", "über", "Hactl"}, []string{"1a", "-a", ".a", "a:b", "a b", "a/b", "hactl", "hactl-stop-x", "a\n"}},
		"node":       {[]string{"node1", "node1.example.com", "1", "a_b"}, []string{"-a", "a-", "a..b", "a b", "ä", "a/b"}},
		"host":       {[]string{"10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "a.example.com"}, []string{"10.0.0.256", "10.0.0", "10.0.0.1/24", "fd00::/64", "a:22", "[::1]", "a b"}},
		"score":      {[]string{"0", "-0", "100", "-100", "+5", "1000000", "-1000000", "INFINITY", "+INFINITY", "-INFINITY"}, []string{"1000001", "1.5", "1e3", "0x1", "infinity", "inf", "--1", "", " 1"}},
		"agent":      {[]string{"ocf:heartbeat:IPaddr2", "systemd:postgresql@15-main", "lsb:x", "service:x", "stonith:fence_x", "nagios:x", "systemd:a:b", "lsb:/opt/x", "stonith:external/ipmi"}, []string{"x", "ocf:x", "ocf::x", "ocf:a:", "ocf:a:b:c", "systemd:", "foo:x"}},
		"fenceAgent": {[]string{"fence_virsh", "external/ipmi"}, []string{"stonith:fence_x", "/usr/sbin/fence_x", "a b"}},
		"env":        {[]string{"A", "_a1"}, []string{"1a", "a-b", "a=b", "$A"}},
	} {
		for _, s := range c.good {
			if msg := formats[name].test(s); msg != "" {
				t.Errorf("%s %q: %s", name, s, msg)
			}
		}
		for _, s := range c.bad {
			if formats[name].test(s) == "" {
				t.Errorf("%s %q is taken", name, s)
			}
		}
	}
}

func TestClosest(t *testing.T) {
	names := []string{"agent", "clone", "description", "on-fail", "stonith-enabled"}
	for word, want := range map[string]string{
		"agnet": "agent", "Agent": "agent", "onFail": "on-fail", "onfail": "on-fail", "stonith_enable": "stonith-enabled", "xyz": "", "a": "", "descripton": "description", "cln": "",
	} {
		if got := closest(word, names); got != want {
			t.Errorf("%q: %q", word, got)
		}
	}
}

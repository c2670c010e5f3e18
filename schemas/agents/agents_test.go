package agents

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every line can be decoded, and says something.
func TestData(t *testing.T) {
	h := Source()
	for _, pkg := range []string{"resource-agents", "pacemaker-resource-agents", "drbd-utils", "booth-pacemaker", "fence-agents", "fence-virt", "pacemaker"} {
		if h.Packages[pkg] == "" {
			t.Errorf("no version of package %s", pkg)
		}
	}
	names := Names()
	if len(names) < 250 {
		t.Errorf("only %d agents", len(names))
	}
	for _, n := range names {
		a, ok := Find(n)
		if !ok || a.Name != n {
			t.Fatalf("Find(%q) = %v, %t", n, a, ok)
		}
		if len(a.Params)+len(a.Actions) == 0 {
			t.Errorf("%s has neither parameters nor actions", n)
		}
		for _, p := range a.Params {
			if p.ReplacedBy != "" && a.Param(p.ReplacedBy) == nil {
				t.Errorf("%s: %s is replaced by %s, which is no parameter", n, p.Name, p.ReplacedBy)
			}
			if p.Type == "select" && len(p.Values) == 0 {
				t.Errorf("%s: %s is a select without values", n, p.Name)
			}
		}
	}
	if !slices.IsSorted(names) {
		t.Error("the names are not in order")
	}
}

func TestFind(t *testing.T) {
	for name, want := range map[string]bool{
		"ocf:heartbeat:IPaddr2": true, "ocf:linbit:drbd": true, "fence_ipmilan": true, "stonith:fence_ipmilan": true, "ocf:booth:sharedrsc": true,
		"ocf:rabbitmq:rabbitmq-server": true, "ocf:heartbeat:pgsqlms": true, "fence_xvm": true,
		"ocf:heartbeat:haproxy": false, "systemd:haproxy": false, "lsb:x": false, "pacemaker-fenced": false, "": false,
	} {
		if a, ok := Find(name); ok != want || (a != nil) != want {
			t.Errorf("Find(%q) = %v, %t", name, a, ok)
		}
	}
	a, _ := Find("ocf:linbit:drbd")
	want := []Action{{Name: "monitor", Interval: "20", Timeout: "20", Role: "Slave"}, {Name: "monitor", Interval: "10", Timeout: "20", Role: "Master"}}
	monitors := slices.DeleteFunc(slices.Clone(a.Actions), func(x Action) bool { return x.Name != "monitor" })
	if d := cmp.Diff(want, monitors); d != "" {
		t.Errorf("advised monitors of ocf:linbit:drbd:\n%s", d)
	}
}

func TestDefault(t *testing.T) {
	for _, c := range []struct {
		agent, param, want string
		ok                 bool
	}{
		{"fence_ipmilan", "ipport", "623", true},
		{"ocf:heartbeat:IPaddr2", "preferred_lft", "forever", true},
		{"ocf:heartbeat:IPaddr2", "nic", "", false},
		{"ocf:heartbeat:IPaddr2", "nonesuch", "", false},
		{"ocf:nobody:nothing", "ip", "", false},
	} {
		if got, ok := Default(c.agent, c.param); got != c.want || ok != c.ok {
			t.Errorf("Default(%s, %s) = %q, %t; want %q, %t", c.agent, c.param, got, ok, c.want, c.ok)
		}
	}
}

func TestParse(t *testing.T) {
	got, err := Parse("x", `<?xml version="1.0" encoding="iso-8859-1"?>
<resource-agent name="x"><shortdesc lang="en">An
 agent</shortdesc>
<parameters>
 <parameter name="new" required="1" unique-group="g" reloadable="1"><content type="integer" default="3"/></parameter>
 <parameter name="old"><deprecated><replaced-with name="new"/></deprecated><content type="integer"/></parameter>
 <parameter name="ip" obsoletes="ipaddr" unique="1"><shortdesc>address</shortdesc><content type="string"/></parameter>
 <parameter name="ipaddr" deprecated="1"><content type="string"/></parameter>
 <parameter name="mode"><content type="select"><option value="a"/><option value="b"/></content></parameter>
</parameters>
<actions><action name="monitor" depth="10" interval="20s" timeout="30s" role="Promoted" start-delay="5s"/></actions>
</resource-agent>`)
	if err != nil {
		t.Fatal(err)
	}
	three := "3"
	want := &Agent{Name: "x", Description: "An agent", Params: []Param{
		{Name: "new", Type: "integer", Default: &three, Required: true, UniqueGroup: "g", Reloadable: true},
		{Name: "old", Type: "integer", Deprecated: true, ReplacedBy: "new"},
		{Name: "ip", Description: "address", Type: "string", Unique: true},
		{Name: "ipaddr", Type: "string", Deprecated: true, ReplacedBy: "ip"},
		{Name: "mode", Type: "select", Values: []string{"a", "b"}},
	}, Actions: []Action{{Name: "monitor", Depth: "10", Interval: "20s", Timeout: "30s", Role: "Promoted", StartDelay: "5s"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"", " \n", "usage: x {start|stop}", "<resource-agent>", "<other/>"} {
		if a, err := Parse("x", bad); err == nil {
			t.Errorf("Parse(%q) = %+v", bad, a)
		}
	}
}

func TestTakes(t *testing.T) {
	ip, _ := Find("ocf:heartbeat:IPaddr2")
	ipmi, _ := Find("fence_ipmilan")
	for name, want := range map[string]bool{"ip": true, "CRM_meta_timeout": true, "OCF_CHECK_LEVEL": true, "trace_ra": true, "pcmk_host_list": false, "x": false, "plug": false} {
		if got := ip.Takes(name, false); got != want {
			t.Errorf("IPaddr2 takes %s: %t", name, got)
		}
	}
	for name, want := range map[string]bool{"ip": true, "ipaddr": true, "pcmk_host_list": true, "pcmk_validate-all_timeout": true, "pcmk_host": false,
		"nodename": true, "port": true, "provides": true, "x": false} {
		if got := ipmi.Takes(name, true); got != want {
			t.Errorf("fence_ipmilan takes %s: %t", name, got)
		}
	}
}

func TestMissing(t *testing.T) {
	for _, c := range []struct{ agent, given, want string }{
		{"ocf:heartbeat:IPaddr2", "", "ip"},
		{"ocf:heartbeat:IPaddr2", "ip", ""},
		{"ocf:heartbeat:Filesystem", "device", "directory fstype"},
		{"ocf:heartbeat:AoEtarget", "", "device slot"}, // nic is required too, and has a default
		{"fence_virsh", "", "ip username"},
		{"fence_virsh", "ipaddr login", ""}, // the old spellings
		{"fence_virsh", "ip username", ""},  // action and plug are Pacemaker's to give
		{"fence_dummy", "", ""},
	} {
		a, ok := Find(c.agent)
		if !ok {
			t.Fatal(c.agent)
		}
		given := strings.Fields(c.given)
		got := strings.Join(a.Missing(func(n string) bool { return slices.Contains(given, n) }, strings.HasPrefix(c.agent, "fence_")), " ")
		if got != c.want {
			t.Errorf("%s with %q misses %q, want %q", c.agent, c.given, got, c.want)
		}
	}
}

func TestWrong(t *testing.T) {
	def := func(s string) *string { return &s }
	for _, c := range []struct {
		param Param
		value string
		want  string // part of the message; "" means right
	}{
		{Param{Type: "integer"}, "12", ""},
		{Param{Type: "integer"}, "-1", ""},
		{Param{Type: "integer"}, "1.5", "whole number"},
		{Param{Type: "integer"}, "10s", "whole number"},
		{Param{Type: "integer"}, "", ""},
		{Param{Type: "integer", Default: def("5s")}, "10s", ""}, // ocf:pacemaker:ping's dampen
		{Param{Type: "boolean"}, "True", ""},
		{Param{Type: "boolean"}, "off", ""},
		{Param{Type: "boolean"}, "enabled", "neither true nor false"},
		{Param{Type: "boolean", Default: def("--quiet")}, "--loud", ""}, // ocf:linbit:drbd's unfence_extra_args
		{Param{Type: "second"}, "5", ""},
		{Param{Type: "second"}, "2min", "write 120"},
		{Param{Type: "second"}, "soon", "whole number of seconds"},
		{Param{Type: "time"}, "PT30S", ""},
		{Param{Type: "time"}, "30s", ""},
		{Param{Type: "time"}, "30 parsecs", "time span"},
		{Param{Type: "select", Values: []string{"onoff", "cycle"}}, "ONOFF", ""},
		{Param{Type: "select", Values: []string{"onoff", "cycle"}}, "cicle", `did you mean "cycle"`},
		{Param{Type: "select", Values: []string{"onoff", "cycle"}}, "lrm://", ""},
		{Param{Type: "string"}, "anything", ""},
		{Param{Type: "whatever"}, "anything", ""},
	} {
		if got := c.param.Wrong(c.value); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %q: %q, want %q", c.param.Type, c.value, got, c.want)
		}
	}
}

// Agents whose own default is not of the type that they name: nothing can be said of other values then.
func TestTypesThatMeanNothing(t *testing.T) {
	var got []string
	for _, name := range Names() {
		a, _ := Find(name)
		for _, p := range a.Params {
			if p.Type != "string" && p.Default != nil && *p.Default != "" && p.Wrong("no value of any type") == "" {
				got = append(got, name+" "+p.Name)
			}
		}
	}
	want := []string{
		"ocf:heartbeat:jboss rotate_logsuffix", "ocf:heartbeat:pingd dampen", "ocf:heartbeat:pingd name",
		"ocf:heartbeat:rabbitmq-server-ha erlang_cookie_file", "ocf:heartbeat:rabbitmq-server-ha host_ip",
		"ocf:heartbeat:rabbitmq-server-ha mnesia_base", "ocf:heartbeat:rabbitmq-server-ha node_port", "ocf:linbit:drbd unfence_extra_args",
		"ocf:pacemaker:HealthSMART dampen", "ocf:pacemaker:ping dampen",
	}
	slices.Sort(got)
	if d := cmp.Diff(want, slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "ocf:rabbitmq:") })); d != "" {
		t.Error(d)
	}
}

package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

func of(t interface{ Fatal(...any) }, spec v1.WatchPolicySpec) Policy {
	w := &v1.WatchPolicy{Spec: spec}
	w.Metadata.Name = "p"
	p, err := Of(w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func at(t interface{ Fatal(...any) }, text string) time.Time {
	x, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

var (
	restart   = reconcile.Gate{Risk: reconcile.RestartRisk, Object: "VIP", Why: "the cluster will restart VIP on n1"}
	outage    = reconcile.Gate{Risk: reconcile.Outage, Object: "Resource/Old", Why: "delete"}
	named     = reconcile.Gate{Risk: reconcile.Outage, Object: "Resource/Old", Why: "delete; it is unmanaged", ByName: true}
	loss      = reconcile.Gate{Risk: reconcile.DataLoss, Object: "DRBDResource/r0", Why: "make metadata", ByName: true}
	adopt     = reconcile.Gate{Risk: reconcile.AdoptRisk, Object: "Resource/VIP", Why: "adopt"}
	quorum    = reconcile.Gate{Risk: reconcile.Quorum, Object: "cluster/c", Why: "two_node"}
	fence     = reconcile.Gate{Risk: reconcile.Fence, Object: "n2", Why: "the cluster will fence n2"}
	nameless  = reconcile.Gate{Risk: reconcile.Quorum, Why: "something"}
	offline   = reconcile.Health{Object: reconcile.Ref{Kind: "Node", Name: "n2"}, Level: reconcile.Degraded, Text: "offline"}
	unclean   = reconcile.Health{Object: reconcile.Ref{Kind: "Node", Name: "n2"}, Level: reconcile.Failed, Text: "UNCLEAN", Condition: reconcile.Fencing}
	syncing   = reconcile.Health{Object: reconcile.Ref{Kind: "DRBDResource", Name: "r0"}, Level: reconcile.Degraded, Text: "SyncTarget", Condition: reconcile.Syncing}
	serviced  = reconcile.Health{Object: reconcile.Ref{Kind: "Node", Name: "n1"}, Level: reconcile.Info, Text: "in maintenance", Condition: reconcile.Maintenance}
	lasting   = reconcile.Health{Object: reconcile.Ref{Kind: "fencing", Name: "all"}, Level: reconcile.Failed, Text: "switched off", Condition: reconcile.Lasting}
	standby   = reconcile.Health{Object: reconcile.Ref{Kind: "Node", Name: "n1"}, Level: reconcile.Info, Text: "online, in standby"}
	all       = []reconcile.Health{offline, unclean, syncing, serviced}
	saturdays = v1.Window{Schedule: "0 2 * * 6", Duration: "3h", TimeZone: "Europe/Berlin"}
)

func TestDecide(t *testing.T) {
	const (
		friday   = "2026-11-20T16:00:00Z"
		opening  = "2026-11-21T01:00:00Z" // Saturday 02:00 in Berlin
		lastly   = "2026-11-21T03:59:59Z"
		closing  = "2026-11-21T04:00:00Z"
		saturday = "2026-11-21T02:30:00Z"
	)
	windows := v1.WatchPolicySpec{Windows: []v1.Window{saturdays}}
	for _, c := range []struct {
		name string
		spec v1.WatchPolicySpec
		in   Input
		now  string
		want Verdict // Why: a part of it
	}{
		{name: "nothing to do", in: Input{Empty: true}, want: Verdict{Action: Nothing, Why: "as wanted"}},
		{name: "nothing to do in trouble", in: Input{Empty: true, Health: all}, want: Verdict{Action: Nothing}},
		{name: "nothing to do, suspended", spec: v1.WatchPolicySpec{Suspend: true}, in: Input{Empty: true}, want: Verdict{Action: Nothing}},
		{name: "safe", in: Input{}, want: Verdict{Action: Apply, Why: "WatchPolicy p does safe unattended"}},
		{name: "reload", in: Input{Risk: reconcile.ReloadRisk}, want: Verdict{Action: Apply}},
		{name: "reload where only safe is allowed", spec: v1.WatchPolicySpec{Unattended: "safe"}, in: Input{Risk: reconcile.ReloadRisk, Digest: "sha256:1"},
			want: Verdict{Action: Wait, For: ForApproval, Why: "hactl approve --digest sha256:1): reload"}},
		{name: "restart", in: Input{Gates: []reconcile.Gate{restart}, Risk: reconcile.RestartRisk}, want: Verdict{Action: Wait, For: ForApproval, Why: "restart: VIP: the cluster will restart VIP on n1"}},
		{name: "restart, allowed", spec: v1.WatchPolicySpec{Unattended: "restart"}, in: Input{Gates: []reconcile.Gate{restart}},
			want: Verdict{Action: Apply, Allow: []reconcile.Allow{{Risk: reconcile.RestartRisk}}}},
		{name: "restart, allowed up to outage", spec: v1.WatchPolicySpec{Unattended: "outage"}, in: Input{Gates: []reconcile.Gate{restart}},
			want: Verdict{Action: Apply, Allow: []reconcile.Allow{{Risk: reconcile.RestartRisk}}}},
		{name: "suspended", spec: v1.WatchPolicySpec{Suspend: true}, in: Input{Approved: true}, want: Verdict{Action: Wait, For: ForResume, Why: "is suspended"}},
		{name: "refused", in: Input{Refused: []string{"no quorum"}, Approved: true}, want: Verdict{Action: Wait, For: ForCluster, Why: "now: no quorum"}},

		{name: "before the window", spec: windows, in: Input{Gates: []reconcile.Gate{restart}}, now: friday,
			want: Verdict{Action: Wait, For: ForWindow, Until: at(t, opening), Why: "the window at 02:00 CET, or for an approval: restart: VIP"}},
		{name: "as the window opens", spec: windows, in: Input{Gates: []reconcile.Gate{restart}}, now: opening,
			want: Verdict{Action: Apply, Until: at(t, closing), Allow: []reconcile.Allow{{Risk: reconcile.RestartRisk}}, Why: "in the window until 05:00 CET"}},
		{name: "in its last second", spec: windows, in: Input{Gates: []reconcile.Gate{restart}}, now: lastly, want: Verdict{Action: Apply, Until: at(t, closing), Allow: []reconcile.Allow{{Risk: reconcile.RestartRisk}}}},
		{name: "as it closes", spec: windows, in: Input{Gates: []reconcile.Gate{restart}}, now: closing,
			want: Verdict{Action: Wait, For: ForWindow, Until: at(t, "2026-11-28T01:00:00Z"), Why: "at Sat 02:00 CET"}},
		{name: "reload needs no window", spec: windows, in: Input{Risk: reconcile.ReloadRisk}, now: saturday, want: Verdict{Action: Apply}},
		{name: "more than any window allows", spec: windows, in: Input{Gates: []reconcile.Gate{outage, restart}}, now: friday, want: Verdict{Action: Wait, For: ForApproval, Why: "outage: Resource/Old: delete"}},
		{name: "more than the open window allows, and another one does",
			spec: v1.WatchPolicySpec{Windows: []v1.Window{saturdays, {Schedule: "0 0 1 * *", Duration: "1h", Unattended: "outage"}}}, in: Input{Gates: []reconcile.Gate{outage}}, now: saturday,
			want: Verdict{Action: Wait, For: ForWindow, Until: at(t, "2026-12-01T00:00:00Z"), Why: "Tue 2026-12-01 00:00 UTC"}},
		{name: "of two open windows the later end counts, of those that allow it",
			spec: v1.WatchPolicySpec{Windows: []v1.Window{saturdays, {Schedule: "0 2 * * 6", Duration: "4h", Unattended: "outage"}, {Schedule: "30 1 * * 6", Duration: "20h", Unattended: "reload"}},
				Unattended: "safe"}, in: Input{Gates: []reconcile.Gate{restart}}, now: saturday,
			want: Verdict{Action: Apply, Until: at(t, "2026-11-21T06:00:00Z"), Allow: []reconcile.Allow{{Risk: reconcile.RestartRisk}}}},
		{name: "over midnight", spec: v1.WatchPolicySpec{Windows: []v1.Window{{Schedule: "0 23 * * fri", Duration: "4h"}}}, in: Input{Gates: []reconcile.Gate{restart}}, now: saturday,
			want: Verdict{Action: Apply, Until: at(t, "2026-11-21T03:00:00Z"), Allow: []reconcile.Allow{{Risk: reconcile.RestartRisk}}}},
		{name: "the hour that the clocks leave out: it opens at its end", spec: v1.WatchPolicySpec{Windows: []v1.Window{{Schedule: "0 2 * * *", Duration: "1h", TimeZone: "Europe/Berlin"}}},
			in: Input{Gates: []reconcile.Gate{restart}}, now: "2026-03-29T01:30:00Z", want: Verdict{Action: Apply, Until: at(t, "2026-03-29T02:00:00Z"), Allow: []reconcile.Allow{{Risk: reconcile.RestartRisk}}}},
		{name: "the hour that comes twice: the first", spec: v1.WatchPolicySpec{Windows: []v1.Window{{Schedule: "0 2 * * *", Duration: "1h", TimeZone: "Europe/Berlin"}}},
			in: Input{Gates: []reconcile.Gate{restart}}, now: "2026-10-25T01:30:00Z", want: Verdict{Action: Wait, For: ForWindow, Until: at(t, "2026-10-26T01:00:00Z")}},
		{name: "what is named waits for no window", spec: v1.WatchPolicySpec{Unattended: "redundancy"}, in: Input{Gates: []reconcile.Gate{named}}, now: saturday, want: Verdict{Action: Wait, For: ForApproval}},

		{name: "approved", in: Input{Gates: []reconcile.Gate{loss, restart, restart}, Approved: true, By: "ann@laptop"},
			want: Verdict{Action: Apply, Allow: []reconcile.Allow{{Risk: reconcile.DataLoss, Object: "DRBDResource/r0"}, {Risk: reconcile.RestartRisk, Object: "VIP"}}, Why: "approved by ann@laptop"}},
		{name: "approved, and a gate that has no name", in: Input{Gates: []reconcile.Gate{nameless}, Approved: true}, want: Verdict{Action: Wait, For: ForApproval, Why: "apply it by hand"}},

		{name: "degraded", in: Input{Health: []reconcile.Health{offline}}, want: Verdict{Action: Wait, For: ForHealth, Why: "holds while the cluster is degraded: Node/n2: offline"}},
		{name: "fencing", in: Input{Health: []reconcile.Health{unclean}}, want: Verdict{Action: Wait, For: ForHealth, Why: "fencing: Node/n2"}},
		{name: "syncing", in: Input{Health: []reconcile.Health{syncing}}, want: Verdict{Action: Wait, For: ForHealth, Why: "syncing: DRBDResource/r0"}},
		{name: "maintenance", in: Input{Health: []reconcile.Health{serviced}}, want: Verdict{Action: Wait, For: ForHealth, Why: "maintenance: Node/n1"}},
		{name: "what lasts, and an operator's standby", in: Input{Health: []reconcile.Health{lasting, standby}}, want: Verdict{Action: Apply}},
		{name: "no holds", spec: v1.WatchPolicySpec{Hold: []string{}}, in: Input{Health: all}, want: Verdict{Action: Apply}},
		{name: "one hold of another state", spec: v1.WatchPolicySpec{Hold: []string{"degraded"}}, in: Input{Health: []reconcile.Health{unclean, syncing, serviced}}, want: Verdict{Action: Apply}},
		{name: "many reasons", in: Input{Health: all}, want: Verdict{Action: Wait, For: ForHealth, Why: "and 1 more"}},
		{name: "approved while degraded, fencing, in maintenance", in: Input{Health: []reconcile.Health{offline, unclean, serviced}, Approved: true}, want: Verdict{Action: Apply}},
		{name: "approved while syncing", in: Input{Health: []reconcile.Health{syncing}, Approved: true}, want: Verdict{Action: Wait, For: ForHealth, Why: "syncing"}},
		{name: "a window, and held", spec: windows, in: Input{Gates: []reconcile.Gate{restart}, Health: []reconcile.Health{offline}}, now: saturday, want: Verdict{Action: Wait, For: ForHealth}},
		{name: "an approval is needed, and held", in: Input{Gates: []reconcile.Gate{restart}, Health: []reconcile.Health{offline}},
			want: Verdict{Action: Wait, For: ForApproval, Why: "besides, degraded: Node/n2"}},
	} {
		if c.now == "" {
			c.now = friday
		}
		c.in.Now, c.in.Formed = at(t, c.now), true
		have := Decide(of(t, c.spec), c.in)
		if !strings.Contains(have.Why, c.want.Why) {
			t.Errorf("%s: %s\nwithout %q", c.name, have.Why, c.want.Why)
		}
		if !have.Until.Equal(c.want.Until) {
			t.Errorf("%s: until %s, want %s", c.name, have.Until, c.want.Until)
		}
		have.Why, c.want.Why, have.Until, c.want.Until = "", "", time.Time{}, time.Time{}
		if diff := cmp.Diff(c.want, have); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
	if v := Decide(of(t, v1.WatchPolicySpec{}), Input{Health: all}); v.Action != Apply {
		t.Errorf("no cluster runs, so nothing is held: %+v", v)
	}
}

func TestOf(t *testing.T) {
	p, err := Of(nil)
	if err != nil || p.Interval != 5*time.Minute || p.Unattended != reconcile.ReloadRisk || len(p.Hold) != 4 || p.String() != "the default policy" {
		t.Errorf("%+v, %v", p, err)
	}
	for want, spec := range map[string]v1.WatchPolicySpec{
		"never done unattended":     {Unattended: "fence"},
		"spec.interval":             {Interval: "soon"},
		"spec.windows[0]: \"x\" is": {Windows: []v1.Window{{Schedule: "x", Duration: "1h"}}},
		"no duration":               {Windows: []v1.Window{{Schedule: "@daily", Duration: "x"}}},
		"unknown time zone":         {Windows: []v1.Window{{Schedule: "@daily", Duration: "1h", TimeZone: "Mars/Olympus"}}},
		"data-loss is never":        {Windows: []v1.Window{{Schedule: "@daily", Duration: "1h", Unattended: "data-loss"}}},
	} {
		if _, err := Of(&v1.WatchPolicy{Spec: spec}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", spec, err, want)
		}
	}
	w := &v1.WatchPolicy{Spec: v1.WatchPolicySpec{Windows: []v1.Window{saturdays}}}
	if _, err := Of(w); err != nil || w.Spec.Windows[0] != saturdays || w.Spec.Interval != "" {
		t.Errorf("the manifest was changed: %+v, %v", w.Spec, err)
	}
}

// draw makes a policy and an input.
func draw(t *rapid.T) (Policy, Input) {
	words := []string{"safe", "reload", "restart", "outage", "redundancy"}
	spec := v1.WatchPolicySpec{Unattended: rapid.SampledFrom(words).Draw(t, "unattended"), Suspend: rapid.IntRange(0, 9).Draw(t, "suspend") == 0,
		Hold: rapid.SliceOfDistinct(rapid.SampledFrom([]string{"degraded", "fencing", "syncing", "maintenance"}), rapid.ID).Draw(t, "hold")}
	for range rapid.IntRange(0, 3).Draw(t, "windows") {
		spec.Windows = append(spec.Windows, v1.Window{Schedule: rapid.SampledFrom([]string{"0 2 * * 6", "@daily", "30 23 * * *", "0 */6 * * *"}).Draw(t, "schedule"),
			Duration: rapid.SampledFrom([]string{"30m", "3h", "6h"}).Draw(t, "duration"), TimeZone: rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Pacific/Apia"}).Draw(t, "zone"),
			Unattended: rapid.SampledFrom(words).Draw(t, "in it")})
	}
	in := Input{Now: time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "now"), 0), Formed: rapid.IntRange(0, 4).Draw(t, "formed") > 0,
		Risk: reconcile.Risk(rapid.IntRange(0, 1).Draw(t, "risk")), Approved: rapid.IntRange(0, 3).Draw(t, "approved") == 0,
		Gates:  rapid.SliceOfN(rapid.SampledFrom([]reconcile.Gate{restart, outage, named, loss, adopt, quorum, fence, nameless}), 0, 3).Draw(t, "gates"),
		Health: rapid.SliceOfN(rapid.SampledFrom([]reconcile.Health{offline, unclean, syncing, serviced, lasting, standby}), 0, 3).Draw(t, "health")}
	for _, g := range in.Gates {
		in.Risk = max(in.Risk, g.Risk)
	}
	if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
		in.Refused = []string{"no quorum"}
	}
	return of(t, spec), in
}

// Nothing above the risk that is allowed at the moment ever passes without an approval, and what an apply is then allowed opens its gates and nothing that
// the policy does not allow; lists in another order and questions asked before change nothing.
func TestDecideNeverGoesTooFar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, in := draw(t)
		v := Decide(p, in)
		allowed := p.Unattended
		for _, w := range p.Windows {
			// Open by another way: some beginning of the last hours is not over.
			for from := in.Now.Add(-w.Duration); ; {
				from = w.Next(from)
				if from.After(in.Now) {
					break
				}
				allowed = max(allowed, w.Unattended)
			}
		}
		if v.Action == Apply && !in.Approved {
			for _, g := range in.Gates {
				if g.Risk > allowed || g.Risk >= reconcile.Quorum || g.ByName {
					t.Fatalf("%s goes unattended, and %s is allowed", g, allowed)
				}
			}
			if in.Risk > allowed {
				t.Fatalf("%s goes unattended, and %s is allowed", in.Risk, allowed)
			}
			for _, a := range v.Allow {
				if a.Risk > allowed || a.Risk >= reconcile.Quorum {
					t.Fatalf("%s is opened, and %s is allowed", a, allowed)
				}
			}
		}
		if v.Action == Apply {
			if rest := reconcile.Ungated(in.Gates, v.Allow); len(rest) > 0 {
				t.Fatalf("%v stay closed", rest)
			}
			if p.Suspend || len(in.Refused) > 0 {
				t.Fatalf("%+v", v)
			}
			if in.Approved { // it opens nothing else
				for _, g := range []reconcile.Gate{restart, outage, named, loss, adopt, quorum, fence, nameless} {
					other := g
					other.Object = "Resource/Other"
					if len(reconcile.Ungated([]reconcile.Gate{other}, v.Allow)) == 0 {
						t.Fatalf("%v opens %s", v.Allow, other)
					}
				}
			}
		} else if len(v.Allow) > 0 {
			t.Fatalf("%+v", v)
		}
		if v.Action == Wait && v.For == ForWindow {
			late := in
			late.Now, late.Health = v.Until, nil
			if w := Decide(p, late); w.Action != Apply || !v.Until.After(in.Now) {
				t.Fatalf("waits until %s, and then: %+v", v.Until, w)
			}
		}
		other := in
		other.Now = in.Now.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "jump")))
		Decide(p, other)
		slices.Reverse(in.Gates)
		slices.Reverse(in.Health)
		if again := Decide(p, in); again.Action != v.Action || again.For != v.For || !again.Until.Equal(v.Until) {
			t.Fatalf("%+v, and then %+v", v, again)
		}
	})
}

func ExampleDecide() {
	p, _ := Of(&v1.WatchPolicy{Spec: v1.WatchPolicySpec{Windows: []v1.Window{saturdays}}})
	in := Input{Now: time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC), Risk: reconcile.RestartRisk,
		Gates: []reconcile.Gate{{Risk: reconcile.RestartRisk, Object: "VIP", Why: "the cluster will restart VIP on node1"}}}
	v := Decide(p, in)
	fmt.Println(v.Action, v.For, v.Until.UTC().Format(time.DateTime))
	fmt.Println(v.Why)
	// Output:
	// wait window 2026-11-21 01:00:00
	// waits for the window at 02:00 CET, or for an approval: restart: VIP: the cluster will restart VIP on node1
}

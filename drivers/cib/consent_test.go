package cib

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	"github.com/hactl/hactl/reconcile"
)

func TestConsentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := reconcile.Consent{Plan: "sha256:" + rapid.StringMatching(`[0-9a-f]{24}`).Draw(t, "plan"), Who: rapid.StringN(1, 20, -1).Draw(t, "who"),
			At: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0).UTC()}
		value := consentValue(want)
		if have := consentOf(value); have != want {
			t.Fatalf("%q: %+v, want %+v", value, have, want)
		}
		// Pacemaker before 2.1.8 stops escaping at the first character that is not ASCII.
		if strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`<>&"'`, r) }) >= 0 {
			t.Fatalf("%q needs escapes", value)
		}
	})
	for _, value := range []string{"", "approved", "approved D by W at yesterday", "approved D by W at 2026-11-20T16:00:00Z and more", "pending D by W at 2026-11-20T16:00:00Z"} {
		if c := consentOf(value); c != (reconcile.Consent{}) {
			t.Errorf("%q is a consent: %+v", value, c)
		}
	}
}

// The records of the inventory follow from the changes; what else hactl puts into the CIB does something.
func TestEssence(t *testing.T) {
	for _, e := range inventoryHome(must(t, `<cib><configuration/></cib>`)) {
		if !ofInventory(e) {
			t.Errorf("%s makes the inventory", e)
		}
	}
	for at, want := range map[string]bool{
		"cluster_property_set#hactl": true, "nvpair#hactl-Resource.A": true, "nvpair#hactl-approved": true, "nvpair#hactl-confirm": true,
		"nvpair#hactl-stop-A.b": false, "nvpair#hactl-stopping-A": false, "rsc_order#hactl-order-1": false, "nvpair#hactl-": false, "primitive#A": false,
	} {
		if have := ofInventory(Edit{Do: remove, At: at}); have != want {
			t.Errorf("%s: %v", at, have)
		}
	}
	p := Patch{Cluster: "c", Schema: "pacemaker-3.9", Judged: "1", Pins: []Pin{{ID: "a"}}, Edits: []Edit{{Do: remove, At: "primitive#A"}, {Do: remove, At: "nvpair#hactl-Resource.A"}}}
	q := Patch{Cluster: "c", Schema: "pacemaker-3.9", Judged: "2", Edits: []Edit{{Do: remove, At: "primitive#A"}}}
	digest := func(p Patch) string {
		return (&reconcile.Plan{Steps: []reconcile.PlannedStep{{Step: reconcile.Step{Ops: []reconcile.Op{p}}}}}).Digest()
	}
	if digest(p) != digest(q) {
		t.Error("the digest depends on what is compared and recorded")
	}
	q.Edits[0].At = "primitive#B"
	if digest(p) == digest(q) {
		t.Error("another edit has the same digest")
	}
}

// A checkpoint brings no approval back, and going back takes none away.
func TestRestoreLeavesConsent(t *testing.T) {
	const cib = `<cib><configuration><crm_config><cluster_property_set id="cib-bootstrap-options"/><cluster_property_set id="hactl">NV</cluster_property_set></crm_config></configuration></cib>`
	nv := func(plan string) string {
		return `<nvpair id="hactl-approved" name="hactl-approved" value="` + plan + `"/>`
	}
	for _, x := range []struct{ live, saved, want string }{{"", nv("old"), ""}, {nv("new"), "", "new"}, {nv("new"), nv("old"), "new"}} {
		live, back := must(t, strings.Replace(cib, "NV", x.live, 1)), must(t, strings.Replace(cib, "NV", x.saved, 1))
		properties(section(live, "crm_config"), section(back, "crm_config"))
		if have := attr(consentIn(back), "value"); have != x.want {
			t.Errorf("%s over %s: %q, want %q", x.saved, x.live, have, x.want)
		}
	}
}

func must(t *testing.T, text string) *etree.Document {
	t.Helper()
	doc, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

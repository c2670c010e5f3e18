package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// consentID is the nvpair in the inventory that tells of an approved plan: "approved DIGEST by WHO at TIME". hactl approve writes it; the next change of
// the CIB takes it away, whatever it is for. It is last in the inventory, and the way back from a change does not bring it back.
const consentID = inventoryID + "-approved"

// passing tells of the nvpairs of the inventory that belong to no object and to no configuration: they are neither saved nor restored.
func passing(nv *etree.Element) bool {
	return attr(nv, "id") == markID || attr(nv, "id") == consentID
}

func consentIn(doc *etree.Document) *etree.Element { return childByID(inventorySet(doc), consentID) }

// consentValue is what stands in the CIB.
func consentValue(c reconcile.Consent) string {
	return fmt.Sprintf("approved %s by %s at %s", c.Plan, escape(c.Who), c.At.UTC().Format(time.RFC3339))
}

// consentOf reads it; what hactl did not write so is nobody's consent.
func consentOf(value string) reconcile.Consent {
	w := strings.Fields(value)
	if len(w) != 6 || w[0] != "approved" || w[2] != "by" || w[4] != "at" {
		return reconcile.Consent{}
	}
	at, err := time.Parse(time.RFC3339, w[5])
	if err != nil {
		return reconcile.Consent{}
	}
	return reconcile.Consent{Plan: w[1], Who: unescape(w[3]), At: at}
}

// Consent gives the plan that was approved, if one was.
func (d *Driver) Consent(have State) reconcile.Consent {
	if !strings.Contains(string(have.CIB), consentID) {
		return reconcile.Consent{}
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return reconcile.Consent{}
	}
	return consentOf(attr(consentIn(doc), "value"))
}

// Keep keeps a consent in the CIB, or takes it away.
func (d *Driver) Keep(ctx context.Context, hosts reconcile.Hosts, have State, c reconcile.Consent) error {
	h := hosts.Named(have.From)
	if h == nil {
		return errors.New("there is no member whose CIB could be changed")
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return fmt.Errorf("the CIB of %s: %w", have.From, err)
	}
	old := consentIn(doc)
	p := Patch{Cluster: have.Cluster, Schema: attr(doc.Root(), "validate-with"),
		Pins: []Pin{{Object: reconcile.Ref{Kind: "Approval", Name: have.Cluster}, ID: consentID, Digest: digest(old, nil)}}}
	switch value := consentValue(c); {
	case c == (reconcile.Consent{}) && old == nil:
		return nil
	case c == (reconcile.Consent{}):
		p.Edits = []Edit{{Do: remove, At: address(old)}}
	case old != nil:
		p.Edits = []Edit{{Do: set, At: address(old), Attr: "value", Value: reconcile.Plain(value)}}
	default:
		nv := element("nvpair", consentID)
		nv.CreateAttr("name", consentID)
		nv.CreateAttr("value", value)
		p.Edits = append(inventoryHome(doc), Edit{Do: create, At: "cluster_property_set#" + inventoryID, XML: Fragment(source(nv))})
	}
	return p.Do(ctx, h, func(reconcile.Progress) {})
}

// Spending has a patch take the consent away.
func (d *Driver) Spending(s reconcile.Step) (reconcile.Step, bool) {
	i := slices.IndexFunc(s.Ops, func(op reconcile.Op) bool { _, ok := op.(Patch); return ok })
	if i < 0 {
		return s, false
	}
	p := s.Ops[i].(Patch)
	p.Edits = append(slices.Clone(p.Edits), Edit{Do: remove, At: "nvpair#" + consentID})
	p.Judged = "" // it means nothing to Pacemaker, but it is another configuration
	s.Ops = slices.Clone(s.Ops)
	s.Ops[i] = p
	return s, true
}

// Essence is the edits but for those of the inventory: which of them there are depends on what is in it, such as the approval of this very patch, and they
// follow from the changes.
func (p Patch) Essence() any {
	return struct {
		Cluster, Schema string
		Edits           []Edit
	}{p.Cluster, p.Schema, slices.DeleteFunc(slices.Clone(p.Edits), ofInventory)}
}

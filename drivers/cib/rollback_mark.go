package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// markID is the nvpair in the inventory that tells of a change which waits for confirmation: "pending ID". It comes with the change, atomically.
// Who takes the change back turns it into "undoing ID" and with the last part into "undone ID"; who confirms it, into "confirmed ID". So one of
// them wins, on whichever member it runs, and a member that was away learns of it with the CIB. It stays until the next change that waits: without it a
// member could not tell a change that was confirmed from one that never came so far, whose files it must put back.
const markID = inventoryID + "-confirm"

// markOf reads the mark of a CIB.
func markOf(doc *etree.Document) (state, id string) {
	state, id, _ = strings.Cut(attr(markIn(doc), "value"), " ")
	return state, id
}

// markIn is the mark's nvpair, or nil.
func markIn(doc *etree.Document) *etree.Element { return childByID(inventorySet(doc), markID) }

// childByID is the child with an id, or nil; also where there is no parent.
func childByID(el *etree.Element, id string) *etree.Element {
	if el == nil {
		return nil
	}
	return byID(el, id)
}

// Waiting gives the id of the apply that waits for confirmation, "" if none does.
func (d *Driver) Waiting(have State) string {
	if !strings.Contains(string(have.CIB), markID) {
		return ""
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return ""
	}
	if state, id := markOf(doc); state == "pending" || state == "undoing" {
		return id
	}
	return ""
}

// Marked has a patch carry the mark of an apply that will wait for confirmation.
func (d *Driver) Marked(have State, s reconcile.Step, id string) (reconcile.Step, bool) {
	i := slices.IndexFunc(s.Ops, func(op reconcile.Op) bool { _, ok := op.(Patch); return ok })
	if i < 0 {
		return s, false
	}
	p := s.Ops[i].(Patch)
	p.Edits = slices.Clone(p.Edits)
	if !p.mark(have, id) {
		return s, true
	}
	s.Ops = slices.Clone(s.Ops)
	s.Ops[i] = p
	return s, true
}

// mark adds the mark to a patch, and tells whether there is anything to add.
func (p *Patch) mark(have State, id string) bool {
	doc, err := parse(string(have.CIB))
	if err != nil {
		return false
	}
	inv, old := inventorySet(doc), markIn(doc)
	pin := Pin{Object: reconcile.Ref{Kind: "Confirmation", Name: id}, ID: markID, Digest: digest(old, nil)}
	switch value := "pending " + id; {
	case attr(old, "value") == value: // a later change of the same apply
	case old != nil:
		p.Edits = append(p.Edits, Edit{Do: set, At: address(old), Attr: "value", Value: reconcile.Plain(value)})
	default:
		if inv == nil && !slices.ContainsFunc(p.Edits, makesInventory) {
			p.Edits = append(p.Edits, Edit{Do: create, At: "crm_config", XML: Fragment(`<cluster_property_set id="` + inventoryID + `"/>`)})
		}
		p.Edits = append(p.Edits, Edit{Do: create, At: "cluster_property_set#" + inventoryID,
			XML: Fragment(fmt.Sprintf(`<nvpair id="%s" name="%s" value="%s"/>`, markID, markID, value))})
	}
	p.Pins = append(slices.Clone(p.Pins), pin)
	p.Judged = "" // the mark means nothing to Pacemaker, but it is another configuration
	return true
}

// Mark sets the mark where no change of the CIB can carry it.
func (d *Driver) Mark(ctx context.Context, hosts reconcile.Hosts, have State, id string) error {
	h := hosts.Named(have.From)
	if h == nil {
		return errors.New("there is no member whose CIB could be marked")
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return err
	}
	p := Patch{Cluster: have.Cluster, Schema: attr(doc.Root(), "validate-with")}
	if !p.mark(have, id) || len(p.Edits) == 0 {
		return nil
	}
	return p.Do(ctx, h, func(reconcile.Progress) {})
}

func makesInventory(e Edit) bool {
	return e.Do == create && e.At == "crm_config" && strings.Contains(string(e.XML), `id="`+inventoryID+`"`)
}

// LateError tells that a change can no longer be confirmed.
type LateError struct{ ID string }

func (e *LateError) Error() string {
	return "the time to confirm " + e.ID + " is over: the change was taken back"
}

// Confirm keeps the change that waits for it, and gives its id; "" if none waits.
func Confirm(ctx context.Context, h reconcile.Host) (string, error) {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: query})
	if err != nil {
		return "", fmt.Errorf("read the CIB: %w", err)
	}
	doc, err := parse(string(out))
	if err != nil {
		return "", fmt.Errorf("read the CIB: %w", err)
	}
	state, id := markOf(doc)
	switch state {
	case "", "confirmed":
		return "", nil
	case "pending":
	default:
		return "", &LateError{id}
	}
	mark := markIn(doc)
	p := Patch{Cluster: id, Schema: attr(doc.Root(), "validate-with"), Edits: []Edit{{Do: set, At: address(mark), Attr: "value", Value: reconcile.Plain("confirmed " + id)}},
		Pins: []Pin{{Object: reconcile.Ref{Kind: "Confirmation", Name: id}, ID: markID, Digest: digest(mark, nil)}}}
	if err := p.Do(ctx, h, func(reconcile.Progress) {}); err != nil {
		return "", err
	}
	return id, nil
}

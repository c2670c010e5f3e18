package sim

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Exit codes of Pacemaker (include/crm/common/results.h).
const (
	exitDataErr      = 65
	exitConfig       = 78
	exitDisconnected = 102
	exitOld          = 103
)

func disconnected(what string) answer {
	return failed(exitDisconnected, "%s: Could not connect to cluster: Transport endpoint is not connected", what)
}

func cibadmin(x *call) answer {
	p := &x.c.pacemaker
	if !x.n.packages["pacemaker"] {
		return failed(127, "cibadmin: command not found")
	}
	if !x.n.runsPacemaker() {
		return disconnected("cibadmin")
	}
	switch {
	case slices.Contains(x.argv, "--query"):
		return answer{out: p.String()}
	case slices.Contains(x.argv, "--patch"):
		return x.patch(p)
	}
	x.c.problem("%s: %v is not known here", x.n.name, x.argv)
	return failed(64, "usage")
}

// refusal is why a patch is not taken, with Pacemaker's exit code.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return "Call cib_apply_diff failed " + r.text }

func (x *call) patch(p *pacemaker) answer {
	x.changes("the CIB")
	err := x.c.applyPatch(x.in, x.n.name)
	var no *refusal
	if errors.As(err, &no) {
		return failed(no.code, "%v", no)
	}
	x.client.changes++
	if !p.dc.quorate() {
		x.c.problem("%s: the CIB was changed without quorum", x.n.name)
	}
	return answer{}
}

// applyPatch changes the CIB if it is still the one that the patch was made for.
func (c *Cluster) applyPatch(text, origin string) error {
	p := &c.pacemaker
	diff := etree.NewDocument()
	if err := diff.ReadFromString(text); err != nil || diff.Root() == nil {
		return &refusal{exitDataErr, fmt.Sprintf("(-22): couldn't parse input: %v", err)}
	}
	for _, name := range []string{"admin_epoch", "epoch", "num_updates"} {
		if attr(diff.FindElement("diff/version/source"), name) != attr(p.doc.Root(), name) {
			return &refusal{exitOld, "(-205): Update was older than existing configuration"}
		}
	}
	next := p.doc.Copy()
	if err := apply(next, diff.Root()); err != nil {
		return &refusal{exitDataErr, fmt.Sprintf("(-206): %v", err)}
	}
	if err := valid(next); err != nil {
		return &refusal{exitConfig, fmt.Sprintf("(-203): Update does not conform to the configured schema: %v", err)}
	}
	p.doc, p.text = next, ""
	next.Root().CreateAttr("cib-last-written", time.Now().UTC().Format(time.ANSIC))
	next.Root().CreateAttr("update-origin", origin)
	c.deleted()
	c.settle()
	return nil
}

// deleted finds what was deleted while it ran: Pacemaker would stop it in no order.
func (c *Cluster) deleted() {
	for _, rsc := range c.pacemaker.orphans() {
		c.problem("%s was deleted from the CIB while it ran", rsc)
	}
}

// apply applies a patch of format 2 as lib/common/patchset.c does: changes in their order, and then, by rising position, what is created.
func apply(doc *etree.Document, diff *etree.Element) error {
	type placing struct {
		position   int
		el, parent *etree.Element
	}
	var placings []placing
	for _, ch := range diff.SelectElements("change") {
		op, path := attr(ch, "operation"), attr(ch, "path")
		el := resolve(doc, path)
		if el == nil && op == "delete" {
			continue
		}
		if el == nil {
			return fmt.Errorf("no match for %s", path)
		}
		position, _ := strconv.Atoi(attr(ch, "position"))
		switch op {
		case "delete":
			el.Parent().RemoveChildAt(el.Index())
		case "modify":
			result := ch.FindElement("change-result/*")
			if result == nil {
				return errors.New("a modify without its result")
			}
			el.Attr = nil
			for _, a := range result.Attr {
				el.CreateAttr(a.FullKey(), a.Value)
			}
		case "create":
			if len(ch.ChildElements()) != 1 {
				return errors.New("a create without its element")
			}
			made := ch.ChildElements()[0].Copy()
			strip(made)
			placings = append(placings, placing{position, made, el})
		default: // hactl makes no "move": it deletes, and creates again
			return fmt.Errorf("the operation %q is not known", op)
		}
	}
	sort.SliceStable(placings, func(i, j int) bool { return placings[i].position < placings[j].position })
	for _, pl := range placings {
		pl.parent.InsertChildAt(min(pl.position, len(pl.parent.Child)), pl.el)
	}
	return nil
}

// resolve follows /cib/configuration/resources/primitive[@id='A'].
func resolve(doc *etree.Document, path string) *etree.Element {
	steps := strings.Split(strings.TrimPrefix(path, "/"), "/")
	el := doc.Root()
	if el.Tag != steps[0] {
		return nil
	}
	for _, step := range steps[1:] {
		tag, id, ok := strings.Cut(step, "[@id='")
		id = strings.TrimSuffix(id, "']")
		var next *etree.Element
		for _, t := range el.Child {
			if c, elem := t.(*etree.Element); elem && c.Tag == tag && (!ok || attr(c, "id") == id) {
				next = c
				break
			}
		}
		if next == nil {
			return nil
		}
		el = next
	}
	return el
}

// valid checks the one rule of the schema that patches break most easily: ids are unique, but for references and names of nodes and users.
func valid(doc *etree.Document) error {
	seen := map[string]bool{}
	for _, el := range doc.FindElements("/cib/configuration//*[@id]") {
		switch el.Tag {
		case "resource_ref", "obj_ref", "role", "node", "acl_target":
			continue
		}
		id := attr(el, "id")
		if seen[id] {
			return fmt.Errorf("ID %s already defined", id)
		}
		seen[id] = true
	}
	return nil
}

func crmVerify(*call) answer { return answer{} }

// noMetadata: there are no agents here. hactl knows Debian's by itself.
func noMetadata(*call) answer { return failed(1, "sim: there are no agents here") }

func noSimulation(*call) answer { return failed(127, "crm_simulate: command not found") }

package cib

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Provides gives the objects that are in the CIB, by the kinds of the manifests.
func (d *Driver) Provides(have State) []reconcile.Ref {
	if !have.formed() {
		return nil
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return nil // Plan tells it
	}
	var refs []reconcile.Ref
	provide := func(el *etree.Element) {
		if kind := kindOf(el); kind != "" {
			refs = append(refs, named(kind, attr(el, "id")))
		}
	}
	var resources func(*etree.Element)
	resources = func(el *etree.Element) {
		for _, c := range el.ChildElements() {
			provide(c)
			if holdsResources(c.Tag) {
				resources(c)
			}
		}
	}
	for _, name := range []string{"resources", "constraints", "acls", "tags", "alerts"} {
		if s := section(doc, name); s != nil {
			resources(s)
		}
	}
	for _, s := range have.Secrets {
		refs = append(refs, secretRef(s.Node, s.Resource, s.Param))
	}
	return refs
}

// kindOf is the manifests' kind of an element, "" for what is no object of its own.
func kindOf(el *etree.Element) string {
	switch el.Tag {
	case "primitive":
		if attr(el, "class") == "stonith" {
			return "FenceDevice"
		}
		return "Resource"
	case "rsc_location", "rsc_order", "rsc_colocation", "rsc_ticket":
		return "Constraint"
	}
	return map[string]string{"group": "ResourceGroup", "template": "ResourceTemplate", "bundle": "Bundle", "tag": "Tag", "acl_role": "ACLRole",
		"acl_target": "ACLUser", "acl_group": "ACLGroup", "alert": "Alert"}[el.Tag]
}

// Standing tells what the members say of the cluster, each by its own copy of the CIB.
func (d *Driver) Standing(want, have State) reconcile.Standing {
	var s reconcile.Standing
	if !have.formed() {
		return s
	}
	s.Formed = true
	if have.Recorded { // a record stands in no trouble, and nobody writes to it
		s.Quorate = true
		return s
	}
	trouble := func(format string, args ...any) { s.Trouble = append(s.Trouble, fmt.Sprintf(format, args...)) }
	dcs := map[string][]string{}
	digests := map[string][]string{}
	for _, m := range have.Members {
		if m.Runs != Running {
			continue
		}
		s.Quorate = s.Quorate || m.Quorate
		if m.DC != "" {
			dcs[m.DC] = append(dcs[m.DC], m.Name)
		}
		if !m.Settled {
			digests[m.Digest] = append(digests[m.Digest], m.Name)
		}
	}
	switch {
	case len(dcs) == 0:
		trouble("no designated controller is elected; wait, or see journalctl -u pacemaker")
	case len(dcs) > 1:
		trouble("the cluster is split: %s follow different designated controllers; a change made now is lost on one side", parts(dcs))
	}
	if !s.Quorate {
		trouble("no member has quorum; bring the missing nodes back")
	}
	if len(digests) > 1 && len(dcs) < 2 {
		trouble("the members have different configurations: %s; wait for the cluster to agree, or restart Pacemaker on the odd one", parts(digests))
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		trouble("the CIB cannot be read: %v", err)
		return s
	}
	for _, m := range have.Members {
		if st := nodeState(doc, m.Name); st != nil && m.Runs != Running && attr(st, "expected") != "member" && !inMembership(attr(st, "in_ccm")) {
			s.Offline = append(s.Offline, m.Name)
		}
	}
	mon, err := readMonitor(have.Monitor)
	if err != nil {
		trouble("the status cannot be read: %v", err)
		return s
	}
	var unclean []string
	for _, n := range readStatus(mon).nodes {
		if n.unclean {
			unclean = append(unclean, n.name)
			s.Offline = slices.DeleteFunc(s.Offline, func(o string) bool { return o == n.name })
		}
	}
	// A member that hactl cannot ask may be the other half of a split cluster, with a newer configuration than this one.
	for _, m := range have.Members {
		if m.Runs == Unreachable && configured(doc, m.Name) && !slices.Contains(s.Offline, m.Name) && !slices.Contains(unclean, m.Name) {
			trouble("%s cannot be asked, and the cluster does not show it as cleanly offline: bring it back, or fence it (stonith_admin --fence %s)", m.Name, m.Name)
		}
	}
	pending := pendingFencing(mon)
	if (len(unclean) > 0 || len(pending) > 0) && !onlyCure(want, have) {
		if len(unclean) > 0 {
			trouble("%s is unclean and waits to be fenced: only changes of fence devices and stonith- options are safe until then; see stonith_admin --history '*'", joinWords(unclean))
		} else {
			trouble("fencing of %s is pending; wait for it", joinWords(pending))
		}
	}
	return s
}

// configured tells whether the cluster knows the node: one that is still to be added says nothing of it.
func configured(doc *etree.Document, name string) bool {
	nodes := section(doc, "nodes")
	return nodes != nil && slices.ContainsFunc(nodes.ChildElements(), func(n *etree.Element) bool { return attr(n, "uname") == name })
}

// inMembership reads in_ccm: a word, or since Pacemaker 2.1.7 a time.
func inMembership(s string) bool { return s != "" && s != "false" && s != "0" }

func parts(m map[string][]string) string {
	var out []string
	for _, names := range m {
		out = append(out, strings.Join(names, "+"))
	}
	sort.Strings(out)
	return strings.Join(out, " and ")
}

// onlyCure tells whether the plan touches nothing but fence devices, their levels and options of fencing: they are the cure, not a danger.
func onlyCure(want, have State) bool {
	if want.Cluster == "" {
		return false
	}
	p, err := newPlanner(want, have)
	if err != nil {
		return false
	}
	for _, c := range p.changes {
		cure := c.Object.Kind == "FenceDevice" && c.Action != reconcile.Delete && c.Action != reconcile.Stop || c.Object.Kind == "FencingTopology" || c.Object.Kind == "Cluster" && (c.Path == "" || strings.HasPrefix(c.Path, "properties.stonith-") ||
			strings.HasPrefix(c.Path, "properties.fencing-") || c.Path == "properties.have-watchdog") || c.Action == reconcile.Adopt && c.Risk == reconcile.Safe
		if !cure {
			return false
		}
	}
	return true
}

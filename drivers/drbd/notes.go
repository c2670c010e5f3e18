package drbd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// Notes tells of what is taken over as it is, of what hactl leaves to a person, and of resources that no manifest tells.
func (Driver) Notes(want, have State) []reconcile.Note {
	var out []reconcile.Note
	wanted, read := map[string]bool{}, configs{}
	for i := range want.Resources {
		r := &want.Resources[i]
		wanted[r.Name] = true
		note := func(kind reconcile.NoteKind, format string, args ...any) {
			out = append(out, reconcile.Note{Kind: kind, Object: Ref(r.Name), Text: fmt.Sprintf(format, args...), Source: r.source("")})
		}
		for _, node := range r.Spec.Nodes {
			if n := have.node(node.Name); n != nil && n.Unobserved == "" {
				n.notes(r, want.Owner, read, note)
			}
		}
		for _, v := range r.volumes() {
			if noData(have, r, v.Number) {
				note(reconcile.NoteWarning, "no copy of volume %d is good, and hactl makes none so once the resource is in use. To take that of a node for good, run there: drbdadm primary --force %s/%d",
					v.Number, r.Name, v.Number)
			}
		}
		if text := apart(have, r); text != "" {
			note(reconcile.NoteWarning, "%s", text)
		}
	}
	told := map[string]bool{}
	for i := range have.Nodes {
		n := &have.Nodes[i]
		for name := range n.Live {
			if !wanted[name] && !told[name] && want.Owner != "" {
				told[name] = true
				out = append(out, reconcile.Note{Kind: reconcile.NoteUnmanaged, Object: Ref(name), Text: "runs on " + n.Name + ", and no manifest tells of it; it is left alone"})
			}
		}
	}
	sortNotes(out)
	return out
}

func (n *NodeState) notes(r *Resource, owner string, read configs, note func(kind reconcile.NoteKind, format string, args ...any)) {
	if c, err := read.of(n); err == nil && n.Files[mainConf].Content.Comparable() {
		if found := c.Resource(r.Name); found != nil {
			if by := ownerOf(n.Files[found.Pos.File].Content.Reveal()); by != owner {
				note(reconcile.NoteAdopts, "%s: %s was not made by hactl; it stays as it is while it says what the manifest says", n.Name, found.Pos.File)
			}
		}
	}
	l := n.Live[r.Name]
	if l == nil || l.attached(r, n.Name) {
		return
	}
	for _, v := range r.volumes() {
		if x, ok := l.Volumes[v.Number]; ok && v.hasDisk(n.Name) && (x.Disk == "Diskless" || x.Disk == "Failed") {
			note(reconcile.NoteWarning, "%s: volume %d has lost its disk %s (%s). When it is mended: drbdadm attach %s/%d; for a new, blank disk before that: drbdadm create-md %s/%d",
				n.Name, v.Number, v.Nodes[n.Name].Disk, strings.ToLower(x.Disk), r.Name, v.Number, r.Name, v.Number)
		}
	}
}

// apart tells of a connection that was given up, and what a person can do about it; "" if there is none.
func apart(have State, r *Resource) string {
	alone := ""
	for _, n := range r.Spec.Nodes {
		if h := have.node(n.Name); h != nil && alone == "" && h.Live[r.Name].standAlone() {
			alone = n.Name
		}
	}
	node, log := refusedBy(have, r.Name)
	s := findSplit(have, r.Name)
	name := r.Name
	switch {
	case alone != "" && s != nil:
	case node != "":
		return fmt.Sprintf("the nodes do not authenticate each other: another shared-secret or cram-hmac-alg on one of them (the kernel of %s: %s). "+
			"This is no split brain; once both have the same file, the plan connects them", node, log)
	case alone == "":
		return ""
	default:
		return fmt.Sprintf("a connection was given up (StandAlone on %s), by hand or for a reason that the kernel's log tells; it is no split brain, so nothing is lost by "+
			"drbdadm connect %s there", alone, name)
	}
	return fmt.Sprintf("%s. hactl changes nothing about it by itself. Decide whose changes go: hactl apply --discard %s throws away what %s has written since, "+
		"--discard %s what %s has. By hand, on the node whose changes go: drbdadm secondary %s; drbdadm connect --discard-my-data %s, and on the other "+
		"node: drbdadm connect %s (each may need drbdadm disconnect before, unless it is StandAlone)", s, Victim{name, s[0].node}, s[0].node, Victim{name, s[1].node}, s[1].node, name, name, name)
}

func sortNotes(notes []reconcile.Note) {
	slices.SortStableFunc(notes, func(a, b reconcile.Note) int { return strings.Compare(a.Object.Name, b.Object.Name) })
}

// noData tells that a volume of a resource that was handed over is Inconsistent on all nodes: one that was added, or whose first sync was left to
// the administrator.
func noData(have State, r *Resource, number int) bool {
	for _, node := range r.Spec.Nodes {
		n := have.node(node.Name)
		if n == nil || n.Live[r.Name] == nil || n.Marks[r.Name] != "" || n.making(r, number) {
			return false
		}
		if d := n.Live[r.Name].Volumes[number].Disk; d != "Inconsistent" && d != "Diskless" {
			return false
		}
	}
	return true
}

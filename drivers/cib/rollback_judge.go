package cib

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Judge[State] = (*Driver)(nil)

// Expecting has a step that changes the CIB wait for what was predicted to come of it, too.
func (d *Driver) Expecting(have State, s reconcile.Step, p reconcile.Prediction) reconcile.Step {
	var a Await
	at, changes, others := -1, false, false
	var edits []Edit
	for i, op := range s.Ops {
		switch op := op.(type) {
		case Patch:
			changes, edits = true, slices.Concat(edits, op.Edits)
		case Await:
			a, at = op, i
		default:
			others = true
		}
	}
	if !changes || firstOfTwo(s) { // the first change of a deletion holds back what comes of the second
		return s
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return s
	}
	if after, err := applyAll(doc, edits); err == nil { // a later one of several follows on from the others
		doc = after
	}
	t := newTree(doc)
	covered := map[string]bool{}
	for _, id := range a.Resources {
		covered[id] = true
		for _, m := range t.members(id) {
			covered[m] = true
		}
	}
	a.Resources = slices.Clone(a.Resources)
	limit := max(a.Limit, fencingTime)
	for _, r := range p.Reactions {
		id := instanceOf(r.Resource)
		if r.Anyway || covered[id] || id == "" || r.Action == "monitor" || r.Action == "stop" && others {
			continue
		}
		covered[id] = true
		a.Resources = append(a.Resources, id)
		if el := t.findIn("resources", id); el != nil {
			limit += opTimeout(el, "stop") + opTimeout(el, "start") + opTimeout(el, "monitor")
		}
	}
	if len(a.Resources) == 0 {
		return s
	}
	a.Limit = min(limit, longestWait)
	s.Ops = slices.Clone(s.Ops)
	if at >= 0 {
		s.Ops[at] = a
	} else {
		s.Ops = append(s.Ops, a)
	}
	return s
}

// members are the ids in a group, clone or bundle.
func (t *tree) members(id string) []string {
	el := t.findIn("resources", id)
	if el == nil {
		return nil
	}
	var out []string
	for _, p := range el.FindElements(".//primitive") {
		out = append(out, attr(p, "id"))
	}
	return out
}

// where are the nodes that resources run on; promoted those with a promoted instance.
type where struct{ active, promoted map[string]map[string]bool }

func whereIs(st clusterStatus) where {
	w := where{map[string]map[string]bool{}, map[string]map[string]bool{}}
	for _, i := range st.instances {
		if i.active() {
			put(w.active, i.Resource, i.Node)
			if i.Role == "Promoted" {
				put(w.promoted, i.Resource, i.Node)
			}
		}
	}
	return w
}

func put(m map[string]map[string]bool, id, node string) {
	if m[id] == nil {
		m[id] = map[string]bool{}
	}
	m[id][node] = true
}

// then is where they are after what was predicted.
func (w where) then(rs []reconcile.Reaction) {
	for _, r := range rs {
		id := instanceOf(r.Resource)
		switch r.Action {
		case "start":
			put(w.active, id, r.To)
		case "stop":
			delete(w.active[id], r.From)
			delete(w.promoted[id], r.From)
		case "move", "migrate", "restart", "reload":
			if r.From != r.To {
				delete(w.active[id], r.From)
				delete(w.promoted[id], r.From)
			}
			put(w.active, id, r.To)
		case "promote":
			put(w.active, id, r.To)
			put(w.promoted, id, r.To)
		case "demote":
			delete(w.promoted[id], r.From)
		}
	}
}

// Harm tells an apply with --rollback what to take the change back for.
func (e *FailedError) Harm() []string {
	var out []string
	for _, w := range e.Why {
		fs := strings.Split(w, "; failed: ")
		for i := range fs { // with the cause, but not how to mend it: that was done
			fs[i] = withCause(fs[i])
		}
		w = strings.Join(fs, "; failed: ")
		_, what, _ := strings.Cut(w, ": failed: ")
		if !slices.ContainsFunc(out, func(o string) bool { return what != "" && strings.HasSuffix(o, what) }) { // a group says it once more
			out = append(out, w)
		}
	}
	return out
}

// withCause makes one line of a failure and of what its node logged last (see waiter.failed).
func withCause(s string) string {
	what, more, _ := strings.Cut(s, "\n")
	last := ""
	for line := range strings.Lines(more) {
		if text, logged := strings.CutPrefix(line, "    "); logged {
			last = strings.TrimSpace(text)
		}
	}
	if last == "" || strings.Contains(what, last) {
		return what
	}
	return what + ": " + last
}

// judging is one comparison of what was predicted with what came.
type judging struct {
	reconcile.Judgement
	was, is   clusterStatus
	doc       *tree
	fresh     map[string][]failure // those that the change may have caused, by resource
	reactions []reconcile.Reaction
}

// Judge compares what was predicted with what came. before is what was observed before the first change, now what is after the last; refs are
// the changed objects, happened is what Witness told, if it was asked.
func (d *Driver) Judge(before, now State, p reconcile.Prediction, happened []reconcile.Happening, refs []reconcile.Ref) reconcile.Judgement {
	if !now.formed() {
		return reconcile.Judgement{}
	}
	mon, err := readMonitor(now.Monitor)
	doc, err2 := parse(string(now.CIB))
	if err != nil || err2 != nil {
		return reconcile.Judgement{}
	}
	j := &judging{is: readStatus(mon), doc: newTree(doc), fresh: map[string][]failure{}, reactions: p.Reactions}
	var known []failure
	if m, err := readMonitor(before.Monitor); err == nil && before.formed() {
		j.was, known = readStatus(m), failures(m)
	}
	var fresh []failure
	for _, f := range failures(mon) {
		if !slices.Contains(known, f) {
			fresh = append(fresh, f)
		}
	}
	for _, f := range discreet(fresh, knownSecrets(before, now)) {
		j.fresh[f.resource] = append(j.fresh[f.resource], f)
	}
	if !before.formed() || p.Unavailable != "" { // nothing was predicted: what came counts as meant
		j.was, j.reactions = j.is, nil
	}
	j.resources()
	j.nodes()
	j.verdicts(refs)
	if happened != nil && before.formed() && p.Unavailable == "" {
		j.Comparison = compareReactions(p, happened, j.is)
	}
	return j.Judgement
}

func (j *judging) differs(harm bool, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if harm {
		j.Harm = append(j.Harm, s)
	} else {
		j.Differs = append(j.Differs, s)
	}
}

// resources looks at where everything runs, and at what failed.
func (j *judging) resources() {
	want, is := whereIs(j.was), whereIs(j.is)
	want.then(j.reactions)
	blocked := map[string]bool{}
	for _, i := range j.was.instances {
		blocked[i.Resource] = blocked[i.Resource] || i.Blocked
	}
	for _, id := range union(want.active, is.active, j.fresh) {
		now := j.is.of(id)
		missing, extra := less(want.active[id], is.active[id]), less(is.active[id], want.active[id])
		moving := slices.ContainsFunc(now, func(i Instance) bool { return strings.HasSuffix(i.Role, "ing") })
		j.Moving = j.Moving || moving
		why := because(j.fresh[id])
		isBlocked := slices.ContainsFunc(now, func(i Instance) bool { return i.Blocked })
		switch {
		case isBlocked && !blocked[id]:
			j.differs(true, "%s is blocked%s", id, why)
		case len(missing) > 0 && len(missing) <= len(extra) && !moving:
			j.Elsewhere = append(j.Elsewhere, fmt.Sprintf("predicted: %s on %s; it is on %s%s", id, nodesOf(want.active[id]), nodesOf(is.active[id]), why))
		case len(missing) > 0 && !moving:
			j.differs(true, "predicted: %s on %s; it is %s%s", id, nodesOf(want.active[id]), placeOrStopped(is.active[id]), why)
		case slices.ContainsFunc(j.fresh[id], func(f failure) bool { return f.op != "monitor" || f.interval > 0 }):
			j.differs(true, "%s failed%s", id, why)
		case len(extra) > 0 && !moving:
			j.differs(false, "predicted: %s %s; it is on %s", id, placeOrStopped(want.active[id]), nodesOf(is.active[id]))
		case len(less(want.promoted[id], is.promoted[id])) > 0 && !moving:
			s := fmt.Sprintf("predicted: %s promoted on %s; it is promoted on %s%s", id, nodesOf(want.promoted[id]), nodesOf(is.promoted[id]), why)
			if len(is.promoted[id]) > 0 {
				j.Elsewhere = append(j.Elsewhere, s)
			} else {
				j.Harm = append(j.Harm, s)
			}
		}
	}
}

// nodes looks at who is gone that was not to go.
func (j *judging) nodes() {
	gone := map[string]bool{} // predicted
	for _, r := range j.reactions {
		if r.Action == "fence" || r.Action == "shutdown" {
			gone[r.Node] = true
		}
	}
	was := map[string]nodeStatus{}
	for _, n := range j.was.nodes {
		was[n.name] = n
	}
	for _, n := range j.is.nodes {
		w := was[n.name]
		j.Moving = j.Moving || n.pending || n.unclean
		switch {
		case gone[n.name] || !w.online:
		case n.unclean && !w.unclean:
			j.differs(true, "%s is unclean and will be fenced, which was not predicted", n.name)
		case !n.online:
			j.differs(true, "%s is offline, which was not predicted", n.name)
		case n.standbyOnFail && !w.standbyOnFail:
			j.differs(true, "%s is in standby because of a failure, which was not predicted", n.name)
		}
	}
}

// verdicts say of each changed object how it is, and how long its monitors take to find out.
func (j *judging) verdicts(refs []reconcile.Ref) {
	for _, ref := range refs {
		v := reconcile.Verdict{Object: ref, State: reconcile.InPlace, Text: "is as the manifest says"}
		el := j.doc.findIn("resources", ref.Name)
		switch {
		case sectionOf[ref.Kind] == "":
			continue
		case sectionOf[ref.Kind] == "resources" && ref.Kind != "ResourceTemplate":
			if el == nil {
				v.Text = "is gone"
				break
			}
			v.State, v.Text = j.verdict(ref.Name)
			j.settle(el)
		case sectionOf[ref.Kind] == "fencing-topology":
		default:
			if j.doc.findIn(sectionOf[ref.Kind], ref.Name) == nil {
				v.Text = "is gone"
			}
		}
		j.Verdicts = append(j.Verdicts, v)
	}
	for _, r := range j.reactions {
		if el := j.doc.findIn("resources", instanceOf(r.Resource)); el != nil && !r.Anyway {
			j.settle(el)
		}
	}
}

func (j *judging) verdict(id string) (reconcile.VerdictState, string) {
	now := j.is.of(id)
	_, text := resourceHealth(now, nil)
	var fs []failure
	for _, i := range now {
		for _, f := range j.fresh[i.Resource] {
			if !slices.Contains(fs, f) {
				fs = append(fs, f)
			}
		}
	}
	has := func(f func(Instance) bool) bool { return slices.ContainsFunc(now, f) }
	switch {
	case has(func(i Instance) bool { return i.Blocked }):
		return reconcile.VerdictBlocked, text + because(fs)
	case len(fs) > 0:
		return reconcile.VerdictFailed, text + because(fs)
	case has(func(i Instance) bool { return !i.Managed }):
		return reconcile.VerdictUnmanaged, text
	case slices.ContainsFunc(j.is.nodes, func(n nodeStatus) bool { return n.unclean }):
		return reconcile.VerdictFencing, text + ", waits for fencing"
	case active(now) == 0:
		return reconcile.VerdictStopped, text
	}
	return reconcile.Running, text
}

// settle makes the time to watch long enough for each recurring monitor of a resource to run once.
func (j *judging) settle(el *etree.Element) {
	for _, op := range el.FindElements(".//op[@name='monitor']") {
		every, ok := span(attr(op, "interval"))
		if !ok || every <= 0 {
			continue
		}
		limit := defaultTimeout
		if d, ok := span(attr(op, "timeout")); ok {
			limit = d
		}
		j.Settle = min(max(j.Settle, every+limit), longestSettle)
	}
}

// longestSettle bounds the time to watch that hactl chooses by itself.
const longestSettle = 2 * time.Minute

func union(a, b map[string]map[string]bool, c map[string][]failure) []string {
	var ids []string
	for id := range a {
		ids = append(ids, id)
	}
	for id := range b {
		ids = append(ids, id)
	}
	for id := range c {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return slices.Compact(ids)
}

// less are the members of a that are not in b.
func less(a, b map[string]bool) []string {
	var out []string
	for n := range a {
		if !b[n] {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

func nodesOf(m map[string]bool) string { return firstOf(joinWords(less(m, nil)), "no node") }

func placeOrStopped(m map[string]bool) string {
	if len(m) == 0 {
		return "stopped"
	}
	return "on " + nodesOf(m)
}

package drbd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Victim names the node whose changes since a split brain are thrown away, and the resource.
type Victim struct{ Resource, Node string }

// ParseVictim reads DRBDResource/NAME=NODE.
func ParseVictim(s string) (Victim, error) {
	name, named := strings.CutPrefix(s, "DRBDResource/")
	name, node, ok := strings.Cut(name, "=")
	if !named || !ok || name == "" || node == "" {
		return Victim{}, fmt.Errorf("%q must be DRBDResource/NAME=NODE: the resource, and the node whose changes since the split are thrown away", s)
	}
	return Victim{name, node}, nil
}

// String is the form that ParseVictim reads.
func (v Victim) String() string { return v.ref().String() }

// ref stands for the loss: nothing but the victim's name allows it, no allowance for the resource.
func (v Victim) ref() reconcile.Ref {
	return reconcile.Ref{Kind: "DRBDResource", Name: v.Resource + "=" + v.Node}
}

// Allow is the leave that naming the victim gives.
func (v Victim) Allow() reconcile.Allow {
	return reconcile.Allow{Risk: reconcile.DataLoss, Object: v.String()}
}

// Discarding is the same driver, which also ends the split brain of these resources.
func (d Driver) Discarding(victims ...Victim) Driver {
	d.victims = victims
	return d
}

// discards checks that each is of a resource that is wanted, and gives the nodes by resource.
func (d Driver) discards(m *v1.Manifests) (map[string]string, error) {
	if len(d.victims) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, v := range d.victims {
		switch {
		case !slices.ContainsFunc(m.DRBDResources, func(r *v1.DRBDResource) bool { return r.Metadata.Name == v.Resource }):
			return nil, fmt.Errorf("--discard %s: the manifests have no DRBDResource %s", v, v.Resource)
		case out[v.Resource] != "" && out[v.Resource] != v.Node:
			return nil, fmt.Errorf("--discard %s: %s is named, too; one copy must stay", v, Victim{v.Resource, out[v.Resource]})
		}
		out[v.Resource] = v.Node
	}
	return out, nil
}

// discard ends a split brain: the victim connects as one who takes the other's data, then the survivor does. The survivor is only connected,
// so it may be in use meanwhile. False: there is none to end.
func (w *work) discard() (bool, error) {
	if w.victim == "" {
		return false, nil
	}
	s, err := w.judge()
	if s == nil || err != nil {
		return false, err
	}
	victim, survivor := w.named(w.victim), w.named(s.other(w.victim))
	lost := lost(victim.Live[w.r.Name])
	c := reconcile.Change{Object: Ref(w.r.Name), Action: reconcile.Update, Path: "split brain", Risk: reconcile.DataLoss, ByName: true,
		Whole: Victim{w.r.Name, w.victim}.ref(),
		Have:  fmt.Sprintf("%s has the generation %s, with %s changed since", victim.Name, s.current(victim.Name), lost),
		Want:  fmt.Sprintf("the copy of %s, generation %s", survivor.Name, s.current(survivor.Name)),
		Why:   fmt.Sprintf("what was written on %s since the split (%s) is thrown away", victim.Name, lost)}
	w.add(reconcile.Step{ID: w.id(victim.Name, "discard"), Host: victim.Name, Changes: []reconcile.Change{c},
		Ops: reconcile.Ops{Discard{Resource: w.r.Name, Generation: s.current(victim.Name)}}})
	w.add(reconcile.Step{ID: w.id(survivor.Name, "reconnect"), Host: survivor.Name, Needs: []reconcile.Ref{Ref(w.r.Name)},
		Changes: []reconcile.Change{{Object: upRef(survivor.Name, w.r.Name), Action: reconcile.Reload, Path: "connection", Risk: reconcile.ReloadRisk,
			Have: survivor.Live[w.r.Name].Peers[0].Connection, Want: "Connected, copying to " + victim.Name}},
		Ops: reconcile.Ops{Reconnect{Resource: w.r.Name, Generation: s.current(survivor.Name)}}})
	return true, nil
}

// judge says why the victim's changes are not thrown away. Nothing and no error: the nodes are connected, so there is nothing to end.
func (w *work) judge() (*split, error) {
	refuse := func(format string, args ...any) (*split, error) {
		return nil, w.errorf("", "--discard %s: %s. Nothing was changed", Victim{w.r.Name, w.victim}, fmt.Sprintf(format, args...))
	}
	name := w.r.Name
	if !w.r.on(w.victim) {
		return refuse("%s is none of its nodes", w.victim)
	}
	if len(w.away) > 0 {
		return refuse("%s did not answer, and whose copy is good is known only when all nodes tell theirs", strings.Join(w.away, ", "))
	}
	if len(w.nodes) != 2 {
		return refuse("hactl does this for two nodes; it has %d. The plan's warning has the commands", len(w.nodes))
	}
	connected := true
	for _, n := range w.nodes {
		l := n.Live[name]
		switch {
		case w.marked(n):
			return refuse("%s is still being made on %s", name, n.Name)
		case l == nil || len(l.Peers) == 0:
			return refuse("%s is down on %s, so nobody knows what that has; bring it up there (drbdadm up %s)", name, n.Name, name)
		}
		connected = connected && l.Peers[0].Connection == "Connected"
	}
	if connected {
		return nil, nil
	}
	s := findSplit(w.have, name)
	victim := w.named(w.victim)
	l := victim.Live[name]
	switch at := victim.Devices[w.r.volumes()[0].Device].Mounts; {
	case s == nil:
		return refuse("no split brain is seen: %s", w.connections())
	case l.Role == "Primary" && len(at) > 0:
		return refuse("%s is Primary on %s and mounted on %s, and hactl demotes nothing; stop there what uses it first", name, victim.Name, strings.Join(at, ", "))
	case l.Role == "Primary":
		return refuse("%s is Primary on %s, and hactl demotes nothing; stop there what uses it, and demote it (drbdadm secondary %s)", name, victim.Name, name)
	case !w.ended(l):
		return refuse("%s", w.connections())
	}
	survivor := w.named(s.other(w.victim))
	if !w.ended(survivor.Live[name]) {
		return refuse("%s", w.connections())
	}
	for _, v := range w.r.volumes() {
		if d := survivor.Live[name].Volumes[v.Number].Disk; d != "UpToDate" {
			return refuse("volume %d of %s is %s and not UpToDate, so the only good copy may be that of %s", v.Number, survivor.Name, orNone(d), victim.Name)
		}
		if d := l.Volumes[v.Number].Disk; d == "" || d == "Diskless" || d == "Failed" {
			return refuse("volume %d has no disk on %s", v.Number, victim.Name)
		}
	}
	return s, nil
}

// ended tells that a node is not connected, and nothing is under way.
func (*work) ended(l *Live) bool {
	return l.Peers[0].Connection == "StandAlone" || l.Peers[0].Connection == "Connecting"
}

// connections says how the nodes are connected.
func (w *work) connections() string {
	var out []string
	for _, n := range w.nodes {
		for _, p := range n.Live[w.r.Name].Peers {
			out = append(out, n.Name+" is "+p.Connection)
		}
	}
	return strings.Join(out, ", ")
}

func (w *work) named(node string) *NodeState {
	for _, n := range w.nodes {
		if n.Name == node {
			return n
		}
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// lost is how much a node has changed since the split, as its bitmap tells.
func lost(l *Live) string {
	kib := int64(0)
	for _, v := range l.Peers[0].Volumes {
		kib += v.OutOfSync
	}
	if kib == 0 {
		return "an unknown amount"
	}
	return bytes(kib)
}

// unchanged defines the test that all is as the plan saw it: the generation of one of the volumes but for its last digit, whose last bit is
// the role, and no connection.
const unchanged = `export LC_ALL=C; r=$1
no() { echo "$1; nothing was changed" >&2; exit 67; }
case $(drbdadm get-gi "$r" | grep -o '[0-9A-F]\{16\}:' | cut -c1-15 | tr '\n' ' ') in *"$2"*) ;; *) no "$r has another generation than when the plan was made";; esac
c=$(drbdadm cstate "$r" | sort -u | tr '\n' ' ')
`

// Discard connects a node of a split brain as the one whose changes since are thrown away. It is not demoted for that.
type Discard struct {
	Resource string `json:"resource"`
	// Generation is what is thrown away: another one is left alone.
	Generation string `json:"generation"`
}

func (d Discard) String() string {
	return fmt.Sprintf("drbdadm connect --discard-my-data %s (if it is Secondary, and still of the generation %s)", d.Resource, d.Generation)
}

const discard = unchanged + `case $c in "StandAlone " | "WFConnection " | "Connecting ") ;; *) no "$r is ${c% }";; esac
case $(drbdadm role "$r" | tr '\n' ' ') in *Primary/* | Primary*) no "$r is Primary here, and hactl demotes nothing";; esac
[ "$c" = "StandAlone " ] || drbdadm disconnect "$r" || exit 1 # 8.4 knows no connection to end where it is StandAlone
drbdadm connect --discard-my-data "$r"`

// Do looks again, and connects it.
func (d Discard) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	return run(ctx, h, d, discard, time.Minute, d.Resource, prefix(d.Generation))
}

// prefix is a generation without its last digit.
func prefix(generation string) string { return generation[:len(generation)-1] }

// Reconnect connects the node of a split brain whose copy stays, and waits until the other's is made equal, or that is well under way.
type Reconnect struct {
	Resource   string `json:"resource"`
	Generation string `json:"generation"`
}

func (r Reconnect) String() string {
	return fmt.Sprintf("drbdadm connect %s (if it is UpToDate, and still of the generation %s), wait for the copy", r.Resource, r.Generation)
}

const reconnect = unchanged + `for d in $(drbdadm dstate "$r"); do case $d in UpToDate/*) ;; *) no "a disk of $r is $d and not UpToDate";; esac; done
case $c in "StandAlone ") drbdadm connect "$r" || exit 1;; esac
` + copied

// Do connects it and waits.
func (r Reconnect) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	return watch(ctx, h, r, progress, reconnect, 4*time.Minute, r.Resource, prefix(r.Generation))
}

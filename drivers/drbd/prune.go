package drbd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// pruneSteps remove the resources whose files this owner made and that no manifest tells any more: down, metadata, file, and last the other
// nodes' knowledge of it. What is on the disks below stays. So they do on nodes that have left a resource.
func pruneSteps(want, have State, read configs) (steps []reconcile.Step, err error) {
	if !want.Prune {
		return nil, nil
	}
	wanted := map[string]*Resource{}
	for i := range want.Resources {
		wanted[want.Resources[i].Name] = &want.Resources[i]
	}
	for i := range have.Nodes {
		n := &have.Nodes[i]
		if n.Unobserved != "" || n.Files[mainConf].Content.Reveal() == "" {
			continue
		}
		c, err := read.of(n)
		if err != nil {
			return nil, fmt.Errorf("--prune: %s: %w", n.Name, err)
		}
		for _, r := range c.Resources {
			if r.Pos.File != confPath(r.Name) || ownerOf(n.Files[r.Pos.File].Content.Reveal()) != want.Owner {
				continue
			}
			if w := wanted[r.Name]; w != nil {
				if left := func(h *conf.Host) bool { return w.on(h.Name()) }; !w.on(n.Name) && slices.ContainsFunc(r.Hosts, left) {
					steps = append(steps, departed(have, n, w, r, read))
				}
				continue
			}
			if m := want.Managers[r.Name]; m != "" {
				return nil, fmt.Errorf("--prune: no manifest tells the DRBDResource %s any more, but the Resource %s runs it; remove that first, or keep both", r.Name, m)
			}
			steps = append(steps, removal(have, n, r))
		}
	}
	return steps, nil
}

// departed removes a resource from a node that has left it, once the others have forgotten the node.
func departed(have State, n *NodeState, w *Resource, r *conf.Resource, read configs) reconcile.Step {
	s := removal(State{Nodes: []NodeState{*n}}, n, r)
	c := &s.Changes[0]
	c.Object, c.Path, c.Whole = upRef(n.Name, r.Name), "", Ref(r.Name)
	c.Why = fmt.Sprintf("%s has left %s: its metadata is wiped there, so its copy is none any more", n.Name, r.Name)
	if known, _ := have.changing(w, read); s.Pending == "" && (n.Live[r.Name] != nil || slices.Contains(known, n.Name)) {
		s.Ops, s.Pending = nil, "known after "+n.Name+" has left "+r.Name
	}
	return s
}

func removal(have State, n *NodeState, r *conf.Resource) reconcile.Step {
	s := reconcile.Step{ID: "drbd " + n.Name + " prune " + r.Name, Host: n.Name, Needs: []reconcile.Ref{system.Machine(n.Name)},
		Changes: []reconcile.Change{{Object: Ref(r.Name), Action: reconcile.Delete, Path: n.Name, Have: "file and metadata", Risk: reconcile.DataLoss, ByName: true,
			Why: "its metadata is wiped, and the copies are no copies of each other any more"}},
		Ops: reconcile.Ops{Remove{Resource: r.Name}}}
	for _, m := range have.Nodes {
		if l := m.Live[r.Name]; l != nil && l.Role == "Primary" {
			s.Ops, s.Pending = nil, "known after "+r.Name+" is in use nowhere: it is Primary on "+m.Name
		}
	}
	for _, h := range r.Hosts {
		if !slices.Contains(h.Names, n.Name) {
			continue
		}
		for _, v := range slices.Concat(r.Volumes, h.Volumes) {
			for _, p := range []string{v.Disk, v.MetaDisk} {
				if strings.HasPrefix(p, "/") {
					s.Frees = append(s.Frees, block.Ref(n.Name, p))
				}
			}
		}
	}
	return s
}

// Remove takes a resource from a node: it is brought down, its metadata is wiped, and its file goes.
type Remove struct {
	Resource string `json:"resource"`
}

func (r Remove) String() string {
	return fmt.Sprintf("drbdadm down %s, wipe its metadata (if it is not in use); rm %s", r.Resource, confPath(r.Resource))
}

const remove = `export LC_ALL=C; r=$1
case $(drbdadm role "$r" 2>/dev/null) in *Primary*) echo "$r is in use ($(drbdadm role "$r")); nothing was changed" >&2; exit 67;; esac
drbdadm down "$r" || exit 1
! drbdadm get-gi "$r" >/dev/null 2>&1 || drbdadm -- --force wipe-md "$r" >/dev/null || exit 1
rm -f -- "$2" "$3" "${3%.new}":*.new`

// Do removes it.
func (r Remove) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	return run(ctx, h, r, remove, 2*time.Minute, r.Resource, confPath(r.Resource), markPath(r.Resource))
}

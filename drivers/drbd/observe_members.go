package drbd

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/drivers/drbd/conf"
	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// lookAtMembers looks once more where nodes join or leave a resource: at machines that leave, and at the metadata of those that have the
// resource (DRBD 9). Where nobody does it asks nothing.
func (s *State) lookAtMembers(ctx context.Context, hosts reconcile.Hosts, want State) error {
	leaving := map[string]bool{}
	volumes := map[string][]string{}
	read := configs{}
	for i := range want.Resources {
		r := &want.Resources[i]
		left, joins := s.changing(r, read)
		for _, name := range left {
			leaving[name] = true
		}
		if len(left) == 0 && !joins {
			continue
		}
		for _, node := range r.Spec.Nodes {
			n := s.node(node.Name)
			if n == nil || n.Unobserved != "" || n.dialect() != conf.V9 || !n.partly(r) {
				continue
			}
			for _, v := range r.volumes() {
				if v.hasDisk(n.Name) {
					volumes[n.Name] = append(volumes[n.Name], giKey(r.Name, v.Number))
				}
			}
		}
	}
	var others reconcile.Hosts
	for _, h := range hosts {
		if leaving[h.Name()] && s.node(h.Name()) == nil {
			others = append(others, h)
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	var found []NodeState
	if len(others) > 0 {
		g.Go(func() (err error) {
			found, err = observeAll(gctx, others, want)
			return err
		})
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; len(volumes[n.Name]) > 0 {
			g.Go(func() error { return n.lookAtSlots(gctx, hosts.Named(n.Name), volumes[n.Name]) })
		}
	}
	err := g.Wait()
	s.Nodes = append(s.Nodes, found...)
	return err
}

// changing gives the nodes that a file or a kernel has of a resource in use and no manifest, and tells whether some node has nothing of it yet.
func (s *State) changing(r *Resource, read configs) (leaves []string, joins bool) {
	used, bare := false, false
	for _, node := range r.Spec.Nodes {
		n := s.node(node.Name)
		if n == nil || n.Unobserved != "" {
			continue
		}
		there := n.partly(r)
		used, bare = used || there, bare || !there
		if c, err := read.of(n); err == nil {
			if found := c.Resource(r.Name); found != nil {
				for _, h := range found.Hosts {
					leaves = append(leaves, h.Names...)
				}
			}
		}
		if l := n.Live[r.Name]; l != nil && n.dialect() == conf.V9 {
			for _, p := range l.Peers {
				leaves = append(leaves, p.Name)
			}
		}
	}
	return slices.DeleteFunc(leaves, r.on), used && bare
}

// slotsScript prints how many other nodes the metadata of volumes has room for, and which of them have a bitmap. drbdmeta reads it also while
// it is in use; what it would say of the bitmaps themselves is left away.
const slotsScript = `export LC_ALL=C
for v; do printf '\n==hactl %s\n' "$v"; drbdadm dump-md "$v" 2>/dev/null | sed -n '/^bitmap\[/q;/^max-peers/p;/^peer\[/p;/^ *bitmap-index/p'; done
printf '\n==hactl end\n'`

var (
	maxPeersLine = regexp.MustCompile(`(?m)^max-peers (\d+);`)
	bitmapLine   = regexp.MustCompile(`(?m)^peer\[(\d+)\] \{\n\s*bitmap-index (\d+);`)
)

// lookAtSlots reads them. A volume that does not tell (no metadata, or an older drbdmeta) is left to drbdadm.
func (n *NodeState) lookAtSlots(ctx context.Context, h reconcile.Host, volumes []string) error {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: append([]string{"sh", "-c", slotsScript, "hactl-look-drbd-slots"}, volumes...)})
	if err != nil {
		return look.Named(err, "look at the metadata of "+strings.Join(volumes, ", "))
	}
	parts, err := look.Sections(out)
	if err != nil {
		return fmt.Errorf("%s: the metadata of %s: %w", n.Name, strings.Join(volumes, ", "), err)
	}
	n.Slots = map[string]slots{}
	for _, v := range volumes {
		m := maxPeersLine.FindStringSubmatch(parts[v])
		if m == nil {
			continue
		}
		var s slots
		s.Max, _ = strconv.Atoi(m[1])
		for _, m := range bitmapLine.FindAllStringSubmatch(parts[v], -1) {
			id, _ := strconv.Atoi(m[1])
			s.Used = append(s.Used, id)
		}
		n.Slots[v] = s
	}
	return nil
}

package drbd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// Status tells of each resource in the kernels, problems first: split brain, then lost disks and connections, then what is being copied.
func (Driver) Status(have State) []reconcile.Health {
	var out []reconcile.Health
	names := map[string]bool{}
	for _, n := range have.Nodes {
		for name := range n.Live {
			names[name] = true
		}
	}
	for i := range have.Resources {
		names[have.Resources[i].Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, health(have, name))
	}
	slices.SortStableFunc(out, func(a, b reconcile.Health) int { return int(b.Level) - int(a.Level) })
	return out
}

func health(have State, name string) reconcile.Health {
	h := reconcile.Health{Object: Ref(name)}
	var roles, disks, troubles []string
	worse := func(l reconcile.Level, format string, args ...any) {
		h.Level = max(h.Level, l)
		troubles = append(troubles, fmt.Sprintf(format, args...))
	}
	split := false
	for _, n := range have.Nodes {
		l := n.Live[name]
		_, marked := n.Marks[name]
		if marked {
			worse(reconcile.Info, "%s: it is being made", n.Name)
		}
		if l == nil {
			if n.Unobserved == "" && n.Files[confPath(name)].Content.Reveal() != "" {
				worse(reconcile.Info, "%s: it is down", n.Name)
			}
			continue
		}
		roles = append(roles, n.Name+" "+l.Role)
		if l.Suspended != "" && l.Suspended != "no" {
			worse(reconcile.Failed, "%s: all writes wait (%s)", n.Name, l.Suspended)
		}
		for _, v := range slices.Sorted(maps.Keys(l.Volumes)) {
			disks = append(disks, l.Volumes[v].Disk)
			switch l.Volumes[v].Disk {
			case "UpToDate", "Consistent":
			case "Diskless", "Failed", "Detaching":
				worse(reconcile.Failed, "%s: volume %d has no disk (%s)", n.Name, v, l.Volumes[v].Disk)
			default:
				worse(reconcile.Degraded, "%s: volume %d is %s", n.Name, v, l.Volumes[v].Disk)
			}
		}
		for _, p := range l.Peers {
			peer := otherName(have, name, n.Name, p.Name)
			switch p.Connection {
			case "Connected":
			case "StandAlone":
				split = true
				worse(reconcile.Failed, "%s: the connection to %s was given up (StandAlone)", n.Name, peer)
			default:
				worse(reconcile.Degraded, "%s: %s is not connected (%s)", n.Name, peer, p.Connection)
			}
			for _, v := range slices.Sorted(maps.Keys(p.Volumes)) {
				if x := p.Volumes[v]; strings.HasPrefix(x.Replication, "Sync") || strings.HasPrefix(x.Replication, "PausedSync") {
					worse(reconcile.Degraded, "%s: volume %d is %s of %s, %s", n.Name, v, x.Replication, peer, progress(x.OutOfSync, l.Volumes[v].KiB))
				}
			}
		}
	}
	if split {
		if text := generations(have, name); text != "" {
			troubles = append([]string{text}, troubles...)
		}
	}
	parts := troubles
	if len(roles) > 0 {
		parts = append(parts, strings.Join(roles, ", ")+" ("+strings.Join(disks, "/")+")")
	}
	if len(parts) == 0 {
		h.Level, parts = reconcile.Info, []string{"in no kernel that was asked"}
	}
	h.Text = strings.Join(parts, "; ")
	return h
}

// progress says how much of a copy is there.
func progress(dirty, size int64) string {
	if size <= 0 {
		return fmt.Sprintf("%s to go", bytes(dirty))
	}
	return fmt.Sprintf("%.1f%% done, %s of %s to go", float64(size-dirty)*100/float64(size), bytes(dirty), bytes(size))
}

func bytes(kib int64) string {
	switch {
	case kib >= 10<<20:
		return fmt.Sprintf("%.1f GiB", float64(kib)/(1<<20))
	case kib >= 10<<10:
		return fmt.Sprintf("%.1f MiB", float64(kib)/(1<<10))
	}
	return fmt.Sprintf("%d KiB", kib)
}

// otherName gives the peer's name. DRBD 8.4 calls it peer, and there is just one.
func otherName(have State, resource, node, peer string) string {
	if have.node(peer) != nil {
		return peer
	}
	for i := range have.Resources {
		r := &have.Resources[i]
		if r.Name != resource || len(r.Spec.Nodes) != 2 {
			continue
		}
		for _, n := range r.Spec.Nodes {
			if n.Name != node {
				return n.Name
			}
		}
	}
	return peer
}

// generations compares what both sides of a broken connection know. Both have the same older generation and each a current one that the
// other does not know: split brain. "" if it is not.
func generations(have State, name string) string {
	type side struct{ node, current string }
	var sides []side
	known := map[string]map[string]bool{}
	for _, n := range have.Nodes {
		for key, ids := range n.Metadata {
			if r, _, _ := strings.Cut(key, "/"); r != name {
				continue
			}
			known[n.Name] = map[string]bool{}
			f := strings.Split(ids, ":")
			for _, id := range f[:min(4, len(f))] {
				known[n.Name][even(id)] = true
			}
			sides = append(sides, side{n.Name, even(f[0])})
		}
	}
	for i, a := range sides {
		for _, b := range sides[i+1:] {
			if a.node != b.node && !known[a.node][b.current] && !known[b.node][a.current] {
				return fmt.Sprintf("split brain: %s has the generation %s and %s has %s, and neither knows the other's", a.node, a.current, b.node, b.current)
			}
		}
	}
	return ""
}

// even clears the last bit of a generation id, which only tells that the node was primary.
func even(id string) string {
	if id == "" {
		return id
	}
	const hex = "0123456789ABCDEF"
	if i := strings.IndexByte(hex, id[len(id)-1]); i >= 0 {
		return id[:len(id)-1] + string(hex[i&^1])
	}
	return id
}

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
	split, copying := false, false
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
		place := reconcile.Place{Node: n.Name, As: l.Role}
		if l.Suspended != "" && l.Suspended != "no" {
			worse(reconcile.Failed, "%s: all writes wait (%s)", n.Name, l.Suspended)
		}
		for _, v := range slices.Sorted(maps.Keys(l.Volumes)) {
			disks = append(disks, l.Volumes[v].Disk)
			place.As += " " + l.Volumes[v].Disk
			switch l.Volumes[v].Disk {
			case "UpToDate", "Consistent":
			case "Diskless", "Failed", "Detaching":
				worse(reconcile.Failed, "%s: volume %d has no disk (%s)", n.Name, v, l.Volumes[v].Disk)
			default:
				worse(reconcile.Degraded, "%s: volume %d is %s", n.Name, v, l.Volumes[v].Disk)
			}
		}
		h.On = append(h.On, place)
		for _, p := range l.Peers {
			peer := otherName(have, name, n.Name, p.Name)
			switch p.Connection {
			case "Connected":
			case "StandAlone":
				split = true
				worse(reconcile.Failed, "%s: the connection to %s was given up (StandAlone)%s", n.Name, peer, authentication(p))
			default:
				worse(reconcile.Degraded, "%s: %s is not connected (%s)%s", n.Name, peer, p.Connection, authentication(p))
			}
			for _, v := range slices.Sorted(maps.Keys(p.Volumes)) {
				if x := p.Volumes[v]; x.copying() {
					copying = true
					worse(reconcile.Degraded, "%s: volume %d is %s of %s, %s", n.Name, v, x.Replication, peer, x.progress(l.Volumes[v].KiB))
				}
			}
		}
	}
	if split {
		if found := findSplit(have, name); found != nil {
			troubles = append([]string{found.String()}, troubles...)
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
	if copying && h.Level < reconcile.Failed {
		h.Condition = reconcile.Syncing
	}
	return h
}

// authentication says why a connection was refused, where that is known.
func authentication(p Peer) string {
	if p.Refused == "" {
		return ""
	}
	return "; the two did not authenticate each other: another shared-secret or cram-hmac-alg on one of them (" + p.Refused + ")"
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

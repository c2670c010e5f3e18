package conf

import "hash/crc32"

// implicitNodeIDs are the ids that drbdadm 9 gives two hosts that say none: by the CRC-32C of their addresses.
func implicitNodeIDs(a, b string) (int, int, bool) {
	sum := func(s string) int32 { // of an int, so compared with its sign
		const seed = 0x1a656f21
		return int32(^crc32.Update(^uint32(seed), crc32.MakeTable(crc32.Castagnoli), []byte(s)))
	}
	switch x, y := sum(a), sum(b); {
	case x > y:
		return 0, 1, true
	case x < y:
		return 1, 0, true
	}
	return 0, 0, false
}

// nodeIDs gives the hosts' node ids, with those that follow from their addresses.
func (r *Resource) nodeIDs(links []*link, d Dialect) []*int {
	ids := make([]*int, len(r.Hosts))
	for i, h := range r.Hosts {
		ids[i] = h.NodeID
	}
	if d != V9 {
		return ids
	}
	for _, l := range links {
		a, b := l.hosts[0], l.hosts[1]
		if !l.implicit || ids[a] != nil || ids[b] != nil {
			continue
		}
		ha, hb := r.Hosts[a], r.Hosts[b]
		x, y, ok := implicitNodeIDs(ha.Address.Host, hb.Address.Host)
		if !ok && ha.Proxy != nil && hb.Proxy != nil {
			x, y, ok = implicitNodeIDs(ha.Proxy.Outside.Host, hb.Proxy.Outside.Host)
		}
		if ok {
			ids[a], ids[b] = &x, &y
		}
	}
	return ids
}

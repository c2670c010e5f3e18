package drbd

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd/conf"
)

func nodes(r *conf.Resource, spec *v1.DRBDResourceSpec) (why string) {
	if len(r.Hosts) < 2 {
		return fmt.Sprintf("it has %d hosts", len(r.Hosts))
	}
	for _, h := range r.Hosts {
		switch {
		case h.Kind != conf.On:
			return "it has a section " + string(h.Kind)
		case len(h.Names) != 1:
			return "a section on is for several hosts: " + h.Name()
		case !h.Alternate.IsZero():
			return "it has an alternate-link-address"
		case h.Proxy != nil:
			return "it uses DRBD Proxy"
		}
		n := v1.DRBDNode{Name: h.Names[0], Address: addressPort(h.Address), Options: values(h.Options)}
		if h.NodeID != nil {
			n.NodeID = strconv.Itoa(*h.NodeID)
		}
		spec.Nodes = append(spec.Nodes, n)
	}
	return ""
}

func addressPort(a conf.Address) string {
	if ip, err := netip.ParseAddr(a.Host); err == nil && a.Port > 0 {
		return netip.AddrPortFrom(ip, uint16(a.Port)).String() //nolint:gosec // the parser has checked its range
	}
	return "" // DRBD 9: the connections say it
}

// volumes brings what is said for all hosts and for each together.
func volumes(r *conf.Resource, spec *v1.DRBDResourceSpec) (why string) {
	byNumber := map[int]*v1.DRBDVolume{}
	numbers := []int{}
	implicit := true
	take := func(v *conf.Volume, hosts ...string) string {
		x := byNumber[v.Number]
		if x == nil {
			x = &v1.DRBDVolume{Number: v.Number, Nodes: map[string]v1.DRBDBacking{}}
			byNumber[v.Number] = x
			numbers = append(numbers, v.Number)
		}
		implicit = implicit && v.Implicit
		device := v.Device
		if device == "" && v.Minor != nil {
			device = fmt.Sprintf("/dev/drbd%d", *v.Minor)
		}
		switch {
		case device == "":
		case x.Device != "" && x.Device != device:
			return fmt.Sprintf("volume %d has another device on each host", v.Number)
		default:
			x.Device = device
		}
		if len(v.Options) > 0 && len(hosts) == 1 {
			return fmt.Sprintf("volume %d has disk options on %s alone", v.Number, hosts[0])
		}
		for _, o := range v.Options {
			if x.Disk == nil {
				x.Disk = v1.Options{}
			}
			x.Disk[o.Name] = v1.Value{Text: o.Value}
		}
		for _, h := range hosts {
			b := x.Nodes[h]
			if v.Disk != "" {
				b.Disk = v.Disk
			}
			if v.MetaDisk != "" {
				b.MetaDisk = v.MetaDisk
				if v.MetaIndex != nil {
					b.MetaDisk += fmt.Sprintf("[%d]", *v.MetaIndex)
				}
			}
			if b.MetaDisk == "internal" {
				b.MetaDisk = ""
			}
			x.Nodes[h] = b
		}
		return ""
	}
	var all []string
	for _, n := range spec.Nodes {
		all = append(all, n.Name)
	}
	for _, v := range r.Volumes {
		if why := take(v, all...); why != "" {
			return why
		}
	}
	for _, h := range r.Hosts {
		for _, v := range h.Volumes {
			if why := take(v, h.Names[0]); why != "" {
				return why
			}
		}
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		x := byNumber[number]
		for _, n := range all {
			if b := x.Nodes[n]; b.Disk == "" {
				x.Nodes[n] = v1.DRBDBacking{Disk: "none"}
			}
		}
		spec.Volumes = append(spec.Volumes, *x)
	}
	if len(spec.Volumes) == 1 && numbers[0] == 0 && len(spec.Volumes[0].Disk) == 0 && (implicit || !reserved(spec.Volumes[0])) {
		x := spec.Volumes[0]
		spec.Device, spec.Volumes = x.Device, nil
		for i := range spec.Nodes {
			b := x.Nodes[spec.Nodes[i].Name]
			spec.Nodes[i].Disk, spec.Nodes[i].MetaDisk = b.Disk, b.MetaDisk
		}
	}
	return ""
}

// reserved tells of what the short form cannot say.
func reserved(v v1.DRBDVolume) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(v.Nodes)), func(b v1.DRBDBacking) bool { return b.Disk == "none" })
}

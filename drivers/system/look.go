package system

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"time"
)

func parseClock(s string) (time.Time, error) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(s), ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("date printed %q, not seconds", s)
	}
	ns, _ := strconv.ParseInt(frac, 10, 64)
	return time.Unix(sec, ns), nil
}

type unitShow struct{ load, active, file string }

// parseUnits reads the blocks of "systemctl show", one per unit, with a blank line between. A unit is known by each of its names: mysql
// may be another name of mariadb.
func parseUnits(s string) map[string]unitShow {
	units := map[string]unitShow{}
	for _, block := range strings.Split(strings.TrimSpace(s), "\n\n") {
		var u unitShow
		var names []string
		for _, l := range strings.Split(block, "\n") {
			k, v, _ := strings.Cut(l, "=")
			switch k {
			case "Names":
				names = strings.Fields(v)
			case "LoadState":
				u.load = v
			case "ActiveState":
				u.active = v
			case "UnitFileState":
				u.file = v
			}
		}
		for _, n := range names {
			units[n] = u
		}
	}
	return units
}

func facts(sec map[string]string, w MachineStatus) (*Facts, error) {
	f := &Facts{Family: family(sec["os"]), HostName: strings.TrimSpace(sec["hostname"])}
	has := map[string]bool{}
	for _, t := range strings.Fields(sec["tools"]) {
		has[t] = true
	}
	f.Stack, f.Running = has["corosync"] && has["pacemakerd"], has["running"]
	for _, l := range strings.Split(sec["disk"], "\n") {
		// free blocks, free inodes, total inodes (0: the file system counts none), path
		d := strings.Fields(l)
		if len(d) == 4 && (d[0] == "0" || d[1] == "0" && d[2] != "0") {
			f.Full = append(f.Full, d[3])
		}
	}
	var links []struct {
		Name  string `json:"ifname"`
		MTU   int    `json:"mtu"`
		Addrs []struct {
			Local string `json:"local"`
		} `json:"addr_info"`
	}
	if err := json.Unmarshal(bytes.TrimSpace([]byte(sec["addr"])), &links); err != nil {
		return nil, fmt.Errorf("ip -j addr (package iproute2): %w", err)
	}
	f.Interfaces = map[string]Interface{}
	for _, l := range links {
		for _, a := range l.Addrs {
			f.Interfaces[a.Local] = Interface{Name: l.Name, MTU: l.MTU}
		}
	}
	for _, a := range w.Addresses {
		got, ok := sec["resolve "+a]
		if !ok {
			continue
		}
		if f.Resolved == nil {
			f.Resolved = map[string][]string{}
		}
		var addrs []string
		for _, l := range strings.Split(got, "\n") {
			if x := strings.Fields(l); len(x) > 0 {
				addrs = append(addrs, x[0])
			}
		}
		f.Resolved[a] = union(addrs)
	}
	// Only the addresses that the manifest names are kept: others come and go by themselves (a cluster's own VIPs, for one).
	keep := map[string]Interface{}
	for _, a := range w.Addresses {
		for _, x := range append(f.Resolved[a], a) {
			if p, err := netip.ParseAddr(x); err == nil {
				if i, ok := f.Interfaces[p.String()]; ok {
					keep[p.String()] = i
				}
			}
		}
	}
	f.Interfaces = keep
	return f, nil
}

// family reads os-release's ID and ID_LIKE.
func family(s string) string {
	var id string
	for _, l := range strings.Split(s, "\n") {
		k, v, _ := strings.Cut(l, "=")
		v = strings.Trim(v, `"'`)
		for _, w := range strings.Fields(v) {
			switch w {
			case "debian", "ubuntu":
				return "debian"
			case "rhel", "fedora", "centos":
				return "redhat"
			}
		}
		if k == "ID" {
			id = v
		}
	}
	return id
}

// levelClocks turns offsets to this machine's clock into whole seconds off the middle of all machines, so that hactl's own clock does
// not matter.
func levelClocks(ms []MachineStatus, offsets []time.Duration) {
	var known []time.Duration
	for i, m := range ms {
		if m.Facts != nil {
			known = append(known, offsets[i])
		}
	}
	if len(known) == 0 {
		return
	}
	sort.Slice(known, func(i, j int) bool { return known[i] < known[j] })
	mid := known[(len(known)-1)/2]
	for i, m := range ms {
		if m.Facts != nil {
			m.Facts.ClockOffset = int((offsets[i] - mid).Truncate(time.Second) / time.Second)
		}
	}
}

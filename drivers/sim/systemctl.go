package sim

import (
	"fmt"
	"strings"
)

func (n *Node) runsPacemaker() bool {
	u := n.units["pacemaker.service"]
	return u != nil && u.active
}

func unitName(s string) string {
	if strings.Contains(s, ".") {
		return s
	}
	return s + ".service"
}

func activeState(on bool) string {
	if on {
		return "active"
	}
	return "inactive"
}

// show is "systemctl show" with these properties: a block for each unit, with an empty line between two.
func (n *Node) show(names []string, properties ...string) string {
	blocks := make([]string, len(names))
	for i, name := range names {
		u, load := n.units[unitName(name)], "loaded"
		if u == nil {
			u, load = &unit{}, "not-found"
		}
		if u.state == "masked" {
			load = "masked"
		}
		for _, p := range properties {
			v := map[string]string{"Names": unitName(name), "LoadState": load, "ActiveState": activeState(u.active), "UnitFileState": u.state}[p]
			blocks[i] += p + "=" + v + "\n"
		}
	}
	return strings.Join(blocks, "\n")
}

// systemctlAlone is systemctl without init scripts, which there are none of here.
func systemctlAlone(x *call) answer {
	if len(x.argv) < 4 || x.argv[1] != "SYSTEMCTL_SKIP_SYSV=1" || x.argv[2] != "systemctl" {
		return failed(127, "sim: env with anything but systemctl")
	}
	x.argv = x.argv[2:]
	return systemctl(x)
}

func systemctl(x *call) answer {
	verb, names := x.argv[1], operands(x.argv[2:])
	if verb == "show" {
		for _, a := range x.argv[2:] {
			if p, ok := strings.CutPrefix(a, "--property="); ok {
				return answer{out: x.n.show(names, p)}
			}
		}
		return failed(1, "sim: systemctl show without --property=")
	}
	for _, name := range names {
		u := x.n.units[unitName(name)]
		if u == nil && verb == "disable" {
			continue // told on standard error, with 0 for the rest; the next look tells
		}
		if u == nil {
			return failed(5, "Unit %s not found.", unitName(name))
		}
		if a := x.unit(verb, strings.TrimSuffix(name, ".service"), u); a.code != 0 {
			return a
		}
	}
	return answer{}
}

func (x *call) unit(verb, name string, u *unit) answer {
	if verb == "is-active" {
		if !u.active {
			return answer{out: "inactive\n", code: 3}
		}
		return answer{out: "active\n"}
	}
	x.changes("unit " + name)
	switch verb {
	case "enable", "disable":
		u.state = verb + "d"
	case "mask":
		u.state = "masked"
	case "unmask":
		u.state = "disabled"
	case "start", "stop", "restart":
		return x.run(verb, name, u)
	default:
		x.c.problem("%s: systemctl %s is not known here", x.n.name, verb)
		return failed(1, "Unknown command verb %s.", verb)
	}
	return answer{}
}

// run starts and stops units. pacemaker.service requires corosync.service, so it starts it, and stops and restarts with it.
func (x *call) run(verb, name string, u *unit) answer {
	if verb != "start" {
		if name == "corosync" {
			x.n.stopPacemaker()
			x.n.stopCorosync()
		}
		if name == "pacemaker" {
			x.n.stopPacemaker()
		}
		u.active = false
	}
	if verb == "stop" {
		return answer{}
	}
	var err error
	switch {
	case u.state == "masked":
		err = fmt.Errorf("unit %s.service is masked", name)
	case name == "corosync":
		err = x.n.startCorosync()
	case name == "pacemaker":
		if err = x.n.startCorosync(); err == nil {
			err = x.n.startPacemaker()
		}
	}
	if err != nil {
		return failed(1, "Job for %s.service failed: %v", name, err)
	}
	u.active = true
	return answer{}
}

package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// unit is a systemd unit.
type unit struct {
	state  string // enabled, disabled, masked
	active bool
}

// stack are the programs of a member by the package that brings them.
var stack = map[string]string{"corosync": "corosync", "pacemaker": "pacemakerd", "chrony": "chronyd"}

// brings are the units of packages that are not called as they are.
var brings = map[string][]string{"nginx-light": {"nginx"}, "postgresql-15": {"postgresql", "postgresql@15-main"}, "mariadb-server": {"mariadb"}}

// install does what packages bring: a unit of the same name, enabled as Debian does; corosync its example; pacemaker its user.
func (n *Node) install(packages []string) {
	for _, p := range packages {
		if n.packages[p] {
			continue
		}
		n.packages[p] = true
		for _, name := range append([]string{p}, brings[p]...) {
			if n.units[name+".service"] == nil {
				n.units[name+".service"] = &unit{state: "enabled"}
			}
		}
		switch p {
		case "corosync":
			if _, ok := n.files[confPath]; !ok {
				n.files[confPath] = plain(exampleConf)
			}
		case "pacemaker":
			n.accounts["hacluster"] = []string{"haclient"}
			for _, a := range []string{"file", "smtp", "snmp"} {
				n.files["/usr/share/pacemaker/alerts/alert_"+a+".sh.sample"] = plain("#!/bin/sh\n# " + a + "\n")
			}
		}
	}
}

func install(x *call) answer {
	replaces, packages := x.args()[0], x.args()[1:]
	if replaces != "" {
		x.changes("package " + replaces)
		delete(x.n.packages, replaces)
	}
	return x.installing(packages)
}

func (x *call) installing(packages []string) answer {
	x.changes("packages")
	x.n.install(packages)
	return answer{}
}

// lookAtMachine answers the look of the machines' layer: packages, units, names, "firewall" and accounts.
func lookAtMachine(x *call) answer {
	n, args := x.n, x.args()
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, "\n==hactl %s==\n", name) }
	section("clock")
	fmt.Fprintf(&b, "%.9f\n", float64(time.Now().UnixNano())/1e9)
	section("hostname")
	b.WriteString(n.name + "\n")
	section("os")
	b.WriteString("ID=debian\n")
	section("tools")
	for _, p := range []string{"corosync", "pacemaker", "chrony"} {
		if n.packages[p] {
			b.WriteString(stack[p] + "\n")
		}
	}
	if n.ring != nil {
		b.WriteString("running\n")
	}
	section("disk")
	b.WriteString("100000 100000 200000 /etc\n100000 100000 200000 /var\n")
	section("addr")
	var links []string
	for i, a := range n.addresses {
		links = append(links, fmt.Sprintf(`{"ifname":"eth%d","mtu":1500,"addr_info":[{"local":%q}]}`, i, a))
	}
	fmt.Fprintf(&b, "[%s]\n", strings.Join(links, ","))
	if args[0] != "" {
		section("packages")
		for _, p := range strings.Fields(args[0]) {
			if n.packages[p] {
				fmt.Fprintf(&b, "ii  %s 1.0\n", p)
			}
		}
	}
	if args[1] != "" {
		section("units")
		b.WriteString(n.show(strings.Fields(args[1]), "Names", "LoadState", "ActiveState", "UnitFileState"))
	}
	for _, name := range strings.Fields(args[2]) {
		section("resolve " + name)
		b.WriteString(n.resolve(name))
	}
	if args[3] != "" && len(n.firewall) > 0 {
		section("firewall")
		fmt.Fprintf(&b, "%s\n%s\n", yesNo(n.firewall["permanent"]), yesNo(n.firewall["runtime"]))
	}
	for _, a := range strings.Fields(args[4]) {
		section("account " + a)
		if groups, ok := n.accounts[a]; ok {
			b.WriteString(strings.Join(append([]string{a}, groups...), " ") + "\n")
		}
	}
	section("end")
	return answer{out: b.String()}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// resolve looks a name up in /etc/hosts, as getent ahosts does.
func (n *Node) resolve(name string) string {
	for line := range strings.Lines(n.files["/etc/hosts"].Content.Reveal()) {
		f := strings.Fields(line)
		if len(f) > 1 && slices.Contains(f[1:], name) {
			return f[0] + " STREAM " + name + "\n"
		}
	}
	return ""
}

func firewall(x *call) answer {
	which := "runtime"
	if x.argv[1] == "--permanent" {
		which = "permanent"
	}
	x.changes("firewall")
	x.n.firewall[which] = true
	return answer{out: "success\n"}
}

func useradd(x *call) answer {
	name := x.argv[len(x.argv)-1]
	if _, ok := x.n.accounts[name]; ok {
		return failed(9, "useradd: user '%s' already exists", name)
	}
	x.changes("account " + name)
	x.n.accounts[name] = groupsOf(x.argv)
	return answer{}
}

func usermod(x *call) answer {
	name := x.argv[len(x.argv)-1]
	if _, ok := x.n.accounts[name]; !ok {
		return failed(6, "usermod: user '%s' does not exist", name)
	}
	x.changes("account " + name)
	x.n.accounts[name] = append(x.n.accounts[name], groupsOf(x.argv)...)
	return answer{}
}

func groupsOf(argv []string) []string {
	if i := slices.Index(argv, "--groups"); i > 0 {
		return strings.Split(argv[i+1], ",")
	}
	return nil
}

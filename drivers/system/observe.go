package system

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

const (
	hostsPath = "/etc/hosts"
	// Debian's chrony.conf has "sourcedir /etc/chrony/sources.d" since 4.0-4; files there end in .sources and are read again by
	// "chronyc reload sources" (chrony.conf(5)).
	debianTimePath = "/etc/chrony/sources.d/hactl.sources"
	// Red Hat's chrony.conf reads no such folder of the administrator's, so a marked block goes into it.
	redhatTimePath = "/etc/chrony.conf"
)

// files are read in one go. Those of corosync's layer are in it because it reads the same list, so that in one round it is read once.
var files = []string{hostsPath, debianTimePath, redhatTimePath, "/etc/corosync/corosync.conf", "/etc/corosync/authkey", "/etc/pacemaker/authkey",
	"/var/lib/hactl/corosync-restart"}

// look reads everything that is not a file in one process. Its arguments are lists separated by blanks: packages, units, names to resolve,
// and "firewall" when that is wanted. What is not asked for is not run. The clock is read first, so that it is nearest to the request.
const look = `set -f; export LC_ALL=C
s() { printf '\n==hactl %s==\n' "$1"; }
s clock; date +%s.%N
s hostname; read -r h </proc/sys/kernel/hostname; echo "$h"
s os; while read -r l; do case $l in ID=*|ID_LIKE=*) echo "$l";; esac; done </etc/os-release
s tools; for t in corosync pacemakerd chronyd; do command -v "$t" >/dev/null && echo "$t"; done
[ -e /run/corosync.pid ] && read -r p </run/corosync.pid && [ -d "/proc/$p" ] && echo running
s disk; stat -f -c '%a %d %c %n' /etc /var
s addr; ip -j addr
if [ -n "$1" ]; then s packages
if command -v dpkg-query >/dev/null; then dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' $1 2>/dev/null
else rpm -q --qf 'ii %{NAME} %{VERSION}-%{RELEASE}\n' $1 2>/dev/null; fi; fi
if [ -n "$2" ]; then s units; systemctl show -p Names,LoadState,ActiveState,UnitFileState $2; fi
for n in $3; do s "resolve $n"; getent ahosts "$n"; done
if [ -n "$4" ] && command -v firewall-cmd >/dev/null && firewall-cmd --state >/dev/null 2>&1; then s firewall
firewall-cmd --permanent --query-service=high-availability; firewall-cmd --query-service=high-availability; fi
s end`

// lookLimit is generous: firewall-cmd alone takes most of a second each time.
const lookLimit = 20 * time.Second

func lookCmd(w MachineStatus) reconcile.Cmd {
	var packages, units, names []string
	if w.Packages != nil {
		packages = union(w.Packages.Debian, w.Packages.RedHat)
	}
	for u := range w.Units {
		units = append(units, u)
	}
	if w.Time != nil {
		packages = union(packages, []string{"chrony", "systemd-timesyncd"})
		units = append(units, "chrony.service", "chronyd.service")
	}
	for _, a := range w.Addresses {
		if _, err := netip.ParseAddr(a); err != nil {
			names = append(names, a)
		}
	}
	sort.Strings(units)
	fw := ""
	if w.Firewall != nil {
		fw = "firewall"
	}
	return reconcile.Cmd{Argv: []string{"sh", "-c", look, "hactl-look",
		strings.Join(packages, " "), strings.Join(units, " "), strings.Join(names, " "), fw}, Limit: lookLimit}
}

// Observe asks all machines at once: one process and one read of files on each.
func (Driver) Observe(ctx context.Context, hosts reconcile.Hosts, want State) (State, error) {
	have := State{Cluster: want.Cluster, Machines: make([]MachineStatus, len(hosts))}
	offsets := make([]time.Duration, len(hosts))
	g, gctx := errgroup.WithContext(ctx)
	for i, h := range hosts {
		w := MachineStatus{Name: h.Name()}
		if m := want.machine(h.Name()); m != nil {
			w = *m
		}
		g.Go(func() error {
			m, off, err := observe(gctx, h, w)
			var un *reconcile.UnreachableError
			switch {
			case errors.As(err, &un):
				m = MachineStatus{Name: h.Name(), Member: w.Member, Unobserved: why(un)}
			case err != nil:
				return fmt.Errorf("observe system: %w", err)
			}
			have.Machines[i], offsets[i] = m, off
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	levelClocks(have.Machines, offsets)
	return have, nil
}

func observe(ctx context.Context, h reconcile.Host, w MachineStatus) (MachineStatus, time.Duration, error) {
	m := MachineStatus{Name: w.Name, Member: w.Member}
	var out []byte
	var read map[string]reconcile.File
	var t0, t1 time.Time
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		t0 = time.Now()
		out, err = h.Run(gctx, lookCmd(w))
		t1 = time.Now()
		return err
	})
	g.Go(func() (err error) {
		read, err = h.ReadFiles(gctx, files...)
		return err
	})
	if err := g.Wait(); err != nil {
		return m, 0, err
	}
	sec, err := sections(out)
	if err != nil {
		return m, 0, fmt.Errorf("%s: %w", h.Name(), err)
	}
	remote, err := parseClock(sec["clock"])
	if err != nil {
		return m, 0, fmt.Errorf("%s: %w", h.Name(), err)
	}
	if m.Facts, err = facts(sec, w); err != nil {
		return m, 0, fmt.Errorf("%s: %w", h.Name(), err)
	}
	m.Hosts = &HostsFile{File: fileOf(read, hostsPath)}
	m.found(sec, w, read)
	// The machine's clock was read somewhere between t0 and t1; the middle is wrong by half the time of the whole look at most.
	return m, remote.Sub(t0.Add(t1.Sub(t0) / 2)), nil
}

func (m *MachineStatus) found(sec map[string]string, w MachineStatus, files map[string]reconcile.File) {
	installed := map[string]string{}
	for _, l := range strings.Split(sec["packages"], "\n") {
		f := strings.Fields(l)
		if len(f) == 3 && len(f[0]) >= 2 && f[0][1] == 'i' { // dpkg-query(1): the second letter is the state
			installed[f[1]] = f[2]
		}
	}
	if w.Packages != nil {
		m.Packages = &Packages{Installed: installed}
	}
	units := parseUnits(sec["units"])
	for n := range w.Units {
		if m.Units == nil {
			m.Units = map[string]Unit{}
		}
		u, ok := units[n]
		if !ok {
			u = unitShow{load: "not-found"}
		}
		m.Units[n] = Unit{State: u.file, Missing: u.load == "not-found"}
	}
	path := redhatTimePath
	if m.Facts.Family == "debian" {
		path = debianTimePath
	}
	t := Time{File: fileOf(files, path), Running: units["chrony.service"].active == "active" || units["chronyd.service"].active == "active"}
	_, t.Rival = installed["systemd-timesyncd"]
	if w.Time != nil || (t.File != nil && strings.Contains(t.File.Content.Reveal(), beginMark)) {
		m.Time = &t
	}
	if f := strings.Fields(sec["firewall"]); len(f) == 2 {
		m.Firewall = &Firewall{Permanent: f[0] == "yes", Runtime: f[1] == "yes"}
	}
}

func fileOf(files map[string]reconcile.File, path string) *reconcile.File {
	if f, ok := files[path]; ok {
		return &f
	}
	return nil
}

// sections splits the look's output. An output without its end is an error: what is cut off must not pass for absent.
func sections(out []byte) (map[string]string, error) {
	sec := map[string]string{}
	name := ""
	for _, l := range strings.Split(string(out), "\n") {
		if n, ok := strings.CutPrefix(l, "==hactl "); ok && strings.HasSuffix(n, "==") {
			name = strings.TrimSuffix(n, "==")
			sec[name] = ""
			continue
		}
		if name != "" {
			sec[name] += l + "\n"
		}
	}
	if _, ok := sec["end"]; !ok {
		return nil, fmt.Errorf("the answer to the look at the machine is cut off after %d bytes", len(out))
	}
	return sec, nil
}

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

// why is the reason alone: what prints it names the machine.
func why(u *reconcile.UnreachableError) string {
	s := u.Err.Error()
	if u.Hint != "" {
		s += " (" + u.Hint + ")"
	}
	return s
}

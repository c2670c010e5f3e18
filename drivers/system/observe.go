package system

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sort"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/drivers/marked"
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

// lookScript reads everything that is not a file in one process. Its arguments are lists separated by blanks: packages, units, names to resolve,
// "firewall" when that is wanted, and accounts. What is not asked for is not run. The clock is read first, so that it is nearest to the request.
const lookScript = `set -f; export LC_ALL=C
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
for n in $5; do s "account $n"; id -nG -- "$n" 2>/dev/null; done
s end`

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
	return reconcile.Cmd{Argv: []string{"sh", "-c", lookScript, "hactl-look",
		strings.Join(packages, " "), strings.Join(units, " "), strings.Join(names, " "), fw,
		strings.Join(sortedKeys(w.Accounts), " ")}}
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
				m = MachineStatus{Name: h.Name(), Member: w.Member, Unobserved: un.Why()}
			case err != nil:
				return err
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
	if paths := w.paths(); len(paths) > 0 {
		g.Go(func() (err error) {
			m.Found, err = h.ReadFiles(gctx, paths...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return m, 0, err
	}
	sec, err := look.Sections(out)
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
	m.Accounts = accountsOf(sec, w.Accounts)
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
	if w.Time != nil || (t.File != nil && strings.Contains(t.File.Content.Reveal(), marked.Begin)) {
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
